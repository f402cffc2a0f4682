package render

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Place is where something stands in the tree.
type Place struct {
	File string
	// Line and Column are counted from 1; 0 when they are not known.
	Line, Column int
}

// Edits are what files bring into objects after their origin, in the order in which they are applied. They are
// shared by all objects of a result, and not to be changed.
type Edits struct{ All []Edit }

// Edit is a patch, or a field of a kustomization that changes objects.
type Edit struct {
	File   string
	Target Target
	// Path is where in an object Node goes, a key or an index each, or - for the end of a list; nil for the whole
	// object.
	Path []string
	// Node is what goes there. One of kind 0 stands for whatever is there.
	Node *yaml.Node
	// Image is what an image becomes by a change of images, up to what stays of it; "" for any other change.
	Image string
}

// Target is which objects a change is for. An empty field is for all; Name and Namespace match as a whole.
type Target struct {
	Group, Version, Kind string
	Name, Namespace      Names
}

// Names are those that objects may have. The zero value is for all; most are plain text, of which a pattern would take
// a hundred times the memory.
type Names struct {
	// part is what they have in them, and whole what they are; "" for any.
	part, whole string
	like        *regexp.Regexp
}

// NamesWith are those that have a text in them.
func NamesWith(part string) Names { return Names{part: part} }

// NamesLike are those that match a pattern as a whole; all, for one that is empty or invalid.
func NamesLike(pattern string) Names {
	if regexp.QuoteMeta(pattern) == pattern {
		return Names{whole: pattern}
	}
	compiled, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return Names{}
	}
	return Names{like: compiled}
}

func (n Names) has(name string) bool {
	return strings.Contains(name, n.part) && (n.whole == "" || n.whole == name) && (n.like == nil || n.like.MatchString(name))
}

// Place returns where the field with the given path, such as spec.template.spec.containers[0].image or
// metadata.labels[app], stands: in the origin file, or in the patch that brought it in. It reports false where no file
// has the field, with the place of the closest field around it.
func (r Rendered) Place(fieldPath string) (Place, bool) {
	steps := splitPath(fieldPath)
	for n := len(steps); n > 0; n-- {
		if at, ok := r.placeOf(steps[:n]); ok {
			return at, n == len(steps)
		}
	}
	start := Place{File: r.Origin.File, Line: r.Origin.Line}
	if r.Source != nil {
		start.Column = r.Source.Column
	}
	return start, false
}

// Touches reports whether something of the object may stand in a file.
func (r Rendered) Touches(file string) bool {
	return r.Origin.File == file || r.Edits != nil && slices.ContainsFunc(r.Edits.All, func(c Edit) bool { return c.File == file && c.Target.matches(r) })
}

// placeOf finds a field in the origin file, or, where that has it not, or another value, in the last change that has.
func (r Rendered) placeOf(steps []step) (Place, bool) {
	value := valueAt(r.content(), steps)
	var key, own *yaml.Node
	if r.Source != nil {
		key, own = find(r.Source, any(r.content()), steps)
	}
	if own == nil || !sameValue(own, value) {
		if at, ok := r.changed(steps, value); ok || own == nil {
			return at, ok
		}
	}
	return at(r.Origin.File, key, own), true
}

func at(file string, key, node *yaml.Node) Place {
	if key != nil {
		node = key
	}
	return Place{file, node.Line, node.Column}
}

// changed finds a field in the last change of the object that has it with its value.
func (r Rendered) changed(steps []step, value any) (Place, bool) {
	if r.Edits == nil {
		return Place{}, false
	}
	for _, c := range slices.Backward(r.Edits.All) {
		if key, node := c.find(r, steps, value); node != nil {
			return at(c.File, key, node), true
		}
	}
	return Place{}, false
}

// find returns the key and the value of a field in an edit; nil where it has not that value for it.
func (e Edit) find(r Rendered, steps []step, value any) (key, node *yaml.Node) {
	if e.Image != "" {
		if text, _ := value.(string); steps[len(steps)-1].key == "image" && e.becomes(text) {
			return nil, e.Node
		}
		return nil, nil
	}
	if !e.reaches(steps) || !e.Target.matches(r) {
		return nil, nil
	}
	node = e.Node
	if rest := steps[len(e.Path):]; len(rest) > 0 {
		key, node = find(e.Node, valueAt(r.content(), steps[:len(e.Path)]), rest)
	}
	if node == nil || !sameValue(node, value) {
		return nil, nil
	}
	return key, node
}

// becomes reports whether an image is what an edit of images makes.
func (e Edit) becomes(image string) bool {
	rest, is := strings.CutPrefix(image, e.Image)
	return is && (rest == "" || rest[0] == ':' || rest[0] == '@')
}

// reaches reports whether a field is where the edit goes, or below.
func (e Edit) reaches(steps []step) bool {
	if len(e.Path) > len(steps) {
		return false
	}
	for i, name := range e.Path {
		if s := steps[i]; name != s.key && (name != "-" || s.index < 0) {
			return false
		}
	}
	return true
}

func (t Target) matches(r Rendered) bool {
	if r.Object == nil {
		return false
	}
	gvk := r.Object.GroupVersionKind()
	if t.Kind != "" && t.Kind != gvk.Kind || t.Group != "" && t.Group != gvk.Group || t.Version != "" && t.Version != gvk.Version {
		return false
	}
	metadata := Field(r.Source, "metadata")
	either := func(names Names, now, before string) bool { return names.has(now) || names.has(before) }
	return either(t.Name, r.Object.GetName(), Scalar(metadata, "name")) && either(t.Namespace, r.Object.GetNamespace(), Scalar(metadata, "namespace"))
}

// find follows a path in a document and in the object at the same time, and returns the last key and value; nil where
// the document ends before.
func find(node *yaml.Node, value any, steps []step) (key, found *yaml.Node) {
	found = node
	for _, s := range steps {
		if key, found, value = descend(found, value, s); found == nil {
			return nil, nil
		}
	}
	return key, found
}

func valueAt(value any, steps []step) any {
	for _, s := range steps {
		switch v := value.(type) {
		case map[string]any:
			value = v[s.key]
		case []any:
			if s.index < 0 || s.index >= len(v) {
				return nil
			}
			value = v[s.index]
		default:
			return nil
		}
	}
	return value
}

// sameValue reports whether a node may be what a value was made of: the text of a scalar, the kind of anything else.
func sameValue(node *yaml.Node, value any) bool {
	node = Unalias(node)
	switch v := value.(type) {
	case map[string]any:
		return node.Kind == yaml.MappingNode || node.Kind == 0
	case []any:
		return node.Kind == yaml.SequenceNode || node.Kind == 0
	case nil:
		return node.Kind == 0 || node.Tag == "!!null"
	case string:
		return node.Kind == 0 || node.Kind == yaml.ScalarNode && node.Value == v
	default:
		var same any
		return node.Kind == 0 || node.Kind == yaml.ScalarNode && (node.Value == fmt.Sprint(v) || node.Decode(&same) == nil && fmt.Sprint(same) == fmt.Sprint(v))
	}
}
