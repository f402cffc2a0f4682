package access

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// LintProject checks the roles of a project by themselves: what of them allows nothing, or denies more than it says,
// each by its field. Patterns are read as they are without policy.matchMode.
func LintProject(project *v1alpha1.AppProject) []*problem.Error {
	var all []*problem.Error
	first := map[string]int{}
	for i, raw := range project.Spec.Roles {
		field := fmt.Sprintf("spec.roles[%d]", i)
		alone := project.DeepCopy()
		alone.Spec.Roles = []runtime.RawExtension{raw}
		roles, unread := RolesOf(alone)
		for _, p := range unread {
			all = append(all, at(p, field))
		}
		for _, role := range roles {
			if before, repeated := first[role.Name]; repeated {
				all = append(all, projectProblem(project.Name, field+".name", fmt.Sprintf("role %s is there already, in spec.roles[%d]", role.Name, before), "say what both allow in one of them"))
			} else {
				first[role.Name] = i
			}
			all = append(all, lintRole(project.Name, role, field)...)
		}
	}
	return all
}

// lintRole reads each policy of a role as if it were alone, so that it is known which one is not understood.
func lintRole(project string, role ProjectRole, field string) []*problem.Error {
	var all []*problem.Error
	for j, text := range role.Policies {
		found := &findings{}
		rulesOfRole(project, ProjectRole{Name: role.Name, Policies: []string{text}}, globMode, found)
		for _, p := range found.result() {
			all = append(all, at(p, fmt.Sprintf("%s.policies[%d]%s", field, j, p.Field[strings.LastIndex(p.Field, "]")+1:])))
		}
	}
	return all
}

// at is a problem at a field.
func at(p *problem.Error, field string) *problem.Error {
	placed := *p
	placed.Field = field
	return &placed
}
