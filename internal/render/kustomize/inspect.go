package kustomize

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// inspection goes through all kustomizations that one build will read, before kustomize does, and refuses what would
// leave the tree or cost too much. Kustomize has no switch of its own for that: it clones a base and downloads a file
// wherever an entry looks like a URL.
type inspection struct {
	*facts
	files    localFiles
	changes  changeReader
	encoder  encoder
	warnings []render.Warning
}

// facts are what an inspection has found out. Only the inspection writes to them.
type facts struct {
	tree *render.Tree
	// anyFile is whether single files may be anywhere in the tree.
	anyFile bool
	// unsorted is whether the objects stay in the order in which they were read.
	unsorted bool
	// inspected are the kustomizations by their directories.
	inspected map[string]*inspected
	// ownSchema is whether a kustomization brings an OpenAPI schema.
	ownSchema bool
	// modern are the kustomizations with old fields, written with new ones: kustomize prints a line for each old field.
	modern map[string][]byte
	places places
	// order are the kustomizations as they are built.
	order []*inspected
}

func newInspection(tree *render.Tree, settings render.Settings) *inspection {
	once := newEncoder()
	return &inspection{files: localFiles{tree, settings.AnyFile}, changes: changeReader{tree, once}, encoder: once, facts: &facts{tree: tree, anyFile: settings.AnyFile, unsorted: settings.Unsorted, inspected: map[string]*inspected{}, modern: map[string][]byte{}, places: places{}}}
}

// place is where an entry stands, for errors.
type place struct {
	dir, file, field string
}

func (p place) refuse(cause, remedy string) error {
	return &problem.Error{Kind: problem.Usage, File: p.file, Cause: p.field + " " + cause, Remedy: remedy}
}

// kustomization checks one kustomization and those that it reads. above are the directories on the way to it.
func (in *inspection) kustomization(dir, file string, k *types.Kustomization, above []string) error {
	if err := in.deprecated(file, k); err != nil {
		return err
	}
	if err := in.modernize(file, k); err != nil {
		return err
	}
	if len(k.HelmCharts) > 0 || k.HelmGlobals != nil {
		return place{dir, file, "helmCharts"}.refuse("asks for Helm, and charts are not served", "render the chart to plain manifests and list those under resources")
	}
	in.ownSchema = in.ownSchema || len(k.OpenAPI) > 0
	node, err := in.generators(file)
	if err != nil {
		return err
	}
	if err := in.files.check(dir, file, k); err != nil {
		return err
	}
	above = append(slices.Clone(above), dir)
	found := &inspected{dir: dir, file: file, kustomization: k, node: node}
	if err := in.bases(found, above); err != nil {
		return err
	}
	if err := in.plugins(found, above); err != nil {
		return err
	}
	in.inspected[dir] = found
	in.order = append(in.order, found)
	return in.changes.collect(found)
}

// deprecated warns of the fields of a kustomization that a later version of kustomize removes.
func (in *inspection) deprecated(file string, k *types.Kustomization) error {
	for _, message := range *k.CheckDeprecatedFields() {
		// It is "# Warning: 'bases' is deprecated. Please use 'resources' instead. …".
		parts := strings.Split(message, "'")
		if len(parts) < 4 {
			in.warnings = append(in.warnings, render.Warning{Type: render.DeprecatedField, File: file, Message: file + ": " + strings.TrimPrefix(message, "# Warning: ")})
			continue
		}
		docs, err := in.tree.ReadDocuments(file)
		if err != nil {
			return err
		}
		w := render.Warning{Type: render.DeprecatedField, File: file, Replacement: parts[3]}
		for _, d := range docs {
			w.Line = cmp.Or(w.Line, lineOfKey(d.Node, parts[1]))
		}
		w.Message = fmt.Sprintf("%s:%d: %s is deprecated, and replaced by %s", file, w.Line, parts[1], w.Replacement)
		in.warnings = append(in.warnings, w)
	}
	return nil
}

// lineOfKey is where a mapping has a key, in whatever case, or where it begins if it has the key from elsewhere.
func lineOfKey(m *yaml.Node, key string) int {
	for pair := range slices.Chunk(m.Content, 2) {
		if strings.EqualFold(pair[0].Value, key) {
			return pair[0].Line
		}
	}
	return m.Line
}

// bases checks the resources and components of a kustomization.
func (in *inspection) bases(k *inspected, above []string) error {
	for i, entry := range k.kustomization.Resources {
		r, err := in.base(place{k.dir, k.file, fmt.Sprintf("resources[%d]", i)}, entry, above, false)
		if err != nil {
			return err
		}
		k.resources = append(k.resources, r)
	}
	for i, entry := range k.kustomization.Components {
		c, err := in.base(place{k.dir, k.file, fmt.Sprintf("components[%d]", i)}, entry, above, true)
		if err != nil {
			return err
		}
		k.components = append(k.components, c.dir)
	}
	return nil
}

