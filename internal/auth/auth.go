// Package auth finds out who asks: accounts with passwords and tokens, the roles of projects with tokens, and users
// that an issuer vouches for by OpenID Connect or GitHub.
//
// An [Authenticator] answers for a request, logs in and out, and is told of nothing: what it knows stands in
// ConfigMap argocd-cm, Secret argocd-secret, AppProjects and ConfigMap cyan-revoked-tokens, so that every replica
// answers alike, and after a restart as before. What the subject may do is decided by package access.
package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
)

// Names of what is read and written, in the control namespace.
const (
	ConfigName          = "argocd-cm"
	SecretName          = "argocd-secret"
	InitialPasswordName = "argocd-initial-admin-secret"
	RevokedName         = "cyan-revoked-tokens"
)

// Secret is what is read of a Secret.
type Secret struct {
	Labels map[string]string
	Data   map[string][]byte
}

// Objects reads and writes what accounts and sessions are kept in. Reads may be answered by a cache; what is missing is
// read as empty. Nobody changes what was read: a cache shares it.
type Objects interface {
	ConfigMap(ctx context.Context, name string) (map[string]string, error)
	Secret(ctx context.Context, name string) (Secret, error)
	// Project returns nil for one that is missing.
	Project(ctx context.Context, name string) (*v1alpha1.AppProject, error)
	// UpdateConfigMap, UpdateSecret and UpdateProject have a function change what is there, not what a cache has, and
	// write it unless the function returns an error. It is called anew when somebody else has written meanwhile. A
	// ConfigMap or Secret that is missing is made.
	UpdateConfigMap(ctx context.Context, name string, change func(data map[string]string) error) error
	UpdateSecret(ctx context.Context, name string, change func(data map[string][]byte) error) error
	UpdateProject(ctx context.Context, name string, change func(*v1alpha1.AppProject) error) error
	// DeleteSecret does nothing where there is none.
	DeleteSecret(ctx context.Context, name string) error
}

// How is what an identity was proved by.
type How string

// What identities are proved by.
const (
	ByNothing      How = "anonymous"
	BySession      How = "session"
	ByAccountToken How = "account token"
	ByProjectToken How = "project token"
	ByIssuer       How = "issuer"
)

// LocalIssuer is the issuer of the tokens of accounts and of project roles.
const LocalIssuer = "argocd"

// Identity is who asks, and how that is known.
type Identity struct {
	access.Subject
	// DisplayName is what people know the subject by: an e-mail address or a user's name, else that of the subject.
	DisplayName string
	// Issuer is [LocalIssuer], the URL of the issuer of OpenID Connect, or that of GitHub.
	Issuer string
	How    How
	// TokenID names the token in audit lines; it proves nothing.
	TokenID string
	// IssuedAt and Expires are those of the token; Expires is zero for one that does not expire.
	IssuedAt, Expires time.Time
}

// LoggedIn reports whether somebody has proved who they are.
func (i Identity) LoggedIn() bool { return i.How != ByNothing && i.How != "" }

// Errors of log-ins and tokens. They are all that strangers are told.
var (
	// ErrCredentials is the one answer to a wrong name, a wrong password, and an account that may not log in.
	ErrCredentials = errors.New("invalid username or password")
	// ErrToken is the one answer to every token that does not hold.
	ErrToken = errors.New("invalid session: token is expired, revoked or not of this server")
	// ErrNoSession is the answer to a request without a token, where there has to be one.
	ErrNoSession = errors.New("no session information")
	// ErrBusy is the answer where as many log-ins are being checked as may be.
	ErrBusy = errors.New("too many log-ins at the moment")
)

// refusal is an error that tells strangers one thing, and who reads the log another.
type refusal struct {
	public error
	reason string
}

func (r *refusal) Error() string { return r.public.Error() }

func (r *refusal) Unwrap() error { return r.public }

func invalid(reason string) error { return &refusal{ErrToken, reason} }

// ReasonOf returns why a token or a log-in was refused, for audit lines: strangers are not told. It is empty where
// nothing more is known than the error says.
func ReasonOf(err error) string {
	var r *refusal
	if errors.As(err, &r) {
		return r.reason
	}
	return ""
}

// TooSoonError is the answer to who tries too often.
type TooSoonError struct{ Wait time.Duration }

// Error returns what to do.
func (e *TooSoonError) Error() string {
	return "too many failed log-ins; try again in " + e.Wait.Round(time.Second).String()
}

// digest returns a name for something that is not to be written down itself.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
