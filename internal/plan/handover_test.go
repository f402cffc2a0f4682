package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// What another Application has in git by now is left to it: not pruned, not counted, and named.
func TestWhatIsElsewhereIsHandedOver(t *testing.T) {
	moved := plan.Key{Kind: "ConfigMap", Namespace: "d", Name: "moved"}
	git, live := []string{named("ConfigMap", "a", "")}, []string{liveNamed("ConfigMap", "a", ""), liveNamed("ConfigMap", "moved", ""), liveNamed("ConfigMap", "old", "")}
	for _, c := range []struct {
		name      string
		policy    plan.Policy
		git, live []string
		status    v1alpha1.SyncStatusCode
		// pruned are those that a sync deletes.
		pruned  string
		nothing bool
		shared  string
	}{
		{"nowhere else", plan.Policy{Prune: true}, git, live, v1alpha1.OutOfSync, "ConfigMap d/moved, ConfigMap d/old", false, ""},
		{"elsewhere", plan.Policy{Prune: true, Elsewhere: map[plan.Key]string{moved: "blog"}}, git, live, v1alpha1.OutOfSync, "ConfigMap d/old", false,
			"ConfigMap d/moved: not pruned, since Application blog has it in git by now; sync that one, or remove it there"},
		{"elsewhere, and nothing else is left", plan.Policy{Prune: true, Elsewhere: map[plan.Key]string{moved: "blog"}}, git, live[:2], v1alpha1.Synced, "", false,
			"ConfigMap d/moved: not pruned, since Application blog has it in git by now; sync that one, or remove it there"},
		{"elsewhere, and git has nothing any more", plan.Policy{Prune: true, Elsewhere: map[plan.Key]string{moved: "blog"}}, nil, live[1:2], v1alpha1.Synced, "", false,
			"ConfigMap d/moved: not pruned, since Application blog has it in git by now; sync that one, or remove it there"},
		{"in git after all", plan.Policy{Prune: true, Elsewhere: map[plan.Key]string{moved: "blog"}}, []string{named("ConfigMap", "moved", "")}, live[1:2], v1alpha1.Synced, "", false, ""},
		{"all goes", plan.Policy{Prune: true}, nil, live[1:2], v1alpha1.OutOfSync, "ConfigMap d/moved", true, ""},
	} {
		p, _ := given{c.policy, c.git, c.live}.build(t)
		var pruned []string
		for _, task := range p.Tasks {
			if task.Verb == plan.Delete && task.Skip == "" {
				pruned = append(pruned, task.Key.String())
			} else if task.Verb == plan.Delete && task.Skip != "left to Application blog, which has it in git" {
				t.Errorf("%s: %s is skipped for %q", c.name, task.Key, task.Skip)
			}
		}
		if got := strings.Join(pruned, ", "); got != c.pruned || p.Status != c.status || p.LeavesNothing != c.nothing || strings.Join(p.Shared(), "|") != c.shared {
			t.Errorf("%s: prunes %q, is %s, leaves nothing: %v, tells %q; want %q, %s, %v, %q", c.name, got, p.Status, p.LeavesNothing, p.Shared(), c.pruned, c.status, c.nothing, c.shared)
		}
	}
}

func TestDeletionLeavesWhatIsElsewhere(t *testing.T) {
	var live []plan.Live
	for _, name := range []string{"moved", "ours"} {
		o := object(t, liveNamed("ConfigMap", name, ""))
		plan.Mark(o, plan.Policy{Instance: "shop"})
		live = append(live, plan.Live{Object: o})
	}
	got := plan.Deletion(live, plan.Policy{Instance: "shop", Elsewhere: map[plan.Key]string{{Kind: "ConfigMap", Namespace: "d", Name: "moved"}: "blog"}})
	if len(got.Waves) != 1 || len(got.Waves[0]) != 1 || got.Waves[0][0].GetName() != "ours" {
		t.Errorf("deleted are %v, want ours alone", got.Waves)
	}
}

