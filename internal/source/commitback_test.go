package source_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

var robot = source.Person{Name: "Cyan", Email: "cyan@example.com"}

// appending adds a line to a file: on a tip that has moved, anything but a replay loses one.
func appending(file, line string) source.Intent {
	return source.Intent{Author: robot, Apply: func(_ context.Context, tip source.Tip) (source.Change, error) {
		old, err := tip.Tree.ReadFile(file)
		if err != nil {
			return source.Change{}, err
		}
		return source.Change{Files: map[string][]byte{file: append(old, line+"\n"...)}, Message: "Add " + line + "\n\nLine: " + line + "\n"}, nil
	}}
}

func TestCommitBack(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"dir/list": "first\n", "other": "untouched", "run.sh": "#!/bin/sh\n"})
	repo.Git("update-index", "--chmod=+x", "run.sh")
	repo.Git("commit", "--quiet", "--amend", "--no-edit")
	repo.Push("--force", "HEAD")
	before := repo.Git("rev-parse", "HEAD")
	m := open(t, source.Options{})
	at := source.Repository{URL: repo.URL}
	landed, err := m.CommitBack(t.Context(), at, "main", source.Intent{Author: robot, Apply: func(_ context.Context, tip source.Tip) (source.Change, error) {
		if tip.Commit.SHA != before {
			t.Errorf("tip is %s", tip.Commit.SHA)
		}
		return source.Change{Files: map[string][]byte{"dir/list": []byte("second\n"), "new folder/new\tfile": []byte("new"), "run.sh": []byte("#!/bin/bash\n")}, Message: "Change\n\nKey: value\n"}, nil
	}})
	must(t, err)
	if got := repo.Served("rev-parse", "main"); got != landed.Commit.SHA || landed.Attempts != 1 || landed.Batch != 1 {
		t.Errorf("%+v; served %s", landed, got)
	}
	if landed.Commit.Author.Name != "Cyan" || landed.Commit.Trailer("Key") != "value" || !slices.Equal(landed.Commit.Parents, []string{before}) {
		t.Errorf("%+v", landed.Commit)
	}
	if diff := repo.Served("diff-tree", "-r", "--no-commit-id", "--name-status", "main"); diff != "M\tdir/list\nA\t\"new folder/new\\tfile\"\nM\trun.sh" {
		t.Error(diff)
	}
	if mode := repo.Served("ls-tree", "main", "run.sh"); !strings.HasPrefix(mode, "100755") {
		t.Error(mode)
	}
	repo.Served("fsck", "--strict")

	// The same again is nothing to commit.
	landed, err = m.CommitBack(t.Context(), at, "main", source.Intent{Author: robot, Apply: func(context.Context, source.Tip) (source.Change, error) {
		return source.Change{Files: map[string][]byte{"dir/list": []byte("second\n")}, Message: "x"}, nil
	}})
	if err != nil || landed.Commit.SHA != "" {
		t.Errorf("%+v, %v", landed, err)
	}
	// An intent's own error changes nothing.
	tip := repo.Served("rev-parse", "main")
	refusal := errors.New("no")
	_, err = m.CommitBack(t.Context(), at, "main", source.Intent{Apply: func(context.Context, source.Tip) (source.Change, error) { return source.Change{}, refusal }})
	if !errors.Is(err, refusal) || repo.Served("rev-parse", "main") != tip {
		t.Error(err)
	}
}

