package kustomize

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// What kustomize cannot encode makes it fail at the end of a build without a file and a line, or end the program that
// it runs in: it takes an object for one that can always be printed. So it is found before.

// kindsOfKeys are what YAML takes a key for that is no text.
var kindsOfKeys = map[string]string{
	"!!int": "a number", "!!float": "a number", "!!bool": "true or false", "!!null": "null", "!!timestamp": "a time",
	"!!map": "a mapping", "!!seq": "a list",
}

// quoteKeys quotes the keys in an object that read as something else than text: kustomize writes those of labels and
// annotations as they are, and cannot read them again.
func quoteKeys(n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if key := n.Content[i]; key.Kind == yaml.ScalarNode && (typeOf(key) != "text" || key.ShortTag() == "!!timestamp") {
				key.Tag, key.Style = "!!str", yaml.DoubleQuotedStyle
			}
		}
	}
	for _, c := range n.Content {
		quoteKeys(c)
	}
}

// encoding looks for what cannot be encoded in one file. Of a patch, a repeated key is overwritten before it is
// encoded.
type encoding struct {
	file, object string
	isPatch      bool
	seen         map[*yaml.Node]bool
}

// encoder checks each file once.
type encoder struct{ checked map[string]bool }

func newEncoder() encoder { return encoder{map[string]bool{}} }

// file is encodable for the documents of a whole file.
func (e encoder) file(name string, docs []render.Document, isPatch bool) error {
	key := fmt.Sprint(isPatch, name)
	if e.checked[key] {
		return nil
	}
	e.checked[key] = true
	return encodable(name, docs, isPatch)
}

// encodable refuses documents that kustomize cannot encode.
func encodable(file string, docs []render.Document, isPatch bool) error {
	for _, d := range docs {
		name := render.Scalar(render.Field(d.Node, "metadata"), "name")
		e := encoding{file: file, object: strings.TrimSpace(render.Scalar(d.Node, "kind") + " " + name), isPatch: isPatch, seen: map[*yaml.Node]bool{}}
		if err := e.value(d.Node, ""); err != nil {
			return err
		}
	}
	return nil
}

func (e encoding) refuse(line int, field, cause, remedy string) error {
	return &problem.Error{Kind: problem.Usage, File: e.file, Line: line, Object: e.object, Field: field, Cause: cause, Remedy: remedy}
}

func (e encoding) value(n *yaml.Node, path string) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if e.seen[n] {
		return nil
	}
	e.seen[n] = true
	switch n.Kind {
	case yaml.ScalarNode:
		if text := strings.ToLower(strings.TrimLeft(n.Value, "+-")); n.Tag == "!!float" && (text == ".nan" || text == ".inf") {
			return e.refuse(n.Line, path, fmt.Sprintf("the number %s has no form in JSON", n.Value), "write a number, or put it in quotes")
		}
	case yaml.MappingNode:
		return e.mapping(n, path)
	default:
		for i, c := range n.Content {
			if err := e.value(c, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e encoding) mapping(n *yaml.Node, path string) error {
	var lines map[string]int
	if !e.isPatch {
		lines = make(map[string]int, len(n.Content)/2)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := render.Unalias(n.Content[i])
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		if kind := kindsOfKeys[key.Tag]; kind != "" {
			return e.refuse(n.Content[i].Line, at, "the key is "+kind+", and kustomize takes only text", "put it in quotes")
		}
		if first, repeated := lines[key.Value]; repeated && key.Tag != "!!merge" {
			return e.refuse(n.Content[i].Line, at, fmt.Sprintf("duplicate key: the first is in line %d", first), "remove one of them")
		}
		if lines != nil {
			lines[key.Value] = n.Content[i].Line
		}
		if err := e.value(n.Content[i+1], at); err != nil {
			return err
		}
	}
	return nil
}
