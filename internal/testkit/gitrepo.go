package testkit

import (
	"bytes"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/source/gitserver"
)

// Repo is a git repository on a real git server, and a clone to work in. Both go with the test.
type Repo struct {
	// URL is where the server offers it, on 127.0.0.1.
	URL string
	// Dir is the clone.
	Dir string
	// Bare is the served repository itself.
	Bare string
	// Server can go away and come back: see gitserver.
	Server *httptest.Server

	t testing.TB
}

// GitRepo serves an empty repository whose default branch is main.
func GitRepo(t testing.TB) *Repo {
	t.Helper()
	return GitRepoWith(t, gitserver.Options{})
}

// GitRepoWith is GitRepo with authentication, or with a notice of each push. The clone pushes past the authentication.
func GitRepoWith(t testing.TB, opts gitserver.Options) *Repo {
	t.Helper()
	server, err := gitserver.New(t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := server.Create("app")
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	r := &Repo{URL: web.URL + "/app.git", Dir: filepath.Join(t.TempDir(), "clone"), Bare: bare, Server: web, t: t}
	origin := r.URL
	if len(opts.Users) > 0 {
		origin = bare
	}
	r.run("", "init", "--quiet", "--initial-branch=main", "--template=", "--", r.Dir)
	r.Git("remote", "add", "origin", origin)
	return r
}

// Commit writes files, commits them on the branch that the clone is on, pushes it, and returns the commit. An empty
// content deletes the file.
func (r *Repo) Commit(files map[string]string) string {
	r.t.Helper()
	sha := r.CommitLocally(files)
	r.Push("HEAD")
	return sha
}

// CommitLocally is Commit without the push.
func (r *Repo) CommitLocally(files map[string]string) string {
	r.t.Helper()
	for name, content := range files {
		path := filepath.Join(r.Dir, filepath.FromSlash(name))
		if content == "" {
			if err := os.Remove(path); err != nil {
				r.t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	r.Git("add", "--all", "--force")
	r.Git("commit", "--quiet", "--allow-empty", "--message", "Change "+strings.Join(slices.Sorted(maps.Keys(files)), ", "))
	return r.Git("rev-parse", "HEAD")
}

// Push pushes refspecs to the server.
func (r *Repo) Push(refspecs ...string) {
	r.t.Helper()
	r.Git(append([]string{"push", "--quiet", "origin"}, refspecs...)...)
}

// Git runs git in the clone and returns what it printed, trimmed.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	return r.run(r.Dir, args...)
}

// Served runs git in the served repository.
func (r *Repo) Served(args ...string) string {
	r.t.Helper()
	return r.run(r.Bare, args...)
}

func (r *Repo) run(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.TrimSpace(stdout.String())
}
