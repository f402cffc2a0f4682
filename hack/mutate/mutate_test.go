package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOnlySomeTests runs no test of the room, so that none of its mutants is reached.
func TestOnlySomeTests(t *testing.T) {
	r, err := mutateRoom("testdata/room", options{workers: 2, timeout: time.Minute, run: "^$"})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.count(unreached); got != len(r.mutants) {
		t.Errorf("%d of %d mutants are unreached, want all", got, len(r.mutants))
	}
}

// TestMutants mutates a small room whose tests leave out a boundary, a field and a function.
func TestMutants(t *testing.T) {
	r, err := mutateRoom("testdata/room", options{workers: 2, timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range r.mutants {
		got = append(got, fmt.Sprintf("%d %s: %s: %s", m.line, m.fate, m.kind, m.change))
	}
	slices.Sort(got)
	want := []string{
		`14 killed: returned: !(width <= limit) in place of width <= limit`,
		`14 survived: boundary: width < limit`,
		`18 killed: negated: !(len(words) == 0)`,
		`19 killed: returned: *new(error) in place of errEmpty`,
		`21 killed: left out: Height: len(words)`,
		`21 survived: left out: Label: label`,
		`23 killed: and/or: len(word) == 1 || word != "a"`,
		`23 killed: negated: !(len(word) == 1)`,
		`23 survived: negated: !(word != "a")`,
		`24 killed: removed: continue`,
		`26 killed: arithmetic: len(word) - 1`,
		`26 killed: removed: s.Width += len(word) + 1`,
		`28 killed: returned: *new(size) in place of s`,
		`31 unreached: returned: *new(string) in place of "not called"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if score := r.score(); score < 71.4 || score > 71.5 {
		t.Errorf("score: got %f, want 10 of 14", score)
	}
}

// TestMatching: a -match that no mutant has is an error, not a share of nothing.
func TestMatching(t *testing.T) {
	all := func() []*mutant { return []*mutant{{file: "a.go", line: 3}, {file: "b.go", line: 30}} }
	for match, want := range map[string]int{"": 2, "a.go": 1, ":3": 2, "b.go:30": 1} {
		if got, err := matching(all(), match); err != nil || len(got) != want {
			t.Errorf("-match %q: got %d mutants, %v; want %d", match, len(got), err, want)
		}
	}
	if got, err := matching(all(), "c.go"); err == nil {
		t.Errorf("-match c.go: got %d mutants and no error", len(got))
	}
}
