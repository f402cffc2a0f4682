package source

import (
	"context"
	"fmt"
	"strings"
)

// Unpublished is what a working copy has that others would not see of a commit in it.
type Unpublished struct {
	// Files differ from what is checked out, or are not in git; paths from the top folder. Ignored ones do not count.
	Files []string
	// NotPushed is set when no remote-tracking branch has the commit.
	NotPushed bool
}

// Unpublished looks at a working copy; a mirror has nothing of its own.
func (c *Checkout) Unpublished(ctx context.Context, sha string) (Unpublished, error) {
	var found Unpublished
	if c.of != nil {
		return found, nil
	}
	if !objectName.MatchString(sha) {
		return found, newError(ErrRefused, c.Dir, fmt.Sprintf("%.100q is not a full commit SHA", sha), "resolve the revision first")
	}
	status, err := c.run(ctx, "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal")
	if err != nil {
		return found, fmt.Errorf("reading the status of %s: %w", c.Dir, err)
	}
	for _, entry := range strings.FieldsFunc(status, func(r rune) bool { return r == 0 }) {
		const columns = len("XY ")
		found.Files = append(found.Files, entry[min(columns, len(entry)):])
	}
	refs, err := c.run(ctx, "for-each-ref", "--contains="+sha, "--count=1", "refs/remotes")
	if err != nil {
		return found, fmt.Errorf("looking for commit %s in the remotes of %s: %w", sha, c.Dir, err)
	}
	found.NotPushed = refs == ""
	return found, nil
}
