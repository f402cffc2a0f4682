package source_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func open(t testing.TB, opts source.Options) *source.Mirrors {
	t.Helper()
	if opts.TrustRefs == 0 {
		opts.TrustRefs = time.Nanosecond
	}
	opts.LocalDirectories = append(opts.LocalDirectories, os.TempDir())
	m, err := source.Open(t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// counted puts a counter of the requests to one path's end in front of a server.
func counted(t *testing.T, repo *testkit.Repo, path string) (url string, count *atomic.Int64) {
	t.Helper()
	count = &atomic.Int64{}
	inner := repo.Server.Config.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, path) {
			count.Add(1)
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	return web.URL + "/app.git", count
}

func TestResolve(t *testing.T) {
	repo := testkit.GitRepo(t)
	first := repo.Commit(map[string]string{"a": "1"})
	repo.Git("tag", "light")
	repo.Git("tag", "--annotate", "--message", "annotated", "v1.0")
	repo.Push("--tags")
	second := repo.Commit(map[string]string{"a": "2"})
	repo.Push("HEAD:refs/heads/feature/x", "HEAD:refs/pull/7/head")
	hidden := repo.CommitLocally(map[string]string{"a": "pull request"})
	repo.Push("HEAD:refs/pull/8/head")
	annotated := repo.Git("rev-parse", "v1.0")

	for _, over := range []string{repo.URL, "file://" + repo.Bare, repo.Bare} {
		m := open(t, source.Options{})
		for _, c := range []struct{ revision, want string }{
			{"", second}, {"HEAD", second}, {"main", second}, {"refs/heads/main", second}, {"feature/x", second},
			{"light", first}, {"v1.0", first}, {"refs/tags/v1.0", first}, {first, first}, {strings.ToUpper(first), first}, {first[:9], first},
			{annotated, first}, {"refs/pull/8/head", hidden}, {hidden, hidden},
		} {
			got, err := m.Resolve(t.Context(), source.Repository{URL: over}, c.revision)
			if err != nil || got != c.want {
				t.Errorf("%s: Resolve(%q) = %q, %v; want %q", over, c.revision, got, err, c.want)
			}
		}
		for _, c := range []struct {
			revision string
			want     error
		}{
			{"absent", source.ErrNoRevision}, {strings.Repeat("1", 40), source.ErrNoRevision}, {"abcdef1", source.ErrNoRevision},
			{"-upload-pack=x", source.ErrRefused}, {"--all", source.ErrRefused}, {"main~1", source.ErrRefused}, {"a..b", source.ErrRefused}, {"a b", source.ErrRefused}, {"a\nb", source.ErrRefused},
			{"@{-1}", source.ErrRefused}, {"main:a", source.ErrRefused},
			{repo.Git("rev-parse", "HEAD^{tree}"), source.ErrNoRevision},
		} {
			if got, err := m.Resolve(t.Context(), source.Repository{URL: over}, c.revision); !errors.Is(err, c.want) {
				t.Errorf("%s: Resolve(%q) = %q, %v; want %v", over, c.revision, got, err, c.want)
			}
		}
	}
}

// A name that a branch and a tag have is refused where the two lead to different commits, and the full names say which
// is meant; a branch that is called HEAD is not the default branch.
func TestNamesOfABranchAndATag(t *testing.T) {
	repo := testkit.GitRepo(t)
	first := repo.Commit(map[string]string{"a": "1"})
	repo.Git("tag", "light")
	repo.Git("tag", "--annotate", "--message", "annotated", "v1.0")
	repo.Git("tag", "--annotate", "--message", "alike", "alike")
	repo.Push("--tags", "HEAD:refs/heads/alike", "HEAD:refs/heads/HEAD")
	second := repo.Commit(map[string]string{"a": "2"})
	repo.Push("HEAD:refs/heads/light", "HEAD:refs/heads/v1.0")
	m := open(t, source.Options{})
	for revision, want := range map[string]string{
		"refs/heads/light": second, "refs/tags/light": first, "refs/heads/v1.0": second, "refs/tags/v1.0": first, "alike": first, "HEAD": second, "": second,
	} {
		if got, err := m.Resolve(t.Context(), source.Repository{URL: repo.URL}, revision); err != nil || got != want {
			t.Errorf("Resolve(%q) = %q, %v; want %q", revision, got, err, want)
		}
	}
	for _, revision := range []string{"light", "v1.0"} {
		_, err := m.Resolve(t.Context(), source.Repository{URL: repo.URL}, revision)
		if want := fmt.Sprintf("%q is a branch and a tag of different commits; write refs/heads/%[1]s or refs/tags/%[1]s", revision); !errors.Is(err, source.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("Resolve(%q): got %v, want %s", revision, err, want)
		}
	}
}

func TestResolveOfEmptyRepository(t *testing.T) {
	repo := testkit.GitRepo(t)
	m := open(t, source.Options{})
	_, err := m.Resolve(t.Context(), source.Repository{URL: repo.URL}, "")
	if !errors.Is(err, source.ErrNoRevision) || !strings.Contains(err.Error(), "push a first commit") {
		t.Fatal(err)
	}
	sha := repo.Commit(map[string]string{"a": "1"})
	if got, err := m.Resolve(t.Context(), source.Repository{URL: repo.URL}, ""); got != sha {
		t.Fatal(got, err)
	}
}

func TestRewrittenBranch(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"a": "1"})
	old := repo.Commit(map[string]string{"a": "2"})
	m := open(t, source.Options{})
	at := source.Repository{URL: repo.URL}
	if got, err := m.Resolve(t.Context(), at, "main"); got != old {
		t.Fatal(got, err)
	}
	repo.Git("reset", "--quiet", "--hard", "HEAD^")
	repo.CommitLocally(map[string]string{"a": "3"})
	repo.Push("--force", "HEAD")
	want := repo.Git("rev-parse", "HEAD")
	if got, err := m.Resolve(t.Context(), at, "main"); got != want {
		t.Fatal(got, err)
	}
	if tree, err := m.Tree(t.Context(), at, old); err != nil {
		t.Error("what was deployed must stay readable:", err)
	} else if data, err := fs.ReadFile(tree, "a"); string(data) != "2" {
		t.Error(string(data), err)
	}
	// A branch in the place of a folder of branches.
	repo.Push("HEAD:refs/heads/x/y")
	if _, err := m.Resolve(t.Context(), at, "x/y"); err != nil {
		t.Fatal(err)
	}
	repo.Push(":refs/heads/x/y")
	repo.CommitLocally(map[string]string{"a": "4"})
	repo.Push("HEAD:refs/heads/x")
	if got, err := m.Resolve(t.Context(), at, "x"); got != repo.Git("rev-parse", "HEAD") {
		t.Fatal(got, err)
	}
}

