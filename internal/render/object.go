package render

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	sigsyaml "sigs.k8s.io/yaml"
)

// Rendered is an object, and where it comes from.
type Rendered struct {
	Object *unstructured.Unstructured
	Origin Origin
	// Source is the object as Origin.File has it, before any patch: a YAML mapping, or nil for a generated object. It
	// must not be changed.
	Source *yaml.Node
	// Edits are what files may have brought into it after that; nil for nothing.
	Edits *Edits
}

// Origin is the place of an object in the tree.
type Origin struct {
	// File is the manifest that first has the object; patches of it are elsewhere. For a generated object it is the
	// kustomization.
	File string
	// Line is where the object starts in File, from 1; 0 when it is not known.
	Line int
}

// Has reports whether the object has the field with the given path.
func (r Rendered) Has(fieldPath string) bool {
	return valueAt(r.content(), splitPath(fieldPath)) != nil
}

func (r Rendered) content() map[string]any {
	if r.Object == nil {
		return nil
	}
	return r.Object.Object
}

// step is one element of a field path: a key, or an index into a list.
type step struct {
	key   string
	index int // -1 when it is a key
}

func splitPath(p string) []step {
	var steps []step
	for p != "" {
		switch p[0] {
		case '.':
			p = p[1:]
		case '[':
			end := closingBracket(p)
			inner := p[1:end]
			p = p[min(end+1, len(p)):]
			if i, err := strconv.Atoi(inner); err == nil && i >= 0 {
				steps = append(steps, step{key: inner, index: i})
			} else {
				steps = append(steps, step{key: strings.Trim(inner, `"'`), index: -1})
			}
		default:
			end := strings.IndexAny(p, ".[")
			if end < 0 {
				end = len(p)
			}
			steps = append(steps, step{key: p[:end], index: -1})
			p = p[end:]
		}
	}
	return steps
}

// closingBracket is the index of the ] that closes the [ at the start of p, or the end of p.
func closingBracket(p string) int {
	depth := 0
	for i, c := range p {
		switch c {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(p)
}

// descend follows one step in the source and in the rendered value at the same time. next is nil where the source has
// nothing, nextValue where the object has nothing.
func descend(node *yaml.Node, value any, s step) (key, next *yaml.Node, nextValue any) {
	node = Unalias(node)
	switch v := value.(type) {
	case map[string]any:
		nextValue = v[s.key]
	case []any:
		if s.index >= 0 && s.index < len(v) {
			nextValue = v[s.index]
		}
	}
	switch {
	case node.Kind == yaml.MappingNode:
		key, next = mergedEntry(node, s.key)
	case node.Kind == yaml.SequenceNode && s.index >= 0:
		next = element(node, value, s.index)
	}
	return key, next, nextValue
}

// mergedEntry is the key of a mapping with its value, or that of a mapping that is merged into it.
func mergedEntry(node *yaml.Node, name string) (key, value *yaml.Node) {
	var merged []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		switch k, v := node.Content[i], node.Content[i+1]; {
		case k.Value == name:
			key, value = k, v
		case k.Tag == "!!merge":
			merged = append(merged, v)
		}
	}
	for len(merged) > 0 && value == nil {
		from := Unalias(merged[0])
		merged = merged[1:]
		if from.Kind == yaml.SequenceNode {
			merged = append(slices.Clone(from.Content), merged...)
			continue
		}
		if from.Kind == yaml.MappingNode {
			key, value = mergedEntry(from, name)
		}
	}
	return key, value
}

// identities are the fields by which elements of lists are told apart, the first that an element has.
var identities = []string{"name", "containerPort", "port", "mountPath", "devicePath", "ip", "key"}

// element finds a list's element in the source: by its name, or what else it is told apart by, where that is its alone,
// because a patch may have moved it; and otherwise by its index.
func element(node *yaml.Node, value any, index int) *yaml.Node {
	list, _ := value.([]any)
	if index < len(list) {
		for _, field := range identities {
			id, count := fieldText(list[index], field), 0
			if id == "" {
				continue
			}
			for _, other := range list {
				if fieldText(other, field) == id {
					count++
				}
			}
			if count == 1 {
				return elementWith(node, field, id)
			}
			break
		}
	}
	if index < len(node.Content) {
		return node.Content[index]
	}
	return nil
}

// fieldText is the plain value of a field of a mapping, as text.
func fieldText(value any, field string) string {
	m, _ := value.(map[string]any)
	switch v := m[field].(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return ""
	}
}

func elementWith(list *yaml.Node, field, id string) *yaml.Node {
	for _, e := range list.Content {
		of := Unalias(e)
		if of.Kind != yaml.MappingNode {
			continue
		}
		if _, v := mergedEntry(of, field); v != nil && Unalias(v).Value == id {
			return e
		}
	}
	return nil
}

// Encode returns the objects as one YAML stream: the exact bytes that are validated, committed and applied. Equal
// objects have equal bytes.
func Encode(objs []Rendered) ([]byte, error) {
	var b bytes.Buffer
	for i, o := range objs {
		if i > 0 {
			b.WriteString("---\n")
		}
		data, err := sigsyaml.Marshal(o.Object.Object)
		if err != nil {
			return nil, fmt.Errorf("encoding %s %s: %w", o.Object.GetKind(), o.Object.GetName(), err)
		}
		b.Write(data)
	}
	return b.Bytes(), nil
}

// dropRepeated keeps the last of the objects with one key, and warns of the others.
func dropRepeated(result *Result, namespace string) {
	type key struct{ group, kind, namespace, name string }
	last := make(map[key]int, len(result.Objects))
	keyOf := func(r Rendered) key {
		ns := r.Object.GetNamespace()
		if ns == "" {
			ns = namespace
		}
		return key{r.Object.GroupVersionKind().Group, r.Object.GetKind(), ns, r.Object.GetName()}
	}
	for i, r := range result.Objects {
		if r.Object.GetName() != "" {
			last[keyOf(r)] = i
		}
		result.NamespaceUsed = result.NamespaceUsed || r.Object.GetNamespace() != ""
	}
	kept := make([]Rendered, 0, len(result.Objects))
	for i, r := range result.Objects {
		k := keyOf(r)
		if winner, named := last[k]; named && winner != i {
			w := result.Objects[winner]
			text := fmt.Sprintf("%s %s is given by %s:%d and again by %s:%d; the last one is used",
				k.kind, strings.TrimPrefix(k.namespace+"/"+k.name, "/"), r.Origin.File, r.Origin.Line, w.Origin.File, w.Origin.Line)
			if w.Origin == r.Origin {
				text = fmt.Sprintf("%s %s is given twice by %s:%d, which a symbolic link may lead to as well; the last one is used",
					k.kind, strings.TrimPrefix(k.namespace+"/"+k.name, "/"), r.Origin.File, r.Origin.Line)
			}
			result.Warnings = append(result.Warnings, Warning{Type: RepeatedResource, File: r.Origin.File, Line: r.Origin.Line, Message: text})
			continue
		}
		kept = append(kept, r)
	}
	result.Objects = kept
}
