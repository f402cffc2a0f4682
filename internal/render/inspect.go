package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"
)

// inspection goes through all kustomizations that one build will read, before kustomize does, and refuses what would leave the tree or cost too much. Kustomize has no switch of its
// own for that: it clones a base and downloads a file wherever an entry looks like a URL.
type inspection struct {
	view *view
	// builds is the number of kustomizations built for a directory, those below included.
	builds map[string]int
	// customSchema says that a kustomization brings an OpenAPI schema.
	customSchema bool
	// modern are the kustomizations with old fields, written with new ones: kustomize prints a line for each old field, to nobody.
	modern   map[string][]byte
	places   places
	warnings []Warning
}

func newInspection(v *view) *inspection {
	return &inspection{view: v, builds: map[string]int{}, modern: map[string][]byte{}, places: places{}}
}

// place is where an entry stands, for errors.
type place struct {
	dir, file, field string
}

func (p place) refuse(problem, remedy string) error {
	return &Error{File: p.file, Problem: p.field + " " + problem, Remedy: remedy}
}

// loadKustomization reads the kustomization file of a directory.
func (v *view) loadKustomization(dir string) (string, *types.Kustomization, error) {
	var files []string
	for _, name := range kustomizationNames() {
		resolved, mode, err := v.resolve(path.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", nil, err
		case mode.IsRegular():
			files = append(files, resolved)
		}
	}
	switch {
	case len(files) == 0:
		return "", nil, &Error{File: display(dir), Problem: "this directory has no kustomization.yaml, kustomization.yml or Kustomization", Remedy: "add one that lists its files under resources"}
	case len(files) > 1:
		return "", nil, &Error{File: display(dir), Problem: fmt.Sprintf("this directory has %d kustomizations (%s)", len(files), strings.Join(files, ", ")), Remedy: "keep one"}
	}
	data, err := v.readFile(files[0])
	if err != nil {
		return "", nil, err
	}
	docs, err := v.parseDocuments(files[0], data)
	if err != nil {
		return "", nil, err
	}
	if len(docs) != 1 {
		return "", nil, &Error{File: files[0], Problem: fmt.Sprintf("a kustomization is one YAML document, and this file has %d", len(docs)), Remedy: "list the resources in it"}
	}
	k := &types.Kustomization{}
	if err := k.Unmarshal(data); err != nil {
		line, problem := kustomizationProblem(docs[0].node, err)
		return "", nil, &Error{File: files[0], Line: line, Problem: "this is no kustomization: " + problem, Remedy: "correct the field"}
	}
	return files[0], k, nil
}

// kustomizationProblem finds the line of a field that a kustomization does not have.
func kustomizationProblem(n *yaml.Node, err error) (int, string) {
	problem := strings.TrimPrefix(err.Error(), "invalid Kustomization: ")
	if _, field, ok := strings.Cut(problem, `unknown field "`); ok && n.Kind == yaml.MappingNode {
		field = strings.TrimSuffix(field, `"`)
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == field {
				return n.Content[i].Line, problem
			}
		}
	}
	return 0, strings.TrimPrefix(problem, "json: ")
}

// kustomization checks one kustomization and those that it reads. above are the directories on the way to it.
func (in *inspection) kustomization(dir, file string, k *types.Kustomization, above []string) error {
	for _, message := range *k.CheckDeprecatedFields() {
		in.warnings = append(in.warnings, Warning{Type: DeprecatedField, Message: file + ": " + strings.TrimPrefix(message, "# Warning: ")})
	}
	if err := in.modernize(file, k); err != nil {
		return err
	}
	if len(k.HelmCharts) > 0 || k.HelmGlobals != nil {
		return place{dir, file, "helmCharts"}.refuse("asks for Helm, and charts are not served", "render the chart to plain manifests and list those under resources")
	}
	in.customSchema = in.customSchema || len(k.OpenAPI) > 0
	if err := in.generators(file); err != nil {
		return err
	}
	if err := in.files(dir, file, k); err != nil {
		return err
	}
	above = append(slices.Clone(above), dir)
	builds := 1
	add := func(field string, entries []string, component bool) error {
		for i, entry := range entries {
			n, err := in.base(place{dir, file, fmt.Sprintf("%s[%d]", field, i)}, entry, above, component)
			if err != nil {
				return err
			}
			if builds += n; builds > in.view.limits.Kustomizations {
				return place{dir, file, field}.refuse(fmt.Sprintf("leads to more than %d kustomizations, those reached by several ways counted each time, which is the limit", in.view.limits.Kustomizations), "list each base once")
			}
		}
		return nil
	}
	if err := add("resources", k.Resources, false); err != nil {
		return err
	}
	if err := add("components", k.Components, true); err != nil {
		return err
	}
	for _, p := range []struct {
		field   string
		entries []string
	}{{"generators", k.Generators}, {"transformers", k.Transformers}, {"validators", k.Validators}} {
		for i, entry := range p.entries {
			if err := in.plugin(place{dir, file, fmt.Sprintf("%s[%d]", p.field, i)}, entry, above); err != nil {
				return err
			}
		}
	}
	in.builds[dir] = builds
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
	data, err := in.view.readFile(file)
	if err != nil {
		return err
	}
	docs, err := in.view.parseDocuments(file, data)
	if err != nil {
		return err
	}
	for _, d := range docs {
		in.places.addGenerators(file, d.node)
	}
	return nil
}

