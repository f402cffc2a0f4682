package auth

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Authenticator finds out who asks, and logs in and out.
type Authenticator struct {
	*IssuerLogin
	checks *checks
	limits *limits
	// Address returns the address that a request counts for; that of its connection unless a trusted proxy is in front.
	Address func(*http.Request) string
}

// Options are what an Authenticator is made of.
type Options struct {
	Objects Objects
	// Now is the clock.
	Now     func() time.Time
	Cookies Cookies
	// Scopes returns the claims whose values are groups: access.Policy.Scopes of the policy of now.
	Scopes func() []string
	// Client reaches issuers; nil for one with bounds of time and size.
	Client *http.Client
}

// New returns an Authenticator. [Accounts.Ensure] has to have run once before somebody can log in.
func New(o Options) *Authenticator {
	if o.Scopes == nil {
		o.Scopes = func() []string { return []string{"groups"} }
	}
	_ = dummyHash()
	v := &Verifier{Accounts: Accounts{o.Objects, o.Now, &parsedSettings{}}, revoked: newRevoked(o.Objects, o.Now), issuers: newIssuers(o.Client, o.Now), scopes: o.Scopes}
	return &Authenticator{
		IssuerLogin: &IssuerLogin{v, o.Cookies}, checks: newChecks(), limits: newLimits(o.Now()), Address: func(r *http.Request) string { return AddressOf(r.RemoteAddr) },
	}
}

// Authenticate returns who a request is from. A request without a token is from nobody, who has what everybody has,
// where settings allow that; else [ErrNoSession]. A token that does not hold is [ErrToken], never nobody.
func (a *Authenticator) Authenticate(r *http.Request) (Identity, error) {
	if sent, err := a.sent(r); err != nil || len(sent) > 0 {
		return first(sent), err
	}
	s, _, err := a.Settings(r.Context())
	if err != nil {
		return Identity{}, err
	}
	if !s.Anonymous {
		return Identity{}, ErrNoSession
	}
	return Identity{How: ByNothing}, nil
}

func first(ids []Identity) Identity {
	if len(ids) == 0 {
		return Identity{}
	}
	return ids[0]
}

// sent returns who has the tokens of a request that hold: one, or several where another server has set cookies at a
// path or a domain that this one's are sent to as well. A sibling site may have set one of those, to have somebody work
// as somebody else, so that all have to be of one subject. It is empty where there is no token, and an error where none
// holds.
func (a *Authenticator) sent(r *http.Request) ([]Identity, error) {
	tokens := sessionsOf(r)
	if token := bearerOf(r); token != "" {
		tokens = []string{token}
	}
	if len(tokens) > mostSessions {
		return nil, invalid("too many sessions in one request")
	}
	var found []Identity
	var failed error
	for _, token := range tokens {
		id, err := a.Verify(r.Context(), token)
		switch {
		case err == nil:
			found = append(found, id)
		case !errors.Is(err, ErrToken):
			return nil, err
		case failed == nil:
			failed = err
		}
	}
	if len(found) == 0 {
		return nil, failed
	}
	if slices.ContainsFunc(found, func(id Identity) bool { return id.Name != found[0].Name || id.Issuer != found[0].Issuer }) {
		return nil, invalid("sessions of several subjects in one request")
	}
	return found, nil
}

// Session is a session that has begun.
type Session struct {
	Token   string
	Expires time.Time
	// Cookies are to be set in the answer.
	Cookies []*http.Cookie
}

// Credentials are what somebody logs in with.
type Credentials struct{ Name, Password string }

// Login begins a session for who knows the password of an account. Who does not has [ErrCredentials], after the same
// work, whatever is wrong; who tries too often, [*TooSoonError]; [ErrBusy] may be tried again at once.
func (a *Authenticator) Login(r *http.Request, c Credentials) (Session, error) {
	ctx := r.Context()
	if len(c.Name) == 0 || len(c.Name) > longestName || len(c.Password) == 0 || len(c.Password) > longestPassword {
		return Session{}, ErrCredentials
	}
	s, _, err := a.Settings(ctx)
	if err != nil {
		return Session{}, err
	}
	secret, err := a.secret(ctx)
	if err != nil {
		return Session{}, err
	}
	key, err := a.key(ctx)
	if err != nil {
		return Session{}, err
	}
	device, known := a.deviceOf(r, key, c.Name)
	tried := attempt{address: a.Address(r), account: c.Name, device: device}
	if wait := a.limits.begin(tried, a.Now()); wait > 0 {
		return Session{}, &TooSoonError{wait}
	}
	account := Account{Name: c.Name}
	if settings, there := s.Accounts[c.Name]; there && settings.Enabled && settings.Login {
		account = accountOf(c.Name, settings, secret)
	}
	lane, right := &a.checks.strangers, false
	if known {
		lane = &a.checks.known
	}
	if err := lane.do(ctx, func() { right = matches(account.hash, c.Password) }); err != nil {
		a.limits.undone(tried, a.Now())
		return Session{}, err
	}
	if !right {
		return Session{}, ErrCredentials
	}
	a.limits.succeeded(tried, a.Now())
	return a.begin(r, key, account, s)
}

