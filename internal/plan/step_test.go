package plan_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

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
	makesNamespace := plan.Policy{Options: plan.ParseOptions([]string{"CreateNamespace=true"})}
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
		{name: "a namespace is made although what is to live in it is refused", given: given{policy: makesNamespace, git: []string{named("ConfigMap", "a", "")}}, refused: map[string]string{"a": "no"}, did: "apply d"},
		{name: "not one that is there", given: given{policy: makesNamespace, git: []string{named("ConfigMap", "a", "")}, live: []string{"{apiVersion: v1, kind: Namespace, metadata: {name: d}}"}}, refused: map[string]string{"a": "no"},
			results: "a Failed no", phase: v1alpha1.OperationFailed},
		{name: "nor one that is refused itself", given: given{policy: makesNamespace, git: []string{named("ConfigMap", "a", "")}}, refused: map[string]string{"d": "no", "a": "no"}, results: "d Failed no, a Failed no",
			phase: v1alpha1.OperationFailed},
		{name: "nor one twice", given: given{policy: makesNamespace, git: []string{named("ConfigMap", "a", "")}}, refused: map[string]string{"a": "no"}, tasks: map[string]state{"d": {phase: v1alpha1.OperationRunning}},
			results: "a Failed no", phase: v1alpha1.OperationFailed},
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
	p, _ := given{git: []string{named("ConfigMap", "a", ""), named("ConfigMap", "b", "")}, policy: plan.Policy{Options: plan.ParseOptions([]string{"CreateNamespace=true"})}}.build(t)
	namespace, begun := plan.Begun(p.Tasks[0], ""), plan.Begun(p.Tasks[1], "")
	for _, c := range []struct {
		name    string
		tried   bool
		results map[plan.ID]v1alpha1.ResourceResult
		try     bool
		did     int
	}{
		{"at the beginning", false, nil, true, 0},
		{"once it is tried", true, nil, false, 1},
		{"when nothing but the namespace is made", false, map[plan.ID]v1alpha1.ResourceResult{plan.IDOf(namespace): namespace}, true, 0},
		{"after a restart in the middle", false, map[plan.ID]v1alpha1.ResourceResult{plan.IDOf(begun): begun}, false, 1},
	} {
		got := p.Next(plan.Progress{Tried: c.tried, Results: c.results})
		if got.Try != c.try || len(got.Actions) != c.did || got.Phase != "" {
			t.Errorf("%s: tries %v, does %v, phase %q; want %v, %d actions, none", c.name, got.Try, got.Actions, got.Phase, c.try, c.did)
		}
	}
}
