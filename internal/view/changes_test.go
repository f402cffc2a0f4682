package view

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

func fieldsOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		rule, from, to string
		want           []Change
	}{
		{"what is alike has none", "a: {b: 1}", "a: {b: 1}", []Change{}},
		{"a value that differs", "a: {b: 1, c: x}", "a: {b: 2, c: x}", []Change{{"a.b", "1", "2"}}},
		{"a field that is new", "a: {}", "a: {b: text}", []Change{{"a.b", "", "text"}}},
		{"a field that goes", "a: {b: {c: 1}}", "a: {}", []Change{{"a.b", "c: 1", ""}}},
		{"fields are in the order of their paths", "{b: 1, a: 1}", "{b: 2, a: 2}", []Change{{"a", "1", "2"}, {"b", "1", "2"}}},
		{"a key with points is in brackets", "labels: {app.io/name: x}", "labels: {app.io/name: z}", []Change{{"labels[app.io/name]", "x", "z"}}},
		{"elements are compared by their names", "c: [{name: a, v: 1}, {name: b, v: 1}]", "c: [{name: b, v: 2}, {name: a, v: 1}]", []Change{{"c[b].v", "1", "2"}}},
		{"an element that is new", "c: [{name: a}]", "c: [{name: a}, {name: b, v: 1}]", []Change{{"c[b]", "", "name: b\nv: 1"}}},
		{"an element that goes", "c: [{name: a}, {name: b}]", "c: [{name: a}]", []Change{{"c[b]", "name: b", ""}}},
		{"names that are not unique are no names", "c: [{name: a, v: 1}, {name: a, v: 2}]", "c: [{name: a, v: 1}, {name: a, v: 3}]", []Change{{"c[1].v", "2", "3"}}},
		{"other elements are compared by their places", "c: [1, 2]", "c: [1, 3]", []Change{{"c[1]", "2", "3"}}},
		{"a list of another length is another value", "c: [1, 2]", "c: [1]", []Change{{"c", "- 1\n- 2", "- 1"}}},
		{"another type is another value", "c: [1]", "c: {a: 1}", []Change{{"c", "- 1", "a: 1"}}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got, more := Differences(fieldsOf(t, c.from), fieldsOf(t, c.to)); !reflect.DeepEqual(got, c.want) || more != 0 {
				t.Errorf("got %q and %d more, want %q", got, more, c.want)
			}
		})
	}
}

func TestDifferencesOfWhatIsNotThere(t *testing.T) {
	object := fieldsOf(t, "kind: A")
	for _, c := range []struct {
		from, to map[string]any
		want     []Change
	}{{nil, nil, []Change{}}, {nil, object, []Change{{"", "", "kind: A"}}}, {object, nil, []Change{{"", "kind: A", ""}}}} {
		if got, _ := Differences(c.from, c.to); !reflect.DeepEqual(got, c.want) {
			t.Errorf("from %v to %v: got %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

func TestDifferencesAreBounded(t *testing.T) {
	from, to := map[string]any{}, map[string]any{}
	for i := range mostChanges + 7 {
		from[strings.Repeat("k", i+1)], to[strings.Repeat("k", i+1)] = "a", "b"
	}
	got, more := Differences(from, to)
	if len(got) != mostChanges || more != 7 {
		t.Errorf("got %d changes and %d more, want %d and 7", len(got), more, mostChanges)
	}
	got, _ = Differences(map[string]any{"a": "x"}, map[string]any{"a": strings.Repeat("x", 10*longestText)})
	if len(got) != 1 || len(got[0].To) > longestText+20 {
		t.Errorf("a long value is shown with %d bytes", len(got[0].To))
	}
}

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	return &unstructured.Unstructured{Object: fieldsOf(t, text)}
}

func unmasked(o *unstructured.Unstructured) *unstructured.Unstructured { return o }

// comparedOf is an Application of four objects: one as git has it, one that differs, one that is new, and one that
// goes.
func comparedOf(t *testing.T) Compared {
	t.Helper()
	key := func(name string) plan.Key { return plan.Key{Kind: "ConfigMap", Namespace: "shop", Name: name} }
	written := func(name, value string) *unstructured.Unstructured {
		return object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: "+name+", uid: u, resourceVersion: '7', annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}}, data: {a: "+value+"}, status: {x: 1}}")
	}
	return Compared{
		Revision: "abc", Complete: true,
		Plan: plan.Plan{Resources: []plan.Resource{
			{Key: key("same"), Status: v1alpha1.Synced, Live: written("same", "x")},
			{Key: key("drifted"), Status: v1alpha1.OutOfSync, Live: written("drifted", "live")},
			{Key: key("fresh"), Status: v1alpha1.OutOfSync},
			{Key: key("going"), Status: v1alpha1.OutOfSync, RequiresPruning: true, Live: written("going", "x")},
		}},
		Desired: map[plan.Key]*unstructured.Unstructured{key("same"): written("same", "x"), key("drifted"): written("drifted", "git"), key("fresh"): written("fresh", "git")},
		After:   map[plan.Key]*unstructured.Unstructured{key("drifted"): written("drifted", "after"), key("going"): written("going", "wrong")},
		Refused: map[plan.Key]string{key("fresh"): "the API server says no"},
	}
}

