package plan_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

const many = 5000

// resources are many of one kind, some of which are changed.
func resources(change func(i int, r *v1alpha1.ResourceStatus)) []v1alpha1.ResourceStatus {
	all := make([]v1alpha1.ResourceStatus, many)
	for i := range all {
		all[i] = v1alpha1.ResourceStatus{
			Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("web-%05d", i), Status: v1alpha1.Synced,
			Health: &v1alpha1.HealthStatus{Status: v1alpha1.HealthHealthy},
		}
		change(i, &all[i])
	}
	return all
}

// What a status lists has a bound, and what somebody has to look at comes first.
func TestListed(t *testing.T) {
	at := func(i int, do func(r *v1alpha1.ResourceStatus)) func(int, *v1alpha1.ResourceStatus) {
		return func(j int, r *v1alpha1.ResourceStatus) {
			if i == j {
				do(r)
			}
		}
	}
	for _, test := range []struct {
		name   string
		change func(i int, r *v1alpha1.ResourceStatus)
		// listed is the index of one that has to be listed.
		listed int
	}{
		{"the last one is OutOfSync", at(many-1, func(r *v1alpha1.ResourceStatus) { r.Status = v1alpha1.OutOfSync }), many - 1},
		{"the last one is Unknown", at(many-1, func(r *v1alpha1.ResourceStatus) { r.Status = v1alpha1.SyncUnknown }), many - 1},
		{"the last one is Degraded", at(many-1, func(r *v1alpha1.ResourceStatus) { r.Health.Status = v1alpha1.HealthDegraded }), many - 1},
		{"the last one is to be pruned", at(many-1, func(r *v1alpha1.ResourceStatus) { r.RequiresPruning = true }), many - 1},
		{"the last one waits for a confirmation", at(many-1, func(r *v1alpha1.ResourceStatus) { r.RequiresDeletionConfirmation = true }), many - 1},
		{"the last one is a hook", at(many-1, func(r *v1alpha1.ResourceStatus) { r.Hook = true }), many - 1},
		{"the last one is the only one of its kind", at(many-1, func(r *v1alpha1.ResourceStatus) { r.Kind = "StatefulSet" }), many - 1},
		{"the last one is the only one of its namespace", at(many-1, func(r *v1alpha1.ResourceStatus) { r.Namespace = "till" }), many - 1},
		{"the last one is the only one of its kind, all others need somebody", func(i int, r *v1alpha1.ResourceStatus) {
			if r.Status = v1alpha1.OutOfSync; i == many-1 {
				r.Kind, r.Status = "StatefulSet", v1alpha1.Synced
			}
		}, many - 1},
		{"the names are long", func(_ int, r *v1alpha1.ResourceStatus) { r.Name += fmt.Sprintf("-%0200d", 0) }, 0},
		{"the messages are long", func(_ int, r *v1alpha1.ResourceStatus) { r.Health.Message = fmt.Sprintf("%0500d", 0) }, 0},
		{"all are hooks of a wave", func(_ int, r *v1alpha1.ResourceStatus) { r.Hook, r.SyncWave = true, -5 }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := resources(test.change)
			listed, omitted := plan.Listed(all)
			text, err := json.Marshal(listed)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > 190<<10 || len(text) < 100<<10 {
				t.Errorf("%d resources take %d bytes, want at most %d and not far less", len(listed), len(text), 190<<10)
			}
			if len(listed)+omitted != many {
				t.Errorf("%d are listed and %d omitted, of %d", len(listed), omitted, many)
			}
			found, before := false, ""
			for _, r := range listed {
				if r.Kind == "Deployment" && r.Name <= before {
					t.Fatalf("%s comes after %s", r.Name, before)
				}
				before = r.Name
				found = found || r.Name == all[test.listed].Name
			}
			if !found {
				t.Errorf("%s is not listed", all[test.listed].Name)
			}
		})
	}
	if few := resources(func(int, *v1alpha1.ResourceStatus) {})[:1000]; true {
		if listed, omitted := plan.Listed(few); len(listed) != 1000 || omitted != 0 {
			t.Errorf("of 1000 resources %d are listed and %d omitted, want all", len(listed), omitted)
		}
	}
}

