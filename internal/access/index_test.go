package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestWhatAPatternBeginsAndEndsWith: every value that matches does so.
func TestWhatAPatternBeginsAndEndsWith(t *testing.T) {
	for _, c := range []struct {
		mode       mode
		text       string
		start, end string
	}{
		{globMode, "shop/web", "shop/web", ""},
		{globMode, "shop/*", "shop/", ""},
		{globMode, "*/web", "", "/web"},
		{globMode, "shop/*-old", "shop/", "-old"},
		{globMode, "*", "", ""},
		{globMode, "{a,b}c", "", "c"},
		{globMode, "a{b,c}", "a", ""},
		{globMode, `a\*b`, "a", "b"},
		{globMode, "a[b-c]d", "a", "d"},
		{globMode, "a\ufffd*", "", ""},
		{regexMode, "^shop/.*$", "shop/", ""},
		{regexMode, `\Ashop/`, "shop/", ""},
		{regexMode, "^shop/web$", "shop/web", ""},
		{regexMode, "shop/.*", "", ""},
		{regexMode, ".shop", "", ""},
		{regexMode, "(?m)^shop/", "", ""},
		{regexMode, "(?i)^shop/", "", ""},
		{regexMode, "^(shop|bank)/", "", ""},
		{regexMode, "^shop|^bank", "", ""},
		{regexMode, "^s*hop", "", ""},
		{regexMode, "shop", "", ""},
		{regexMode, "^", "", ""},
		{regexMode, "^\ufffd", "", ""},
	} {
		p, err := compile(c.text, c.mode)
		if err != nil {
			t.Fatal(err)
		}
		if start, end := p.affixes(); start != c.start || end != c.end {
			t.Errorf("%s %s: begins with %q and ends with %q, want %q and %q", c.mode, c.text, start, end, c.start, c.end)
		}
	}
	if got := startOf("("); got != "" {
		t.Errorf("what is no expression: got %q", got)
	}
}

// TestTheFirstRuleIsFound: of all rules that match a value, wherever they are kept; and few are looked at one by one.
func TestTheFirstRuleIsFound(t *testing.T) {
	var rules []*rule
	for i, line := range []string{
		"p, x, applications, get, none/*, allow", "p, x, applications, get, *-old, allow", "p, x, applications, get, shop/*, allow", "p, x, applications, get, *b*, allow", "p, x, applications, get, shop/web, allow",
		"p, x, applications, get, *-old, deny", "p, x, applications, sync, *, allow", "p, x, logs, get, *, allow", "p, x, applications, get, s*, allow", "p, x, applications, get, *-new, allow",
	} {
		read := &lines{findings: &findings{}}
		read.line(&Line{Number: i + 1, Text: line}, globMode)
		rules = append(rules, read.rules...)
	}
	x := indexOf(rules, false, Applications, Get)
	if got := fmt.Sprintf("%d, %v %v, %v %v", len(x.others), keysOf(x.starts), x.starts.lengths, keysOf(x.ends), x.ends.lengths); got != "1, [none/ s shop/ shop/web] [5 8 1], [-new -old] [4]" {
		t.Errorf("kept are %s", got)
	}
	for object, want := range map[string]int{
		"shop/a-old": 2, "shop/web": 3, "shop/a": 3, "bank/b": 4, "bank/b-old": 2, "sale/x": 9, "sale/b": 4, "none/a-old": 1, "-old": 2, "-new": 10, "till/a-new": 10, "s": 9, "": 0, "till/a": 0, "old": 0,
	} {
		got := 0
		if r := x.first(object); r != nil {
			got = r.line.Number
		}
		if got != want {
			t.Errorf("%q: found line %d, want %d", object, got, want)
		}
	}
}

func keysOf(a affixes) []string {
	var keys []string
	for text := range a.by {
		keys = append(keys, text)
	}
	slices.Sort(keys)
	return keys
}

