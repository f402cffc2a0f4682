package source_test

import (
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// What a server answers that speaks no git, only the server of Cyan could read: nobody who names its URL reads it.
func TestAnswersAreNotRepeated(t *testing.T) {
	const hidden = "INNERMOST"
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Server", hidden)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	const advertised = "application/x-git-upload-pack-advertisement"
	for rule, handler := range map[string]http.HandlerFunc{
		"a page":             answer(http.StatusOK, "text/html", hidden),
		"text":               answer(http.StatusOK, "text/plain", hidden+"\n"+hidden),
		"an error in text":   answer(http.StatusInternalServerError, "text/plain", hidden),
		"not found, in text": answer(http.StatusNotFound, "text/plain; charset=utf-8", hidden),
		"forbidden, in text": answer(http.StatusForbidden, "text/plain", hidden),
		"half of git":        answer(http.StatusOK, advertised, hidden),
		"an error of git's":  answer(http.StatusOK, advertised, "001e# service=git-upload-pack\n00000011ERR "+hidden+"\n"),
		"a line of git's":    answer(http.StatusOK, advertised, "001e# service=git-upload-pack\n0000000e"+hidden+"\n"),
		"a redirect":         func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/"+hidden, http.StatusFound) },
		"a redirect to nowhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+hidden+".example/", http.StatusFound)
		},
	} {
		web := httptest.NewServer(handler)
		m := open(t, source.Options{})
		for _, revision := range []string{"main", strings.Repeat("1", 40)} {
			_, err := m.Resolve(t.Context(), source.Repository{URL: web.URL + "/app.git"}, revision)
			if err == nil || strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: revision %.7s: got %v, want an error that does not repeat the answer", rule, revision, err)
			}
		}
		web.Close()
	}
	plain := listen(t, func(conn net.Conn) { _, _ = conn.Write([]byte(hidden + "\r\n")) })
	for _, url := range []string{"git://" + plain + "/x", "ssh://git@" + plain + "/x", "http://" + plain + "/x", "https://" + plain + "/x"} {
		_, err := open(t, source.Options{}).Resolve(t.Context(), source.Repository{URL: url}, "main")
		if err == nil || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: got %v, want an error that does not repeat the answer", url, err)
		}
	}
}

// A host may send git on within itself, and from http to https; nowhere else.
func TestRedirects(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	inner := repo.Server.Config.Handler
	asked := make(chan string, 100)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		inner.ServeHTTP(w, r)
	}))
	defer other.Close()
	secure := httptest.NewTLSServer(inner)
	defer secure.Close()
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, _ := strings.CutPrefix(r.URL.RequestURI(), "/"+strings.Split(r.URL.Path, "/")[1])
		switch {
		case strings.HasPrefix(r.URL.Path, "/moved.git"):
			http.Redirect(w, r, "/app.git"+rest, http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, "/port.git"):
			http.Redirect(w, r, other.URL+"/app.git"+rest, http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, "/host.git"):
			http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/app.git"+rest, http.StatusTemporaryRedirect)
		default:
			inner.ServeHTTP(w, r)
		}
	}))
	defer web.Close()
	m := open(t, source.Options{})
	must(t, readA(t.Context(), m, source.Repository{URL: web.URL + "/moved.git"}, sha, "1"))
	must(t, readA(t.Context(), m, source.Repository{URL: secure.URL + "/app.git", Credentials: source.Credentials{CA: authority}}, sha, "1"))
	for _, path := range []string{"/port.git", "/host.git"} {
		_, err := m.Resolve(t.Context(), source.Repository{URL: web.URL + path}, "main")
		if !errors.Is(err, source.ErrDenied) || !strings.Contains(err.Error(), "redirects to another host") {
			t.Errorf("%s: got %v, want the redirect refused", path, err)
		}
	}
	select {
	case path := <-asked:
		t.Errorf("the other host was asked for %s", path)
	default:
	}
}

// Networks that are denied are not connected to, whatever an address in them is written like.
func TestDeniedNetworks(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	_, port, err := net.SplitHostPort(repo.Server.Listener.Addr().String())
	must(t, err)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		rule, url string
		denied    []netip.Prefix
		allowed   bool
	}{
		{"a name", "http://localhost:" + port + "/app.git", nil, true},
		{"link-local", "http://169.254.169.254/x", nil, false},
		{"link-local of version 6", "http://[fe80::1]/x", nil, false},
		{"link-local in version 6", "http://[::ffff:169.254.169.254]/x", nil, false},
		{"link-local behind a gateway", "http://[64:ff9b::a9fe:a9fe]/x", nil, false},
		{"link-local over https", "https://169.254.169.254/x", nil, false},
		{"link-local over ssh", "ssh://git@169.254.169.254/x", nil, false},
		{"link-local over scp", "git@169.254.169.254:x", nil, false},
		{"link-local over git", "git://169.254.169.254/x", nil, false},
		{"an address that is denied", repo.URL, loopback, false},
		{"a name of one that is denied", "http://localhost:" + port + "/app.git", loopback, false},
		{"a name, over ssh", "ssh://git@localhost:" + port + "/x", loopback, false},
		{"the address of no machine is this one", "http://0.0.0.0:" + port + "/app.git", loopback, false},
	} {
		m := open(t, source.Options{DenyNetworks: c.denied})
		got, err := m.Resolve(t.Context(), source.Repository{URL: c.url}, "main")
		if c.allowed && (err != nil || got != sha) {
			t.Errorf("%s: %s: got %q, %v", c.rule, c.url, got, err)
		}
		if !c.allowed && (!errors.Is(err, source.ErrRefused) || problem.KindOf(err) != problem.Refused || !strings.Contains(err.Error(), "--deny-network")) {
			t.Errorf("%s: %s: got %v, want it refused", c.rule, c.url, err)
		}
	}
}

func TestParseNetworks(t *testing.T) {
	got, err := source.ParseNetworks([]string{"10.1.2.3/8", "192.0.2.1", "::1"})
	if want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("::1/128")}; err != nil || len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, text := range []string{"ten", "10.0.0.0/33", ""} {
		if _, err := source.ParseNetworks([]string{text}); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}
