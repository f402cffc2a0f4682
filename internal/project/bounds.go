package project

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// Bounds are the objects of a cluster that an Application may have to do with: what lies outside is neither written nor
// listed, pruned, deleted or waited for, whatever marks it carries and whatever a status says of it. The zero value
// holds nothing.
type Bounds struct {
	project *v1alpha1.AppProject
	to      Destination
	open    bool
	// excluded reports whether a kind is left alone whatever the project permits; nil for none.
	excluded func(schema.GroupKind) bool
}

// BoundsOf returns the bounds that a project sets in the cluster of a destination.
func BoundsOf(project *v1alpha1.AppProject, to Destination) Bounds {
	return Bounds{project: project, to: to}
}

// Unbounded returns the bounds of who looks with rights of their own and for no Application: everything is in them.
func Unbounded() Bounds { return Bounds{open: true} }

// Without returns the bounds without the kinds that are left alone.
func (b Bounds) Without(excluded func(schema.GroupKind) bool) Bounds {
	b.excluded = excluded
	return b
}

// Exclude reports whether the objects of a kind are left alone: those of git are left out, and those that are live are
// not looked at.
func (b Bounds) Exclude(kind schema.GroupKind) bool { return b.excluded != nil && b.excluded(kind) }

// NameObjects reports whether two objects of one kind in one namespace may lie one within and one outside the bounds.
func (b Bounds) NameObjects() bool {
	if b.open || b.project == nil {
		return false
	}
	spec := b.project.Spec
	return slices.ContainsFunc(slices.Concat(spec.ClusterResourceWhitelist, spec.ClusterResourceBlacklist, spec.NamespaceResourceWhitelist, spec.NamespaceResourceBlacklist),
		func(p v1alpha1.GroupKindPattern) bool { return p.Name != "" })
}

// Hold reports whether an object lies within the bounds. An object of a kind without namespaces has none in its key.
func (b Bounds) Hold(key plan.Key) bool {
	return !b.Exclude(schema.GroupKind{Group: key.Group, Kind: key.Kind}) && b.refuse(key, key.Namespace == "") == nil
}

// Permit reports whether an object of an Application lies within the bounds, see [Bounds.CheckObjects].
func (b Bounds) Permit(key plan.Key, clusterScoped map[schema.GroupKind]bool) bool {
	return b.refuse(key, clusterScoped[schema.GroupKind{Group: key.Group, Kind: key.Kind}]) == nil
}

// CheckObjects returns why objects of an Application lie outside the bounds.
func (b Bounds) CheckObjects(desired []plan.Desired, clusterScoped map[schema.GroupKind]bool) []Violation {
	var all []Violation
	for _, d := range desired {
		key := plan.KeyOf(d.Object)
		if v := b.refuse(key, clusterScoped[schema.GroupKind{Group: key.Group, Kind: key.Kind}]); v != nil {
			all = append(all, *v)
		}
	}
	return all
}

// refuse is why an object lies outside the bounds; nil when it does not.
func (b Bounds) refuse(key plan.Key, clusterScoped bool) *Violation {
	kind := schema.GroupKind{Group: key.Group, Kind: key.Kind}
	switch {
	case b.open:
		return nil
	case b.project == nil:
		return &Violation{key.String(), "the project is unknown", "set spec.project to one that exists"}
	case !PermitsKind(b.project, kind, key.Name, clusterScoped):
		return &Violation{key.String(), fmt.Sprintf("%s is not permitted in project %s", kind, b.project.Name), "allow the kind in the project, or remove the object"}
	}
	if all := checkCluster(b.project, b.to); len(all) > 0 {
		return &Violation{key.String(), all[0].Cause, all[0].Remedy}
	}
	if v := b.to.refuse(key, clusterScoped); v != nil {
		return v
	}
	at := b.to
	at.Namespace = key.Namespace
	if key.Namespace != "" && !PermitsDestination(b.project, at) {
		return &Violation{key.String(), fmt.Sprintf("namespace %q of %s is not permitted in project %s", key.Namespace, cmp.Or(at.Server, at.Name), b.project.Name), "add it to the project's destinations"}
	}
	return nil
}

// refuse is why an object lies outside what a cluster is used for; nil when it does not.
func (d Destination) refuse(key plan.Key, clusterScoped bool) *Violation {
	switch {
	case len(d.Namespaces) == 0:
		return nil
	case clusterScoped && !d.ClusterResources:
		return &Violation{key.String(), fmt.Sprintf("cluster %s is limited to namespaces", d.cluster()), "set clusterResources in the cluster's Secret to true, or remove the object"}
	case !clusterScoped && !slices.Contains(d.Namespaces, key.Namespace):
		return &Violation{key.String(), fmt.Sprintf("namespace %q is not one that cluster %s is limited to", key.Namespace, d.cluster()), "add it to namespaces in the cluster's Secret"}
	}
	return nil
}
