package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Verifier finds out who a token is of.
type Verifier struct {
	Accounts
	revoked *revoked
	issuers *issuers
	scopes  func() []string
}

// Verify returns who a token is of. It is asked again about long streams: who has logged out, or lost an account, has
// [ErrToken] from then on.
func (a *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	if len(token) > longestToken {
		return Identity{}, invalid("token is too long")
	}
	id, err := a.prove(ctx, token)
	if err != nil {
		return Identity{}, err
	}
	if id.How == BySession || id.How == ByIssuer {
		gone, err := a.revoked.has(ctx, id)
		if err != nil {
			return Identity{}, err
		}
		if gone {
			return Identity{}, invalid("session was ended")
		}
	}
	return id, nil
}

// prove checks a token by the issuer that it names.
func (a *Verifier) prove(ctx context.Context, token string) (Identity, error) {
	issuer := issuerOf(token)
	if issuer != LocalIssuer && issuer != issuerSession {
		return a.proveForeign(ctx, token, issuer)
	}
	key, err := a.key(ctx)
	if err != nil {
		return Identity{}, err
	}
	c := &claims{}
	if err := verify(key, token, a.Now, c, issuer); err != nil {
		return Identity{}, invalid(err.Error())
	}
	if issuer == issuerSession {
		return a.session(ctx, token, c)
	}
	return a.identity(ctx, token, c)
}

// session returns who a session is of that an issuer has vouched for. It ends when that issuer is no longer the one of
// settings, or an account has the name by now.
func (a *Verifier) session(ctx context.Context, token string, c *claims) (Identity, error) {
	s, _, err := a.Settings(ctx)
	if err != nil {
		return Identity{}, err
	}
	if c.Provider == "" || c.Provider != s.provider() || c.IssuedAt == nil || c.ExpiresAt == nil || s.clashes(c.Subject) {
		return Identity{}, invalid("issuer is another by now, or an account has the name")
	}
	return Identity{
		Subject: access.Subject{Name: c.Subject, Groups: c.Groups, Foreign: true}, DisplayName: c.Display, Issuer: c.Provider, How: BySession, TokenID: c.tokenID(token),
		IssuedAt: c.IssuedAt.Time, Expires: c.ExpiresAt.Time,
	}, nil
}

// provider returns the issuer whose users may log in; "" when there is none.
func (s Settings) provider() string {
	switch {
	case s.OIDC != nil:
		return s.OIDC.Issuer
	case s.GitHub != nil:
		return s.GitHub.issuer()
	}
	return ""
}

// clashes reports whether the name of a foreign user is that of an account, which could be taken for it.
func (s Settings) clashes(name string) bool {
	_, account := s.Accounts[name]
	return account || name == ""
}

// proveForeign returns who a token is of that the issuer of settings has signed, such as a command that has logged in
// there by itself sends.
func (a *Verifier) proveForeign(ctx context.Context, raw, issuer string) (Identity, error) {
	s, _, err := a.Settings(ctx)
	if err != nil {
		return Identity{}, err
	}
	if s.OIDC == nil || issuer == "" || issuer != s.OIDC.Issuer {
		return Identity{}, invalid("token is of an unknown issuer")
	}
	p, err := a.issuers.oidc(ctx, a.Accounts, *s.OIDC, a.scopes())
	if err != nil {
		return Identity{}, err
	}
	token, all, err := p.verify(ctx, raw, p.audiences())
	if err != nil {
		return Identity{}, invalid(cut(err.Error()))
	}
	u := userOf(token, all, p.scopes)
	if s.clashes(u.name) {
		return Identity{}, invalid("user has the name of an account")
	}
	id, _ := all["jti"].(string)
	if id == "" {
		id = digest(raw)
	}
	return Identity{
		Subject: access.Subject{Name: u.name, Groups: u.groups, Foreign: true}, DisplayName: u.display, Issuer: issuer, How: ByIssuer, TokenID: cut(id), IssuedAt: token.IssuedAt, Expires: token.Expiry,
	}, nil
}

// provider returns the issuer of settings.
func (a *Verifier) provider(ctx context.Context) (provider, Settings, error) {
	s, _, err := a.Settings(ctx)
	if err != nil {
		return nil, s, &FlowError{CodeNotConfigured, err}
	}
	if s.provider() == "" || len(s.URLs) == 0 {
		return nil, s, &FlowError{CodeNotConfigured, &problem.Error{Kind: problem.Refused, Object: "ConfigMap " + ConfigName, Cause: "url, and oidc.config or dex.config, are not set", Remedy: "log in with an account"}}
	}
	p, err := a.issuers.of(ctx, a.Accounts, s, a.scopes())
	var flow *FlowError
	if err != nil && !errors.As(err, &flow) {
		err = &FlowError{CodeNotConfigured, err}
	}
	if err != nil {
		return nil, s, err
	}
	return p, s, nil
}

// groupsOf reads the values of the claims whose values are groups.
func groupsOf(all map[string]any, scopes []string) []string {
	var groups []string
	for _, scope := range scopes {
		switch value := all[scope].(type) {
		case string:
			groups = append(groups, value)
		case []any:
			for _, v := range value {
				if text, ok := v.(string); ok {
					groups = append(groups, text)
				}
			}
		}
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	return groups[:min(len(groups), mostGroups)]
}

// mostGroups bounds the groups of a user.
const mostGroups = 500
