package plan_test

import (
	"testing"

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
