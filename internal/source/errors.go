package source

import (
	"errors"
	"fmt"
)

// What can be wrong, for errors.Is. ErrUnreachable and ErrBusy pass by themselves; the others stay until someone
// changes something.
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

// Error is what went wrong with a repository, for a reader: object, cause, remedy.
type Error struct {
	// Kind is one of the errors above, or nil.
	Kind error
	// Repository is its URL without secrets.
	Repository string
	// Problem is the cause, and Remedy what to do; both without secrets.
	Problem string
	Remedy  string
}

// Error is one line.
func (e *Error) Error() string {
	s := fmt.Sprintf("repository %s: %s", e.Repository, e.Problem)
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// IsTemporary reports whether trying again later, with nothing changed, makes sense.
func IsTemporary(err error) bool { return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrBusy) }
