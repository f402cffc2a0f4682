package auth

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	timerate "golang.org/x/time/rate"
)

// Bounds of what issuers are asked and may answer.
const (
	issuerTimeout = 10 * time.Second
	longestAnswer = 1 << 20
	// retryAfter is how long an issuer that does not answer is left alone.
	retryAfter = 10 * time.Second
	// lookAgain is how long what an issuer says of itself is believed.
	lookAgain = time.Hour
)

// algorithms are those by which an issuer may sign: with a key of its own, never with one that both know.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// issuers keep what the issuer of settings has said of itself.
type issuers struct {
	client *http.Client
	now    func() time.Time

	mu     sync.Mutex
	key    string
	found  *oidcProvider
	failed error
	at     time.Time
}

func newIssuers(client *http.Client, now func() time.Time) *issuers {
	if client == nil {
		client = &http.Client{Timeout: issuerTimeout}
	}
	bounded := *client
	next := bounded.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	// An answer to a token with an unknown key is to ask for the keys; strangers' tokens are not to make that many.
	bounded.Transport = &boundedTransport{next: next, rate: timerate.NewLimiter(timerate.Every(time.Second), 50)}
	return &issuers{client: &bounded, now: now}
}

// boundedTransport bounds how often issuers are asked, and how much they may answer.
type boundedTransport struct {
	next http.RoundTripper
	rate *timerate.Limiter
}

// RoundTrip asks, unless it was asked too often.
func (t *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.rate.Allow() {
		return nil, errors.New("issuer is asked too often")
	}
	response, err := t.next.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, longestAnswer), response.Body}
	}
	return response, err
}

// of returns the issuer of settings.
func (i *issuers) of(ctx context.Context, a Accounts, s Settings, scopes []string) (provider, error) {
	if s.OIDC != nil {
		return i.oidc(ctx, a, *s.OIDC, scopes)
	}
	secret, err := a.resolve(ctx, dexKey, s.GitHub.ClientSecret)
	if err != nil {
		return nil, err
	}
	id, err := a.resolve(ctx, dexKey, s.GitHub.ClientID)
	if err != nil {
		return nil, err
	}
	client, err := trusting(i.client, s.GitHub.RootCA)
	return &gitHub{settings: *s.GitHub, id: id, secret: secret, client: client}, err
}

// oidc asks an issuer what it says of itself, unless it has been asked lately.
func (i *issuers) oidc(ctx context.Context, a Accounts, s OIDCSettings, scopes []string) (*oidcProvider, error) {
	secret, err := a.resolve(ctx, oidcKey+": clientSecret", s.ClientSecret)
	if err != nil {
		return nil, err
	}
	id, err := a.resolve(ctx, oidcKey+": clientID", s.ClientID)
	if err != nil {
		return nil, err
	}
	s.ClientID, s.ClientSecret = id, secret
	text, err := json.Marshal(struct {
		OIDCSettings
		Scopes []string
	}{s, scopes})
	if err != nil {
		return nil, err
	}
	key := digest(string(text))
	i.mu.Lock()
	defer i.mu.Unlock()
	since := i.now().Sub(i.at)
	if i.key == key && (i.failed == nil && since < lookAgain || i.failed != nil && since < retryAfter) {
		return i.found, i.failed
	}
	i.key, i.at, i.found = key, i.now(), nil
	client, err := trusting(i.client, s.RootCA)
	if err == nil {
		i.found, err = discover(client, s, scopes, i.now)
	}
	i.failed = err
	return i.found, err
}

// discover asks an issuer. It is asked for all that wait, so that the end of one request does not end it.
func discover(client *http.Client, s OIDCSettings, scopes []string, now func() time.Time) (*oidcProvider, error) {
	ctx := oidc.ClientContext(context.Background(), client)
	p, err := oidc.NewProvider(ctx, s.Issuer)
	if err != nil {
		return nil, &FlowError{CodeUnreachable, fmt.Errorf("asking issuer %s: %w", cut(s.Issuer), err)}
	}
	return &oidcProvider{settings: s, scopes: scopes, client: client, now: now, provider: p}, nil
}

// trusting returns a client that trusts an authority besides those of the machine.
func trusting(client *http.Client, rootCA string) (*http.Client, error) {
	if strings.TrimSpace(rootCA) == "" {
		return client, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(rootCA)) {
		return nil, errors.New("rootCA has no certificate in PEM")
	}
	bounded, _ := client.Transport.(*boundedTransport)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	copied := *client
	copied.Transport = &boundedTransport{next: transport, rate: bounded.rate}
	return &copied, nil
}

// oidcProvider is an issuer of OpenID Connect.
type oidcProvider struct {
	settings OIDCSettings
	scopes   []string
	client   *http.Client
	now      func() time.Time
	provider *oidc.Provider
}

