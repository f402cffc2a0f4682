package plan_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// With RespectIgnoreDifferences, a sync writes the live value of whatever an Application ignores, and git's of all
// else.
func TestIgnoredFieldsAreLeftAlone(t *testing.T) {
	const git = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}}"
	const live = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, resourceVersion: '7', managedFields: [{manager: hpa, operation: Update, fieldsType: FieldsV1, fieldsV1: {'f:spec': {'f:replicas': {}}}}]}, " +
		"spec: {replicas: 9, minReadySeconds: 3, template: {spec: {containers: [{name: injected, image: i:1}, {name: side, image: side:9}, {name: web, image: web:9, command: [c]}]}}}}"
	for _, c := range []struct {
		name   string
		ignore v1alpha1.IgnoreDifference
		want   string
	}{
		{"a field", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/replicas"}},
			"{replicas: 9, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}"},
		{"a field that only git has", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/paused"}},
			"{replicas: 2, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}"},
		{"a field that only the live one has", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/minReadySeconds"}},
			"{replicas: 2, paused: false, minReadySeconds: 3, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}"},
		{"a field of an element, by its name", v1alpha1.IgnoreDifference{JQPathExpressions: []string{`.spec.template.spec.containers[] | select(.name == "web") | .image`}},
			"{replicas: 2, paused: false, template: {spec: {containers: [{name: web, image: web:9, command: [a, b]}, {name: side, image: side:2}]}}}"},
		{"a whole element", v1alpha1.IgnoreDifference{JQPathExpressions: []string{`.spec.template.spec.containers[] | select(.name == "side")`}},
			"{replicas: 2, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:9}]}}}"},
		{"a list without names", v1alpha1.IgnoreDifference{JQPathExpressions: []string{`.spec.template.spec.containers[].command[0]`}},
			"{replicas: 2, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [c]}, {name: side, image: side:2}]}}}"},
		{"what a manager has set", v1alpha1.IgnoreDifference{ManagedFieldsManagers: []string{"hpa"}},
			"{replicas: 9, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}"},
	} {
		c.ignore.Group, c.ignore.Kind = "apps", "Deployment"
		policy := plan.Policy{Instance: "x", IgnoreDifferences: []v1alpha1.IgnoreDifference{c.ignore}, Options: plan.ParseOptions([]string{"RespectIgnoreDifferences=true"})}
		desired, there := []plan.Desired{{Object: object(t, git)}}, []plan.Live{{Object: object(t, live)}}
		task := plan.Build(desired, there, policy).Tasks[0]
		want := object(t, "{spec: "+c.want+"}")
		if !reflect.DeepEqual(task.Object.Object["spec"], want.Object["spec"]) || task.Basis != "7" {
			t.Errorf("%s: %v on %q", c.name, task.Object.Object["spec"], task.Basis)
		}
		policy.Options = nil
		if task := plan.Build(desired, there, policy).Tasks[0]; !reflect.DeepEqual(task.Object.Object["spec"], object(t, git).Object["spec"]) || task.Basis != "" {
			t.Errorf("%s: without the option: %v on %q", c.name, task.Object.Object["spec"], task.Basis)
		}
	}
}

// What differs only in what is ignored is in sync; a sync that a person asks for brings git's fields all the same, but
// where they are to be respected, or only what is out of sync is applied.
func TestIgnoredFieldsAreWrittenWhenAPersonAsks(t *testing.T) {
	const git = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, paused: false}}"
	replicas := []v1alpha1.IgnoreDifference{{Group: "apps", Kind: "Deployment", JSONPointers: []string{"/spec/replicas"}}}
	for _, c := range []struct {
		name    string
		live    string
		ignore  []v1alpha1.IgnoreDifference
		whole   bool
		options []string
		writes  bool
	}{
		{"a person asks", "{replicas: 9, paused: false}", replicas, true, nil, true},
		{"automation", "{replicas: 9, paused: false}", replicas, false, nil, false},
		{"fields are respected", "{replicas: 9, paused: false}", replicas, true, []string{"RespectIgnoreDifferences=true"}, false},
		{"only what is out of sync", "{replicas: 9, paused: false}", replicas, true, []string{"ApplyOutOfSyncOnly=true"}, false},
		{"nothing differs", "{replicas: 2, paused: false}", replicas, true, nil, false},
		{"rules for another kind", "{replicas: 2, paused: false}", []v1alpha1.IgnoreDifference{{Kind: "Service", JSONPointers: []string{"/spec"}}}, true, nil, false},
		{"another field differs, too", "{replicas: 9, paused: true}", replicas, false, nil, true},
	} {
		policy := plan.Policy{Instance: "x", IgnoreDifferences: c.ignore, Whole: c.whole, Options: plan.ParseOptions(c.options)}
		live := object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {argocd.argoproj.io/tracking-id: 'x:apps/Deployment:/web'}}, spec: "+c.live+"}")
		built := plan.Build([]plan.Desired{{Object: object(t, git)}}, []plan.Live{{Object: live}}, policy)
		step := built.Next(plan.Progress{Now: time.Unix(0, 0), Tried: true})
		if writes := len(step.Actions) == 1 && step.Actions[0].Do == plan.DoApply; writes != c.writes {
			t.Errorf("%s: %v is written: %v, want %v", c.name, built, writes, c.writes)
		}
		if synced := built.Status == v1alpha1.Synced; synced == (c.live == "{replicas: 9, paused: true}") {
			t.Errorf("%s: the plan is %s", c.name, built.Status)
		}
	}
}

