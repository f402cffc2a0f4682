package plan_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// given is what a plan is made of, as text.
type given struct {
	policy    plan.Policy
	git, live []string
}

func (g given) build(t *testing.T) (plan.Plan, []string) {
	t.Helper()
	g.policy.Instance = "shop"
	if g.policy.Namespace == "" {
		g.policy.Namespace = "d"
	}
	g.policy.ClusterScoped = map[schema.GroupKind]bool{{Kind: "Namespace"}: true, {Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: true}
	var rendered []plan.Desired
	for i, text := range g.git {
		rendered = append(rendered, plan.Desired{Object: object(t, text), Origin: string(rune('a'+i)) + ".yaml"})
	}
	var live []plan.Live
	for _, text := range g.live {
		o := object(t, text)
		if _, set := o.GetAnnotations()[v1alpha1.TrackingIDAnnotation]; !set {
			plan.Mark(o, g.policy)
		}
		live = append(live, plan.Live{Object: o})
	}
	desired, warnings := plan.Prepare(rendered, g.policy)
	return plan.Build(desired, live, g.policy), warnings
}

func named(kind, name, annotations string) string {
	version := map[string]string{"Job": "batch/v1", "Deployment": "apps/v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1", "Ingress": "networking.k8s.io/v1", "Gadget": "x/v1", "Widget": "x/v1"}[kind]
	if version == "" {
		version = "v1"
	}
	return "{apiVersion: " + version + ", kind: " + kind + ", metadata: {name: " + name + ", annotations: {" + annotations + "}}}"
}

func liveNamed(kind, name, annotations string) string {
	return strings.Replace(named(kind, name, annotations), "metadata: {", "metadata: {namespace: d, ", 1)
}

// rolloutOver is a live Rollout that has taken over the pods of a Deployment.
func rolloutOver(deployment string) string {
	return "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r, namespace: d}, spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: " + deployment + "}}}"
}

// TestOrder: phases, then waves, what goes before what comes, kinds and names.
func TestOrder(t *testing.T) {
	wave := func(n string) string { return "argocd.argoproj.io/sync-wave: '" + n + "'" }
	for _, c := range []struct {
		name string
		given
		want string
	}{
		{"kinds: what others lean on comes first", given{git: []string{named("Widget", "w", ""), named("Ingress", "i", ""), named("Deployment", "d", ""), named("Service", "s", ""), named("ConfigMap", "c", ""),
			named("Secret", "k", ""), named("CustomResourceDefinition", "x", ""), named("Namespace", "ns", "")}}, "ns x k c s d i w"},
		{"kinds: those that are not known come last, by name of the kind", given{git: []string{named("Widget", "b", ""), named("Gadget", "a", ""), named("APIService", "z", "")}}, "z a b"},
		{"kinds: definitions come before classes, and both before what uses them", given{git: []string{named("Pod", "p", ""), named("PriorityClass", "c", ""), named("CustomResourceDefinition", "x", "")}}, "x c p"},
		{"names within a kind", given{git: []string{named("ConfigMap", "b", ""), named("ConfigMap", "a", "")}}, "a b"},
		{"waves come before kinds", given{git: []string{named("Namespace", "late", wave("1")), named("Ingress", "first", wave("-2")), named("Secret", "middle", "")}}, "first middle late"},
		{"waves of Helm", given{git: []string{named("ConfigMap", "a", "helm.sh/hook-weight: '5'"), named("ConfigMap", "b", "")}}, "b a"},
		{"a wave that is no number is the middle one", given{git: []string{named("ConfigMap", "a", wave("first")), named("ConfigMap", "b", wave("-1"))}}, "b a"},
		{"deletions come before what comes", given{policy: plan.Policy{Prune: true}, git: []string{named("Deployment", "web", "")}, live: []string{liveNamed("ConfigMap", "old", ""), rolloutOver("other")}}, "r old web"},
		{"a Rollout goes once the Deployment whose pods it has taken over has its own again", given{policy: plan.Policy{Prune: true}, git: []string{named("Deployment", "web", ""), named("Ingress", "late", wave("3"))}, live: []string{liveNamed("ConfigMap", "old", ""), rolloutOver("web")}}, "old web late r"},
		{"phases come before waves", given{git: []string{
			named("Job", "fail", "argocd.argoproj.io/hook: SyncFail, "+wave("-9")), named("Job", "post", "argocd.argoproj.io/hook: PostSync, "+wave("-9")),
			named("Job", "pre", "argocd.argoproj.io/hook: PreSync, "+wave("9")), named("ConfigMap", "c", ""), named("Job", "with", "argocd.argoproj.io/hook: Sync, "+wave("1"))}}, "pre c with post fail"},
		{"phases: hooks of Helm", given{git: []string{named("Job", "post", "helm.sh/hook: post-upgrade"), named("Job", "pre", "helm.sh/hook: 'pre-install,pre-upgrade'"), named("ConfigMap", "c", "")}}, "pre c post"},
		{"phases: Argo's own hook counts before Helm's", given{git: []string{named("Job", "a", "argocd.argoproj.io/hook: PostSync, helm.sh/hook: pre-install"), named("ConfigMap", "c", "")}}, "c a"},
		{"phases: a definition that Helm installs by a hook is an object like any other", given{git: []string{named("CustomResourceDefinition", "x", "helm.sh/hook: crd-install"), named("ConfigMap", "c", "")}}, "x c"},
		{"phases: anything else that Helm installs so is a hook", given{git: []string{named("ConfigMap", "c", ""), named("ConfigMap", "z", "helm.sh/hook: crd-install")}}, "z c"},
		{"phases: a definition that is a hook of another phase", given{git: []string{named("ConfigMap", "c", ""), named("CustomResourceDefinition", "x", "helm.sh/hook: post-install")}}, "c x"},
		{"phases: a word that is none makes no hook", given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sometime"), named("ConfigMap", "c", "")}}, "c j"},
		{"phases: one hook in two", given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: 'PreSync,PostSync,PreSync'"), named("ConfigMap", "c", "")}}, "j c j"},
		{"phases: hooks of the deletion do not run", given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: 'PreDelete,PostSync'"), named("Job", "k", "argocd.argoproj.io/hook: 'PostDelete'"), named("ConfigMap", "c", "")}}, "c j"},
		{"phases: a skipped object does not run, whatever else it is", given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: 'PreSync,Skip'"), named("ConfigMap", "c", "")}}, "c"},
		{"phases: of Helm's, what is for rollbacks and tests as well runs for the rest", given{git: []string{named("Job", "j", "helm.sh/hook: 'post-install,post-rollback,test'"), named("Job", "k", "helm.sh/hook: 'test,pre-rollback'")}}, "j"},
		{"hooks: left out", given{policy: plan.Policy{SkipHooks: true}, git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "c", "")}}, "c"},
		{"prune: within a wave what goes goes first, kinds against their order", given{policy: plan.Policy{Prune: true}, git: []string{named("ConfigMap", "a", "")},
			live: []string{liveNamed("Secret", "s", ""), liveNamed("Deployment", "x", "")}}, "x s a"},
		{"prune: waves backwards", given{policy: plan.Policy{Prune: true}, git: []string{named("ConfigMap", "a", wave("1"))},
			live: []string{liveNamed("Secret", "x", wave("0")), liveNamed("Secret", "yy", wave("1")), liveNamed("Secret", "z", wave("7"))}}, "z yy a x"},
		{"prune: last by its own option", given{policy: plan.Policy{Prune: true}, git: []string{named("ConfigMap", "a", wave("4"))},
			live: []string{liveNamed("Secret", "x", "argocd.argoproj.io/sync-options: PruneLast=true"), liveNamed("Secret", "yy", "")}}, "yy a x"},
		{"prune: last by the Application's option", given{policy: plan.Policy{Prune: true, Options: plan.Options{"PruneLast": "true"}}, git: []string{named("ConfigMap", "a", wave("4"))},
			live: []string{liveNamed("Secret", "x", "")}}, "a x"},
		{"prune: last by its own option, where it is going already", given{policy: plan.Policy{Prune: true}, git: []string{named("ConfigMap", "a", wave("4"))},
			live: []string{strings.Replace(liveNamed("Secret", "x", "argocd.argoproj.io/sync-options: PruneLast=true"), "namespace: d,", "namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z',", 1)}}, "a x"},
		{"prune: last by its own option, though its wave counts where waves go backwards", given{policy: plan.Policy{Prune: true}, git: []string{named("ConfigMap", "a", "")},
			live: []string{liveNamed("Secret", "x", "argocd.argoproj.io/sync-options: PruneLast=true, "+wave("-7")), liveNamed("Secret", "yy", wave("3"))}}, "yy a x"},
		{"limited: by group, kind and name", given{policy: plan.Policy{Selected: []v1alpha1.SyncOperationResource{{Group: "apps", Kind: "Deployment", Name: "x"}, {Kind: "ConfigMap", Name: "b", Namespace: "d"}}},
			git: []string{named("Deployment", "x", ""), named("Deployment", "y", ""), named("ConfigMap", "x", ""), named("ConfigMap", "b", "")}}, "b x"},
		{"limited: the group counts", given{policy: plan.Policy{Selected: []v1alpha1.SyncOperationResource{{Group: "batch", Kind: "ConfigMap", Name: "x"}}}, git: []string{named("ConfigMap", "x", "")}}, ""},
		{"limited: the namespace counts when it is given", given{policy: plan.Policy{Selected: []v1alpha1.SyncOperationResource{{Kind: "ConfigMap", Name: "x", Namespace: "else"}}}, git: []string{named("ConfigMap", "x", "")}}, ""},
		{"limited: no hooks", given{policy: plan.Policy{Selected: []v1alpha1.SyncOperationResource{{Kind: "ConfigMap", Name: "x"}}}, git: []string{named("ConfigMap", "x", ""), named("Job", "j", "argocd.argoproj.io/hook: PreSync")}}, "x"},
		{"limited: pruning as well", given{policy: plan.Policy{Prune: true, Selected: []v1alpha1.SyncOperationResource{{Kind: "Secret", Name: "x"}}}, git: []string{named("ConfigMap", "a", "")},
			live: []string{liveNamed("Secret", "x", ""), liveNamed("Secret", "yy", "")}}, "x"},
		{"an object that is to be named by the server and is no hook is left out", given{git: []string{"{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-}}", named("ConfigMap", "a", "")}}, "a"},
		{"an object with a name and a pattern for it has its name", given{git: []string{"{apiVersion: v1, kind: ConfigMap, metadata: {name: x, generateName: x-}}"}}, "x"},
	} {
		p, _ := c.build(t)
		var got []string
		for _, task := range p.Tasks {
			got = append(got, task.Key.Name)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
}

// TestTasks: a task has all that is needed to carry it out.
func TestTasks(t *testing.T) {
	const there = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: d}, data: {x: '1'}}"
	options := "argocd.argoproj.io/sync-options: '%s'"
	for _, c := range []struct {
		name string
		given
		check func(plan.Task) bool
	}{
		{"an object: from where, over what, in which wave", given{git: []string{named("ConfigMap", "a", "argocd.argoproj.io/sync-wave: '2'")}, live: []string{there}}, func(t plan.Task) bool {
			return t.Verb == plan.Apply && t.Phase == v1alpha1.HookSync && t.Origin == "a.yaml" && t.Live.GetName() == "a" && t.Wave == 2 && t.Object.GetNamespace() == "d" && t.GVK().Kind == "ConfigMap" && t.GVK().Version == "v1" && !t.Force
		}},
		{"an object: its options over the Application's", given{policy: plan.Policy{Options: plan.Options{"Replace": "true", "Validate": "false"}}, git: []string{named("ConfigMap", "a", strings.Replace(options, "%s", "Replace=false", 1))}},
			func(t plan.Task) bool { return !t.Options.Replace() && t.Options.SkipValidation() }},
		{"an object: by force, of the operation", given{policy: plan.Policy{Force: true}, git: []string{named("ConfigMap", "a", "")}}, func(t plan.Task) bool { return t.Force }},
		{"an object: by force, of its own", given{git: []string{named("ConfigMap", "a", strings.Replace(options, "%s", "Force=true", 1))}}, func(t plan.Task) bool { return t.Force }},
		{"an object that is as desired", given{git: []string{named("ConfigMap", "a", "")}, live: []string{there}}, func(t plan.Task) bool { return t.Unchanged }},
		{"an object that differs", given{git: []string{strings.Replace(there, "'1'", "'2'", 1)}, live: []string{there}}, func(t plan.Task) bool { return !t.Unchanged }},
		{"a hook: from where, over what, in which wave, by which options", given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/sync-wave: '2', "+strings.Replace(options, "%s", "Validate=false", 1))},
			live: []string{liveNamed("Job", "j", "")}}, func(t plan.Task) bool {
			return t.Verb == plan.Hook && t.Phase == v1alpha1.HookPreSync && t.Origin == "a.yaml" && t.Live.GetName() == "j" && t.Wave == 2 && t.Options.SkipValidation() && plan.Held(t.Object)
		}},
		{"a hook: keeps its own finalizers", given{git: []string{"{apiVersion: batch/v1, kind: Job, metadata: {name: j, finalizers: [x/y], annotations: {argocd.argoproj.io/hook: PreSync}}}"}},
			func(t plan.Task) bool { return len(t.Object.GetFinalizers()) == 2 && plan.Held(t.Object) }},
		{"a hook: that brings the finalizer", given{git: []string{"{apiVersion: batch/v1, kind: Job, metadata: {name: j, finalizers: [argocd.argoproj.io/hook-finalizer], annotations: {argocd.argoproj.io/hook: PreSync}}}"}},
			func(t plan.Task) bool { return len(t.Object.GetFinalizers()) == 1 }},
		{"a hook: deleted before it is made again unless it says otherwise", given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync")}},
			func(t plan.Task) bool {
				return len(t.DeletePolicies) == 1 && t.DeletePolicies[0] == plan.BeforeHookCreation
			}},
		{"a hook: its policies", given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: 'HookSucceeded, HookFailed, Whenever'")}},
			func(t plan.Task) bool {
				return len(t.DeletePolicies) == 2 && t.DeletePolicies[0] == plan.HookSucceeded && t.DeletePolicies[1] == plan.HookFailed
			}},
		{"a hook: Helm's policies", given{git: []string{named("Job", "j", "helm.sh/hook: pre-install, helm.sh/hook-delete-policy: 'hook-succeeded,Before-Hook-Creation,never'")}},
			func(t plan.Task) bool {
				return len(t.DeletePolicies) == 2 && t.DeletePolicies[0] == plan.HookSucceeded && t.DeletePolicies[1] == plan.BeforeHookCreation
			}},
		{"a deletion: of what, how and by which options", given{policy: plan.Policy{Prune: true}, live: []string{liveNamed("ConfigMap", "x", strings.Replace(options, "%s", "PrunePropagationPolicy=orphan", 1))}}, func(t plan.Task) bool {
			return t.Verb == plan.Delete && t.Phase == v1alpha1.HookSync && t.Live.GetName() == "x" && t.Object.GetName() == "x" && t.Propagation() == metav1.DeletePropagationOrphan && !t.Unchanged
		}},
		{"a deletion: of what is going", given{policy: plan.Policy{Prune: true}, live: []string{"{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'}}"}},
			func(t plan.Task) bool { return t.Unchanged && t.Skip == "" }},
		{"a deletion: not without prune", given{live: []string{liveNamed("ConfigMap", "x", "")}}, func(t plan.Task) bool { return t.Skip == "ignored (requires pruning)" }},
	} {
		p, _ := c.build(t)
		if len(p.Tasks) != 1 || !c.check(p.Tasks[0]) {
			t.Errorf("%s: got %+v", c.name, p.Tasks)
		}
	}
}

// TestResources: how each object stands, and the Application by them.
func TestResources(t *testing.T) {
	const there = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: d}, data: {x: '1'}}"
	for _, c := range []struct {
		name string
		given
		// want is a line for each resource: kind, version, name, status, and what else there is to say.
		want   string
		status v1alpha1.SyncStatusCode
	}{
		{"nothing", given{}, "", v1alpha1.Synced},
		{"as desired", given{git: []string{named("ConfigMap", "a", "")}, live: []string{there}}, "ConfigMap v1 a Synced live", v1alpha1.Synced},
		{"missing", given{git: []string{named("ConfigMap", "a", "")}}, "ConfigMap v1 a OutOfSync", v1alpha1.OutOfSync},
		{"different", given{git: []string{strings.Replace(there, "'1'", "'2'", 1)}, live: []string{there}}, "ConfigMap v1 a OutOfSync live drift", v1alpha1.OutOfSync},
		{"to be pruned", given{live: []string{there}}, "ConfigMap v1 a OutOfSync live prune", v1alpha1.OutOfSync},
		{"extra, and that is meant", given{live: []string{liveNamed("ConfigMap", "a", "argocd.argoproj.io/compare-options: 'IgnoreExtraneous, ServerSideDiff=true'")}}, "ConfigMap v1 a OutOfSync live prune", v1alpha1.Synced},
		{"in order of kind, namespace and name", given{git: []string{named("Secret", "b", ""), named("Secret", "a", ""), named("ConfigMap", "z", "")}}, "ConfigMap v1 z OutOfSync, Secret v1 a OutOfSync, Secret v1 b OutOfSync", v1alpha1.OutOfSync},
		{"one of several differs", given{git: []string{named("ConfigMap", "a", ""), named("Secret", "z", "")}, live: []string{there}}, "ConfigMap v1 a Synced live, Secret v1 z OutOfSync", v1alpha1.OutOfSync},
		{"in a limited sync too", given{policy: plan.Policy{Selected: []v1alpha1.SyncOperationResource{{Kind: "Secret", Name: "z"}}}, git: []string{named("ConfigMap", "a", "")}}, "ConfigMap v1 a OutOfSync", v1alpha1.OutOfSync},
		{"another Application's", given{policy: plan.Policy{OtherApps: map[string]bool{"blog": true}}, git: []string{named("ConfigMap", "a", "")},
			live: []string{liveNamed("ConfigMap", "a", "argocd.argoproj.io/tracking-id: 'blog:/ConfigMap:d/a'")}}, "ConfigMap v1 a OutOfSync live drift shared with blog", v1alpha1.OutOfSync},
		{"of an Application that is gone", given{policy: plan.Policy{OtherApps: map[string]bool{"blog": false}}, git: []string{named("ConfigMap", "a", "")},
			live: []string{liveNamed("ConfigMap", "a", "argocd.argoproj.io/tracking-id: 'blog:/ConfigMap:d/a'")}}, "ConfigMap v1 a OutOfSync live drift", v1alpha1.OutOfSync},
		{"its own, even where it is its own neighbour", given{policy: plan.Policy{OtherApps: map[string]bool{"shop": true}}, git: []string{named("ConfigMap", "a", "")}, live: []string{there}}, "ConfigMap v1 a Synced live", v1alpha1.Synced},
	} {
		p, _ := c.build(t)
		var got []string
		for _, r := range p.Resources {
			line := r.Key.Kind + " " + r.Version + " " + r.Key.Name + " " + string(r.Status)
			for what, is := range map[string]bool{" live": r.Live != nil} {
				if is {
					line += what
				}
			}
			if len(r.Drift) > 0 {
				line += " drift"
			}
			if r.RequiresPruning {
				line += " prune"
			}
			if r.SharedWith != "" {
				line += " shared with " + r.SharedWith
			}
			got = append(got, line)
		}
		if text := strings.Join(got, ", "); text != c.want || p.Status != c.status {
			t.Errorf("%s: got %q, %s; want %q, %s", c.name, text, p.Status, c.want, c.status)
		}
	}
}

