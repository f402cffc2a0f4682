package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/view"
)

type rightsInput struct {
	Subject string `query:"subject" maxLength:"253" doc:"an account, a user or a group of an issuer, role:NAME, or proj:PROJECT:ROLE; who asks when empty"`
}

type rightsAnswer struct{ Body view.Rights }

// explanations is the call that explains who may do what.
type explanations struct{ *service }

func (s explanations) register() {
	register(s.service, huma.Operation{OperationID: "viewRights", Method: http.MethodGet, Path: "/api/v1/view/rights", Summary: "What a subject may do, with the line of the policy that decides; of others, for who may see accounts", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.get)
}

func (s explanations) get(ctx context.Context, c *caller, in *rightsInput) (*rightsAnswer, error) {
	subject, own := c.Subject, in.Subject == "" || in.Subject == c.Name || in.Subject == c.DisplayName
	if own {
		if err := c.loggedIn(); err != nil {
			return nil, err
		}
	} else {
		if err := c.allow(accountRequest(access.Get, in.Subject)); err != nil {
			return nil, err
		}
		var err error
		if subject, err = s.subjectOf(ctx, in.Subject); err != nil {
			return nil, err
		}
	}
	policy, _, err := s.Policies.current(ctx)
	if err != nil {
		return nil, err
	}
	// What others have written is for who may see all accounts.
	var unread []string
	if c.rights.Allowed(access.Call{Resource: access.Accounts, Action: access.Get, Object: "*"}) {
		for _, found := range s.Policies.findings() {
			unread = append(unread, found.Error())
		}
	}
	name := in.Subject
	if name == "" {
		name = c.Name
	}
	return &rightsAnswer{view.RightsOf(name, policy.Explain(subject), unread)}, nil
}

// subjectOf returns the subject that a name stands for: an account, a role, or else a user or a group of the issuer.
func (s explanations) subjectOf(ctx context.Context, name string) (access.Subject, error) {
	if access.IsReserved(name) {
		return access.Subject{Name: name}, nil
	}
	_, err := s.auth.Get(ctx, name)
	switch {
	case err == nil:
		return access.Subject{Name: name}, nil
	case problem.KindOf(err) == problem.Absent:
		return access.Subject{Name: name, Groups: []string{name}, Foreign: true}, nil
	}
	return access.Subject{}, err
}
