package view

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/plan"
)

func TestPreviewOf(t *testing.T) {
	key := func(name string) plan.Key { return plan.Key{Kind: "ConfigMap", Namespace: "shop", Name: name} }
	a, hook := object(t, "{kind: ConfigMap, data: {a: x}}"), object(t, "{kind: Job}")
	c := Compared{
		Revision: "abc", Complete: true, Desired: map[plan.Key]*unstructured.Unstructured{key("a"): a, key("b"): a}, Problems: []string{"a warning"},
		Findings: []Finding{{"ConfigMap a", "wrong", "error"}}, Refused: map[plan.Key]string{key("b"): "the API server says no"},
		Plan: plan.Plan{Tasks: []plan.Task{
			{Key: key("hook"), Verb: plan.Hook, Object: hook}, {Key: key("a"), Verb: plan.Apply, Object: a}, {Key: key("a"), Verb: plan.Apply, Object: a},
			{Key: key("b"), Verb: plan.Apply, Object: a, Refused: "not permitted"}, {Key: key("gone"), Verb: plan.Delete},
		}},
	}
	got := PreviewOf(c, unmasked)
	want := Preview{Revision: "abc", Objects: []PreviewObject{
		{"", "ConfigMap", "shop", "hook", "kind: Job"}, {"", "ConfigMap", "shop", "a", "data:\n  a: x\nkind: ConfigMap"}, {"", "ConfigMap", "shop", "b", "data:\n  a: x\nkind: ConfigMap"},
	}, Findings: []Finding{{"ConfigMap a", "wrong", "error"}, {"", "a warning", "warning"}, {key("b").String(), "not permitted", "error"}, {key("b").String(), "the API server says no", "error"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// An object that git does not have is none of an Application's, whatever becomes of it; a hook may have no other.
	none := Compared{Complete: true, Plan: plan.Plan{Tasks: []plan.Task{{Key: key("gone"), Verb: plan.Delete, Object: a, Refused: "no"}}}}
	if got = PreviewOf(none, unmasked); len(got.Objects) != 0 || len(got.Findings) != 0 {
		t.Errorf("what git does not have: got %+v", got)
	}
	if got = PreviewOf(Compared{Problems: []string{"path k8s: not found"}}, unmasked); len(got.Findings) != 1 || got.Findings[0].Severity != "error" || got.Objects == nil {
		t.Errorf("what could not be rendered: got %+v", got)
	}
	c.Plan.Tasks = nil
	for i := range mostChanged + 2 {
		k := key("many" + string(rune('a'+i)))
		c.Desired[k] = a
		c.Plan.Tasks = append(c.Plan.Tasks, plan.Task{Key: k, Verb: plan.Apply, Object: a})
	}
	if got = PreviewOf(c, unmasked); len(got.Objects) != mostChanged || got.Hidden != 2 {
		t.Errorf("got %d objects and %d hidden", len(got.Objects), got.Hidden)
	}
	// What is wrong with those that are left out is known all the same, as far as the bound goes.
	c.Findings, c.Problems = nil, nil
	c.Plan.Tasks[mostChanged+1].Refused = "not permitted"
	if got = PreviewOf(c, unmasked); len(got.Findings) != 1 || got.Findings[0].Message != "not permitted" {
		t.Errorf("findings: got %+v", got.Findings)
	}
	for i := range c.Plan.Tasks {
		c.Plan.Tasks[i].Refused = "not permitted"
	}
	if got = PreviewOf(c, unmasked); len(got.Findings) != mostFindings {
		t.Errorf("got %d findings, want %d", len(got.Findings), mostFindings)
	}
}
