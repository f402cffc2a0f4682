package operation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
)

// The objects of one heal are listed by the Application, so that they have a bound; those beyond it are the next one's.
func TestHealsOfManyObjects(t *testing.T) {
	for _, c := range []struct{ drifted, want int }{{499, 499}, {500, 500}, {501, 500}, {5000, 500}} {
		t.Run(fmt.Sprint(c.drifted), func(t *testing.T) {
			l := outOfSync()
			l.heals()
			l.seen.Plan.Resources = nil
			for i := range c.drifted {
				l.seen.Plan.Resources = append(l.seen.Plan.Resources, plan.Resource{
					Key: plan.Key{Kind: "ConfigMap", Namespace: "d", Name: fmt.Sprintf("part-%04d", i)}, Status: v1alpha1.OutOfSync,
				})
			}
			l.last(newSHA, v1alpha1.OperationSucceeded, time.Minute)
			got := operation.Automate(l.app, l.seen)
			if got.Start == nil {
				t.Fatalf("nothing is healed: %s", got.Why)
			}
			if n := len(got.Start.Sync.Resources); n != c.want || got.Start.Sync.Resources[0].Name != "part-0000" {
				t.Errorf("%d objects are healed, from %s on, want %d from part-0000 on", n, got.Start.Sync.Resources[0].Name, c.want)
			}
		})
	}
}

// The results of many objects are listed as far as there is room, while an operation goes on and when it is over.
func TestResultsOfManyObjects(t *testing.T) {
	const many = 5000
	for _, c := range []struct {
		name  string
		phase v1alpha1.OperationPhase
		task  plan.Task
		all   bool
	}{
		{"it goes on, and they are as git has them", "", plan.Task{Verb: plan.Apply, Unchanged: true}, false},
		{"it goes on, and they would be written again", "", plan.Task{Verb: plan.Apply}, true},
		{"it is over", v1alpha1.OperationSucceeded, plan.Task{Verb: plan.Apply}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := outOfSync()
			l.running()
			var results []*v1alpha1.ResourceResult
			for i := range many {
				task := c.task
				task.Key, task.Phase = plan.Key{Kind: "ConfigMap", Namespace: "d", Name: fmt.Sprintf("part-%04d", i)}, v1alpha1.HookSync
				l.seen.Plan.Tasks = append(l.seen.Plan.Tasks, task)
				results = append(results, &v1alpha1.ResourceResult{
					Kind: "ConfigMap", Namespace: "d", Name: task.Key.Name, Version: "v1", SyncPhase: v1alpha1.HookSync,
					Status: v1alpha1.ResultSynced, HookPhase: v1alpha1.OperationSucceeded, Message: "configmap/" + task.Key.Name + " created",
				})
			}
			got := operation.Continue(l.app, l.seen, operation.Carried{Results: results, Step: plan.Step{Phase: c.phase, Waiting: []string{"something"}}})
			listed := len(got.App.Status.OperationState.SyncResult.Resources)
			if (listed == many) != c.all || listed == 0 {
				t.Errorf("%d of %d results are listed, want all: %v", listed, many, c.all)
			}
		})
	}
}
