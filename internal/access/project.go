package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// ProjectRole is a role of an AppProject.
type ProjectRole struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Policies    []string `json:"policies,omitempty"`
	Groups      []string `json:"groups,omitempty"`
	JWTTokens   []Token  `json:"jwtTokens,omitempty"`
}

// Token is what is recorded of a token that was given out.
type Token struct {
	// IssuedAt and ExpiresAt are seconds since 1970; ExpiresAt is 0 for a token that does not expire.
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp,omitempty"`
	ID        string `json:"id,omitempty"`
}

// longestName bounds the name of a role, in bytes.
const longestName = 253

// RolesOf reads the roles of a project.
func RolesOf(project *v1alpha1.AppProject) ([]ProjectRole, []*problem.Error) {
	var roles []ProjectRole
	var findings []*problem.Error
	for i, raw := range project.Spec.Roles {
		var role ProjectRole
		err := json.Unmarshal(raw.Raw, &role)
		field := fmt.Sprintf("spec.roles[%d]", i)
		switch {
		case err != nil:
			findings = append(findings, projectProblem(project.Name, field, err.Error()+"; the role allows nothing", "correct it"))
			continue
		case role.Name == "" || len(role.Name) > longestName || strings.ContainsAny(role.Name, ":, \t\n"):
			findings = append(findings, projectProblem(project.Name, field, fmt.Sprintf("invalid name %q; the role allows nothing", shortened(role.Name)), "give it a name without : and blanks"))
			continue
		}
		roles = append(roles, role)
	}
	return roles, findings
}

// TokensOf returns the tokens that were given out for a role: those of the spec and those of the status.
func TokensOf(project *v1alpha1.AppProject, role string) []Token {
	var tokens []Token
	roles, _ := RolesOf(project)
	for _, r := range roles {
		if r.Name == role {
			tokens = append(tokens, r.JWTTokens...)
		}
	}
	if project.Status.JWTTokensByRole == nil {
		return tokens
	}
	var recorded map[string]struct {
		Items []Token `json:"items"`
	}
	if err := json.Unmarshal(project.Status.JWTTokensByRole.Raw, &recorded); err != nil {
		return tokens
	}
	for _, token := range recorded[role].Items {
		if !slices.Contains(tokens, token) {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

func projectProblem(project, field, cause, remedy string) *problem.Error {
	return &problem.Error{Kind: problem.Usage, Object: "AppProject " + project, Field: field, Cause: cause, Remedy: remedy}
}

// projectPolicy is what the roles of a project add to the policies, for calls about that project alone.
type projectPolicy struct {
	rules  map[string][]*rule
	grants map[string][]grant
}

// addProject reads the roles of a project.
func (p *Policy) addProject(project *v1alpha1.AppProject, m mode, found *findings) {
	roles, unread := RolesOf(project)
	for _, f := range unread {
		found.find(f)
	}
	if len(roles) == 0 {
		return
	}
	own := &projectPolicy{rules: map[string][]*rule{}, grants: map[string][]grant{}}
	members := map[string]bool{}
	for _, role := range roles {
		subject := ProjectSubject(project.Name, role.Name)
		members[subject] = true
		own.rules[subject] = append(own.rules[subject], rulesOfRole(project.Name, role, m, found)...)
		for _, group := range role.Groups {
			own.grants[group] = append(own.grants[group], grant{&Line{}, group, subject})
			members[group] = true
		}
	}
	p.projects[project.Name] = own
	for member := range members {
		p.byMember[member] = append(p.byMember[member], project.Name)
	}
}

// rulesOfRole reads the policies of a role. Besides what they allow, a role sees its own project.
func rulesOfRole(project string, role ProjectRole, m mode, found *findings) []*rule {
	subject, object, field := ProjectSubject(project, role.Name), "AppProject "+project, "role "+role.Name
	read := &lines{findings: found}
	for i, text := range role.Policies {
		read.text(object, fmt.Sprintf("%s: policies[%d]", field, i), strings.TrimSpace(text), m)
	}
	for _, g := range read.grants {
		found.find(g.line.problem("a role's policies give no roles; the line counts for nothing", "write the group among the role's groups"))
	}
	own := &Line{Object: object, Field: field, Text: "a role sees its own project"}
	rules := []*rule{{line: own, resource: exactly(Projects), action: exactly(Get), object: exactly(project)}}
	for _, r := range read.rules {
		if cause, remedy := outside(project, subject, r); cause != "" {
			found.find(r.line.problem(cause+"; the line counts for nothing", remedy))
			continue
		}
		rules = append(rules, r)
	}
	return rules
}

func exactly(text string) pattern {
	return pattern{text: text, match: func(value string) bool { return value == text }}
}

// outside returns why a line of a project's role is not about that role and that project; "" where it is.
func outside(project, subject string, r *rule) (cause, remedy string) {
	remedy = "such lines belong to ConfigMap " + ConfigMapName
	switch {
	case r.subject != subject:
		return fmt.Sprintf("subject %q, where a role's policies are about %s", shortened(r.subject), subject), remedy
	case r.resource.isLiteral() && !slices.Contains(ofProjects, r.resource.text):
		return fmt.Sprintf("resource %q has no objects in projects", shortened(r.resource.text)), remedy
	case r.deny && r.object.text == "*":
		// Its pattern was invalid, or denies all: within the project in either case.
	case !strings.HasPrefix(r.object.text, project+"/"):
		return fmt.Sprintf("object %q does not begin with %s/", shortened(r.object.text), project), "write " + project + "/ and a name or *"
	}
	return "", ""
}