// plugins checks the generators, transformers and validators of a kustomization.
func (in *inspection) plugins(k *inspected, above []string) error {
	for _, list := range []struct {
		field   string
		entries []string
	}{{"generators", k.kustomization.Generators}, {"transformers", k.kustomization.Transformers}, {"validators", k.kustomization.Validators}} {
		for i, entry := range list.entries {
			p := place{k.dir, k.file, fmt.Sprintf("%s[%d]", list.field, i)}
			configs, err := in.plugin(p, entry, above)
			if err != nil {
				return err
			}
			if err := in.changes.collectPlugins(p, k, configs); err != nil {
				return err
			}
		}
	}
	return nil
}

// modernize replaces old fields by new ones that mean the same.
func (in *inspection) modernize(file string, k *types.Kustomization) error {
	old := len(k.Bases) + len(k.ImageTags) + len(k.CommonLabels) //nolint:staticcheck // kustomizations that exist have the old fields
	k.FixKustomization()
	if k.OpenAPI["version"] == openapi.DefaultOpenAPI && len(k.OpenAPI) == 1 {
		// The schema that is built in: naming it changes global variables of kustomize's all the same.
		k.OpenAPI = nil
		old++
	}
	if old == 0 {
		return nil
	}
	if len(k.CommonLabels) > 0 { //nolint:staticcheck // as above
		k.Labels = append(k.Labels, types.Label{Pairs: k.CommonLabels, IncludeSelectors: true}) //nolint:staticcheck // as above
		k.CommonLabels = nil                                                                    //nolint:staticcheck // as above
	}
	data, err := sigsyaml.Marshal(k)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", file, err)
	}
	in.modern[file] = data
	return nil
}

// generators notes where the generators of a kustomization stand, and returns the kustomization.
func (in *inspection) generators(file string) (*yaml.Node, error) {
	docs, err := in.tree.ReadDocuments(file)
	if err != nil {
		return nil, err
	}
	var node *yaml.Node
	for _, d := range docs {
		in.places.addGenerators(file, d.Node)
		node = d.Node
	}
	return node, nil
}

// base checks an entry that is a file of resources, or a directory with a kustomization.
func (in *inspection) base(p place, entry string, above []string, directoryOnly bool) (base, error) {
	if isRemote(entry) {
		return base{}, p.refuse(fmt.Sprintf("%q is fetched from elsewhere, and nothing outside the repository is read", entry), "copy it into the repository and name the copy")
	}
	resolved, mode, err := in.files.find(p, entry)
	if err != nil {
		return base{}, err
	}
	if !mode.IsDir() {
		if directoryOnly {
			return base{}, p.refuse(fmt.Sprintf("%q is a file, and a component is a directory", entry), "name the directory with its kustomization.yaml")
		}
		docs, err := in.resourceFile(p, entry, resolved)
		return base{docs: docs}, err
	}
	for _, d := range above {
		if d == resolved || resolved == "." || strings.HasPrefix(d, resolved+"/") {
			return base{}, p.refuse(fmt.Sprintf("%q goes round in a circle: it is or contains %s, which is being built", entry, render.DisplayPath(d)), "let a base never name what builds on it")
		}
	}
	if in.inspected[resolved] != nil {
		return base{dir: resolved}, nil
	}
	file, k, err := loadKustomization(in.tree, resolved)
	if err != nil {
		return base{}, err
	}
	return base{dir: resolved}, in.kustomization(resolved, file, k, above)
}

// resourceFile checks a file of objects. Kustomize takes one that it cannot read for a base, and its error is about
// that.
func (in *inspection) resourceFile(p place, entry, resolved string) ([]render.Document, error) {
	if err := in.files.below(p, entry, resolved); err != nil {
		return nil, err
	}
	docs, err := in.tree.ReadDocuments(resolved)
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		cause := ""
		switch {
		case d.Node.Kind != yaml.MappingNode:
			cause = "not an object"
		case render.Scalar(d.Node, "kind") == "":
			cause = "object without kind"
		case render.Scalar(d.Node, "apiVersion") == "":
			cause = "object without apiVersion"
		case render.Scalar(render.Field(d.Node, "metadata"), "name") == "" && !strings.HasSuffix(render.Scalar(d.Node, "kind"), "List"):
			cause = "object without metadata.name, which kustomize asks for (generateName is not enough)"
		}
		if cause != "" {
			return nil, &problem.Error{Kind: problem.Usage, File: resolved, Line: d.Node.Line, Cause: cause, Remedy: fmt.Sprintf("correct it, or remove the file from %s", p.file)}
		}
	}
	in.places.addDocuments(resolved, docs)
	return docs, in.encoder.file(resolved, docs, false)
}
