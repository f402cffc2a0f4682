package validate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/render"
)

// Fixed is a file in which everything is corrected that can be without guessing.
type Fixed struct {
	Data []byte
	// Left is what would have to be corrected as well, and could not be, a line each.
	Left []string
}

// Fix migrates the objects of a file to versions that a minor version of Kubernetes serves, and serves on, where that
// takes no guess. Only the lines concerned are edited.
func Fix(data []byte, minor int) (Fixed, error) {
	docs, err := render.SplitDocuments(data)
	if err != nil {
		return Fixed{Data: data}, fmt.Errorf("reading: %w", err)
	}
	f := fixer{lines: strings.SplitAfter(string(data), "\n"), unusual: hasUnusualBreaks(string(data)), edits: map[int]lineEdit{}, minor: minor}
	for _, d := range docs {
		f.document(d)
	}
	fixed := Fixed{Data: []byte(f.text()), Left: f.left}
	if _, err := render.SplitDocuments(fixed.Data); err != nil {
		// What does not read back is not written.
		return Fixed{Data: data, Left: append(f.left, "the file is written in a way that cannot be edited line by line")}, nil
	}
	return fixed, nil
}

// lineEdit replaces a line by others.
type lineEdit func(line string) []string

// fixer collects edits, at most one for a line.
type fixer struct {
	lines sourceLines
	edits map[int]lineEdit
	left  []string
	minor int
	// aliased is set while the object at hand uses anchors, and unusual where YAML counts other lines than these.
	aliased, unusual bool
}

func (f *fixer) text() string {
	var b strings.Builder
	for i, line := range f.lines {
		edit := f.edits[i+1]
		if edit == nil {
			b.WriteString(line)
			continue
		}
		text, end := strings.CutSuffix(line, "\n")
		text, carriage := strings.CutSuffix(text, "\r")
		newline := "\n"
		if carriage {
			newline = "\r\n"
		}
		made := edit(text)
		if len(made) == 0 {
			continue
		}
		if b.WriteString(strings.Join(made, newline)); end {
			b.WriteString(newline)
		}
	}
	return b.String()
}

func (f *fixer) document(doc *yaml.Node) {
	if items := render.Field(doc, "items"); items != nil && items.Kind == yaml.SequenceNode && strings.HasSuffix(render.Scalar(doc, "kind"), "List") {
		for _, item := range items.Content {
			f.document(render.Unalias(item))
		}
		return
	}
	version := render.Field(doc, "apiVersion")
	if version == nil {
		return
	}
	gv, err := schema.ParseGroupVersion(version.Value)
	if err != nil {
		return
	}
	gvk := gv.WithKind(render.Scalar(doc, "kind"))
	name := strings.TrimSpace(gvk.Kind + " " + render.Scalar(render.Field(doc, "metadata"), "name"))
	leave := func(why string) {
		f.left = append(f.left, fmt.Sprintf("%s: %s is left as it is%s", name, gvk.GroupVersion(), why))
	}
	to, ok := successor(gvk, f.minor)
	if !ok {
		if why := ended(gvk, f.minor); why != "" {
			leave(why)
		}
		return
	}
	migrate := migrationOf(gvk)
	if migrate == nil {
		leave(cmp.Or(alsoChanges(gvk), "; its fields have changed: write it anew as "+to.GroupVersion().String()))
		return
	}
	before := maps.Clone(f.edits)
	if why := f.ambiguous(doc); why != "" {
		leave(": " + why)
		return
	}
	f.aliased = hasAlias(doc)
	if why := migrate(f, doc); why != "" {
		f.edits = before
		leave(": " + why)
		return
	}
	if !f.replace(version, to.GroupVersion().String()) {
		f.edits = before
		leave(": " + inOneLine)
		return
	}
	if why := refusedAfterwards(f, gvk.Kind, doc); why != "" {
		f.edits = before
		leave(": v1 would not take it: " + why)
	}
}

// refusedAfterwards is why a definition would be refused once it is migrated; "" of any other object.
func refusedAfterwards(f *fixer, kind string, doc *yaml.Node) string {
	if kind != crdKind.Kind {
		return ""
	}
	why := refusedDefinition(f, render.Scalar(render.Field(doc, "metadata"), "name"))
	if render.Field(render.Field(doc, "spec"), "validation") != nil {
		why = strings.Replace(why, "spec.versions[0].schema.", "spec.validation.", 1)
	}
	return why
}

