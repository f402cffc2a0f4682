package plan_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestPrune: which live objects a sync with prune deletes, and which it leaves and why.
func TestPrune(t *testing.T) {
	const (
		claim     = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: d}}"
		marked    = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: d, annotations: {%s}}}"
		other     = "{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}"
		namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: d}}"
		elsewhere = "{apiVersion: v1, kind: ConfigMap, metadata: {name: elsewhere, namespace: x}}"
		generic   = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, annotations: {%s}}}"
	)
	foreign := plan.Key{Kind: "Secret", Namespace: "d", Name: "foreign"}
	with := func(text, annotations string) string { return strings.Replace(text, "%s", annotations, 1) }
	for _, c := range []struct {
		name      string
		options   []string
		git, live []string
		// pruned and left are names; of what is left, the reason.
		pruned, left string
		// confirm are the names that a person has to confirm, with the reason.
		confirm string
		// managed is set when the spec gives the destination's namespace metadata.
		managed bool
		// confirmed is what the person has done; occupants live in the namespace d, nil when that was not looked at.
		confirmed bool
		occupants []plan.Key
		all       bool
	}{
		{name: "git no longer has it", git: []string{other}, live: []string{claim}, pruned: "data"},
		{name: "git has it", git: []string{with(generic, "")}, live: []string{claim}},
		{name: "git skips it", git: []string{with(generic, "argocd.argoproj.io/hook: Skip")}, live: []string{claim}},
		{name: "git makes it a hook of a sync", git: []string{with(generic, "argocd.argoproj.io/hook: PreSync")}, live: []string{claim}},
		{name: "git makes it a hook after a failure", git: []string{with(generic, "argocd.argoproj.io/hook: SyncFail")}, live: []string{claim}},
		{name: "git makes it a hook of the deletion", git: []string{with(generic, "argocd.argoproj.io/hook: 'PreDelete, PostDelete'")}, live: []string{claim}},
		{name: "git makes it a test of Helm", git: []string{with(generic, "helm.sh/hook: test")}, live: []string{claim}},
		{name: "git makes it a hook of a rollback of Helm", git: []string{with(generic, "helm.sh/hook: pre-rollback")}, live: []string{claim}},
		{name: "git gives it twice, the second time to be skipped", git: []string{with(generic, ""), with(generic, "argocd.argoproj.io/hook: Skip")}, live: []string{claim}},
		{name: "a live hook is not pruned", git: []string{other}, live: []string{with(marked, "argocd.argoproj.io/hook: PreSync")}},
		{name: "a live test of Helm is not pruned", git: []string{other}, live: []string{with(marked, "helm.sh/hook: test")}},
		{name: "skipped by another name", git: []string{strings.Replace(with(generic, "argocd.argoproj.io/hook: Skip"), "name: data", "name: else", 1)}, live: []string{claim}, pruned: "data", all: true},
		{name: "skipped in another namespace", git: []string{strings.Replace(with(generic, "argocd.argoproj.io/hook: Skip"), "name: data", "name: data, namespace: else", 1)}, live: []string{claim}, pruned: "data", all: true},
		{name: "its own Prune=false", git: []string{other}, live: []string{with(marked, "argocd.argoproj.io/sync-options: Prune=false")}, left: "data: ignored (no prune)"},
		{name: "the Application's Prune=false", options: []string{"Prune=false"}, git: []string{other}, live: []string{claim}, left: "data: ignored (no prune)"},
		{name: "its own Prune=true overrides", options: []string{"Prune=false"}, git: []string{other}, live: []string{with(marked, "argocd.argoproj.io/sync-options: Prune=true")}, pruned: "data"},
		{name: "Helm's policy", git: []string{other}, live: []string{with(marked, "helm.sh/resource-policy: keep")}, left: "data: ignored (helm.sh/resource-policy: keep)"},
		{name: "another Application's", git: []string{other}, live: []string{with(marked, "argocd.argoproj.io/tracking-id: 'blog:/PersistentVolumeClaim:d/data'")}},
		{name: "a copy of one of the Application's", git: []string{other}, live: []string{with(marked, "argocd.argoproj.io/tracking-id: 'shop:/PersistentVolumeClaim:d/original'")}},
		{name: "without a mark", git: []string{other}, live: []string{with(marked, "argocd.argoproj.io/tracking-id: ''")}},
		{name: "everything goes", live: []string{claim}, pruned: "data", all: true},
		{name: "everything goes but the namespace that the sync makes", options: []string{"CreateNamespace=true"}, live: []string{claim}, pruned: "data", all: true},
		{name: "everything goes but what is skipped", git: []string{strings.Replace(with(generic, "argocd.argoproj.io/hook: Skip"), "name: data", "name: else", 1)}, live: []string{claim}, pruned: "data", all: true},
		{name: "its own Prune=confirm", git: []string{other}, live: []string{with(marked, "argocd.argoproj.io/sync-options: Prune=confirm")}, confirm: "data: Prune=confirm"},
		{name: "the Application's Prune=confirm", options: []string{"Prune=confirm"}, git: []string{other}, live: []string{claim}, confirm: "data: Prune=confirm"},
		{name: "Prune=confirm, confirmed", options: []string{"Prune=confirm"}, confirmed: true, git: []string{other}, live: []string{claim}, pruned: "data"},
		{name: "Prune=false stays whatever is confirmed", options: []string{"Prune=false"}, confirmed: true, git: []string{other}, live: []string{claim}, left: "data: ignored (no prune)"},
		{name: "the destination's namespace, with objects that git has", occupants: []plan.Key{}, git: []string{other}, live: []string{namespace}, confirm: "d: holds ConfigMap other"},
		{name: "a namespace that was not looked into", git: []string{elsewhere}, live: []string{namespace}, confirm: "d: contents unknown"},
		{name: "a namespace with objects of others", occupants: []plan.Key{foreign}, git: []string{elsewhere}, live: []string{namespace}, confirm: "d: holds Secret foreign"},
		{name: "a namespace with objects of others, whatever its option", occupants: []plan.Key{foreign}, git: []string{elsewhere},
			live: []string{"{apiVersion: v1, kind: Namespace, metadata: {name: d, annotations: {argocd.argoproj.io/sync-options: Prune=true}}}"}, confirm: "d: holds Secret foreign"},
		{name: "a namespace with objects of others, confirmed", confirmed: true, occupants: []plan.Key{foreign}, git: []string{elsewhere}, live: []string{namespace}, pruned: "d"},
		{name: "a namespace with nothing but what goes with it", occupants: []plan.Key{{Kind: "PersistentVolumeClaim", Namespace: "d", Name: "data"}}, git: []string{elsewhere}, live: []string{namespace, claim}, pruned: "data d"},
		{name: "a namespace with an object that is kept", occupants: []plan.Key{{Kind: "PersistentVolumeClaim", Namespace: "d", Name: "data"}}, git: []string{elsewhere, with(generic, "argocd.argoproj.io/hook: Skip")},
			live: []string{namespace, claim}, confirm: "d: holds PersistentVolumeClaim data"},
		{name: "an empty namespace", occupants: []plan.Key{}, git: []string{elsewhere}, live: []string{namespace}, pruned: "d"},
		{name: "a namespace that CreateNamespace makes", options: []string{"CreateNamespace=true"}, git: []string{elsewhere}, live: []string{namespace}},
		{name: "a namespace that CreateNamespace made", git: []string{elsewhere},
			live: []string{"{apiVersion: v1, kind: Namespace, metadata: {name: d, annotations: {argocd.argoproj.io/sync-options: 'Prune=false,Delete=false'}}}"}, left: "d: ignored (no prune)"},
		{name: "the destination's namespace, to which the spec gives metadata", managed: true, git: []string{other}, live: []string{namespace}},
		{name: "the destination's namespace, to which the spec gives metadata, whatever is in it", managed: true, occupants: []plan.Key{}, git: []string{elsewhere}, live: []string{namespace}},
		{name: "another namespace, where the spec gives the destination's metadata", managed: true, git: []string{other},
			live: []string{"{apiVersion: v1, kind: Namespace, metadata: {name: e}}"}, confirm: "e: contents unknown"},
		{name: "a namespace that is going", git: []string{other}, live: []string{"{apiVersion: v1, kind: Namespace, metadata: {name: d, deletionTimestamp: '2026-05-01T12:00:00Z'}}"}, pruned: "d"},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := plan.Policy{Instance: "shop", Namespace: "d", Options: plan.ParseOptions(c.options), Prune: true, Confirmed: c.confirmed, ClusterScoped: map[schema.GroupKind]bool{{Kind: "Namespace"}: true}}
			if c.managed {
				policy.ManagedNamespace = &v1alpha1.ManagedNamespaceMetadata{Labels: map[string]string{"a": "b"}}
			}
			if c.occupants != nil {
				policy.Occupants = map[string][]plan.Key{"d": c.occupants}
			}
			var rendered []plan.Desired
			for _, text := range c.git {
				rendered = append(rendered, plan.Desired{Object: object(t, text)})
			}
			var live []plan.Live
			for _, text := range c.live {
				o := object(t, text)
				if _, set := o.GetAnnotations()[v1alpha1.TrackingIDAnnotation]; !set {
					plan.Mark(o, policy)
				}
				live = append(live, plan.Live{Object: o})
			}
			desired, _ := plan.Prepare(rendered, policy)
			p := plan.Build(desired, live, policy)
			var pruned, left, confirm []string
			for _, task := range p.Tasks {
				switch {
				case task.Verb == plan.Delete && task.Confirm != "":
					confirm = append(confirm, task.Key.Name+": "+task.Confirm)
				case task.Verb == plan.Delete && task.Skip == "":
					pruned = append(pruned, task.Key.Name)
				case task.Verb == plan.Delete:
					left = append(left, task.Key.Name+": "+task.Skip)
				}
			}
			if got := strings.Join(pruned, " "); got != c.pruned {
				t.Errorf("pruned: got %q, want %q", got, c.pruned)
			}
			if got := strings.Join(left, ", "); got != c.left {
				t.Errorf("left: got %q, want %q", got, c.left)
			}
			if got := strings.Join(confirm, ", "); got != c.confirm {
				t.Errorf("to confirm: got %q, want %q", got, c.confirm)
			}
			if p.LeavesNothing != c.all {
				t.Errorf("leaves nothing: got %v, want %v", p.LeavesNothing, c.all)
			}
			needs := slices.ContainsFunc(p.Resources, func(r plan.Resource) bool { return r.RequiresPruning })
			if want := c.pruned+c.left+c.confirm != ""; needs != want {
				t.Errorf("requires pruning: got %v, want %v", needs, want)
			}
		})
	}
}

