package render

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// skipMark in a file keeps it out of the rendering.
const skipMark = "+argocd:skip-file-rendering"

// renderDirectory reads plain manifests, in the order of their paths.
func renderDirectory(v *view, dir string, options *v1alpha1.DirectorySource, result *Result) error {
	if options == nil {
		options = &v1alpha1.DirectorySource{}
	}
	include, err := parseGlob("source.directory.include", options.Include)
	if err != nil {
		return err
	}
	exclude, err := parseGlob("source.directory.exclude", options.Exclude)
	if err != nil {
		return err
	}
	d := directory{view: v, root: dir, include: include, exclude: exclude, recurse: options.Recurse, result: result, entered: map[string]bool{}}
	return d.enter(dir, ".")
}

type directory struct {
	view             *view
	root             string
	include, exclude glob
	recurse          bool
	result           *Result
	// entered are the resolved directories on the way to where we are, so that a link to one of them is no loop.
	entered map[string]bool
}

// enter reads a directory. rel is how it is called from the source's path.
func (d *directory) enter(dir, rel string) error {
	if d.entered[dir] {
		return &Error{File: path.Join(d.root, rel), Problem: "this symbolic link leads back to a directory that it is in", Remedy: "remove it, or exclude it with source.directory.exclude"}
	}
	d.entered[dir] = true
	defer delete(d.entered, dir)
	entries, err := d.view.list(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := d.entry(joinName(dir, e.Name()), joinName(rel, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (d *directory) entry(name, rel string) error {
	if path.Base(name) == ".git" || (d.exclude.given() && d.exclude.matches(rel)) {
		return nil
	}
	mode, err := d.view.lstat(name)
	if err != nil {
		return err
	}
	wanted := d.wanted(rel)
	if !mode.IsDir() && mode.IsRegular() && !wanted {
		return nil
	}
	if !mode.IsDir() && !mode.IsRegular() && !wanted && !d.recurse {
		return nil
	}
	resolved, mode, err := d.view.resolve(name)
	if err != nil {
		return err
	}
	switch {
	case mode.IsDir() && d.recurse:
		return d.enter(resolved, rel)
	case mode.IsDir() || !wanted:
		return nil
	}
	if path.Ext(rel) == ".jsonnet" {
		return &Error{File: name, Problem: "Jsonnet is not served", Remedy: "commit what it renders to, and exclude this file with source.directory.exclude"}
	}
	return d.file(resolved)
}

// wanted says that a file is of a kind that is read, and is included.
func (d *directory) wanted(rel string) bool {
	if !isManifestName(rel) && path.Ext(rel) != ".jsonnet" {
		return false
	}
	return !d.include.given() || d.include.matches(rel)
}

func (d *directory) file(name string) error {
	data, err := d.view.readFile(name)
	if err != nil {
		return err
	}
	if bytes.Contains(data, []byte(skipMark)) {
		d.skip(name, 0, "it says "+skipMark)
		return nil
	}
	docs, err := d.view.parseDocuments(name, data)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if err := d.document(name, doc); err != nil {
			return err
		}
	}
	return nil
}

func (d *directory) skip(name string, line int, why string) {
	at := name
	if line > 0 {
		at = fmt.Sprintf("%s:%d", name, line)
	}
	d.result.Warnings = append(d.result.Warnings, Warning{Type: SkippedFile, Message: fmt.Sprintf("%s is no part of the result: %s", at, why)})
}

func (d *directory) document(name string, doc document) error {
	value, isMapping, err := doc.decode(name)
	if err != nil {
		return err
	}
	if !isMapping {
		d.skip(name, doc.node.Line, "it is no object")
		return nil
	}
	kind, apiVersion := scalar(doc.node, "kind"), scalar(doc.node, "apiVersion")
	if kind == "" && apiVersion == "" {
		d.skip(name, doc.node.Line, "it has neither kind nor apiVersion")
		return nil
	}
	items, isList := value["items"].([]any)
	if isList && strings.HasSuffix(kind, "List") {
		source := mappingValue(doc.node, "items")
		for i, item := range items {
			m, _ := item.(map[string]any)
			if err := d.object(name, m, unalias(source.Content[i])); err != nil {
				return err
			}
		}
		return nil
	}
	return d.object(name, value, doc.node)
}

func (d *directory) object(name string, value map[string]any, source *yaml.Node) error {
	refuse := func(problem, remedy string) error {
		return &Error{File: name, Line: source.Line, Problem: problem, Remedy: remedy}
	}
	kind, _ := value["kind"].(string)
	apiVersion, _ := value["apiVersion"].(string)
	switch {
	case kind == "":
		return refuse("this object has no kind", "add it, or exclude the file with source.directory.exclude")
	case apiVersion == "":
		return refuse("this "+kind+" has no apiVersion", "add it, or exclude the file with source.directory.exclude")
	case strings.HasPrefix(apiVersion, "kustomize.config.k8s.io/"):
		return refuse("this is a kustomization, and the source is read as a directory of plain files", "let source.path name its directory, or exclude it with source.directory.exclude")
	}
	object := &unstructured.Unstructured{Object: value}
	if object.GetName() == "" && object.GetGenerateName() == "" {
		return refuse("this "+kind+" has no metadata.name", "add it")
	}
	if len(d.result.Objects) >= d.view.limits.Objects {
		return refuse(fmt.Sprintf("%d objects were read until here, which is the limit", d.view.limits.Objects), "split the source into several Applications")
	}
	d.result.Objects = append(d.result.Objects, Rendered{Object: object, Origin: Origin{File: name, Line: source.Line}, source: source})
	return nil
}

// expandLists replaces lists of objects by their items.
func expandLists(docs []document) []document {
	var out []document
	for _, doc := range docs {
		items := mappingValue(doc.node, "items")
		if items == nil || items.Kind != yaml.SequenceNode || !strings.HasSuffix(scalar(doc.node, "kind"), "List") {
			out = append(out, doc)
			continue
		}
		for _, item := range items.Content {
			out = append(out, document{node: unalias(item), line: item.Line})
		}
	}
	return out
}

// scalar is the text of a key of a mapping, or "".
func scalar(n *yaml.Node, key string) string {
	if n == nil {
		return ""
	}
	if v := mappingValue(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}
