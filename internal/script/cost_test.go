package script

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// spent runs a script, and returns what it takes of the budget.
func spent(t *testing.T, text string) (instructions, bytes int) {
	t.Helper()
	s, err := Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	b := &budget{instructions: maxInstructions, bytes: maxMade, spent: make(chan struct{})}
	l := newState(b)
	defer l.Close()
	l.SetContext(b)
	l.Push(l.NewFunctionFromProto(s.code))
	if err := l.PCall(0, lua.MultRet, nil); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return maxInstructions - b.instructions, maxMade - b.bytes
}

// What a library does for a script is paid for: the instructions and bytes of one call, on a string s of 1000 bytes, a
// list t of 1000 numbers, or a short list w of three words.
func TestCostOfLibraries(t *testing.T) {
	const given = `local s = string.rep("x", 1000) local t = {} for i = 1, 1000 do t[i] = i end local w = {"aa", "bb", "cc"} `
	// few is what the interpreter itself takes to make a call.
	const few = 12
	before, made := spent(t, given)
	for _, c := range []struct {
		call                string
		instructions, bytes int
	}{
		{`s:lower()`, 1000 / 64, 1000},
		{`s:upper()`, 1000 / 64, 1000},
		{`s:reverse()`, 1000 / 64, 1000},
		{`s:sub(1, 2)`, 1000 / 64, 1000},
		{`s:byte(1)`, 1000 / 64, 1000},
		{`string.lower(12345)`, 0, 5},
		{`s:find("b")`, 1002 * 2 / 64, 0},
		{`s:find("b*")`, 1002 * 1002 * 3 / 64, 0},
		{`s:match("b+")`, 1002 * 1002 * 3 / 64, 0},
		{`s:match("b-c")`, 1002 * 1002 * 4 / 64, 0},
		{`s:gmatch("b?")`, 1002 * 1002 * 3 / 64, 0},
		{`s:find("%b()")`, 1002 * 1002 * 5 / 64, 0},
		{`s:gsub("b", "yy")`, 1002 * 2 / 64, 1000 + 1001*2},
		{`s:gsub("(b)", "%1")`, 1002 * 4 / 64, 1000*2 + 1001*2},
		{`s:gsub("b", w)`, 1002*2/64 + 1000, 1000},
		{`string.rep("ab", 100)`, 0, 200},
		{`string.rep("ab", 0)`, 0, 0},
		{`string.rep("ab", -1)`, 0, 0},
		{`string.format("%s", s)`, 0, 2 + 4*1000 + 420},
		{`string.format("%d%d", 1, 2)`, 0, 4 + 2*(4+420)},
		{`table.concat(w, ", ")`, 3, 3 * (2 + 2)},
		{`table.concat(w)`, 3, 3 * 2},
		{`table.concat(t)`, 1000, 9 + 90*2 + 900*3 + 4},
		{`table.insert(t, 1)`, 1000 / 8, 0},
		{`table.insert(t, 60000000)`, 1000 / 8, 0},
		{`table.remove(t)`, 1000 / 8, 0},
		{`table.maxn(t)`, 1000 / 8, 0},
		{`unpack(t)`, 1000 / 8, 0},
		{`table.sort(t)`, 9967, 0},
	} {
		instructions, bytes := spent(t, given+c.call)
		instructions, bytes = instructions-before, bytes-made
		if instructions < c.instructions || instructions > c.instructions+few || bytes != c.bytes {
			t.Errorf("%s: got %d instructions and %d bytes, want %d to %d and %d", c.call, instructions, bytes, c.instructions, c.instructions+few, c.bytes)
		}
	}
}

// What is within a limit by one is done, and what is beyond it by one is not.
func TestLimitsToTheLast(t *testing.T) {
	deep := func(n int, open, end string) string { return strings.Repeat(open, n) + "1" + strings.Repeat(end, n) }
	const walk = ` local n = 0 while type(o) == "table" do o = o.a or o[1] n = n + 1 end return {status = "Healthy", message = tostring(n)}`
	for _, test := range []struct{ rule, script, object, want, problem string }{
		{"a gap", `local t = {} t[1000] = 1 return {status = "Healthy"}`, "{}", "Healthy", ""},
		{"a gap too long", `local t = {} t[1001] = 1`, "{}", "", "stopped at an index"},
		{"an index beyond all lists", `local t = {} t[67108864] = 1 return {status = "Healthy"}`, "{}", "Healthy", ""},
		{"an index in all lists", `local t = {} t[67108863] = 1`, "{}", "", "stopped at an index"},
		{"a string", `return {status = "Healthy", message = tostring(#string.rep("x", 65536))}`, "{}", "Healthy 65536", ""},
		{"a string too long", `string.rep("x", 65537)`, "{}", "", "stopped at a string"},
		{"a string repeated no number of times", `string.rep("x", 0/0)`, "{}", "", "stopped at a string"},
		{"a script", "-- " + strings.Repeat("x", maxText-3), "{}", "none", ""},
		{"a script too long", "-- " + strings.Repeat("x", maxText-2), "{}", "", "is too long"},
		{"a message", `return {status = "Healthy", message = string.rep("a", 4096)}`, "{}", "Healthy " + strings.Repeat("a", maxMessage), ""},
		{"a deep object", `local o = obj` + walk, deep(150, "{a: ", "}"), "Healthy 101", ""},
		{"a deep list", `local o = obj` + walk, "{a: " + deep(150, "[", "]") + "}", "Healthy 101", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got, problem := run(t, test.script, test.object)
			if got != test.want || !strings.Contains(problem, test.problem) || (problem == "") != (test.problem == "") {
				t.Errorf("got %.40q, problem %q; want %.40q, problem %q", got, problem, test.want, test.problem)
			}
		})
	}
}

// Whole numbers are numbers, as the API server gives them.
func TestWholeNumbers(t *testing.T) {
	s, err := Compile(`return {status = "Healthy", message = tostring(obj.n + 1)}`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Health(&unstructured.Unstructured{Object: map[string]any{"n": int64(41)}})
	if err != nil || got.Message != "42" {
		t.Errorf("got %v, %v; want 42", got, err)
	}
}
