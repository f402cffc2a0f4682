package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
)

// TestLogin: who knows the password of an account that may log in gets a session; everybody else the same answer.
func TestLogin(t *testing.T) {
	w := newWorld(t)
	session := w.login("alice", alicePassword)
	id, err := w.Verify(t.Context(), session.Token)
	if err != nil || id.Name != "alice" || id.How != BySession || id.Issuer != LocalIssuer || id.Foreign || id.DisplayName != "alice" || id.TokenID == "" || !id.LoggedIn() || !id.Expires.Equal(session.Expires) ||
		session.Expires.Unix() != w.now.Add(24*time.Hour).Unix() {
		t.Errorf("got %+v, %v", id, err)
	}
	c := cookieNamed(session.Cookies, sessionCookie)
	if c == nil || c.Value != session.Token || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || !c.Expires.Equal(session.Expires) {
		t.Errorf("got the cookie %+v", c)
	}
	for what, r := range map[string]*http.Request{"header": request(withBearer(session.Token)), "cookie": request(withCookies(session.Cookies))} {
		if id, err := w.Authenticate(r); err != nil || id.Name != "alice" {
			t.Errorf("by %s: got %+v, %v", what, id, err)
		}
	}
	for i, c := range []struct{ what, name, password string }{
		{"wrong password", "alice", "wrong"}, {"no such account", "mallory", alicePassword}, {"disabled", "off", alicePassword}, {"no password set", "empty", "anything"}, {"may not log in", "ci", "anything"},
		{"no name", "", alicePassword}, {"no password", "alice", ""}, {"a name that is too long", strings.Repeat("a", 33), alicePassword}, {"a password that is too long", "alice", alicePassword + strings.Repeat(" ", 73)},
	} {
		if _, err := w.Login(request(from(fmt.Sprint("192.0.2.", i))), Credentials{c.name, c.password}); !errors.Is(err, ErrCredentials) || err.Error() != "invalid username or password" {
			t.Errorf("%s: got %v, want %v", c.what, err, ErrCredentials)
		}
	}
	w.fail = errors.New("API server is away")
	if _, err := w.Login(request(), Credentials{"alice", alicePassword}); !errors.Is(err, w.fail) {
		t.Errorf("got %v, want that it is told", err)
	}
	if _, err := w.Verify(t.Context(), session.Token); !errors.Is(err, w.fail) {
		t.Errorf("got %v, want that it is told", err)
	}
}

func TestHashesThatCostTooMuchAreNotTried(t *testing.T) {
	// The cost stands in the hash: 31 would take hours.
	hash := []byte(strings.Replace(string(quick(t, "x")), "$04$", "$31$", 1))
	if matches(hash, "x") || matches(nil, "x") || matches([]byte("not a hash"), "x") || matches(quick(t, strings.Repeat("x", 72)), strings.Repeat("x", 73)) {
		t.Error("an unusable hash matched")
	}
	if !matches(quick(t, strings.Repeat("x", 72)), strings.Repeat("x", 72)) {
		t.Error("72 bytes are a password")
	}
}

// TestTheClassOfSessionsThatLiveOn: a session ends with log-out, a change of its password, and its account, on every
// replica and after a restart.
func TestTheClassOfSessionsThatLiveOn(t *testing.T) {
	w := newWorld(t)
	other := New(Options{Objects: w.memory, Now: func() time.Time { return w.now }})
	first, second := w.login("alice", alicePassword), w.login("alice", alicePassword)
	cookies, err := w.Logout(request(withCookies(first.Cookies)))
	if c := cookieNamed(cookies, sessionCookie); err != nil || c == nil || c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("log-out: got %+v, %v", c, err)
	}
	w.ends("after log-out", first.Token)
	w.stays("after another's log-out", second.Token)
	if _, err := other.Verify(t.Context(), first.Token); !errors.Is(err, ErrToken) {
		t.Errorf("on another replica: got %v", err)
	}
	w.restart()
	w.ends("after log-out and a restart", first.Token)
	w.stays("after a restart", second.Token)

	w.pass(100 * time.Millisecond)
	third := w.login("alice", alicePassword)
	w.pass(100 * time.Millisecond)
	if err := w.SetPassword(t.Context(), "alice", "a new password"); err != nil {
		t.Fatal(err)
	}
	w.ends("after the password was changed", second.Token)
	w.ends("after the password was changed within the same second", third.Token)
	fourth := w.login("alice", "a new password")
	w.stays("with the new password, in the same second", fourth.Token)

	w.set("accounts.alice.enabled", "false")
	w.ends("after the account was disabled", fourth.Token)
	delete(w.configMaps[ConfigName], "accounts.alice.enabled")
	w.set("accounts.alice", "apiKey")
	w.ends("after the account may not log in", fourth.Token)
	delete(w.configMaps[ConfigName], "accounts.alice")
	w.ends("after the account was removed", fourth.Token)
	w.set("accounts.alice", "login")
	w.stays("after all is as it was", fourth.Token)
	w.pass(24*time.Hour + 5*time.Second)
	w.ends("after a day", fourth.Token)
}

