package kustomize

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/cyan-cd/cyan/internal/render"
)

// lost warns of what kustomizations say and kustomize passes over without a word: keys that are there twice, of which
// the last one counts, and patches whose target selects nothing.
func (f *facts) lost(objects []*unstructured.Unstructured) []render.Warning {
	var all []render.Warning
	seen := map[string]bool{}
	for _, k := range f.order {
		if seen[k.file] {
			continue
		}
		seen[k.file] = true
		all = append(all, repeatedKeys(k.file, "", k.node)...)
		for _, list := range []struct {
			field   string
			patches []types.Patch
		}{{"patches", k.kustomization.Patches}, {"patchesJson6902", k.kustomization.PatchesJson6902}} { //nolint:staticcheck // kustomizations that exist have the old field
			for i, p := range list.patches {
				at := elementAt(k.node, list.field, i, "target")
				if p.Target == nil || at == nil || f.selects(p.Target, objects) {
					continue
				}
				all = append(all, render.Warning{
					Type: render.ManifestWarning, Rule: render.RulePatchOfNothing, File: k.file, Line: at.Line,
					Message: fmt.Sprintf("%s:%d: %s[%d].target: no object is %s, so that the patch changes nothing", k.file, at.Line, list.field, i, selected(p.Target)),
				})
			}
		}
	}
	return all
}

// maxRepeated bounds the keys of one kustomization that are named.
const maxRepeated = 20

// repeatedKeys finds keys that a mapping has twice.
func repeatedKeys(file, path string, n *yaml.Node) []render.Warning {
	var all []render.Warning
	if n == nil || n.Kind == yaml.AliasNode {
		return nil
	}
	lines := map[string]int{}
	for i, c := range n.Content {
		below := path
		switch {
		case n.Kind == yaml.SequenceNode:
			below = fmt.Sprintf("%s[%d]", path, i)
		case n.Kind == yaml.MappingNode && i%2 == 0:
			at := strings.TrimPrefix(path+"."+c.Value, ".")
			if first, repeated := lines[c.Value]; repeated && c.Value != "<<" {
				all = append(all, render.Warning{
					Type: render.ManifestWarning, Rule: render.RuleRepeatedKey, File: file, Line: c.Line,
					Message: fmt.Sprintf("%s:%d: %s: duplicate key: the first is in line %d, and is lost", file, c.Line, at, first),
				})
			}
			lines[c.Value] = c.Line
			continue
		case n.Kind == yaml.MappingNode:
			below = strings.TrimPrefix(path+"."+n.Content[i-1].Value, ".")
		}
		all = append(all, repeatedKeys(file, below, c)...)
		if len(all) >= maxRepeated {
			return all[:maxRepeated]
		}
	}
	return all
}

// selects reports whether a target may select an object. Names change while a kustomization is built, so one that is a
// part of a name counts, as it was or as it is in the end. What selects by labels or annotations alone may select
// anything.
func (f *facts) selects(target *types.Selector, objects []*unstructured.Unstructured) bool {
	if target.Kind == "" && target.Name == "" {
		return true
	}
	kind, name := pattern("^(?:%s)$", target.Kind), pattern("%s", target.Name)
	matches := func(ofKind, ofName string) bool {
		return (kind == nil || kind.MatchString(ofKind)) && (name == nil || name.MatchString(ofName))
	}
	for _, o := range objects {
		if matches(o.GetKind(), o.GetName()) {
			return true
		}
	}
	for _, k := range f.order {
		for _, d := range plainDocs(k.resources) {
			if selectsIn(d.Node, matches) {
				return true
			}
		}
		for field, generated := range map[string]string{"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"} {
			for _, entry := range elements(k.node, field) {
				if matches(generated, render.Scalar(entry, "name")) {
					return true
				}
			}
		}
	}
	return false
}

// selectsIn reports whether a document, or an item of it, matches.
func selectsIn(doc *yaml.Node, matches func(kind, name string) bool) bool {
	for _, item := range elements(doc, "items") {
		if selectsIn(render.Unalias(item), matches) {
			return true
		}
	}
	return matches(render.Scalar(doc, "kind"), render.Scalar(render.Field(doc, "metadata"), "name"))
}

// selected is what a target asks for, in words.
func selected(target *types.Selector) string {
	switch {
	case target.Name == "":
		return "a " + target.Kind
	case target.Kind == "":
		return fmt.Sprintf("called %q", target.Name)
	}
	return fmt.Sprintf("a %s called %q", target.Kind, target.Name)
}

// pattern is a form with an expression in it, ready for use; nil where there is no expression, or an invalid one, which
// kustomize refuses itself.
func pattern(form, expression string) *regexp.Regexp {
	if expression == "" {
		return nil
	}
	compiled, err := regexp.Compile(fmt.Sprintf(form, expression))
	if err != nil {
		return nil
	}
	return compiled
}
