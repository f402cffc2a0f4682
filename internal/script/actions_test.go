package script

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"
)

// cronJob are the actions of a CronJob as existing installations write them.
const cronJob = `
discovery.lua: |
  actions = {}
  actions["suspend"] = {["disabled"] = true}
  actions["resume"] = {["disabled"] = true}
  local suspend = false
  if obj.spec.suspend ~= nil then
    suspend = obj.spec.suspend
  end
  if suspend then
    actions["resume"]["disabled"] = false
  else
    actions["suspend"]["disabled"] = false
  end
  return actions
definitions:
- name: suspend
  action.lua: |
    obj.spec.suspend = true
    return obj
- name: resume
  action.lua: |
    obj.spec.suspend = false
    return obj
`

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// TestOffered: the actions that an object has, a - before those that it is in no state for.
func TestOffered(t *testing.T) {
	definitions := func(discovery string) string {
		return "discovery.lua: " + encoded(t, discovery) + "\ndefinitions: [{name: a, action.lua: return obj}, {name: b, action.lua: return obj}]"
	}
	for _, test := range []struct{ rule, actions, object, want, problem string }{
		{"as the object is", cronJob, "spec: {}", "-resume suspend", ""},
		{"as the object is by now", cronJob, "spec: {suspend: true}", "resume -suspend", ""},
		{"some of them", definitions(`return {b = {}}`), "{}", "b", ""},
		{"none", definitions(`return {}`), "{}", "", ""},
		{"with a name to show", definitions(`return {a = {displayName = "A", iconClass = "fa"}}`), "{}", "a", ""},
		{"by the time", definitions(`if os.date("%H") == "12" then return {a = {}} end return {}`), "{}", "a", ""},
		{"nothing returned", definitions(`local a = 1`), "{}", "", "discovery.lua: returned a nil, where a table of actions is wanted"},
		{"without a definition", definitions(`return {c = {}}`), "{}", "", `discovery.lua: offers the action "c", which has no definition`},
		{"a list", definitions(`return {"a"}`), "{}", "", "discovery.lua: returned a string by a number, where tables by the names of actions are wanted"},
		{"no tables", definitions(`return {a = true}`), "{}", "", "discovery.lua: returned a boolean by a string"},
		{"a script that fails", definitions(`return obj.x.y`), "{}", "", "discovery.lua: line 1: attempt to index"},
		{"a script that never ends", definitions(`while true do end`), "{}", "", "discovery.lua: stopped after 300000 instructions"},
	} {
		actions, err := CompileActions(test.actions)
		if err != nil {
			t.Fatalf("%s: %v", test.rule, err)
		}
		all, err := actions.Offered(object(t, test.object), noon)
		var got []string
		for _, a := range all {
			got = append(got, map[bool]string{true: "-"}[a.Disabled]+a.Name)
		}
		if g := strings.Join(got, " "); g != test.want || !begins(err, test.problem) {
			t.Errorf("%s: got %q, %v; want %q, %q", test.rule, g, err, test.want, test.problem)
		}
	}
}

