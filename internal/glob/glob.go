// Package glob matches the patterns that people write in projects and settings: * stands for any characters, ? for one,
// [ab], [a-c] and [!a] for one of some, {a,b} for one of several patterns, and \ takes the next character as it is.
//
// A match takes time that grows with the pattern times the value, whatever the two are: a pattern is compiled to an
// expression that is matched without going back.
package glob

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// longest bounds a pattern, in bytes.
const longest = 4096

// special are the characters that mean something in a pattern.
const special = `*?\[]{}`

// Pattern is a compiled pattern. The zero value matches nothing.
type Pattern struct {
	// text is the pattern where it has nothing special; else expression is what it means.
	text       string
	literal    bool
	expression *regexp.Regexp
}

// Compile reads a pattern. Separators are characters that * and ? do not match; ** does.
func Compile(pattern, separators string) (Pattern, error) {
	switch {
	case len(pattern) > longest:
		return Pattern{}, fmt.Errorf("longer than %d bytes", longest)
	case !utf8.ValidString(pattern):
		return Pattern{}, errors.New("not UTF-8")
	case !strings.ContainsAny(pattern, special):
		return Pattern{text: pattern, literal: true}, nil
	}
	t := translation{rest: []rune(pattern), one: "."}
	if separators != "" {
		t.one = "[^" + regexp.QuoteMeta(separators) + "]"
	}
	if err := t.all(); err != nil {
		return Pattern{}, err
	}
	compiled, err := regexp.Compile(`(?s)\A(?:` + t.out.String() + `)\z`)
	if err != nil {
		return Pattern{}, fmt.Errorf("too complex: %w", err)
	}
	return Pattern{expression: compiled}, nil
}

// CompileName reads a pattern of names; between slashes stands a regular expression that matches a part of them.
func CompileName(pattern string) (Pattern, error) {
	expression, ok := strings.CutPrefix(pattern, "/")
	if !ok || !strings.HasSuffix(expression, "/") || len(pattern) > longest {
		return Compile(pattern, "")
	}
	compiled, err := regexp.Compile(strings.TrimSuffix(expression, "/"))
	if err != nil {
		return Pattern{}, err
	}
	return Pattern{expression: compiled}, nil
}

// Match reports whether a value is as the pattern has it, from its beginning to its end.
func (p Pattern) Match(value string) bool {
	if p.expression == nil {
		return p.literal && p.text == value
	}
	return p.expression.MatchString(value)
}

// Expression returns the regular expression that matches what the pattern does, from its beginning to its end.
func (p Pattern) Expression() string {
	switch {
	case p.expression != nil:
		return p.expression.String()
	case p.literal:
		return `\A` + regexp.QuoteMeta(p.text) + `\z`
	}
	return `[^\x{0}-\x{10ffff}]`
}

// Match reports whether a value is as a pattern without separators has it, or what about the pattern is invalid.
func Match(pattern, value string) (bool, error) {
	if pattern == "*" {
		return true, nil
	}
	p, err := Compile(pattern, "")
	return err == nil && p.Match(value), err
}

// QuoteMeta returns the pattern that matches a text and nothing else.
func QuoteMeta(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if strings.IndexByte(special, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// translation makes an expression of a pattern.
type translation struct {
	rest []rune
	// one is the expression for any one character but a separator.
	one string
	out strings.Builder
	// open is the number of braces that are open.
	open int
}

// next takes the next character.
func (t *translation) next() rune {
	r := t.rest[0]
	t.rest = t.rest[1:]
	return r
}

func (t *translation) all() error {
	for len(t.rest) > 0 {
		if err := t.term(t.next()); err != nil {
			return err
		}
	}
	if t.open > 0 {
		return errors.New("unclosed {")
	}
	return nil
}

func (t *translation) term(r rune) error {
	switch {
	case r == '*':
		t.star()
	case r == '?':
		t.out.WriteString(t.one)
	case r == '[':
		return t.class()
	case r == '{':
		t.open++
		t.out.WriteString("(?:")
	case r == '}' && t.open > 0:
		t.open--
		t.out.WriteByte(')')
	case r == ',' && t.open > 0:
		t.out.WriteByte('|')
	case r == '\\':
		if len(t.rest) == 0 {
			return errors.New(`trailing \`)
		}
		t.text(t.next())
	default:
		t.text(r)
	}
	return nil
}

func (t *translation) text(r rune) { t.out.WriteString(regexp.QuoteMeta(string(r))) }

func (t *translation) star() {
	if len(t.rest) > 0 && t.rest[0] == '*' {
		t.next()
		t.out.WriteString(".*")
		return
	}
	t.out.WriteString(t.one + "*")
}

// class takes the characters, or the range, up to the closing bracket.
func (t *translation) class() error {
	not := ""
	if len(t.rest) > 0 && t.rest[0] == '!' {
		t.next()
		not = "^"
	}
	if len(t.rest) > 3 && t.rest[1] == '-' && t.rest[3] == ']' {
		low, high := t.rest[0], t.rest[2]
		if t.rest = t.rest[4:]; high < low {
			return errors.New("range with its ends exchanged")
		}
		fmt.Fprintf(&t.out, `[%s\x{%x}-\x{%x}]`, not, low, high)
		return nil
	}
	var members strings.Builder
	for len(t.rest) > 0 {
		r := t.next()
		switch {
		case r == ']' && members.Len() == 0:
			return errors.New("empty []")
		case r == ']':
			fmt.Fprintf(&t.out, "[%s%s]", not, members.String())
			return nil
		case r == '\\' && len(t.rest) > 0:
			r = t.next()
		}
		fmt.Fprintf(&members, `\x{%x}`, r)
	}
	return errors.New("unclosed [")
}
