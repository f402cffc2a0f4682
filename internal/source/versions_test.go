package source_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// A range of versions is the highest tag in it; what is called so counts before what is in the range.
func TestRangesOfVersions(t *testing.T) {
	repo := testkit.GitRepo(t)
	at := map[string]string{}
	for _, tag := range []string{"v1.0.0", "v1.2.0", "1.10.0", "v1.9.0", "v2.0.0", "v2.1.0-rc.1", "3.0.0-rc.1", "nightly", "v1", "stable.x"} {
		at[tag] = repo.Commit(map[string]string{"a": tag})
		if tag == "v1.2.0" {
			repo.Git("tag", "--annotate", "--message", tag, tag)
		} else {
			repo.Git("tag", tag)
		}
	}
	repo.Push("--tags")
	branch := repo.Commit(map[string]string{"a": "branch"})
	repo.Push("HEAD:refs/heads/5.x")
	m := open(t, source.Options{})
	from := source.Repository{URL: repo.URL}
	for _, c := range []struct{ revision, want string }{
		{"v1.*", "1.10.0"}, {"1.x", "1.10.0"}, {"1.X", "1.10.0"}, {"1.2.*", "v1.2.0"}, {"~1.2", "v1.2.0"}, {"^1.0.0", "1.10.0"}, {">=1.0.0", "v2.0.0"}, {">= 1.0.0, < 1.10.0", "v1.9.0"},
		{">=1.0.0 <2", "1.10.0"}, {"*", "v2.0.0"}, {"1.0.0 - 1.9.0", "v1.9.0"}, {"1.0.x || 2.x", "v2.0.0"}, {"=1.2.0", "v1.2.0"}, {">=2.1.0-0", "3.0.0-rc.1"}, {"~2.1.0-0", "v2.1.0-rc.1"},
		{"v1", "v1"}, {"stable.x", "stable.x"}, {"v1.2.0", "v1.2.0"},
	} {
		if got, err := m.Resolve(t.Context(), from, c.revision); err != nil || got != at[c.want] {
			t.Errorf("%q: got %q, %v, want %s of tag %s", c.revision, got, err, at[c.want], c.want)
		}
	}
	if got, err := m.Resolve(t.Context(), from, "5.x"); err != nil || got != branch {
		t.Errorf("a branch with the name of a range: got %q, %v, want %s", got, err, branch)
	}
	for _, c := range []struct {
		revision string
		is       error
		says     string
	}{
		{"7.x", source.ErrNoRevision, `no branch or tag "7.x", and none of 10 tags is a version in that range`},
		{">=9", source.ErrNoRevision, "none of 10 tags"},
		{"~/x", source.ErrRefused, "a range of versions"},
		{"-1.x", source.ErrRefused, "cannot be a revision"},
		{">=1.0.0 --upload-pack=x", source.ErrRefused, "cannot be a revision"},
		{strings.Repeat("1.x || ", 100) + "1.x", source.ErrRefused, "cannot be a revision"},
		{"absent", source.ErrNoRevision, `branch or tag "absent" not found`},
		{"abcdef1", source.ErrNoRevision, `branch, tag or commit "abcdef1" not found`},
	} {
		if got, err := m.Resolve(t.Context(), from, c.revision); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: got %q, %v, want %q", c.revision, got, err, c.says)
		}
	}
	// A tag that comes later is found as soon as it is asked for.
	newest := repo.Commit(map[string]string{"a": "newer"})
	repo.Git("tag", "v1.11.0")
	repo.Push("--tags")
	if got, err := m.Resolve(t.Context(), from, "1.x"); err != nil || got != newest {
		t.Errorf("after a new tag: got %q, %v, want %s", got, err, newest)
	}
}

// Whatever a range is: it never reaches git as an option or an expression.
func FuzzRanges(f *testing.F) {
	for _, seed := range []string{"v1.*", ">=1.0.0", "-x", "1.x || --all", "*", "^1"} {
		f.Add(seed)
	}
	repo := testkit.GitRepo(f)
	sha := repo.Commit(map[string]string{"a": "1"})
	repo.Git("tag", "v1.0.0")
	repo.Push("--tags")
	m := open(f, source.Options{TrustRefs: 1 << 60})
	f.Fuzz(func(t *testing.T, revision string) {
		got, err := m.Resolve(t.Context(), source.Repository{URL: repo.URL}, revision)
		if err == nil && got != sha || err != nil && !errors.Is(err, source.ErrNoRevision) && !errors.Is(err, source.ErrRefused) {
			t.Errorf("%q: got %q, %v", revision, got, err)
		}
	})
}
