// Package project is what an AppProject allows its Applications: from where, to where, which kinds, and when.
package project

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// Violation is something that an AppProject does not allow.
type Violation struct {
	Object, Cause, Remedy string
}

// String is object, cause and remedy on one line.
func (v Violation) String() string { return v.Object + ": " + v.Cause + "; " + v.Remedy }

// Destination is where an Application goes, with every name that its cluster has.
type Destination struct{ Server, Name, Namespace string }

// Default is the AppProject that exists by itself: it allows everything.
func Default(namespace string) *v1alpha1.AppProject {
	p := &v1alpha1.AppProject{}
	p.Name, p.Namespace = v1alpha1.DefaultProject, namespace
	p.Spec = v1alpha1.AppProjectSpec{
		SourceRepos:              []string{"*"},
		Destinations:             []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}},
		ClusterResourceWhitelist: []v1alpha1.GroupKindPattern{{Group: "*", Kind: "*"}},
	}
	return p
}

// Check returns what a project does not allow of an Application: where it is, where it comes from, and where it goes.
func Check(project *v1alpha1.AppProject, app *v1alpha1.Application, to Destination, controlNamespace string) []Violation {
	var all []Violation
	add := func(problem, remedy string) {
		all = append(all, Violation{"Application " + app.Name, problem, remedy})
	}
	if app.Namespace != controlNamespace && !anyMatch(project.Spec.SourceNamespaces, app.Namespace) {
		add(fmt.Sprintf("namespace %s may not use project %s", app.Namespace, project.Name), "add it to the project's sourceNamespaces")
	}
	for _, s := range app.Spec.GetSources() {
		if !anyMatch(project.Spec.SourceRepos, strings.TrimSuffix(s.RepoURL, ".git")) && !anyMatch(project.Spec.SourceRepos, s.RepoURL) {
			add(fmt.Sprintf("repository %s is not permitted in project %s", s.RepoURL, project.Name), "add it to the project's sourceRepos")
		}
	}
	if !PermitsDestination(project, to) {
		add(fmt.Sprintf("destination %s, namespace %q is not permitted in project %s", cmp.Or(to.Server, to.Name), to.Namespace, project.Name), "add it to the project's destinations")
	}
	return all
}

// CheckObjects returns what a project does not allow of the objects of an Application.
func CheckObjects(project *v1alpha1.AppProject, desired []plan.Desired, to Destination, clusterScoped map[schema.GroupKind]bool) []Violation {
	var all []Violation
	for _, d := range desired {
		key := plan.KeyOf(d.Object)
		kind := schema.GroupKind{Group: key.Group, Kind: key.Kind}
		if !PermitsKind(project, kind, key.Name, clusterScoped[kind]) {
			all = append(all, Violation{key.String(), fmt.Sprintf("%s is not permitted in project %s", kind, project.Name), "allow the kind in the project, or remove the object"})
			continue
		}
		at := to
		at.Namespace = key.Namespace
		if key.Namespace != "" && !PermitsDestination(project, at) {
			all = append(all, Violation{key.String(), fmt.Sprintf("namespace %q of %s is not permitted in project %s", key.Namespace, cmp.Or(to.Server, to.Name), project.Name), "add it to the project's destinations"})
		}
	}
	return all
}

// PermitsKind reports whether a project allows an object by the lists of its kind. Kinds without a namespace need to
// be allowed; others need not to be denied.
func PermitsKind(project *v1alpha1.AppProject, kind schema.GroupKind, name string, clusterScoped bool) bool {
	match := func(patterns []v1alpha1.GroupKindPattern) bool {
		return slices.ContainsFunc(patterns, func(p v1alpha1.GroupKindPattern) bool {
			return matches(p.Group, kind.Group) && matches(p.Kind, kind.Kind) && (p.Name == "" || matches(p.Name, name))
		})
	}
	if clusterScoped {
		return match(project.Spec.ClusterResourceWhitelist) && !match(project.Spec.ClusterResourceBlacklist)
	}
	allowed := len(project.Spec.NamespaceResourceWhitelist) == 0 || match(project.Spec.NamespaceResourceWhitelist)
	return allowed && !match(project.Spec.NamespaceResourceBlacklist)
}

// PermitsDestination reports whether a project allows a destination; one that begins with an exclamation mark denies,
// whatever others allow.
func PermitsDestination(project *v1alpha1.AppProject, to Destination) bool {
	allowed := false
	for _, d := range project.Spec.Destinations {
		matched, denies := matchDestination(d, to)
		if matched && denies {
			return false
		}
		allowed = allowed || matched
	}
	return allowed
}

// matchDestination returns whether one of a project's destinations is about a destination, and whether it denies it.
// One that denies a cluster is about all namespaces of it.
func matchDestination(d v1alpha1.ApplicationDestination, to Destination) (matched, denies bool) {
	server, denyServer := strings.CutPrefix(d.Server, "!")
	name, denyName := strings.CutPrefix(d.Name, "!")
	namespace, denyNamespace := strings.CutPrefix(d.Namespace, "!")
	cluster := (server != "" && matches(server, to.Server)) || (name != "" && matches(name, to.Name))
	if denyServer || denyName {
		return cluster, true
	}
	return cluster && matches(namespace, to.Namespace), denyNamespace
}

// anyMatch reports whether a value matches patterns, of which those that begin with an exclamation mark deny.
func anyMatch(patterns []string, value string) bool {
	allowed := false
	for _, p := range patterns {
		if denied, is := strings.CutPrefix(p, "!"); is {
			if matches(denied, value) {
				return false
			}
		} else if matches(p, value) {
			allowed = true
		}
	}
	return allowed
}

// matches reports whether a value matches a glob pattern, in which * also stands for slashes.
func matches(pattern, value string) bool {
	if pattern == "*" || pattern == value {
		return true
	}
	g, err := glob.Compile(pattern)
	return err == nil && g.Match(value)
}