// TestPlanAsText: a plan can be read as a table.
func TestPlanAsText(t *testing.T) {
	p, _ := given{git: []string{named("ConfigMap", "a", "")}, live: []string{liveNamed("ConfigMap", "a", ""), liveNamed("Secret", "old", "")}}.build(t)
	want := "Sync  0  prune  Secret d/old   ignored (requires pruning)\nSync  0  apply  ConfigMap d/a  as desired\n"
	if got := p.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestPrepare: rendered objects as they will be in the cluster.
func TestPrepare(t *testing.T) {
	scoped := map[schema.GroupKind]bool{{Kind: "Namespace"}: true}
	base := plan.Policy{Instance: "shop", Namespace: "d", ClusterScoped: scoped, Revision: "0123456789abcdef", StartedAt: noon}
	with := func(change func(*plan.Policy)) plan.Policy { p := base; change(&p); return p }
	creating := with(func(p *plan.Policy) { p.Options = plan.Options{"CreateNamespace": "true"} })
	for _, c := range []struct {
		name     string
		policy   plan.Policy
		git      []string
		want     string
		warnings string
	}{
		{"into the destination's namespace, and marked", base, []string{"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"}, "ConfigMap d/a marked shop:/ConfigMap:d/a from a.yaml", ""},
		{"into its own namespace", base, []string{"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}}"}, "ConfigMap x/a marked shop:/ConfigMap:x/a from a.yaml", ""},
		{"a kind without namespaces into none", base, []string{"{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: x}}"}, "Namespace a marked shop:/Namespace:d/a from a.yaml", ""},
		{"skipped objects are not marked", base, []string{named("Job", "a", "argocd.argoproj.io/hook: Skip")}, "Job d/a from a.yaml", ""},
		{"given twice", base, []string{named("ConfigMap", "a", ""), named("Secret", "s", ""), named("ConfigMap", "a", "x: z")}, "ConfigMap d/a marked shop:/ConfigMap:d/a from c.yaml, Secret d/s marked shop:/Secret:d/s from b.yaml",
			"ConfigMap d/a: given twice, by a.yaml and by c.yaml; the last one is used"},
		{"given three times", base, []string{named("ConfigMap", "a", ""), named("ConfigMap", "a", ""), named("ConfigMap", "a", "")}, "ConfigMap d/a marked shop:/ConfigMap:d/a from c.yaml",
			"ConfigMap d/a: given twice, by a.yaml and by b.yaml; the last one is used | ConfigMap d/a: given twice, by b.yaml and by c.yaml; the last one is used"},
		{"objects that the server names are never the same", base, []string{"{apiVersion: v1, kind: Pod, metadata: {generateName: a-}}", "{apiVersion: v1, kind: Pod, metadata: {generateName: b-}}"},
			"Pod d/ marked shop:/Pod:d/ from a.yaml, Pod d/ marked shop:/Pod:d/ from b.yaml", ""},
		{"a hook that is named after the commit, the phase and the time", base, []string{"{apiVersion: batch/v1, kind: Job, metadata: {generateName: a-, annotations: {argocd.argoproj.io/hook: PreSync}}}"},
			"Job d/a-0123456-presync-1777636800 marked shop:batch/Job:d/a-0123456-presync-1777636800 from a.yaml", ""},
		{"a hook of a short revision", with(func(p *plan.Policy) { p.Revision = "v1" }), []string{"{apiVersion: batch/v1, kind: Job, metadata: {generateName: a-, annotations: {argocd.argoproj.io/hook: Sync}}}"},
			"Job d/a-v1-sync-1777636800 marked shop:batch/Job:d/a-v1-sync-1777636800 from a.yaml", ""},
		{"a hook with a name and a pattern keeps its name", base, []string{"{apiVersion: batch/v1, kind: Job, metadata: {name: mine, generateName: a-, annotations: {argocd.argoproj.io/hook: Sync}}}"},
			"Job d/mine marked shop:batch/Job:d/mine from a.yaml", ""},
		{"a hook without either has one too", base, []string{"{apiVersion: batch/v1, kind: Job, metadata: {annotations: {argocd.argoproj.io/hook: Sync}}}"}, "Job d/0123456-sync-1777636800 marked shop:batch/Job:d/0123456-sync-1777636800 from a.yaml", ""},
		{"CreateNamespace", creating, []string{named("ConfigMap", "a", "")}, "Namespace d generated , ConfigMap d/a marked shop:/ConfigMap:d/a from a.yaml", ""},
		{"CreateNamespace: git gives it", creating, []string{"{apiVersion: v1, kind: Namespace, metadata: {name: d}}"}, "Namespace d marked shop:/Namespace:d/d from a.yaml", ""},
		{"CreateNamespace: git gives another", creating, []string{"{apiVersion: v1, kind: Namespace, metadata: {name: x}}"}, "Namespace d generated , Namespace x marked shop:/Namespace:d/x from a.yaml", ""},
		{"CreateNamespace: git gives an object of that name", creating, []string{"{apiVersion: v1, kind: ConfigMap, metadata: {name: d}}"}, "Namespace d generated , ConfigMap d/d marked shop:/ConfigMap:d/d from a.yaml", ""},
		{"CreateNamespace: without a namespace", with(func(p *plan.Policy) { p.Options, p.Namespace = creating.Options, "" }), nil, "", ""},
		{"CreateNamespace: with metadata", with(func(p *plan.Policy) {
			p.Options = creating.Options
			p.ManagedNamespace = &v1alpha1.ManagedNamespaceMetadata{Labels: map[string]string{"team": "a"}, Annotations: map[string]string{"x": "y"}}
		}), nil, "Namespace d generated Prune=false,Delete=false team=a x=y", ""},
	} {
		var rendered []plan.Desired
		for i, text := range c.git {
			rendered = append(rendered, plan.Desired{Object: object(t, text), Origin: string(rune('a'+i)) + ".yaml"})
		}
		prepared, warnings := plan.Prepare(rendered, c.policy)
		var got []string
		for _, d := range prepared {
			line := plan.KeyOf(d.Object).String()
			if d.Generated {
				line += " generated " + d.Object.GetAnnotations()[v1alpha1.SyncOptionsAnnotation]
			}
			if team := d.Object.GetLabels()["team"]; team != "" {
				line += " team=" + team + " x=" + d.Object.GetAnnotations()["x"]
			}
			if id := d.Object.GetAnnotations()[v1alpha1.TrackingIDAnnotation]; id != "" {
				line += " marked " + id
			}
			if d.Origin != "" {
				line += " from " + d.Origin
			}
			if d.Object.GetName() != "" && d.Object.GetKind() == "Job" && d.Object.GetName() != "mine" && d.Object.GetGenerateName() != "" {
				line += " still generated"
			}
			got = append(got, line)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
		if text := strings.Join(warnings, " | "); text != c.warnings {
			t.Errorf("%s: warnings: got %q, want %q", c.name, text, c.warnings)
		}
		for i, text := range c.git {
			if got, want := rendered[i].Object.GetNamespace(), object(t, text).GetNamespace(); got != want {
				t.Errorf("%s: what was given has changed: its namespace is %q, want %q", c.name, got, want)
			}
		}
	}
	again, _ := plan.Prepare(nil, creating)
	if again, _ = plan.Prepare(again, creating); len(again) != 1 || !again[0].Generated || again[0].Object.GetAPIVersion() != "v1" {
		t.Errorf("prepared twice: got %+v, want the generated Namespace of v1", again)
	}
	_, warnings := plan.Prepare([]plan.Desired{{Object: object(t, named("ConfigMap", "a", ""))}, {Object: object(t, named("ConfigMap", "a", ""))}}, base)
	if text := strings.Join(warnings, ""); text != "ConfigMap d/a: given twice, by the source and by the source; the last one is used" {
		t.Errorf("without an origin: got %q", text)
	}
}

// TestOptions: what each option means, and what anything else does.
func TestOptions(t *testing.T) {
	read := func(text string) plan.Options { return plan.ParseOptions(strings.Split(text, ";")) }
	for _, c := range []struct {
		option string
		is     func(plan.Options) bool
	}{
		{"PruneLast=true", plan.Options.PruneLast}, {"Replace=true", plan.Options.Replace}, {"Force=true", plan.Options.Force}, {"ServerSideApply=false", plan.Options.ClientSide},
		{"Validate=false", plan.Options.SkipValidation}, {"SkipDryRunOnMissingResource=true", plan.Options.SkipDryRunOnMissing}, {"ApplyOutOfSyncOnly=true", plan.Options.OutOfSyncOnly},
		{"CreateNamespace=true", plan.Options.CreateNamespace}, {"FailOnSharedResource=true", plan.Options.FailOnShared}, {"RespectIgnoreDifferences=true", plan.Options.RespectIgnored},
	} {
		name, value, _ := strings.Cut(c.option, "=")
		other := map[string]string{"true": "false", "false": "true"}[value]
		for text, want := range map[string]bool{c.option: true, " " + name + " = " + value + " ": true, name + "=" + other: false, name: false, "Other=" + value: false, "": false} {
			if got := c.is(read(text)); got != want {
				t.Errorf("%q: %s is %v, want %v", text, name, got, want)
			}
		}
	}
	for text, want := range map[string]metav1.DeletionPropagation{
		"PrunePropagationPolicy=background": metav1.DeletePropagationBackground, "PrunePropagationPolicy=orphan": metav1.DeletePropagationOrphan,
		"PrunePropagationPolicy=foreground": metav1.DeletePropagationForeground, "PrunePropagationPolicy=nonsense": metav1.DeletePropagationForeground, "": metav1.DeletePropagationForeground,
	} {
		if got := read(text).Propagation(); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	base := read("Prune=false;Replace=true")
	over := base.With(read("Prune=true"))
	if over.Prune() != plan.Allowed || !over.Replace() || base.Prune() != plan.Refused {
		t.Errorf("got %v of %v; want what overrides over what was there, which stays as it was", over, base)
	}
	if got := plan.Options(nil).With(read("Prune=false")); got.Prune() != plan.Refused {
		t.Errorf("over none: got %v", got)
	}
	if got := base.With(nil); !got.Replace() {
		t.Errorf("by none: got %v", got)
	}
}
