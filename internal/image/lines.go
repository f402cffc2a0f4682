package image

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// lines is a YAML file as text, edited at the places that the parser reports. Inserted lines go behind the line they
// follow and leave the numbers of the others alone.
type lines struct {
	text []string
	// end is what ends a line: \n or \r\n.
	end string
	// after holds lines to insert behind a line, by index; dropped lines go.
	after   map[int][]string
	dropped map[int]bool
}

func newText(data []byte) *lines {
	t := &lines{end: "\n", after: map[int][]string{}, dropped: map[int]bool{}}
	text := string(data)
	if strings.Contains(text, "\r\n") {
		t.end = "\r\n"
	}
	t.text = strings.Split(text, "\n")
	return t
}

func (t *lines) bytes() []byte {
	var out []string
	for i, line := range t.text {
		if t.dropped[i] {
			continue
		}
		inserted := t.after[i]
		if len(inserted) > 0 && i == len(t.text)-1 && line != "" {
			// The last line had no end.
			out = append(out, strings.TrimSuffix(line, "\r")+strings.TrimSuffix(t.end, "\n"))
			for _, l := range inserted {
				out = append(out, l+strings.TrimSuffix(t.end, "\n"))
			}
			out = append(out, "")
			continue
		}
		out = append(out, line)
		for _, l := range inserted {
			out = append(out, l+strings.TrimSuffix(t.end, "\n"))
		}
	}
	return []byte(strings.Join(out, "\n"))
}

// at returns the line of a node and the byte where the node begins; the parser counts characters.
func (t *lines) at(n *yaml.Node) (line, column int, ok bool) {
	line = n.Line - 1
	if line < 0 || line >= len(t.text) {
		return 0, 0, false
	}
	runes := 0
	for i := range t.text[line] {
		if runes == n.Column-1 {
			return line, i, true
		}
		runes++
	}
	return line, len(t.text[line]), runes == n.Column-1
}

// span returns where a scalar on one line begins and ends in the text.
func (t *lines) span(n *yaml.Node) (line, from, to int, ok bool) {
	if n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return 0, 0, 0, false
	}
	line, from, ok = t.at(n)
	if !ok {
		return 0, 0, 0, false
	}
	rest := t.text[line][from:]
	switch {
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		if rest == "" || strings.IndexByte(rest[1:], rest[0]) < 0 || strings.Contains(rest, `\`) {
			return 0, 0, 0, false
		}
		to = from + strings.IndexByte(rest[1:], rest[0]) + 2
	case strings.HasPrefix(rest, n.Value):
		to = from + len(n.Value)
	default:
		return 0, 0, 0, false
	}
	return line, from, to, true
}

// replace writes key: value anew, where both are on one line.
func (t *lines) replace(key, value *yaml.Node, with string) error {
	keyLine, from, _, ok := t.span(key)
	line, _, to, ok2 := t.span(value)
	if !ok || !ok2 || keyLine != line {
		return errUneditable
	}
	t.text[line] = t.text[line][:from] + with + t.text[line][to:]
	return nil
}

// drop removes a line that holds a key and its value and nothing else.
func (t *lines) drop(key, value *yaml.Node) error {
	keyLine, from, _, ok := t.span(key)
	line, _, _, ok2 := t.span(value)
	if !ok || !ok2 || keyLine != line || strings.TrimSpace(t.text[line][:from]) != "" {
		return errUneditable
	}
	t.dropped[line] = true
	return nil
}

// append writes behind a scalar on its line.
func (t *lines) append(n *yaml.Node, what string) error {
	line, _, to, ok := t.span(n)
	if !ok {
		return errUneditable
	}
	t.text[line] = t.text[line][:to] + what + t.text[line][to:]
	return nil
}

// insertAfter puts a key on a line of its own behind a scalar, in the column of its mapping's first key.
func (t *lines) insertAfter(n, first *yaml.Node, what string) error {
	line, _, _, ok := t.span(n)
	_, column, ok2 := t.at(first)
	if !ok || !ok2 {
		return errUneditable
	}
	// The column may be of a line that begins with a dash.
	t.after[line] = append([]string{strings.Repeat(" ", column) + what}, t.after[line]...)
	return nil
}

// insertEntry puts an entry behind the last one of a list, under the same dash.
func (t *lines) insertEntry(last *yaml.Node, entry []string) error {
	line, column, ok := t.at(last)
	if !ok {
		return errUneditable
	}
	dash := strings.LastIndexByte(t.text[line][:column], '-')
	if dash < 0 || strings.TrimSpace(t.text[line][:dash]) != "" {
		return errUneditable
	}
	t.after[lastLine(last)-1] = indented(t.text[line][:dash], entry)
	return nil
}

func lastLine(n *yaml.Node) int {
	line := n.Line
	for _, c := range n.Content {
		line = max(line, lastLine(c))
	}
	return line
}

func indented(by string, entry []string) []string {
	out := make([]string, len(entry))
	for i, line := range entry {
		out[i] = by + line
	}
	return out
}

// fill writes the first entry under a key without entries.
func (t *lines) fill(key *yaml.Node, entry []string) error {
	line, from, to, ok := t.span(key)
	if !ok || strings.TrimSpace(t.text[line][:from]) != "" {
		return errUneditable
	}
	rest := t.text[line][to:]
	comment := ""
	if i := strings.Index(rest, " #"); i >= 0 {
		comment = strings.TrimSuffix(rest[i:], "\r")
	}
	ending := ""
	if strings.HasSuffix(rest, "\r") {
		ending = "\r"
	}
	t.text[line] = t.text[line][:to] + ":" + comment + ending
	t.after[line] = indented(t.text[line][:from], entry)
	return nil
}

// addAtEnd puts lines behind the last one that holds something.
func (t *lines) addAtEnd(what []string) error {
	last := len(t.text) - 1
	for last > 0 && strings.TrimSpace(t.text[last]) == "" {
		last--
	}
	if strings.TrimSpace(t.text[last]) == "..." {
		last--
	}
	if last < 0 {
		return errUneditable
	}
	if last == 0 && strings.TrimSpace(t.text[0]) == "" {
		// An empty file.
		t.text = append(what, "")
		return nil
	}
	t.after[last] = what
	return nil
}
