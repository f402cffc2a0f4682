package script

import (
	"runtime"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// certificate is the script that existing installations keep for certificates, as its documentation has it.
const certificate = `
hs = {}
if obj.status ~= nil then
  if obj.status.conditions ~= nil then
    for i, condition in ipairs(obj.status.conditions) do
      if condition.type == "Ready" and condition.status == "False" then
        hs.status = "Degraded"
        hs.message = condition.message
        return hs
      end
      if condition.type == "Ready" and condition.status == "True" then
        hs.status = "Healthy"
        hs.message = condition.message
        return hs
      end
    end
  end
end
hs.status = "Progressing"
hs.message = "Waiting for certificate"
return hs`

func object(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

// run compiles and runs a script; what is wrong with either is the second result.
func run(t testing.TB, text, of string) (health, problem string) {
	t.Helper()
	s, err := Compile(text)
	if err != nil {
		return "", err.Error()
	}
	got, err := s.Health(object(t, of))
	switch {
	case err != nil:
		return "", err.Error()
	case got == nil:
		return "none", ""
	}
	return strings.TrimSpace(string(got.Status) + " " + got.Message), ""
}

func TestHealth(t *testing.T) {
	for _, test := range []struct{ rule, script, object, want, problem string }{
		{"a condition that is true", certificate, "status: {conditions: [{type: Other, status: 'False'}, {type: Ready, status: 'True', message: issued}]}", "Healthy issued", ""},
		{"a condition that is false", certificate, "status: {conditions: [{type: Ready, status: 'False', message: refused}]}", "Degraded refused", ""},
		{"no status", certificate, "spec: {}", "Progressing Waiting for certificate", ""},
		{"nothing is returned", "local a = 1", "{}", "none", ""},
		{"numbers", `if obj.status.ready == obj.spec.replicas and obj.spec.share == 0.5 then return {status = "Healthy"} end`, "{spec: {replicas: 3, share: 0.5}, status: {ready: 3}}", "Healthy", ""},
		{"booleans", `if obj.spec.paused then return {status = "Suspended"} end`, "spec: {paused: true}", "Suspended", ""},
		{"null", `if obj.spec.x == nil then return {status = "Missing"} end`, "spec: {x: null}", "Missing", ""},
		{"strings are joined", `return {status = "Healthy", message = "a" .. 1 .. obj.b}`, "b: c", "Healthy a1c", ""},
		{"joining binds to the right, and looser than adding", `return {status = "Healthy", message = 1 + 1 .. "a" .. "b"}`, "{}", "Healthy 2ab", ""},
		{"lists are written", `local l = {} l[#l+1] = "a" l[#l+1] = "b" table.insert(l, "c") obj.x = l return {status = "Healthy", message = table.concat(obj.x, ",")}`, "{}", "Healthy a,b,c", ""},
		{"a list below a name", `obj.l = {} for i = 1, 2000 do obj.l[i] = i end return {status = "Healthy", message = tostring(#obj.l)}`, "{}", "Healthy 2000", ""},
		{"tables with given keys", `local t = {["a b"] = 1, [2] = "x", y = 3} return {status = "Healthy", message = t["a b"] .. t[2] .. t.y}`, "{}", "Healthy 1x3", ""},
		{"strings have methods", `return {status = "Healthy", message = obj.a:upper():sub(1, 2)}`, "a: abc", "Healthy AB", ""},
		{"strings have patterns", `local a, b = string.match(obj.v, "v(%d+)%.(%d+)") return {status = "Healthy", message = b .. a .. string.gsub("x-y", "-", "+")}`, "v: v1.20", "Healthy 201x+y", ""},
		{"patterns in a loop", `local n = 0 for w in string.gmatch("a b c", "%a") do n = n + 1 end return {status = "Healthy", message = tostring(n)}`, "{}", "Healthy 3", ""},
		{"strings have formats", `return {status = "Healthy", message = string.format("%5.2f|%-3d|%s", 1.5, 7, "x")}`, "{}", "Healthy  1.50|7  |x", ""},
		{"repetition", `return {status = "Healthy", message = string.rep("ab", 3)}`, "{}", "Healthy ababab", ""},
		{"sorting", `local l = {3, 1, 2} table.sort(l, function(a, b) return a > b end) return {status = "Healthy", message = table.concat(l)}`, "{}", "Healthy 321", ""},
		{"an error that is caught", `local ok, e = pcall(error, "x") return {status = "Degraded", message = tostring(ok)}`, "{}", "Degraded false", ""},
		{"a library by require", `local s = require("string") return {status = "Healthy", message = s.lower("A")}`, "{}", "Healthy a", ""},
		{"a library by require is a table", `return {status = "Healthy", message = type(require("table")) .. type(require("math"))}`, "{}", "Healthy tabletable", ""},
		{"all that is global", `x = 1 return {status = "Healthy", message = tostring(_G.obj == obj and _G.x == 1)}`, "{}", "Healthy true", ""},
		{"what is written to is looked up once", `local n = 0 local function f() n = n + 1 return obj end f()[1] = "a" f().x = {} f().x[1] = "a" return {status = "Healthy", message = tostring(n)}`, "{}", "Healthy 3", ""},
		{"functions", `local function f(c) return {status = c} end return f("Healthy")`, "{}", "Healthy", ""},
		{"rounding", `return {status = "Healthy", message = tostring(math.floor(1.7))}`, "{}", "Healthy 1", ""},
		{"printing says nothing", `print("x") return {status = "Healthy"}`, "{}", "Healthy", ""},

		{"no Lua", "hs = {", "{}", "", "invalid Lua: at its end: syntax error"},
		{"no Lua in the middle", "hs = {}\nhs.status == 1", "{}", "", `invalid Lua: line 2: parse error near "=="`},
		{"an unknown status", `return {status = "Fine"}`, "{}", "", `returned the status "Fine"; Healthy`},
		{"no status in the table", `return {}`, "{}", "", `returned the status ""; Healthy`},
		{"no table", `return "Healthy"`, "{}", "", "returned a string, where a table with status and message is wanted"},
		{"a field of what is not there", "\nreturn obj.status.phase", "{}", "", "line 2: attempt to index a non-table object(nil)"},
		{"joining what is no string, in its line", "local a = 1\n\nreturn 'a' ..\nobj", "{}", "", "line 3: attempt to concatenate a table value"},
		{"joining what is no string", `return "a" .. obj`, "{}", "", "line 1: attempt to concatenate a table value"},
		{"a long message is cut", `return {status = "Healthy", message = string.rep("a", 9000)}`, "{}", "Healthy " + strings.Repeat("a", maxMessage) + "…", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got, problem := run(t, test.script, test.object)
			if got != test.want || !strings.Contains(problem, test.problem) || (problem == "") != (test.problem == "") {
				t.Errorf("got %q, problem %q; want %q, problem %q", got, problem, test.want, test.problem)
			}
		})
	}
}

func TestHostileScripts(t *testing.T) {
	const catching = `while true do pcall(function() while true do end end) end`
	for _, test := range []struct{ rule, script, problem string }{
		{"an endless loop", `while true do end`, "stopped after 300000 instructions"},
		{"an endless loop of functions", `local function f() return f() end f()`, "stopped after"},
		{"an endless recursion", `local function f() return 1 + f() end f()`, "stack overflow"},
		{"an endless loop that catches being stopped", catching, "stopped after"},
		{"an endless loop that catches being stopped, in its handler", `while true do xpcall(function() while true do end end, function() while true do end end) end`, "stopped after"},
		{"an endless loop in a comparison", `table.sort({1, 2, 3}, function() while true do end end)`, "stopped after"},
		{"an endless loop in a substitution", `string.gsub("aaaa", "a", function() while true do end end)`, "stopped after"},
		{"a string joined to itself", `local s = "x" while true do s = s .. s end`, "stopped at a string of more than"},
		{"a string joined to itself that catches being stopped", `local s = "x" while true do pcall(function() s = s .. s end) end`, "stopped at a string of more than"},
		{"a string joined to itself in a table", `local t = {s = "x"} while true do t.s = t.s .. t.s end`, "stopped at a string"},
		{"a string joined to itself as an argument, a condition and a key", `local s = "x" local t = {} while #(s .. s) > 0 do s = tostring(s .. s) t[s .. s] = 1 end`, "stopped at a string"},
		{"a string joined to itself in what is returned", `local s = "x" local function f(a) return a .. a end while true do s = f(s) end`, "stopped at a string"},
		{"many strings", `local t = {} for i = 1, 1e9 do t[#t+1] = string.rep("x", 60000) .. i end`, "stopped after 4 MiB of strings"},
		{"a long repetition", `string.rep("x", 1e9)`, "stopped at a string"},
		{"an endless repetition", `string.rep("x", 1/0)`, "stopped at a string"},
		{"a repetition by method", `local s = ("x"):rep(1e9)`, "stopped at a string"},
		{"a wide format", `string.format("%999999999d", 1)`, "invalid format (width or precision too long)"},
		{"a precise format", `string.format("%.999999999f", 1)`, "invalid format (width or precision too long)"},
		{"a list with a gap", `local t = {} t[60000000] = 1`, "stopped at an index far beyond the end of a list"},
		{"a list with a gap below a name", `obj.t = {} obj.t[60000000] = 1`, "stopped at an index"},
		{"a list with a gap in a list", `local t = {{}} t[1][60000000] = 1`, "stopped at an index"},
		{"a list with a gap from a function", `local t = {} local function f() return t end f()[60000000] = 1`, "stopped at an index"},
		{"a list with a gap by a name that is a number", `local t, k = {}, 60000000 t[k] = 1`, "stopped at an index"},
		{"a list with a gap among several", `local a, t = 1, {} a, t[60000000] = 1, 2`, "stopped at an index"},
		{"a list with a gap as it is made", `local t = {[60000000] = 1}`, "stopped at an index"},
		{"a list with a gap by a library", `table.insert({}, 60000000, 1)`, "stopped at an index"},
		{"many small lists", `local t = {} while true do t[#t+1] = {} end`, "stopped after"},
		{"a list joined", `local t = {} for i = 1, 1000 do t[i] = string.rep("x", 1000) end table.concat(t)`, "stopped at a string"},
		{"a pattern that backtracks", `string.find(string.rep("a", 5000), string.rep("a*", 20) .. "b")`, "stopped after"},
		{"a pattern that backtracks by method", `local s = string.rep("a", 5000) s:match("(a*)*b(a-)-c")`, "stopped after"},
		{"a substitution that grows", `local s = string.rep("a", 1000) string.gsub(s, "a", s)`, "stopped at a string"},
		{"inserting at the front", `local t = {} while true do table.insert(t, 1, 1) end`, "stopped after"},
		{"unpacking a long list", `local t = {} for i = 1, 20000 do t[i] = i end local function f(...) end f(unpack(t))`, "registry overflow"},
		{"files", `io.open("/etc/passwd")`, "attempt to index a non-table object(nil)"},
		{"programs", `os.execute("id")`, "attempt to index a non-table object(nil)"},
		{"the environment", `os.getenv("HOME")`, "attempt to index a non-table object(nil)"},
		{"a file as a library", `require("os")`, `library "os" is not there`},
		{"code of a file", `dofile("/etc/passwd")`, "attempt to call a non-function object"},
		{"code of a string", `loadstring("return 1")()`, "attempt to call a non-function object"},
		{"code by load", `load(function() return nil end)`, "attempt to call a non-function object"},
		{"metatables", `setmetatable({}, {})`, "attempt to call a non-function object"},
		{"the metatable of strings", `getmetatable("").__index = nil`, "attempt to call a non-function object"},
		{"another environment", `setfenv(1, {})`, "attempt to call a non-function object"},
		{"raw writing", `rawset({}, 60000000, 1)`, "attempt to call a non-function object"},
		{"coroutines", `coroutine.wrap(function() while true do end end)()`, "attempt to index a non-table object(nil)"},
		{"debugging", `debug.getregistry()`, "attempt to index a non-table object(nil)"},
		{"collecting garbage", `collectgarbage()`, "attempt to call a non-function object"},
		{"channels", `channel.make()`, "attempt to index a non-table object(nil)"},
		{"code as a string", `string.dump(function() end)`, "attempt to call a non-function object"},
		{"chance", `math.random()`, "attempt to call a non-function object"},
		{"a long script", "-- " + strings.Repeat("x", maxText), "is too long"},
		{"a deep script", "return " + strings.Repeat("not ", 10000) + "1", "nested too deeply"},
		{"a deep table", "return " + strings.Repeat("{", 30000) + strings.Repeat("}", 30000), "nested too deeply"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, problem := run(t, test.script, "{}")
			runtime.ReadMemStats(&after)
			if got != "" || !strings.Contains(problem, test.problem) {
				t.Errorf("got %q, problem %.200q; want problem %q", got, problem, test.problem)
			}
			const most = 128 << 20
			if used := after.TotalAlloc - before.TotalAlloc; used > most {
				t.Errorf("took %d MiB, want at most %d", used>>20, most>>20)
			}
		})
	}
}