func TestLogoutWithoutASession(t *testing.T) {
	w := newWorld(t)
	token, _, err := w.GenerateToken(t.Context(), "ci", "build", 0)
	if err != nil {
		t.Fatal(err)
	}
	for what, r := range map[string]*http.Request{"nobody": request(), "an invalid token": request(withBearer("x")), "an account's token": request(withBearer(token))} {
		if _, err := w.Logout(r); err != nil {
			t.Errorf("%s: got %v", what, err)
		}
	}
	w.stays("an account's token after a log-out", token)
	if w.configMaps[RevokedName] != nil {
		t.Errorf("got %v, want that nothing was written", w.configMaps[RevokedName])
	}
}

// TestRenewal: a session that is used shortly before its end goes on, as the same session.
func TestRenewal(t *testing.T) {
	w := newWorld(t, "users.session.duration", "1h")
	session := w.login("alice", alicePassword)
	renew := func() (Session, bool) {
		t.Helper()
		id, err := w.Verify(t.Context(), session.Token)
		if err != nil {
			t.Fatal(err)
		}
		renewed, ok, err := w.Renew(httptest.NewRequest(http.MethodGet, "/", nil), id)
		if err != nil {
			t.Fatal(err)
		}
		return renewed, ok
	}
	w.pass(55*time.Minute - time.Second)
	if _, ok := renew(); ok {
		t.Error("renewed too early")
	}
	w.pass(2 * time.Second)
	renewed, ok := renew()
	if !ok || renewed.Expires.Unix() != w.now.Add(time.Hour).Unix() || cookieNamed(renewed.Cookies, sessionCookie).Value != renewed.Token {
		t.Fatalf("got %+v, %v", renewed, ok)
	}
	w.stays("renewed", renewed.Token)
	// Ending the one that was renewed ends what it was renewed to, for as long as that would hold.
	if _, err := w.Logout(request(withBearer(session.Token))); err != nil {
		t.Fatal(err)
	}
	w.ends("after log-out", session.Token)
	w.ends("after log-out", renewed.Token)
	w.pass(59 * time.Minute)
	if err := w.UpdateConfigMap(t.Context(), RevokedName, func(data map[string]string) error { w.revoked.tidy(data); return nil }); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.ends("an hour later", renewed.Token)
	for what, id := range map[string]Identity{
		"a token of an account": {Issuer: LocalIssuer, How: ByAccountToken, Expires: w.now}, "a foreign user": {Issuer: "https://idp.example", How: BySession, Expires: w.now},
		"nobody": {How: ByNothing}, "a session without an end": {Issuer: LocalIssuer, How: BySession},
	} {
		if _, ok, err := w.Renew(httptest.NewRequest(http.MethodGet, "/", nil), id); ok || err != nil {
			t.Errorf("%s: got %v, %v", what, ok, err)
		}
	}
	w.set("users.session.duration", "5m")
	if _, ok, err := w.Renew(httptest.NewRequest(http.MethodGet, "/", nil), Identity{Issuer: LocalIssuer, How: BySession, Expires: w.now}); ok || err != nil {
		t.Errorf("sessions as short as that: got %v, %v", ok, err)
	}
}