// begin makes the session of an account.
func (a *Authenticator) begin(r *http.Request, key []byte, account Account, s Settings) (Session, error) {
	entry, err := newEntry(newID(), s.SessionDuration, a.Now(), account.PasswordChanged)
	if err != nil {
		return Session{}, err
	}
	token, err := sign(key, ownClaims(LocalIssuer, account.Name+":"+capabilityLogin, entry))
	if err != nil {
		return Session{}, err
	}
	cookies := a.cookies.of(r)
	session, err := cookies.hold(token, time.Unix(entry.ExpiresAt, 0))
	if err != nil {
		return Session{}, err
	}
	device, err := a.newDevice(cookies, key, account.Name)
	session.Cookies = append(session.Cookies, device)
	return session, err
}

// hold puts a session into cookies.
func (c Cookies) hold(token string, expires time.Time) (Session, error) {
	cookies, err := c.session(token, expires)
	return Session{token, expires, cookies}, err
}

const (
	issuerDevice = "cyan-device"
	deviceLasts  = 90 * 24 * time.Hour
)

// newDevice returns the cookie by which a browser is known that has logged in to an account. It proves nothing else.
func (a *Authenticator) newDevice(cookies Cookies, key []byte, account string) (*http.Cookie, error) {
	expires := a.Now().Add(deviceLasts)
	token, err := sign(key, ownClaims(issuerDevice, account, access.Token{ID: newID(), IssuedAt: a.Now().Unix(), ExpiresAt: expires.Unix()}))
	return cookies.new(deviceCookie, token, expires), err
}

// deviceOf returns the browser of a request, where it has logged in to the account before.
func (a *Authenticator) deviceOf(r *http.Request, key []byte, account string) (id string, known bool) {
	cookie, err := r.Cookie(deviceCookie)
	if err != nil || len(cookie.Value) > longestCookie {
		return "", false
	}
	c := &jwt.RegisteredClaims{}
	if verify(key, cookie.Value, a.Now, c, issuerDevice) != nil || c.Subject != account || c.ID == "" {
		return "", false
	}
	return c.ID, true
}

// renewBefore is how long before its end a session is renewed.
const renewBefore = 5 * time.Minute

// Renew returns a session in place of one that ends soon; false where there is none to renew. It is the same session
// for who ends it. One of a user whom an issuer has vouched for is not renewed: the issuer is asked again. One that was
// sent as a header is the program's own affair; what a proxy has asked for there is none.
func (a *Authenticator) Renew(r *http.Request, id Identity) (Session, bool, error) {
	ctx := r.Context()
	if bearerOf(r) != "" || id.How != BySession || id.Issuer != LocalIssuer || id.Expires.IsZero() || id.Expires.Sub(a.Now()) >= renewBefore {
		return Session{}, false, nil
	}
	s, _, err := a.Settings(ctx)
	if err != nil || s.SessionDuration <= renewBefore {
		return Session{}, false, err
	}
	key, err := a.key(ctx)
	if err != nil {
		return Session{}, false, err
	}
	entry := access.Token{ID: id.TokenID, IssuedAt: id.IssuedAt.Unix(), ExpiresAt: a.Now().Add(s.SessionDuration).Unix()}
	token, err := sign(key, ownClaims(LocalIssuer, id.Name+":"+capabilityLogin, entry))
	if err != nil {
		return Session{}, false, err
	}
	session, err := a.cookies.of(r).hold(token, time.Unix(entry.ExpiresAt, 0))
	return session, err == nil, err
}

// Logout ends a session on every replica, and returns the cookies that take it from the browser. A token of an account
// or of a project's role is no session: it holds until it is deleted.
func (a *Authenticator) Logout(r *http.Request) ([]*http.Cookie, error) {
	ended := a.cookies.of(r).ended(r)
	sent, err := a.sent(r)
	sent = slices.DeleteFunc(sent, func(id Identity) bool { return id.How != BySession && id.How != ByIssuer })
	if err != nil || len(sent) == 0 {
		return ended, ignoreNoSession(err)
	}
	s, _, err := a.Settings(r.Context())
	if err != nil {
		return ended, err
	}
	for _, id := range sent {
		err = errors.Join(err, a.revoked.add(r.Context(), id, s.SessionDuration))
	}
	return ended, err
}

func ignoreNoSession(err error) error {
	if errors.Is(err, ErrNoSession) || errors.Is(err, ErrToken) {
		return nil
	}
	return err
}

// ChangePassword sets the password of an account at the wish of who has logged in with one, after that was given again.
// Whether they may is for the caller to have decided. Who has changed their own gets a session in place of the one that
// the change has ended.
func (a *Authenticator) ChangePassword(r *http.Request, id Identity, current, account, password string) (Session, error) {
	if id.How != BySession || id.Foreign {
		return Session{}, &problem.Error{Kind: problem.Refused, Object: "password of account " + cut(account), Cause: "changed only by who has logged in with a password", Remedy: "log in to an account, or use `account update-password` with the kubeconfig"}
	}
	if _, err := a.Login(r, Credentials{id.Name, current}); err != nil {
		return Session{}, err
	}
	if err := a.SetPassword(r.Context(), account, password); err != nil || account != id.Name {
		return Session{}, err
	}
	return a.Login(r, Credentials{account, password})
}
