package controller

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// served is a page that runs on a real API server.
type served struct {
	testing.TB
	client.Client
	namespace, address string
	first              bool
	http               http.Client
}

// serve runs the page and the API, and returns once the page is served.
func serve(t *testing.T, listen string, api API) *served {
	t.Helper()
	return serveFrom(t, testkit.Cluster(t).Config, listen, api)
}

// serveFrom is serve with another way to the API server.
func serveFrom(t *testing.T, config *rest.Config, listen string, api API) *served {
	t.Helper()
	cluster := testkit.Cluster(t)
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{TB: t, namespace: cluster.Namespace(t), Client: cluster.Client}
	s.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} //nolint:gosec // the certificate is self-made
	s.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	up := make(chan struct{})
	api.Listener, api.Version = listener, "v1.2.3"
	api.Serving = func(address string, first bool) {
		s.address, s.first = strings.TrimSuffix(address, "/"), first
		close(up)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := Options{ControlNamespace: s.namespace, API: api, Log: slog.New(slog.DiscardHandler)}
	ctrl.SetLogger(logr.Discard())
	mgr, err := newManager(config, o)
	if err != nil {
		t.Fatal(err)
	}
	hooks := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("hooks")) })
	if err := addAPI(ctx, mgr, o, hooks, nil, nil); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-up:
	case err := <-ended:
		ended <- err
		t.Fatalf("the server has ended: %v", err)
	}
	return s
}

// ask makes a request, and returns the status and the answer.
func (s *served) ask(method, path, body string, edit func(*http.Request)) (*http.Response, string) {
	s.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, s.address+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if edit != nil {
		edit(r)
	}
	answer, err := s.http.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer, string(text)
}

// login logs in as admin with the password of the first start.
func (s *served) login() (*http.Response, string) {
	s.Helper()
	secret := &corev1.Secret{}
	if err := s.Get(context.Background(), client.ObjectKey{Namespace: s.namespace, Name: auth.InitialPasswordName}, secret); err != nil {
		s.Fatal(err)
	}
	body, _ := json.Marshal(map[string]string{"username": "admin", "password": string(secret.Data["password"])})
	answer, text := s.ask(http.MethodPost, "/api/v1/session", string(body), nil)
	var got struct{ Token string }
	if err := json.Unmarshal([]byte(text), &got); err != nil || answer.StatusCode != http.StatusOK {
		s.Fatalf("logging in: %d %s", answer.StatusCode, text)
	}
	return answer, got.Token
}

// On loopback the page is served in plain HTTP, and nobody but this machine's own names gets an answer.
func TestThePageOnLoopback(t *testing.T) {
	s := serve(t, "127.0.0.1:0", API{})
	if !strings.HasPrefix(s.address, "http://127.0.0.1:") || !s.first {
		t.Errorf("served at %s, with the first password %v", s.address, s.first)
	}
	if answer, text := s.ask(http.MethodGet, "/applications/shop", "", nil); answer.StatusCode != http.StatusOK || !strings.Contains(text, "<html") || answer.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("the page: %d %v %.60s", answer.StatusCode, answer.Header, text)
	}
	answer, token := s.login()
	for _, cookie := range answer.Cookies() {
		if !cookie.HttpOnly || cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" {
			t.Errorf("cookie %s", cookie)
		}
	}
	if answer, text := s.ask(http.MethodGet, "/api/v1/applications", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }); answer.StatusCode != http.StatusOK {
		t.Errorf("Applications: %d %s", answer.StatusCode, text)
	}
	if answer, _ := s.ask(http.MethodGet, "/api/v1/applications", "", nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("Applications for a stranger: %d, want 401", answer.StatusCode)
	}
	for host, want := range map[string]int{"localhost": 200, "evil.example": 421} {
		if answer, _ := s.ask(http.MethodGet, "/api/version", "", func(r *http.Request) { r.Host = host }); answer.StatusCode != want {
			t.Errorf("host %s: %d, want %d", host, answer.StatusCode, want)
		}
	}
	if answer, text := s.ask(http.MethodGet, "/healthz", "", nil); answer.StatusCode != http.StatusOK || text != "hooks" {
		t.Errorf("healthz: %d %q", answer.StatusCode, text)
	}
	if answer, text := s.ask(http.MethodPost, "/api/webhook", "{}", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }); text != "hooks" {
		t.Errorf("webhook: %d %s", answer.StatusCode, text)
	}
}

// Where others reach the server, it makes itself a certificate; below a root, with cookies for it.
func TestThePageForOthers(t *testing.T) {
	s := serve(t, "0.0.0.0:0", API{Root: "/cd"})
	if !strings.HasPrefix(s.address, "https://localhost:") || !strings.HasSuffix(s.address, "/cd") {
		t.Errorf("served at %s", s.address)
	}
	answer, text := s.ask(http.MethodGet, "/settings", "", nil)
	if answer.StatusCode != http.StatusOK || answer.TLS == nil || answer.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("the page: %d %v %.60s", answer.StatusCode, answer.Header, text)
	}
	kept := &corev1.Secret{}
	if err := s.Get(context.Background(), client.ObjectKey{Namespace: s.namespace, Name: auth.SecretName}, kept); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(kept.Data["tls.crt"], kept.Data["tls.key"])
	if err != nil || !bytes.Equal(answer.TLS.PeerCertificates[0].Raw, pair.Certificate[0]) {
		t.Errorf("served with another certificate than the Secret's: %v", err)
	}
	answer, _ = s.login()
	for _, cookie := range answer.Cookies() {
		if !cookie.Secure || cookie.Path != "/cd/" {
			t.Errorf("cookie %s", cookie)
		}
	}
}