func TestOneFetchForAll(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	url, fetches := counted(t, repo, "/git-upload-pack")
	must(t, readA(t.Context(), open(t, source.Options{TrustRefs: time.Minute}), source.Repository{URL: url}, sha, "1"))
	alone := fetches.Swap(0)
	m := open(t, source.Options{TrustRefs: time.Minute})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got, err := m.Resolve(t.Context(), source.Repository{URL: url}, "main"); got != sha {
				t.Error(got, err)
			}
			tree, err := m.Tree(t.Context(), source.Repository{URL: url + "/"}, sha)
			if err != nil {
				t.Error(err)
				return
			}
			if data, err := tree.ReadFile("a"); string(data) != "1" {
				t.Error(string(data), err)
			}
		})
	}
	all.Wait()
	if n := fetches.Load(); n != alone {
		t.Errorf("20 readers of one commit made %d requests, one made %d", n, alone)
	}
	before := fetches.Load()
	if _, err := m.Resolve(t.Context(), source.Repository{URL: url}, sha); err != nil {
		t.Error(err)
	}
	if n := fetches.Load(); n != before {
		t.Errorf("a commit that is there cost %d requests", n-before)
	}
}

func TestCommitAndLog(t *testing.T) {
	repo := testkit.GitRepo(t)
	first := repo.Commit(map[string]string{"a": "1"})
	repo.CommitLocally(map[string]string{"a": "2"})
	repo.Git("commit", "--quiet", "--amend", "--message", "Subject line\n\nA body: with a colon\nthat goes on.\n\nSource-Commit: abc\nImage: x@sha256:1\n goes on\nCyan-Delivery: d")
	repo.Push("HEAD")
	second := repo.Git("rev-parse", "HEAD")
	m := open(t, source.Options{})
	at := source.Repository{URL: repo.URL}
	c, err := m.Commit(t.Context(), at, second)
	must(t, err)
	if c.Subject != "Subject line" || c.Author.Name != "Ada" || c.Author.Email != "ada@example.com" || time.Since(c.Author.Time) > time.Hour || len(c.Parents) != 1 || c.Parents[0] != first {
		t.Errorf("%+v", c)
	}
	if c.Trailer("source-commit") != "abc" || c.Trailer("Image") != "x@sha256:1 goes on" || c.Trailer("Absent") != "" {
		t.Errorf("%+v", c.Trailers)
	}
	log, err := m.Log(t.Context(), at, second, 10)
	if err != nil || len(log) != 2 || log[1].SHA != first {
		t.Error(log, err)
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{{first, second, true}, {second, first, false}, {first, first, true}} {
		if got, err := m.IsAncestor(t.Context(), at, c.a, c.b); err != nil || got != c.want {
			t.Error(c, got, err)
		}
	}
	if _, err := m.IsAncestor(t.Context(), at, strings.Repeat("1", 40), second); !errors.Is(err, source.ErrNoRevision) {
		t.Error(err)
	}
}

func TestServerComesAndGoes(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"a": "1"})
	var down atomic.Bool
	inner := repo.Server.Config.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !down.Load() {
			inner.ServeHTTP(w, r)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	defer web.Close()
	at := source.Repository{URL: web.URL + "/app.git"}
	m := open(t, source.Options{})
	tips := source.NewRefPoller(m, source.RefPollerOptions{Every: 20 * time.Millisecond, MaxBackoff: 40 * time.Millisecond})
	defer tips.Follow(at)()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tips.Run(ctx) }()
	defer func() {
		cancel()
		must(t, <-done)
	}()
	next := func(what string) {
		t.Helper()
		select {
		case got := <-tips.Changed():
			if got != at.Identity() {
				t.Fatalf("%s: %s", what, got)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: nothing was told; last: %v", what, tips.Err(at))
		}
	}
	next("first look")
	sha := repo.Commit(map[string]string{"a": "2"})
	next("a push")
	must(t, readA(t.Context(), m, at, sha, "2"))
	down.Store(true)
	waitFor(t, func() bool { return source.IsTemporary(tips.Err(at)) })
	sha = repo.Commit(map[string]string{"a": "3"})
	down.Store(false)
	next("back again")
	must(t, readA(t.Context(), m, at, sha, "3"))
}

