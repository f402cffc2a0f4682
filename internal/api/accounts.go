package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/problem"
)

// account is an account without what proves it.
type account struct {
	Name         string         `json:"name"`
	Enabled      bool           `json:"enabled"`
	Capabilities []string       `json:"capabilities" doc:"login, apiKey"`
	Tokens       []accountToken `json:"tokens"`
}

type accountToken struct {
	ID        string `json:"id"`
	IssuedAt  int64  `json:"issuedAt" doc:"in seconds since 1970"`
	ExpiresAt int64  `json:"expiresAt" doc:"0 for never"`
}

type accountAnswer struct{ Body account }

type accountList struct {
	Body struct {
		Items []account `json:"items"`
	}
}

type accountName struct {
	Name string `path:"name" maxLength:"32"`
}

// longNumber is written as a number, or as text as clients write it that are made of gRPC's definitions.
type longNumber int64

type seconds = longNumber

// Schema is that of a number or a text.
func (longNumber) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeInteger, Format: "int64"}, {Type: huma.TypeString, Pattern: `^-?[0-9]{1,12}$`}}}
}

// UnmarshalJSON reads either.
func (n *longNumber) UnmarshalJSON(text []byte) error {
	var quoted string
	if json.Unmarshal(text, &quoted) == nil {
		text = []byte(quoted)
	}
	read, err := strconv.ParseInt(string(text), 10, 64)
	*n = longNumber(read)
	return err
}

// longestToken bounds how long a token may hold that does not hold for ever, in seconds.
const longestToken = 100 * 365 * 24 * 3600

type newToken struct {
	Name string `path:"name" maxLength:"32"`
	Body struct {
		ExpiresIn seconds `json:"expiresIn,omitempty" doc:"how long it holds, in seconds; for ever without"`
		ID        string  `json:"id,omitempty" maxLength:"128" doc:"a name to list and delete it by; made up without"`
		Name      string  `json:"name,omitempty" maxLength:"32" doc:"as in the path"`
	}
}

type madeToken struct {
	Body struct {
		Token string `json:"token" doc:"shown once"`
	}
}

type tokenName struct {
	Name string `path:"name" maxLength:"32"`
	ID   string `path:"id" maxLength:"128"`
}

type newPassword struct {
	Body struct {
		Name            string `json:"name,omitempty" maxLength:"32" doc:"whose password; that of who asks without"`
		CurrentPassword string `json:"currentPassword" maxLength:"1024" doc:"of who asks"`
		NewPassword     string `json:"newPassword" maxLength:"1024"`
	}
}

type passwordChanged struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      struct{}
}

// accountCalls are the calls about accounts.
type accountCalls struct{ *service }

func (s accountCalls) register() {
	tags := []string{"account"}
	register(s.service, huma.Operation{OperationID: "listAccounts", Method: http.MethodGet, Path: "/api/v1/account", Summary: "The accounts that who asks may see", Tags: tags}, s.list)
	register(s.service, huma.Operation{OperationID: "getAccount", Method: http.MethodGet, Path: "/api/v1/account/{name}", Summary: "An account, with its tokens", Tags: tags}, s.get)
	register(s.service, huma.Operation{OperationID: "createAccountToken", Method: http.MethodPost, Path: "/api/v1/account/{name}/token", Summary: "Make a token of an account", Tags: tags}, s.createToken)
	register(s.service, huma.Operation{OperationID: "deleteAccountToken", Method: http.MethodDelete, Path: "/api/v1/account/{name}/token/{id}", Summary: "Delete a token of an account, which holds no more", Tags: tags}, s.deleteToken)
	register(s.service, huma.Operation{OperationID: "updatePassword", Method: http.MethodPut, Path: "/api/v1/account/password", Summary: "Set the password of an account, and end its sessions", Tags: tags}, s.updatePassword)
}

func accountRequest(action, name string) access.Request {
	return access.Request{{{Resource: access.Accounts, Action: action, Object: name}}}
}

// isOwn reports whether an account is that of who asks.
func (c *caller) isOwn(name string) bool {
	return c.unknown == nil && !c.Foreign && name != "" && c.Name == name && (c.How == auth.BySession || c.How == auth.ByAccountToken)
}