func begins(err error, problem string) bool {
	return (err == nil) == (problem == "") && (err == nil || strings.HasPrefix(err.Error(), problem))
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestActionsThatAreNone(t *testing.T) {
	for rule, c := range map[string][2]string{
		"no YAML":                    {"{", "invalid YAML: "},
		"an unknown field":           {"discovery: x", `invalid YAML: error unmarshaling JSON: while decoding JSON: json: unknown field "discovery"`},
		"no discovery":               {"definitions: [{name: a, action.lua: return obj}]", "discovery.lua is missing"},
		"a discovery that is no Lua": {"discovery.lua: 'return {'", "discovery.lua: invalid Lua: at its end"},
		"an action that is no Lua":   {"discovery.lua: return {}\ndefinitions: [{name: a, action.lua: 'return obj]'}]", "action.lua of \"a\": invalid Lua: line 1"},
		"an action without a name":   {"discovery.lua: return {}\ndefinitions: [{action.lua: return obj}]", "definitions[0]: name is missing or too long"},
		"an action with a long name": {"discovery.lua: return {}\ndefinitions: [{name: " + strings.Repeat("a", maxName+1) + ", action.lua: return obj}]", "definitions[0]: name is missing or too long"},
		"an action twice":            {"discovery.lua: return {}\ndefinitions: [{name: a, action.lua: return obj}, {name: a, action.lua: return obj}]", `definitions[1]: "a" is defined twice`},
		"many":                       {"discovery.lua: return {}\ndefinitions: [" + strings.Repeat("{}, ", maxActions) + "{}]", "201 definitions; 200 are the most"},
	} {
		if _, err := CompileActions(c[0]); err == nil || !strings.HasPrefix(err.Error(), c[1]) {
			t.Errorf("%s: got %v, want %s", rule, err, c[1])
		}
	}
}

func TestBuiltInActionsStayUnlessTheyAreNotWanted(t *testing.T) {
	for text, alone := range map[string]bool{"": false, "mergeBuiltinActions: true": false, "mergeBuiltinActions: false": true} {
		a, err := CompileActions("discovery.lua: return {}\n" + text)
		if err != nil || a.Alone != alone {
			t.Errorf("%q: got %+v, %v, want alone %v", text, a, err, alone)
		}
	}
}

// act runs an action on an object: what it is after, and what is created, as JSON.
func act(t *testing.T, text, of string) (after, created, problem string) {
	t.Helper()
	actions, err := CompileActions("discovery.lua: return {}\ndefinitions: [{name: it, action.lua: " + encoded(t, text) + "}]")
	if err != nil {
		return "", "", err.Error()
	}
	out, err := actions.Run("it", object(t, of), noon)
	if err != nil {
		return "", "", err.Error()
	}
	if out.After != nil {
		after = encoded(t, out.After)
	}
	if out.Created != nil {
		created = encoded(t, out.Created)
	}
	return after, created, ""
}

func TestRun(t *testing.T) {
	const job = `
local os = require("os")
job = {}
job.apiVersion = "batch/v1"
job.kind = "Job"
job.metadata = {}
job.metadata.name = obj.metadata.name .. "-" .. os.date("!%Y%m%d%H%M")
job.metadata.ownerReferences = {}
job.metadata.ownerReferences[1] = {kind = obj.kind}
job.spec = obj.spec
impacted = {}
impacted.operation = "create"
impacted.resource = job
result = {}
result[1] = impacted
return result`
	for _, test := range []struct{ rule, script, object, after, created, problem string }{
		{"a field that is set", `obj.spec.suspend = true return obj`, "spec: {suspend: false}", `{"spec":{"suspend":true}}`, "", ""},
		{"a field that is removed", `obj.spec.suspend = nil return obj`, "spec: {suspend: false, x: 1}", `{"spec":{"x":1}}`, "", ""},
		{"what is empty stays what it was", `return obj`, "{a: {}, b: [], c: [{}, []]}", `{"a":{},"b":[],"c":[{},[]]}`, "", ""},
		{"what becomes empty stays what it was", `table.remove(obj.b) obj.a.x = nil return obj`, "{a: {x: 1}, b: [1]}", `{"a":{},"b":[]}`, "", ""},
		{"a list that becomes a mapping", `table.remove(obj.b) obj.b.x = 1 return obj`, "{b: [1]}", `{"b":{"x":1}}`, "", ""},
		{"a new table without anything is a mapping", `obj.a = {} return obj`, "{}", `{"a":{}}`, "", ""},
		{"a list that grows", `table.insert(obj.l, "b") obj.m = {} obj.m[1] = 1 return obj`, "l: [a]", `{"l":["a","b"],"m":[1]}`, "", ""},
		{"numbers", `obj.half = obj.count / 2 obj.count = obj.count + 1 obj.big = 2 ^ 60 return obj`, "count: 3", `{"big":1152921504606847000,"count":4,"half":1.5}`, "", ""},
		{"the time", `obj.at = os.date("!%Y-%m-%dT%XZ") obj.s = os.time() obj.t = os.time({year = 2026, month = 5, day = 2, hour = 0}) return obj`, "{}", `{"at":"2026-05-01T12:00:00Z","s":1777636800,"t":1777680000}`, "", ""},
		{"the time in the server's zone is UTC", `obj.h = os.date("%H") obj.d = os.date("*t").day return obj`, "{}", `{"d":1,"h":"12"}`, "", ""},
		{"parameters, which there are none of", `obj.p = actionParams["replicas"] == nil return obj`, "{}", `{"p":true}`, "", ""},
		{"an object that is created", job, "{kind: CronJob, metadata: {name: x}, spec: {args: [], l: {}}}", "",
			`[{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"x-202605011200","ownerReferences":[{"kind":"CronJob"}]},"spec":{"args":[],"l":{}}}]`, ""},
		{"both", `obj.x = 1 return {{operation = "create", resource = {kind = "A"}}, {operation = "patch", resource = obj}}`, "{}", `{"x":1}`, `[{"kind":"A"}]`, ""},

		{"nothing is returned", `local x = 1`, "{}", "", "", `action.lua of "it": returned a nil in an object`},
		{"something else is returned", `return "x"`, "{}", "", "", `action.lua of "it": returned a string, where an object or a list of {operation, resource} is wanted`},
		{"nothing in a table is returned", `return {}`, "{}", "", "", `action.lua of "it": returned a table, where an object`},
		{"a function in the object", `obj.f = function() end return obj`, "{}", "", "", `action.lua of "it": returned a function in an object`},
		{"a number that is none", `obj.n = 0/0 return obj`, "{}", "", "", `action.lua of "it": returned an invalid number`},
		{"a table by a table", `obj[{}] = 1 return obj`, "{}", "", "", `action.lua of "it": returned a table with a table as a key`},
		{"a list with names", `obj.l.x = 1 return obj`, "l: [1]", "", "", `action.lua of "it": returned a table that is a list and has names`},
		{"a list with a gap", `obj.l[3] = 1 return obj`, "l: [1]", "", "", `action.lua of "it": returned a list with a gap`},
		{"an unknown operation", `return {{operation = "delete", resource = obj}}`, "x: 1", "", "", `action.lua of "it": effect 1 has the operation "delete"; create and patch`},
		{"no resource", `return {{operation = "patch"}}`, "{}", "", "", `action.lua of "it": effect 1 has no resource`},
		{"effects that are none", `return {1}`, "{}", "", "", `action.lua of "it": effect 1 has no resource`},
		{"two patches", `return {{operation = "patch", resource = obj}, {operation = "patch", resource = obj}}`, "x: 1", "", "", `action.lua of "it": patches the object twice`},
		{"a script that fails", `return obj.x.y`, "{}", "", "", `action.lua of "it": line 1: attempt to index`},
	} {
		after, created, problem := act(t, test.script, test.object)
		if after != test.after || created != test.created || !strings.HasPrefix(problem, test.problem) || test.problem == "" && problem != "" {
			t.Errorf("%s: got %s, created %s, problem %s; want %s, created %s, problem %s", test.rule, after, created, problem, test.after, test.created, test.problem)
		}
	}
	actions, err := CompileActions(cronJob)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := actions.Run("nosuch", object(t, "{}"), noon); err == nil || err.Error() != `action "nosuch" has no definition` {
		t.Errorf("an action that is not there: got %v", err)
	}
	of := object(t, "spec: {suspend: false}")
	out, err := actions.Run("suspend", of, noon)
	if err != nil || encoded(t, out.Before) != `{"spec":{"suspend":false}}` || encoded(t, of.Object) != `{"spec":{"suspend":false}}` {
		t.Errorf("the object before: got %v %v, and the object became %v", out.Before, err, of.Object)
	}
}

// What an action returns costs no more than it may.
func TestHostileActions(t *testing.T) {
	for _, test := range []struct{ rule, script, problem string }{
		{"an endless loop", `while true do end`, "stopped after 300000 instructions"},
		{"a table in itself", `obj.o = obj return obj`, "returned values that are nested too deeply"},
		{"a table in itself twice", `obj.o = obj obj.p = obj return obj`, "returned values that are nested too deeply"},
		{"tables that multiply", `local t = {} for i = 1, 60 do t = {a = t, b = t} end obj.t = t return obj`, "stopped after 300000 instructions"},
		{"a text in many places", `local s = string.rep("x", 60000) local t = {} for i = 1, 1000 do t[i] = s end obj.t = t return obj`, "returned more than 4 MiB of text"},
		{"a key in many places", `local t = {} t[string.rep("x", 60000)] = 1 local l = {} for i = 1, 1000 do l[i] = t end obj.t = l return obj`, "returned more than 4 MiB of text"},
		{"many effects", `local l = {} for i = 1, 101 do l[i] = {operation = "create", resource = {kind = "A"}} end return l`, "returned 101 effects; 100 are the most"},
		{"a long date", `return {a = os.date(string.rep("%c", 30000))}`, "stopped at a string of more than"},
		{"a date before all", `obj.d = os.date("%c", -1e300) return obj`, ""},
		{"a time far away", `obj.d = os.time({year = 1e300}) return obj`, ""},
		{"a program", `os.execute("id") return obj`, "line 1: attempt to call a non-function object"},
		{"the environment", `obj.x = os.getenv("HOME") return obj`, "line 1: attempt to call a non-function object"},
		{"the end of the process", `os.exit(1)`, "line 1: attempt to call a non-function object"},
		{"a file that is removed", `os.remove("x")`, "line 1: attempt to call a non-function object"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, problem := act(t, test.script, "{kind: A}")
		runtime.ReadMemStats(&after)
		if want := `action.lua of "it": ` + test.problem; test.problem != "" && !strings.HasPrefix(problem, want) {
			t.Errorf("%s: got %.200q, want %q", test.rule, problem, want)
		}
		const most = 192 << 20
		if used := after.TotalAlloc - before.TotalAlloc; used > most {
			t.Errorf("%s: took %d MiB, want at most %d", test.rule, used>>20, most>>20)
		}
	}
}

func FuzzActions(f *testing.F) {
	f.Add(cronJob)
	f.Add("discovery.lua: return {a = {}}\ndefinitions: [{name: a, action.lua: 'return {{operation = \"create\", resource = {kind = os.date()}}}'}]")
	of := object(f, "{kind: A, spec: {suspend: true, l: [1]}}")
	f.Fuzz(func(_ *testing.T, text string) {
		actions, err := CompileActions(text)
		if err != nil {
			return
		}
		offered, _ := actions.Offered(of, noon)
		for _, o := range offered {
			_, _ = actions.Run(o.Name, of, noon)
		}
	})
}
