package plan_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestManagedNamespaces: the destination's namespace is listed, and stays, as long as the spec gives it metadata,
// though git has no manifest of it.
func TestManagedNamespaces(t *testing.T) {
	wave := "argocd.argoproj.io/sync-wave: '-3'"
	foreign := "{apiVersion: v1, kind: Namespace, metadata: {name: d, annotations: {argocd.argoproj.io/tracking-id: 'blog:/Namespace:d/d'}}}"
	for _, c := range []struct {
		name     string
		managed  bool
		live     []string
		git      []string
		listed   v1alpha1.SyncStatusCode
		isPruned bool
	}{
		{"managed", true, []string{named("Namespace", "d", wave)}, nil, v1alpha1.Synced, false},
		{"managed, and not there yet", true, nil, nil, "", false},
		{"managed, and another Application's", true, []string{foreign}, nil, "", false},
		{"not managed", false, []string{named("Namespace", "d", wave)}, nil, v1alpha1.OutOfSync, true},
		{"managed, beside another that is not", true, []string{named("Namespace", "other", "")}, nil, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan.Policy{}
			if c.managed {
				p.ManagedNamespace = &v1alpha1.ManagedNamespaceMetadata{Labels: map[string]string{"team": "a"}}
			}
			built, _ := given{p, c.git, c.live}.build(t)
			var found *plan.Resource
			for i, r := range built.Resources {
				if r.Key == (plan.Key{Kind: "Namespace", Name: "d"}) {
					found = &built.Resources[i]
				}
			}
			switch {
			case (found == nil) != (c.listed == ""):
				t.Fatalf("listed: %+v, want %q", found, c.listed)
			case found == nil:
				return
			}
			if found.Status != c.listed || found.RequiresPruning != c.isPruned || found.Version != "v1" || found.Wave != -3 || found.Live == nil {
				t.Errorf("got %+v, want it %s, pruned: %v, in version v1 and wave -3, with the live object", found, c.listed, c.isPruned)
			}
		})
	}
}

// TestCheckNamespaceMetadata: metadata that a spec asks for in vain is named, with why.
func TestCheckNamespaceMetadata(t *testing.T) {
	const field = "spec.syncPolicy.managedNamespaceMetadata: without effect, since "
	labelled := &v1alpha1.ManagedNamespaceMetadata{Labels: map[string]string{"team": "a"}}
	for _, c := range []struct {
		name, namespace, options string
		asked                    *v1alpha1.ManagedNamespaceMetadata
		git, want                string
	}{
		{"none", "d", "", nil, "", ""},
		{"empty", "d", "", &v1alpha1.ManagedNamespaceMetadata{}, "", ""},
		{"with the option", "d", "CreateNamespace=true", labelled, "", ""},
		{"without the option", "d", "CreateNamespace=false", labelled, "", field + "the sync option CreateNamespace=true is missing; set it"},
		{"annotations alone", "d", "", &v1alpha1.ManagedNamespaceMetadata{Annotations: map[string]string{"team": "a"}}, "", field + "the sync option CreateNamespace=true is missing; set it"},
		{"without a namespace", "", "CreateNamespace=true", labelled, "", field + "spec.destination.namespace is missing; set it"},
		{"beside git's own", "d", "CreateNamespace=true", labelled, named("Namespace", "d", ""), field + "git has Namespace d; write the metadata there"},
		{"beside the same in git", "d", "CreateNamespace=true", labelled, "{apiVersion: v1, kind: Namespace, metadata: {name: d, labels: {team: a, tier: x}}}", ""},
		{"beside another namespace in git", "d", "CreateNamespace=true", labelled, named("Namespace", "other", ""), ""},
	} {
		policy := plan.Policy{Namespace: c.namespace, ManagedNamespace: c.asked, ClusterScoped: map[schema.GroupKind]bool{{Kind: "Namespace"}: true}, Options: plan.ParseOptions([]string{c.options})}
		desired := []plan.Desired{{Object: object(t, named("ConfigMap", "a", ""))}}
		if c.git != "" {
			desired = append(desired, plan.Desired{Object: object(t, c.git)})
		}
		prepared, _ := plan.Prepare(desired, policy)
		if got := policy.CheckNamespaceMetadata(prepared); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
