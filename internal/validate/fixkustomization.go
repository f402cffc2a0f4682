package validate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/render"
)

// movedField is a deprecated field of a kustomization that can be written as another one.
type movedField struct {
	name, to string
	// first is whether its entries come before those that the other field has, as they are applied.
	first bool
	// entry writes an entry as the other field has it; nil where it stays as it is.
	entry func(listEntry) (listEntry, string)
}

// movedFields come in the order in which they are moved. commonLabels are no list.
var movedFields = []movedField{
	{name: "bases", to: "resources"},
	{name: "imageTags", to: "images"},
	{name: "patchesStrategicMerge", to: "patches", first: true, entry: asPatch},
	{name: "patchesJson6902", to: "patches"},
	{name: commonLabels, to: "labels"},
}

const commonLabels = "commonLabels"

// FixedKustomization is a kustomization with its deprecated fields written as those that replace them.
type FixedKustomization struct {
	Fixed
	// Done is what was corrected, a line each.
	Done []string
}

// FixKustomization writes each deprecated field of a kustomization as the one that replaces it, where the kustomization
// is built to the same afterwards. Only the lines concerned are edited. build returns what a text of it is built to.
func FixKustomization(data []byte, build func(data []byte) ([]byte, error)) FixedKustomization {
	fixed := FixedKustomization{Fixed: Fixed{Data: data}}
	leave := func(field, why string) {
		fixed.Left = append(fixed.Left, fmt.Sprintf("%s is left as it is: %s", field, why))
	}
	for _, move := range movedFields {
		moved, why := moveField(fixed.Data, move)
		if why == "" && bytes.Equal(moved, fixed.Data) {
			continue
		}
		if why == "" {
			why = builtOtherwise(fixed.Data, moved, move.to, build)
		}
		if why != "" {
			leave(move.name, why)
			continue
		}
		fixed.Data = moved
		fixed.Done = append(fixed.Done, fmt.Sprintf("%s is written as %s", move.name, move.to))
	}
	if docs, err := render.SplitDocuments(data); err == nil && len(docs) == 1 && isSet(docs[0], "vars") {
		leave("vars", "replacements copy a value into the fields that they name, and not to wherever a name in $() stands; write them")
	}
	return fixed
}

// builtOtherwise is why a kustomization may not have its text replaced by another; "" where both are built to the same.
func builtOtherwise(data, moved []byte, to string, build func(data []byte) ([]byte, error)) string {
	before, err := build(data)
	if err != nil {
		return err.Error()
	}
	after, err := build(moved)
	switch {
	case err != nil:
		return fmt.Sprintf("as %s it would not be built: %v", to, err)
	case !bytes.Equal(before, after):
		return fmt.Sprintf("as %s it would be built to other objects; write it there as it is meant", to)
	}
	return ""
}

// moveField writes a field of a kustomization as the one that replaces it, or returns why it does not.
func moveField(data []byte, move movedField) (moved []byte, why string) {
	docs, err := render.SplitDocuments(data)
	if err != nil || len(docs) != 1 || render.Field(docs[0], move.name) == nil {
		return data, ""
	}
	root := docs[0]
	f := fixer{lines: strings.SplitAfter(string(data), "\n"), unusual: hasUnusualBreaks(string(data)), edits: map[int]lineEdit{}}
	switch {
	case hasAlias(root):
		return nil, "the kustomization uses anchors"
	case root.Style&yaml.FlowStyle != 0:
		return nil, inOneLine
	}
	if why := f.ambiguous(root); why != "" {
		return nil, why
	}
	why = f.rewrite(root, func(fields []textField) ([]textField, string) { return f.lines.moved(fields, root, move) })
	if why != "" {
		return nil, why
	}
	return []byte(f.text()), ""
}

// moved are the fields of a kustomization after one was moved.
func (l sourceLines) moved(fields []textField, root *yaml.Node, move movedField) ([]textField, string) {
	field, rest := taken(fields, move.name)
	value := render.Field(root, move.name)
	entries, why := l.listEntries(*field, value, move)
	if why != "" || len(entries) == 0 {
		return rest, why
	}
	at := slices.IndexFunc(fields, func(t textField) bool { return t.key == move.name })
	target, _ := taken(fields, move.to)
	if target == nil {
		if fields[at] = field.named(move.to); move.entry != nil || move.name == commonLabels {
			fields[at] = newList(textField{key: move.to, above: field.above, rest: restOf(*field, value)}, entries, widthOf(*field, value))
		}
		return fields, ""
	}
	others := render.Field(root, move.to)
	own, why := l.listEntries(*target, others, movedField{})
	if why != "" {
		return nil, why
	}
	entries[0].above = slices.Concat(withoutBlankStart(field.above), commentOf(restOf(*field, value)), entries[0].above)
	if move.first {
		own, entries = entries, own
	}
	own = append(own, entries...)
	at = slices.IndexFunc(rest, func(t textField) bool { return t.key == move.to })
	rest[at] = newList(textField{key: move.to, above: target.above, rest: restOf(*target, others)}, own, widthOf(*target, others))
	return rest, ""
}

// listEntry is an entry of a list as it is written, without the indentation of the list, with the comments over it.
type listEntry struct {
	above, text []string
	value       *yaml.Node
}

