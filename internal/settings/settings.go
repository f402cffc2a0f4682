// Package settings reads what people keep beside their Applications in ConfigMaps and Secrets, and names what is not
// served of it, and of the objects themselves.
//
// [Parse] makes a [Settings] of the ConfigMaps that existing installations have, with a [Finding] for each key that
// is not honoured. [Unserved] finds what an object asks for and does not get. What is honoured, named or harmless
// stands in the tables, a row for each field, key, annotation and option; docs/compatibility.md is made of the same
// tables.
package settings

//go:generate sh -c "go run ../../hack/compatibility >../../docs/compatibility.md"

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/glob"
)

// Settings are what holds for all Applications of a control namespace. The zero value is what holds when nothing is
// written, but for Tracking: see [Default].
type Settings struct {
	Tracking Tracking
	// Exclusions and Inclusions are the kinds that are left alone, and those that alone are not: see [Settings.Excludes].
	Exclusions, Inclusions []ResourceFilter
	// Customizations are in the order in which they are asked: see [Settings.IgnoredOf] and [Settings.HealthScript].
	Customizations []Customization
	CompareOptions CompareOptions
	// Reconciliation is how often a repository is looked at.
	Reconciliation Reconciliation
	Kustomize      Kustomize
	GlobalProjects []GlobalProject
	// MaskedAnnotations are those of Secrets whose values are never shown.
	MaskedAnnotations []string
	Impersonation     Impersonation
	// ApplicationNamespaces are patterns of the namespaces besides the control namespace in which Applications are looked
	// after; those in slashes are regular expressions. Empty for all that a project's sourceNamespaces let in.
	ApplicationNamespaces []string
	// SSHSigners are the ssh keys of those who may sign commits.
	SSHSigners []SSHSigner
	// InClusterDisabled refuses the cluster of the control plane as a destination.
	InClusterDisabled bool
}

// TrackingMethod is how an object is marked as an Application's.
type TrackingMethod string

// The values of TrackingMethod.
const (
	TrackByAnnotation TrackingMethod = "annotation"
	TrackByLabel      TrackingMethod = "label"
	// TrackByAnnotationAndLabel finds objects by the annotation, and writes the label as well.
	TrackByAnnotationAndLabel TrackingMethod = "annotation+label"
)

// Tracking is how the objects of an Application are told from others.
type Tracking struct {
	// Method is never empty.
	Method TrackingMethod
	// InstanceLabelKey is the label of the methods that write one; never empty.
	InstanceLabelKey string
	// InstallationID distinguishes several installations on one cluster; "" for one.
	InstallationID string
}

// Default returns the settings that hold when nothing is written.
func Default() Settings {
	return Settings{
		Tracking:      Tracking{Method: TrackByAnnotation, InstanceLabelKey: v1alpha1.InstanceLabel},
		Impersonation: Impersonation{Enforced: true},
	}
}

// ResourceFilter matches kinds in clusters by globs; an empty list matches everything.
type ResourceFilter struct {
	APIGroups []string `json:"apiGroups,omitempty"`
	Kinds     []string `json:"kinds,omitempty"`
	// Clusters are server URLs.
	Clusters []string `json:"clusters,omitempty"`
}

func (f ResourceFilter) matches(kind schema.GroupKind, server string) bool {
	return anyGlob(f.APIGroups, kind.Group) && anyGlob(f.Kinds, kind.Kind) && anyGlob(f.Clusters, server)
}

func anyGlob(patterns []string, value string) bool {
	for _, p := range patterns {
		if matchGlob(p, value) {
			return true
		}
	}
	return len(patterns) == 0
}

// matchGlob reports whether a value matches a pattern, in which * stands for any letters.
func matchGlob(pattern, value string) bool {
	matches, err := glob.Match(pattern, value)
	return err == nil && matches
}

// ServesNamespace reports whether the Applications of a namespace are looked after, besides those of the control
// namespace.
func (s Settings) ServesNamespace(name string) bool {
	for _, pattern := range s.ApplicationNamespaces {
		if p, err := glob.CompileName(pattern); err == nil && p.Match(name) {
			return true
		}
	}
	return false
}

// alwaysExcluded are kinds that nobody deploys from git: they come and go by the thousand.
var alwaysExcluded = []ResourceFilter{{APIGroups: []string{"events.k8s.io", "metrics.k8s.io"}}, {APIGroups: []string{""}, Kinds: []string{"Event"}}}

// Excludes reports whether the objects of a kind in a cluster are left alone: neither compared, nor written, pruned or
// deleted.
func (s Settings) Excludes(kind schema.GroupKind, server string) bool {
	included := len(s.Inclusions) == 0
	for _, f := range s.Inclusions {
		included = included || f.matches(kind, server)
	}
	if !included {
		return true
	}
	for _, filters := range [][]ResourceFilter{alwaysExcluded, s.Exclusions} {
		for _, f := range filters {
			if f.matches(kind, server) {
				return true
			}
		}
	}
	return false
}

