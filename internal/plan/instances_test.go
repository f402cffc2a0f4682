package plan_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestWaitsFor: a line for each object that is waited for, with what it says of itself where it says anything.
func TestWaitsFor(t *testing.T) {
	const late = "argocd.argoproj.io/sync-wave: '5'"
	of := func(status string) string {
		return "{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: run, namespace: d}, status: " + status + "}"
	}
	run := func(annotations string) string {
		return "{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: run, annotations: {" + annotations + "}}}"
	}
	for _, c := range []struct{ name, git, live, want string }{
		{"an object that says nothing", run(""), of("{phase: Running}"), "healthy state of argoproj.io/AnalysisRun/run"},
		{"an object that says something", run(""), of("{phase: Running, message: 2 of 3}"), "healthy state of argoproj.io/AnalysisRun/run: 2 of 3"},
		{"an object that is not there yet", run(""), "", "healthy state of argoproj.io/AnalysisRun/run"},
		{"a hook", run("argocd.argoproj.io/hook: Sync"), of("{phase: Running, message: 2 of 3}"), "completion of hook argoproj.io/AnalysisRun/run"},
	} {
		p, _ := given{git: []string{c.git, named("Secret", "z", late)}}.build(t)
		begun := plan.Begun(p.Tasks[0], "written")
		seen := plan.Progress{Tried: true, Results: map[plan.ID]v1alpha1.ResourceResult{plan.IDOf(begun): begun}, Live: map[plan.Key]*unstructured.Unstructured{}}
		if c.live != "" {
			seen.Live[p.Tasks[0].Key] = object(t, c.live)
		}
		if got := strings.Join(p.Next(seen).Waiting, ", "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestAbandoned: which held hooks are nobody's, and are let go.
func TestAbandoned(t *testing.T) {
	const hook = "{apiVersion: batch/v1, kind: Job, metadata: {name: %, namespace: d, finalizers: [argocd.argoproj.io/hook-finalizer], annotations: {argocd.argoproj.io/tracking-id: 'shop:batch/Job:d/%'}}}"
	of := func(name string) string { return strings.ReplaceAll(hook, "%", name) }
	running := plan.Plan{Tasks: []plan.Task{
		{Verb: plan.Hook, Key: plan.Key{Group: "batch", Kind: "Job", Namespace: "d", Name: "mine"}}, {Verb: plan.Apply, Key: plan.Key{Group: "batch", Kind: "Job", Namespace: "d", Name: "plain"}},
	}}
	var live []plan.Live
	for _, text := range []string{
		of("z"), of("mine"), of("plain"), strings.Replace(of("free"), "finalizers: [argocd.argoproj.io/hook-finalizer]", "finalizers: [x/y]", 1), strings.Replace(of("foreign"), "shop:", "blog:", 1), of("a"),
	} {
		live = append(live, plan.Live{Object: object(t, text)})
	}
	for want, p := range map[string]plan.Plan{"a plain z": running, "a mine plain z": {}} {
		var got []string
		for _, o := range plan.Abandoned(live, p, plan.Policy{Instance: "shop"}) {
			got = append(got, o.GetName())
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("got %q, want %q", text, want)
		}
	}
}

// TestNamespacesToPrune: those that a sync would delete.
func TestNamespacesToPrune(t *testing.T) {
	ns := func(name string) *unstructured.Unstructured {
		return object(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+name+"}}")
	}
	p := plan.Plan{Tasks: []plan.Task{
		{Verb: plan.Delete, Key: plan.Key{Name: "a"}, Object: ns("a")}, {Verb: plan.Delete, Key: plan.Key{Name: "kept"}, Object: ns("kept"), Skip: "ignored"},
		{Verb: plan.Apply, Key: plan.Key{Name: "new"}, Object: ns("new")}, {Verb: plan.Delete, Key: plan.Key{Name: "map"}, Object: object(t, plainMap)}, {Verb: plan.Delete, Key: plan.Key{Name: "b"}, Object: ns("b")},
	}}
	if got := strings.Join(p.NamespacesToPrune(), " "); got != "a b" {
		t.Errorf("got %q, want a and b", got)
	}
}

// TestWrites: how each object that is live already would be written, hooks left out.
func TestWrites(t *testing.T) {
	live := map[plan.Key]*unstructured.Unstructured{}
	for _, text := range []string{plainMap, liveNamed("Secret", "s", ""), liveNamed("Job", "j", "")} {
		o := object(t, text)
		live[plan.KeyOf(o)] = o
	}
	var desired []plan.Desired
	for _, text := range []string{plainMap, liveNamed("Secret", "s", "argocd.argoproj.io/sync-options: 'Force=true,Replace=true'"), liveNamed("Job", "j", "argocd.argoproj.io/hook: Sync"), liveNamed("Secret", "new", "")} {
		desired = append(desired, plan.Desired{Object: object(t, text)})
	}
	got, err := plan.Writes(desired, live, plan.Policy{Options: plan.Options{"Validate": "false"}})
	if err != nil || len(got) != 2 || got[0].Key.Name != "a" || got[0].Live == nil || got[0].Object == nil || got[0].Force || got[1].Key.Name != "s" || !got[1].Force || !got[1].Options.Replace() || !got[1].Options.SkipValidation() {
		t.Errorf("got %+v; want the ConfigMap, and the Secret by force", got)
	}
}

// TestInstance: an Application outside the control namespace is called by both its names.
func TestInstance(t *testing.T) {
	for _, c := range []struct{ namespace, want string }{{"argocd", "shop"}, {"", "shop"}, {"team", "team_shop"}} {
		app := &v1alpha1.Application{}
		app.Namespace, app.Name = c.namespace, "shop"
		if got := plan.Instance(app, "argocd"); got != c.want {
			t.Errorf("in %q: got %q, want %q", c.namespace, got, c.want)
		}
	}
}

// TestOwnerOfMarkedObjects: a mark counts for the object that it names, and for no other.
func TestOwnerOfMarkedObjects(t *testing.T) {
	const web = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d, annotations: {argocd.argoproj.io/tracking-id: '%'}}}"
	const role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader, annotations: {argocd.argoproj.io/tracking-id: '%'}}}"
	for _, c := range []struct{ object, id, want string }{
		{web, "shop:apps/Deployment:d/web", "shop"}, {web, "team_shop:apps/Deployment:d/web", "team_shop"},
		{web, "shop:apps/Deployment:d/other", ""}, {web, "shop:apps/Deployment:x/web", ""}, {web, "shop:apps/StatefulSet:d/web", ""}, {web, "shop:extensions/Deployment:d/web", ""},
		{web, "shop:apps/Deployment:web", ""}, {web, "shop:Deployment:d/web", ""}, {web, "shop", ""}, {web, "shop:apps/Deployment", ""}, {web, ":apps/Deployment:d/web", ""}, {web, "shop:apps/:d/web", ""}, {web, "shop:apps/Deployment:d/", ""}, {web, "", ""},
		{role, "shop:rbac.authorization.k8s.io/ClusterRole:/reader", "shop"}, {role, "shop:rbac.authorization.k8s.io/ClusterRole:d/reader", "shop"},
	} {
		if got := (plan.Tracking{}).OwnerOf(object(t, strings.Replace(c.object, "%", c.id, 1))); got != c.want {
			t.Errorf("%q: got %q, want %q", c.id, got, c.want)
		}
	}
}

