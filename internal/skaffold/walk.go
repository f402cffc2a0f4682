package skaffold

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// Written is a field that a file has, and what becomes of it.
type Written struct {
	Position
	// Path is such as build.artifacts[0].image.
	Path    string
	Verdict Verdict
	// Words are what is done or why not.
	Words string
}

// report is what was found of all files.
type report struct {
	findings []Finding
	written  []Written
}

func (r *report) add(at Position, severity Severity, rule, object, cause, remedy string) {
	r.findings = append(r.findings, Finding{Position: at, Severity: severity, Rule: rule, Object: object, Cause: cause, Remedy: remedy})
}

// judge walks a document by the types of a schema, and reports what is unknown, of another shape, or not honoured.
type judge struct {
	schema schema
	// version is "" for a file without versions, and of is what a field is unknown in.
	version, of string
	report      *report
}

func (j judge) mapping(name string, n *node, path string, told bool) {
	t := j.schema.find(name)
	if n.shape == null {
		return
	}
	if n.shape != mapping {
		j.report.add(n.at, Error, "shape", path, "not a mapping", "write its fields below it: "+listed(t.names(j.version)))
		return
	}
	groups := map[string]string{}
	for _, f := range n.fields {
		if name == j.schema[0].Name && strings.HasPrefix(f.name, ".") {
			continue
		}
		at := join(path, f.name)
		row := t.row(f.name, j.version)
		if row == nil || j.version != "" && !row.span.has(j.version) {
			j.unknown(t, row, f, at)
			continue
		}
		if other := groups[row.Group]; row.Group != "" && other != "" && other != f.name {
			j.report.add(f.at, Error, "one-of", at, "given beside "+other+", of which there can be only one", "keep one of them")
		}
		groups[row.Group] = f.name
		j.field(row, f, at, told)
	}
}

// field judges one that is known. What is below one that was told of is not told of again.
func (j judge) field(row *Row, f field, path string, told bool) {
	if !told && f.value.shape != null {
		j.tell(row, f, path)
	}
	if inner, ok := element(row.Shape); ok {
		if j.shaped(f.value, list, path, "a list", "write its elements below it, each after -") {
			for i, item := range f.value.items {
				j.mapping(inner, item, fmt.Sprintf("%s[%d]", path, i), told || row.Verdict != Honoured)
			}
		}
		return
	}
	if j.schema.find(row.Shape) != nil {
		j.mapping(row.Shape, f.value, path, told || row.Verdict != Honoured)
		return
	}
	j.value(row.Shape, f.value, path)
}

// notHonoured is the rule of what is not done.
const notHonoured = "not-honoured"

func (j judge) tell(row *Row, f field, path string) {
	j.report.written = append(j.report.written, Written{f.at, path, row.Verdict, row.Words})
	switch row.Verdict {
	case Named:
		if !f.value.empty() {
			j.report.add(f.at, Warning, notHonoured, path, row.Words, row.Remedy)
		}
	case Refused:
		j.report.add(f.at, Error, notHonoured, path+j.release(f), row.Words, row.Remedy)
	case Harmless:
		j.report.add(f.at, Note, "harmless", path, row.Words, "")
	}
}

// release names the charts below a field that has releases.
func (j judge) release(f field) string {
	var names []string
	for _, r := range f.value.list("releases") {
		names = append(names, r.str("name"))
	}
	if len(names) == 0 {
		return ""
	}
	return " (release " + strings.Join(names, ", ") + ")"
}

func (j judge) shaped(n *node, want shape, path, what, remedy string) bool {
	if n.shape != want && n.shape != null {
		j.report.add(n.at, Error, "shape", path, "not "+what, remedy)
	}
	return n.shape == want
}

// value judges what is no mapping of a known type.
func (j judge) value(shape string, n *node, path string) {
	switch {
	case n.shape == null || shape == "any":
	case shape == "strings1" && n.shape == scalar:
	case shape == "strings" || shape == "strings1":
		if j.shaped(n, list, path, "a list", "write its elements below it, each after -") {
			for i, item := range n.items {
				j.shaped(item, scalar, fmt.Sprintf("%s[%d]", path, i), "a string", "write one value, in quotes where it has : or #")
			}
		}
	case shape == "map":
		if j.shaped(n, mapping, path, "a mapping", "write KEY: value below it") {
			for _, f := range n.fields {
				j.shaped(f.value, scalar, join(path, f.name), "a string", "write one value, in quotes where it has : or #")
			}
		}
	case j.shaped(n, scalar, path, "one value", "write one value after it"):
		j.scalar(shape, n, path)
	}
}

func (j judge) scalar(shape string, n *node, path string) {
	_, notNumber := strconv.Atoi(n.text)
	switch {
	case shape == "int" && notNumber != nil:
		j.report.add(n.at, Error, "shape", path, fmt.Sprintf("%q is not a number", n.text), "write a number, without quotes")
	case shape == "bool" && n.tag != "!!bool":
		j.report.add(n.at, Error, "shape", path, fmt.Sprintf("%q is neither true nor false", n.text), "write true or false, without quotes")
	case shape == "port":
		if number, err := strconv.Atoi(n.text); err == nil && (number < 1 || number > 65535) {
			j.report.add(n.at, Error, "shape", path, n.text+" is not a port", "write a number from 1 to 65535, or the name of a port")
		}
	}
}

// unknown reports a field that this version has not, with what was probably meant.
func (j judge) unknown(t *Type, other *Row, f field, path string) {
	if other != nil && other.Verdict == Refused && order(j.version) < other.span.until {
		j.report.add(f.at, Error, notHonoured, path, fmt.Sprintf("unknown in %s; known %s, and refused: %s", j.of, other.span, other.Words), other.Remedy)
		return
	}
	if other != nil {
		remedy := "write apiVersion: " + prefix + newest
		if other.span.until < order(j.version) {
			remedy = cmp.Or(other.Remedy, "remove it")
		}
		j.report.add(f.at, Error, "unknown-field", path, fmt.Sprintf("unknown in %s; known %s", j.of, other.span), remedy)
		return
	}
	remedy := "remove it; known are " + listed(t.names(j.version))
	if meant := spelling.Closest(f.name, t.names(j.version)); meant != "" {
		remedy = fmt.Sprintf("did you mean %q?", meant)
	} else if below := j.below(t, f.name); below != "" {
		remedy = fmt.Sprintf("write it below %s, indented", below)
	}
	j.report.add(f.at, Error, "unknown-field", path, "unknown field of "+j.of, remedy)
}

// below returns a field of a type that has the name among its own.
func (j judge) below(t *Type, name string) string {
	for _, row := range t.Rows {
		inner, _ := element(row.Shape)
		if child := j.schema.find(inner); child != nil && slices.Contains(child.names(j.version), name) {
			return row.Field
		}
	}
	return ""
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// listed names the first of many.
func listed(names []string) string {
	if len(names) > 12 {
		return strings.Join(names[:12], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
