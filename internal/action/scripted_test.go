package action_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/script"
)

// TestScriptedActions: what an action in Lua of a Deployment sends: SUBRESOURCE:PATCH of each patch, and what is
// created after a +.
func TestScriptedActions(t *testing.T) {
	const deployment = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: ns, uid: u, resourceVersion: "7", labels: {a: b}, managedFields: []}, spec: {paused: true, l: [{x: 1}, {x: 2}]}, status: {n: 1}}`
	for _, c := range []struct {
		rule, script, action string
		// list is what the object has by name, a - before those that it is in no state for.
		list, sends, outcome, wrong string
	}{
		{"a field", `obj.spec.paused = false return obj`, "it", "it -not-now -pause restart resume", `:{"metadata":{"resourceVersion":"7"},"spec":{"paused":false}}`, "it done", ""},
		{"a field that is removed, and labels", `obj.spec.paused = nil obj.metadata.labels.a = "c" return obj`, "it", "", `:{"metadata":{"labels":{"a":"c"},"resourceVersion":"7"},"spec":{"paused":null}}`, "it done", ""},
		{"a list", `obj.spec.l[2].x = 3 return obj`, "it", "", `:{"metadata":{"resourceVersion":"7"},"spec":{"l":[{"x":1},{"x":3}]}}`, "it done", ""},
		{"the status", `obj.status.n = 2 return obj`, "it", "", `:{"metadata":{"resourceVersion":"7"},"status":{"n":2}} status?:{"status":{"n":2}}`, "it done", ""},
		{"nothing", `return obj`, "it", "", "", "left as it is by it", ""},
		{"what is the API server's", `obj.metadata.resourceVersion = "8" obj.metadata.generation = 2 return obj`, "it", "", "", "left as it is by it", ""},
		{"an object that is created", `return {{operation = "create", resource = {apiVersion = "v1", kind = "Pod", metadata = {generateName = "x-"}}}}`, "it", "", `+{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"x-"}}`, "it done", ""},
		{"one in place of what is built in", `obj.spec.paused = false return obj`, "restart", "-not-now -pause restart resume", `:{"metadata":{"resourceVersion":"7"},"spec":{"paused":false}}`, "restart done", ""},
		{"what is built in, beside it", `return obj`, "resume", "", `:{"spec":{"paused":false}}`, "resumed", ""},
		{"one that is in no state for it", `return obj`, "not-now", "", "", "", "Deployment web: in no state for the action not-now"},
		{"one that is not there", `return obj`, "nosuch", "", "", "", `Deployment web: unknown action "nosuch"; there are: it, not-now, pause, restart, resume`},
		{"another object", `obj.metadata.name = "other" return obj`, "it", "", "", "", `Deployment web: action.lua of "it": returned another object than the one it was given, and none but that is patched; correct the script`},
		{"another namespace", `obj.metadata.namespace = "kube-system" return obj`, "it", "", "", "", "returned another object"},
		{"another kind", `obj.kind = "Pod" return obj`, "it", "", "", "", "returned another object"},
		{"a new object under the name", `obj.metadata.uid = nil return obj`, "it", "", "", "", "returned another object"},
		{"an object without a name that is created", `return {{operation = "create", resource = {apiVersion = "v1", kind = "Pod"}}}`, "it", "", "", "", `object 1 that it wants created lacks apiVersion, kind or name; correct the script`},
		{"a script that fails", `return obj.x.y`, "it", "", "", "", `Deployment web: action.lua of "it": line 1: attempt to index`},
	} {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(deployment), &o.Object); err != nil {
			t.Fatal(err)
		}
		defined := "it"
		if c.action == "restart" {
			defined = c.action
		}
		text, err := json.Marshal(c.script)
		if err != nil {
			t.Fatal(err)
		}
		scripts, err := script.CompileActions(fmt.Sprintf("discovery.lua: 'return {%s = {}, [\"not-now\"] = {disabled = true}}'\ndefinitions: [{name: %s, action.lua: %s}, {name: not-now, action.lua: return obj}]", defined, defined, text))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		all, err := action.ResourceActions(o, scripts, now)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, a := range all {
			names = append(names, map[bool]string{true: "", false: "-"}[a.Available]+a.Name)
		}
		if got := strings.Join(names, " "); c.list != "" && got != c.list {
			t.Errorf("%s: has %q, want %q", c.rule, got, c.list)
		}
		got, err := action.OfResource("Deployment web", o, scripts, c.action, now)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: got %v, want %q", c.rule, err, c.wrong)
		}
		var sends []string
		for _, p := range got.Patches {
			sends = append(sends, p.Subresource+map[bool]string{true: "?"}[p.IfServed]+":"+string(p.Body))
		}
		for _, created := range got.Created {
			text, err := json.Marshal(created.Object)
			if err != nil {
				t.Fatal(err)
			}
			sends = append(sends, "+"+string(text))
		}
		if s := strings.Join(sends, " "); s != c.sends || got.Outcome != c.outcome {
			t.Errorf("%s: sends %s (%s), want %s (%s)", c.rule, s, got.Outcome, c.sends, c.outcome)
		}
	}
}

func TestActionsWithScriptsThatAreWrong(t *testing.T) {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "StatefulSet"}}
	wrong, err := script.CompileActions("discovery.lua: return 1")
	if err != nil {
		t.Fatal(err)
	}
	alone, err := script.CompileActions("mergeBuiltinActions: false\ndiscovery.lua: return {}")
	if err != nil {
		t.Fatal(err)
	}
	if all, err := action.ResourceActions(o, wrong, time.Time{}); err == nil || len(all) != 1 || all[0].Name != "restart" {
		t.Errorf("got %v %v, want what is built in, and the error", all, err)
	}
	if all, err := action.ResourceActions(o, alone, time.Time{}); err != nil || len(all) != 0 {
		t.Errorf("alone: got %v %v, want none", all, err)
	}
	if _, err := action.OfResource("StatefulSet web", o, wrong, "restart", time.Time{}); err != nil {
		t.Errorf("what is built in: %v", err)
	}
	_, err = action.OfResource("StatefulSet web", o, wrong, "it", time.Time{})
	if want := "StatefulSet web: actions of this kind: discovery.lua: returned a number, where a table of actions is wanted; correct the script"; err == nil || err.Error() != want || problem.KindOf(err) != problem.Refused {
		t.Errorf("another: got %v, want %s", err, want)
	}
}