// TestTheClassOfTrustInClaims: what a token says counts for nothing until it is verified, and then for what it is.
func TestTheClassOfTrustInClaims(t *testing.T) {
	w := newWorld(t, "users.anonymous.enabled", "true")
	key := w.secrets[SecretName].Data[signingKey]
	at := func(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(w.now.Add(d)) }
	good := jwt.RegisteredClaims{Issuer: LocalIssuer, Subject: "admin:login", ID: "x", IssuedAt: at(0), NotBefore: at(0), ExpiresAt: at(time.Hour)}
	signed := func(method jwt.SigningMethod, key any, change func(*jwt.RegisteredClaims)) string {
		t.Helper()
		c := good
		change(&c)
		token, err := jwt.NewWithClaims(method, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	same := func(*jwt.RegisteredClaims) {}
	w.stays("the token that the others are made of", signed(jwt.SigningMethodHS256, key, same))
	w.stays("without a capability, as old ones are", signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "admin" }))
	w.stays("clocks that differ a little", signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.NotBefore = at(time.Second) }))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for what, token := range map[string]string{
		"another key":               signed(jwt.SigningMethodHS256, []byte("another key of 32 bytes, as well"), same),
		"no signature":              signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same),
		"another algorithm":         signed(jwt.SigningMethodHS512, key, same),
		"an algorithm of issuers":   signed(jwt.SigningMethodRS256, rsaKey, same),
		"another issuer":            signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = "https://idp.example" }),
		"no issuer":                 signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = "" }),
		"expired":                   signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = at(-time.Minute) }),
		"not yet":                   signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.NotBefore = at(time.Minute) }),
		"no time":                   signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.IssuedAt = nil }),
		"before the password":       signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.IssuedAt = at(-365 * 24 * time.Hour) }),
		"unknown account":           signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "mallory:login" }),
		"no account":                signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "" }),
		"a role":                    signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "role:admin" }),
		"unknown capability":        signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "admin:root" }),
		"an unlisted token":         signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "alice:apiKey" }),
		"an unlisted token, no id":  signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject, c.ID = "alice:apiKey", "" }),
		"an unlisted project token": signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "proj:shop:ci" }),
		"a project that is not":     signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "proj:none:ci" }),
		"a browser's mark":          signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Issuer, c.Subject = issuerDevice, "admin" }),
		"a state of a log-in":       signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = issuerState }),
		"a session of no issuer":    signed(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = issuerSession }),
		"no token":                  "x",
		"three dots":                "..",
		"too long":                  strings.Repeat("x", longestToken+1),
	} {
		w.ends(what, token)
		// Nobody may be anonymous by a token that does not hold.
		if id, err := w.Authenticate(request(withBearer(token))); !errors.Is(err, ErrToken) || id.LoggedIn() || err.Error() != ErrToken.Error() || ReasonOf(err) == "" {
			t.Errorf("%s: got %+v, %v (%s)", what, id, err, ReasonOf(err))
		}
	}
	if id, err := w.Authenticate(request()); err != nil || id.LoggedIn() || id.Name != "" {
		t.Errorf("without a token: got %+v, %v", id, err)
	}
	w.set("users.anonymous.enabled", "false")
	if _, err := w.Authenticate(request()); !errors.Is(err, ErrNoSession) {
		t.Errorf("without a token: got %v", err)
	}
	for _, short := range []string{"", "short"} {
		w.secrets[SecretName].Data[signingKey] = []byte(short)
		if _, err := w.Verify(t.Context(), signed(jwt.SigningMethodHS256, []byte(short), same)); problem.KindOf(err) != problem.Refused {
			t.Errorf("a key %q: got %v, want that it is refused", short, err)
		}
		if _, err := w.Login(request(), Credentials{"admin", adminPassword}); problem.KindOf(err) != problem.Refused {
			t.Errorf("a key %q: got %v, want that nobody logs in", short, err)
		}
	}
}

