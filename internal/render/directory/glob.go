package directory

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
)

// glob is a pattern for paths below a source's path. A star matches slashes as well, and {a,b} is a or b. It is a
// regular expression, whose matching takes no longer than path and pattern are long; the usual library for such
// patterns tries all alternatives.
type glob struct{ pattern *regexp.Regexp }

// longestPattern is the longest pattern that is taken.
const longestPattern = 4096

func parseGlob(field, pattern string) (glob, error) {
	if pattern == "" {
		return glob{}, nil
	}
	expression, err := expressionOf(pattern)
	if err == nil {
		var compiled *regexp.Regexp
		if compiled, err = regexp.Compile(expression); err == nil {
			return glob{compiled}, nil
		}
		err = errors.New("not a pattern")
	}
	return glob{}, &problem.Error{
		Kind: problem.Usage, Field: field, Cause: fmt.Sprintf("%.100q: invalid pattern: %v", pattern, err), Remedy: "write it with *, ?, [a-z] and {a,b}",
	}
}

// expressionOf translates a pattern into a regular expression.
func expressionOf(pattern string) (string, error) {
	if len(pattern) > longestPattern {
		return "", fmt.Errorf("%d bytes are more than the limit of %d", len(pattern), longestPattern)
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	braces := 0
	for rest := pattern; rest != ""; {
		c := rest[0]
		rest = rest[1:]
		switch {
		case c == '*':
			b.WriteString(`.*`)
		case c == '?':
			b.WriteString(`.`)
		case c == '[':
			class, after, err := classOf(rest)
			if err != nil {
				return "", err
			}
			b.WriteString(class)
			rest = after
		case c == '\\' && rest == "":
			return "", errors.New("a backslash at the end")
		case c == '\\':
			b.WriteString(quoted(rest[0]))
			rest = rest[1:]
		default:
			b.WriteString(alternative(c, &braces))
		}
	}
	if braces > 0 {
		return "", errors.New("{ without }")
	}
	b.WriteString(`\z`)
	return b.String(), nil
}

// alternative translates {a,b}, byte by byte; braces are those that are open. Any other byte stands for itself.
func alternative(c byte, braces *int) string {
	switch {
	case c == '{':
		*braces++
		return `(?:`
	case c == '}' && *braces > 0:
		*braces--
		return `)`
	case c == ',' && *braces > 0:
		return `|`
	}
	return quoted(c)
}

// quoted is a byte of a path as an expression; those beyond ASCII are parts of a rune.
func quoted(c byte) string {
	if c < 0x80 {
		return regexp.QuoteMeta(string(rune(c)))
	}
	return string([]byte{c})
}

// classOf translates what follows a [: [abc], [a-z], or with a ! in front what is not that.
func classOf(rest string) (class, after string, err error) {
	inner, after, closed := strings.Cut(rest, "]")
	negated := strings.HasPrefix(inner, "!")
	inner = strings.TrimPrefix(inner, "!")
	if !closed || inner == "" {
		return "", "", errors.New("[ without ]")
	}
	var b strings.Builder
	b.WriteString("[")
	if negated {
		b.WriteString("^")
	}
	runes := []rune(inner)
	isRange := len(runes) == 3 && runes[1] == '-'
	for i, r := range runes {
		if isRange && i == 1 {
			b.WriteString("-")
			continue
		}
		fmt.Fprintf(&b, `\x{%x}`, r)
	}
	return b.String() + "]", after, nil
}

func (g glob) given() bool                 { return g.pattern != nil }
func (g glob) matches(relPath string) bool { return g.pattern.MatchString(relPath) }