// A run leaves nothing for the next: what a script changes, it changes for itself.
func TestRunsAreApart(t *testing.T) {
	s, err := Compile(`string.x = (string.x or 0) + 1 obj.n = (obj.n or 0) + 1 g = (g or 0) + 1 return {status = "Healthy", message = string.x .. obj.n .. g}`)
	if err != nil {
		t.Fatal(err)
	}
	of := object(t, "spec: {}")
	for range 2 {
		got, err := s.Health(of)
		if err != nil || got.Message != "111" {
			t.Fatalf("got %v %v, want 111", got, err)
		}
	}
	if len(of.Object) != 1 {
		t.Errorf("the object became %v", of.Object)
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{certificate, "return {status = 'Healthy'}", "a.b[c..d], e = 1 .. 2, f(...)", "goto x ::x::", "for i = 1, 2 do local t = {[i] = i} end", `return ("x"):rep(3)`} {
		f.Add(seed)
	}
	of := object(f, "status: {a: [1, 2], b: text}")
	f.Fuzz(func(_ *testing.T, text string) {
		if s, err := Compile(text); err == nil {
			_, _ = s.Health(of)
		}
	})
}

func BenchmarkHealth(b *testing.B) {
	s, err := Compile(certificate)
	if err != nil {
		b.Fatal(err)
	}
	of := object(b, "status: {conditions: [{type: Ready, status: 'True', message: issued}]}")
	for b.Loop() {
		if _, err := s.Health(of); err != nil {
			b.Fatal(err)
		}
	}
}
