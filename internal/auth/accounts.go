package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Account is an account of this installation.
type Account struct {
	Name string
	AccountSettings
	// PasswordChanged is when the password was set last; sessions and tokens of before do not hold.
	PasswordChanged time.Time
	// Tokens are those that were given out and hold.
	Tokens []access.Token

	hash []byte
}

// mostTokens bounds the tokens of an account or of a project's role.
const mostTokens = 500

// HasPassword reports whether a password is set.
func (a Account) HasPassword() bool { return len(a.hash) > 0 }

// Accounts reads and writes accounts. The zero value is not usable: Objects and Now have to be set.
type Accounts struct {
	Objects Objects
	Now     func() time.Time
	// parsed keeps the settings of the last call; nil: they are read anew for each.
	parsed *parsedSettings
}

// parsedSettings are settings, and what they were made of.
type parsedSettings struct {
	mu       sync.Mutex
	data     map[string]string
	settings Settings
	found    []*problem.Error
}

// of returns what data says. Both it and what is returned are shared, and changed by nobody.
func (p *parsedSettings) of(data map[string]string) (Settings, []*problem.Error) {
	if p == nil {
		return ParseSettings(data)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settings.Accounts == nil || !maps.Equal(p.data, data) {
		p.data = data
		p.settings, p.found = ParseSettings(data)
	}
	return p.settings, p.found
}

// Settings returns what ConfigMap argocd-cm says.
func (a Accounts) Settings(ctx context.Context) (Settings, []*problem.Error, error) {
	data, err := a.Objects.ConfigMap(ctx, ConfigName)
	if err != nil {
		return Settings{}, nil, fmt.Errorf("reading ConfigMap %s: %w", ConfigName, err)
	}
	s, found := a.parsed.of(data)
	return s, found, nil
}

// List returns all accounts, sorted by name.
func (a Accounts) List(ctx context.Context) ([]Account, error) {
	s, _, err := a.Settings(ctx)
	if err != nil {
		return nil, err
	}
	secret, err := a.secret(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Account, 0, len(s.Accounts))
	for _, name := range slices.Sorted(maps.Keys(s.Accounts)) {
		all = append(all, accountOf(name, s.Accounts[name], secret))
	}
	return all, nil
}

// Get returns an account.
func (a Accounts) Get(ctx context.Context, name string) (Account, error) {
	s, _, err := a.Settings(ctx)
	if err != nil {
		return Account{}, err
	}
	settings, known := s.Accounts[name]
	if !known {
		return Account{}, absentAccount(name)
	}
	secret, err := a.secret(ctx)
	return accountOf(name, settings, secret), err
}

func absentAccount(name string) error {
	return &problem.Error{
		Kind: problem.Absent, Object: fmt.Sprintf("account %q", cut(name)), Cause: "not found",
		Remedy: fmt.Sprintf("write accounts.NAME: login, apiKey into ConfigMap %s", ConfigName),
	}
}

func (a Accounts) secret(ctx context.Context) (map[string][]byte, error) {
	s, err := a.Objects.Secret(ctx, SecretName)
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", SecretName, err)
	}
	return s.Data, nil
}

// keyOf returns where Secret argocd-secret has something of an account: password, passwordMtime or tokens.
func keyOf(account, what string) string {
	if account == adminName {
		return adminName + "." + what
	}
	return accountsPrefix + account + "." + what
}

func accountOf(name string, s AccountSettings, secret map[string][]byte) Account {
	a := Account{Name: name, AccountSettings: s, hash: secret[keyOf(name, "password")]}
	if at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(secret[keyOf(name, "passwordMtime")]))); err == nil {
		a.PasswordChanged = at
	}
	// What cannot be read lists no token, so that none holds.
	_ = json.Unmarshal(secret[keyOf(name, "tokens")], &a.Tokens)
	return a
}

