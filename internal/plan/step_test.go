package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestResultsOfTasks: what the status says of a task that was begun, and of one that was refused.
func TestResultsOfTasks(t *testing.T) {
	key := plan.Key{Group: "apps", Kind: "Deployment", Namespace: "d", Name: "web"}
	web := object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d}, spec: {template: {spec: {containers: [{image: 'web:1'}, {image: 'side:2'}, {image: 'web:1'}]}}}}")
	for _, c := range []struct {
		name string
		task plan.Task
		want v1alpha1.ResourceResult
	}{
		{"an object", plan.Task{Key: key, Verb: plan.Apply, Phase: v1alpha1.HookSync, Object: web},
			v1alpha1.ResourceResult{Status: v1alpha1.ResultSynced, SyncPhase: v1alpha1.HookSync, Images: []string{"side:2", "web:1"}}},
		{"a deletion", plan.Task{Key: key, Verb: plan.Delete, Phase: v1alpha1.HookSync, Object: web}, v1alpha1.ResourceResult{Status: v1alpha1.ResultPruned, SyncPhase: v1alpha1.HookSync}},
		{"a hook", plan.Task{Key: key, Verb: plan.Hook, Phase: v1alpha1.HookPreSync, Object: web},
			v1alpha1.ResourceResult{Status: v1alpha1.ResultSynced, SyncPhase: v1alpha1.HookPreSync, HookType: v1alpha1.HookPreSync, Images: []string{"side:2", "web:1"}}},
	} {
		for _, refused := range []bool{false, true} {
			got, want, message := plan.Begun(c.task, "created"), c.want, "deployment.apps/web created"
			want.HookPhase = v1alpha1.OperationRunning
			if c.task.Verb == plan.Delete {
				message = "pruned"
			}
			if refused {
				got, message = plan.Failed(c.task, "said"), "said"
				want.Status, want.HookPhase = v1alpha1.ResultSyncFailed, v1alpha1.OperationFailed
			}
			same := got.Status == want.Status && got.SyncPhase == want.SyncPhase && got.HookType == want.HookType && got.HookPhase == want.HookPhase && strings.Join(got.Images, " ") == strings.Join(want.Images, " ")
			if !same || got.Message != message || got.Group != "apps" || got.Version != "v1" || got.Kind != "Deployment" || got.Namespace != "d" || got.Name != "web" {
				t.Errorf("%s, refused %v: got %+v, want %+v", c.name, refused, got, want)
			}
			if id := plan.IDOf(got); id != c.task.ID() {
				t.Errorf("%s: the result is of %v, want %v", c.name, id, c.task.ID())
			}
		}
	}
}

// state of a task: how its result stands, and the live object.
type state struct {
	phase    v1alpha1.OperationPhase
	recorded bool
	live     string
}

// planned is the state of a hook that is recorded to be created.
const planned v1alpha1.OperationPhase = "planned"