// listEntries are the entries that a field has, or is to have, in the field that replaces it.
func (l sourceLines) listEntries(field textField, value *yaml.Node, move movedField) ([]listEntry, string) {
	if move.name == commonLabels {
		return l.labelEntry(field, value)
	}
	var entries []listEntry
	var why string
	switch {
	case value.Tag == "!!null" || value.Kind == yaml.SequenceNode && len(value.Content) == 0:
		return nil, ""
	case value.Kind != yaml.SequenceNode || value.Anchor != "":
		return nil, field.key + " has no entries of its own"
	case value.Style&yaml.FlowStyle != 0:
		entries, why = l.flowEntries(value)
	default:
		entries, why = blockEntries(field, value)
	}
	for i := range entries {
		if why == "" && move.entry != nil {
			entries[i], why = move.entry(entries[i])
		}
	}
	return entries, why
}

// flowEntries are the entries of a list that is written as [a, b] in one line.
func (l sourceLines) flowEntries(list *yaml.Node) ([]listEntry, string) {
	line := l.line(list.Line)
	end := flowEnd(line, list.Column-1)
	if end < 0 {
		return nil, "its entries are written in brackets over several lines"
	}
	var out []listEntry
	for i, item := range list.Content {
		to := end - 1
		if i+1 < len(list.Content) {
			to = list.Content[i+1].Column - 1
		}
		out = append(out, listEntry{text: []string{"- " + strings.TrimRight(line[item.Column-1:to], ", ")}, value: item})
	}
	return out, ""
}

// blockEntries are the entries of a list that has lines for each.
func blockEntries(field textField, list *yaml.Node) ([]listEntry, string) {
	if rest := strings.TrimSpace(field.rest); rest != "" && !strings.HasPrefix(rest, "#") {
		return nil, "a field is written in an unusual way"
	}
	lines, ok := withoutIndent(field.below, strings.Repeat(" ", list.Column-field.column))
	if !ok {
		return nil, "its lines are indented in an unusual way"
	}
	var out []listEntry
	next := 0
	for i, item := range list.Content {
		at := item.Line - field.line - 1
		if at < next || at >= len(lines) || !strings.HasPrefix(lines[at], "- ") {
			return nil, "its lines are indented in an unusual way"
		}
		above := lines[next:at]
		// Comments over an entry are indented as it is, and what is behind the last one stays behind it.
		if next = at + 1; i+1 == len(list.Content) {
			next = len(lines)
		}
		for next < len(lines) && (lines[next] == "" || strings.HasPrefix(lines[next], " ")) {
			next++
		}
		out = append(out, listEntry{above: above, text: lines[at:next], value: item})
	}
	return out, ""
}

// withoutIndent are lines without the blanks that they begin with; only comments may have fewer.
func withoutIndent(lines []string, indent string) (cut []string, ok bool) {
	for _, line := range lines {
		rest, ok := strings.CutPrefix(line, indent)
		if !ok {
			if rest = strings.TrimLeft(line, " "); !isBlankOrComment(rest) {
				return nil, false
			}
		}
		cut = append(cut, rest)
	}
	return cut, true
}

// asPatch writes an entry of patchesStrategicMerge, which is a file or a patch, as one of patches.
func asPatch(e listEntry) (listEntry, string) {
	if e.value.Kind != yaml.ScalarNode || e.value.Anchor != "" || e.value.Style&yaml.TaggedStyle != 0 {
		return e, "an entry is written in an unusual way"
	}
	key := "path"
	var patch map[string]any
	if yaml.Unmarshal([]byte(e.value.Value), &patch) == nil && patch != nil || strings.Contains(strings.TrimSpace(e.value.Value), "\n") {
		key = "patch"
	}
	text := []string{"- " + key + ": " + strings.TrimLeft(e.text[0][2:], " ")}
	for _, line := range e.text[1:] {
		if strings.HasPrefix(line, " ") {
			line = "  " + line
		}
		text = append(text, line)
	}
	e.text = text
	return e, ""
}

// labelEntry is the one entry of labels that commonLabels are.
func (l sourceLines) labelEntry(field textField, value *yaml.Node) ([]listEntry, string) {
	switch {
	case value.Tag == "!!null" || value.Kind == yaml.MappingNode && len(value.Content) == 0:
		return nil, ""
	case value.Kind != yaml.MappingNode || value.Anchor != "":
		return nil, field.key + " has no fields of its own"
	}
	more := 4 - (value.Column - field.column)
	if value.Style&yaml.FlowStyle != 0 && flowEnd(l.line(value.Line), value.Column-1) < 0 {
		return nil, "its fields are written in braces over several lines"
	}
	text := []string{"- includeSelectors: true", "  pairs:" + field.rest}
	for _, line := range field.below {
		if line != "" {
			line = strings.Repeat(" ", max(more, 0)) + line
		}
		text = append(text, line)
	}
	return []listEntry{{text: text}}, ""
}

// newList is a field with entries, which are indented by a width.
func newList(field textField, entries []listEntry, width int) textField {
	by := strings.Repeat(" ", width)
	for _, e := range entries {
		field.below = append(field.below, indented(slices.Concat(e.above, e.text), by, by)...)
	}
	return field
}

// widthOf is by how much the entries of a list are indented where it has lines for each.
func widthOf(field textField, list *yaml.Node) int {
	if list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0 || len(list.Content) == 0 {
		return 0
	}
	return list.Column - field.column
}

// restOf is the comment behind a field whose list is written anew. That of a mapping goes along with it.
func restOf(field textField, list *yaml.Node) string {
	rest := field.rest
	switch {
	case list.Kind == yaml.MappingNode:
		return ""
	case list.Style&yaml.FlowStyle != 0:
		rest = rest[max(flowEnd(rest, strings.Index(rest, "[")), 0):]
	}
	if at := strings.Index(rest, " #"); at >= 0 {
		return rest[at:]
	}
	return ""
}

func commentOf(rest string) []string {
	if rest = strings.TrimSpace(rest); rest == "" {
		return nil
	}
	return []string{rest}
}

func withoutBlankStart(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	return lines
}