// SetPassword sets the password of an account, and ends its sessions.
func (a Accounts) SetPassword(ctx context.Context, name, password string) error {
	account, err := a.Get(ctx, name)
	if err != nil {
		return err
	}
	s, _, err := a.Settings(ctx)
	if err != nil {
		return err
	}
	if err := checkPassword(password, s); err != nil {
		return err
	}
	if !account.Login {
		return &problem.Error{Kind: problem.Refused, Object: "account " + name, Cause: "may not log in with a password", Remedy: fmt.Sprintf("write accounts.%s: login into ConfigMap %s", name, ConfigName)}
	}
	hash, err := Hash(password)
	if err != nil {
		return err
	}
	if err := a.Objects.UpdateSecret(ctx, SecretName, func(data map[string][]byte) error {
		setPassword(data, name, hash, a.Now())
		return nil
	}); err != nil {
		return fmt.Errorf("writing Secret %s: %w", SecretName, err)
	}
	if name != adminName {
		return nil
	}
	// It is of no use any more, and would be the password again if the hash were taken away.
	if err := a.Objects.DeleteSecret(ctx, InitialPasswordName); err != nil {
		return fmt.Errorf("deleting Secret %s: %w", InitialPasswordName, err)
	}
	return nil
}

// setPassword writes a hash with its time, which is rounded up to a second: a session that began in the second of the
// change, but before it, ends too.
func setPassword(data map[string][]byte, name string, hash []byte, now time.Time) {
	data[keyOf(name, "password")] = hash
	data[keyOf(name, "passwordMtime")] = []byte(roundUp(now).UTC().Format(time.RFC3339))
}

func roundUp(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

// GenerateToken makes a token for an account; expiresIn is 0 for one that does not expire, and id is made up when it
// is empty. The token is shown once, and cannot be read again.
func (a Accounts) GenerateToken(ctx context.Context, name, id string, expiresIn time.Duration) (string, access.Token, error) {
	account, err := a.Get(ctx, name)
	if err != nil {
		return "", access.Token{}, err
	}
	if !account.APIKey {
		return "", access.Token{}, &problem.Error{
			Kind: problem.Refused, Object: "account " + name, Cause: "may not have tokens",
			Remedy: fmt.Sprintf("write accounts.%s: apiKey into ConfigMap %s", name, ConfigName),
		}
	}
	key, err := a.key(ctx)
	if err != nil {
		return "", access.Token{}, err
	}
	entry, err := newEntry(id, expiresIn, a.Now(), account.PasswordChanged)
	if err != nil {
		return "", access.Token{}, err
	}
	err = a.Objects.UpdateSecret(ctx, SecretName, func(data map[string][]byte) error {
		return editTokens(data, name, func(tokens []access.Token) ([]access.Token, error) {
			return addToken(tokens, entry, a.Now(), "account "+name)
		})
	})
	if err != nil {
		return "", access.Token{}, err
	}
	token, err := sign(key, ownClaims(LocalIssuer, name+":"+capabilityKey, entry))
	return token, entry, err
}

// DeleteToken takes a token back: it holds no more.
func (a Accounts) DeleteToken(ctx context.Context, name, id string) error {
	if _, err := a.Get(ctx, name); err != nil {
		return err
	}
	return a.Objects.UpdateSecret(ctx, SecretName, func(data map[string][]byte) error {
		return editTokens(data, name, func(tokens []access.Token) ([]access.Token, error) {
			return removeToken(tokens, id, 0, "account "+name)
		})
	})
}

func editTokens(data map[string][]byte, name string, edit func([]access.Token) ([]access.Token, error)) error {
	var tokens []access.Token
	key := keyOf(name, "tokens")
	if len(data[key]) > 0 {
		if err := json.Unmarshal(data[key], &tokens); err != nil {
			return &problem.Error{Kind: problem.Failed, Object: "Secret " + SecretName, Field: key, Cause: "not a list of tokens", Remedy: "correct or remove it", Err: err}
		}
	}
	tokens, err := edit(tokens)
	if err != nil {
		return err
	}
	data[key], err = json.Marshal(tokens)
	return err
}

const longestTokenID = 128

// newEntry returns what is recorded of a new token.
func newEntry(id string, expiresIn time.Duration, now, notBefore time.Time) (access.Token, error) {
	if expiresIn < 0 {
		return access.Token{}, &problem.Error{Kind: problem.Usage, Object: "token", Field: "expiresIn", Cause: "in the past", Remedy: "give a time such as 24h, or none"}
	}
	if len(id) > longestTokenID || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return access.Token{}, &problem.Error{Kind: problem.Usage, Object: "token", Field: "id", Cause: "invalid", Remedy: fmt.Sprintf("give at most %d letters", longestTokenID)}
	}
	issued := now
	if notBefore.After(now) {
		issued = notBefore
	}
	entry := access.Token{ID: cmp.Or(id, newID()), IssuedAt: issued.Unix()}
	if expiresIn > 0 {
		entry.ExpiresAt = now.Add(expiresIn).Unix()
	}
	return entry, nil
}

