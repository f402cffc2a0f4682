package glob_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	gobwas "github.com/gobwas/glob"

	"github.com/cyan-cd/cyan/internal/glob"
)

// Each row is what a pattern matches, and what it does not.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, separators string
		// is and not are separated by spaces; "" is the empty value.
		is, not []string
	}{
		{"", "", []string{""}, []string{"a"}},
		{"shop", "", []string{"shop"}, []string{"", "shops", "ashop", "Shop"}},
		{"*", "", []string{"", "a", "a/b", "a\nb", "é", "\xff"}, nil},
		{"*", "/", []string{"", "a"}, []string{"/", "a/b"}},
		{"**", "/", []string{"", "a", "a/b", "/"}, nil},
		{"***", "/", []string{"", "a/b"}, nil},
		{"a*", "", []string{"a", "ab", "a/b"}, []string{"", "ba"}},
		{"*a", "/", []string{"a", "ba"}, []string{"b/a", "ab"}},
		{"a*c", "", []string{"ac", "abc", "abcc"}, []string{"abcd", "a"}},
		{"a?c", "", []string{"abc", "a/c", "aéc"}, []string{"ac", "abbc"}},
		{"a?c", "/", []string{"abc"}, []string{"a/c"}},
		{"a?c", ".-", []string{"abc", "a/c"}, []string{"a.c", "a-c"}},
		{"[abc]x", "", []string{"ax", "cx"}, []string{"dx", "x", "abcx"}},
		{"[!abc]x", "", []string{"dx"}, []string{"ax", "x"}},
		{"[a-c]x", "", []string{"ax", "bx"}, []string{"dx", "-x"}},
		{"[!a-c]x", "", []string{"dx", "-x"}, []string{"bx"}},
		{"[a-]x", "", []string{"ax", "-x"}, []string{"bx"}},
		{"[^a]x", "", []string{"ax", "^x"}, []string{"bx"}},
		{`[\]a]x`, "", []string{"]x", "ax"}, []string{`\x`}},
		{"[é-í]", "", []string{"ê"}, []string{"a"}},
		{"{a,b}", "", []string{"a", "b"}, []string{"", "ab", "a,b"}},
		{"{a,b*}c", "", []string{"ac", "bc", "bxc"}, []string{"c", "axc"}},
		{"{,a}b", "", []string{"b", "ab"}, []string{"a"}},
		{"{a,{b,c}}d", "", []string{"ad", "bd", "cd"}, []string{"d"}},
		{"{}", "", []string{""}, []string{"a"}},
		{"{[,],x}", "", []string{",", "x"}, []string{"[,]"}},
		{"a,b", "", []string{"a,b"}, []string{"a", "b"}},
		{"a}b]", "", []string{"a}b]"}, []string{"ab"}},
		{`\*`, "", []string{"*"}, []string{"a", `\*`}},
		{`{\,,\}}`, "", []string{",", "}"}, []string{`\`}},
		{"a.c(d)+$^|", "", []string{"a.c(d)+$^|"}, []string{"abc(d)+$^|"}},
		{"*.example*", "", []string{"a.example"}, []string{"aXexample"}},
		{"a\n*", "", []string{"a\nb"}, []string{"a"}},
	} {
		p, err := glob.Compile(c.pattern, c.separators)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		for _, value := range c.is {
			if !p.Match(value) {
				t.Errorf("%q, separators %q: does not match %q; want a match", c.pattern, c.separators, value)
			}
		}
		for _, value := range c.not {
			if p.Match(value) {
				t.Errorf("%q, separators %q: matches %q; want no match", c.pattern, c.separators, value)
			}
		}
	}
}

func TestInvalid(t *testing.T) {
	for pattern, want := range map[string]string{
		"{a": "unclosed {", "{a{b}": "unclosed {", "[a": "unclosed [", "[": "unclosed [", "[!": "unclosed [", `[a\`: "unclosed [", "[]": "empty []", "[!]": "empty []",
		"[c-a]": "ends exchanged", `a\`: `trailing \`, "\xff*": "UTF-8", "\xff": "UTF-8", strings.Repeat("a", 4097): "longer than 4096 bytes",
	} {
		if p, err := glob.Compile(pattern, ""); err == nil || !strings.Contains(err.Error(), want) || p.Match(pattern) {
			t.Errorf("%q: got error %v, want %q, and a pattern that matches nothing", pattern, err, want)
		}
	}
	for name, longest := range map[string]string{"stars": strings.Repeat("*", 4096), "nested": strings.Repeat("{a,b", 409) + strings.Repeat("}", 409), "classes": strings.Repeat("[ab]", 512)} {
		if _, err := glob.Compile(longest, ""); err != nil {
			t.Errorf("the longest pattern of %s: %v", name, err)
		}
	}
}

func TestMatchOnce(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		want, invalid  bool
	}{{"*", "a/b", true, false}, {"a*", "a/b", true, false}, {"a*", "b", false, false}, {"{a", "{a", false, true}} {
		got, err := glob.Match(c.pattern, c.value)
		if got != c.want || (err != nil) != c.invalid {
			t.Errorf("%q and %q: got %v, %v; want %v, invalid %v", c.pattern, c.value, got, err, c.want, c.invalid)
		}
	}
}

func TestCompileName(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		want, invalid  bool
	}{
		{"team-*", "team-a", true, false}, {"team-*", "other", false, false}, {"/^team-[ab]$/", "team-a", true, false}, {"/^team-[ab]$/", "team-c", false, false},
		{"/am-/", "team-a", true, false}, {"/(/", "(", false, true}, {"/", "/", true, false}, {"/a", "/a", true, false}, {"/a", "a", false, false}, {"{", "{", false, true},
		{"/" + strings.Repeat("a", 4095) + "/", "a", false, true},
	} {
		p, err := glob.CompileName(c.pattern)
		if got := p.Match(c.value); got != c.want || (err != nil) != c.invalid {
			t.Errorf("%.20q and %q: got %v, %v; want %v, invalid %v", c.pattern, c.value, got, err, c.want, c.invalid)
		}
	}
}

// Patterns that make a matcher that goes back try everything take no longer than others.
func TestHostilePatterns(t *testing.T) {
	value := strings.Repeat("a", 2048)
	for _, pattern := range []string{
		"*{*a*,*aa*}{*,a*}?*{*a,*aa}??*{a*,?}[xb]",
		strings.Repeat("*a", 1000) + "b?",
		strings.Repeat("{*,*a}", 300) + "[b]",
		strings.Repeat("{a,aa}", 300) + "[b]",
		strings.Repeat("{", 200) + "*a" + strings.Repeat(",*aa}*", 200) + "?[b]",
	} {
		began := time.Now()
		p, err := glob.Compile(pattern, "/")
		if err != nil {
			t.Errorf("%.40q: %v", pattern, err)
		}
		if p.Match(value) {
			t.Errorf("%.40q: matches", pattern)
		}
		// It is tens of milliseconds; going back takes longer than anybody lives.
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%.40q: took %s", pattern, took)
		}
	}
}

// Patterns mean what they mean to the library that other programs of this kind use.
func TestAgreesWithTheUsualLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(parts []string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return b.String()
	}
	for range 20000 {
		pattern := word([]string{"a", "b", "/", ".", "*", "**", "?", "[ab]", "[!a]", "[a-b]", "{a,b}", "{a*,b/}", "{,a}", `\*`, ",", "}", "]"}, 1+r.IntN(5))
		value := word([]string{"a", "b", "/", ".", "*", ",", "}", "]"}, r.IntN(6))
		for _, separators := range []string{"", "/"} {
			usual, err := gobwas.Compile(pattern, []rune(separators)...)
			if err != nil {
				continue
			}
			p, err := glob.Compile(pattern, separators)
			if err != nil {
				t.Fatalf("%s: %v", pattern, err)
			}
			if got, want := p.Match(value), usual.Match(value); got != want {
				t.Errorf("%s, separators %q, matches %s: got %v, want %v", pattern, separators, value, got, want)
			}
		}
	}
}

// A quoted text matches itself and nothing else, and no pattern takes the program down.
func FuzzMatch(f *testing.F) {
	f.Add("{a,b*}[!c]", "ax")
	f.Add(`\`, "[")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if len(value) > 1000 {
			return
		}
		if p, err := glob.Compile(pattern, "/"); err == nil {
			p.Match(value)
		}
		quoted, err := glob.Compile(glob.QuoteMeta(pattern), "/")
		if err != nil {
			return
		}
		if !quoted.Match(pattern) || (value != pattern && quoted.Match(value)) {
			t.Errorf("quoted %q: matches itself: %v, %q: %v", pattern, quoted.Match(pattern), value, quoted.Match(value))
		}
	})
}
