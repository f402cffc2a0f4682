package source_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func open(t testing.TB, opts source.Options) *source.Mirrors {
	t.Helper()
	if opts.TrustRefs == 0 {
		opts.TrustRefs = time.Nanosecond
	}
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

func TestTreeIsAFileSystem(t *testing.T) {
	repo := testkit.GitRepo(t)
	files := map[string]string{"top.txt": "top", "dir/a.yaml": "a", "dir/b/c.yaml": "c", "dir.x/z": "z", "dir0": "0", "exec": "#!", "odd name\twith \"quotes\"": "odd", "größe.yaml": "ö"}
	repo.CommitLocally(files)
	if err := os.Chmod(filepath.Join(repo.Dir, "exec"), 0o755); err != nil {
		t.Fatal(err)
	}
	repo.Commit(nil)
	m := open(t, source.Options{})
	at := source.Repository{URL: repo.URL}
	sha, err := m.Resolve(t.Context(), at, "")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := m.Tree(t.Context(), at, sha)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, content := range files {
		names = append(names, name)
		if data, err := fs.ReadFile(tree, name); string(data) != content {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if hash, err := tree.Hash(name); hash != repo.Git("rev-parse", "HEAD:"+name) {
			t.Errorf("hash of %s: %s, %v", name, hash, err)
		}
	}
	if err := fstest.TestFS(tree, names...); err != nil {
		t.Error(err)
	}
	if hash, err := tree.Hash("dir/b"); hash != repo.Git("rev-parse", "HEAD:dir/b") {
		t.Error(hash, err)
	}
	if hash, err := tree.Hash("."); hash != repo.Git("rev-parse", "HEAD^{tree}") {
		t.Error(hash, err)
	}
	if info, err := fs.Stat(tree, "exec"); err != nil || info.Mode() != 0o755 {
		t.Error(info, err)
	}
	for _, name := range []string{"absent", "top.txt/below", "dir/absent"} {
		if _, err := fs.ReadFile(tree, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := tree.Hash(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("hash of %s: %v", name, err)
		}
	}
	for _, name := range []string{"", "/top.txt", "../x", "dir/../top.txt", "dir/", "./top.txt", "dir//a.yaml"} {
		if _, err := fs.ReadFile(tree, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestLinksAreReportedAndNeverFollowed(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.CommitLocally(map[string]string{"real/file": "content"})
	for link, target := range map[string]string{"inside": "real/file", "folder": "real", "outside": "../../../etc/passwd", "absolute": "/etc/passwd", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(repo.Dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	repo.Git("add", "--all")
	repo.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("a", 40)+",module")
	repo.Git("commit", "--quiet", "--message", "links")
	repo.Push("HEAD")
	m := open(t, source.Options{})
	at := source.Repository{URL: repo.URL}
	tree, err := m.Tree(t.Context(), at, repo.Git("rev-parse", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"inside": "real/file", "folder": "real", "outside": "../../../etc/passwd", "absolute": "/etc/passwd", "loop": "loop"} {
		if got, err := tree.ReadLink(link); got != target {
			t.Errorf("ReadLink(%s) = %q, %v", link, got, err)
		}
		if info, err := tree.Stat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("Stat(%s) = %v, %v", link, info, err)
		}
		if data, err := tree.ReadFile(link); err == nil {
			t.Errorf("ReadFile(%s) followed the link: %q", link, data)
		}
		if f, err := tree.Open(link); err == nil {
			t.Errorf("Open(%s) followed the link: %v", link, f)
		}
	}
	if _, err := tree.ReadFile("folder/file"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := tree.ReadFile("module"); err == nil || !strings.Contains(err.Error(), "submodule") {
		t.Error(err)
	}
	if info, err := tree.Stat("module"); err != nil || info.Mode().IsRegular() || info.IsDir() {
		t.Error(info, err)
	}
}

func TestNamesThatAreNoText(t *testing.T) {
	repo := testkit.GitRepo(t)
	name := "caf\xe9\x01\n.yaml"
	repo.Commit(map[string]string{name: "latin"})
	m := open(t, source.Options{})
	tree, err := m.Tree(t.Context(), source.Repository{URL: repo.URL}, repo.Git("rev-parse", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := tree.ReadDir(".")
	if err != nil || len(list) != 1 || list[0].Name() != name {
		t.Fatal(list, err)
	}
	if data, err := tree.ReadFile(name); string(data) != "latin" {
		t.Error(string(data), err)
	}
}

func TestLargeFilesAreRefused(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"large": strings.Repeat("x", 2000), "small": "ok"})
	m := open(t, source.Options{MaxFileSize: 1000})
	tree, err := m.Tree(t.Context(), source.Repository{URL: repo.URL}, repo.Git("rev-parse", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.ReadFile("large"); err == nil || !strings.Contains(err.Error(), "2000 bytes") {
		t.Error(err)
	}
	if info, err := tree.Stat("large"); err != nil || info.Size() != 2000 {
		t.Error(info, err)
	}
	if data, err := tree.ReadFile("small"); string(data) != "ok" {
		t.Error("after a refused file:", string(data), err)
	}
}

func TestAuthentication(t *testing.T) {
	repo := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": "s3cret-p@ss"}})
	sha := repo.Commit(map[string]string{"a": "1"})
	withPassword := strings.Replace(repo.URL, "http://", "http://ada:s3cret-p%40ss@", 1)
	for _, c := range []struct {
		name string
		repo source.Repository
		want error
	}{
		{"credentials", source.Repository{URL: repo.URL, Credentials: source.Credentials{Username: "ada", Password: "s3cret-p@ss"}}, nil},
		{"in the URL", source.Repository{URL: withPassword}, nil},
		{"none", source.Repository{URL: repo.URL}, source.ErrDenied},
		{"wrong", source.Repository{URL: repo.URL, Credentials: source.Credentials{Username: "ada", Password: "wr0ng-p@ss"}}, source.ErrDenied},
		{"wrong in the URL", source.Repository{URL: strings.Replace(repo.URL, "http://", "http://ada:wr0ng-p%40ss@", 1)}, source.ErrDenied},
		{"wrong token", source.Repository{URL: repo.URL, Credentials: source.Credentials{BearerToken: "wr0ng-p@ss"}}, source.ErrDenied},
		{"line break", source.Repository{URL: repo.URL, Credentials: source.Credentials{Username: "ada", Password: "s3cret-p@ss\nprotocol=x"}}, source.ErrRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := open(t, source.Options{})
			got, err := m.Resolve(t.Context(), c.repo, "main")
			if !errors.Is(err, c.want) || (c.want == nil && got != sha) {
				t.Errorf("%q, %v; want %v", got, err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "p@ss") || strings.Contains(err.Error(), "p%40ss")) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestBearerToken(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	inner := repo.Server.Config.Handler
	elsewhere := make(chan string, 10)
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere <- r.Header.Get("Authorization")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer thief.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer the-token":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasPrefix(r.URL.Path, "/moved"):
			http.Redirect(w, r, thief.URL+r.URL.String(), http.StatusMovedPermanently)
		default:
			inner.ServeHTTP(w, r)
		}
	}))
	defer web.Close()
	m := open(t, source.Options{})
	at := source.Repository{URL: web.URL + "/app.git", Credentials: source.Credentials{BearerToken: "the-token"}}
	if got, err := m.Resolve(t.Context(), at, "main"); got != sha {
		t.Fatal(got, err)
	}
	at.URL = web.URL + "/moved.git"
	if _, err := m.Resolve(t.Context(), at, "main"); err == nil || strings.Contains(err.Error(), "the-token") {
		t.Fatal(err)
	}
	select {
	case got := <-elsewhere:
		t.Errorf("another host was asked, with %q", got)
	default:
	}
}

// A host that redirects to another must not learn the password there.
func TestRedirectDoesNotLeakPassword(t *testing.T) {
	got := make(chan string, 10)
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization")
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer thief.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL+r.URL.String(), http.StatusMovedPermanently)
	}))
	defer web.Close()
	m := open(t, source.Options{})
	_, err := m.Resolve(t.Context(), source.Repository{URL: web.URL + "/app.git", Credentials: source.Credentials{Username: "ada", Password: "s3cret"}}, "main")
	if err == nil {
		t.Fatal("no error")
	}
	close(got)
	for header := range got {
		if header != "" {
			t.Errorf("the other host got %q", header)
		}
	}
}

func TestRefusedURLs(t *testing.T) {
	m := open(t, source.Options{})
	dir := t.TempDir()
	for _, url := range []string{
		"", "-oProxyCommand=touch x", "--upload-pack=touch " + dir + "/x", "ext::sh -c 'touch " + dir + "/x'", "fd::17", "ssh://-oProxyCommand=touch/x", "-x@host:path", "host:-path",
		"ftp://host/x", "file://other/x", "http:///x", "https://host/x\n", "relative/path", "git+ssh://x/y", "transport::http://x", "ssh://user:secret@host/x",
	} {
		if _, err := m.Resolve(t.Context(), source.Repository{URL: url}, "main"); !errors.Is(err, source.ErrRefused) {
			t.Errorf("%q: %v", url, err)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) > 0 {
		t.Error("something was run")
	}
}

func TestUnreachableIsTemporary(t *testing.T) {
	m := open(t, source.Options{LookTimeout: 10 * time.Second})
	gone := httptest.NewServer(http.NotFoundHandler())
	url := gone.URL
	if _, err := m.Resolve(t.Context(), source.Repository{URL: url + "/x.git"}, "main"); !errors.Is(err, source.ErrNoRepository) || source.IsTemporary(err) {
		t.Error(err)
	}
	gone.Close()
	if _, err := m.Resolve(t.Context(), source.Repository{URL: url + "/x.git"}, "main"); !source.IsTemporary(err) {
		t.Error(err)
	}
	if _, err := m.Resolve(t.Context(), source.Repository{URL: "/nowhere/x.git"}, "main"); !errors.Is(err, source.ErrNoRepository) {
		t.Error(err)
	}
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	hasty := open(t, source.Options{LookTimeout: 100 * time.Millisecond})
	if _, err := hasty.Resolve(t.Context(), source.Repository{URL: silent.URL + "/x.git"}, "main"); !source.IsTemporary(err) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Resolve(ctx, source.Repository{URL: silent.URL + "/x.git"}, "main"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// mirrorDir finds the only mirror in a folder of mirrors.
func mirrorDir(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.git"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	return found[0]
}

func TestDamagedMirrorsAreMadeAnew(t *testing.T) {
	damages := map[string]func(t *testing.T, dir string){
		"objects gone": func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "objects"))) },
		"packs gone": func(t *testing.T, dir string) {
			must(t, os.RemoveAll(filepath.Join(dir, "objects")))
			must(t, os.MkdirAll(filepath.Join(dir, "objects", "pack"), 0o755))
		},
		"objects overwritten": func(t *testing.T, dir string) {
			must(t, filepath.WalkDir(filepath.Join(dir, "objects"), func(path string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				must(t, os.Chmod(path, 0o644))
				return os.WriteFile(path, []byte("garbage"), 0o644)
			}))
		},
		"HEAD gone": func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "HEAD"))) },
		"config broken": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "config"), []byte("[broken"), 0o644))
		},
		"unfinished": func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "cyan-mirror"))) },
		"all gone":   func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) },
		"refs broken": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "packed-refs"), []byte("junk junk\n"), 0o644))
			must(t, os.RemoveAll(filepath.Join(dir, "refs", "heads")))
			must(t, os.MkdirAll(filepath.Join(dir, "refs", "heads"), 0o755))
			must(t, os.WriteFile(filepath.Join(dir, "refs", "heads", "main"), []byte("junk\n"), 0o644))
		},
		"locks left behind": func(t *testing.T, dir string) {
			for _, name := range []string{"packed-refs.lock", "refs/heads/main.lock", "shallow.lock", "config.lock", "objects/pack/tmp_pack_x"} {
				must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
			}
		},
	}
	for name, damage := range damages {
		for _, restarted := range []string{"running", "restarted"} {
			t.Run(name+" "+restarted, func(t *testing.T) {
				t.Parallel()
				repo := testkit.GitRepo(t)
				repo.Commit(map[string]string{"a": "1"})
				dir := t.TempDir()
				at := source.Repository{URL: repo.URL}
				opts := source.Options{TrustRefs: time.Nanosecond}
				m, err := source.Open(dir, opts)
				must(t, err)
				defer func() { _ = m.Close() }()
				_, err = m.Resolve(t.Context(), at, "main")
				must(t, err)
				damage(t, mirrorDir(t, dir))
				if restarted == "restarted" {
					must(t, m.Close())
					m, err = source.Open(dir, opts)
					must(t, err)
				}
				sha := repo.Commit(map[string]string{"a": "2"})
				// A controller tries again after an error that says so.
				for attempt := 1; ; attempt++ {
					err := readA(t.Context(), m, at, sha, "2")
					if err == nil {
						break
					}
					if attempt == 3 || !errors.Is(err, source.ErrCorrupt) {
						t.Fatalf("attempt %d: %v", attempt, err)
					}
				}
			})
		}
	}
}

