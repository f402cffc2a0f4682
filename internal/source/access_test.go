package source_test

import (
	"context"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

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
		"ftp://host/x", "file://other/x", "http:///x", "https://host/\nx", "relative/path", "git+ssh://x/y", "transport::http://x", "ssh://user:secret@host/x",
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
	if _, err := m.Resolve(t.Context(), source.Repository{URL: filepath.Join(t.TempDir(), "x.git")}, "main"); !errors.Is(err, source.ErrNoRepository) {
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

func TestOverTLS(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	web := httptest.NewTLSServer(repo.Server.Config.Handler)
	defer web.Close()
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
	for _, c := range []struct {
		name        string
		credentials source.Credentials
		want        error
	}{
		{"an authority that is given", source.Credentials{CA: authority}, nil},
		{"unchecked", source.Credentials{Insecure: true}, nil},
		{"an authority that nobody knows", source.Credentials{}, source.ErrDenied},
	} {
		got, err := open(t, source.Options{}).Resolve(t.Context(), source.Repository{URL: web.URL + "/app.git", Credentials: c.credentials}, "main")
		if !errors.Is(err, c.want) || c.want == nil && got != sha {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), "the authority that signed") {
			t.Error(err)
		}
	}
}

// A daemon of git's own serves what anyone may read.
func TestOverGitProtocol(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	address := listen(t, func(conn net.Conn) {
		file, err := conn.(*net.TCPConn).File()
		if err != nil {
			return
		}
		defer file.Close()
		daemon := exec.Command("git", "daemon", "--inetd", "--export-all", "--base-path="+filepath.Dir(repo.Bare), filepath.Dir(repo.Bare))
		daemon.Stdin, daemon.Stdout = file, file
		_ = daemon.Run()
	})
	url := "git://" + address + "/" + filepath.Base(repo.Bare)
	m := open(t, source.Options{})
	if got, err := m.Resolve(t.Context(), source.Repository{URL: url}, "main"); err != nil || got != sha {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := m.Resolve(t.Context(), source.Repository{URL: url + "-not"}, "main"); !errors.Is(err, source.ErrNoRepository) {
		t.Error(err)
	}
}
