package login

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/remote"
	"github.com/cyan-cd/cyan/internal/problem"
)

// callbackPath is where existing clients of issuers for this program send the browser back to.
const callbackPath = "/auth/callback"

// browserTimeout bounds how long a person may take, and issuerTimeout how long the issuer may.
const (
	browserTimeout = 5 * time.Minute
	issuerTimeout  = 30 * time.Second
)

// issuer is what a server says of how to log in in the browser.
type issuer struct {
	OIDCConfig *struct {
		Name, Issuer, ClientID, CLIClientID string
		Scopes                              []string
	}
	DexConfig *struct{ Connectors []struct{ Name, Type string } }
}

// browse logs in in the browser, and returns the issuer's token, which the server verifies itself.
func (o *command) browse(ctx context.Context, s remote.Server) (string, error) {
	var settings issuer
	if err := s.Do(ctx, http.MethodGet, "/api/v1/settings", nil, nil, &settings); err != nil {
		return "", err
	}
	named := settings.OIDCConfig
	if named == nil {
		refused := &problem.Error{Kind: problem.Refused, Object: "--sso", Cause: "the server names no issuer", Remedy: "log in with --username"}
		if settings.DexConfig != nil && len(settings.DexConfig.Connectors) > 0 {
			refused.Cause, refused.Remedy = "the server's issuer logs in browsers alone", "log in on its page, make a token of an account there, and give it by $ARGOCD_AUTH_TOKEN"
		}
		return "", refused
	}
	ctx, cancel := context.WithTimeoutCause(ctx, browserTimeout, &problem.Error{Kind: problem.Negative, Object: "--sso", Cause: fmt.Sprintf("no answer came back from the issuer in %s", browserTimeout), Remedy: "try again"})
	defer cancel()
	ctx = oidc.ClientContext(ctx, &http.Client{Timeout: issuerTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}})
	provider, err := oidc.NewProvider(ctx, named.Issuer)
	if err != nil {
		return "", &problem.Error{Kind: problem.Unreachable, Object: "issuer " + named.Issuer, Cause: err.Error(), Remedy: "try again later", Err: err}
	}
	client := named.CLIClientID
	if client == "" {
		client = named.ClientID
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+fmt.Sprint(o.port))
	if err != nil {
		return "", kit.Usage("--sso-port", err.Error(), "give another one, which the issuer knows as well")
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	flow := &flow{
		config: oauth2.Config{ClientID: client, Endpoint: provider.Endpoint(), Scopes: withOpenID(named.Scopes), RedirectURL: "http://localhost:" + port + callbackPath},
		state:  oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier(), nonce: oauth2.GenerateVerifier(), done: make(chan outcome, 1),
	}
	defer flow.serve(listener)()
	o.open(ctx, flow.address())
	token, err := flow.await(ctx)
	if err != nil {
		return "", err
	}
	verified, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: client}).Verify(ctx, token)
	if err != nil || verified.Nonce != flow.nonce {
		return "", &problem.Error{Kind: problem.Refused, Object: "issuer " + named.Issuer, Cause: "sent a token that does not hold", Remedy: "try again", Err: err}
	}
	return token, nil
}

func withOpenID(scopes []string) []string {
	for _, scope := range scopes {
		if scope == oidc.ScopeOpenID {
			return scopes
		}
	}
	return append([]string{oidc.ScopeOpenID}, scopes...)
}

// flow is one log-in in the browser.
type flow struct {
	config                 oauth2.Config
	state, verifier, nonce string
	done                   chan outcome
}

type outcome struct {
	code string
	err  error
}

func (f *flow) address() string {
	return f.config.AuthCodeURL(f.state, oauth2.S256ChallengeOption(f.verifier), oauth2.SetAuthURLParam("nonce", f.nonce))
}

// serve answers the browser that comes back, until the returned function is called.
func (f *flow) serve(listener net.Listener) (stop func()) {
	// What a connection does wrong belongs to who opened it, not to the terminal.
	server := &http.Server{Handler: f, ReadHeaderTimeout: issuerTimeout, WriteTimeout: issuerTimeout, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	return func() {
		deadline, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(deadline)
		_ = server.Close()
		<-ended
	}
}

// ServeHTTP takes the code of who comes back with the state of this log-in. Nothing of the request is shown.
func (f *flow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	query := r.URL.Query()
	switch {
	case r.URL.Path != callbackPath || r.Method != http.MethodGet:
		http.NotFound(w, r)
		return
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.state)) != 1:
		// Another site may send browsers here as well: this log-in goes on.
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<!doctype html><title>Cyan</title><p>This is of another log-in.</p>")
		return
	}
	result := outcome{code: query.Get("code")}
	said := "Logged in. You may close this window."
	if result.code == "" {
		result.err, said = errors.New("the issuer has refused"), "The issuer has refused. You may close this window."
	}
	select {
	case f.done <- result:
	default:
	}
	_, _ = io.WriteString(w, "<!doctype html><title>Cyan</title><p>"+said+"</p>")
}

// await returns the ID token, once the browser has come back.
func (f *flow) await(ctx context.Context) (string, error) {
	refused := func(err error) error {
		return &problem.Error{Kind: problem.Refused, Object: "--sso", Cause: err.Error(), Remedy: "see whether the issuer knows this client, and " + f.config.RedirectURL + " as where it comes back to", Err: err}
	}
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case result := <-f.done:
		if result.err != nil {
			return "", refused(result.err)
		}
		token, err := f.config.Exchange(ctx, result.code, oauth2.VerifierOption(f.verifier))
		if err != nil {
			var answered *oauth2.RetrieveError
			if errors.As(err, &answered) {
				err = fmt.Errorf("the issuer answers %s, %q", answered.Response.Status, answered.ErrorCode)
			}
			return "", refused(err)
		}
		id, _ := token.Extra("id_token").(string)
		if id == "" {
			return "", refused(errors.New("the issuer has sent no ID token"))
		}
		return id, nil
	}
}

// open opens an address in the browser, and prints it in any case.
func (o *command) open(ctx context.Context, address string) {
	o.Note("Log in in the browser, at %s", address)
	if !o.launch {
		return
	}
	program := map[string]string{"darwin": "open", "windows": "explorer"}[runtime.GOOS]
	if program == "" {
		program = "xdg-open"
	}
	if path, err := exec.LookPath(program); err == nil {
		cmd := exec.CommandContext(context.WithoutCancel(ctx), path, address) //nolint:gosec // the address is the issuer's, which the server names
		if cmd.Start() == nil {
			go func() { _ = cmd.Wait() }()
		}
	}
}

// whoWas returns the account that a token was of, and whether it is an issuer's. Nothing is believed of it but how to
// ask for the next one.
func whoWas(token string) (account string, byIssuer bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var claims struct{ Iss, Sub string }
	if json.Unmarshal(text, &claims) != nil {
		return "", false
	}
	account, _, _ = strings.Cut(claims.Sub, ":")
	return account, claims.Iss != "argocd"
}