// ambiguous is why what a document has, or where, is read in more than one way; "" where it is not.
func (f *fixer) ambiguous(doc *yaml.Node) string {
	if f.unusual {
		return "the file has line breaks other than LF and CRLF, by which its lines are counted in several ways; write LF for them"
	}
	if key := givenTwice(doc); key != "" {
		return key + " is given twice in one mapping"
	}
	return ""
}

// successor is the version that replaces one that is deprecated or removed, where a minor version of Kubernetes serves
// it.
func successor(gvk schema.GroupVersionKind, minor int) (schema.GroupVersionKind, bool) {
	l, known := lifecycleOf(gvk)
	if !known || l.deprecated == 0 && l.removed == 0 || l.deprecated > minor || l.replacement.Kind != gvk.Kind {
		return schema.GroupVersionKind{}, false
	}
	to := replacedBy(gvk, minor)
	there, _ := lifecycleOf(to)
	return to, there.introduced <= minor
}

// migrationOf returns what edits an object for the version that replaces its own, and returns why that is not possible;
// nil where what else changes is for people.
func migrationOf(gvk schema.GroupVersionKind) func(*fixer, *yaml.Node) string {
	if migrate := migrationsByRule[gvk]; migrate != nil || !noFieldChanges(gvk) {
		return migrate
	}
	return noEdit(func(*yaml.Node) string { return "" })
}

// ended is what is said of a version of a kind that is deprecated or removed, and that nothing can be migrated to; ""
// of others.
func ended(gvk schema.GroupVersionKind, minor int) string {
	l, known := lifecycleOf(gvk)
	if !known || (l.deprecated == 0 || l.deprecated > minor) && (l.removed == 0 || l.removed > minor) {
		return ""
	}
	if to := replacement(gvk, nil, minor); to != "" && l.replacement.Kind != gvk.Kind {
		return ": use " + to + alsoChanges(gvk)
	}
	if l.replacement.Empty() {
		return ": remove it, nothing replaces it" + alsoChanges(gvk)
	}
	return ""
}

// replace writes another value of a scalar, and reports whether its line is not edited already.
func (f *fixer) replace(at *yaml.Node, value string) bool {
	return f.edit(at.Line, func(line string) []string {
		start := min(at.Column-1, len(line))
		rest := line[start:]
		return []string{line[:start] + strings.Replace(rest, at.Value, value, 1)}
	})
}

// edit adds an edit of a line, and reports whether that has none already.
func (f *fixer) edit(line int, edit lineEdit) bool {
	if f.edits[line] != nil {
		return false
	}
	f.edits[line] = edit
	return true
}

// then adds an edit of the first line that the edits of a line make.
func (f *fixer) then(line int, edit lineEdit) {
	before := f.edits[line]
	f.edits[line] = func(text string) []string {
		if before == nil {
			return edit(text)
		}
		made := before(text)
		if len(made) == 0 {
			return nil
		}
		return append(edit(made[0]), made[1:]...)
	}
}

const inOneLine = "written in one line with other fields"

// ingress edits the backends and paths of an Ingress of a version before v1.
func (f *fixer) ingress(spec *yaml.Node) string {
	if spec == nil {
		return ""
	}
	if key, backend := entry(spec, "backend"); backend != nil {
		if why := f.backend(backend); why != "" {
			return why
		}
		f.then(key.Line, func(line string) []string { return []string{strings.Replace(line, "backend:", "defaultBackend:", 1)} })
	}
	rules := render.Field(spec, "rules")
	if rules == nil {
		return ""
	}
	for _, rule := range rules.Content {
		paths := render.Field(render.Field(rule, "http"), "paths")
		if paths == nil {
			continue
		}
		for _, p := range paths.Content {
			if why := f.path(render.Unalias(p)); why != "" {
				return why
			}
		}
	}
	return ""
}