// TestRulesAndExpressionsAreThereOnce: however many names a subject has them by.
func TestRulesAndExpressionsAreThereOnce(t *testing.T) {
	p := parsed(t, Written{WithoutBuiltIn: true, Policies: policies("g, a, r", "g, b, r", "p, r, logs, get, shop/*, allow", "p, r, logs, get, bank/*, allow", "p, r, applications, get, shop/*, allow")})
	rights := p.Of(Subject{Name: "u", Groups: []string{"a", "b", "c"}, Foreign: true})
	if all := rights.all(); len(all) != 3 {
		t.Errorf("%d rules of 3", len(all))
	}
	if all := rights.expressions(func(one *rule) pattern { return one.object }); len(all) != 2 {
		t.Errorf("the objects are %q", all)
	}
	// A name that no line is about is none by which anything is decided.
	if len(rights.attempts) != 2 {
		t.Errorf("judged by %d names, want 2", len(rights.attempts))
	}
}

// TestExamplesAreOneForEachSelection: the shortest of each, and nothing of what is not asked about.
func TestExamplesAreOneForEachSelection(t *testing.T) {
	for _, c := range []struct {
		rule          string
		asked, others []string
		want          string
		left          bool
	}{
		{"one", []string{`\Aa\z`}, nil, "[a]", false},
		{"the shortest of one kind", []string{`\A[ab]*\z`}, []string{`\Aa+\z`}, "[ a]", false},
		{"all kinds", []string{`\A[ab]+\z`}, []string{`\Aa(?s:.*)\z`, `\A(?s:.*)b\z`}, "[a b ab ba]", false},
		{"all that is asked has to match", []string{`\Aa(?s:.*)\z`, `\A(?s:.*)b\z`}, nil, "[ab]", false},
		{"none", []string{`\Aa\z`, `\Ab\z`}, nil, "[]", false},
		{"what cannot be read", []string{`(`}, nil, "[]", true},
		{"words", []string{`\ba`}, nil, "[]", true},
		{"what is no word either", []string{`\Ba`}, nil, "[]", true},
	} {
		e := examplesOf(c.asked, c.others, mostSteps)
		if got := fmt.Sprint(e.values); got != c.want || e.left != c.left {
			t.Errorf("%s: got %s, left %v; want %s, %v", c.rule, got, e.left, c.want, c.left)
		}
	}
}

// TestStepsAreBounded: each letter that is tried costs the instructions that it is tried on and one; each example that
// is decided, the rules and one. A bound that is just met is enough.
func TestStepsAreBounded(t *testing.T) {
	e := examplesOf([]string{`\Aa\z`}, nil, 1000)
	// Five letters on one instruction, and three on none.
	if used := 1000 - e.steps; used != 5*2+3 {
		t.Errorf("%d steps", used)
	}
	for steps, left := range map[int]bool{13: false, 12: true, 0: true} {
		if got := examplesOf([]string{`\Aa\z`}, nil, steps); got.left != left {
			t.Errorf("%d steps: left %v, want %v", steps, got.left, left)
		}
	}
	rights := parsed(t, Written{WithoutBuiltIn: true, Policies: policies("p, x, clusters, get, *, allow", "p, x, clusters, get, a*, allow")}).Of(Subject{Name: "x"})
	call := Call{Clusters, Get, "*"}
	unknown := func(steps int) bool { return rights.whole(call, steps).Unknown }
	least := 0
	for unknown(least) {
		least++
	}
	actions := examplesOf([]string{globExpression(call.Action), realAction}, rights.expressions(func(one *rule) pattern { return one.action }), mostSteps)
	about := append(rights.expressions(func(one *rule) pattern { return one.object }), rights.projectsOf(Clusters)...)
	objects := examplesOf([]string{globExpression(call.Object), realObject(Clusters)}, about, actions.steps)
	if want := mostSteps - objects.steps + 3*len(actions.values)*len(objects.values); least != want {
		t.Errorf("decided in %d steps, want %d", least, want)
	}
	if d := rights.whole(call, least); !d.Allowed || d.Call != call {
		t.Errorf("got %v", d)
	}
	if d := parsed(t, Written{Policies: policies("p, x, clusters, get, a*, allow")}).Of(Subject{Name: "x"}).whole(call, mostSteps); d.Example == nil || strings.HasPrefix(d.Example.Object, "a") {
		t.Errorf("got %v, want an example that no line is about", d)
	}
}