func readA(ctx context.Context, m *source.Mirrors, at source.Repository, sha, want string) error {
	got, err := m.Resolve(ctx, at, "main")
	if err != nil {
		return err
	}
	tree, err := m.Tree(ctx, at, got)
	if err != nil {
		return err
	}
	data, err := tree.ReadFile("a")
	if err != nil {
		return err
	}
	if got != sha || string(data) != want {
		return errors.New("read " + got + " " + string(data))
	}
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamagedObjectsAreFoundByReading(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "content"})
	dir := t.TempDir()
	m, err := source.Open(dir, source.Options{TrustRefs: time.Minute, CacheSize: 1})
	must(t, err)
	defer func() { _ = m.Close() }()
	at := source.Repository{URL: repo.URL}
	tree, err := m.Tree(t.Context(), at, sha)
	must(t, err)
	blob := repo.Git("rev-parse", "HEAD:a")
	object := filepath.Join(mirrorDir(t, dir), "objects", blob[:2], blob[2:])
	must(t, os.Chmod(object, 0o644))
	must(t, os.WriteFile(object, []byte("garbage"), 0o644))
	if _, err := tree.ReadFile("a"); !errors.Is(err, source.ErrCorrupt) {
		t.Fatal(err)
	}
	tree, err = m.Tree(t.Context(), at, sha)
	must(t, err)
	if data, err := tree.ReadFile("a"); string(data) != "content" {
		t.Fatal(string(data), err)
	}
}

