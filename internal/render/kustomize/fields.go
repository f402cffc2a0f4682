package kustomize

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// fieldProblem returns what is wrong with the first field of a document that a type does not have, or whose value is of
// another type; nil when there is none, as far as that can be known. path is where the document stands in its file.
func fieldProblem(n *yaml.Node, t reflect.Type, path string) *problem.Error {
	n = render.Unalias(n)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	want, got := yamlType(t), typeOf(n)
	switch {
	case want == "" || got == "null":
		return nil
	case got != want:
		return &problem.Error{Line: n.Line, Cause: fmt.Sprintf("%s is a %s, and a %s is expected", cmp.Or(path, "the document"), got, want), Remedy: wayOf(n, t, want)}
	case want == "list":
		for i, c := range n.Content {
			if p := fieldProblem(c, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); p != nil {
				return p
			}
		}
	case want == "mapping":
		for i := 0; i+1 < len(n.Content); i += 2 {
			if p := entryProblem(n.Content[i], n.Content[i+1], t, path); p != nil {
				return p
			}
		}
	}
	return nil
}

// entryProblem is fieldProblem for an entry of a mapping.
func entryProblem(key, value *yaml.Node, t reflect.Type, path string) *problem.Error {
	at := strings.TrimPrefix(path+"."+key.Value, ".")
	if t.Kind() == reflect.Map {
		return fieldProblem(value, t.Elem(), at)
	}
	for _, f := range reflect.VisibleFields(t) {
		if name := nameOf(f); name != "" && strings.EqualFold(name, key.Value) {
			return fieldProblem(value, f.Type, at)
		}
	}
	p := &problem.Error{Line: key.Line, Cause: fmt.Sprintf("unknown field %q", at), Remedy: "correct the field"}
	if meant := spelling.Closest(key.Value, fieldsOf(t)); meant != "" {
		p.Remedy = "did you mean " + meant + "?"
	}
	return p
}

// keyProblem returns what is wrong with the first key that is no text; nil when all are. Such a key would become
// another one: n is false.
func keyProblem(n *yaml.Node, path string) *problem.Error {
	for i, c := range n.Content {
		at := path
		switch {
		case n.Kind == yaml.SequenceNode:
			at = fmt.Sprintf("%s[%d]", path, i)
		case n.Kind == yaml.MappingNode && i%2 == 0:
			if got := typeOf(c); c.Kind == yaml.ScalarNode && got != "text" {
				return &problem.Error{Line: c.Line, Cause: fmt.Sprintf("the key %s of %s is a %s, and a text is expected", c.Value, cmp.Or(path, "the document"), got), Remedy: ways["text"]}
			}
			continue
		case n.Kind == yaml.MappingNode:
			at = strings.TrimPrefix(path+"."+n.Content[i-1].Value, ".")
		}
		if p := keyProblem(c, at); p != nil {
			return p
		}
	}
	return nil
}

// ways are how a value of a type is written.
var ways = map[string]string{
	"text": "write it in quotes", "number": "write it without quotes, and without a point", "truth value": "write true or false without quotes",
	"list": "write each entry behind a dash", "mapping": "write it as key: value",
}

// longestName is the length of the longest text, in bytes, that is taken for a path or a name.
const longestName = 200

// wayOf is how to write a value as one of a type. A line in place of a mapping is most often its path or its name, as
// in the fields that patches have had before.
func wayOf(n *yaml.Node, t reflect.Type, want string) string {
	if want != "mapping" || typeOf(n) != "text" || len(n.Value) > longestName || strings.ContainsAny(n.Value, "\n{[") {
		return ways[want]
	}
	for _, name := range []string{"path", "name"} {
		if slices.Contains(fieldsOf(t), name) {
			return fmt.Sprintf("write it as %s: %s", name, n.Value)
		}
	}
	return ways[want]
}

// nameOf returns the name of a field, as YAML has it; "" for one that it does not have.
func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return strings.TrimPrefix(name, "-")
}

// fieldsOf returns the names of the fields of a struct; none for a map.
func fieldsOf(t reflect.Type) []string {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name := nameOf(f); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// yamlType returns the type that a Go type is read from, in a word; empty where it is read in a way of its own.
func yamlType(t reflect.Type) string {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return ""
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "truth value"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "number"
	case reflect.Slice:
		return "list"
	case reflect.Map, reflect.Struct:
		return "mapping"
	}
	return ""
}

// oldTruths are truth values of YAML 1.1, by which kustomize reads.
var oldTruths = []string{"y", "n", "yes", "no", "on", "off"}

// typeOf returns the type of a value, by the words of yamlType.
func typeOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "list"
	case yaml.MappingNode:
		return "mapping"
	}
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		return "null"
	case tag == "!!bool", n.Style == 0 && slices.Contains(oldTruths, strings.ToLower(n.Value)):
		return "truth value"
	case tag == "!!int", tag == "!!float":
		return "number"
	}
	return "text"
}
