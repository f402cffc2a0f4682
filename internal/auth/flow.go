package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"github.com/cyan-cd/cyan/internal/access"
)

// Paths of the log-in by an issuer, below that of the server. Existing OAuth apps of dex call back to the last one.
const (
	LoginPath       = "/auth/login"
	CallbackPath    = "/auth/callback"
	LogoutPath      = "/auth/logout"
	DexCallbackPath = "/api/dex/callback"
)

// Codes are what the log-in page is told by its parameter error; nothing of what an issuer or a stranger wrote is
// repeated there.
const (
	CodeNotConfigured = "not-configured"
	CodeUnreachable   = "issuer-unreachable"
	CodeState         = "state"
	CodeDenied        = "denied"
	CodeRefused       = "refused"
)

// FlowError is why a log-in by an issuer has failed.
type FlowError struct {
	// Code is one of the Codes.
	Code string
	// Err is for the log alone.
	Err error
}

// Error returns the whole, for the log.
func (e *FlowError) Error() string { return "log-in by an issuer: " + e.Code + ": " + e.Err.Error() }

// Unwrap returns where it comes from.
func (e *FlowError) Unwrap() error { return e.Err }

// user is whom an issuer has vouched for.
type user struct {
	name, display string
	groups        []string
	// expires is when the issuer's own word ends; zero for never.
	expires time.Time
}

// provider is an issuer that people may be sent to.
type provider interface {
	// config returns the client of this server, without where to come back to.
	config(ctx context.Context) (oauth2.Config, []oauth2.AuthCodeOption, error)
	// callback is where below the server people come back to.
	callback() string
	// user finds out who has come back. The nonce is what the request has asked to be repeated.
	user(ctx context.Context, token *oauth2.Token, nonce string) (user, error)
	// http reaches it.
	http() *http.Client
	// issuer is what a session is bound to.
	issuer() string
}

const (
	issuerState = "cyan-state"
	stateLasts  = 5 * time.Minute
)

// stateClaims are what a browser keeps while its user is with the issuer.
type stateClaims struct {
	jwt.RegisteredClaims
	Verifier string `json:"verifier"`
	Nonce    string `json:"nonce"`
	Return   string `json:"return"`
	Redirect string `json:"redirect"`
}

// IssuerLogin logs in those whom an issuer vouches for.
type IssuerLogin struct {
	*Verifier
	cookies Cookies
}