// Customization changes how the objects of some kinds are judged.
type Customization struct {
	// Group and Kind are globs.
	Group, Kind string
	// IgnoreDifferences are fields whose drift does not count; IgnoreUpdates, fields whose change is no reason to look.
	IgnoreDifferences, IgnoreUpdates IgnoredFields
	// HealthLua is a script that returns the health of obj; "" for none.
	HealthLua string
	// UseOpenLibs lets the script have more of Lua's libraries.
	UseOpenLibs bool
	// Actions is how people may change an object by name, as YAML.
	Actions         string
	KnownTypeFields []KnownTypeField
}

// IgnoredFields names fields in three ways.
type IgnoredFields struct {
	JSONPointers          []string `json:"jsonPointers,omitempty"`
	JQPathExpressions     []string `json:"jqPathExpressions,omitempty"`
	ManagedFieldsManagers []string `json:"managedFieldsManagers,omitempty"`
}

func (f IgnoredFields) isEmpty() bool {
	return len(f.JSONPointers) == 0 && len(f.JQPathExpressions) == 0 && len(f.ManagedFieldsManagers) == 0
}

// KnownTypeField is the claim that a field of a custom kind has a type of Kubernetes, such as core/v1/PodSpec.
type KnownTypeField struct {
	Field string `json:"field,omitempty"`
	Type  string `json:"type,omitempty"`
}

func (c Customization) matches(kind schema.GroupKind) bool {
	return matchGlob(c.Group, kind.Group) && matchGlob(c.Kind, kind.Kind)
}

// IgnoredOf returns the differences that do not count for objects of these kinds, as an Application's spec would name
// them.
func (s Settings) IgnoredOf(kinds ...schema.GroupKind) []v1alpha1.IgnoreDifference {
	var all []v1alpha1.IgnoreDifference
	for _, kind := range kinds {
		for _, c := range s.Customizations {
			if fields := c.IgnoreDifferences; c.matches(kind) && !fields.isEmpty() {
				all = append(all, v1alpha1.IgnoreDifference{
					Group: kind.Group, Kind: kind.Kind, JSONPointers: fields.JSONPointers, JQPathExpressions: fields.JQPathExpressions,
					ManagedFieldsManagers: fields.ManagedFieldsManagers,
				})
			}
		}
		if s.CompareOptions.IgnoreAggregatedRoles && kind == (schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}) {
			all = append(all, v1alpha1.IgnoreDifference{Group: kind.Group, Kind: kind.Kind, JQPathExpressions: []string{"select(.aggregationRule != null) | .rules"}})
		}
	}
	return all
}

// KnownTypesOf returns the fields of a kind that have a type of Kubernetes.
func (s Settings) KnownTypesOf(kind schema.GroupKind) []KnownTypeField {
	var all []KnownTypeField
	for _, c := range s.Customizations {
		if c.matches(kind) {
			all = append(all, c.KnownTypeFields...)
		}
	}
	return all
}

// HealthScript returns the customization whose script judges the health of a kind: the first that names it, and before
// patterns, the one that names it in full.
func (s Settings) HealthScript(kind schema.GroupKind) (Customization, bool) {
	var found Customization
	for _, c := range s.Customizations {
		if c.HealthLua == "" || !c.matches(kind) {
			continue
		}
		if c.Group == kind.Group && c.Kind == kind.Kind {
			return c, true
		}
		if found.HealthLua == "" {
			found = c
		}
	}
	return found, found.HealthLua != ""
}

// ActionScripts returns the actions of a kind as YAML, "" for none: those of the first customization that names it, and
// before patterns, of the one that names it in full.
func (s Settings) ActionScripts(kind schema.GroupKind) string {
	found := ""
	for _, c := range s.Customizations {
		switch {
		case c.Actions == "" || !c.matches(kind):
		case c.Group == kind.Group && c.Kind == kind.Kind:
			return c.Actions
		case found == "":
			found = c.Actions
		}
	}
	return found
}

// CompareOptions are how desired and live objects are compared.
type CompareOptions struct {
	// IgnoreAggregatedRoles leaves the rules of roles alone that the cluster puts together from others.
	IgnoreAggregatedRoles bool
}

// Reconciliation is the time between two looks: Every, and up to Jitter more. Zero values are not written.
type Reconciliation struct {
	Every, Jitter time.Duration
	// Disabled is set when nothing is looked at by time.
	Disabled bool
}

// Kustomize is how kustomizations are built.
type Kustomize struct {
	// Disabled has kustomizations read as directories of manifests.
	Disabled bool
	// AnyFile lets a kustomization read single files that are not below it.
	AnyFile bool
	// VersionedOptions are those for a version that an Application names; Versions are the names of those registered.
	VersionedOptions map[string]string
	Versions         []string
}

// GlobalProject bounds also the projects that its selector matches.
type GlobalProject struct {
	ProjectName   string               `json:"projectName,omitempty"`
	LabelSelector metav1.LabelSelector `json:"labelSelector,omitempty"`
}

// Impersonation is whether objects are written as a service account of the project.
type Impersonation struct {
	Enabled bool
	// Enforced refuses a sync for which the project names no service account; otherwise it is done as Cyan.
	Enforced bool
}
