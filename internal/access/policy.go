package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// ConfigMapName is the ConfigMap that holds the policies.
const ConfigMapName = "argocd-rbac-cm"

const (
	policyKey   = "policy.csv"
	policyStart = "policy."
	policyEnd   = ".csv"
	defaultKey  = "policy.default"
	modeKey     = "policy.matchMode"
	scopesKey   = "scopes"
)

// Written is what people have written about who may do what.
type Written struct {
	// Policies is the data of ConfigMap argocd-rbac-cm.
	Policies map[string]string
	// Settings is the data of ConfigMap argocd-cm, of which the keys about rights are read.
	Settings map[string]string
	Projects []*v1alpha1.AppProject
	// WithoutBuiltIn leaves the built-in roles out; for commands that try a policy alone.
	WithoutBuiltIn bool
}

// Policy is who may do what. The zero value allows nothing.
type Policy struct {
	// rules has the rules of argocd-rbac-cm and the built-in ones by subject, and grants the roles by member.
	rules    map[string][]*rule
	grants   map[string][]grant
	projects map[string]*projectPolicy
	// byMember has the projects whose roles have a name for a member, or are it.
	byMember    map[string][]string
	defaultRole string
	scopes      []string
	options     Options
}

// Parse makes a Policy. What of it is not understood is returned, with where it stands: a line that would allow allows
// nothing then, one that would deny denies more.
func Parse(w Written) (Policy, []*problem.Error) {
	found := &findings{}
	p := Policy{
		rules: map[string][]*rule{}, grants: map[string][]grant{}, projects: map[string]*projectPolicy{}, byMember: map[string][]string{},
		defaultRole: strings.TrimSpace(w.Policies[defaultKey]), scopes: scopesOf(w.Policies[scopesKey], found), options: optionsOf(w.Settings, found),
	}
	m := modeOf(w.Policies[modeKey], found)
	all := &lines{findings: found}
	if !w.WithoutBuiltIn {
		all.read(BuiltIn, "", builtInText(), globMode)
	}
	if fits(w, found) {
		for _, key := range policyKeys(w.Policies) {
			all.read("ConfigMap "+ConfigMapName, key, w.Policies[key], m)
		}
		for _, project := range w.Projects {
			p.addProject(project, m, found)
		}
	}
	for _, r := range all.rules {
		p.rules[r.subject] = append(p.rules[r.subject], r)
	}
	for _, g := range all.grants {
		p.grants[g.member] = append(p.grants[g.member], g)
	}
	p.checkDefault(found)
	return p, found.result()
}

// fits reports whether the policies are within the bounds. Beyond them only the built-in roles hold: a line that is
// left out could be one that denies.
func fits(w Written, found *findings) bool {
	bytes, count := 0, 0
	add := func(text string) {
		bytes += len(text)
		count += strings.Count(text, "\n") + 1
	}
	for _, text := range w.Policies {
		add(text)
	}
	for _, project := range w.Projects {
		for _, role := range project.Spec.Roles {
			add(string(role.Raw))
			count += strings.Count(string(role.Raw), ",") + strings.Count(string(role.Raw), `\n`)
		}
	}
	if bytes <= mostBytes && count <= mostLines {
		return true
	}
	found.find(&problem.Error{
		Kind: problem.Usage, Object: "ConfigMap " + ConfigMapName + " and the roles of AppProjects",
		Cause:  fmt.Sprintf("%d bytes and %d lines, where %d and %d are read; only the built-in roles hold", bytes, count, mostBytes, mostLines),
		Remedy: "say the same with patterns and groups",
	})
	return false
}

// policyKeys returns the keys that hold lines, policy.csv first and the others in their order.
func policyKeys(data map[string]string) []string {
	keys := []string{policyKey}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if key != policyKey && strings.HasPrefix(key, policyStart) && strings.HasSuffix(key, policyEnd) {
			keys = append(keys, key)
		}
	}
	return keys
}

func modeOf(text string, found *findings) mode {
	switch m := mode(strings.TrimSpace(text)); m {
	case globMode, regexMode:
		return m
	case "":
	default:
		found.find(keyProblem(ConfigMapName, modeKey, fmt.Sprintf("unknown mode %q, taken for glob", shortened(text)), "write glob or regex"))
	}
	return globMode
}

const mostScopes = 20

// scopesOf reads the names of the claims whose values are groups.
func scopesOf(text string, found *findings) []string {
	var scopes []string
	if strings.TrimSpace(text) == "" {
		return []string{"groups"}
	}
	if err := yaml.Unmarshal([]byte(text), &scopes); err != nil || len(scopes) > mostScopes {
		found.find(keyProblem(ConfigMapName, scopesKey, "invalid list of claims; no claim is read", "write a list such as [groups, email]"))
		return nil
	}
	return scopes
}

func keyProblem(configMap, key, cause, remedy string) *problem.Error {
	return &problem.Error{Kind: problem.Usage, Object: "ConfigMap " + configMap, Field: key, Cause: cause, Remedy: remedy}
}

// checkDefault names a role that everybody was to have and that no line is about.
func (p *Policy) checkDefault(found *findings) {
	if p.defaultRole == "" || p.rules[p.defaultRole] != nil || p.grants[p.defaultRole] != nil {
		return
	}
	found.find(keyProblem(ConfigMapName, defaultKey, fmt.Sprintf("role %q: no line is about it", shortened(p.defaultRole)), "write lines of it in "+policyKey+", or name another"))
}

// Scopes returns the claims of an issuer's token whose values are the groups of a [Subject].
func (p Policy) Scopes() []string { return slices.Clone(p.scopes) }

// Options returns what settings ask of requests.
func (p Policy) Options() Options { return p.options }

// DefaultRole returns the role that everybody has, or "".
func (p Policy) DefaultRole() string { return p.defaultRole }
