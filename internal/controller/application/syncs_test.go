package application_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// A sync that a person asks for right after a push brings what was pushed, though nobody told of it.
func TestSyncRightAfterAPush(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "v0")})
	app := w.app("shop", nil)
	w.askOnce(app)
	w.eventually(app, "the first sync", syncedTo(sha))
	for i := 1; i <= 3; i++ {
		// Committed, and not polled.
		sha := w.repo.Commit(map[string]string{"k8s/a.yaml": configMap("a", fmt.Sprint("v", i))})
		w.operate(app, &v1alpha1.SyncOperation{})
		got := w.ended(app)
		if r := got.Status.OperationState.SyncResult.Revision; r != sha || w.data("a")["colour"] != fmt.Sprint("v", i) {
			t.Errorf("sync %d: synced %s, a is %v; want %s", i, r, w.data("a"), sha)
		}
	}
}

// A fault of the program that one Application meets is that Application's error; it is looked at again, later each
// time, and the others go on.
func TestPanicOfOneApplication(t *testing.T) {
	var calls atomic.Int64
	var faulty atomic.Bool
	faulty.Store(true)
	w := newWorld(t)
	w.clock = func() time.Time {
		if faulty.Load() && calls.Add(1)%2 == 1 {
			panic("the clock is broken")
		}
		return time.Now()
	}
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the error", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionUnknownError), "the clock is broken")
	})
	faulty.Store(false)
	got := w.eventually(app, "the sync", syncedTo(sha))
	if message := condition(got, v1alpha1.ConditionUnknownError); message != "" {
		t.Errorf("the condition is still there: %s", message)
	}
}

// Hooks in a namespace that the same sync brings: CreateNamespace makes it first, and so does git's own manifest at any
// wave.
func TestHooksInANewNamespace(t *testing.T) {
	for _, c := range []struct {
		name    string
		options []string
		git     string
	}{
		{"made", []string{"CreateNamespace=true"}, ""},
		{"git's", nil, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: NS\n  annotations: {argocd.argoproj.io/sync-wave: '7'}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.to += "-new"
			t.Cleanup(func() {
				_ = w.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.to}})
			})
			go w.endJobs(t.Context())
			files := map[string]string{"k8s/pre.yaml": job("name: migrate", "PreSync", "BeforeHookCreation"), "k8s/a.yaml": configMap("a", "green")}
			if c.git != "" {
				files["k8s/ns.yaml"] = strings.ReplaceAll(c.git, "NS", w.to)
			}
			sha := w.push(files)
			got := w.eventually(w.app("shop", func(a *v1alpha1.Application) {
				automated(a)
				a.Spec.SyncPolicy.SyncOptions = c.options
			}), "the sync", syncedTo(sha))
			for _, r := range got.Status.OperationState.SyncResult.Resources {
				if r.Kind == "Namespace" && r.SyncPhase != v1alpha1.HookPreSync {
					t.Errorf("the namespace came in phase %s, want PreSync", r.SyncPhase)
				}
			}
			for _, r := range got.Status.Resources {
				if c.git == "" && r.Kind == "Namespace" {
					t.Errorf("the namespace is listed as %+v; want what nobody manages left out", r)
				}
			}
		})
	}
}

// A namespace that is there already is left as it is by CreateNamespace.
func TestCreateNamespaceLeavesOthersAlone(t *testing.T) {
	w := newWorld(t)
	w.start()
	before := w.namespace(w.to)
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Spec.SyncPolicy.SyncOptions = []string{"CreateNamespace=true"}
	})
	got := w.eventually(app, "the sync", syncedTo(sha))
	if after := w.namespace(w.to); after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the namespace was written: %v, was %v", after.ObjectMeta, before.ObjectMeta)
	}
	if n := len(w.results(got)); n > 1 {
		t.Errorf("%d results, want none of the namespace", n)
	}
}

// Hooks without a name run in each of their phases under a name of its own, and are listed while they are there.
func TestHooksWithoutAName(t *testing.T) {
	w := newWorld(t)
	w.start()
	go w.endJobs(t.Context())
	sha := w.push(map[string]string{"k8s/hook.yaml": job("labels: {a: b}", "'PreSync,PostSync'", "HookFailed"), "k8s/a.yaml": configMap("a", "green")})
	got := w.eventually(w.app("shop", automated), "the sync", syncedTo(sha))
	results := w.results(got)
	if len(results) != 3 || !strings.Contains(results[0].Name, "presync") || !strings.Contains(results[2].Name, "postsync") {
		for _, r := range results {
			t.Errorf("result: %+v", *r)
		}
		t.FailNow()
	}
	for _, r := range []*v1alpha1.ResourceResult{results[0], results[2]} {
		if r.Status != v1alpha1.ResultSynced || r.HookPhase != v1alpha1.OperationSucceeded || r.HookType != r.SyncPhase || len(r.Images) != 1 || r.Images[0] != "x" {
			t.Errorf("the result of a hook is %+v", r)
		}
	}
	hooks := 0
	for _, r := range got.Status.Resources {
		if r.Hook && r.Status == "" {
			hooks++
		}
	}
	if hooks != 2 {
		t.Errorf("resources are %+v, want two hooks among them", got.Status.Resources)
	}
	var jobs batchv1.JobList
	if err := w.List(t.Context(), &jobs, client.InNamespace(w.to)); err != nil || len(jobs.Items) != 2 {
		t.Errorf("%d Jobs, %v; want two", len(jobs.Items), err)
	}
}

// results are those of the last operation in the destination: other tests leave objects of their Applications
// elsewhere.
func (w *world) results(app *v1alpha1.Application) []*v1alpha1.ResourceResult {
	return slices.DeleteFunc(slices.Clone(app.Status.OperationState.SyncResult.Resources), func(r *v1alpha1.ResourceResult) bool { return r.Namespace != w.to })
}

// What annotations say and means nothing is told at once.
func TestMisspelledMarksAreTold(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(map[string]string{"k8s/a.yaml": configMap("a", "green", "argocd.argoproj.io/hook: PreSyncc", "argocd.argoproj.io/sync-wave: 'one'")})
	w.eventually(w.app("shop", nil), "both", func(a *v1alpha1.Application) bool {
		message := condition(a, v1alpha1.ConditionSyncOptionWarning)
		return strings.Contains(message, "did you mean PreSync?") && strings.Contains(message, "invalid wave")
	})
}

// The results and the end of a sync read as tools know them.
func TestMessagesOfASync(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/web.yaml": deployment, "k8s/a.yaml": configMap("a", "green")})
	got := w.eventually(w.app("shop", automated), "the sync", syncedTo(sha))
	state := got.Status.OperationState
	if state.Message != "successfully synced (all tasks run)" {
		t.Errorf("the operation says %q", state.Message)
	}
	var lines []string
	for _, r := range w.results(got) {
		lines = append(lines, r.Message)
	}
	if text := strings.Join(lines, ", "); text != "configmap/a created, deployment.apps/web created" {
		t.Errorf("the results say %q", text)
	}
}
