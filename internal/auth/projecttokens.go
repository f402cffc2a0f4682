package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
)

// GenerateProjectToken makes a token for a role of a project, as [Accounts.GenerateToken] does for an account.
func (a Accounts) GenerateProjectToken(ctx context.Context, project, role, id string, expiresIn time.Duration) (string, access.Token, error) {
	key, err := a.key(ctx)
	if err != nil {
		return "", access.Token{}, err
	}
	entry, err := newEntry(id, expiresIn, a.Now(), time.Time{})
	if err != nil {
		return "", access.Token{}, err
	}
	of := "role " + role + " of AppProject " + project
	err = a.Objects.UpdateProject(ctx, project, func(p *v1alpha1.AppProject) error {
		return editProjectTokens(p, role, func(tokens []access.Token) ([]access.Token, error) { return addToken(tokens, entry, a.Now(), of) })
	})
	if err != nil {
		return "", access.Token{}, err
	}
	token, err := sign(key, ownClaims(LocalIssuer, access.ProjectSubject(project, role), entry))
	return token, entry, err
}

// DeleteProjectToken takes a token of a role of a project back: by its id or, for an older one without, by when it was
// issued, in seconds since 1970.
func (a Accounts) DeleteProjectToken(ctx context.Context, project, role, id string, issuedAt int64) error {
	of := "role " + role + " of AppProject " + project
	return a.Objects.UpdateProject(ctx, project, func(p *v1alpha1.AppProject) error {
		return editProjectTokens(p, role, func(tokens []access.Token) ([]access.Token, error) { return removeToken(tokens, id, issuedAt, of) })
	})
}

// editProjectTokens has the tokens of a role changed, in the two places where they are kept for existing tools: the
// role, and the status.
func editProjectTokens(p *v1alpha1.AppProject, role string, edit func([]access.Token) ([]access.Token, error)) error {
	tokens, err := edit(access.TokensOf(p, role))
	if err != nil {
		return err
	}
	at := slices.IndexFunc(p.Spec.Roles, func(raw runtime.RawExtension) bool {
		var named struct {
			Name string `json:"name"`
		}
		return json.Unmarshal(raw.Raw, &named) == nil && named.Name == role
	})
	if at < 0 {
		return &problem.Error{Kind: problem.Absent, Object: "AppProject " + p.Name, Cause: fmt.Sprintf("role %q not found", cut(role)), Remedy: "see which there are with `proj role list`"}
	}
	if p.Spec.Roles[at].Raw, err = withField(p.Spec.Roles[at].Raw, "jwtTokens", tokens); err != nil {
		return err
	}
	recorded := []byte("{}")
	if p.Status.JWTTokensByRole != nil {
		recorded = p.Status.JWTTokensByRole.Raw
	}
	recorded, err = withField(recorded, role, map[string]any{"items": tokens})
	p.Status.JWTTokensByRole = &runtime.RawExtension{Raw: recorded}
	return err
}

// withField sets a field of an object in JSON, and leaves the others as they are.
func withField(object []byte, name string, value any) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(object, &fields); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	fields[name] = encoded
	return json.Marshal(fields)
}