// TestNext: the next step, by how each task stands.
func TestNext(t *testing.T) {
	const (
		going = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'}}"
		slow  = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d}, spec: {replicas: 1}, status: {}}"
		job   = "{apiVersion: batch/v1, kind: Job, metadata: {name: j, namespace: d, finalizers: [argocd.argoproj.io/hook-finalizer]}, status: {conditions: [{type: Complete, status: 'True'}]}}"
		free  = "{apiVersion: batch/v1, kind: Job, metadata: {name: j, namespace: d}, status: {conditions: [{type: Complete, status: 'True'}]}}"
	)
	late := "argocd.argoproj.io/sync-wave: '5'"
	// mine is what the task itself creates.
	const mine = "mine"
	gone := func(text string) string {
		return strings.Replace(text, "namespace: d", "namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'", 1)
	}
	for _, c := range []struct {
		name string
		given
		// tasks are by name of the object, and of the phase where a hook has two: j@PreSync.
		tasks     map[string]state
		refused   map[string]string
		terminate bool
		// results are those that change: name phase; message.
		did, waits, results string
		phase               v1alpha1.OperationPhase
		record              bool
	}{
		{name: "an object is applied", given: given{git: []string{named("ConfigMap", "a", "")}}, did: "apply a"},
		{name: "an object of the last wave is not waited for", given: given{git: []string{named("Deployment", "web", "")}}, tasks: map[string]state{"web": {phase: v1alpha1.OperationRunning, live: slow}},
			phase: v1alpha1.OperationSucceeded},
		{name: "an object of the last wave that is well is told so", given: given{git: []string{named("ConfigMap", "a", "")}}, tasks: map[string]state{"a": {phase: v1alpha1.OperationRunning, live: plainMap}},
			results: "a Succeeded", phase: v1alpha1.OperationSucceeded},
		{name: "an object of the last wave that is degraded is the Application's health", given: given{git: []string{named("Deployment", "web", "")}}, tasks: map[string]state{"web": {phase: v1alpha1.OperationRunning, live: degradedWeb}},
			phase: v1alpha1.OperationSucceeded},
		{name: "an object whose health does not count holds nothing up", given: given{git: []string{named("Deployment", "web", ""), named("ConfigMap", "z", late)}},
			tasks: map[string]state{"web": {phase: v1alpha1.OperationRunning, live: strings.Replace(degradedWeb, "name: web", "name: web, annotations: {argocd.argoproj.io/ignore-healthcheck: 'true'}", 1)}}, results: "web Succeeded", did: "apply z"},
		{name: "a claim that waits for its pod holds nothing up", given: given{git: []string{named("PersistentVolumeClaim", "c", ""), named("ConfigMap", "z", late)}},
			tasks: map[string]state{"c": {phase: v1alpha1.OperationRunning, live: "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, namespace: d}, status: {phase: Pending}}"}}, results: "c Succeeded", did: "apply z"},
		{name: "a claim that is lost fails", given: given{git: []string{named("PersistentVolumeClaim", "c", ""), named("ConfigMap", "z", late)}},
			tasks: map[string]state{"c": {phase: v1alpha1.OperationRunning, live: "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, namespace: d}, status: {phase: Lost}}"}}, results: "c Failed", phase: v1alpha1.OperationFailed},
		{name: "an Ingress without an address holds nothing up", given: given{git: []string{named("Ingress", "i", ""), named("ConfigMap", "z", late)}},
			tasks: map[string]state{"i": {phase: v1alpha1.OperationRunning, live: "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: d}, status: {}}"}}, results: "i Succeeded", did: "apply z"},
		{name: "an object of an earlier wave is waited for", given: given{git: []string{named("Deployment", "web", ""), named("ConfigMap", "z", late)}}, tasks: map[string]state{"web": {phase: v1alpha1.OperationRunning, live: slow}},
			waits: "healthy state of apps/Deployment/web: "},
		{name: "an object without health is done when it is there", given: given{git: []string{named("ConfigMap", "a", ""), named("ConfigMap", "z", late)}}, tasks: map[string]state{"a": {phase: v1alpha1.OperationRunning, live: plainMap}},
			results: "a Succeeded", did: "apply z"},
		{name: "an object that is gone again is waited for", given: given{git: []string{named("ConfigMap", "a", ""), named("ConfigMap", "z", late)}}, tasks: map[string]state{"a": {phase: v1alpha1.OperationRunning}},
			waits: "healthy state of /ConfigMap/a"},
		{name: "an object that is degraded fails", given: given{git: []string{named("Deployment", "web", ""), named("ConfigMap", "z", late)}}, tasks: map[string]state{"web": {phase: v1alpha1.OperationRunning, live: degradedWeb}},
			results: "web Failed Deployment d/web is degraded: late", phase: v1alpha1.OperationFailed},
		{name: "an object that is as desired is not written", given: given{git: []string{named("ConfigMap", "a", "")}, live: []string{plainMap}}, tasks: map[string]state{"a": {live: plainMap}},
			results: "a Succeeded configmap/a unchanged", phase: v1alpha1.OperationSucceeded},
		{name: "an object that is as desired and replaced is put again", given: given{git: []string{named("ConfigMap", "a", "argocd.argoproj.io/sync-options: Replace=true")}, live: []string{strings.Replace(plainMap, "name: a", "name: a, annotations: {argocd.argoproj.io/sync-options: Replace=true}", 1)}},
			tasks: map[string]state{"a": {live: plainMap}}, did: "apply a"},
		{name: "an object that is as desired and degraded fails", given: given{git: []string{named("Deployment", "web", ""), named("ConfigMap", "z", late)}, live: []string{strings.Replace(degradedWeb, "spec: {replicas: 1}", "spec: {}", 1)}},
			tasks:   map[string]state{"web": {live: degradedWeb}},
			results: "web Failed Deployment d/web is degraded: late", phase: v1alpha1.OperationFailed},
		{name: "ApplyOutOfSyncOnly leaves no result", given: given{policy: plan.Policy{Options: plan.Options{"ApplyOutOfSyncOnly": "true"}}, git: []string{named("ConfigMap", "a", ""), named("Secret", "s", late)}, live: []string{plainMap}},
			tasks: map[string]state{"a": {live: plainMap}}, did: "apply s"},
		{name: "an object that is left is a result", given: given{live: []string{liveNamed("ConfigMap", "x", "")}}, tasks: map[string]state{"x": {live: plainMap}},
			results: "x Succeeded ignored (requires pruning)", phase: v1alpha1.OperationSucceeded},
		{name: "what goes goes before what comes", given: given{policy: plan.Policy{Prune: true}, git: []string{named("ConfigMap", "a", "")}, live: []string{liveNamed("ConfigMap", "x", "")}}, tasks: map[string]state{"x": {live: plainMap}},
			did: "delete x"},
		{name: "what goes is waited for", given: given{policy: plan.Policy{Prune: true}, git: []string{named("ConfigMap", "a", late)}, live: []string{liveNamed("ConfigMap", "x", "")}},
			tasks: map[string]state{"x": {phase: v1alpha1.OperationRunning, live: going}}, waits: "deletion of /ConfigMap/x"},
		{name: "what is gone is done", given: given{policy: plan.Policy{Prune: true}, git: []string{named("ConfigMap", "a", late)}, live: []string{liveNamed("ConfigMap", "x", "")}},
			tasks: map[string]state{"x": {phase: v1alpha1.OperationRunning}}, results: "x Succeeded", did: "apply a"},
		{name: "what goes last is not waited for", given: given{policy: plan.Policy{Prune: true}, live: []string{liveNamed("ConfigMap", "x", "")}},
			tasks: map[string]state{"x": {phase: v1alpha1.OperationRunning, live: going}}, results: "x Succeeded", phase: v1alpha1.OperationSucceeded},
		{name: "a hook runs beside the objects of its wave", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync"), named("ConfigMap", "a", "")}}, tasks: map[string]state{"j": {phase: planned, recorded: true}}, did: "apply a, create j"},
		{name: "a hook is recorded before it is created", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync")}}, results: "j  job.batch/j is about to be created", record: true},
		{name: "a hook is not created before that is recorded", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync")}}, tasks: map[string]state{"j": {phase: planned}}, results: "j  job.batch/j is about to be created", record: true},
		{name: "a hook that was created and not recorded is taken as it is", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync")}}, tasks: map[string]state{"j": {phase: planned, recorded: true, live: mine}}, did: "create j"},
		{name: "a hook of an earlier operation under the name of a recorded one goes first", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync")}}, tasks: map[string]state{"j": {phase: planned, recorded: true, live: free}},
			did: "delete hook j", waits: "deletion of batch/Job/j of an earlier sync"},
		{name: "a hook that has ended is recorded before anything else", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "a", "")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationRunning, live: job}}, results: "j Succeeded", record: true},
		{name: "a hook that is unknown is an error", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationRunning, live: "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: j, namespace: d}, status: {phase: Nonsense}}"}}, waits: "completion of hook"},
		{name: "a hook that is recorded is let go", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "a", "")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, recorded: true, live: job}}, did: "release hook j, apply a"},
		{name: "a hook is not let go before it is recorded", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "a", "")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, live: job}}, did: "apply a"},
		{name: "a hook that is free stays", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "a", "")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, recorded: true, live: free}}, did: "apply a"},
		{name: "a hook that is gone is let be", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded"), named("ConfigMap", "a", "")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, recorded: true}}, did: "apply a"},
		{name: "HookSucceeded deletes after a success", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded"), named("ConfigMap", "a", "")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, recorded: true, live: free}}, did: "delete hook j, apply a"},
		{name: "HookSucceeded does not delete twice", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded"), named("ConfigMap", "a", "")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, recorded: true, live: gone(free)}}, did: "apply a"},
		{name: "HookSucceeded lets go what is being deleted", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded"), named("ConfigMap", "a", "")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, recorded: true, live: gone(job)}}, did: "delete hook j, apply a"},
		{name: "HookSucceeded keeps a failure", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationFailed, recorded: true, live: job}}, did: "release hook j", phase: v1alpha1.OperationFailed},
		{name: "HookFailed deletes after a failure", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookFailed")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationFailed, recorded: true, live: job}}, did: "delete hook j", phase: v1alpha1.OperationFailed},
		{name: "HookFailed deletes after an error", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookFailed")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationError, recorded: true, live: job}}, did: "delete hook j", phase: v1alpha1.OperationFailed},
		{name: "HookFailed keeps a success", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookFailed")}},
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, recorded: true, live: job}}, did: "release hook j", phase: v1alpha1.OperationSucceeded},
		{name: "BeforeHookCreation deletes what is left, and waits for its end", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync")}}, tasks: map[string]state{"j": {live: free}},
			did: "delete hook j", waits: "deletion of batch/Job/j of an earlier sync"},
		{name: "BeforeHookCreation waits for what is going", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync")}}, tasks: map[string]state{"j": {live: gone(free)}},
			waits: "deletion of batch/Job/j of an earlier sync"},
		{name: "BeforeHookCreation lets go what is going and held", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync")}}, tasks: map[string]state{"j": {live: gone(job)}},
			did: "delete hook j", waits: "deletion of batch/Job/j of an earlier sync"},
		{name: "without BeforeHookCreation what is left goes as well", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookFailed")}}, tasks: map[string]state{"j": {live: free}},
			did: "delete hook j", waits: "deletion of batch/Job/j of an earlier sync"},
		{name: "a hook whose name somebody else's object has fails, and what is there stays", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync, argocd.argoproj.io/hook-delete-policy: HookFailed"), named("ConfigMap", "a", "")},
			live: []string{liveNamed("Job", "j", "argocd.argoproj.io/tracking-id: ''")}}, tasks: map[string]state{"j": {phase: planned, recorded: true, live: free}}, did: "apply a",
			results: `j Failed Job "j" is invalid: metadata.name: an object that no sync has made has this name; give the hook another, or have it replace what is there by argocd.argoproj.io/hook-delete-policy: BeforeHookCreation`},
		{name: "a hook whose name somebody else's object has is recorded as every other", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync, argocd.argoproj.io/hook-delete-policy: HookFailed")},
			live: []string{liveNamed("Job", "j", "argocd.argoproj.io/tracking-id: ''")}}, tasks: map[string]state{"j": {live: free}}, results: "j  job.batch/j is about to be created", record: true},
		{name: "HookFailed keeps what no sync has made", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync, argocd.argoproj.io/hook-delete-policy: HookFailed")},
			live: []string{liveNamed("Job", "j", "argocd.argoproj.io/tracking-id: ''")}}, tasks: map[string]state{"j": {phase: v1alpha1.OperationFailed, recorded: true, live: free}}, phase: v1alpha1.OperationFailed},
		{name: "terminate: what no sync has made stays", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync, argocd.argoproj.io/hook-delete-policy: HookFailed")},
			live: []string{liveNamed("Job", "j", "argocd.argoproj.io/tracking-id: ''")}}, terminate: true, tasks: map[string]state{"j": {phase: planned, recorded: true, live: free}},
			results: "j Failed Terminated", phase: v1alpha1.OperationFailed},
		{name: "a hook that is created anew replaces also what somebody else has made", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync")},
			live: []string{liveNamed("Job", "j", "argocd.argoproj.io/tracking-id: ''")}}, tasks: map[string]state{"j": {live: free}}, did: "delete hook j", waits: "deletion of batch/Job/j of an earlier sync"},
		{name: "refused: nothing is begun", given: given{git: []string{named("ConfigMap", "a", ""), named("ConfigMap", "b", "")}}, refused: map[string]string{"b": "too long"}, results: "b Failed too long", phase: v1alpha1.OperationFailed},
		{name: "refused: not after something was begun", given: given{git: []string{named("ConfigMap", "a", ""), named("ConfigMap", "b", "")}}, refused: map[string]string{"b": "too long"},
			tasks: map[string]state{"a": {phase: v1alpha1.OperationSucceeded, live: plainMap}}, did: "apply b"},
		{name: "failure: what runs beside it is waited for", given: given{git: []string{named("ConfigMap", "a", ""), named("Deployment", "web", ""), named("ConfigMap", "z", late)}},
			tasks: map[string]state{"a": {phase: v1alpha1.OperationFailed, live: plainMap}, "web": {phase: v1alpha1.OperationRunning, live: slow}}, waits: "healthy state of apps/Deployment/web"},
		{name: "failure: a hook after it that fails too ends it", given: given{git: []string{named("ConfigMap", "a", ""), named("Job", "j", "argocd.argoproj.io/hook: SyncFail")}},
			tasks: map[string]state{"a": {phase: v1alpha1.OperationFailed, live: plainMap}, "j": {phase: v1alpha1.OperationFailed, recorded: true, live: free}}, phase: v1alpha1.OperationFailed},
		{name: "terminate: what runs ends, and its hook goes", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: Sync"), named("Deployment", "web", ""), named("ConfigMap", "z", late)}}, terminate: true,
			tasks: map[string]state{"j": {phase: v1alpha1.OperationRunning, live: job}, "web": {phase: v1alpha1.OperationRunning, live: slow}}, did: "delete hook j",
			results: "web Failed Terminated, j Failed Terminated", phase: v1alpha1.OperationFailed},
		{name: "terminate: a hook that has ended is let go", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "a", "")}}, terminate: true,
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, live: job}}, did: "release hook j", phase: v1alpha1.OperationFailed},
		{name: "terminate: a hook that is free is let be", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "a", "")}}, terminate: true,
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded, live: free}}, phase: v1alpha1.OperationFailed},
		{name: "terminate: a hook that is gone is let be", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "a", "")}}, terminate: true,
			tasks: map[string]state{"j": {phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationFailed},
		{name: "terminate: a hook of an earlier sync that this one has not begun is let be", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PostSync"), named("ConfigMap", "a", "")}}, terminate: true,
			tasks: map[string]state{"a": {phase: v1alpha1.OperationSucceeded, live: plainMap}, "j": {live: job}}, phase: v1alpha1.OperationFailed},
		{name: "terminate: a hook of two phases goes once", given: given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: 'PreSync,PostSync'")}}, terminate: true,
			tasks: map[string]state{"j@PreSync": {phase: v1alpha1.OperationSucceeded, live: job}, "j@PostSync": {phase: v1alpha1.OperationRunning, live: job}}, did: "delete hook j", results: "j Failed Terminated", phase: v1alpha1.OperationFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := c.build(t)
			seen := plan.Progress{Tried: true, Terminate: c.terminate, Refused: map[plan.ID]string{}, Results: map[plan.ID]v1alpha1.ResourceResult{}, Recorded: map[plan.ID]bool{}, Live: map[plan.Key]*unstructured.Unstructured{}}
			for _, task := range p.Tasks {
				s, ok := c.tasks[task.Key.Name+"@"+string(task.Phase)]
				if !ok {
					s = c.tasks[task.Key.Name]
				}
				if s.phase != "" {
					r := plan.Begun(task, "")
					if r.HookPhase = s.phase; s.phase == planned {
						r = plan.Planned(task)
					}
					seen.Results[task.ID()] = r
				}
				switch s.live {
				case "":
				case mine:
					seen.Live[task.Key] = task.Object
				default:
					seen.Live[task.Key] = object(t, s.live)
				}
				seen.Recorded[task.ID()] = s.recorded
				if why, refused := c.refused[task.Key.Name]; refused {
					seen.Refused[task.ID()] = why
				}
			}
			got := p.Next(seen)
			var did, results []string
			for _, a := range got.Actions {
				did = append(did, string(a.Do)+" "+a.Task.Key.Name)
				if text := a.String(); text != string(a.Do)+" "+a.Task.Key.String() {
					t.Errorf("the action reads %q", text)
				}
			}
			for _, r := range got.Results {
				results = append(results, strings.TrimSpace(r.Name+" "+string(r.HookPhase)+" "+r.Message))
			}
			if text := strings.Join(did, ", "); text != c.did {
				t.Errorf("does: got %q, want %q", text, c.did)
			}
			if text := strings.Join(results, ", "); !strings.HasPrefix(text, c.results) || c.results == "" && text != "" {
				t.Errorf("results: got %q, want %q", text, c.results)
			}
			if text := strings.Join(got.Waiting, ", "); !strings.HasPrefix(text, c.waits) || c.waits == "" && text != "" && got.Actions == nil {
				t.Errorf("waits: got %q, want %q", text, c.waits)
			}
			if got.Phase != c.phase || got.Record != c.record {
				t.Errorf("phase: got %q, record %v; want %q, %v", got.Phase, got.Record, c.phase, c.record)
			}
		})
	}
}