// TestOccupies: what Kubernetes puts into every namespace does not keep it from being pruned, and what somebody made
// does.
func TestOccupies(t *testing.T) {
	for text, want := range map[string]bool{
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: d}}":                                                   true,
		"{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a, namespace: d}}":                                       true,
		"{apiVersion: v1, kind: Secret, metadata: {name: default, namespace: d}}":                                                true,
		"{apiVersion: v1, kind: ServiceAccount, metadata: {name: mine, namespace: d}}":                                           true,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: default, namespace: d}}":                                             true,
		"{apiVersion: x/v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt, namespace: d}}":                                  true,
		"{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: d}}":                                        false,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt, namespace: d}}":                                    false,
		"{apiVersion: v1, kind: Event, metadata: {name: a, namespace: d}}":                                                       false,
		"{apiVersion: events.k8s.io/v1, kind: Event, metadata: {name: a, namespace: d}}":                                         false,
		"{apiVersion: metrics.k8s.io/v1beta1, kind: PodMetrics, metadata: {name: a, namespace: d}}":                              false,
		"{apiVersion: v1, kind: Endpoints, metadata: {name: a, namespace: d}}":                                                   false,
		"{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: d, ownerReferences: [{kind: ReplicaSet, name: a, uid: u}]}}": false,
		"{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'}}":              false,
	} {
		if got := plan.Occupies(object(t, text)); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
