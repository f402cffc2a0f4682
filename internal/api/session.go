package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
)

// token is the answer to a log-in and a log-out.
type token struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      struct {
		Token string `json:"token" doc:"to be sent as Authorization: Bearer; empty after a log-out"`
	}
}

type credentials struct {
	Body struct {
		Username string `json:"username" maxLength:"32" doc:"the name of an account"`
		Password string `json:"password" maxLength:"1024"`
	}
}

type userInfo struct {
	Body struct {
		LoggedIn bool     `json:"loggedIn"`
		Username string   `json:"username,omitempty"`
		Issuer   string   `json:"iss,omitempty"`
		Groups   []string `json:"groups,omitempty"`
	}
}

type canI struct {
	Resource    string `path:"resource"`
	Action      string `path:"action"`
	Subresource string `path:"subresource" doc:"the object, such as PROJECT/NAME; * stands for all, also for all resources and actions"`
}

type yesOrNo struct {
	Body struct {
		Value string `json:"value" enum:"yes,no"`
	}
}

type versionInfo struct {
	Body struct {
		Version string `json:"Version"`
	}
}

// sessions are the calls by which people log in and out, and find out who they are.
type sessions struct{ *service }

func (s sessions) register() {
	register(s.service, huma.Operation{OperationID: "login", Security: anybody, Method: http.MethodPost, Path: "/api/v1/session", Summary: "Log in with a password", Tags: []string{"session"}}, s.login)
	register(s.service, huma.Operation{OperationID: "logout", Security: anybody, Method: http.MethodDelete, Path: "/api/v1/session", Summary: "End the session on every replica", Tags: []string{"session"}}, s.logout)
	register(s.service, huma.Operation{OperationID: "userInfo", Security: anybody, Method: http.MethodGet, Path: "/api/v1/session/userinfo", Summary: "Who asks", Tags: []string{"session"}}, s.userInfo)
	register(s.service, huma.Operation{OperationID: "canI", Method: http.MethodGet, Path: "/api/v1/account/can-i/{resource}/{action}/{subresource...}", Summary: "Whether who asks may do something", Tags: []string{"account"}}, s.canI)
	register(s.service, huma.Operation{OperationID: "version", Security: anybody, Method: http.MethodGet, Path: "/api/version", Summary: "The version of the program", Tags: []string{"version"}}, s.version)
}

func (s sessions) login(_ context.Context, c *caller, in *credentials) (*token, error) {
	c.open()
	c.about = in.Body.Username
	session, err := s.auth.Login(c.request, auth.Credentials{Name: in.Body.Username, Password: in.Body.Password})
	if err != nil {
		return nil, err
	}
	out := &token{SetCookie: values(session.Cookies)}
	out.Body.Token = session.Token
	return out, nil
}

func (s sessions) logout(_ context.Context, c *caller, _ *struct{}) (*token, error) {
	c.open()
	cookies, err := s.auth.Logout(c.request)
	return &token{SetCookie: values(cookies)}, err
}

func values(cookies []*http.Cookie) []http.Cookie {
	all := make([]http.Cookie, len(cookies))
	for i, c := range cookies {
		all[i] = *c
	}
	return all
}

func (s sessions) userInfo(_ context.Context, c *caller, _ *struct{}) (*userInfo, error) {
	c.open()
	out := &userInfo{}
	if c.unknown == nil && c.LoggedIn() {
		out.Body.LoggedIn, out.Body.Username, out.Body.Issuer, out.Body.Groups = true, c.DisplayName, c.Issuer, c.Groups
	}
	return out, nil
}

func (s sessions) canI(_ context.Context, c *caller, in *canI) (*yesOrNo, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	asked, err := access.Call{Resource: in.Resource, Action: in.Action, Object: in.Subresource}.Each()
	if err != nil {
		return nil, err
	}
	out := &yesOrNo{}
	if out.Body.Value = "no"; rights.DecideAll(asked).Allowed {
		out.Body.Value = "yes"
	}
	return out, nil
}

func (s sessions) version(_ context.Context, c *caller, _ *struct{}) (*versionInfo, error) {
	c.open()
	out := &versionInfo{}
	out.Body.Version = s.Version
	return out, nil
}
