package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// findings are the errors of one file. Reading goes on behind each.
type findings struct {
	name string
	errs []error
}

// reader reads the fields of one file.
type reader struct {
	*findings
	known Known
}

// Parse reads a file strictly: whatever is not honoured is an error with its line.
func Parse(name string, data []byte, known Known) (File, error) {
	if len(data) > maxFile {
		return File{}, fmt.Errorf("%s: larger than %d bytes; it holds a few settings", name, maxFile)
	}
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return File{}, fmt.Errorf("%s: empty; write apiVersion: %s and kind: %s", name, apiVersion, kind)
	} else if err != nil {
		return File{}, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	r := &reader{findings: &findings{name: name}, known: known}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		r.fail(&document, "", "more than one document; keep one")
	}
	f := r.file(document.Content[0])
	return f, errors.Join(r.errs...)
}

func (r *findings) fail(at *yaml.Node, path, text string, args ...any) {
	if path != "" {
		path += ": "
	}
	r.errs = append(r.errs, fmt.Errorf("%s:%d: %s%s", r.name, max(at.Line, 1), path, fmt.Sprintf(text, args...)))
}

// fields are the fields of a mapping, by their names.
type fields map[string]func(path string, value *yaml.Node)

// mapping reads a mapping whose fields are known.
func (r *findings) mapping(node *yaml.Node, path string, known fields) {
	r.each(node, path, func(key, value *yaml.Node) {
		read, ok := known[key.Value]
		if !ok {
			var names []string
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			r.fail(key, join(path, key.Value), "unknown field; there are %s", strings.Join(names, ", "))
			return
		}
		read(join(path, key.Value), value)
	})
}

// each reads the entries of a mapping. A key that comes twice is an error, as is an empty mapping.
func (r *findings) each(node *yaml.Node, path string, visit func(key, value *yaml.Node)) {
	if !r.is(node, path, yaml.MappingNode, "a mapping") {
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if line, twice := seen[key.Value]; twice {
			r.fail(key, join(path, key.Value), "given in line %d as well; keep one", line)
			continue
		}
		seen[key.Value] = key.Line
		visit(key, value)
	}
}

// list reads the items of a sequence.
func (r *findings) list(node *yaml.Node, path string, visit func(path string, item *yaml.Node)) {
	if !r.is(node, path, yaml.SequenceNode, "a list") {
		return
	}
	for i, item := range node.Content {
		visit(fmt.Sprintf("%s[%d]", path, i), item)
	}
}

func (r *findings) is(node *yaml.Node, path string, want yaml.Kind, called string) bool {
	switch node.Kind {
	case want:
		return true
	case yaml.AliasNode:
		r.fail(node, path, "aliases are not read; write out what it stands for")
	default:
		r.fail(node, path, "not %s; see `cyan local up --help` for an example", called)
	}
	return false
}

// text reads a string.
func (r *findings) text(node *yaml.Node, path string) string {
	if !r.is(node, path, yaml.ScalarNode, "a text") {
		return ""
	}
	if node.Tag != "!!str" {
		r.fail(node, path, "%s is not a text; put it into quotation marks", node.Value)
		return ""
	}
	if node.Value == "" {
		r.fail(node, path, "empty; leave the field out, or give it a value")
	}
	return node.Value
}

func (r *findings) bool(node *yaml.Node, path string) bool {
	if !r.is(node, path, yaml.ScalarNode, "true or false") {
		return false
	}
	if node.Tag != "!!bool" {
		r.fail(node, path, "%q is neither true nor false", node.Value)
		return false
	}
	return strings.EqualFold(node.Value, "true")
}

// number reads a number within bounds.
func (r *findings) number(node *yaml.Node, path string, least, most int) int {
	if !r.is(node, path, yaml.ScalarNode, "a number") {
		return 0
	}
	n, err := strconv.Atoi(node.Value)
	if err != nil || node.Tag != "!!int" || n < least || n > most {
		r.fail(node, path, "%q is not a number between %d and %d", node.Value, least, most)
		return 0
	}
	return n
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
