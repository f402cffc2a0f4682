package plan

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Lost are the live objects that are an Application's own and that git no longer has: what a sync would prune. Hooks
// are not among them.
func Lost(desired []Desired, live map[Key]*unstructured.Unstructured, policy Policy) []Key {
	of := FactsUnder(policy)
	inGit := make(map[Key]bool, len(desired))
	for _, d := range desired {
		inGit[of.of(d.Object).key] = true
	}
	var lost []Key
	for key, object := range live {
		if inGit[key] {
			continue
		}
		if about := of.of(object); about.owner == policy.Instance && len(about.phases) == 0 {
			lost = append(lost, key)
		}
	}
	return lost
}

// KeysOf are the keys that rendered objects have in the cluster, those without a namespace in that of the destination.
// Hooks, and what is never applied, are not among them.
func KeysOf(rendered []Desired, namespace string, clusterScoped map[schema.GroupKind]bool) []Key {
	var all []Key
	for _, d := range rendered {
		if len(hookPhases(d.Object)) > 0 || d.Object.GetName() == "" {
			continue
		}
		key := KeyOf(d.Object)
		switch {
		case clusterScoped[d.Object.GroupVersionKind().GroupKind()]:
			key.Namespace = ""
		case key.Namespace == "":
			key.Namespace = namespace
		}
		all = append(all, key)
	}
	return all
}

// ManagesNamespace reports whether an Application that is there asks for metadata of its destination's namespace.
func ManagesNamespace(app *v1alpha1.Application, namespace string) bool {
	return app != nil && app.DeletionTimestamp == nil && app.Spec.Destination.Namespace == namespace && app.Spec.SyncPolicy != nil &&
		app.Spec.SyncPolicy.ManagedNamespaceMetadata != nil && ParseOptions(app.Spec.GetSyncOptions()).CreateNamespace()
}

// NamespaceOwner returns the instance of the Application whose metadata a namespace has, or that has it in git; "" for
// none.
func (p Policy) NamespaceOwner(live *unstructured.Unstructured) string {
	if owner := p.Tracking.OwnerOf(live); owner != "" {
		return owner
	}
	return live.GetAnnotations()[v1alpha1.NamespaceMetadataAnnotation]
}

// leavesNamespace reports whether the destination's namespace, which is not in git, stays as it is: it is there, and
// nobody asks for anything more of it, or it is another Application's.
func (p Policy) leavesNamespace(d Desired, live *unstructured.Unstructured) bool {
	if !d.Generated || live == nil {
		return false
	}
	if p.ManagedNamespace == nil {
		// What this Application has put there before, and no longer asks for, goes.
		return p.Instance == "" || live.GetAnnotations()[v1alpha1.NamespaceMetadataAnnotation] != p.Instance
	}
	owner := p.NamespaceOwner(live)
	return owner != p.Instance && p.NamespaceOwners[owner]
}

// CheckNamespaceMetadata names why metadata that a spec asks for is not put on the destination's namespace; "" where it
// is, and where git has the same.
func (p Policy) CheckNamespaceMetadata(desired []Desired) string {
	const field = "spec.syncPolicy.managedNamespaceMetadata: "
	m := p.ManagedNamespace
	if m == nil || len(m.Labels)+len(m.Annotations) == 0 {
		return ""
	}
	if p.Namespace == "" {
		return field + "without effect, since spec.destination.namespace is missing; set it"
	}
	for _, d := range desired {
		if d.Key() != (Key{Kind: "Namespace", Name: p.Namespace}) || d.Generated {
			continue
		}
		if hasAll(d.Object.GetLabels(), m.Labels) && hasAll(d.Object.GetAnnotations(), m.Annotations) {
			return ""
		}
		return fmt.Sprintf("%swithout effect, since git has %s; write the metadata there", field, d.Key())
	}
	if !p.Options.CreateNamespace() {
		return field + "without effect, since the sync option CreateNamespace=true is missing; set it"
	}
	return ""
}

// missesMetadata names what a namespace that is another Application's lacks of the metadata that is asked for; "" when
// that is nothing.
func (p Policy) missesMetadata(d Desired, live *unstructured.Unstructured) string {
	if p.ManagedNamespace == nil || hasAll(live.GetLabels(), p.ManagedNamespace.Labels) && hasAll(live.GetAnnotations(), p.ManagedNamespace.Annotations) {
		return ""
	}
	return fmt.Sprintf("%s: has the metadata of Application %s, and not that of spec.syncPolicy.managedNamespaceMetadata; remove it from one of the two", KeyOf(d.Object), p.NamespaceOwner(live))
}

func hasAll(live, wanted map[string]string) bool {
	merged := maps.Clone(live)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, wanted)
	return maps.Equal(merged, live)
}