func TestCommitBackRefusesOddPathsAndBranches(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.CommitLocally(map[string]string{"a": "1"})
	must(t, os.Symlink("/etc/passwd", filepath.Join(repo.Dir, "link")))
	must(t, os.Symlink("/etc", filepath.Join(repo.Dir, "folder")))
	tip := repo.Commit(nil)
	m := open(t, source.Options{})
	for _, path := range []string{"../x", "/etc/passwd", ".git/config", "a/.GIT/hooks/x", "", "link", "x\x00y"} {
		_, err := m.CommitBack(t.Context(), source.Repository{URL: repo.URL}, "main", source.Intent{Author: robot, Apply: func(context.Context, source.Tip) (source.Change, error) {
			return source.Change{Files: map[string][]byte{path: []byte("x")}, Message: "x"}, nil
		}})
		if !errors.Is(err, source.ErrRefused) {
			t.Errorf("%q: %v", path, err)
		}
	}
	for _, branch := range []string{"", "HEAD", "-x", "refs/heads/main", "a b", "main:other", "+main"} {
		_, err := m.CommitBack(t.Context(), source.Repository{URL: repo.URL}, branch, appending("a", "x"))
		if err == nil {
			t.Errorf("committed to %q", branch)
		}
	}
	if _, err := m.CommitBack(t.Context(), source.Repository{URL: repo.URL}, "absent", appending("a", "x")); !errors.Is(err, source.ErrNoRevision) || !strings.Contains(err.Error(), "absent") {
		t.Error(err)
	}
	if got := repo.Served("rev-parse", "main"); got != tip {
		t.Error("something was committed")
	}
}

// Many at once, in one process and in several that share nothing, while people push as well.
func TestCommitBackLosesNothing(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"list": "start\n"})
	at := source.Repository{URL: repo.URL}
	const machines, each, people = 3, 6, 4
	var all sync.WaitGroup
	for machine := range machines {
		m := open(t, source.Options{})
		for i := range each {
			all.Go(func() {
				landed, err := m.CommitBack(t.Context(), at, "main", appending("list", fmt.Sprintf("%d-%d", machine, i)))
				if err != nil || landed.Commit.SHA == "" {
					t.Errorf("%+v, %v", landed, err)
				}
			})
		}
	}
	all.Go(func() {
		for i := range people {
			for {
				repo.Git("pull", "--quiet", "--rebase", "origin", "main")
				repo.CommitLocally(map[string]string{"code": fmt.Sprint(i)})
				push := exec.Command("git", "push", "--quiet", "origin", "HEAD")
				push.Dir = repo.Dir
				if push.Run() == nil {
					break
				}
				repo.Git("reset", "--quiet", "--hard", "HEAD^")
			}
		}
	})
	all.Wait()
	lines := strings.Split(repo.Served("show", "main:list"), "\n")
	slices.Sort(lines)
	if len(slices.Compact(lines)) != machines*each+1 {
		t.Errorf("%d lines: %v", len(lines), lines)
	}
	if n := repo.Served("rev-list", "--count", "--merges", "main"); n != "0" {
		t.Errorf("%s merges", n)
	}
	if n := repo.Served("rev-list", "--count", "main"); n != fmt.Sprint(1+machines*each+people) {
		t.Errorf("%s commits", n)
	}
}

func TestPushRefusedByTheHost(t *testing.T) {
	repo := testkit.GitRepo(t)
	tip := repo.Commit(map[string]string{"list": "first\n"})
	m := open(t, source.Options{})
	repo.Served("config", "receive.denyUpdateCurrent", "refuse")
	hooks := t.TempDir()
	must(t, os.WriteFile(filepath.Join(hooks, "pre-receive"), []byte("#!/bin/sh\necho 'main is protected' >&2\nexit 1\n"), 0o755))
	repo.Served("config", "core.hooksPath", hooks)
	_, err := m.CommitBack(t.Context(), source.Repository{URL: "file://" + repo.Bare}, "main", appending("list", "x"))
	if !errors.Is(err, source.ErrPushRefused) || !strings.Contains(err.Error(), "main is protected") || !strings.Contains(err.Error(), "name a branch") {
		t.Error(err)
	}
	if repo.Served("rev-parse", "main") != tip {
		t.Error("it was pushed")
	}

	readOnly := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": "pw"}, PublicRead: true})
	readOnly.Commit(map[string]string{"list": "first\n"})
	if _, err := m.CommitBack(t.Context(), source.Repository{URL: readOnly.URL}, "main", appending("list", "x")); !errors.Is(err, source.ErrDenied) {
		t.Error(err)
	}
	if landed, err := m.CommitBack(t.Context(), source.Repository{URL: readOnly.URL, Credentials: source.Credentials{Username: "ada", Password: "pw"}}, "main", appending("list", "x")); err != nil || landed.Commit.SHA == "" {
		t.Error(landed, err)
	}
}