func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not come to pass within 20 s")
		}
	}
}

func TestTipsBoundAndNudge(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"a": "1"})
	var now, most, total atomic.Int64
	inner := repo.Server.Config.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/info/refs") {
			total.Add(1)
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
		}
		u := *r.URL
		u.Path = "/app.git" + strings.TrimPrefix(u.Path, "/"+strings.Split(u.Path, "/")[1])
		r.URL = &u
		inner.ServeHTTP(w, r)
	}))
	defer web.Close()
	m := open(t, source.Options{})
	tips := source.NewRefPoller(m, source.RefPollerOptions{Every: time.Hour, Parallel: 2})
	const repositories = 8
	want := map[string]bool{}
	for i := range repositories {
		at := source.Repository{URL: web.URL + "/r" + string(rune('a'+i)) + ".git"}
		defer tips.Follow(at)()
		defer tips.Follow(at)()
		want[at.Identity()] = true
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tips.Run(ctx) }()
	for range repositories {
		delete(want, <-tips.Changed())
	}
	if len(want) > 0 || most.Load() > 2 || total.Load() != repositories {
		t.Errorf("not looked at: %v; at once: %d; in all: %d", want, most.Load(), total.Load())
	}
	repo.Commit(map[string]string{"a": "2"})
	tips.PollNow(web.URL + "/rc.git")
	tips.PollNow(web.URL + "/nobody-follows.git")
	if got := <-tips.Changed(); got != (source.Repository{URL: web.URL + "/rc"}).Identity() {
		t.Error(got)
	}
	if total.Load() != repositories+1 {
		t.Errorf("PollNow made %d looks", total.Load()-repositories)
	}
	// A storm is one look more, or two: one is on when it begins.
	repo.Commit(map[string]string{"a": "3"})
	for range 1000 {
		tips.PollNow(web.URL + "/rd")
	}
	if got := <-tips.Changed(); got != (source.Repository{URL: web.URL + "/rd"}).Identity() {
		t.Error(got)
	}
	if looks := total.Load() - repositories - 1; looks > 2 {
		t.Errorf("a storm of webhooks made %d looks, want one or two", looks)
	}
	cancel()
	must(t, <-done)
}

func TestSecretsDoNotShow(t *testing.T) {
	c := source.Credentials{Username: "ada", Password: "hidden1", BearerToken: "hidden2", SSHPrivateKey: "hidden3", TLSClientKey: "hidden4"}
	r := source.Repository{URL: (&url.URL{Scheme: "https", User: url.UserPassword("u", "hidden5"), Host: "h", Path: "/p"}).String(), Credentials: c}
	for _, s := range []string{c.String(), c.GoString(), r.String(), r.GoString()} {
		if strings.Contains(s, "hidden") {
			t.Error(s)
		}
	}
}
