package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestOpening: a sync begins with one new object alone, or with something that has to be tried first.
func TestOpening(t *testing.T) {
	const (
		a, b, web = "ConfigMap a", "ConfigMap b", "Deployment web"
	)
	task := func(what string, change ...func(*plan.Task)) plan.Task {
		kind, name, _ := strings.Cut(what, " ")
		version := "v1"
		if kind == "Deployment" {
			version = "apps/v1"
		}
		o := object(t, fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: %s, namespace: d}}", version, kind, name))
		task := plan.Task{Key: plan.KeyOf(o), Verb: plan.Apply, Phase: v1alpha1.HookSync, Object: o}
		for _, c := range change {
			c(&task)
		}
		return task
	}
	live := func(task *plan.Task) { task.Live = task.Object }
	wave := func(n int) func(*plan.Task) { return func(task *plan.Task) { task.Wave = n } }
	for _, c := range []struct {
		name  string
		tasks []plan.Task
		seen  plan.Progress
		want  string
	}{
		{"one object", []plan.Task{task(a)}, plan.Progress{}, "a"},
		{"one of its kind, before another kind", []plan.Task{task(a), task(web)}, plan.Progress{}, "a"},
		{"one before others of its kind in a later wave", []plan.Task{task(a), task(b, wave(1))}, plan.Progress{}, "a"},
		{"two at the same time", []plan.Task{task(a), task(b)}, plan.Progress{}, ""},
		{"what is there already has its prediction", []plan.Task{task(a, live), task(web)}, plan.Progress{}, ""},
		{"a deletion", []plan.Task{task(a, live, func(task *plan.Task) { task.Verb = plan.Delete })}, plan.Progress{}, ""},
		{"a hook", []plan.Task{task(a, func(task *plan.Task) { task.Verb, task.Phase = plan.Hook, v1alpha1.HookPreSync }), task(web)}, plan.Progress{}, ""},
		{"after what is refused anyway", []plan.Task{task(a, func(task *plan.Task) { task.Refused = "no" }), task(web)}, plan.Progress{}, ""},
		{"a sync that was begun", []plan.Task{task(a), task(web)}, plan.Progress{Results: map[plan.ID]v1alpha1.ResourceResult{task(web).ID(): {HookPhase: v1alpha1.OperationRunning}}}, ""},
		{"a sync that is to be terminated", []plan.Task{task(a)}, plan.Progress{Terminate: true}, ""},
		{"nothing", nil, plan.Progress{}, ""},
	} {
		id, ok := plan.Plan{Tasks: c.tasks}.Opening(c.seen)
		if id.Name != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", c.name, id.Name, ok, c.want)
		}
	}
}

// TestBatch: the kinds of a step follow each other, and those of a kind go together.
func TestBatch(t *testing.T) {
	action := func(do plan.Do, kind string) plan.Action {
		return plan.Action{Do: do, Task: plan.Task{Object: object(t, fmt.Sprintf("{apiVersion: v1, kind: %s, metadata: {name: x}}", kind))}}
	}
	apply := func(kind string) plan.Action { return action(plan.DoApply, kind) }
	for _, c := range []struct {
		name    string
		actions []plan.Action
		want    string
	}{
		{"none", nil, "[]"},
		{"of a kind", []plan.Action{apply("ConfigMap"), apply("ConfigMap")}, "[2]"},
		{"of two kinds", []plan.Action{apply("Namespace"), apply("ConfigMap"), apply("ConfigMap")}, "[1 2]"},
		{"of a kind, and again later", []plan.Action{apply("ConfigMap"), apply("Secret"), apply("ConfigMap")}, "[1 1 1]"},
		{"applied and deleted", []plan.Action{apply("ConfigMap"), action(plan.DoDelete, "ConfigMap")}, "[1 1]"},
	} {
		sizes := []int{}
		for now, then := plan.Batch(c.actions); len(now) > 0; now, then = plan.Batch(then) {
			sizes = append(sizes, len(now))
		}
		if got := fmt.Sprint(sizes); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
