package kustomize

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/render"
)

// inspected is a kustomization, with what it builds on and what it changes that by.
type inspected struct {
	dir, file     string
	kustomization *types.Kustomization
	resources     []base
	// components are directories.
	components   []string
	patches      []inspectedPatch
	replacements []types.Replacement
	plugins      []inspectedPlugin
}

// base is an entry of resources: a directory with a kustomization, or the documents of a file.
type base struct {
	dir  string
	docs []render.Document
}

// inspectedPatch is a patch. Without a target it is for the object that it names.
type inspectedPatch struct {
	docs   []render.Document
	target *types.Selector
}

// inspectedPlugin is the configuration of a transformer, with the patches in it and in the files that it names.
type inspectedPlugin struct{ docs []render.Document }

// changeReader reads what a kustomization changes its objects by.
type changeReader struct {
	tree    *render.Tree
	encoder encoder
}

// collect fills in the patches and the replacements. All of them were checked before.
func (cr changeReader) collect(k *inspected) error {
	kz := k.kustomization
	for _, entry := range kz.PatchesStrategicMerge { //nolint:staticcheck // kustomizations that exist have the old field
		docs, err := cr.patch(k, string(entry), "")
		if err != nil {
			return err
		}
		k.patches = append(k.patches, inspectedPatch{docs: docs})
	}
	for _, list := range [][]types.Patch{kz.Patches, kz.PatchesJson6902} { //nolint:staticcheck // as above
		for _, p := range list {
			docs, err := cr.patch(k, p.Path, p.Patch)
			if err != nil {
				return err
			}
			k.patches = append(k.patches, inspectedPatch{docs: docs, target: p.Target})
		}
	}
	for _, r := range kz.Replacements {
		if r.Path == "" {
			k.replacements = append(k.replacements, r.Replacement)
			continue
		}
		if err := cr.replacementFile(k, r.Path); err != nil {
			return err
		}
	}
	return nil
}

// patch reads a patch that is a file or a text.
func (cr changeReader) patch(k *inspected, file, text string) ([]render.Document, error) {
	if file == "" || strings.Contains(file, "\n") {
		docs, err := cr.tree.TextDocuments(k.file, []byte(file+text))
		if err != nil {
			return nil, err
		}
		return docs, encodable(k.file, docs, true)
	}
	resolved, _, err := cr.tree.Resolve(path.Join(k.dir, file))
	if err != nil {
		return nil, err
	}
	docs, err := cr.tree.ReadDocuments(resolved)
	if err != nil {
		return nil, err
	}
	return docs, cr.encoder.file(resolved, docs, true)
}

// replacementFile reads replacements from a file: a list of them, or one. Kustomize refuses a file that is neither.
func (cr changeReader) replacementFile(k *inspected, file string) error {
	resolved, _, err := cr.tree.Resolve(path.Join(k.dir, file))
	if err != nil {
		return err
	}
	data, err := cr.tree.ReadFile(resolved)
	if err != nil {
		return err
	}
	var list []types.Replacement
	if sigsyaml.Unmarshal(data, &list) != nil {
		list = make([]types.Replacement, 1)
		_ = sigsyaml.Unmarshal(data, &list[0])
	}
	k.replacements = append(k.replacements, list...)
	return nil
}

// collectPlugins fills in what generators and transformers are configured to do. All of it was checked before.
func (cr changeReader) collectPlugins(p place, k *inspected, configs []pluginConfig) error {
	for _, c := range configs {
		var f pluginFiles
		if err := sigsyaml.Unmarshal(c.text, &f); err != nil {
			return p.refuse("cannot be read: "+err.Error(), "correct it")
		}
		docs, err := cr.tree.TextDocuments(p.file, c.text)
		if err != nil {
			return err
		}
		for _, text := range []string{f.Patch, f.Patches, f.JSONOp} {
			inner, err := cr.tree.TextDocuments(p.file, []byte(text))
			if err != nil {
				return err
			}
			docs = append(docs, inner...)
		}
		for _, entry := range append([]string{f.Path}, f.Paths...) {
			if entry == "" {
				continue
			}
			inner, err := cr.patch(k, entry, "")
			if err != nil {
				return err
			}
			docs = append(docs, inner...)
		}
		k.plugins = append(k.plugins, inspectedPlugin{docs})
		if err := cr.pluginReplacements(k, c); err != nil {
			return err
		}
	}
	return nil
}

func (cr changeReader) pluginReplacements(k *inspected, c pluginConfig) error {
	var f struct {
		Replacements []types.ReplacementField `json:"replacements"`
	}
	if sigsyaml.Unmarshal(c.text, &f) != nil {
		return nil
	}
	for _, r := range f.Replacements {
		if r.Path == "" {
			k.replacements = append(k.replacements, r.Replacement)
		} else if err := cr.replacementFile(k, r.Path); err != nil {
			return err
		}
	}
	return nil
}