// A result is left out while its sync goes on only where doing the task again changes nothing.
func TestListedResults(t *testing.T) {
	synced := v1alpha1.ResourceResult{Version: "v1", Kind: "ConfigMap", Namespace: "shop", Status: v1alpha1.ResultSynced, HookPhase: v1alpha1.OperationSucceeded, SyncPhase: v1alpha1.HookSync, Message: "configmap/part created"}
	with := func(do func(r *v1alpha1.ResourceResult)) v1alpha1.ResourceResult {
		r := synced
		do(&r)
		return r
	}
	running := with(func(r *v1alpha1.ResourceResult) { r.HookPhase = v1alpha1.OperationRunning })
	failed := with(func(r *v1alpha1.ResourceResult) {
		r.HookPhase, r.Status = v1alpha1.OperationFailed, v1alpha1.ResultSyncFailed
	})
	hook := with(func(r *v1alpha1.ResourceResult) { r.HookType = v1alpha1.HookSync })
	planned := with(func(r *v1alpha1.ResourceResult) { r.HookType, r.HookPhase = v1alpha1.HookSync, "" })
	same := plan.Task{Verb: plan.Apply, Unchanged: true}
	replace := same
	replace.Options = plan.ParseOptions([]string{"Replace=true"})
	const (
		everything = "everything"
		some       = "what has a place"
		first      = "what has a place, this one first"
	)
	for _, test := range []struct {
		name   string
		result v1alpha1.ResourceResult
		task   *plan.Task
		over   bool
		want   string
	}{
		{"applied and unchanged since", synced, &same, false, some},
		{"applied, running, and unchanged since", running, &same, false, first},
		{"applied, and no longer in the plan", synced, nil, false, some},
		{"applied, and different again", synced, &plan.Task{Verb: plan.Apply}, false, everything},
		{"applied, and replaced each time", synced, &replace, false, everything},
		{"a deletion that goes on", running, &plan.Task{Verb: plan.Delete}, false, everything},
		{"a deletion that has ended", synced, nil, false, some},
		{"failed", failed, &plan.Task{Verb: plan.Apply}, false, everything},
		{"a hook that ended", hook, &plan.Task{Verb: plan.Hook}, false, everything},
		{"a hook that is about to be created", planned, &plan.Task{Verb: plan.Hook}, false, everything},
		{"over: applied", synced, &plan.Task{Verb: plan.Apply}, true, some},
		{"over: failed", failed, &plan.Task{Verb: plan.Apply}, true, first},
		{"over: a hook", hook, &plan.Task{Verb: plan.Hook}, true, first},
		{"over: a deletion that goes on", running, &plan.Task{Verb: plan.Delete}, true, first},
	} {
		t.Run(test.name, func(t *testing.T) {
			var p plan.Plan
			var all []*v1alpha1.ResourceResult
			for i := range many {
				// Half of the others, which come before, are of no account.
				r := test.result
				if i < many/2 {
					r = synced
				}
				r.Name = fmt.Sprintf("part-%05d", i)
				task := same
				if i >= many/2 && test.task != nil {
					task = *test.task
				}
				if i < many/2 || test.task != nil {
					task.Key, task.Phase = plan.Key{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}, r.SyncPhase
					p.Tasks = append(p.Tasks, task)
				}
				all = append(all, &r)
			}
			own := 0
			listed := p.ListedResults(all, test.over)
			for _, r := range listed {
				if r.Name >= fmt.Sprintf("part-%05d", many/2) {
					own++
				}
			}
			text, err := json.Marshal(listed)
			if err != nil {
				t.Fatal(err)
			}
			got := some
			switch {
			case own == many/2:
				got = everything
			case own == len(listed):
				got = first
			}
			if got != test.want {
				t.Errorf("%d of %d results of its kind are listed, and %d others: got %s, want %s", own, many/2, len(listed)-own, got, test.want)
			}
			if got != everything && len(text) > 80<<10 {
				t.Errorf("the results take %d bytes, want at most %d", len(text), 80<<10)
			}
		})
	}
}
