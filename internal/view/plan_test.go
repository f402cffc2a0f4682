package view

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

func TestPlanOf(t *testing.T) {
	key := plan.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	live, after := object(t, "{kind: Deployment, metadata: {name: web}, spec: {replicas: 1, template: {spec: {image: a}}}}"), object(t, "{kind: Deployment, metadata: {name: web}, spec: {replicas: 1, template: {spec: {image: b}}}}")
	scaled := object(t, "{kind: Deployment, metadata: {name: web}, spec: {replicas: 2, template: {spec: {image: a}}}}")
	living := func(o *unstructured.Unstructured) *unstructured.Unstructured {
		o = o.DeepCopy()
		o.SetUID("u")
		return o
	}
	for _, c := range []struct {
		rule  string
		task  plan.Task
		after *unstructured.Unstructured
		want  Task
	}{
		{"an object that is new", plan.Task{Verb: plan.Apply, Object: after}, nil, Task{Action: "create"}},
		{"one that is as it is to be", plan.Task{Verb: plan.Apply, Object: after, Live: live, Unchanged: true}, nil, Task{Action: "none"}},
		{"a change of the template replaces pods", plan.Task{Verb: plan.Apply, Object: after, Live: live}, after, Task{Action: "change", Restarts: true, Changes: []Change{{"spec.template.spec.image", "a", "b"}}}},
		{"another change does not", plan.Task{Verb: plan.Apply, Object: scaled, Live: live}, scaled, Task{Action: "change", Changes: []Change{{"spec.replicas", "1", "2"}}}},
		{"without a prediction, what git has counts", plan.Task{Verb: plan.Apply, Object: scaled, Live: live}, nil, Task{Action: "change", Changes: []Change{{"spec.replicas", "1", "2"}}}},
		{"without a prediction, what git does not say stays", plan.Task{Verb: plan.Apply, Object: object(t, "{spec: {replicas: 2}}"), Live: live}, nil, Task{Action: "change", Changes: []Change{{"spec.replicas", "1", "2"}}}},
		{"fields whose drift does not count are written", plan.Task{Verb: plan.Apply, Object: scaled, Live: live, Unchanged: true, Overwrites: true}, scaled, Task{Action: "change", Changes: []Change{{"spec.replicas", "1", "2"}}}},
		{"one that is written as a whole", plan.Task{Verb: plan.Apply, Object: scaled, Live: live, Options: plan.Options{"Replace": "true"}}, scaled, Task{Action: "replace", Changes: []Change{{"spec.replicas", "1", "2"}}}},
		{"one that is deleted and made again, with its pods", plan.Task{Verb: plan.Apply, Object: scaled, Live: living(live), Force: true}, scaled, Task{Action: "replace", Restarts: true, Changes: []Change{{"spec.replicas", "1", "2"}}}},
		{"one that may be, and need not be", plan.Task{Verb: plan.Apply, Object: scaled, Live: living(live), Force: true}, living(scaled), Task{Action: "change", Changes: []Change{{"spec.replicas", "1", "2"}}}},
		{"one that may be, and nobody knows", plan.Task{Verb: plan.Apply, Object: scaled, Live: living(live), Force: true}, nil, Task{Action: "change", Changes: []Change{{"spec.replicas", "1", "2"}}}},
		{"another object by the same name is no force", plan.Task{Verb: plan.Apply, Object: scaled, Live: living(live)}, scaled, Task{Action: "change", Changes: []Change{{"spec.replicas", "1", "2"}}}},
		{"a hook that fails over a sync", plan.Task{Verb: plan.Hook, Phase: v1alpha1.HookSyncFail, Object: after}, nil, Task{Phase: "SyncFail", Action: "hook", Note: "runs only when the sync fails"}},
		{"one that goes", plan.Task{Verb: plan.Delete, Live: live}, nil, Task{Action: "delete"}},
		{"one that goes once somebody confirms", plan.Task{Verb: plan.Delete, Live: live, Confirm: "wait"}, nil, Task{Action: "delete", Note: "wait"}},
		{"one that is left alone", plan.Task{Verb: plan.Delete, Live: live, Skip: plan.RequiresPruning}, nil, Task{Action: "none", Note: plan.RequiresPruning}},
		{"a hook", plan.Task{Verb: plan.Hook, Phase: v1alpha1.HookPreSync, Wave: -1, Object: after}, nil, Task{Phase: "PreSync", Wave: -1, Action: "hook"}},
		{"one that must not be applied", plan.Task{Verb: plan.Apply, Object: after, Refused: "not permitted"}, nil, Task{Action: "none", Note: "not permitted", Fails: true}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			c.task.Key = key
			compared := Compared{Complete: true, Revision: "abc", Plan: plan.Plan{Tasks: []plan.Task{c.task}}, After: map[plan.Key]*unstructured.Unstructured{}}
			if c.after != nil {
				compared.After[key] = c.after
			}
			c.want.Group, c.want.Kind, c.want.Namespace, c.want.Name = key.Group, key.Kind, key.Namespace, key.Name
			if c.want.Phase == "" {
				c.want.Phase = "Sync"
			}
			if c.want.Changes == nil {
				c.want.Changes = []Change{}
			}
			got := PlanOf(compared, unmasked)
			if got.Revision != "abc" || len(got.Tasks) != 1 || !reflect.DeepEqual(got.Tasks[0], c.want) {
				t.Errorf("got %+v, want %+v", got.Tasks, c.want)
			}
			if refused := len(got.Refusals) == 1; refused != c.want.Fails {
				t.Errorf("refusals: %q", got.Refusals)
			}
		})
	}
}

