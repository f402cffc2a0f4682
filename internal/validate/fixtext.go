package validate

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/render"
)

// sourceLines are the lines of a file, each with its end.
type sourceLines []string

// hasUnusualBreaks reports whether a text has what YAML takes for the end of a line, and most programs do not.
func hasUnusualBreaks(text string) bool {
	return strings.ContainsAny(strings.ReplaceAll(text, "\r\n", "\n"), "\r\u0085\u2028\u2029")
}

// textField is a field of a mapping as it is written, so that it can be moved, renamed and put into another one.
type textField struct {
	key string
	// above are the lines of comments over it, rest is what follows the colon in its line, and below are the lines under
	// that, all without the indentation of the mapping.
	above []string
	rest  string
	below []string

	// fields and items stand for the value where it is made of other fields.
	fields []textField
	items  []textItem
	// indented is by how much items are indented, and after are comments behind the last item or field.
	indented int
	after    []string

	// line and column are where the key stands.
	line, column int
}

// textItem is a mapping in a list, with the comments over it.
type textItem struct {
	above  []string
	fields []textField
}

func newField(key, value string) textField { return textField{key: key, rest: " " + value} }

func newMapping(key string, fields ...textField) textField {
	return textField{key: key, fields: fields}
}

func (t textField) named(key string) textField {
	t.key = key
	return t
}

// taken returns the field of a name, or nil, and the fields without it.
func taken(from []textField, key string) (*textField, []textField) {
	for i := range from {
		if from[i].key == key {
			return &from[i], append(append([]textField{}, from[:i]...), from[i+1:]...)
		}
	}
	return nil, from
}

// textOf returns the fields of a mapping as they are written, or why they cannot be moved.
func (l sourceLines) textOf(m *yaml.Node) ([]textField, string) {
	if m == nil || m.Kind != yaml.MappingNode || len(m.Content) == 0 {
		return nil, "a field that has to change has no fields of its own"
	}
	for pair := range slices.Chunk(m.Content, 2) {
		if key := pair[0]; key.Kind != yaml.ScalarNode || key.Style != 0 || key.Tag == "!!merge" || key.Anchor != "" {
			return nil, "a field is written in an unusual way"
		}
	}
	if m.Anchor != "" {
		return nil, "its fields are used elsewhere by an anchor"
	}
	if m.Style&yaml.FlowStyle != 0 {
		return l.flowText(m)
	}
	return l.blockText(m)
}

// mappingText returns a field with the fields of the mapping that it has, or why they cannot be moved. The comments
// around them stay.
func (l sourceLines) mappingText(field textField, m *yaml.Node) (textField, string) {
	fields, why := l.textOf(m)
	if why != "" {
		return textField{}, why
	}
	made := textField{key: field.key, above: field.above, rest: field.rest, fields: fields}
	at := m.Line
	if m.Style&yaml.FlowStyle != 0 {
		made.rest = ""
		for _, comment := range l.commentBehind(m) {
			made.rest = " " + comment
		}
	} else {
		var above []string
		for n := m.Content[0].Line - 1; n > field.line; n-- {
			above = append([]string{strings.TrimSpace(l.line(n))}, above...)
		}
		fields[0].above = append(above, fields[0].above...)
		at = l.blockEnd(m.Content[len(m.Content)-1], m.Content[len(m.Content)-2])
	}
	made.after = l.comments(at+1, field.line+len(field.below))
	return made, ""
}

// blockText is textOf a mapping that has a line for each field.
func (l sourceLines) blockText(m *yaml.Node) ([]textField, string) {
	var out []textField
	var above []string
	for i := 0; i+1 < len(m.Content); i += 2 {
		key := m.Content[i]
		last := l.blockEnd(m.Content[i+1], key)
		if i+2 < len(m.Content) {
			last = m.Content[i+2].Line - 1
		}
		line := l.line(key.Line)
		rest, ok := strings.CutPrefix(line[min(key.Column-1, len(line)):], key.Value+":")
		if !ok || last < key.Line {
			return nil, inOneLine
		}
		field := textField{key: key.Value, rest: rest, above: above, line: key.Line, column: key.Column}
		if field.below, above, ok = l.below(key, last); !ok {
			return nil, "its lines are indented in an unusual way"
		}
		out = append(out, field)
	}
	return out, ""
}

// line is a line without its end.
func (l sourceLines) line(n int) string {
	if n < 1 || n > len(l) {
		return ""
	}
	return strings.TrimRight(l[n-1], "\r\n")
}