func (p *oidcProvider) issuer() string { return p.settings.Issuer }

func (p *oidcProvider) http() *http.Client { return p.client }

func (p *oidcProvider) callback() string { return CallbackPath }

func (p *oidcProvider) config(context.Context) (oauth2.Config, []oauth2.AuthCodeOption, error) {
	var options []oauth2.AuthCodeOption
	if len(p.settings.RequestedIDTokenClaims) > 0 {
		claims, err := json.Marshal(map[string]any{"id_token": p.settings.RequestedIDTokenClaims})
		if err != nil {
			return oauth2.Config{}, nil, err
		}
		options = append(options, oauth2.SetAuthURLParam("claims", string(claims)))
	}
	if p.settings.DomainHint != "" {
		options = append(options, oauth2.SetAuthURLParam("domain_hint", p.settings.DomainHint))
	}
	return oauth2.Config{ClientID: p.settings.ClientID, ClientSecret: p.settings.ClientSecret, Endpoint: p.provider.Endpoint(), Scopes: p.settings.RequestedScopes}, options, nil
}

// verify checks that a token was signed by the issuer, now, for one of the audiences.
func (p *oidcProvider) verify(ctx context.Context, raw string, audiences []string) (*oidc.IDToken, map[string]any, error) {
	verifier := p.provider.VerifierContext(oidc.ClientContext(context.WithoutCancel(ctx), p.client), &oidc.Config{SupportedSigningAlgs: algorithms, SkipClientIDCheck: true, Now: p.now})
	token, err := verifier.Verify(oidc.ClientContext(ctx, p.client), raw)
	if err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(token.Audience, func(audience string) bool { return audience != "" && slices.Contains(audiences, audience) }) {
		return nil, nil, fmt.Errorf("token is for %q", token.Audience)
	}
	// Numbers are kept as they are written: a claim may be a number of any length.
	var raws json.RawMessage
	if err := token.Claims(&raws); err != nil {
		return nil, nil, err
	}
	all := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(raws))
	decoder.UseNumber()
	return token, all, decoder.Decode(&all)
}

func (p *oidcProvider) user(ctx context.Context, token *oauth2.Token, nonce string) (user, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" || len(raw) > longestToken {
		return user{}, errors.New("issuer has sent no ID token, or one that is too long")
	}
	id, all, err := p.verify(ctx, raw, []string{p.settings.ClientID})
	if err != nil {
		return user{}, err
	}
	if id.Nonce != nonce {
		return user{}, errors.New("ID token is of another log-in")
	}
	u := userOf(id, all, p.scopes)
	if p.settings.EnableUserInfoGroups {
		info, err := p.userInfo(ctx, token, id.Subject)
		if err != nil {
			return user{}, err
		}
		u.groups = groupsOf(info, p.scopes)
	}
	return u, nil
}

// userInfo asks the issuer about a user, and believes the answer when it is about that one.
func (p *oidcProvider) userInfo(ctx context.Context, token *oauth2.Token, subject string) (map[string]any, error) {
	at := p.provider.UserInfoEndpoint()
	if p.settings.UserInfoPath != "" {
		at = strings.TrimSuffix(p.settings.Issuer, "/") + "/" + strings.TrimPrefix(p.settings.UserInfoPath, "/")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	token.SetAuthHeader(request)
	var info map[string]any
	if err := getJSON(p.client, request, &info); err != nil {
		return nil, fmt.Errorf("asking for the user's groups: %w", err)
	}
	if info["sub"] != subject {
		return nil, errors.New("asking for the user's groups: answer is about another user")
	}
	return info, nil
}

// getJSON asks for an object.
func getJSON(client *http.Client, request *http.Request, into any) error {
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answer is %s", response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// userOf returns the user whom a verified token is about.
func userOf(token *oidc.IDToken, all map[string]any, scopes []string) user {
	u := user{name: token.Subject, groups: groupsOf(all, scopes), expires: token.Expiry}
	if federated, ok := all["federated_claims"].(map[string]any); ok {
		if id, ok := federated["user_id"].(string); ok && id != "" {
			u.name = id
		}
	}
	u.display = u.name
	for _, claim := range []string{"name", "preferred_username", "email"} {
		if text, ok := all[claim].(string); ok && text != "" {
			u.display = cut(text)
		}
	}
	return u
}

// audiences are the clients whose tokens are accepted from who sends one.
func (p *oidcProvider) audiences() []string {
	if len(p.settings.AllowedAudiences) > 0 {
		return p.settings.AllowedAudiences
	}
	return []string{p.settings.ClientID, p.settings.CLIClientID}
}