// TestIgnoredFieldsOfLists: elements with names are paired by them; lists without names go by place, or stand as they
// are live where the rules take whole elements out.
func TestIgnoredFieldsOfLists(t *testing.T) {
	for _, c := range []struct{ name, git, live, expression, want string }{
		{"names: an element that is only in git is written", "[{name: a, v: 1}, {name: new, v: 1}]", "[{name: a, v: 2}]", ".spec.list[].v", "[{name: a, v: 2}, {name: new, v: 1}]"},
		{"names: an ignored element that is only in git is not", "[{name: a, v: 1}, {name: new, v: 1}]", "[{name: a, v: 2}]", `.spec.list[] | select(.name == "new")`, "[{name: a, v: 1}]"},
		{"names: an element that is only live is left to whoever set it", "[{name: a, v: 1}]", "[{name: b, v: 2}, {name: a, v: 2}]", ".spec.list[].v", "[{name: a, v: 2}]"},
		{"names: an element that the rule takes out of the live list alone is git's", "[{name: a, v: 1}]", "[{name: a, v: 2}]", ".spec.list[] | select(.v == 2)", "[{name: a, v: 1}]"},
		{"names: an element that the rule takes out of git's list alone is the live one", "[{name: a, v: 1}]", "[{name: a, v: 2}]", ".spec.list[] | select(.v == 1)", "[{name: a, v: 2}]"},
		{"names: an element without one makes the list one of places", "[{name: a, v: 1}, {v: 1}]", "[{v: 2}, {name: a, v: 3}]", ".spec.list[].v", "[{name: a, v: 2}, {v: 3}]"},
		{"places: a field of each element", "[{p: 80, q: 1}, {p: 81, q: 1}]", "[{p: 90, q: 7}, {p: 91, q: 8}]", ".spec.list[].q", "[{p: 80, q: 7}, {p: 81, q: 8}]"},
		{"places: git has more elements", "[{p: 80, q: 1}, {p: 81, q: 1}]", "[{p: 90, q: 7}]", ".spec.list[].q", "[{p: 80, q: 7}, {p: 81, q: 1}]"},
		{"places: git has fewer elements", "[{p: 80, q: 1}]", "[{p: 90, q: 7}, {p: 91, q: 8}]", ".spec.list[].q", "[{p: 80, q: 7}]"},
		{"places: an element that is ignored in git alone", "[a, b]", "[c]", ".spec.list[1]", "[c]"},
		{"places: an element that is ignored in the live list alone", "[a]", "[c, d]", ".spec.list[1]", "[c, d]"},
		{"places: an element that is ignored in both", "[a, b]", "[c, d]", ".spec.list[1]", "[c, d]"},
		{"places: an empty list in git, of which live elements are ignored", "[]", "[c]", ".spec.list[0]", "[c]"},
		{"the whole list", "[a, b]", "[c]", ".spec.list", "[c]"},
		{"a list that is something else in the cluster", "[{name: a, v: 1}]", "text", ".spec.list[]?.v", "[{name: a, v: 1}]"},
		{"a rule that meets nothing", "[a]", "[c]", ".spec.other", "[a]"},
	} {
		of := func(list string) string {
			return "{apiVersion: x/v1, kind: Gadget, metadata: {name: g}, spec: {list: " + list + "}}"
		}
		policy := plan.Policy{Instance: "x", Options: plan.Options{"RespectIgnoreDifferences": "true"},
			IgnoreDifferences: []v1alpha1.IgnoreDifference{{Group: "x", Kind: "Gadget", JQPathExpressions: []string{c.expression}}}}
		p := plan.Build([]plan.Desired{{Object: object(t, of(c.git))}}, []plan.Live{{Object: object(t, of(c.live))}}, policy)
		got, want := p.Tasks[0].Object.Object["spec"], object(t, of(c.want)).Object["spec"]
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}
}
