package plan_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

func desiredOf(t *testing.T, texts ...string) []plan.Desired {
	t.Helper()
	var rendered []plan.Desired
	for _, text := range texts {
		rendered = append(rendered, plan.Desired{Object: object(t, text)})
	}
	prepared, warnings := plan.Prepare(rendered, plan.Policy{Instance: "shop", Namespace: "d", Revision: "deleted", StartedAt: noon})
	if len(warnings) > 0 {
		t.Fatal(warnings)
	}
	return prepared
}

// TestHookFinalizers: an Application carries the finalizers of the deletion hooks that git has.
func TestHookFinalizers(t *testing.T) {
	const (
		pre  = "pre-delete-finalizer.argocd.argoproj.io pre-delete-finalizer.argocd.argoproj.io/cleanup"
		post = "post-delete-finalizer.argocd.argoproj.io post-delete-finalizer.argocd.argoproj.io/cleanup"
	)
	for _, c := range []struct{ name, has, annotations, want string }{
		{"no hooks", "x/y", "", "x/y"},
		{"hooks of a sync", "x/y", "argocd.argoproj.io/hook: PostSync", "x/y"},
		{"a hook before", "x/y", "argocd.argoproj.io/hook: PreDelete", "x/y " + pre},
		{"a hook after", "", "argocd.argoproj.io/hook: PostDelete", post},
		{"a hook of both, and of a sync", "", "argocd.argoproj.io/hook: 'PostDelete,Sync,PreDelete'", pre + " " + post},
		{"a hook of Helm", "", "helm.sh/hook: pre-delete", pre},
		{"a skipped hook", "", "argocd.argoproj.io/hook: 'PreDelete,Skip'", ""},
		{"half of them are there", "pre-delete-finalizer.argocd.argoproj.io/cleanup", "argocd.argoproj.io/hook: PreDelete", "pre-delete-finalizer.argocd.argoproj.io/cleanup pre-delete-finalizer.argocd.argoproj.io"},
		{"git has it no longer", pre + " x/y " + post, "", "x/y"},
		{"git has another", pre, "argocd.argoproj.io/hook: PostDelete", post},
	} {
		got := strings.Join(plan.WithHookFinalizers(strings.Fields(c.has), desiredOf(t, named("Job", "j", c.annotations))), " ")
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	for _, c := range []struct{ has, want string }{
		{"resources-finalizer.argocd.argoproj.io resources-finalizer.argocd.argoproj.io/background resources-finalizer.argocd.argoproj.io/foreground " + pre + " " + post + " foregroundDeletion x/y", ""},
		{"x/y resources-finalizer.argocd.argoproj.io/orphan", "resources-finalizer.argocd.argoproj.io/orphan"},
		{"mid-delete-finalizer.argocd.argoproj.io post-delete-finalizer.argocd.argoproj.io/late", "mid-delete-finalizer.argocd.argoproj.io post-delete-finalizer.argocd.argoproj.io/late"},
	} {
		if got := strings.Join(plan.UnservedFinalizers(strings.Fields(c.has)), " "); got != c.want {
			t.Errorf("finalizers %s: not served are %q, want %q", c.has, got, c.want)
		}
	}
}

// TestHooksOfADeletion: the next step of a phase, by how each of its hooks stands.
func TestHooksOfADeletion(t *testing.T) {
	const (
		pre      = "argocd.argoproj.io/hook: PreDelete"
		late     = pre + ", argocd.argoproj.io/sync-wave: '5'"
		done     = "{conditions: [{type: Complete, status: 'True'}]}"
		failed   = "{conditions: [{type: Failed, status: 'True', message: no way}]}"
		running  = "{active: 1}"
		leftOver = "left over"
	)
	type hook struct {
		// status is that of the Job; "" when there is none.
		status  string
		run     string
		age     time.Duration
		changed bool
		going   bool
		free    bool
	}
	for _, c := range []struct {
		name string
		git  []string
		live map[string]hook
		// creates and deletes are names.
		creates, deletes, held string
		done                   bool
	}{
		{name: "no hooks", git: []string{named("ConfigMap", "a", "")}, done: true},
		{name: "hooks of other phases", git: []string{named("Job", "a", "argocd.argoproj.io/hook: PostDelete"), named("Job", "b", "argocd.argoproj.io/hook: PreSync")}, done: true},
		{name: "a hook is created", git: []string{named("Job", "a", pre)}, creates: "a"},
		{name: "a hook of Helm is created", git: []string{named("Job", "a", "helm.sh/hook: pre-delete")}, creates: "a"},
		{name: "hooks of the first wave are created, kinds in their order", git: []string{named("Job", "z", late), named("Job", "a", pre), named("ConfigMap", "c", pre)}, creates: "c a"},
		{name: "a wave waits for the one before", git: []string{named("Job", "z", late), named("Job", "a", pre)}, live: map[string]hook{"a": {status: running}}},
		{name: "a wave goes on after the one before", git: []string{named("Job", "z", late), named("Job", "a", pre)}, live: map[string]hook{"a": {status: done}}, creates: "z"},
		{name: "all have succeeded", git: []string{named("Job", "z", late), named("Job", "a", pre)}, live: map[string]hook{"a": {status: done}, "z": {status: done}}, done: true},
		{name: "one that has succeeded never runs again", git: []string{named("Job", "a", pre)}, live: map[string]hook{"a": {status: done, changed: true, going: true}}, done: true},
		{name: "one that takes long is named", git: []string{named("Job", "a", pre)}, live: map[string]hook{"a": {status: running, age: time.Minute}},
			held: "PreDelete hook Job d/a: not completed since 11:59:00; see its logs and events"},
		{name: "one that runs is let finish when git changes", git: []string{named("Job", "a", pre)}, live: map[string]hook{"a": {status: running, changed: true}}},
		{name: "one that has failed holds the deletion", git: []string{named("Job", "z", late), named("Job", "a", pre)}, live: map[string]hook{"a": {status: failed}},
			held: "PreDelete hook Job d/a: failed (no way); mend it in git, or delete it to have it run again"},
		{name: "one that has failed goes once somebody deletes it", git: []string{named("Job", "a", pre)}, live: map[string]hook{"a": {status: failed, going: true}}, deletes: "a"},
		{name: "one that has failed goes once git changes it", git: []string{named("Job", "a", pre)}, live: map[string]hook{"a": {status: failed, changed: true}}, deletes: "a"},
		{name: "one that was deleted while it ran runs again", git: []string{named("Job", "a", pre)}, live: map[string]hook{"a": {status: running, going: true}}, deletes: "a"},
		{name: "one that is left goes first, however it ended", git: []string{named("Job", "a", pre)}, live: map[string]hook{"a": {status: done, run: leftOver}}, deletes: "a"},
		{name: "one that is going is waited for", git: []string{named("Job", "a", pre)}, live: map[string]hook{"a": {status: done, run: leftOver, going: true, free: true}}},
		{name: "one that others hold is named", git: []string{named("Job", "a", pre)}, live: map[string]hook{"a": {status: done, run: leftOver, going: true, free: true, age: time.Minute}},
			held: "PreDelete hook Job d/a of an earlier run: being deleted since 11:59:00 (held by the finalizers x/y); remove what holds it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			runs := plan.DeletionHooks(desiredOf(t, c.git...), v1alpha1.HookPreDelete, plan.Policy{StartedAt: noon})
			live := map[plan.Key]*unstructured.Unstructured{}
			for _, r := range runs {
				h, is := c.live[r.Key.Name]
				if !is {
					continue
				}
				o := r.Object.DeepCopy()
				o.Object["status"] = object(t, h.status).Object
				mark := o.GetAnnotations()
				if h.run != "" {
					mark[v1alpha1.HookRunAnnotation] = "1777636799/PreDelete/abc"
				}
				if h.changed {
					mark[v1alpha1.HookRunAnnotation] += "-changed"
				}
				o.SetAnnotations(mark)
				at := noon.Add(-h.age)
				unstructuredTime(o, "creationTimestamp", at)
				if h.going {
					unstructuredTime(o, "deletionTimestamp", at)
				}
				if h.free {
					o.SetFinalizers([]string{"x/y"})
				}
				live[r.Key] = o
			}
			got := plan.NextHooks(runs, live, nil, noon)
			var creates, deletes []string
			for _, task := range got.Create {
				creates = append(creates, task.Key.Name)
				if !plan.Held(task.Object) {
					t.Errorf("hook %s is created without the finalizer that holds it", task.Key)
				}
			}
			for _, o := range got.Delete {
				deletes = append(deletes, o.GetName())
			}
			if text := strings.Join(creates, " "); text != c.creates {
				t.Errorf("creates: got %q, want %q", text, c.creates)
			}
			if text := strings.Join(deletes, " "); text != c.deletes {
				t.Errorf("deletes: got %q, want %q", text, c.deletes)
			}
			if text := strings.Join(got.Held, "; "); text != c.held || got.Done != c.done {
				t.Errorf("held: got %q, done %v, want %q, done %v", text, got.Done, c.held, c.done)
			}
		})
	}
}

