package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// signingKey is where Secret argocd-secret has the key that tokens are signed with.
	signingKey = "server.secretkey"
	// leastKey is how long that key has to be, in bytes.
	leastKey = 16

	capabilityLogin = "login"
	capabilityKey   = "apiKey"

	// issuerSession is the issuer of sessions of users that another issuer has vouched for.
	issuerSession = "cyan"
	// longestToken bounds a token, in bytes.
	longestToken = 64 << 10
)

// claims are those of the tokens that are signed here.
type claims struct {
	jwt.RegisteredClaims
	// Provider is the issuer that has vouched for the subject of a session, Groups are what it said.
	Provider string   `json:"idp,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Display  string   `json:"display,omitempty"`
}

func newID() string { return uuid.NewString() }

func ownClaims(issuer, subject string, t access.Token) claims {
	c := claims{RegisteredClaims: jwt.RegisteredClaims{Issuer: issuer, Subject: subject, ID: t.ID, IssuedAt: jwt.NewNumericDate(time.Unix(t.IssuedAt, 0)), NotBefore: jwt.NewNumericDate(time.Unix(t.IssuedAt, 0))}}
	if t.ExpiresAt > 0 {
		c.ExpiresAt = jwt.NewNumericDate(time.Unix(t.ExpiresAt, 0))
	}
	return c
}

// key returns the key that tokens are signed with.
func (a Accounts) key(ctx context.Context) ([]byte, error) {
	data, err := a.secret(ctx)
	if err != nil {
		return nil, err
	}
	if len(data[signingKey]) < leastKey {
		return nil, &problem.Error{
			Kind: problem.Refused, Object: "Secret " + SecretName, Field: signingKey, Cause: fmt.Sprintf("missing, or shorter than %d bytes", leastKey),
			Remedy: "remove it, and start `cyan server`, which makes one; all sessions end",
		}
	}
	return data[signingKey], nil
}

func sign(key []byte, c jwt.Claims) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(key)
}

// leeway is how far the clocks of replicas may be apart.
const leeway = 2 * time.Second

// verify reads the claims of a token that this server has signed, for one purpose that the issuer names.
func verify(key []byte, token string, now func() time.Time, into jwt.Claims, issuer string) error {
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithTimeFunc(now), jwt.WithLeeway(leeway), jwt.WithIssuer(issuer)).
		ParseWithClaims(token, into, func(*jwt.Token) (any, error) { return key, nil })
	return err
}

// issuerOf returns the issuer that a token names, which proves nothing: it is who has to prove it.
func issuerOf(token string) string {
	var c jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil {
		return ""
	}
	return c.Issuer
}

// tokenID names a token in lists of what was revoked.
func (c *claims) tokenID(token string) string {
	if c.ID != "" {
		return c.ID
	}
	return digest(token)
}

// identity returns what a token of this server proves, when all that it stands on still holds.
func (a Accounts) identity(ctx context.Context, token string, c *claims) (Identity, error) {
	if c.IssuedAt == nil {
		return Identity{}, invalid("no iat")
	}
	id := Identity{Issuer: LocalIssuer, TokenID: c.tokenID(token), IssuedAt: c.IssuedAt.Time}
	if c.ExpiresAt != nil {
		id.Expires = c.ExpiresAt.Time
	}
	if project, role, ok := access.CutProjectSubject(c.Subject); ok {
		id.Subject, id.DisplayName, id.How = access.Subject{Name: c.Subject}, c.Subject, ByProjectToken
		return id, a.checkProjectToken(ctx, project, role, c)
	}
	name, capability, named := strings.Cut(c.Subject, ":")
	if !named {
		capability = capabilityLogin
	}
	account, err := a.Get(ctx, name)
	if problem.KindOf(err) == problem.Absent {
		return Identity{}, invalid("no such account")
	} else if err != nil {
		return Identity{}, err
	}
	id.Subject, id.DisplayName, id.How = access.Subject{Name: name}, name, BySession
	if capability == capabilityKey {
		id.How = ByAccountToken
	}
	return id, checkAccountToken(account, capability, c)
}

// checkAccountToken returns why a token of an account does not hold.
func checkAccountToken(account Account, capability string, c *claims) error {
	switch {
	case !account.Enabled:
		return invalid("account is disabled")
	case c.IssuedAt.Before(account.PasswordChanged):
		return invalid("password was changed since")
	case capability == capabilityLogin && account.Login:
		return nil
	case capability == capabilityKey && account.APIKey && slices.ContainsFunc(account.Tokens, func(t access.Token) bool { return c.ID != "" && t.ID == c.ID }):
		return nil
	}
	return invalid("token is not listed, or the account may not have any")
}

func (a Accounts) checkProjectToken(ctx context.Context, project, role string, c *claims) error {
	found, err := a.Objects.Project(ctx, project)
	if err != nil {
		return err
	}
	if found == nil || !hasRole(found, role) || !slices.ContainsFunc(access.TokensOf(found, role), func(t access.Token) bool { return isToken(t, c.ID, c.IssuedAt.Unix()) }) {
		return invalid("token is not listed")
	}
	return nil
}

func hasRole(project *v1alpha1.AppProject, name string) bool {
	roles, _ := access.RolesOf(project)
	return slices.ContainsFunc(roles, func(r access.ProjectRole) bool { return r.Name == name })
}