func TestChangePassword(t *testing.T) {
	w := newWorld(t)
	session := w.login("alice", alicePassword)
	id, err := w.Verify(t.Context(), session.Token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ChangePassword(request(), id, "wrong", "alice", "a new password"); !errors.Is(err, ErrCredentials) {
		t.Errorf("got %v", err)
	}
	for what, other := range map[string]Identity{"a foreign user": {Subject: access.Subject{Name: "alice", Foreign: true}, How: BySession}, "a token": {Subject: id.Subject, How: ByAccountToken}} {
		if _, err := w.ChangePassword(request(), other, alicePassword, "alice", "a new password"); problem.Of(err) == nil || problem.Of(err).Kind != problem.Refused {
			t.Errorf("%s: got %v", what, err)
		}
	}
	next, err := w.ChangePassword(request(), id, alicePassword, "alice", "a new password")
	if err != nil {
		t.Error(err)
	}
	w.stays("the one in its place", next.Token)
	w.ends("after the change", session.Token)
	w.login("alice", "a new password")
}

// TestRevocationsAreBounded: what is kept of sessions that were ended fits a ConfigMap, whoever logs out how often.
func TestRevocationsAreBounded(t *testing.T) {
	w := newWorld(t)
	kept := w.login("admin", adminPassword)
	w.pass(time.Second)
	stays := w.login("alice", alicePassword)
	end := func(name, token string) {
		t.Helper()
		id := Identity{Subject: access.Subject{Name: name}, Issuer: LocalIssuer, TokenID: token, IssuedAt: w.now, Expires: w.now.Add(time.Hour), How: BySession}
		if err := w.revoked.add(t.Context(), id, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for i := range mostRevokedPerSubject {
		end("alice", fmt.Sprint(i))
	}
	w.stays("after as many as are kept singly", stays.Token)
	if got := len(w.configMaps[RevokedName]); got != mostRevokedPerSubject {
		t.Errorf("%d entries, want %d", got, mostRevokedPerSubject)
	}
	end("alice", "one more")
	if got := len(w.configMaps[RevokedName]); got != 1 {
		t.Errorf("%d entries, want 1", got)
	}
	w.restart()
	w.ends("after more than are kept singly", stays.Token)
	w.stays("of another account", kept.Token)
	w.pass(time.Second)
	later := w.login("alice", alicePassword)
	w.stays("begun later", later.Token)

	// An entry for each of many subjects.
	for i := range mostRevoked {
		w.configMaps[RevokedName][idPrefix+digest(fmt.Sprint("s", i))] = ended{expires: w.now.Add(time.Hour).Unix(), subject: subjectDigest("x", fmt.Sprint(i))}.String()
	}
	size := 0
	for key, value := range w.configMaps[RevokedName] {
		size += len(key) + len(value)
	}
	if size > 700<<10 {
		t.Errorf("%d bytes", size)
	}
	end("mallory", "x")
	w.restart()
	if got := w.configMaps[RevokedName]; len(got) != 1 || got[everybodyKey] == "" {
		t.Errorf("%d entries, want one that ends all", len(got))
	}
	w.ends("of everybody", kept.Token)
	w.pass(time.Second)
	again := w.login("admin", adminPassword)
	w.stays("begun later", again.Token)
	w.pass(2 * time.Hour)
	end("alice", "y")
	if got := w.configMaps[RevokedName]; len(got) != 1 || got[everybodyKey] != "" {
		t.Errorf("got %v, want that what has expired is left out", got)
	}
	for range mostRevokedHere + 10 {
		w.revoked.remember(idPrefix+digest(newID()), ended{expires: w.now.Add(time.Hour).Unix(), subject: "x"}.String())
	}
	if got := len(w.revoked.here); got > mostRevokedHere {
		t.Errorf("%d are remembered", got)
	}
	w.configMaps[RevokedName] = map[string]string{everybodyKey: "unreadable"}
	w.ends("by an entry that cannot be read", again.Token)
}

// TestALogoutThatACacheHasNotSeen: a session that was ended here has ended here, whatever the cache answers.
func TestALogoutThatACacheHasNotSeen(t *testing.T) {
	w := newWorld(t)
	session := w.login("alice", alicePassword)
	if _, err := w.Logout(request(withBearer(session.Token))); err != nil {
		t.Fatal(err)
	}
	delete(w.configMaps, RevokedName)
	w.ends("before the cache knows", session.Token)
}

func TestCookies(t *testing.T) {
	c := Cookies{Path: "/cd", Insecure: true}
	for _, length := range []int{10, 4071, 4072, 8000, 60_000} {
		token := strings.Repeat("abcdefghij", length/10+1)[:length]
		cookies, err := c.session(token, time.Unix(1_900_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		for _, cookie := range cookies {
			if n := len(cookie.Name) + len(cookie.Value); n > longestCookie || cookie.Path != "/cd" || cookie.Secure || !cookie.HttpOnly {
				t.Errorf("%d: a cookie of %d bytes: %+v", length, n, cookie)
			}
		}
		r := request(withCookies(cookies))
		if got := sessionsOf(r); len(got) != 1 || got[0] != token {
			t.Errorf("%d: got %d sessions in %d cookies", length, len(got), len(cookies))
		}
		if got := c.ended(r); len(got) != len(cookies) || slices.ContainsFunc(got, func(c *http.Cookie) bool { return c.MaxAge != -1 || c.Path != "/cd" }) {
			t.Errorf("%d: %d cookies end %d", length, len(got), len(cookies))
		}
	}
	if _, err := c.session(strings.Repeat("x", 100_000), time.Time{}); err == nil {
		t.Error("a session that is too long was divided")
	}
	for _, value := range []string{"3:a", "0:a", "-1:a", "21:a", "x:a", "99999999999999999999:a"} {
		if got := sessionsOf(request(withCookies([]*http.Cookie{{Name: sessionCookie, Value: value}}))); len(got) > 0 {
			t.Errorf("%s: got %q", value, got)
		}
	}
	for header, want := range map[string]string{"Bearer x": "x", "bearer  x ": "x", "Basic x": "", "x": "", "": ""} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", header)
		if got := bearerOf(r); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

// TestTheClassOfTossedCookies: a sibling site sets a session of its own beside the one that a browser has.
func TestTheClassOfTossedCookies(t *testing.T) {
	w := newWorld(t)
	login := func(name, password string) string {
		session, err := w.Login(request(), Credentials{name, password})
		if err != nil {
			t.Fatal(err)
		}
		return session.Token
	}
	alice, again, admin := login("alice", alicePassword), login("alice", alicePassword), login("admin", adminPassword)
	cookies := func(tokens ...string) *http.Request {
		var all []*http.Cookie
		for _, token := range tokens {
			all = append(all, &http.Cookie{Name: sessionCookie, Value: token})
		}
		return request(withCookies(all))
	}
	for what, c := range map[string]struct {
		tokens []string
		want   string
	}{
		"one":                                   {[]string{alice}, "alice"},
		"the same twice":                        {[]string{alice, alice}, "alice"},
		"two of the same account":               {[]string{alice, again}, "alice"},
		"one that does not hold before it":      {[]string{"x", alice}, "alice"},
		"one that does not hold behind it":      {[]string{alice, "x.y.z"}, "alice"},
		"one that is empty, and a part of many": {[]string{"", "3:x", alice}, "alice"},
		"another account's before it":           {[]string{admin, alice}, ""},
		"another account's behind it":           {[]string{alice, admin}, ""},
		"so many that the own is not looked at": {[]string{admin, "a", "b", "c", alice}, ""},
		"none that holds":                       {[]string{"a", "b"}, ""},
	} {
		id, err := w.Authenticate(cookies(c.tokens...))
		if id.Name != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, ErrToken) {
			t.Errorf("%s: got %q, %v, want %q", what, id.Name, err, c.want)
		}
	}
	// A log-out ends all that are sent.
	if _, err := w.Logout(cookies(alice, again)); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{alice, again} {
		w.ends("logged out", token)
	}
	w.stays("of another account", admin)
}

func FuzzVerify(f *testing.F) {
	w := newWorld(&testing.T{})
	token, _, err := w.GenerateToken(f.Context(), "ci", "x", 0)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{token, "a.b.c", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJhcmdvY2QifQ.", "2:" + token} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := w.Verify(t.Context(), text); err == nil && text != token {
			t.Errorf("got %+v", id)
		}
		_ = sessionsOf(request(func(r *http.Request) { r.Header.Set("Cookie", sessionCookie+"="+text) }))
	})
}

// TestLoginsAtTheSameTime: any number of log-ins, failures, checks and log-outs at one time leave the server as it was.
func TestLoginsAtTheSameTime(t *testing.T) {
	w := settled(t)
	session := w.login("alice", alicePassword)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			address := from(fmt.Sprint("198.51.100.", i))
			if i%2 == 0 {
				_, _ = w.Login(request(address), Credentials{"alice", "wrong"})
			} else if s, err := w.Login(request(address), Credentials{"alice", alicePassword}); err == nil {
				if _, err := w.Logout(request(address, withBearer(s.Token))); err != nil {
					t.Error(err)
				}
			}
			_, _ = w.Verify(t.Context(), session.Token)
		})
	}
	all.Wait()
	w.stays("after all of that", session.Token)
}

// BenchmarkVerify is what a request costs, with an issuer and fifty accounts in the settings.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(&testing.T{}, "url", "https://cd.example", "oidc.config", "{name: Okta, issuer: https://idp.example, clientID: cd, clientSecret: $oidc.secret, requestedScopes: [openid, email, groups]}")
	for i := range 50 {
		w.set(fmt.Sprint("accounts.a", i), "login, apiKey")
	}
	session, err := w.Login(request(), Credentials{"alice", alicePassword})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := w.Verify(b.Context(), session.Token); err != nil {
			b.Fatal(err)
		}
	}
}