// addToken adds a token to a list, and leaves those out that have expired.
func addToken(tokens []access.Token, entry access.Token, now time.Time, of string) ([]access.Token, error) {
	tokens = slices.DeleteFunc(slices.Clone(tokens), func(t access.Token) bool { return t.ExpiresAt > 0 && t.ExpiresAt <= now.Unix() })
	switch {
	case slices.ContainsFunc(tokens, func(t access.Token) bool { return t.ID == entry.ID }):
		return nil, &problem.Error{Kind: problem.Refused, Object: of, Cause: fmt.Sprintf("token %q exists already", entry.ID), Remedy: "choose another id, or delete that token"}
	case len(tokens) >= mostTokens:
		return nil, &problem.Error{Kind: problem.Refused, Object: of, Cause: fmt.Sprintf("%d tokens, as many as there may be", len(tokens)), Remedy: "delete those that nobody uses"}
	}
	return append(tokens, entry), nil
}

// removeToken leaves a token out of a list, which is named by its id or, for an older one without, by when it was
// issued.
func removeToken(tokens []access.Token, id string, issuedAt int64, of string) ([]access.Token, error) {
	kept := slices.DeleteFunc(slices.Clone(tokens), func(t access.Token) bool { return isToken(t, id, issuedAt) })
	if len(kept) == len(tokens) {
		return nil, &problem.Error{Kind: problem.Absent, Object: of, Cause: fmt.Sprintf("token %q not found", cut(cmp.Or(id, fmt.Sprint(issuedAt)))), Remedy: "list its tokens to see which there are"}
	}
	return kept, nil
}

func isToken(t access.Token, id string, issuedAt int64) bool {
	if id != "" {
		return t.ID == id
	}
	return issuedAt != 0 && t.IssuedAt == issuedAt
}

// errUnchanged ends an update that has nothing to write.
var errUnchanged = errors.New("unchanged")

// Ensure makes what a first start needs: the key that tokens are signed with and, unless admin may not log in or has a
// password, a first password in Secret argocd-initial-admin-secret. It may run on several replicas at the same time.
func (a Accounts) Ensure(ctx context.Context) error {
	err := a.Objects.UpdateSecret(ctx, SecretName, func(data map[string][]byte) error {
		if len(data[signingKey]) > 0 {
			return errUnchanged
		}
		data[signingKey] = []byte(newSecret())
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return fmt.Errorf("making %s of Secret %s: %w", signingKey, SecretName, err)
	}
	admin, err := a.Get(ctx, adminName)
	if err != nil || !admin.Enabled || admin.HasPassword() {
		return err
	}
	// The one that is there is taken: another replica has made it, or this one before it was interrupted.
	var password string
	err = a.Objects.UpdateSecret(ctx, InitialPasswordName, func(data map[string][]byte) error {
		if password = string(data["password"]); password != "" {
			return errUnchanged
		}
		password = newPassword()
		data["password"] = []byte(password)
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return fmt.Errorf("making Secret %s: %w", InitialPasswordName, err)
	}
	hash, err := Hash(password)
	if err != nil {
		return err
	}
	err = a.Objects.UpdateSecret(ctx, SecretName, func(data map[string][]byte) error {
		if len(data[keyOf(adminName, "password")]) > 0 {
			return errUnchanged
		}
		setPassword(data, adminName, hash, a.Now())
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return fmt.Errorf("writing Secret %s: %w", SecretName, err)
	}
	return nil
}

// InitialPassword returns the password that the first start made for admin; a problem when it is there no more.
func (a Accounts) InitialPassword(ctx context.Context) (string, error) {
	s, err := a.Objects.Secret(ctx, InitialPasswordName)
	if err != nil {
		return "", err
	}
	if password := string(s.Data["password"]); password != "" {
		return password, nil
	}
	return "", &problem.Error{
		Kind: problem.Absent, Object: "Secret " + InitialPasswordName, Cause: "not found: the password was changed, or no server has started yet",
		Remedy: "set another with `account update-password`",
	}
}