// TestNextTriesFirst: nothing is begun before all has gone through a dry run, and what is begun is not tried again.
func TestNextTriesFirst(t *testing.T) {
	p, _ := given{git: []string{named("ConfigMap", "a", ""), named("ConfigMap", "b", "")}}.build(t)
	begun := plan.Begun(p.Tasks[0], "")
	for _, c := range []struct {
		name    string
		tried   bool
		results map[plan.ID]v1alpha1.ResourceResult
		try     bool
		did     int
	}{
		{"at the beginning", false, nil, true, 0},
		{"once it is tried", true, nil, false, 2},
		{"after a restart in the middle", false, map[plan.ID]v1alpha1.ResourceResult{plan.IDOf(begun): begun}, false, 1},
	} {
		got := p.Next(plan.Progress{Tried: c.tried, Results: c.results})
		if got.Try != c.try || len(got.Actions) != c.did || got.Phase != "" {
			t.Errorf("%s: tries %v, does %v, phase %q; want %v, %d actions, none", c.name, got.Try, got.Actions, got.Phase, c.try, c.did)
		}
	}
}

// TestRefusedObjects: what may not be applied is out of sync however it stands, and its task fails without a write,
// also in a sync that began before it was refused.
func TestRefusedObjects(t *testing.T) {
	const hook = "argocd.argoproj.io/hook: PreSync"
	for _, c := range []struct{ name, git, live string }{
		{"an object that is missing", named("ConfigMap", "a", ""), ""},
		{"an object that is as desired", named("ConfigMap", "a", ""), liveNamed("ConfigMap", "a", "")},
		{"a hook", named("ConfigMap", "a", hook), ""},
	} {
		policy := plan.Policy{Instance: "shop", Namespace: "d"}
		desired, _ := plan.Prepare([]plan.Desired{{Object: object(t, c.git), Refused: "forbidden"}, {Object: object(t, named("ConfigMap", "z", ""))}}, policy)
		var live []plan.Live
		if c.live != "" {
			there := object(t, c.live)
			plan.Mark(there, policy)
			live = append(live, plan.Live{Object: there})
		}
		p := plan.Build(desired, live, policy)
		if p.Status != v1alpha1.OutOfSync || p.Tasks[0].Refused != "forbidden" || p.Tasks[0].Unchanged || p.Tasks[1].Refused != "" {
			t.Errorf("%s: got %s, %+v; want OutOfSync, the first refused", c.name, p.Status, p.Tasks)
		}
		for _, r := range p.Resources {
			if r.Status != v1alpha1.OutOfSync {
				t.Errorf("%s: %s: got %s, want OutOfSync", c.name, r.Key, r.Status)
			}
		}
		begun := plan.Begun(p.Tasks[1], "")
		results := map[plan.ID]v1alpha1.ResourceResult{plan.IDOf(begun): begun}
		got := p.Next(plan.Progress{Tried: true, Results: results})
		for _, a := range got.Actions {
			if a.Task.Key == p.Tasks[0].Key {
				t.Errorf("%s: got %s, want no write of it", c.name, a)
			}
		}
		i := slices.IndexFunc(got.Results, func(r v1alpha1.ResourceResult) bool { return plan.IDOf(r) == p.Tasks[0].ID() })
		if i < 0 || got.Results[i].Status != v1alpha1.ResultSyncFailed || got.Results[i].Message != "forbidden" {
			t.Errorf("%s: got results %+v, want its failure", c.name, got.Results)
		}
	}
}