// below returns the lines under a key up to the last one that belong to it, and the comments that belong to the next.
func (l sourceLines) below(key *yaml.Node, last int) (own, next []string, ok bool) {
	indent := strings.Repeat(" ", key.Column-1)
	kept := last
	for ; kept > key.Line; kept-- {
		if line := l.line(kept); !isBlankOrComment(line) || indentOf(line) >= key.Column && strings.TrimSpace(line) != "" {
			break
		}
	}
	for n := key.Line + 1; n <= last; n++ {
		line, cut := strings.CutPrefix(l.line(n), indent)
		if !cut {
			if line = strings.TrimLeft(line, " "); !isBlankOrComment(line) {
				return nil, nil, false
			}
		}
		if n <= kept {
			own = append(own, line)
		} else {
			next = append(next, line)
		}
	}
	return own, next, true
}

// blockEnd is the last line of the value of a key that is the last one of its mapping.
func (l sourceLines) blockEnd(value, key *yaml.Node) int {
	last := key.Line
	for n := key.Line + 1; n <= len(l); n++ {
		line := l.line(n)
		indent := indentOf(line)
		switch {
		case strings.TrimSpace(line) == "":
		case indent >= key.Column, indent == key.Column-1 && value.Kind == yaml.SequenceNode && value.Style&yaml.FlowStyle == 0 && (line[indent:] == "-" || strings.HasPrefix(line[indent:], "- ")):
			last = n
		case !strings.HasPrefix(line[indent:], "#"):
			return last
		}
	}
	return last
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func isBlankOrComment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#")
}

// flowText is textOf a mapping that is written as {a: 1, b: 2} in one line.
func (l sourceLines) flowText(m *yaml.Node) ([]textField, string) {
	line := l.line(m.Line)
	end := flowEnd(line, m.Column-1)
	if end < 0 {
		return nil, "its fields are written in braces over several lines"
	}
	var out []textField
	for i := 0; i+1 < len(m.Content); i += 2 {
		key := m.Content[i]
		from, to := key.Column-1, end-1
		if i+2 < len(m.Content) {
			to = m.Content[i+2].Column - 1
		}
		rest, ok := strings.CutPrefix(strings.TrimRight(line[from:to], ", "), key.Value+":")
		if !ok {
			return nil, "a field is written in an unusual way"
		}
		out = append(out, textField{key: key.Value, rest: rest})
	}
	return out, ""
}

// flowEnd is where what begins with a brace has ended in a line that has but ASCII, or -1.
func flowEnd(line string, from int) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c >= 0x80:
			return -1
		case i < from:
		case quote != 0:
			if c == '\\' && quote == '"' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// listText returns a field with the mappings of the list that it has, or why they cannot be moved.
func (l sourceLines) listText(field textField, list *yaml.Node) (textField, string) {
	if list == nil || list.Kind != yaml.SequenceNode || list.Anchor != "" {
		return textField{}, field.key + " has no entries of its own"
	}
	if list.Style&yaml.FlowStyle != 0 {
		return l.flowList(field, list)
	}
	made := textField{key: field.key, above: field.above, rest: field.rest, indented: list.Column - field.column}
	at := field.line
	for _, item := range list.Content {
		fields, why := l.textOf(item)
		if why != "" {
			return textField{}, why
		}
		if item.Column != list.Column+2 || !strings.HasPrefix(l.line(item.Line)[list.Column-1:], "- ") {
			return textField{}, "its lines are indented in an unusual way"
		}
		above := l.comments(at+1, item.Line-1)
		if at = item.Line; item.Style&yaml.FlowStyle == 0 {
			at = l.blockEnd(item.Content[len(item.Content)-1], item.Content[len(item.Content)-2])
		} else {
			// What is behind the braces stands over the lines that come in their place.
			above = append(above, l.commentBehind(item)...)
		}
		made.items = append(made.items, textItem{above: above, fields: fields})
	}
	made.after = l.comments(at+1, field.line+len(field.below))
	return made, ""
}

// commentBehind is the comment behind what is written in braces or brackets in one line, or nothing.
func (l sourceLines) commentBehind(n *yaml.Node) []string {
	line := l.line(n.Line)
	if end := flowEnd(line, n.Column-1); end >= 0 {
		if rest := strings.TrimSpace(line[end:]); strings.HasPrefix(rest, "#") {
			return []string{rest}
		}
	}
	return nil
}

// comments are the lines from one to another, which have nothing but comments, without their indentation.
func (l sourceLines) comments(first, last int) []string {
	var out []string
	for n := first; n <= last; n++ {
		out = append(out, strings.TrimSpace(l.line(n)))
	}
	return out
}

// flowList is listText of a list that is written as [{a: 1}, {a: 2}] in one line.
func (l sourceLines) flowList(field textField, list *yaml.Node) (textField, string) {
	if flowEnd(l.line(list.Line), list.Column-1) < 0 {
		return textField{}, "its fields are written in braces over several lines"
	}
	made := textField{key: field.key, above: field.above}
	for _, comment := range l.commentBehind(list) {
		made.rest = " " + comment
	}
	for _, item := range list.Content {
		fields, why := l.textOf(item)
		if why != "" {
			return textField{}, why
		}
		made.items = append(made.items, textItem{fields: fields})
	}
	return made, ""
}

