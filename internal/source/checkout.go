package source

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Checkout is a person's or a CI job's working copy. Git is run in it with their own configuration, so that what opens
// their remotes opens them here, but without their hooks.
type Checkout struct {
	git *gitProgram
	// Dir is its top folder.
	Dir string
	// of is the repository whose mirror this is, and branch the one that was asked for; nil for a working copy.
	of     *Repository
	branch string
}

// OpenCheckout finds the working copy that dir is in.
func OpenCheckout(ctx context.Context, dir string) (*Checkout, error) {
	g, err := newGitProgram(true)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	c := &Checkout{git: g, Dir: dir}
	out, err := c.run(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, newError(ErrNoRepository, dir, "not a working copy: "+gitMessage(err.Error()), "give the folder of a git checkout, or the URL of a repository")
	}
	c.Dir = out
	return c, nil
}

func (c *Checkout) run(ctx context.Context, args ...string) (string, error) {
	out, err := c.git.run(ctx, c.call(args...))
	return strings.TrimRight(string(out), "\n"), err
}

func (c *Checkout) call(args ...string) gitCall {
	if c.of != nil {
		return gitCall{dir: c.Dir, args: args, timeout: time.Minute}
	}
	return gitCall{args: append([]string{"-C", c.Dir}, args...), timeout: time.Minute}
}

// Resolve returns the commit that a revision names here; "" is what is checked out.
func (c *Checkout) Resolve(ctx context.Context, revision string) (string, error) {
	if revision == "" {
		revision = "HEAD"
	}
	if err := checkRevision(c.Dir, revision); err != nil {
		return "", err
	}
	sha, err := c.run(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil || !objectName.MatchString(sha) {
		return "", newError(ErrNoRevision, c.Dir, fmt.Sprintf("commit %q not found", revision), "commit first, or fetch it")
	}
	return sha, nil
}

// Commit reads a commit.
func (c *Checkout) Commit(ctx context.Context, sha string) (Commit, error) {
	if !objectName.MatchString(sha) {
		return Commit{}, newError(ErrRefused, c.Dir, fmt.Sprintf("%.100q is not a full commit SHA", sha), "resolve the revision first")
	}
	out, err := c.git.run(ctx, c.call("cat-file", "commit", sha))
	if err != nil {
		return Commit{}, fmt.Errorf("reading commit %s: %w", sha, err)
	}
	commit, err := parseCommit(out)
	commit.SHA = sha
	return commit, err
}

// Changes are the paths in which a commit differs from its first parent.
func (c *Checkout) Changes(ctx context.Context, sha string) ([]string, error) {
	out, err := c.run(ctx, "diff-tree", "--root", "--no-commit-id", "--name-only", "--no-renames", "-r", "-z", "-m", "--first-parent", "--end-of-options", sha)
	if err != nil {
		return nil, fmt.Errorf("reading the changes of commit %s: %w", sha, err)
	}
	return strings.FieldsFunc(out, func(r rune) bool { return r == 0 }), nil
}

// Branch is the branch that is checked out or was asked for, "" when none is.
func (c *Checkout) Branch(ctx context.Context) string {
	if c.of != nil {
		return c.branch
	}
	name, err := c.run(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	if err != nil {
		return ""
	}
	return name
}

// Remote returns the repository that commits are pushed to, with the credentials that the working copy's own
// configuration holds, as a CI job's checkout leaves them there.
func (c *Checkout) Remote(ctx context.Context, name string) (Repository, error) {
	if c.of != nil {
		return *c.of, nil
	}
	if err := checkRevision(c.Dir, name); err != nil {
		return Repository{}, err
	}
	url, err := c.run(ctx, "remote", "get-url", "--push", "--", name)
	if err != nil || url == "" {
		return Repository{}, newError(ErrNoRepository, c.Dir, fmt.Sprintf("remote %q not found", name), "add one, or name another repository to commit to")
	}
	if _, err := parseURL(url); err != nil && !strings.Contains(url, "://") {
		url = filepath.Join(c.Dir, url)
	}
	repo := Repository{URL: url}
	header, err := c.run(ctx, "config", "--get-urlmatch", "http.extraHeader", url)
	if err == nil {
		repo.Credentials = fromHeader(header)
	}
	return repo, nil
}

// History is that of the working copy, which may be shallow; what it lacks is looked for in other.
func (c *Checkout) History(ctx context.Context, other *History) (*History, error) {
	dir, err := c.run(ctx, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", c.Dir, err)
	}
	shallow, _ := c.run(ctx, "rev-parse", "--is-shallow-repository")
	if shallow == "true" && other != nil {
		return other, nil
	}
	return &History{git: c.git, dir: dir, name: c.Dir, next: other, ensure: func(ctx context.Context, sha string) error {
		if _, err := c.run(ctx, "cat-file", "-e", sha+"^{commit}"); err == nil {
			return nil
		}
		return newError(ErrNoRevision, c.Dir, "commit "+sha+" not found", "fetch it")
	}}, nil
}

// Export writes a commit's files into an empty folder.
func (c *Checkout) Export(ctx context.Context, sha, to string) error {
	if !objectName.MatchString(sha) {
		return newError(ErrRefused, c.Dir, fmt.Sprintf("%.100q is not a full commit SHA", sha), "resolve the revision first")
	}
	for _, args := range [][]string{{"read-tree", sha}, {"checkout-index", "--all", "--force"}} {
		write := c.call(append([]string{"--work-tree=" + to}, args...)...)
		write.env, write.timeout = []string{"GIT_INDEX_FILE=" + to + ".index"}, 0
		if _, err := c.git.run(ctx, write); err != nil {
			return fmt.Errorf("writing the files of commit %s: %w", sha, err)
		}
	}
	return nil
}
