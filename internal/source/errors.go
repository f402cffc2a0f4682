package source

import (
	"errors"

	"github.com/cyan-cd/cyan/internal/problem"
)

// What can be wrong, for errors.Is. ErrUnreachable, ErrBusy and ErrCorrupt pass by themselves; the others stay until
// someone changes something.
var (
	// ErrUnreachable: the host does not answer, or breaks off.
	ErrUnreachable = errors.New("unreachable")
	// ErrDenied: the host wants other credentials, or its own identity was not believed.
	ErrDenied = errors.New("access denied")
	// ErrNoRepository: there is no such repository, or the credentials do not show it.
	ErrNoRepository = errors.New("no such repository")
	// ErrNoRevision: the repository has no such branch, tag or commit.
	ErrNoRevision = errors.New("no such revision")
	// ErrRefused: a URL, revision or path that is never used.
	ErrRefused = errors.New("refused")
	// ErrPushRefused: the host takes the connection and not the commit.
	ErrPushRefused = errors.New("push refused")
	// ErrBusy: someone else's push came first, every time.
	ErrBusy = errors.New("busy")
	// ErrUncertain: the host broke off before it said whether it has the commit, and could not be asked.
	ErrUncertain = errors.New("whether the commit arrived there is not known; to run again is safe")
	// ErrCorrupt: the mirror is damaged. It is made anew with the next fetch.
	ErrCorrupt = errors.New("damaged mirror")
)

// kinds are what may be done about each of them, for exit codes and conditions. ErrUncertain is no entry: it stands
// beside what broke off.
var kinds = map[error]problem.Kind{
	ErrUnreachable:  problem.Unreachable,
	ErrBusy:         problem.Unreachable,
	ErrCorrupt:      problem.Unreachable,
	ErrDenied:       problem.Refused,
	ErrPushRefused:  problem.Refused,
	ErrNoRepository: problem.Absent,
	ErrNoRevision:   problem.Absent,
	ErrRefused:      problem.Usage,
}

// newError returns what went wrong with a repository, for a reader. is one of the errors above, or nil; repository is a
// URL without secrets, and neither cause nor remedy may hold one.
func newError(is error, repository, cause, remedy string) *problem.Error {
	return &problem.Error{Kind: kinds[is], Object: "repository " + repository, Cause: cause, Remedy: remedy, Err: is}
}

// IsTemporary reports whether trying again later, with nothing changed, makes sense.
func IsTemporary(err error) bool { return problem.IsTemporary(err) }