// Which objects replace their pods.
func TestWhatReplacesPods(t *testing.T) {
	const a, b = "{spec: {template: {image: a}}}", "{spec: {template: {image: b}}}"
	manual := func(text string) string {
		return strings.Replace(text, "{spec: {", "{spec: {updateStrategy: {type: OnDelete}, ", 1)
	}
	for _, c := range []struct {
		of, live, after string
		force, want     bool
	}{
		{"apps/Deployment", a, b, false, true}, {"apps/StatefulSet", a, b, false, true}, {"apps/DaemonSet", a, b, false, true}, {"argoproj.io/Rollout", a, b, false, true},
		{"apps/Deployment", a, a, false, false}, {"apps/StatefulSet", manual(a), manual(b), false, false}, {"apps/Deployment", a, "{spec: {}}", false, true}, {"apps/Deployment", "{spec: {template: x}}", a, false, true},
		{"apps/ReplicaSet", a, b, false, false}, {"batch/Job", a, b, false, false}, {"/Pod", a, b, false, false}, {"/ReplicationController", a, b, false, false},
		{"bitnami.com/SealedSecret", a, b, false, false}, {"e.io/Deployment", a, b, false, false},
		{"apps/ReplicaSet", a, b, true, true}, {"batch/Job", a, b, true, true}, {"/Pod", a, b, true, true}, {"/ReplicationController", a, b, true, true}, {"apps/Deployment", a, a, true, true}, {"apps/DaemonSet", manual(a), manual(b), true, true},
		{"/Service", a, b, true, false},
	} {
		group, kind, _ := strings.Cut(c.of, "/")
		task := plan.Task{Key: plan.Key{Group: group, Kind: kind, Name: "x"}, Verb: plan.Apply, Live: object(t, c.live), Force: c.force}
		task.Live.SetUID("u")
		after := object(t, c.after)
		if !c.force {
			after.SetUID("u")
		}
		got := PlanOf(Compared{Complete: true, Plan: plan.Plan{Tasks: []plan.Task{task}}, After: map[plan.Key]*unstructured.Unstructured{task.Key: after}}, unmasked).Tasks[0]
		if got.Restarts != c.want {
			t.Errorf("%s from %s to %s, made again: %v: got %v, want %v", c.of, c.live, c.after, c.force, got.Restarts, c.want)
		}
	}
	// However much else changes before it.
	live, after := map[string]any{"template": "a"}, map[string]any{"template": "b"}
	for i := range mostChanges + 1 {
		live[fmt.Sprint(i)], after[fmt.Sprint(i)] = "a", "b"
	}
	key := plan.Key{Group: "apps", Kind: "Deployment"}
	task := plan.Task{Key: key, Verb: plan.Apply, Live: &unstructured.Unstructured{Object: map[string]any{"spec": live}}, Object: &unstructured.Unstructured{Object: map[string]any{"spec": after}}}
	if got := PlanOf(Compared{Complete: true, Plan: plan.Plan{Tasks: []plan.Task{task}}}, unmasked).Tasks[0]; !got.Restarts || got.More != 2 {
		t.Errorf("got restarts: %v and %d more changes", got.Restarts, got.More)
	}
}