// TestForbiddenObjects: how an object stands that the project forbids is not known, and the Application is not synced.
func TestForbiddenObjects(t *testing.T) {
	for _, live := range []bool{false, true} {
		policy := plan.Policy{Instance: "shop", Namespace: "d"}
		desired, _ := plan.Prepare([]plan.Desired{{Object: object(t, named("ConfigMap", "a", ""))}}, policy)
		var there []plan.Live
		if live {
			there = append(there, plan.Live{Object: desired[0].Object.DeepCopy()})
		}
		desired[0].Forbidden, desired[0].Refused = true, "forbidden"
		p := plan.Build(desired, there, policy)
		if len(p.Resources) != 1 || p.Resources[0].Status != v1alpha1.SyncUnknown || p.Status != v1alpha1.OutOfSync {
			t.Errorf("live %v: got %+v, %s; want one object that is Unknown, and OutOfSync", live, p.Resources, p.Status)
		}
	}
}

// TestRefusalsAreBounded: a sync of which much is refused names the first objects, and counts the others.
func TestRefusalsAreBounded(t *testing.T) {
	var git []string
	for i := range 15 {
		git = append(git, named("ConfigMap", fmt.Sprintf("c%02d", i), ""))
	}
	p, _ := given{git: git}.build(t)
	for n, want := range map[int]string{10: ": no; no; no; no; no; no; no; no; no; no", 15: "; no; and 5 more"} {
		refused := map[plan.ID]string{}
		for _, task := range p.Tasks[:n] {
			refused[task.ID()] = "no"
		}
		got := p.Next(plan.Progress{Tried: true, Refused: refused})
		if got.Phase != v1alpha1.OperationFailed || !strings.HasSuffix(got.Message, want) || len(got.Results) != n {
			t.Errorf("%d refused: %s %q with %d results, want Failed with %q", n, got.Phase, got.Message, len(got.Results), want)
		}
	}
}

