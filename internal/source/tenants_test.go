package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// What was fetched with one credential is read with that one alone, whatever the spelling of the URL.
func TestWhatOneCredentialFetchedNoOtherReads(t *testing.T) {
	repo := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": "s3cret-p@ss"}})
	sha := repo.Commit(map[string]string{"a": "1"})
	m := open(t, source.Options{})
	let := source.Repository{URL: repo.URL, Credentials: source.Credentials{Username: "ada", Password: "s3cret-p@ss"}}
	must(t, readA(t.Context(), m, let, sha, "1"))
	for _, c := range []struct {
		rule string
		repo source.Repository
	}{
		{"no credentials", source.Repository{URL: repo.URL}},
		{"another password", source.Repository{URL: repo.URL, Credentials: source.Credentials{Username: "ada", Password: "wrong-p@ss"}}},
		{"another user", source.Repository{URL: repo.URL, Credentials: source.Credentials{Username: "eve", Password: "s3cret-p@ss"}}},
		{"a token", source.Repository{URL: repo.URL, Credentials: source.Credentials{BearerToken: "s3cret-p@ss"}}},
		{"another spelling", source.Repository{URL: strings.TrimSuffix(repo.URL, ".git") + "/"}},
		{"a user in the URL", source.Repository{URL: strings.Replace(repo.URL, "://", "://ada@", 1)}},
		{"dots", source.Repository{URL: strings.Replace(repo.URL, "/app.git", "/x/%2e%2e/app.git", 1)}},
	} {
		if got, err := m.Resolve(t.Context(), c.repo, sha); !errors.Is(err, source.ErrDenied) {
			t.Errorf("%s: Resolve: got %q, %v, want %v", c.rule, got, err, source.ErrDenied)
		}
		if _, err := m.Commit(t.Context(), c.repo, sha); !errors.Is(err, source.ErrDenied) {
			t.Errorf("%s: Commit: got %v, want %v", c.rule, err, source.ErrDenied)
		}
		if _, err := m.Tree(t.Context(), c.repo, sha); !errors.Is(err, source.ErrDenied) {
			t.Errorf("%s: Tree: got %v, want %v", c.rule, err, source.ErrDenied)
		}
		if _, err := m.IsAncestor(t.Context(), c.repo, sha, sha); !errors.Is(err, source.ErrDenied) {
			t.Errorf("%s: IsAncestor: got %v, want %v", c.rule, err, source.ErrDenied)
		}
	}
	spelt := source.Repository{URL: strings.Replace(repo.URL, "://", "://ada:s3cret-p%40ss@", 1)}
	must(t, readA(t.Context(), m, spelt, sha, "1"))
	if spelt.Identity() != let.Identity() || let.Identity() == (source.Repository{URL: repo.URL}).Identity() {
		t.Error("identities: one credential has two, or two have one")
	}
}

// Whoever may look at the folder of mirrors, but not into its key, cannot try passwords on the names.
func TestNamesOfMirrorsAreKeyed(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	names := map[string]bool{}
	for range 2 {
		dir := t.TempDir()
		for range 2 {
			m, err := source.Open(dir, source.Options{})
			must(t, err)
			must(t, readA(t.Context(), m, source.Repository{URL: repo.URL}, sha, "1"))
			must(t, m.Close())
		}
		names[filepath.Base(mirrorDir(t, dir))] = true
	}
	if len(names) != 2 {
		t.Errorf("got names %v, want one for each folder, the same at each start", names)
	}
}

// Repositories on the server's own disk are read where that is allowed, and nowhere else.
func TestDirectoriesOfTheServer(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	root := t.TempDir()
	allowed, secret := filepath.Join(root, "allowed"), filepath.Join(root, "allowed-not")
	for _, dir := range []string{allowed, secret} {
		must(t, os.MkdirAll(filepath.Join(dir, "team"), 0o755))
		must(t, os.CopyFS(filepath.Join(dir, "team", "app.git"), os.DirFS(repo.Bare)))
	}
	must(t, os.Symlink(secret, filepath.Join(allowed, "link")))
	must(t, os.Symlink(allowed, filepath.Join(root, "alias")))
	mirrors := filepath.Join(root, "mirrors")
	m, err := source.Open(mirrors, source.Options{LocalDirectories: []string{filepath.Join(root, "alias"), mirrors}})
	must(t, err)
	defer func() { _ = m.Close() }()
	must(t, readA(t.Context(), m, source.Repository{URL: allowed + "/team/app.git"}, sha, "1"))
	for _, c := range []struct {
		rule, url string
		want      error
	}{
		{"a path", allowed + "/team/app.git", nil},
		{"a URL", "file://" + allowed + "/team/app.git", nil},
		{"without .git", allowed + "/team/app", nil},
		{"through an alias of the directory", root + "/alias/team/app.git", nil},
		{"what is not there", allowed + "/team/none", source.ErrNoRepository},
		{"a directory beside it that is spelt alike", secret + "/team/app.git", source.ErrRefused},
		{"dots", allowed + "/../allowed-not/team/app.git", source.ErrRefused},
		{"encoded dots", "file://" + allowed + "/%2e%2e/allowed-not/team/app.git", source.ErrRefused},
		{"a link that leads out", allowed + "/link/team/app.git", source.ErrRefused},
		{"what is nowhere", "/nowhere/app.git", source.ErrRefused},
		{"a mirror", mirrorDir(t, mirrors), source.ErrRefused},
		{"a mirror without .git", strings.TrimSuffix(mirrorDir(t, mirrors), ".git"), source.ErrRefused},
	} {
		got, err := m.Resolve(t.Context(), source.Repository{URL: c.url}, "main")
		if !errors.Is(err, c.want) || c.want == nil && got != sha {
			t.Errorf("%s: %s: got %q, %v, want %v", c.rule, c.url, got, err, c.want)
		}
		if c.want != nil {
			if _, err := m.Resolve(t.Context(), source.Repository{URL: c.url}, sha); !errors.Is(err, c.want) {
				t.Errorf("%s: %s at a known commit: got %v, want %v", c.rule, c.url, err, c.want)
			}
		}
	}
	none, err := source.Open(t.TempDir(), source.Options{})
	must(t, err)
	defer func() { _ = none.Close() }()
	_, err = none.Resolve(t.Context(), source.Repository{URL: "file://" + repo.Bare}, "main")
	if !errors.Is(err, source.ErrRefused) || problem.KindOf(err) != problem.Refused || !strings.Contains(err.Error(), "--allow-repository-directory") {
		t.Errorf("without any directory: got %v, want it refused", err)
	}
}

func TestCheckLocalDirectories(t *testing.T) {
	if err := source.CheckLocalDirectories([]string{t.TempDir(), "/"}); err != nil {
		t.Error(err)
	}
	for _, dir := range []string{"relative", "", filepath.Join(t.TempDir(), "none")} {
		if err := source.CheckLocalDirectories([]string{dir}); err == nil {
			t.Errorf("%q: no error", dir)
		}
	}
}
