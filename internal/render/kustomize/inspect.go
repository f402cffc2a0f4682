package kustomize

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// inspection goes through all kustomizations that one build will read, before kustomize does, and refuses what would
// leave the tree or cost too much. Kustomize has no switch of its own for that: it clones a base and downloads a file
// wherever an entry looks like a URL.
type inspection struct {
	tree  *render.Tree
	files localFiles
	// builds is the number of kustomizations built for a directory, those below included.
	builds map[string]int
	// ownSchema is whether a kustomization brings an OpenAPI schema.
	ownSchema bool
	// modern are the kustomizations with old fields, written with new ones: kustomize prints a line for each old field.
	modern   map[string][]byte
	places   places
	warnings []render.Warning
}

func newInspection(tree *render.Tree) *inspection {
	return &inspection{tree: tree, files: localFiles{tree}, builds: map[string]int{}, modern: map[string][]byte{}, places: places{}}
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
	for _, message := range *k.CheckDeprecatedFields() {
		in.warnings = append(in.warnings, render.Warning{Type: render.DeprecatedField, Message: file + ": " + strings.TrimPrefix(message, "# Warning: ")})
	}
	if err := in.modernize(file, k); err != nil {
		return err
	}
	if len(k.HelmCharts) > 0 || k.HelmGlobals != nil {
		return place{dir, file, "helmCharts"}.refuse("asks for Helm, and charts are not served", "render the chart to plain manifests and list those under resources")
	}
	in.ownSchema = in.ownSchema || len(k.OpenAPI) > 0
	if err := in.generators(file); err != nil {
		return err
	}
	if err := in.files.check(dir, file, k); err != nil {
		return err
	}
	above = append(slices.Clone(above), dir)
	builds, err := in.bases(dir, file, k, above)
	if err != nil {
		return err
	}
	if err := in.plugins(dir, file, k, above); err != nil {
		return err
	}
	in.builds[dir] = builds
	return nil
}

// bases checks the resources and components of a kustomization. It returns the number of kustomizations that are
// built for it, itself included.
func (in *inspection) bases(dir, file string, k *types.Kustomization, above []string) (int, error) {
	builds, limit := 1, in.tree.Limits().Kustomizations
	for _, list := range []struct {
		field         string
		entries       []string
		directoryOnly bool
	}{{"resources", k.Resources, false}, {"components", k.Components, true}} {
		for i, entry := range list.entries {
			n, err := in.base(place{dir, file, fmt.Sprintf("%s[%d]", list.field, i)}, entry, above, list.directoryOnly)
			if err != nil {
				return 0, err
			}
			if builds += n; builds > limit {
				return 0, place{dir, file, list.field}.refuse(
					fmt.Sprintf("leads to more than %d kustomizations, those reached by several ways counted each time, which is the limit", limit),
					"list each base once")
			}
		}
	}
	return builds, nil
}

// plugins checks the generators, transformers and validators of a kustomization.
func (in *inspection) plugins(dir, file string, k *types.Kustomization, above []string) error {
	for _, list := range []struct {
		field   string
		entries []string
	}{{"generators", k.Generators}, {"transformers", k.Transformers}, {"validators", k.Validators}} {
		for i, entry := range list.entries {
			if err := in.plugin(place{dir, file, fmt.Sprintf("%s[%d]", list.field, i)}, entry, above); err != nil {
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

// generators notes where the generators of a kustomization stand.
func (in *inspection) generators(file string) error {
	data, err := in.tree.ReadFile(file)
	if err != nil {
		return err
	}
	docs, err := in.tree.Documents(file, data)
	if err != nil {
		return err
	}
	for _, d := range docs {
		in.places.addGenerators(file, d.Node)
	}
	return nil
}

// base checks an entry that is a file of resources, or a directory with a kustomization. It returns the number of
// kustomizations that are built for it.
func (in *inspection) base(p place, entry string, above []string, directoryOnly bool) (int, error) {
	if isRemote(entry) {
		return 0, p.refuse(fmt.Sprintf("%q is fetched from elsewhere, and nothing outside the repository is read", entry), "copy it into the repository and name the copy")
	}
	resolved, mode, err := in.files.find(p, entry)
	if err != nil {
		return 0, err
	}
	if !mode.IsDir() {
		if directoryOnly {
			return 0, p.refuse(fmt.Sprintf("%q is a file, and a component is a directory", entry), "name the directory with its kustomization.yaml")
		}
		return 0, in.resourceFile(p, entry, resolved)
	}
	for _, d := range above {
		if d == resolved || resolved == "." || strings.HasPrefix(d, resolved+"/") {
			return 0, p.refuse(fmt.Sprintf("%q goes round in a circle: it is or contains %s, which is being built", entry, render.DisplayPath(d)), "let a base never name what builds on it")
		}
	}
	if n, ok := in.builds[resolved]; ok {
		return n, nil
	}
	file, k, err := loadKustomization(in.tree, resolved)
	if err != nil {
		return 0, err
	}
	if err := in.kustomization(resolved, file, k, above); err != nil {
		return 0, err
	}
	return in.builds[resolved], nil
}

// resourceFile checks a file of objects. Kustomize takes one that it cannot read for a base, and its error is about
// that.
func (in *inspection) resourceFile(p place, entry, resolved string) error {
	if err := below(p, entry, resolved); err != nil {
		return err
	}
	data, err := in.tree.ReadFile(resolved)
	if err != nil {
		return err
	}
	docs, err := in.tree.Documents(resolved, data)
	if err != nil {
		return err
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
			return &problem.Error{Kind: problem.Usage, File: resolved, Line: d.Node.Line, Cause: cause, Remedy: fmt.Sprintf("correct it, or remove the file from %s", p.file)}
		}
	}
	in.places.addDocuments(resolved, docs)
	return nil
}
