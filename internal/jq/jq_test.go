package jq

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
)

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	all := map[string]any{}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// What is taken out is what jq's del takes out.
func TestFieldsThatAnExpressionNames(t *testing.T) {
	const given = `{"a":{"b":[{"name":"x","v":1},{"name":"y","v":2},{"name":"z"}]},"c":"d","e":{"f.g":1}}`
	for expression, want := range map[string]string{
		`.c`:                                   `{"a":{"b":[{"name":"x","v":1},{"name":"y","v":2},{"name":"z"}]},"e":{"f.g":1}}`,
		`.a.b[].v`:                             `{"a":{"b":[{"name":"x"},{"name":"y"},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[0]`:                              `{"a":{"b":[{"name":"y","v":2},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[0,2]`:                            `{"a":{"b":[{"name":"y","v":2}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[-1]`:                             `{"a":{"b":[{"name":"x","v":1},{"name":"y","v":2}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[1:]`:                             `{"a":{"b":[{"name":"x","v":1}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[:-1]`:                            `{"a":{"b":[{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[1:1]`:                            given,
		`.a.b[9:], .a.b[2:1], .a.b[-9].v`:      given,
		`.a.b[0:1], .a.b[2]`:                   `{"a":{"b":[{"name":"y","v":2}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[2], .a.b[0:1]`:                   `{"a":{"b":[{"name":"y","v":2}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[-1], .a.b[2]`:                    `{"a":{"b":[{"name":"x","v":1},{"name":"y","v":2}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[:2], .a.b[1:]`:                   `{"a":{"b":[]},"c":"d","e":{"f.g":1}}`,
		`.a.b[1:2], .a.b[1:2]`:                 `{"a":{"b":[{"name":"x","v":1},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[0], .a.b[0].name, .a.b[1].v`:     `{"a":{"b":[{"name":"y"},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[1:][0].v`:                        `{"a":{"b":[{"name":"x","v":1},{"name":"y"},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[1:][-1].name`:                    `{"a":{"b":[{"name":"x","v":1},{"name":"y","v":2},{}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[1:][0:1]`:                        `{"a":{"b":[{"name":"x","v":1},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[:1][1].name`:                     given,
		`.a.b[:2][-3].name`:                    given,
		`.a.b[0], .c.x`:                        given,
		`.a, .a.b[0]`:                          `{"c":"d","e":{"f.g":1}}`,
		`.`:                                    given,
		`.e["f.g"]`:                            `{"a":{"b":[{"name":"x","v":1},{"name":"y","v":2},{"name":"z"}]},"c":"d","e":{}}`,
		`.a.b[9].v`:                            given,
		`.c[].d`:                               given,
		`.nothing[]?.d`:                        given,
		`.a.b[]|select(.v==2)`:                 `{"a":{"b":[{"name":"x","v":1},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[] | select(.name | IN("x","z"))`: `{"a":{"b":[{"name":"y","v":2}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[] | select(.name as $n | ["x","y"] | index($n))`: `{"a":{"b":[{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.. | select(type == "object" and has("v")) | .v`:      `{"a":{"b":[{"name":"x"},{"name":"y"},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.c, .e # both`: `{"a":{"b":[{"name":"x","v":1},{"name":"y","v":2},{"name":"z"}]}}`,
		`.a.b[] | if .v == 1 then .name elif .v == 2 then .v else empty end`:  `{"a":{"b":[{"v":1},{"name":"y"},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`first(.a.b[] | select(.name | test("^[yz]$"))).name`:                 `{"a":{"b":[{"name":"x","v":1},{"v":2},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`.a.b[] | select(any(.name; startswith("x")) and ([] | length) == 0)`: `{"a":{"b":[{"name":"y","v":2},{"name":"z"}]},"c":"d","e":{"f.g":1}}`,
		`try .c.x catch empty`: given,
		`.a.b[] | select({"k": [1, -1 , "w", null, true]} != .)`: `{"a":{"b":[]},"c":"d","e":{"f.g":1}}`,
	} {
		e, err := Parse("app", expression)
		if err != nil && expression == `.a.b[] | select({"k": [1, -1 , "w", null, true]} != .)` {
			// A negative number is computed.
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		o := object(t, given)
		paths, err := e.Paths(o)
		Remove(o, paths)
		got, _ := json.Marshal(o)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", expression, got, err, want)
		}
	}
}

func TestWhatIsNotTakenIsNamed(t *testing.T) {
	for expression, want := range map[string]string{
		`.a[`:                           "unexpected",
		`(def f: f; f)`:                 "def f: not taken",
		`def f: [f]; .a`:                "def f: not taken",
		`.a | .b + .b`:                  "operator +: not taken",
		`.a * 3`:                        "operator *: not taken",
		`.a = 1`:                        "operator =: not taken",
		`.a |= .b`:                      "operator |=: not taken",
		`range(1; 1e12)`:                "function range/2: not taken",
		`repeat(.)`:                     "function repeat/1: not taken",
		`recurse(.; true)`:              "function recurse/2: not taken",
		`recurse(.)`:                    "function recurse/1: not taken",
		`until(false; .)`:               "function until/2: not taken",
		`while(true; .)`:                "function while/2: not taken",
		`[limit(1e9; repeat(1))]`:       "a list of what is not constant: not taken",
		`.a | select([.[], .[]] == .)`:  "a list of what is not constant: not taken",
		`.a | select({a: .} == .)`:      "a list of what is not constant: not taken",
		`.a | select({(.b): 1} == .)`:   "an object of what is not constant: not taken",
		`.a | select({b} == .)`:         "an object of what is not constant: not taken",
		`reduce .a[] as $x (0; .)`:      "reduce: not taken",
		`foreach .a[] as $x (0; .)`:     "foreach: not taken",
		`label $l | .a`:                 "label: not taken",
		`.a | select("\(.)\(.)" == "")`: `\( in a string: not taken`,
		`.a | select(@base64 == "")`:    "@base64: not taken",
		`.["a\(.b)"]`:                   `\( in a string: not taken`,
		`$ENV.HOME`:                     "$ENV: not taken",
		`env.HOME`:                      "function env/0: not taken",
		`input`:                         "function input/0: not taken",
		`import "a" as a; .b`:           "import: not taken",
		`. as [$a, $b] | $a`:            "a pattern of several variables: not taken",
		`$nowhere`:                      "variable not defined: $nowhere",
		`if (.a | gsub("";"x")) then . else . end`:     "function gsub/2: not taken",
		`if . then repeat(.) else . end`:               "function repeat/1: not taken",
		`if . then . elif repeat(.) then . else . end`: "function repeat/1: not taken",
		`try repeat(.) catch .`:                        "function repeat/1: not taken",
		`-(repeat(.))`:                                 "function repeat/1: not taken",
		`.a[repeat(.)]`:                                "function repeat/1: not taken",
		`.a[0:repeat(.)]`:                              "function repeat/1: not taken",
		`.a | (.b | repeat(.))`:                        "function repeat/1: not taken",
		`select(["a", repeat(.)] == .)`:                "a list of what is not constant: not taken",
		`select([["a", repeat(.)]] == .)`:              "a list of what is not constant: not taken",
		`select([{"a": repeat(.)}] == .)`:              "a list of what is not constant: not taken",
		`select(["\(.)"] == .)`:                        `\( in a string: not taken`,
		`select(["abc"[0:1]] == .)`:                    "a list of what is not constant: not taken",
		`select([def f: 1; 2] == .)`:                   "a list of what is not constant: not taken",
		strings.Repeat(".a|", 1400) + ".a":             "longer than 4096 bytes",
	} {
		if err := Check(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %q", expression, err, want)
		}
	}
}

// What takes long ends at the limit, is told with the expression, and is not begun again for a while.
func TestLimits(t *testing.T) {
	wide := map[string]any{}
	list := make([]any, 3000)
	for i := range list {
		list[i] = "word"
	}
	wide["l"] = list
	deep := wide
	for range 400 {
		below := map[string]any{}
		deep["d"], deep = below, below
	}
	for expression, want := range map[string]string{
		`..|..|..|..|select(false)`:                            "takes longer than",
		`.l as $l | select(any($l[] | $l[] | $l[]; . == "x"))`: "takes longer than",
		`.l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[], .l[]`: "names more than 100000 fields",
		`. as $o | .l[] | . as $w | select($o | tostring | test("(w|o|r|d)*x"))`: "takes longer than",
	} {
		e, err := Parse("app", expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		limit := 300 * time.Millisecond
		if strings.HasPrefix(want, "names") {
			limit = time.Minute
		}
		_, first := e.paths(wide, limit)
		started := time.Now()
		_, again := e.paths(map[string]any{}, time.Hour)
		if first == nil || !strings.Contains(first.Error(), want) || !strings.Contains(first.Error(), e.text[:8]) || problem.KindOf(first) != problem.Usage {
			t.Errorf("%.40s: got %v, want %q", expression, first, want)
		}
		if !errors.Is(again, first) || time.Since(started) > limit {
			t.Errorf("%.40s: tried again: %v", expression, again)
		}
		e.failed = time.Now().Add(-remembered)
		if paths, err := e.Paths(map[string]any{}); err != nil || len(paths) != 0 {
			t.Errorf("%.40s: after a while, on an empty object: %v, %v", expression, paths, err)
		}
	}
}

// What evaluations take together is bounded as well, for each owner apart.
func TestTimeInAll(t *testing.T) {
	one, err := Parse("one", ".a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := Parse("other", ".a")
	if err != nil {
		t.Fatal(err)
	}
	o := map[string]any{"a": "b"}
	if paths, err := one.Paths(o); err != nil || len(paths) != 1 {
		t.Errorf("at first: %v, %v", paths, err)
	}
	one.spent = share
	if _, err := one.Paths(o); err == nil || !strings.Contains(err.Error(), "takes longer than 10s a minute") {
		t.Errorf("with its share spent: %v", err)
	}
	if paths, err := other.Paths(o); err != nil || len(paths) != 1 {
		t.Errorf("of another owner: %v, %v", paths, err)
	}
	one.began, one.failed = one.began.Add(-2*window), one.failed.Add(-remembered)
	if paths, err := one.Paths(o); err != nil || len(paths) != 1 {
		t.Errorf("after a while: %v, %v", paths, err)
	}
}

// An expression is compiled once for each owner.
func TestExpressionsAreKept(t *testing.T) {
	of := func(owner string) *Expression {
		e, err := Parse(owner, ".kept")
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if first, again, other := of("a"), of("a"), of("b"); first != again || first == other {
		t.Error("want the same expression for the same owner, and another one for another")
	}
}

// A long expression is shown by its beginning, and one of the longest length is taken.
func TestLongExpressions(t *testing.T) {
	for _, c := range []struct{ text, shown string }{
		{strings.Repeat("x", 200), strings.Repeat("x", 200)},
		{strings.Repeat("x", 201), strings.Repeat("x", 200) + "…"},
		{strings.Repeat("x", 199) + "é", strings.Repeat("x", 199) + "…"},
	} {
		got := (&Expression{text: c.text}).exceeds("takes long").Error()
		if want := `jq expression "` + c.shown + `": takes long; name the fields by a shorter path`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if err := Check("." + strings.Repeat(" ", longest-1)); err != nil {
		t.Errorf("of the longest length: %v", err)
	}
	if err := Check("." + strings.Repeat(" ", longest)); err == nil {
		t.Error("one byte longer: want an error")
	}
}

// Numbers of any type are those that an expression compares with.
func TestNumbersOfAnyType(t *testing.T) {
	for _, value := range []any{5, int64(5), 5.0} {
		e, err := Parse("app", ".a|select(.==5)")
		if err != nil {
			t.Fatal(err)
		}
		if paths, err := e.Paths(map[string]any{"a": value}); err != nil || len(paths) != 1 {
			t.Errorf("%T: got %v, %v", value, paths, err)
		}
	}
	if got := plain(map[string]any{"a": []any{int32(5)}}); got.(map[string]any)["a"].([]any)[0] != "5" {
		t.Errorf("what JSON does not have: got %v, want it as text", got)
	}
}

func TestValuesAsTheyAre(t *testing.T) {
	e, err := Parse("app", `.a | select(. == 9007199254740993)`)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{int64(9007199254740993), int64(9007199254740992)} {
		paths, err := e.Paths(map[string]any{"a": value})
		if want := value == int64(9007199254740993); err != nil || (len(paths) == 1) != want {
			t.Errorf("%v: got %v, %v", value, paths, err)
		}
	}
}

func FuzzPaths(f *testing.F) {
	for _, seed := range []string{`.a.b[]`, `..|select(.b?)`, `.a[1:]`, `.a as $x | $x[0]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		e, err := Parse("app", expression)
		if err != nil {
			return
		}
		o := map[string]any{"a": []any{map[string]any{"b": int64(1)}, "c"}, "d": nil}
		if paths, err := e.paths(o, 100*time.Millisecond); err == nil {
			Remove(o, paths)
		}
	})
}
