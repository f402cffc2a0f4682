package skaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The bounds of what is read of a file.
const (
	maxBytes     = 1 << 20
	maxNodes     = 50_000
	maxDepth     = 64
	maxDocuments = 100
)

type shape int

const (
	scalar shape = iota
	mapping
	list
	null
)

// node is a value of YAML with its place. Anchors, aliases and merge keys are carried out already.
type node struct {
	shape shape
	// text and tag are those of a scalar; tag is !!str, !!int, !!bool or !!float.
	text, tag string
	fields    []field
	items     []*node
	at        Position
}

type field struct {
	name  string
	at    Position
	value *node
}

// get returns the value of a field of a mapping, or nil; null counts as missing.
func (n *node) get(names ...string) *node {
	for _, name := range names {
		if n == nil || n.shape != mapping {
			return nil
		}
		n = n.lookup(name)
	}
	if n == nil || n.shape == null {
		return nil
	}
	return n
}

func (n *node) lookup(name string) *node {
	for i := range n.fields {
		if n.fields[i].name == name {
			return n.fields[i].value
		}
	}
	return nil
}

// str returns the text of a scalar field, or "".
func (n *node) str(names ...string) string {
	if v := n.get(names...); v != nil && v.shape == scalar {
		return v.text
	}
	return ""
}

// flag reports whether a field is true.
func (n *node) flag(names ...string) bool {
	v, _ := strconv.ParseBool(n.str(names...))
	return v
}

// number returns a field that is a number, or 0.
func (n *node) number(names ...string) int {
	v, _ := strconv.Atoi(n.str(names...))
	return v
}

// list returns the elements of a field that is a list.
func (n *node) list(names ...string) []*node {
	if v := n.get(names...); v != nil && v.shape == list {
		return v.items
	}
	return nil
}

// strings returns the elements of a field that is a list of scalars.
func (n *node) strings(names ...string) []string {
	var all []string
	for _, item := range n.list(names...) {
		if item.shape == scalar {
			all = append(all, item.text)
		}
	}
	return all
}

// with returns a mapping in which a field has a value; nil for the value takes the field out.
func (n *node) with(name string, at Position, value *node) *node {
	made := &node{shape: mapping, at: at}
	if n != nil {
		made.at = n.at
	}
	found := false
	if n != nil {
		for _, f := range n.fields {
			if f.name == name {
				found = true
				if value == nil {
					continue
				}
				f = field{name, at, value}
			}
			made.fields = append(made.fields, f)
		}
	}
	if !found && value != nil {
		made.fields = append(made.fields, field{name, at, value})
	}
	return made
}

// empty reports whether a value says nothing.
func (n *node) empty() bool {
	switch {
	case n == nil || n.shape == null:
		return true
	case n.shape == mapping:
		return len(n.fields) == 0
	case n.shape == list:
		return len(n.items) == 0
	}
	return n.text == "" || n.tag == "!!bool" && !n.bool() || n.tag == "!!int" && n.text == "0"
}

func (n *node) bool() bool { v, _ := strconv.ParseBool(n.text); return v }

// documents reads the documents of a file.
func documents(file string, data []byte) ([]*node, []Finding) {
	if len(data) > maxBytes {
		return nil, []Finding{broken(Position{File: file}, fmt.Sprintf("%d bytes, which is more than the limit of %d", len(data), maxBytes), "divide it")}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	build := builder{file: file}
	var all []*node
	for len(all) <= maxDocuments {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return all, build.findings
		}
		if err != nil {
			return all, append(build.findings, syntax(file, data, err))
		}
		for _, content := range doc.Content {
			if n := build.node(content, 0); n.shape != null {
				all = append(all, n)
			}
		}
		if build.stopped {
			return all, build.findings
		}
	}
	return all, append(build.findings, broken(Position{File: file}, fmt.Sprintf("more than %d documents", maxDocuments), "divide it"))
}

func broken(at Position, cause, remedy string) Finding {
	return Finding{Position: at, Severity: Error, Rule: "yaml", Object: "YAML", Cause: cause, Remedy: remedy}
}

var lineOfError = regexp.MustCompile(`line (\d+): *`)

// syntax is an error of the YAML reader, with its place and what mostly helps.
func syntax(file string, data []byte, err error) Finding {
	at, cause := Position{File: file}, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := lineOfError.FindStringSubmatchIndex(cause); m != nil {
		at.Line, _ = strconv.Atoi(cause[m[2]:m[3]])
		cause = cause[:m[0]] + cause[m[1]:]
	}
	remedy := "indent it as the lines around it are, and quote values with : or # in them"
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		if indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; strings.Contains(indent, "\t") {
			at.Line, at.Column = i+1, strings.Index(line, "\t")+1
			return broken(at, "tab in the indentation", "indent it by spaces")
		}
	}
	switch {
	case strings.Contains(cause, "anchor"):
		remedy = "define the anchor with & before its alias with *"
	}
	return broken(at, cause, remedy)
}

// builder makes nodes of those of the YAML library, as many as are allowed.
type builder struct {
	file     string
	made     int
	stopped  bool
	findings []Finding
}

func (b *builder) at(n *yaml.Node) Position { return Position{b.file, n.Line, n.Column} }

func (b *builder) node(n *yaml.Node, depth int) *node {
	at := b.at(n)
	if b.made++; b.made > maxNodes || depth > maxDepth {
		if !b.stopped {
			b.findings = append(b.findings, broken(at, fmt.Sprintf("more than %d values, or %d within each other", maxNodes, maxDepth), "write it with fewer aliases"))
		}
		b.stopped = true
		return &node{shape: null, at: at}
	}
	switch n.Kind {
	case yaml.AliasNode:
		made := b.node(n.Alias, depth+1)
		made.at = at
		return made
	case yaml.SequenceNode:
		made := &node{shape: list, at: at}
		for _, item := range n.Content {
			made.items = append(made.items, b.node(item, depth+1))
		}
		return made
	case yaml.MappingNode:
		return b.mapping(n, depth)
	}
	if n.Tag == "!!null" {
		return &node{shape: null, at: at}
	}
	return &node{shape: scalar, text: n.Value, tag: n.Tag, at: at}
}

func (b *builder) mapping(n *yaml.Node, depth int) *node {
	made := &node{shape: mapping, at: b.at(n)}
	var merged []*node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], b.node(n.Content[i+1], depth+1)
		switch {
		case key.Tag == "!!merge":
			merged = append(merged, value)
		case key.Kind != yaml.ScalarNode && key.Kind != yaml.AliasNode:
			b.findings = append(b.findings, broken(b.at(key), "mapping in the place of a name", "quote a value that begins with {{"))
		case made.lookup(key.Value) != nil:
			b.findings = append(b.findings, Finding{
				Position: b.at(key), Severity: Error, Rule: "duplicate-key", Object: key.Value, Cause: "given twice in one mapping", Remedy: "keep one",
			})
		default:
			made.fields = append(made.fields, field{key.Value, b.at(key), value})
		}
	}
	for _, m := range merged {
		sources := []*node{m}
		if m.shape == list {
			sources = m.items
		}
		for _, source := range sources {
			for _, f := range source.fields {
				if made.lookup(f.name) == nil {
					made.fields = append(made.fields, f)
				}
			}
		}
	}
	return made
}