func TestOlderCommitsLandFirst(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"list": "start\n"})
	var commits []string
	for i := range 10 {
		commits = append(commits, repo.Commit(map[string]string{"code": fmt.Sprint(i)}))
	}
	at := source.Repository{URL: repo.URL}
	for _, processes := range []int{1, 4} {
		t.Run(fmt.Sprint(processes, " processes"), func(t *testing.T) {
			before := strings.Count(repo.Served("show", "main:list"), "\n")
			dir := t.TempDir()
			var mirrors []*source.Mirrors
			for range processes {
				m, err := source.Open(dir, source.Options{})
				must(t, err)
				defer func() { _ = m.Close() }()
				mirrors = append(mirrors, m)
			}
			var announced, all sync.WaitGroup
			announced.Add(len(commits))
			for i, sha := range commits {
				all.Go(func() {
					m := mirrors[i%processes]
					history, err := m.History(at)
					must(t, err)
					ticket, err := m.Announce(t.Context(), at, "main", source.Line{Name: "app", Commit: sha, History: history})
					announced.Done()
					if err != nil {
						t.Error(err)
						return
					}
					defer ticket.Release()
					announced.Wait()
					// The newest is the quickest.
					timer := time.NewTimer(time.Duration(len(commits)-i) * 10 * time.Millisecond)
					<-timer.C
					intent := appending("list", sha)
					intent.Ticket = ticket
					if _, err := m.CommitBack(t.Context(), at, "main", intent); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			lines := strings.Split(repo.Served("show", "main:list"), "\n")
			if got := lines[before+1:]; !slices.Equal(got, commits) {
				t.Errorf("landed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(commits, "\n"))
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*.line-*", "*")); len(left) > 0 {
				t.Error("tickets are left:", left)
			}
		})
	}
}

func TestATicketEndsWithItsHolder(t *testing.T) {
	repo := testkit.GitRepo(t)
	older := repo.Commit(map[string]string{"list": "start\n"})
	newer := repo.Commit(map[string]string{"code": "1"})
	dir := t.TempDir()
	at := source.Repository{URL: repo.URL}
	m, err := source.Open(dir, source.Options{})
	must(t, err)
	defer func() { _ = m.Close() }()
	history, err := m.History(at)
	must(t, err)
	first, err := m.Announce(t.Context(), at, "main", source.Line{Name: "app", Commit: older, History: history})
	must(t, err)
	second, err := m.Announce(t.Context(), at, "main", source.Line{Name: "app", Commit: newer, History: history})
	must(t, err)
	defer second.Release()
	intent := appending("list", "newer")
	intent.Ticket = second
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := m.CommitBack(ctx, at, "main", intent); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("it went ahead of an older one:", err)
	}
	first.Release()
	if _, err := m.CommitBack(t.Context(), at, "main", intent); err != nil {
		t.Fatal(err)
	}
	// A ticket of a process that was killed is a file without a lock.
	lines, _ := filepath.Glob(filepath.Join(dir, "*.line-*"))
	must(t, os.WriteFile(filepath.Join(lines[0], "dead.ticket"), []byte(`{"line":"app","commit":"`+older+`"}`), 0o600))
	third, err := m.Announce(t.Context(), at, "main", source.Line{Name: "app", Commit: newer, History: history})
	must(t, err)
	defer third.Release()
	intent.Ticket = third
	if _, err := m.CommitBack(t.Context(), at, "main", intent); err != nil {
		t.Fatal(err)
	}
}

func TestHistorySort(t *testing.T) {
	repo := testkit.GitRepo(t)
	var want []string
	for i := range 5 {
		want = append(want, repo.Commit(map[string]string{"code": fmt.Sprint(i)}))
	}
	m := open(t, source.Options{})
	h, err := m.History(source.Repository{URL: repo.URL})
	must(t, err)
	absent := strings.Repeat("1", 40)
	got, err := h.Sort(t.Context(), []string{want[3], absent, want[0], want[4], want[2], want[1]})
	if err != nil || !slices.Equal(got, append(want, absent)) {
		t.Error(got, err)
	}
	checkout, err := source.OpenCheckout(t.Context(), repo.Dir)
	must(t, err)
	local, err := checkout.History(t.Context(), h)
	must(t, err)
	if got, err := local.Sort(t.Context(), []string{want[3], want[1]}); err != nil || !slices.Equal(got, []string{want[1], want[3]}) {
		t.Error(got, err)
	}
	if older, err := local.IsAncestor(t.Context(), want[1], want[3]); err != nil || !older {
		t.Error(older, err)
	}
}

func TestCheckout(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"a": "1", "dir/b": "2"})
	sha := repo.Commit(map[string]string{"dir/b": "3"})
	c, err := source.OpenCheckout(t.Context(), filepath.Join(repo.Dir, "dir"))
	must(t, err)
	if got, err := c.Resolve(t.Context(), ""); got != sha {
		t.Error(got, err)
	}
	if got, err := c.Changes(t.Context(), sha); err != nil || !slices.Equal(got, []string{"dir/b"}) {
		t.Error(got, err)
	}
	must(t, os.WriteFile(filepath.Join(c.Dir, "dir", "b"), []byte("dirty"), 0o644))
	to := filepath.Join(t.TempDir(), "out")
	must(t, os.Mkdir(to, 0o755))
	must(t, c.Export(t.Context(), sha, to))
	if data, err := os.ReadFile(filepath.Join(to, "dir", "b")); string(data) != "3" {
		t.Error(string(data), err)
	}
	repo.Git("config", "http."+repo.Server.URL+"/.extraheader", "AUTHORIZATION: basic YWRhOnB3")
	if got, err := c.Remote(t.Context(), "origin"); err != nil || got.URL != repo.URL || got.Credentials.Username != "ada" || got.Credentials.Password != "pw" {
		t.Errorf("%#v %q, %v", got, got.Credentials.Username, err)
	}
	if _, err := c.Remote(t.Context(), "absent"); !errors.Is(err, source.ErrNoRepository) {
		t.Error(err)
	}
	if _, err := source.OpenCheckout(t.Context(), t.TempDir()); !errors.Is(err, source.ErrNoRepository) {
		t.Error(err)
	}
	if got, err := c.Resolve(t.Context(), "--help"); !errors.Is(err, source.ErrRefused) {
		t.Error(got, err)
	}
}