// TestParseTrackingID: a mark has an instance, a kind and a name; a group and a namespace only where the object has.
func TestParseTrackingID(t *testing.T) {
	for id, want := range map[string]string{
		"shop:apps/Deployment:d/web": "shop apps Deployment d web", "shop:/Secret:d/key": "shop  Secret d key", "shop:/Namespace:/d": "shop  Namespace  d", "team_shop:/Secret:d/a:b": "team_shop  Secret d a:b",
		"": "", "shop": "", ":apps/Deployment:d/web": "", "shop:apps/:d/web": "", "shop:apps/Deployment:d/": "", "shop:apps/Deployment": "", "shop:Deployment:d/web": "", "shop:apps/Deployment:web": "", "::": "",
	} {
		instance, key, ok := plan.ParseTrackingID(id)
		got := ""
		if ok {
			got = strings.Join([]string{instance, key.Group, key.Kind, key.Namespace, key.Name}, " ")
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", id, got, want)
		}
	}
}

// TestIsHook: an object that a sync does not simply apply.
func TestIsHook(t *testing.T) {
	for annotations, want := range map[string]bool{"": false, "argocd.argoproj.io/hook: Sync": true, "argocd.argoproj.io/hook: Skip": true, "argocd.argoproj.io/hook: ''": false, "helm.sh/hook: test": true, "helm.sh/hook: never": false} {
		if got := plan.IsHook(object(t, named("Job", "j", annotations))); got != want {
			t.Errorf("%q: got %v, want %v", annotations, got, want)
		}
	}
}

// TestApplicationOf: an instance names its Application, in the control namespace or in its own.
func TestApplicationOf(t *testing.T) {
	for instance, want := range map[string]string{"shop": "argocd/shop", "team_shop": "team/shop", "team_a_b": "team/a_b"} {
		if got := plan.ApplicationOf(instance, "argocd").String(); got != want {
			t.Errorf("%q: got %s, want %s", instance, got, want)
		}
	}
}