// allowAccount lets a call be made by the account itself, and by who has a right on it.
func (c *caller) allowAccount(action, name string) error {
	if c.isOwn(name) {
		c.about = "own account"
		return c.loggedIn()
	}
	return c.allow(accountRequest(action, name))
}

func (s accountCalls) list(ctx context.Context, c *caller, _ *struct{}) (*accountList, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	all, err := s.auth.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &accountList{}
	out.Body.Items = []account{}
	for _, a := range all {
		if c.isOwn(a.Name) || rights.Decide(accountRequest(access.Get, a.Name)).Allowed {
			out.Body.Items = append(out.Body.Items, accountOf(a))
		}
	}
	return out, nil
}

func accountOf(a auth.Account) account {
	shown := account{Name: a.Name, Enabled: a.Enabled, Capabilities: []string{}, Tokens: []accountToken{}}
	if a.Login {
		shown.Capabilities = append(shown.Capabilities, "login")
	}
	if a.APIKey {
		shown.Capabilities = append(shown.Capabilities, "apiKey")
	}
	for _, t := range a.Tokens {
		shown.Tokens = append(shown.Tokens, accountToken{t.ID, t.IssuedAt, t.ExpiresAt})
	}
	return shown
}

func (s accountCalls) get(ctx context.Context, c *caller, in *accountName) (*accountAnswer, error) {
	if err := c.allowAccount(access.Get, in.Name); err != nil {
		return nil, err
	}
	a, err := s.auth.Get(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &accountAnswer{accountOf(a)}, nil
}

func (s accountCalls) createToken(ctx context.Context, c *caller, in *newToken) (*madeToken, error) {
	if err := c.allowAccount(access.Update, in.Name); err != nil {
		return nil, err
	}
	if in.Body.ExpiresIn < 0 || in.Body.ExpiresIn > longestToken {
		return nil, &problem.Error{Kind: problem.Usage, Object: "expiresIn", Cause: "invalid number of seconds", Remedy: "give one such as 86400 for a day, or none"}
	}
	holds := time.Duration(in.Body.ExpiresIn) * time.Second
	if err := s.outlives(c, in.Name, holds); err != nil {
		return nil, err
	}
	token, entry, err := s.auth.GenerateToken(ctx, in.Name, in.Body.ID, holds)
	if err != nil {
		return nil, err
	}
	c.about = "token " + entry.ID + " of account " + in.Name
	out := &madeToken{}
	out.Body.Token = token
	return out, nil
}

// outlives refuses a token that holds longer than the one it is asked for with: whoever has found one that ends does
// not get one that does not.
func (s accountCalls) outlives(c *caller, name string, holds time.Duration) error {
	if c.How != auth.ByAccountToken || c.Expires.IsZero() || c.rights.Decide(accountRequest(access.Update, name)).Allowed {
		return nil
	}
	if holds > 0 && !s.auth.Now().Add(holds).After(c.Expires) {
		return nil
	}
	return &problem.Error{Kind: problem.Refused, Object: "token", Field: "expiresIn", Cause: "later than the end of the token that asks for it", Remedy: "ask for a shorter time, or log in with a password"}
}

func (s accountCalls) deleteToken(ctx context.Context, c *caller, in *tokenName) (*nothing, error) {
	if err := c.allowAccount(access.Update, in.Name); err != nil {
		return nil, err
	}
	c.about = "token " + in.ID + " of account " + in.Name
	return &nothing{}, s.auth.DeleteToken(ctx, in.Name, in.ID)
}

func (s accountCalls) updatePassword(_ context.Context, c *caller, in *newPassword) (*passwordChanged, error) {
	name := in.Body.Name
	if name == "" {
		name = c.Name
	}
	if err := c.allowAccount(access.Update, name); err != nil {
		return nil, err
	}
	c.about = "password of account " + name
	session, err := s.auth.ChangePassword(c.request, c.Identity, in.Body.CurrentPassword, name, in.Body.NewPassword)
	if errors.Is(err, auth.ErrCredentials) {
		// Who asks is known: the session goes on.
		err = newError(http.StatusForbidden, codePermissionDenied, "currentPassword: not the password of account "+c.Name)
	}
	return &passwordChanged{SetCookie: values(session.Cookies)}, err
}