// breaking serves a repository, and lets break decide how each push ends.
func breaking(t *testing.T, repo *testkit.Repo, end func(w http.ResponseWriter, serve func(http.ResponseWriter))) source.Repository {
	t.Helper()
	inner := repo.Server.Config.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
			end(w, func(w http.ResponseWriter) { inner.ServeHTTP(w, r) })
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	return source.Repository{URL: web.URL + "/app.git"}
}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// Whatever a broken connection leaves open is found out: nothing is pushed twice, and nothing that arrived is called
// lost.
func TestPushThatBreaksOff(t *testing.T) {
	repo := testkit.GitRepo(t)
	start := repo.Commit(map[string]string{"list": "start\n"})
	for _, c := range []struct {
		name string
		end  func(w http.ResponseWriter, attempt int, serve func(http.ResponseWriter))
		// lands is set when the change is on the branch in the end.
		lands bool
	}{
		{"before, always", func(w http.ResponseWriter, _ int, _ func(http.ResponseWriter)) { hangUp(w) }, false},
		{"before, once", func(w http.ResponseWriter, attempt int, serve func(http.ResponseWriter)) {
			if attempt == 1 {
				hangUp(w)
				return
			}
			serve(w)
		}, true},
		{"after it arrived", func(w http.ResponseWriter, _ int, serve func(http.ResponseWriter)) {
			serve(httptest.NewRecorder())
			hangUp(w)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			repo.Push("--force", start+":refs/heads/main")
			var attempt atomic.Int64
			at := breaking(t, repo, func(w http.ResponseWriter, serve func(http.ResponseWriter)) {
				c.end(w, int(attempt.Add(1)), serve)
			})
			landed, err := open(t, source.Options{}).CommitBack(t.Context(), at, "main", appending("list", "x"))
			list := repo.Served("show", "main:list")
			switch {
			case c.lands && (err != nil || landed.Commit.SHA != repo.Served("rev-parse", "main") || list != "start\nx"):
				t.Errorf("%+v, %v; %q", landed, err, list)
			case !c.lands && (!source.IsTemporary(err) || errors.Is(err, source.ErrUncertain) || list != "start"):
				t.Errorf("%v; %q", err, list)
			}
		})
	}
}