func TestLost(t *testing.T) {
	live := map[plan.Key]*unstructured.Unstructured{}
	for _, text := range []string{
		liveNamed("ConfigMap", "gone", ""), liveNamed("ConfigMap", "in-git", ""), liveNamed("ConfigMap", "hook", "argocd.argoproj.io/hook: Sync"),
		liveNamed("ConfigMap", "foreign", "argocd.argoproj.io/tracking-id: 'blog:/ConfigMap:d/foreign'"),
	} {
		o := object(t, text)
		if o.GetName() != "foreign" {
			plan.Mark(o, plan.Policy{Instance: "shop"})
		}
		live[plan.KeyOf(o)] = o
	}
	got := plan.Lost([]plan.Desired{{Object: object(t, liveNamed("ConfigMap", "in-git", ""))}}, live, plan.Policy{Instance: "shop"})
	if want := []plan.Key{{Kind: "ConfigMap", Namespace: "d", Name: "gone"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestKeysOf(t *testing.T) {
	var rendered []plan.Desired
	for _, text := range []string{
		named("ConfigMap", "a", ""), liveNamed("ConfigMap", "b", ""), strings.Replace(named("Namespace", "other", ""), "{name", "{namespace: x, name", 1),
		named("ConfigMap", "hook", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "skipped", "argocd.argoproj.io/hook: Skip"), "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: g-}}",
	} {
		rendered = append(rendered, plan.Desired{Object: object(t, text)})
	}
	got := plan.KeysOf(rendered, "to", map[schema.GroupKind]bool{{Kind: "Namespace"}: true})
	want := []plan.Key{{Kind: "ConfigMap", Namespace: "to", Name: "a"}, {Kind: "ConfigMap", Namespace: "d", Name: "b"}, {Kind: "Namespace", Name: "other"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A namespace has the metadata of one Application; the others leave it to that one, and tell what of theirs is missing.
func TestMetadataOfANamespaceIsOneApplications(t *testing.T) {
	const mark = "cyan.dev/namespace-metadata-of: "
	ours := &v1alpha1.ManagedNamespaceMetadata{Labels: map[string]string{"team": "shop"}}
	namespace := func(team, annotations string) []string {
		return []string{"{apiVersion: v1, kind: Namespace, metadata: {name: d, labels: {team: " + team + "}, annotations: {argocd.argoproj.io/tracking-id: none, " + annotations + "}}}"}
	}
	owners := map[string]bool{"blog": true, "gone": false}
	tracked := []string{"{apiVersion: v1, kind: Namespace, metadata: {name: d, annotations: {argocd.argoproj.io/tracking-id: 'blog:/Namespace:d/d'}}}"}
	for _, c := range []struct {
		name string
		ours *v1alpha1.ManagedNamespaceMetadata
		live []string
		// write is whether the namespace is written, as metadata or bare.
		write, tells string
	}{
		{"missing", ours, nil, "shop", ""},
		{"missing, without metadata", nil, nil, "bare", ""},
		{"nobody's", ours, namespace("x", ""), "shop", ""},
		{"nobody's, without metadata", nil, namespace("x", ""), "", ""},
		{"its own", ours, namespace("x", mark+"shop"), "shop", ""},
		{"its own, which asks for it no longer", nil, namespace("x", mark+"shop"), "bare", ""},
		{"another's", ours, namespace("blog", mark+"blog"), "", "Namespace d: has the metadata of Application blog, and not that of spec.syncPolicy.managedNamespaceMetadata; remove it from one of the two"},
		{"another's, with the same", ours, namespace("shop", mark+"blog"), "", ""},
		{"another's, without metadata", nil, namespace("blog", mark+"blog"), "", ""},
		{"that of one that is gone", ours, namespace("x", mark+"gone"), "shop", ""},
		{"in the git of another", ours, tracked, "", "Namespace d: has the metadata of Application blog, and not that of spec.syncPolicy.managedNamespaceMetadata; remove it from one of the two"},
	} {
		p, _ := given{plan.Policy{Options: plan.ParseOptions([]string{"CreateNamespace=true"}), ManagedNamespace: c.ours, NamespaceOwners: owners, OtherApps: owners}, nil, c.live}.build(t)
		wrote := ""
		for _, task := range p.Tasks {
			switch wrote = "bare"; {
			case task.Object.GetLabels()["team"] == "shop" && task.Object.GetAnnotations()["cyan.dev/namespace-metadata-of"] == "shop":
				wrote = "shop"
			case len(task.Object.GetLabels())+len(task.Object.GetAnnotations()) > 0:
				wrote = "something else"
			}
		}
		if got := strings.Join(p.Shared(), "|"); wrote != c.write || got != c.tells || (c.write == "" && p.Status != v1alpha1.Synced) {
			t.Errorf("%s: writes %q, tells %q, is %s; want %q, %q", c.name, wrote, got, p.Status, c.write, c.tells)
		}
		desired, _ := plan.Prepare(nil, plan.Policy{Instance: "shop", Namespace: "d", Options: plan.ParseOptions([]string{"CreateNamespace=true"}), ManagedNamespace: c.ours})
		live := map[plan.Key]*unstructured.Unstructured{}
		for _, text := range c.live {
			live[plan.Key{Kind: "Namespace", Name: "d"}] = object(t, text)
		}
		writes, err := plan.Writes(desired, live, plan.Policy{Instance: "shop", ManagedNamespace: c.ours, NamespaceOwners: owners})
		if err != nil || (len(writes) > 0) != (c.live != nil && c.write != "") {
			t.Errorf("%s: %d writes over what is there, %v", c.name, len(writes), err)
		}
	}
}

func TestManagesNamespace(t *testing.T) {
	app := func(change func(*v1alpha1.Application)) *v1alpha1.Application {
		a := &v1alpha1.Application{}
		a.Spec.Destination.Namespace = "d"
		a.Spec.SyncPolicy = &v1alpha1.SyncPolicy{SyncOptions: []string{"CreateNamespace=true"}, ManagedNamespaceMetadata: &v1alpha1.ManagedNamespaceMetadata{}}
		change(a)
		return a
	}
	for name, c := range map[string]struct {
		app  *v1alpha1.Application
		want bool
	}{
		"one that asks for it":  {app(func(*v1alpha1.Application) {}), true},
		"none":                  {nil, false},
		"one that goes":         {app(func(a *v1alpha1.Application) { a.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }), false},
		"elsewhere":             {app(func(a *v1alpha1.Application) { a.Spec.Destination.Namespace = "e" }), false},
		"no metadata":           {app(func(a *v1alpha1.Application) { a.Spec.SyncPolicy.ManagedNamespaceMetadata = nil }), false},
		"no policy":             {app(func(a *v1alpha1.Application) { a.Spec.SyncPolicy = nil }), false},
		"without the namespace": {app(func(a *v1alpha1.Application) { a.Spec.SyncPolicy.SyncOptions = nil }), false},
	} {
		if got := plan.ManagesNamespace(c.app, "d"); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