// ReturnPath returns where to send a browser after it has logged in: a path of this server as it was asked for, or /
// where what was asked for could lead elsewhere.
func ReturnPath(asked string) string {
	const longest = 2048
	if len(asked) > longest || !strings.HasPrefix(asked, "/") || strings.HasPrefix(asked, "//") || strings.Contains(asked, `\`) ||
		strings.ContainsFunc(asked, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "/"
	}
	if u, err := url.Parse(asked); err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "/"
	}
	return asked
}

// BeginLogin sends a browser to the issuer of settings. The error is nil, or a [*FlowError] and nothing is answered.
func (a *IssuerLogin) BeginLogin(w http.ResponseWriter, r *http.Request) error {
	p, s, err := a.provider(r.Context())
	if err != nil {
		return err
	}
	config, options, err := p.config(r.Context())
	if err != nil {
		return &FlowError{CodeUnreachable, err}
	}
	key, err := a.key(r.Context())
	if err != nil {
		return &FlowError{CodeNotConfigured, err}
	}
	config.RedirectURL = s.address(r) + p.callback()
	expires := a.Now().Add(stateLasts)
	state := stateClaims{
		RegisteredClaims: ownClaims(issuerState, "", access.Token{ID: oauth2.GenerateVerifier(), IssuedAt: a.Now().Unix(), ExpiresAt: expires.Unix()}).RegisteredClaims,
		Verifier:         oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Return: ReturnPath(r.URL.Query().Get("return_url")), Redirect: config.RedirectURL,
	}
	token, err := sign(key, state)
	if err != nil {
		return &FlowError{CodeNotConfigured, err}
	}
	http.SetCookie(w, a.cookies.of(r).new(stateCookie, token, expires))
	options = append(options, oauth2.S256ChallengeOption(state.Verifier), oauth2.SetAuthURLParam("nonce", state.Nonce))
	http.Redirect(w, r, config.AuthCodeURL(state.ID, options...), http.StatusSeeOther)
	return nil
}

// FinishLogin answers who comes back from the issuer: with a session, and on to where they wanted to go. The error is
// nil, or a [*FlowError]: then the browser was sent to the log-in page with its code.
func (a *IssuerLogin) FinishLogin(w http.ResponseWriter, r *http.Request) (Identity, error) {
	http.SetCookie(w, a.cookies.of(r).new(stateCookie, "", time.Time{}))
	id, session, back, err := a.finish(r)
	if err != nil {
		var flow *FlowError
		if !errors.As(err, &flow) {
			flow = &FlowError{CodeRefused, err}
		}
		a.Fail(w, r, flow.Code)
		return Identity{}, flow
	}
	for _, cookie := range session.Cookies {
		http.SetCookie(w, cookie)
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return id, nil
}

// Fail sends a browser to the log-in page, with one of the Codes.
func (a *IssuerLogin) Fail(w http.ResponseWriter, r *http.Request, code string) {
	http.Redirect(w, r, a.Below("/login?error="+url.QueryEscape(code)), http.StatusSeeOther)
}

// Below returns a path of the server as the browser has it.
func (a *IssuerLogin) Below(path string) string {
	return strings.TrimSuffix(a.cookies.Path, "/") + path
}

func (a *IssuerLogin) finish(r *http.Request) (Identity, Session, string, error) {
	ctx, query := r.Context(), r.URL.Query()
	key, err := a.key(ctx)
	if err != nil {
		return Identity{}, Session{}, "", &FlowError{CodeNotConfigured, err}
	}
	state, err := a.state(r, key)
	if err != nil {
		return Identity{}, Session{}, "", &FlowError{CodeState, err}
	}
	if query.Get("error") != "" || query.Get("code") == "" {
		return Identity{}, Session{}, "", &FlowError{CodeDenied, fmt.Errorf("issuer: %q", cut(query.Get("error")))}
	}
	p, s, err := a.provider(ctx)
	if err != nil {
		return Identity{}, Session{}, "", err
	}
	config, _, err := p.config(ctx)
	if err != nil {
		return Identity{}, Session{}, "", &FlowError{CodeUnreachable, err}
	}
	config.RedirectURL = state.Redirect
	token, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, p.http()), query.Get("code"), oauth2.VerifierOption(state.Verifier))
	if err != nil {
		return Identity{}, Session{}, "", &FlowError{CodeRefused, withoutBody(err)}
	}
	u, err := p.user(ctx, token, state.Nonce)
	if err != nil {
		return Identity{}, Session{}, "", &FlowError{CodeRefused, err}
	}
	id, session, err := a.welcome(r, key, s, p.issuer(), u)
	back := state.Return
	if back == "/" {
		back = a.Below(back)
	}
	return id, session, back, err
}

// withoutBody leaves out what an issuer has answered, in which there could be tokens.
func withoutBody(err error) error {
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) {
		return fmt.Errorf("issuer answers %s, %q", answered.Response.Status, cut(answered.ErrorCode))
	}
	return err
}

// state returns what the browser has kept, when it is the one that the answer of the issuer is about.
func (a *IssuerLogin) state(r *http.Request, key []byte) (*stateClaims, error) {
	cookie, err := r.Cookie(stateCookie)
	if err != nil {
		return nil, errors.New("no state: another browser, or longer ago than it is kept")
	}
	state := &stateClaims{}
	if err := verify(key, cookie.Value, a.Now, state, issuerState); err != nil {
		return nil, err
	}
	if state.ID == "" || subtle.ConstantTimeCompare([]byte(state.ID), []byte(r.URL.Query().Get("state"))) != 1 {
		return nil, errors.New("state is of another log-in")
	}
	return state, nil
}

// LogoutURL returns where a browser goes when its session has ended: to the issuer's own log-out where settings name
// one, else to the log-in page.
func (a *IssuerLogin) LogoutURL(r *http.Request) string {
	home := a.Below("/login")
	s, _, err := a.Settings(r.Context())
	if err != nil || s.OIDC == nil || !isHTTP(strings.SplitN(s.OIDC.LogoutURL, "?", 2)[0]) {
		return home
	}
	back := ""
	if len(s.URLs) > 0 {
		back = url.QueryEscape(s.address(r))
	}
	// The issuer's token is not kept.
	return strings.NewReplacer("{{token}}", "", "{{logoutRedirectURL}}", back).Replace(s.OIDC.LogoutURL)
}

// welcome begins the session of a user whom an issuer has vouched for. It ends with the issuer's own word, and at the
// latest as a session of an account does.
func (a *IssuerLogin) welcome(r *http.Request, key []byte, s Settings, issuer string, u user) (Identity, Session, error) {
	if s.clashes(u.name) {
		return Identity{}, Session{}, &FlowError{CodeRefused, fmt.Errorf("user %q has the name of an account", cut(u.name))}
	}
	expires := a.Now().Add(s.SessionDuration)
	if !u.expires.IsZero() && u.expires.Before(expires) {
		expires = u.expires
	}
	c := ownClaims(issuerSession, u.name, access.Token{ID: newID(), IssuedAt: a.Now().Unix(), ExpiresAt: expires.Unix()})
	c.Provider, c.Groups, c.Display = issuer, u.groups, u.display
	token, err := sign(key, c)
	if err != nil {
		return Identity{}, Session{}, &FlowError{CodeNotConfigured, err}
	}
	session, err := a.cookies.of(r).hold(token, expires)
	if err != nil {
		return Identity{}, Session{}, &FlowError{CodeRefused, err}
	}
	return Identity{
		Subject: access.Subject{Name: u.name, Groups: u.groups, Foreign: true}, DisplayName: u.display, Issuer: issuer, How: BySession, TokenID: c.ID, IssuedAt: c.IssuedAt.Time, Expires: expires,
	}, session, nil
}

// address returns the address of the server that a browser has called it by, of those that settings name; else the
// first.
func (s Settings) address(r *http.Request) string {
	at := slices.IndexFunc(s.URLs, func(u string) bool {
		parsed, err := url.Parse(u)
		return err == nil && strings.EqualFold(parsed.Host, r.Host)
	})
	return s.URLs[max(0, at)]
}
