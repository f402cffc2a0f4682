package directory

import (
	"math/rand/v2"
	"strings"
	"testing"

	gobwas "github.com/gobwas/glob"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"*.yaml", "a.yaml", true},
		{"*.yaml", "sub/a.yaml", true},
		{"*.yaml", "a.yml", false},
		{"sub/**", "sub/x/y.yaml", true},
		{"?.yaml", "a.yaml", true},
		{"?.yaml", "ab.yaml", false},
		{"?.yaml", "ä.yaml", true},
		{"[ab].yaml", "b.yaml", true},
		{"[!ab].yaml", "b.yaml", false},
		{"[a-c].yaml", "b.yaml", true},
		{"{a,b/*}.yaml", "b/c.yaml", true},
		{"{a,b}.yaml", "c.yaml", false},
		{"{a,{b,c}}.yaml", "c.yaml", true},
		{"a,b.yaml", "a,b.yaml", true},
		{`\*.yaml`, "*.yaml", true},
		{`\*.yaml`, "a.yaml", false},
		{"a+(b).yaml", "a+(b).yaml", true},
		{"grün*", "grün/a", true},
	} {
		g, err := parseGlob("source.directory.include", c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := g.matches(c.path); got != c.want {
			t.Errorf("%s matches %s: got %v, want %v", c.pattern, c.path, got, c.want)
		}
	}
}

func TestInvalidGlob(t *testing.T) {
	for pattern, want := range map[string]string{
		"{a":                      "source.directory.include: \"{a\": invalid pattern: { without }; write it with *, ?, [a-z] and {a,b}",
		"[a":                      "[ without ]",
		"a\\":                     "a backslash at the end",
		strings.Repeat("a", 5000): "5000 bytes are more than the limit of 4096",
		"[z-a]":                   "not a pattern",
	} {
		if _, err := parseGlob("source.directory.include", pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: got %v, want %s", pattern, err, want)
		}
	}
}

// A pattern that takes the usual library minutes is matched at once.
func TestGlobOfManyAlternatives(t *testing.T) {
	g, err := parseGlob("source.directory.include", strings.Repeat("{*a,*b}", 200)+"c*")
	if err != nil {
		t.Fatal(err)
	}
	if g.matches(strings.Repeat("ab", 500) + "d") {
		t.Error("matches a path without a c")
	}
}

// Patterns mean what they mean to the library that the kind's model uses.
func TestGlobAgreesWithTheUsualLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(parts []string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return b.String()
	}
	for range 20000 {
		pattern := word([]string{"a", "b", "/", ".", "*", "?", "[ab]", "[!a]", "{a,b}", "{a*,b/}", `\*`}, 1+r.IntN(5))
		path := word([]string{"a", "b", "/", ".", "*"}, r.IntN(6))
		usual, err := gobwas.Compile(pattern)
		if err != nil {
			continue
		}
		g, err := parseGlob("", pattern)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		if got, want := g.matches(path), usual.Match(path); got != want {
			t.Errorf("%s matches %s: got %v, want %v", pattern, path, got, want)
		}
	}
}