func TestProcessesShareMirrors(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			m, err := source.Open(dir, source.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = m.Close() }()
			if err := readA(t.Context(), m, source.Repository{URL: repo.URL}, sha, "1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
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
	tips := source.NewTips(m, source.TipsOptions{Every: 20 * time.Millisecond, MaxBackoff: 40 * time.Millisecond})
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
			if got != source.NormalizeURL(at.URL) {
				t.Fatalf("%s: %s", what, got)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: nothing was told; last: %v", what, tips.Err(at.URL))
		}
	}
	next("first look")
	sha := repo.Commit(map[string]string{"a": "2"})
	next("a push")
	must(t, readA(t.Context(), m, at, sha, "2"))
	down.Store(true)
	waitFor(t, func() bool { return source.IsTemporary(tips.Err(at.URL)) })
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
	tips := source.NewTips(m, source.TipsOptions{Every: time.Hour, Parallel: 2})
	const repositories = 8
	want := map[string]bool{}
	for i := range repositories {
		at := source.Repository{URL: web.URL + "/r" + string(rune('a'+i)) + ".git"}
		defer tips.Follow(at)()
		defer tips.Follow(at)()
		want[source.NormalizeURL(at.URL)] = true
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
	tips.Nudge(web.URL + "/rc.git")
	tips.Nudge(web.URL + "/nobody-follows.git")
	if got := <-tips.Changed(); got != source.NormalizeURL(web.URL+"/rc") {
		t.Error(got)
	}
	if total.Load() != repositories+1 {
		t.Errorf("a nudge made %d looks", total.Load()-repositories)
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