// rewrite has the fields of a mapping written as change returns them. It returns why that is not possible.
func (f *fixer) rewrite(m *yaml.Node, change func(fields []textField) ([]textField, string)) string {
	if f.aliased {
		return "the object uses anchors"
	}
	fields, why := f.lines.textOf(m)
	if why != "" {
		return why
	}
	changed, why := change(fields)
	if why != "" || len(changed) == 0 {
		return why
	}
	if m.Style&yaml.FlowStyle != 0 {
		return f.rewriteFlow(m, changed)
	}
	first := m.Content[0]
	end := f.lines.blockEnd(m.Content[len(m.Content)-1], m.Content[len(m.Content)-2])
	made := blockLines(changed)
	indent := strings.Repeat(" ", first.Column-1)
	for i := range made {
		if made[i] != "" && i > 0 {
			made[i] = indent + made[i]
		}
	}
	made[0] = f.lines.line(first.Line)[:first.Column-1] + made[0]
	return f.replaceLines(first.Line, end, made)
}

// replaceLines writes other lines in the place of some; those that stay the same are not edited.
func (f *fixer) replaceLines(first, last int, made []string) string {
	for first <= last && len(made) > 0 && made[0] == f.lines.line(first) {
		first, made = first+1, made[1:]
	}
	for last >= first && len(made) > 0 && made[len(made)-1] == f.lines.line(last) {
		last, made = last-1, made[:len(made)-1]
	}
	if first > last {
		if len(made) == 0 {
			return ""
		}
		// What is only added comes after the line before.
		first--
		made = append([]string{f.lines.line(first)}, made...)
		last = first
	}
	for n := first; n <= last; n++ {
		lines := made
		if n > first {
			lines = nil
		}
		if !f.edit(n, func(string) []string { return lines }) {
			return inOneLine
		}
	}
	return ""
}

func (f *fixer) rewriteFlow(m *yaml.Node, changed []textField) string {
	for _, c := range changed {
		if len(c.below)+len(c.above) > 0 {
			return inOneLine
		}
	}
	text := flowLine(changed)
	done := f.edit(m.Line, func(line string) []string {
		start := m.Column - 1
		return []string{line[:start] + text + line[flowEnd(line, start):]}
	})
	if !done {
		return inOneLine
	}
	return ""
}

// blockLines are the lines of fields that have one each.
func blockLines(fields []textField) []string {
	var out []string
	for _, t := range fields {
		out = append(out, t.above...)
		out = append(out, t.key+":"+t.rest)
		switch {
		case t.fields != nil:
			out = append(out, indented(blockLines(t.fields), "  ", "  ")...)
			out = append(out, indented(t.after, "  ", "  ")...)
		case t.items != nil:
			by := strings.Repeat(" ", t.indented)
			for _, item := range t.items {
				out = append(out, indented(item.above, by, by)...)
				out = append(out, indented(blockLines(item.fields), by+"- ", by+"  ")...)
			}
			out = append(out, indented(t.after, by, by)...)
		default:
			out = append(out, t.below...)
		}
	}
	return out
}

// indented puts one text in front of the first line, and another in front of the others.
func indented(lines []string, first, others string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		switch {
		case line == "":
		case i == 0:
			out[i] = first + line
		default:
			out[i] = others + line
		}
	}
	return out
}

// flowLine is a mapping in braces.
func flowLine(fields []textField) string {
	parts := make([]string, 0, len(fields))
	for _, t := range fields {
		text := t.rest
		switch {
		case t.fields != nil:
			text = " " + flowLine(t.fields)
		case t.items != nil:
			var items []string
			for _, item := range t.items {
				items = append(items, flowLine(item.fields))
			}
			text = " [" + strings.Join(items, ", ") + "]"
		}
		parts = append(parts, t.key+":"+text)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// hasAlias reports whether a value uses one that stands elsewhere, so that its lines are not its own.
func hasAlias(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode {
		return true
	}
	for _, c := range n.Content {
		if hasAlias(c) {
			return true
		}
	}
	return false
}

// givenTwice is a key that a mapping, or one below it, has twice; "" where there is none.
func givenTwice(n *yaml.Node) string {
	seen := map[string]bool{}
	for i, c := range n.Content {
		if isKey := n.Kind == yaml.MappingNode && i%2 == 0; isKey && seen[c.Value] {
			return c.Value
		} else if isKey {
			seen[c.Value] = true
		}
		if key := givenTwice(c); key != "" {
			return key
		}
	}
	return ""
}

// itemsOf are the elements of a list, none where it is no list.
func itemsOf(list *yaml.Node) []*yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	return list.Content
}

// isSet reports whether a mapping has a field that is not null.
func isSet(of *yaml.Node, field string) bool {
	v := render.Field(of, field)
	return v != nil && v.Tag != "!!null"
}
