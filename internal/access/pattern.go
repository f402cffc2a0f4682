package access

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cyan-cd/cyan/internal/glob"
)

// longestPattern bounds a pattern, in bytes.
const longestPattern = 1024

// special are the characters that make a glob more than a name.
const special = `*?\[]{}`

// mode is how patterns are read.
type mode string

// The values of policy.matchMode.
const (
	globMode  mode = "glob"
	regexMode mode = "regex"
)

// pattern matches a resource, an action or an object.
type pattern struct {
	text  string
	match func(value string) bool
	// isExpression is set for a regular expression; others are globs.
	isExpression bool
}

// compile reads a pattern. A * of a glob stands for slashes as well, and an expression matches anywhere in a value, as
// the policies that people have expect.
func compile(text string, m mode) (pattern, error) {
	p := pattern{text: text}
	if len(text) > longestPattern {
		return pattern{}, fmt.Errorf("longer than %d bytes", longestPattern)
	}
	if m == regexMode {
		expression, err := regexp.Compile(text)
		if err != nil {
			return pattern{}, err
		}
		p.match, p.isExpression = expression.MatchString, true
		return p, nil
	}
	prefix, star := strings.CutSuffix(text, "*")
	switch {
	case !strings.ContainsAny(text, special):
		p.match = func(value string) bool { return value == text }
	case star && !strings.ContainsAny(prefix, special):
		p.match = func(value string) bool { return strings.HasPrefix(value, prefix) }
	case text == "*/*":
		p.match = func(value string) bool { return strings.Contains(value, "/") }
	default:
		compiled, err := glob.Compile(text, "")
		if err != nil {
			return pattern{}, err
		}
		p.match = compiled.Match
	}
	return p, nil
}

// isLiteral reports whether the pattern stands for one value alone.
func (p pattern) isLiteral() bool { return !strings.ContainsAny(p.text, special) }

// matchAny is the pattern of a line that denies and whose own pattern is invalid.
func matchAny(string) bool { return true }