func unstructuredTime(o *unstructured.Unstructured, field string, at time.Time) {
	o.Object["metadata"].(map[string]any)[field] = at.Format(time.RFC3339)
}

// TestCleanup: what becomes of the hooks of a phase of a deletion that is over.
func TestCleanup(t *testing.T) {
	const mine = "1777636800/PreDelete/abc"
	for _, c := range []struct {
		name, run, policy, owner string
		want                     string
	}{
		{"no policy", mine, "", "shop", "released"},
		{"BeforeHookCreation", mine, "BeforeHookCreation", "shop", "released"},
		{"HookFailed", mine, "HookFailed", "shop", "released"},
		{"HookSucceeded", mine, "HookSucceeded", "shop", "gone"},
		{"several", mine, "BeforeHookCreation,HookSucceeded", "shop", "gone"},
		{"another phase", "1777636800/PostDelete/abc", "HookSucceeded", "shop", ""},
		{"an earlier deletion", "1777636799/PreDelete/abc", "HookSucceeded", "shop", ""},
		{"another Application's", mine, "HookSucceeded", "other", ""},
	} {
		o := object(t, liveNamed("Job", "j", "argocd.argoproj.io/hook: PreDelete, argocd.argoproj.io/hook-delete-policy: '"+c.policy+"', cyan.dev/hook-run: '"+c.run+"'"))
		o.SetFinalizers([]string{v1alpha1.HookFinalizer})
		plan.Mark(o, plan.Policy{Instance: c.owner})
		gone, released := plan.Cleanup([]plan.Live{{Object: o}}, v1alpha1.HookPreDelete, plan.Policy{Instance: "shop", StartedAt: noon})
		got := strings.Repeat("gone", len(gone)) + strings.Repeat("released", len(released))
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