// path edits a path of an Ingress: it gets the pathType that it had without one.
func (f *fixer) path(p *yaml.Node) string {
	key, backend := entry(p, "backend")
	if p.Kind != yaml.MappingNode || backend == nil {
		return "a path has no backend"
	}
	if p.Style&yaml.FlowStyle != 0 {
		return inOneLine
	}
	if render.Field(p, "pathType") == nil {
		first := p.Content[0]
		indent := strings.Repeat(" ", first.Column-1)
		add := func(line string) []string {
			return []string{line[:min(first.Column-1, len(line))] + "pathType: ImplementationSpecific", indent + line[min(first.Column-1, len(line)):]}
		}
		if pathKey, value := entry(p, "path"); pathKey != nil && value.Line == pathKey.Line {
			first, add = pathKey, func(line string) []string { return []string{line, indent + "pathType: ImplementationSpecific"} }
		} else if backend.Line == first.Line {
			return inOneLine
		}
		if !f.edit(first.Line, add) {
			return inOneLine
		}
	}
	if key.Line == backend.Line && backend.Style&yaml.FlowStyle == 0 {
		return inOneLine
	}
	return f.backend(backend)
}

// backend edits the backend of an Ingress.
func (f *fixer) backend(backend *yaml.Node) string {
	nameKey, name := entry(backend, "serviceName")
	portKey, port := entry(backend, "servicePort")
	switch {
	case render.Field(backend, "service") != nil || render.Field(backend, "resource") != nil && name == nil:
		return ""
	case name == nil || port == nil:
		return "a backend names no service and port"
	case name.Kind != yaml.ScalarNode || port.Kind != yaml.ScalarNode:
		return "the service and port of a backend are no plain values"
	}
	fields := backendFields{nameKey, name, portKey, port, "number"}
	if _, err := strconv.Atoi(port.Value); err != nil || port.Tag != "!!int" {
		fields.portField = "name"
	}
	if backend.Style&yaml.FlowStyle != 0 {
		return f.flowBackend(backend, fields)
	}
	return f.blockBackend(backend, fields)
}

// backendFields are the name and the port of a backend, and the field that the port goes to.
type backendFields struct {
	nameKey, name, portKey, port *yaml.Node
	portField                    string
}

// blockBackend edits a backend that has a line for each field.
func (f *fixer) blockBackend(backend *yaml.Node, b backendFields) string {
	header := min(b.nameKey.Line, b.portKey.Line)
	if b.nameKey.Line == b.portKey.Line || len(backend.Content) > 4 && max(b.nameKey.Line, b.portKey.Line)-header != 1 {
		return inOneLine
	}
	one := func(key *yaml.Node, lines ...string) lineEdit {
		indent := strings.Repeat(" ", key.Column-1)
		return func(line string) []string {
			rest := line[min(key.Column-1+len(key.Value), len(line)):]
			var out []string
			if key.Line == header {
				out = append(out, indent+"service:")
			}
			for i, l := range lines {
				out = append(out, indent+strings.Repeat("  ", i+1)+l)
			}
			out[len(out)-1] += rest
			return out
		}
	}
	if !f.edit(b.nameKey.Line, one(b.nameKey, "name")) || !f.edit(b.portKey.Line, one(b.portKey, "port:", b.portField)) {
		return inOneLine
	}
	return ""
}

// flowBackend edits a backend that is written as {serviceName: x, servicePort: y}.
func (f *fixer) flowBackend(backend *yaml.Node, b backendFields) string {
	nodes := []*yaml.Node{b.nameKey, b.name, b.portKey, b.port}
	if len(backend.Content) != len(nodes) || slices.ContainsFunc(nodes, func(n *yaml.Node) bool { return n.Line != backend.Line }) {
		return inOneLine
	}
	quoted := func(n *yaml.Node) string {
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			return strconv.Quote(n.Value)
		}
		return n.Value
	}
	done := f.edit(backend.Line, func(line string) []string {
		start := min(backend.Column-1, len(line))
		end := strings.IndexByte(line[start:], '}')
		if end < 0 {
			return []string{line}
		}
		return []string{line[:start] + "{service: {name: " + quoted(b.name) + ", port: {" + b.portField + ": " + quoted(b.port) + "}}}" + line[start+end+1:]}
	})
	if !done {
		return inOneLine
	}
	return ""
}

// entry returns the key and the value of a field of a mapping.
func entry(of *yaml.Node, field string) (key, value *yaml.Node) {
	if of == nil || of.Kind != yaml.MappingNode {
		return nil, nil
	}
	for pair := range slices.Chunk(of.Content, 2) {
		if pair[0].Value == field {
			return pair[0], render.Unalias(pair[1])
		}
	}
	return nil, nil
}