// What the API server refuses would fail, whether it is applied or a hook; what is deleted or left alone would not.
func TestPlanOfWhatIsRefused(t *testing.T) {
	key := plan.Key{Kind: "Job", Namespace: "shop", Name: "a"}
	for _, c := range []struct {
		rule, want string
		task       plan.Task
	}{
		{"applied", "none no true", plan.Task{Verb: plan.Apply}}, {"a hook", "none no true", plan.Task{Verb: plan.Hook}}, {"a hook for later", "none no true", plan.Task{Verb: plan.Hook, Phase: v1alpha1.HookSyncFail}},
		{"deleted", "delete  false", plan.Task{Verb: plan.Delete}}, {"left alone", "none left alone false", plan.Task{Verb: plan.Apply, Skip: "left alone"}},
		{"not permitted", "none not permitted true", plan.Task{Verb: plan.Apply, Refused: "not permitted", Skip: "left alone"}},
	} {
		c.task.Key = key
		got := PlanOf(Compared{Complete: true, Plan: plan.Plan{Tasks: []plan.Task{c.task}}, Refused: map[plan.Key]string{key: "no"}}, unmasked)
		if is := fmt.Sprint(got.Tasks[0].Action, " ", got.Tasks[0].Note, " ", got.Tasks[0].Fails); is != c.want {
			t.Errorf("%s: got %s, want %s", c.rule, is, c.want)
		}
		if want := c.task.Refused != ""; slices.Equal(got.Refusals, []string{"Job shop/a: not permitted"}) != want {
			t.Errorf("%s: refusals %q", c.rule, got.Refusals)
		}
	}
	// Of tasks that are left out, too, and a bounded number.
	many := Compared{Complete: true, Problems: []string{"git is slow"}, Findings: []Finding{{Message: "wrong", Severity: "error"}}, Plan: plan.Plan{Tasks: make([]plan.Task, mostTasks)}}
	many.Plan.Tasks = append(many.Plan.Tasks, plan.Task{Key: key, Refused: "not permitted"})
	got := PlanOf(many, unmasked)
	if got.Hidden != 1 || !slices.Equal(got.Refusals, []string{"Job shop/a: not permitted"}) {
		t.Errorf("got %d hidden and refusals %q", got.Hidden, got.Refusals)
	}
	if want := []Finding{{Message: "wrong", Severity: "error"}, {Message: "git is slow", Severity: "warning"}}; !reflect.DeepEqual(got.Findings, want) {
		t.Errorf("findings: got %+v, want %+v", got.Findings, want)
	}
	for i := range many.Plan.Tasks {
		many.Plan.Tasks[i].Refused = "not permitted"
	}
	if got = PlanOf(many, unmasked); len(got.Refusals) != mostRefusals {
		t.Errorf("got %d refusals", len(got.Refusals))
	}
}

func TestPlanOfWhatCannotBeDone(t *testing.T) {
	key := plan.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}
	task := plan.Task{Key: key, Verb: plan.Apply, Object: object(t, "{kind: ConfigMap}")}
	invalid := Compared{Complete: true, Plan: plan.Plan{Tasks: []plan.Task{task}}, Refused: map[plan.Key]string{key: "the API server says no"}, Findings: []Finding{{"ConfigMap a", "wrong", "error"}}}
	got := PlanOf(invalid, unmasked)
	if t0 := got.Tasks[0]; !t0.Fails || t0.Action != "none" || t0.Note != "the API server says no" || len(got.Findings) != 1 || len(got.Refusals) != 0 {
		t.Errorf("one that the API server refuses: got %+v", got)
	}
	got = PlanOf(Compared{Problems: []string{"git is away"}, Plan: plan.Plan{Tasks: []plan.Task{task}}}, unmasked)
	if len(got.Tasks) != 0 || len(got.Refusals) != 1 || got.Refusals[0] != "git is away" {
		t.Errorf("what could not be compared: got %+v", got)
	}
	many := Compared{Complete: true, Plan: plan.Plan{Tasks: make([]plan.Task, mostTasks+3)}}
	if got = PlanOf(many, unmasked); len(got.Tasks) != mostTasks || got.Hidden != 3 {
		t.Errorf("got %d tasks and %d hidden", len(got.Tasks), got.Hidden)
	}
}
