package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// History knows which of two commits is an ancestor of the other.
type History struct {
	git *gitProgram
	dir string
	// name is for errors, and ensure brings a commit that may be missing; it gives ErrNoRevision for what there is not.
	name   string
	ensure func(ctx context.Context, sha string) error
	// next is asked about commits that are not here.
	next *History
}

// IsAncestor reports whether the commit a is b or an ancestor of b. The error is ErrNoRevision for a commit that the
// repository does not have.
func (h *History) IsAncestor(ctx context.Context, a, b string) (bool, error) {
	for _, sha := range []string{a, b} {
		if err := h.has(ctx, sha); errors.Is(err, ErrNoRevision) && h.next != nil {
			return h.next.IsAncestor(ctx, a, b)
		} else if err != nil {
			return false, err
		}
	}
	if a == b {
		return true, nil
	}
	_, err := h.git.run(ctx, gitCall{dir: h.dir, args: []string{"merge-base", "--is-ancestor", a, b}})
	var exit *exitError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && exit.code == 1:
		return false, nil
	}
	return false, fmt.Errorf("repository %s: comparing commits %s and %s: %w", h.name, a, b, err)
}

func (h *History) has(ctx context.Context, sha string) error {
	if !objectName.MatchString(sha) {
		return newError(ErrRefused, h.name, fmt.Sprintf("%.100q is not a full commit SHA", sha), "resolve the revision first")
	}
	return h.ensure(ctx, sha)
}

// Sort puts commits into the order in which they stand on one another, the oldest first. Those that the repository does
// not have, or that are unrelated, keep their places behind.
func (h *History) Sort(ctx context.Context, commits []string) ([]string, error) {
	var known, unknown []string
	for _, sha := range commits {
		switch err := h.has(ctx, sha); {
		case err == nil:
			known = append(known, sha)
		case errors.Is(err, ErrNoRevision):
			unknown = append(unknown, sha)
		default:
			return nil, err
		}
	}
	if len(unknown) > 0 && h.next != nil {
		return h.next.Sort(ctx, commits)
	}
	if len(known) < 2 {
		return append(known, unknown...), nil
	}
	walk := append([]string{"rev-list", "--topo-order", "--reverse"}, known...)
	// What all of them stand on need not be walked.
	base, err := h.git.run(ctx, gitCall{dir: h.dir, args: append([]string{"merge-base", "--octopus"}, known...)})
	var exit *exitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	first := strings.TrimSpace(string(base))
	if objectName.MatchString(first) {
		walk = append(walk, "^"+first)
	}
	out, err := h.git.run(ctx, gitCall{dir: h.dir, args: walk})
	if err != nil {
		return nil, fmt.Errorf("repository %s: putting commits into order: %w", h.name, err)
	}
	wanted := map[string]bool{}
	for _, sha := range known {
		wanted[sha] = true
	}
	var sorted []string
	for _, sha := range append([]string{first}, strings.Fields(string(out))...) {
		if wanted[sha] {
			sorted = append(sorted, sha)
			delete(wanted, sha)
		}
	}
	return append(sorted, unknown...), nil
}
