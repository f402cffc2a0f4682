package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// branchPush is a branch at its host, with the credentials to push to it.
type branchPush struct {
	hostedRepo
	access *gitAccess
	branch string
}

// tip fetches the branch and returns its end.
func (l branchPush) tip(ctx context.Context) (string, error) {
	err := l.fetchBranch(ctx, l.access, l.branch)
	if err != nil && !errors.Is(err, ErrNoRevision) && suspectsMirror(err) {
		if err = l.fetch(ctx, "", ""); err == nil {
			err = l.fetchBranch(ctx, l.access, l.branch)
		}
	}
	if err != nil {
		return "", err
	}
	info, err := l.objects.info(ctx, "refs/heads/"+l.branch+"^{commit}")
	if err != nil {
		return "", l.checkCorrupt("refs/heads/"+l.branch, err)
	}
	return info.name, nil
}

// pushOnce finds out what became of a push whose answer was lost.
func (l branchPush) pushOnce(ctx context.Context, commit string) error {
	err := l.push(ctx, commit)
	if err == nil || !errors.Is(err, ErrUnreachable) {
		return err
	}
	arrived, lookErr := l.arrived(ctx, commit)
	switch {
	case lookErr != nil:
		return fmt.Errorf("%w; %w", err, ErrUncertain)
	case arrived:
		return nil
	}
	return err
}

// arrived reports whether a branch on the host holds a commit.
func (l branchPush) arrived(ctx context.Context, commit string) (bool, error) {
	if err := l.fetchBranch(ctx, l.access, l.branch); err != nil {
		return false, err
	}
	_, err := l.store.git.run(ctx, gitCall{dir: l.dir, args: []string{"merge-base", "--is-ancestor", commit, "refs/heads/" + l.branch}})
	var exit *exitError
	if errors.As(err, &exit) && exit.code == 1 {
		return false, nil
	}
	return err == nil, err
}

// lostRacePatterns are git's and the hosts' words for a branch that has moved meanwhile.
var lostRacePatterns = []string{"fetch first", "non-fast-forward", "failed to update ref", "cannot lock ref", "incorrect old value", "stale info", "reference already exists", "unable to lock", "failed to lock"}

// push returns ErrBusy when the branch has moved, and ErrPushRefused when the host does not want the commit.
func (l branchPush) push(ctx context.Context, commit string) error {
	a, branch := l.access, l.branch
	args := []string{"push", "--porcelain", "--no-verify", "--no-signed", "--recurse-submodules=no", "--", a.url, commit + ":refs/heads/" + branch}
	_, err := l.store.git.run(ctx, a.call(gitCall{dir: l.dir, args: args, timeout: l.store.opts.FetchTimeout}))
	var exit *exitError
	if !errors.As(err, &exit) {
		if err != nil {
			return a.explain("pushing to "+branch, err)
		}
		return nil
	}
	status := rejection(exit.stdout)
	switch {
	case status == "":
		return a.explain("pushing to "+branch, err)
	case containsAny(strings.ToLower(status), lostRacePatterns):
		return newError(ErrBusy, l.name, fmt.Sprintf("the branch %s moved at every attempt to push: %s", branch, redactSecrets(status, a.secrets)), "run it again")
	}
	said := gitMessage(redactSecrets(exit.stderr, a.secrets))
	return newError(ErrPushRefused, l.name, fmt.Sprintf("host refused the push to %s: %s: %s", branch, status, said), "let the credentials push to this branch, or name a branch that they may push to")
}

// rejection finds the line of a refused ref in what push --porcelain prints: "!", the refs and the reason, with tabs
// between.
func rejection(stdout string) string {
	for line := range strings.Lines(stdout) {
		if fields := strings.Split(strings.TrimSpace(line), "\t"); len(fields) == 3 && fields[0] == "!" {
			return fields[2]
		}
	}
	return ""
}