// A host that breaks off and is gone may have the commit: that is said.
func TestPushOfWhichNothingIsKnown(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"list": "start\n"})
	var gone atomic.Bool
	inner := repo.Server.Config.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
			inner.ServeHTTP(httptest.NewRecorder(), r)
			gone.Store(true)
		}
		if gone.Load() {
			hangUp(w)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	_, err := open(t, source.Options{}).CommitBack(t.Context(), source.Repository{URL: web.URL + "/app.git"}, "main", appending("list", "x"))
	if !errors.Is(err, source.ErrUncertain) || !source.IsTemporary(err) {
		t.Error(err)
	}
}

func TestCheckoutOfAURL(t *testing.T) {
	repo := testkit.GitRepo(t)
	first := repo.Commit(map[string]string{"a": "1", "dir/b": "2"})
	repo.Push("HEAD:refs/heads/release/1", "HEAD:refs/tags/v1")
	second := repo.Commit(map[string]string{"a": "3"})
	m := open(t, source.Options{})
	at := source.Repository{URL: repo.URL}
	for _, c := range []struct{ revision, want, branch string }{{"", second, "main"}, {"release/1", first, "release/1"}, {"v1", first, ""}, {first, first, ""}} {
		checkout, sha, err := m.Checkout(t.Context(), at, c.revision)
		if err != nil || sha != c.want || checkout.Branch(t.Context()) != c.branch {
			t.Errorf("%q: %s, %v", c.revision, sha, err)
			continue
		}
		if remote, err := checkout.Remote(t.Context(), "origin"); remote.URL != repo.URL {
			t.Error(remote, err)
		}
		to := t.TempDir()
		must(t, checkout.Export(t.Context(), sha, to))
		if data, err := os.ReadFile(filepath.Join(to, "dir", "b")); string(data) != "2" {
			t.Errorf("%q, %v", data, err)
		}
	}
	checkout, sha, err := m.Checkout(t.Context(), at, "main")
	must(t, err)
	if changed, err := checkout.Changes(t.Context(), sha); !slices.Equal(changed, []string{"a"}) {
		t.Error(changed, err)
	}
	if commit, err := checkout.Commit(t.Context(), sha); commit.Author.Name != "Ada" {
		t.Error(commit, err)
	}
	history, err := checkout.History(t.Context(), nil)
	must(t, err)
	if is, err := history.IsAncestor(t.Context(), first, second); !is {
		t.Error(err)
	}
	if _, _, err := m.Checkout(t.Context(), at, "nothing"); !errors.Is(err, source.ErrNoRevision) {
		t.Error(err)
	}
	for text, want := range map[string]bool{repo.URL: true, "git@git.example:a/b": true, "ssh://git@git.example/a": true, ".": false, repo.Dir: false, "../clone": false, "shop": false} {
		if source.IsURL(text) != want {
			t.Errorf("IsURL(%q) = %v", text, !want)
		}
	}
}
