package kustomize

import (
	"bytes"
	"cmp"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/cyan-cd/cyan/internal/render"
)

// editFinder finds where kustomizations say what they change, so that a value that one of them has brought in has a
// place in a file.
type editFinder struct {
	tree  *render.Tree
	found []render.Edit
}

// edits lists what the kustomizations change, in the order in which they are built.
func (f *facts) edits() *render.Edits {
	finder := editFinder{tree: f.tree}
	for _, k := range f.order {
		finder.kustomization(k)
	}
	return &render.Edits{All: finder.found}
}

func (f *editFinder) add(file string, target render.Target, node *yaml.Node, path ...string) {
	if node != nil {
		f.found = append(f.found, render.Edit{File: file, Target: target, Path: path, Node: node})
	}
}

func (f *editFinder) kustomization(k *inspected) {
	for field, kind := range map[string]string{"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"} {
		for _, entry := range elements(k.node, field) {
			f.generator(k, entry, kind)
		}
	}
	for _, p := range k.patches {
		f.patch(p)
	}
	f.names(k)
	f.labels(k)
	for _, entry := range elements(k.node, "replicas") {
		f.add(k.file, render.Target{Name: render.NamesLike(render.Scalar(entry, "name"))}, render.Field(entry, "count"), "spec", "replicas")
	}
	for _, entry := range elements(k.node, "images") {
		f.image(k, entry)
	}
}

// elements are those of a list in a kustomization.
func elements(of *yaml.Node, field string) []*yaml.Node {
	list := render.Field(of, field)
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	return list.Content
}

// anything stands in for a value that is not in the file as it is.
func anything(at *yaml.Node) *yaml.Node { return &yaml.Node{Line: at.Line, Column: at.Column} }

// generator finds the data of a generated object: literals, files, and lines of files of variables.
func (f *editFinder) generator(k *inspected, entry *yaml.Node, kind string) {
	target := render.Target{Kind: kind, Name: render.NamesWith(render.Scalar(entry, "name"))}
	f.add(k.file, target, anything(entry), "metadata")
	for _, literal := range elements(entry, "literals") {
		key, _, _ := strings.Cut(literal.Value, "=")
		f.add(k.file, target, anything(literal), "data", key)
	}
	for _, file := range elements(entry, "files") {
		key, name, named := strings.Cut(file.Value, "=")
		if !named {
			key = path.Base(name + key)
		}
		f.add(k.file, target, anything(file), "data", key)
	}
	for _, env := range append(elements(entry, "envs"), render.Field(entry, "env")) {
		if env != nil {
			f.variables(k, env, target)
		}
	}
}

func (f *editFinder) variables(k *inspected, env *yaml.Node, target render.Target) {
	file, _, err := f.tree.Resolve(path.Join(k.dir, env.Value))
	if err != nil {
		return
	}
	data, err := f.tree.ReadFile(file)
	if err != nil {
		return
	}
	line := 0
	for text := range bytes.Lines(data) {
		line++
		key, _, _ := strings.Cut(strings.TrimSpace(string(text)), "=")
		if key != "" && key[0] != '#' {
			f.add(file, target, &yaml.Node{Line: line, Column: 1}, "data", key)
		}
	}
}

// patch finds the content of a patch: whole objects, or a list of operations.
func (f *editFinder) patch(p inspectedPatch) {
	for _, doc := range p.docs {
		if doc.Node.Kind == yaml.SequenceNode {
			f.operations(p, doc.Node)
			continue
		}
		f.add(p.file, targetOf(p.target, doc.Node), doc.Node)
	}
}

func (f *editFinder) operations(p inspectedPatch, list *yaml.Node) {
	for _, operation := range list.Content {
		pointer := render.Scalar(operation, "path")
		value := render.Field(operation, "value")
		if value == nil || !strings.HasPrefix(pointer, "/") {
			continue
		}
		steps := strings.Split(pointer[1:], "/")
		for i, s := range steps {
			steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
		}
		f.add(p.file, targetOf(p.target, nil), value, steps...)
	}
}

// targetOf is which objects a patch is for: those that its target selects, or the one that it names.
func targetOf(selector *types.Selector, doc *yaml.Node) render.Target {
	if selector != nil {
		return render.Target{Group: selector.Group, Version: selector.Version, Kind: selector.Kind, Name: render.NamesLike(selector.Name), Namespace: render.NamesLike(selector.Namespace)}
	}
	if doc == nil {
		return render.Target{}
	}
	return render.Target{Kind: render.Scalar(doc, "kind"), Name: render.NamesWith(render.Scalar(render.Field(doc, "metadata"), "name"))}
}

// names finds what names and namespaces are changed by.
func (f *editFinder) names(k *inspected) {
	f.add(k.file, render.Target{}, render.Field(k.node, "namespace"), "metadata", "namespace")
	for _, field := range []string{"namePrefix", "nameSuffix"} {
		if at := render.Field(k.node, field); at != nil && at.Value != "" {
			f.add(k.file, render.Target{Name: render.NamesWith(at.Value)}, anything(at), "metadata", "name")
		}
	}
}

// labels finds the labels and annotations that all objects get.
func (f *editFinder) labels(k *inspected) {
	pairs := func(at *yaml.Node, below string) {
		if at == nil || at.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(at.Content); i += 2 {
			key, value := at.Content[i], at.Content[i+1]
			for _, parent := range [][]string{{"metadata", below}, {"spec", "template", "metadata", below}, {"spec", "selector", "matchLabels"}, {"spec", "selector"}} {
				f.add(k.file, render.Target{}, value, append(parent[:len(parent):len(parent)], key.Value)...)
			}
		}
	}
	pairs(render.Field(k.node, "commonLabels"), "labels")
	pairs(render.Field(k.node, "commonAnnotations"), "annotations")
	for _, entry := range elements(k.node, "labels") {
		pairs(render.Field(entry, "pairs"), "labels")
	}
}

// image finds what an image becomes.
func (f *editFinder) image(k *inspected, entry *yaml.Node) {
	name := cmp.Or(render.Scalar(entry, "newName"), render.Scalar(entry, "name"))
	if name == "" {
		return
	}
	at := entry
	for _, field := range []string{"digest", "newTag", "newName"} {
		if value := render.Field(entry, field); value != nil {
			name += map[string]string{"digest": "@", "newTag": ":"}[field]
			if field != "newName" {
				name += value.Value
			}
			at = value
			break
		}
	}
	f.found = append(f.found, render.Edit{File: k.file, Node: at, Image: name})
}

// blockAt moves the lines and columns of a text that stands in a file to where it stands there.
func blockAt(docs []render.Document, at *yaml.Node, indent int) {
	down, right := at.Line-1, at.Column-1
	switch {
	case at.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		down, right = at.Line, indent
	case at.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		right = at.Column
	}
	seen := map[*yaml.Node]bool{}
	var move func(n *yaml.Node)
	move = func(n *yaml.Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		n.Line += down
		n.Column += right
		for _, c := range n.Content {
			move(c)
		}
	}
	for i := range docs {
		docs[i].Line += down
		move(docs[i].Node)
	}
}

// indentBelow is how far the first line of text below a line of a file is indented.
func indentBelow(data []byte, line int) int {
	n := 0
	for text := range bytes.Lines(data) {
		if n++; n > line && len(bytes.TrimSpace(text)) > 0 {
			return len(text) - len(bytes.TrimLeft(text, " "))
		}
	}
	return 0
}
