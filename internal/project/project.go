// Package project is what an AppProject allows its Applications: from where, to where, which kinds, and when.
package project

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Violation is something that an AppProject does not allow.
type Violation struct {
	Object, Cause, Remedy string
}

// String is object, cause and remedy on one line.
func (v Violation) String() string { return v.Object + ": " + v.Cause + "; " + v.Remedy }

// Destination is where an Application goes, with every name that its cluster has, and how far that cluster may be used.
type Destination struct {
	Server, Name, Namespace string
	// Project is the only project that the cluster serves; "" for any.
	Project string
	// Namespaces are the only ones that are used in the cluster; all when empty. ClusterResources has kinds without a
	// namespace used besides.
	Namespaces       []string
	ClusterResources bool
}

// cluster is how people call the destination's cluster.
func (d Destination) cluster() string { return cmp.Or(d.Name, d.Server) }

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

// Check returns what a project does not allow of an Application: where it is and where it goes. [PermitSync]
// judges where it comes from, and [Bounds] what it has.
func Check(project *v1alpha1.AppProject, app *v1alpha1.Application, to Destination, controlNamespace string) []Violation {
	var all []Violation
	add := func(problem, remedy string) {
		all = append(all, Violation{"Application " + app.Name, problem, remedy})
	}
	if app.Namespace != controlNamespace && !permitsNamespace(project.Spec.SourceNamespaces, app.Namespace) {
		add(fmt.Sprintf("namespace '%s' is not permitted to use project '%s'", app.Namespace, project.Name), "add it to the project's sourceNamespaces")
	}
	for _, v := range checkCluster(project, to) {
		add(v.Cause, v.Remedy)
	}
	if !PermitsDestination(project, to) {
		add(fmt.Sprintf("destination server '%s' and namespace '%s' do not match any of the allowed destinations in project '%s'", cmp.Or(to.Server, to.Name), to.Namespace, project.Name), "add it to the project's destinations")
	}
	return all
}

// checkCluster returns why a project and a cluster do not go together, whatever namespace is meant.
func checkCluster(project *v1alpha1.AppProject, to Destination) []Violation {
	switch {
	case to.Project != "" && to.Project != project.Name:
		return []Violation{{Cause: fmt.Sprintf("cluster %s is for project %s alone, and not for project %s", to.cluster(), to.Project, project.Name), Remedy: "use another cluster or project"}}
	case project.Spec.PermitOnlyProjectScopedClusters && to.Project != project.Name:
		return []Violation{{Cause: fmt.Sprintf("project %s permits only clusters of its own, and cluster %s is not", project.Name, to.cluster()), Remedy: "set project in the cluster's Secret, or use another cluster"}}
	}
	return nil
}

// PermitsKind reports whether a project allows an object by the lists of its kind. Kinds without a namespace need to
// be allowed; others need not to be denied.
func PermitsKind(project *v1alpha1.AppProject, kind schema.GroupKind, name string, clusterScoped bool) bool {
	match := func(patterns []v1alpha1.GroupKindPattern, matches func(pattern, value string) bool) bool {
		return slices.ContainsFunc(patterns, func(p v1alpha1.GroupKindPattern) bool {
			return matches(p.Group, kind.Group) && matches(p.Kind, kind.Kind) && (p.Name == "" || matches(p.Name, name))
		})
	}
	if clusterScoped {
		return match(project.Spec.ClusterResourceWhitelist, permits) && !match(project.Spec.ClusterResourceBlacklist, denies)
	}
	allowed := len(project.Spec.NamespaceResourceWhitelist) == 0 || match(project.Spec.NamespaceResourceWhitelist, permits)
	return allowed && !match(project.Spec.NamespaceResourceBlacklist, denies)
}

// PermitsDestination reports whether a project allows a destination; one that begins with an exclamation mark denies,
// whatever others allow. A cluster whose Secret is for the project alone is allowed.
func PermitsDestination(project *v1alpha1.AppProject, to Destination) bool {
	allowed := to.Project != "" && to.Project == project.Name
	for _, d := range project.Spec.Destinations {
		matched, denied := matchDestination(d, to)
		if matched && denied {
			return false
		}
		allowed = allowed || matched
	}
	return allowed
}

// matchDestination returns whether one of a project's destinations is about a destination, and whether it denies it.
// One that denies a cluster is about all namespaces of it.
func matchDestination(d v1alpha1.ApplicationDestination, to Destination) (matched, denied bool) {
	server, denyServer := strings.CutPrefix(d.Server, "!")
	name, denyName := strings.CutPrefix(d.Name, "!")
	namespace, denyNamespace := strings.CutPrefix(d.Namespace, "!")
	matches := permits
	if denyServer || denyName || denyNamespace {
		matches = denies
	}
	cluster := (server != "" && matches(server, to.Server)) || (name != "" && matches(name, to.Name))
	if denyServer || denyName {
		return cluster, true
	}
	return cluster && matches(namespace, to.Namespace), denyNamespace
}