// TestMessagesOfResults: what was said of an object when it was written stays as long as it fares well; a hook says how
// it ended.
func TestMessagesOfResults(t *testing.T) {
	const (
		late     = "argocd.argoproj.io/sync-wave: '5'"
		verdict  = "{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: run, namespace: d}, status: {phase: %, message: said}}"
		analysis = "{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: run, annotations: {argocd.argoproj.io/hook: Sync}}}"
	)
	ended := func(phase string) string { return strings.Replace(verdict, "%", phase, 1) }
	script := func(o *unstructured.Unstructured) *v1alpha1.HealthStatus {
		if phase, _, _ := unstructured.NestedString(o.Object, "status", "phase"); phase == "Going" && o.GetDeletionTimestamp() != nil {
			return &v1alpha1.HealthStatus{Status: v1alpha1.HealthHealthy, Message: "it goes"}
		}
		return health.Of(o)
	}
	for _, c := range []struct{ name, git, live, want string }{
		{"an object that is well", named("Deployment", "web", ""), healthyWeb, "Succeeded deployment.apps/web written"},
		{"an object that is degraded", named("Deployment", "web", ""), degradedWeb, "Failed Deployment d/web is degraded: late"},
		{"an object without health", named("ConfigMap", "a", ""), plainMap, "Succeeded configmap/a written"},
		{"a hook that ends well", analysis, ended("Successful"), "Succeeded said"},
		{"a hook that fails", analysis, ended("Failed"), "Failed said"},
		{"a hook that knows no verdict is an error", analysis, ended("Inconclusive"), "Error said"},
		{"a hook that runs", analysis, ended("Running"), ""},
		{"a hook that is gone", analysis, "", "Failed deleted before its outcome was seen; sync again"},
		{"a hook that is deleted while it runs", analysis, strings.Replace(ended("Running"), "namespace: d", "namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'", 1), "Failed deleted while it ran; sync again"},
		{"a hook that is well by a script only while it goes", analysis, strings.Replace(ended("Going"), "namespace: d", "namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'", 1), "Succeeded it goes"},
		{"a hook that is deleted after its end", analysis, strings.Replace(ended("Failed"), "namespace: d", "namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'", 1), "Failed said"},
	} {
		p, _ := given{git: []string{c.git, named("Secret", "z", late)}, policy: plan.Policy{Health: script}}.build(t)
		begun := plan.Begun(p.Tasks[0], "written")
		seen := plan.Progress{Tried: true, Results: map[plan.ID]v1alpha1.ResourceResult{plan.IDOf(begun): begun}, Live: map[plan.Key]*unstructured.Unstructured{}}
		if c.live != "" {
			seen.Live[p.Tasks[0].Key] = object(t, c.live)
		}
		got := ""
		for _, r := range p.Next(seen).Results {
			got += string(r.HookPhase) + " " + r.Message
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

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
