package kustomize

import (
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/cyan-cd/cyan/internal/render"
)

// written is a field that a replacement has written, and how large it may be now.
type written struct {
	kind, name string
	path       []string
	size       render.Size
}

// mayBe reports whether a field that is read may have in it, or be in, what was written.
func (w written) mayBe(kind, name string, path []string) bool {
	if w.kind != "" && kind != "" && w.kind != kind || isLiteral(w.name) && isLiteral(name) && w.name != name {
		return false
	}
	for i := range min(len(path), len(w.path)) {
		if isLiteral(path[i]) && isLiteral(w.path[i]) && path[i] != w.path[i] {
			return false
		}
	}
	return true
}

func isLiteral(s string) bool { return s != "" && !strings.ContainsAny(s, `*?[]()|+^$\=`) }

// replaced adds what replacements and variables may make of the objects. A replacement may read what another has
// written, so that each can double what there is.
func (e estimator) replaced(k *inspected, into *load) error {
	var before []written
	start := newLoad()
	start.add(into)
	for _, r := range k.replacements {
		var value render.Size
		if r.Source != nil {
			field := cmpOr(r.Source.FieldPath, "metadata.name")
			value = e.valueOf(r.Source.Kind, field, start)
			for _, w := range before {
				if w.mayBe(r.Source.Kind, r.Source.Name, fieldPath(field)) {
					value.Nodes += w.size.Nodes
					value.Bytes += w.size.Bytes
				}
			}
		} else {
			value = start.whole("")
		}
		for _, t := range r.Targets {
			before = append(before, into.writes(t, value)...)
			if err := into.allowed(e.tree.Budget(), k.file); err != nil {
				return err
			}
		}
	}
	for _, v := range k.kustomization.Vars { //nolint:staticcheck // kustomizations that exist have the old field
		into.value = max(into.value, e.valueOf(v.ObjRef.Kind, cmpOr(v.FieldRef.FieldPath, "metadata.name"), into).Bytes)
	}
	return nil
}

// writes adds what a target of a replacement costs.
func (l *load) writes(t *types.TargetSelector, value render.Size) []written {
	if t == nil {
		return nil
	}
	kind, name := "", ""
	if t.Select != nil {
		kind, name = t.Select.Kind, t.Select.Name
	}
	n, of := l.matching(kind, name)
	widest, _ := l.extremes(of)
	paths := t.FieldPaths
	if len(paths) == 0 {
		paths = []string{"metadata.name"}
	}
	var all []written
	for _, p := range paths {
		times := n
		for range strings.Count(p, "*") {
			times *= max(min(widest, 1000), 1)
		}
		l.nodes += times * value.Nodes
		l.bytes += times * value.Bytes
		l.work += l.objects*stepsPerEdit + times*value.Nodes*stepsPerNode
		all = append(all, written{kind, name, fieldPath(p), value})
		if l.bytes > 1<<50 || l.nodes > 1<<50 {
			break
		}
	}
	return all
}

// whole is the size of the largest object of a kind.
func (l *load) whole(kind string) render.Size {
	if l.kinds[kind].objects == 0 {
		kind = ""
	}
	_, largest := l.extremes(kind)
	return render.Size{Nodes: largest/4 + 1, Bytes: largest}
}

// valueOf returns how large the field of an object may be, by the files that have it: as large as the whole object
// where no file has the field.
func (e estimator) valueOf(kind, field string, l *load) render.Size {
	var found *render.Size
	for id, all := range e.places {
		if kind != "" && id.kind != kind {
			continue
		}
		for _, c := range all {
			node := nodeAt(c.node, fieldPath(field))
			if node == nil || c.generated {
				continue
			}
			if node.Kind != yaml.ScalarNode {
				return l.whole(kind)
			}
			size := render.Size{Nodes: 1, Bytes: int64(len(node.Value))}
			if found == nil || size.Bytes > found.Bytes {
				found = &size
			}
		}
	}
	switch {
	case found != nil:
		return *found
	case field == "metadata.name" || field == "metadata.namespace":
		const longestName = 512
		return render.Size{Nodes: 1, Bytes: longestName}
	}
	return l.whole(kind)
}

// nodeAt follows a field path, up to a list.
func nodeAt(n *yaml.Node, path []string) *yaml.Node {
	for _, step := range path {
		if n = render.Unalias(n); n.Kind == yaml.SequenceNode {
			return n
		}
		if n = render.Field(n, step); n == nil {
			return nil
		}
	}
	return n
}

// fieldPath cuts a path at its dots; those after a backslash, or in brackets, are part of a key.
func fieldPath(s string) []string {
	var steps []string
	var step strings.Builder
	depth, escaped := 0, false
	for _, c := range s {
		switch {
		case escaped:
			escaped = false
			step.WriteRune(c)
			continue
		case c == '\\':
			escaped = true
			continue
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '.' && depth == 0:
			steps = append(steps, step.String())
			step.Reset()
			continue
		}
		step.WriteRune(c)
	}
	return append(steps, step.String())
}

func cmpOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
