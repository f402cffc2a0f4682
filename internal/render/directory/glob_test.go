package directory

import (
	"strings"
	"testing"
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
		{"{a,b/*}.yaml", "b/c.yaml", true},
		{"grün*", "grün/a", true},
	} {
		g, err := parseGlob("source.directory.include", c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := g.Match(c.path); got != c.want {
			t.Errorf("%s matches %s: got %v, want %v", c.pattern, c.path, got, c.want)
		}
	}
	if g, err := parseGlob("source.directory.include", ""); g != nil || err != nil {
		t.Errorf("no pattern: got %v, %v; want none", g, err)
	}
}

func TestInvalidGlob(t *testing.T) {
	for pattern, want := range map[string]string{
		"{a":                      "source.directory.include: \"{a\": invalid pattern: unclosed {; write it with *, ?, [a-z] and {a,b}",
		strings.Repeat("a", 5000): "longer than 4096 bytes",
	} {
		if _, err := parseGlob("source.directory.include", pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: got %v, want %s", pattern, err, want)
		}
	}
}