func TestChangesOf(t *testing.T) {
	everything := func(plan.Key) bool { return true }
	got := ChangesOf(comparedOf(t), unmasked, everything, true)
	if len(got.Items) != 3 || got.Revision != "abc" || got.Items[0].Name != "drifted" || got.Items[1].Name != "fresh" || got.Items[2].Name != "going" {
		t.Fatalf("of all, those that differ are shown: got %+v", got)
	}
	if o := got.Items[0]; !reflect.DeepEqual(o.Changes, []Change{{"data.a", "live", "after"}}) || !strings.Contains(o.Desired, "a: git") || !strings.Contains(o.Live, "a: live") || !strings.Contains(o.After, "a: after") {
		t.Errorf("one that differs: got %+v", o)
	}
	if o := got.Items[1]; o.Live != "" || o.After != o.Desired || len(o.Changes) != 1 || o.Changes[0].Path != "" || o.Problem != "the API server says no" {
		t.Errorf("one that is new: got %+v", o)
	}
	if o := got.Items[2]; o.After != "" || o.Desired != "" || len(o.Changes) != 1 || o.Changes[0].To != "" {
		t.Errorf("one that goes: got %+v", o)
	}
	for _, noise := range []string{"uid", "resourceVersion", "status", "last-applied", "annotations"} {
		if strings.Contains(got.Items[0].Live, noise) {
			t.Errorf("%s is shown: %s", noise, got.Items[0].Live)
		}
	}
	one := ChangesOf(comparedOf(t), unmasked, func(k plan.Key) bool { return k.Name == "same" }, false)
	if len(one.Items) != 1 || one.Items[0].Name != "same" || len(one.Items[0].Changes) != 0 || !strings.Contains(one.Items[0].After, "a: x") {
		t.Errorf("one that was asked for is shown as it is: got %+v", one.Items)
	}
}

func TestChangesAreMaskedAndBounded(t *testing.T) {
	mask := func(o *unstructured.Unstructured) *unstructured.Unstructured {
		o = o.DeepCopy()
		o.Object["data"] = map[string]any{"a": "hidden"}
		return o
	}
	for _, o := range ChangesOf(comparedOf(t), mask, func(plan.Key) bool { return true }, true).Items {
		for _, text := range []string{o.Live, o.Desired, o.After} {
			if strings.Contains(text, "git") || strings.Contains(text, "a: live") || strings.Contains(text, "after") {
				t.Errorf("%s is shown: %s", o.Name, text)
			}
		}
	}
	many := comparedOf(t)
	for len(many.Plan.Resources) < mostChanged+5 {
		many.Plan.Resources = append(many.Plan.Resources, many.Plan.Resources[1])
	}
	if got := ChangesOf(many, unmasked, func(plan.Key) bool { return true }, true); len(got.Items) != mostChanged || got.Hidden != 4 {
		t.Errorf("got %d objects and %d hidden", len(got.Items), got.Hidden)
	}
	long := object(t, "{kind: A, data: {a: "+strings.Repeat("ü", longestObject)+"}}")
	if text := textOf(plain(unmasked, long)); len(text) > longestObject+20 || !strings.Contains(text, "# … shortened") {
		t.Errorf("a long object is shown with %d bytes", len(text))
	}
}

func TestPlanOf(t *testing.T) {
	key := plan.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	live, after := object(t, "{kind: Deployment, spec: {replicas: 1, template: {spec: {image: a}}}}"), object(t, "{kind: Deployment, spec: {replicas: 1, template: {spec: {image: b}}}}")
	scaled := object(t, "{kind: Deployment, spec: {replicas: 2, template: {spec: {image: a}}}}")
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
		{"one that is deleted and made again", plan.Task{Verb: plan.Apply, Object: scaled, Live: live, Force: true}, scaled, Task{Action: "replace", Changes: []Change{{"spec.replicas", "1", "2"}}}},
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
