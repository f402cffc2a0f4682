package kustomize

import (
	"path"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/render"
)

// inspected is a kustomization, with what it builds on and what it changes that by.
type inspected struct {
	dir, file     string
	kustomization *types.Kustomization
	// node is the file.
	node      *yaml.Node
	resources []base
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
	// file is where it stands; "" for an option of the source.
	file   string
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
	for i, entry := range kz.PatchesStrategicMerge { //nolint:staticcheck // kustomizations that exist have the old field
		file, text := fileOrText(string(entry))
		p, err := cr.patch(k, file, text, elementAt(k.node, "patchesStrategicMerge", i, ""))
		if err != nil {
			return err
		}
		k.patches = append(k.patches, p)
	}
	for _, list := range []struct {
		field   string
		patches []types.Patch
	}{{"patches", kz.Patches}, {"patchesJson6902", kz.PatchesJson6902}} { //nolint:staticcheck // as above
		for i, entry := range list.patches {
			p, err := cr.patch(k, entry.Path, entry.Patch, elementAt(k.node, list.field, i, "patch"))
			if err != nil {
				return err
			}
			p.target = entry.Target
			k.patches = append(k.patches, p)
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

// elementAt is an element of a list in a kustomization, or a field of it; nil where the file has it not.
func elementAt(of *yaml.Node, list string, i int, field string) *yaml.Node {
	all := elements(of, list)
	if i >= len(all) {
		return nil
	}
	if field == "" {
		return render.Unalias(all[i])
	}
	return render.Field(all[i], field)
}

// patch reads a patch that is a file or a text; at is where the kustomization has that text, or nil.
func (cr changeReader) patch(k *inspected, file, text string, at *yaml.Node) (inspectedPatch, error) {
	if file == "" {
		docs, err := cr.tree.TextDocuments(k.file, []byte(text))
		if err != nil {
			return inspectedPatch{}, err
		}
		found := inspectedPatch{docs: docs}
		if at != nil && at.Value == text {
			data, err := cr.tree.ReadFile(k.file)
			if err != nil {
				return inspectedPatch{}, err
			}
			found.file = k.file
			blockAt(docs, at, indentBelow(data, at.Line))
		}
		return found, encodable(k.file, docs, true)
	}
	resolved, _, err := cr.tree.Resolve(path.Join(k.dir, file))
	if err != nil {
		return inspectedPatch{}, err
	}
	docs, err := cr.tree.ReadDocuments(resolved)
	if err != nil {
		return inspectedPatch{}, err
	}
	return inspectedPatch{file: resolved, docs: docs}, cr.encoder.file(resolved, docs, true)
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
			file, text := fileOrText(entry)
			inner, err := cr.patch(k, file, text, nil)
			if err != nil {
				return err
			}
			docs = append(docs, inner.docs...)
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