// base checks an entry that is a file of resources, or a directory with a kustomization. It gives the number of kustomizations that are built for it.
func (in *inspection) base(p place, entry string, above []string, directoryOnly bool) (int, error) {
	if isRemote(entry) {
		return 0, p.refuse(fmt.Sprintf("%q is fetched from elsewhere, and nothing outside the repository is read", entry), "copy it into the repository and name the copy")
	}
	resolved, mode, err := in.find(p, entry)
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
			return 0, p.refuse(fmt.Sprintf("%q goes round in a circle: it is or contains %s, which is being built", entry, display(d)), "let a base never name what builds on it")
		}
	}
	if n, ok := in.builds[resolved]; ok {
		return n, nil
	}
	file, k, err := in.view.loadKustomization(resolved)
	if err != nil {
		return 0, err
	}
	if err := in.kustomization(resolved, file, k, above); err != nil {
		return 0, err
	}
	return in.builds[resolved], nil
}

// find resolves an entry that must be inside the tree.
func (in *inspection) find(p place, entry string) (string, fs.FileMode, error) {
	switch joined := path.Join(p.dir, entry); {
	case entry == "":
		return "", 0, p.refuse("is empty", "name a file or a directory")
	case isAbsolute(entry):
		return "", 0, p.refuse(fmt.Sprintf("%q is absolute, and nothing outside the repository is read", entry), "give it relative to the kustomization")
	case joined == ".." || strings.HasPrefix(joined, "../"):
		return "", 0, p.refuse(fmt.Sprintf("%q leaves the repository, and nothing outside it is read", entry), "copy it into the repository and name the copy")
	default:
		resolved, mode, err := in.view.resolve(joined)
		if errors.Is(err, fs.ErrNotExist) {
			return "", 0, p.refuse(fmt.Sprintf("%q does not exist in this revision", entry), "add it, or remove the entry")
		}
		return resolved, mode, err
	}
}

// file checks an entry that kustomize reads as a file, which must be in or below the directory of the kustomization.
func (in *inspection) file(p place, entry string) (string, error) {
	if isRemoteFile(entry) {
		return "", p.refuse(fmt.Sprintf("%q is fetched from elsewhere, and nothing outside the repository is read", entry), "copy it into the repository and name the copy")
	}
	resolved, mode, err := in.find(p, entry)
	if err != nil {
		return "", err
	}
	if mode.IsDir() {
		return "", p.refuse(fmt.Sprintf("%q is a directory", entry), "name a file")
	}
	if err := in.below(p, entry, resolved); err != nil {
		return "", err
	}
	return resolved, nil
}

func (in *inspection) below(p place, entry, resolved string) error {
	if p.dir != "." && !strings.HasPrefix(resolved, p.dir+"/") {
		return p.refuse(fmt.Sprintf("%q is not in or below %s, and kustomize reads single files only there", entry, p.dir), "put the file below, or give its directory a kustomization.yaml and name the directory")
	}
	return nil
}

// resourceFile checks a file of objects. Kustomize takes one that it cannot read for a base and answers with something else.
func (in *inspection) resourceFile(p place, entry, resolved string) error {
	if err := in.below(p, entry, resolved); err != nil {
		return err
	}
	data, err := in.view.readFile(resolved)
	if err != nil {
		return err
	}
	docs, err := in.view.parseDocuments(resolved, data)
	if err != nil {
		return err
	}
	for _, d := range docs {
		problem := ""
		switch {
		case d.node.Kind != yaml.MappingNode:
			problem = "this is no object"
		case scalar(d.node, "kind") == "":
			problem = "this object has no kind"
		case scalar(d.node, "apiVersion") == "":
			problem = "this object has no apiVersion"
		case scalar(mappingValue(d.node, "metadata"), "name") == "" && !strings.HasSuffix(scalar(d.node, "kind"), "List"):
			problem = "this object has no metadata.name, which kustomize asks for (generateName is not enough)"
		}
		if problem != "" {
			return &Error{File: resolved, Line: d.node.Line, Problem: problem, Remedy: fmt.Sprintf("correct it, or remove the file from %s", p.file)}
		}
	}
	in.places.addDocuments(resolved, docs)
	return nil
}

