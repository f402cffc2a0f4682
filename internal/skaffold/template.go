package skaffold

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
)

// The bounds of templates, in bytes: of one, and of what any function in it makes.
const (
	maxTemplate = 4 << 10
	maxExpanded = 64 << 10
)

// expand carries out a template over variables. A variable that is not set is an error, unless it is only asked for.
func expand(text string, env map[string]string) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	if len(text) > maxTemplate {
		return "", fmt.Errorf("a template of %d bytes, which is more than the limit of %d", len(text), maxTemplate)
	}
	variables := maps.Clone(env)
	if variables == nil {
		variables = map[string]string{}
	}
	t, err := parseTemplate(text, variables)
	if err != nil {
		return "", err
	}
	var out bounded
	if err := t.Execute(&out, variables); err != nil {
		return "", errors.New(shortened(err))
	}
	return out.String(), nil
}

// parseTemplate reads a template of what is carried out, and sets the variables that are only asked for.
func parseTemplate(text string, variables map[string]string) (*template.Template, error) {
	t, err := template.New("").Funcs(functions).Option("missingkey=error").Parse(text)
	switch {
	case err != nil:
		return nil, errors.New(shortened(err))
	case len(t.Templates()) > 1:
		return nil, errors.New("define is not carried out")
	case t.Root == nil:
		return t, nil
	}
	return t, allowed(t.Root, variables)
}

var (
	missingVariable = regexp.MustCompile(`no entry for key "([^"]+)"`)
	ofTemplate      = regexp.MustCompile(`^template: :(\d+:)?(\d+: )?|executing "" at `)
)

// shortened is what a person needs of an error of a template.
func shortened(err error) string {
	if m := missingVariable.FindStringSubmatch(err.Error()); m != nil {
		return "variable " + m[1] + " not set"
	}
	return strings.TrimSpace(ofTemplate.ReplaceAllString(err.Error(), ""))
}

// bounded is a text that does not grow over its bound.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxExpanded {
		return 0, errTooLong
	}
	return b.Builder.Write(p)
}

var errTooLong = fmt.Errorf("makes more than %d bytes", maxExpanded)

// allowed refuses what runs or grows without bound, and sets variables that are only asked for.
func allowed(n parse.Node, variables map[string]string) error {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			if err := allowed(child, variables); err != nil {
				return err
			}
		}
		return nil
	case *parse.TextNode, *parse.CommentNode:
		return nil
	case *parse.ActionNode:
		return allowedPipe(n.Pipe, false, variables)
	case *parse.IfNode:
		return allowedBranch(&n.BranchNode, variables)
	case *parse.WithNode:
		return allowedBranch(&n.BranchNode, variables)
	}
	return fmt.Errorf("%s is not carried out", n)
}

func allowedBranch(n *parse.BranchNode, variables map[string]string) error {
	return errors.Join(allowedPipe(n.Pipe, true, variables), allowed(n.List, variables), allowed(n.ElseList, variables))
}

// optional are functions that ask whether a variable is set.
var optional = map[string]bool{"default": true, "coalesce": true, "empty": true, "ternary": true, "and": true, "or": true, "not": true}

// allowedPipe sets those variables that are asked for to nothing where they are not set.
func allowedPipe(p *parse.PipeNode, asked bool, variables map[string]string) error {
	if len(p.Decl) > 0 {
		return errors.New("variables are not carried out")
	}
	for _, c := range p.Cmds {
		if id, ok := c.Args[0].(*parse.IdentifierNode); ok && optional[id.Ident] {
			asked = true
		}
	}
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			switch arg := arg.(type) {
			case *parse.FieldNode:
				if _, set := variables[arg.Ident[0]]; asked && !set {
					variables[arg.Ident[0]] = ""
				}
			case *parse.PipeNode:
				if err := allowedPipe(arg, asked, variables); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// text bounds what a function makes.
func text(s string) (string, error) {
	if len(s) > maxExpanded {
		return "", errTooLong
	}
	return s, nil
}

// functions are those that templates in these files use, with the arguments of the sprig library.
var functions = template.FuncMap{
	"default": func(otherwise, value any) any {
		if fmt.Sprint(value) == "" {
			return otherwise
		}
		return value
	},
	"coalesce": func(values ...any) any {
		for _, v := range values {
			if fmt.Sprint(v) != "" {
				return v
			}
		}
		return ""
	},
	"empty": func(v any) bool { return fmt.Sprint(v) == "" },
	"ternary": func(yes, no any, is bool) any {
		if is {
			return yes
		}
		return no
	},
	"lower":      strings.ToLower,
	"upper":      strings.ToUpper,
	"trim":       strings.TrimSpace,
	"trimPrefix": func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
	"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
	"trimAll":    func(cut, s string) string { return strings.Trim(s, cut) },
	"contains":   func(part, s string) bool { return strings.Contains(s, part) },
	"hasPrefix":  func(prefix, s string) bool { return strings.HasPrefix(s, prefix) },
	"hasSuffix":  func(suffix, s string) bool { return strings.HasSuffix(s, suffix) },
	"replace":    replaced,
	"trunc":      truncated,
	"quote":      func(s any) (string, error) { return text(fmt.Sprintf("%q", fmt.Sprint(s))) },
	"squote":     func(s any) (string, error) { return text("'" + fmt.Sprint(s) + "'") },
	"sha256sum":  func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) },
	"b64enc":     func(s string) (string, error) { return text(base64.StdEncoding.EncodeToString([]byte(s))) },
	"toString":   func(v any) string { return fmt.Sprint(v) },

	// Those of the language, within bounds.
	"print":    func(v ...any) (string, error) { return text(fmt.Sprint(v...)) },
	"println":  func(v ...any) (string, error) { return text(fmt.Sprintln(v...)) },
	"printf":   formatted,
	"html":     func(v ...any) (string, error) { return text(html.EscapeString(fmt.Sprint(v...))) },
	"urlquery": func(v ...any) (string, error) { return text(url.QueryEscape(fmt.Sprint(v...))) },
	"js":       func(v ...any) (string, error) { return text(template.JSEscapeString(fmt.Sprint(v...))) },
}

// replaced makes the text only when it stays within bounds.
func replaced(old, by, s string) (string, error) {
	if len(s)+strings.Count(s, old)*len(by) > maxExpanded {
		return "", errTooLong
	}
	return strings.ReplaceAll(s, old, by), nil
}

// truncated returns the first bytes, or the last ones for a negative number.
func truncated(n int, s string) string {
	switch {
	case n >= 0 && n < len(s):
		return s[:n]
	case n < 0 && -n < len(s):
		return s[len(s)+n:]
	}
	return s
}

var widths = regexp.MustCompile(`\*|\d{4,}`)

// formatted is printf without widths that only fill memory.
func formatted(format string, v ...any) (string, error) {
	if widths.MatchString(format) {
		return "", errors.New("printf with such a width is not carried out")
	}
	return text(fmt.Sprintf(format, v...))
}