// files checks everything that a kustomization reads as a single file, and what stands in it as text to be parsed.
func (in *inspection) files(dir, file string, k *types.Kustomization) error {
	if err := in.patches(dir, file, k); err != nil {
		return err
	}
	lists := []struct {
		field   string
		entries []string
	}{{"crds", k.Crds}, {"configurations", k.Configurations}}
	if schema, ok := k.OpenAPI["path"]; ok {
		lists = append(lists, struct {
			field   string
			entries []string
		}{"openapi.path", []string{schema}})
	}
	for i, r := range k.Replacements {
		if r.Path != "" {
			lists = append(lists, struct {
				field   string
				entries []string
			}{fmt.Sprintf("replacements[%d].path", i), []string{r.Path}})
		}
	}
	for _, l := range lists {
		for _, entry := range l.entries {
			if err := in.parsed(place{dir, file, l.field}, entry); err != nil {
				return err
			}
		}
	}
	if err := in.schemas(dir, file, k); err != nil {
		return err
	}
	for i, g := range k.ConfigMapGenerator {
		if err := in.sources(place{dir, file, fmt.Sprintf("configMapGenerator[%d]", i)}, g.KvPairSources); err != nil {
			return err
		}
	}
	for i, g := range k.SecretGenerator {
		if err := in.sources(place{dir, file, fmt.Sprintf("secretGenerator[%d]", i)}, g.KvPairSources); err != nil {
			return err
		}
	}
	return nil
}

// schemas checks what kustomize follows references in. The files are known to be readable.
func (in *inspection) schemas(dir, file string, k *types.Kustomization) error {
	read := func(p place, entry string) (string, []byte, error) {
		resolved, err := in.file(p, entry)
		if err != nil {
			return "", nil, err
		}
		data, err := in.view.readFile(resolved)
		return resolved, data, err
	}
	for _, entry := range k.Crds {
		p := place{dir, file, "crds"}
		resolved, data, err := read(p, entry)
		if err != nil {
			return err
		}
		if err := in.crdReferences(p, resolved, data); err != nil {
			return err
		}
	}
	if entry, ok := k.OpenAPI["path"]; ok {
		resolved, data, err := read(place{dir, file, "openapi.path"}, entry)
		if err != nil {
			return err
		}
		docs, err := in.view.parseDocuments(resolved, data)
		if err != nil {
			return err
		}
		return in.schemaReferences(resolved, docs)
	}
	return nil
}

func (in *inspection) patches(dir, file string, k *types.Kustomization) error {
	for i, patch := range k.PatchesStrategicMerge { //nolint:staticcheck // kustomizations that exist have the old field
		if err := in.pathOrText(place{dir, file, fmt.Sprintf("patchesStrategicMerge[%d]", i)}, string(patch)); err != nil {
			return err
		}
	}
	if err := in.patchList(dir, file, "patches", k.Patches); err != nil {
		return err
	}
	return in.patchList(dir, file, "patchesJson6902", k.PatchesJson6902) //nolint:staticcheck // kustomizations that exist have the old field
}

func (in *inspection) patchList(dir, file, field string, patches []types.Patch) error {
	for i, patch := range patches {
		if err := in.view.checkExpansion(file, []byte(patch.Patch)); err != nil {
			return err
		}
		if patch.Path == "" {
			continue
		}
		if err := in.parsed(place{dir, file, fmt.Sprintf("%s[%d]", field, i)}, patch.Path); err != nil {
			return err
		}
	}
	return nil
}

// pathOrText checks an entry that is a path or, in older kustomizations, the content itself.
func (in *inspection) pathOrText(p place, entry string) error {
	var node yaml.Node
	if strings.Contains(entry, "\n") && !isRemoteFile(entry) && yaml.Unmarshal([]byte(entry), &node) == nil {
		return in.view.checkExpansion(p.file, []byte(entry))
	}
	return in.parsed(p, entry)
}

// parsed checks a file that kustomize parses as YAML.
func (in *inspection) parsed(p place, entry string) error {
	resolved, err := in.file(p, entry)
	if err != nil {
		return err
	}
	data, err := in.view.readFile(resolved)
	if err != nil {
		return err
	}
	_, err = in.view.parseDocuments(resolved, data)
	return err
}

// sources checks the files of a generator. An entry of files is [key=]path.
func (in *inspection) sources(p place, s types.KvPairSources) error {
	for _, entry := range s.FileSources {
		_, name, keyed := strings.Cut(entry, "=")
		if !keyed {
			name = entry
		}
		if _, err := in.file(place{p.dir, p.file, p.field + ".files"}, name); err != nil {
			return err
		}
	}
	envs := s.EnvSources
	if s.EnvSource != "" {
		envs = append(slices.Clone(envs), s.EnvSource)
	}
	for _, entry := range envs {
		if _, err := in.file(place{p.dir, p.file, p.field + ".envs"}, entry); err != nil {
			return err
		}
	}
	return nil
}
