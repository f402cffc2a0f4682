package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/cyan-cd/cyan/internal/render"
)

// localFiles checks the entries of a kustomization that kustomize reads as single files.
type localFiles struct {
	tree *render.Tree
	// any is whether these may be anywhere in the tree.
	any bool
}

// check checks everything that a kustomization reads as a single file, and what stands in it as text to be parsed.
func (l localFiles) check(dir, file string, k *types.Kustomization) error {
	if err := l.patches(dir, file, k); err != nil {
		return err
	}
	type entries struct {
		field string
		names []string
	}
	lists := []entries{{"crds", k.Crds}, {"configurations", k.Configurations}}
	if schema, ok := k.OpenAPI["path"]; ok {
		lists = append(lists, entries{"openapi.path", []string{schema}})
	}
	for i, r := range k.Replacements {
		if r.Path != "" {
			lists = append(lists, entries{fmt.Sprintf("replacements[%d].path", i), []string{r.Path}})
		}
	}
	for _, list := range lists {
		for _, name := range list.names {
			if err := l.parsed(place{dir, file, list.field}, name); err != nil {
				return err
			}
		}
	}
	if err := l.schemas(dir, file, k); err != nil {
		return err
	}
	for i, g := range k.ConfigMapGenerator {
		if err := l.sources(place{dir, file, fmt.Sprintf("configMapGenerator[%d]", i)}, g.KvPairSources); err != nil {
			return err
		}
	}
	for i, g := range k.SecretGenerator {
		if err := l.sources(place{dir, file, fmt.Sprintf("secretGenerator[%d]", i)}, g.KvPairSources); err != nil {
			return err
		}
	}
	return nil
}

// schemas checks what kustomize follows references l. The files are known to be readable.
func (l localFiles) schemas(dir, file string, k *types.Kustomization) error {
	read := func(p place, entry string) (string, []byte, error) {
		resolved, err := l.file(p, entry)
		if err != nil {
			return "", nil, err
		}
		data, err := l.tree.ReadFile(resolved)
		return resolved, data, err
	}
	for _, entry := range k.Crds {
		p := place{dir, file, "crds"}
		resolved, data, err := read(p, entry)
		if err != nil {
			return err
		}
		if err := crdReferences(p, resolved, data); err != nil {
			return err
		}
	}
	if entry, ok := k.OpenAPI["path"]; ok {
		resolved, _, err := read(place{dir, file, "openapi.path"}, entry)
		if err != nil {
			return err
		}
		docs, err := l.tree.ReadDocuments(resolved)
		if err != nil {
			return err
		}
		return schemaReferences(resolved, docs)
	}
	return nil
}

func (l localFiles) patches(dir, file string, k *types.Kustomization) error {
	for i, patch := range k.PatchesStrategicMerge { //nolint:staticcheck // kustomizations that exist have the old field
		if err := l.pathOrText(place{dir, file, fmt.Sprintf("patchesStrategicMerge[%d]", i)}, string(patch)); err != nil {
			return err
		}
	}
	if err := l.patchList(dir, file, "patches", k.Patches); err != nil {
		return err
	}
	return l.patchList(dir, file, "patchesJson6902", k.PatchesJson6902) //nolint:staticcheck // kustomizations that exist have the old field
}

func (l localFiles) patchList(dir, file, field string, patches []types.Patch) error {
	for i, patch := range patches {
		if err := l.tree.CheckExpansion(file, []byte(patch.Patch)); err != nil {
			return err
		}
		if patch.Path == "" {
			continue
		}
		if err := l.parsed(place{dir, file, fmt.Sprintf("%s[%d]", field, i)}, patch.Path); err != nil {
			return err
		}
	}
	return nil
}

// pathOrText checks an entry that is a path or, in older kustomizations, the content itself.
func (l localFiles) pathOrText(p place, entry string) error {
	file, text := fileOrText(entry)
	if text != "" {
		return l.tree.CheckExpansion(p.file, []byte(text))
	}
	return l.parsed(p, file)
}

// fileOrText is an entry that is a path, or the content itself: several lines, or JSON.
func fileOrText(entry string) (file, text string) {
	var node yaml.Node
	if (strings.Contains(entry, "\n") || strings.HasPrefix(entry, "{")) && !isRemoteFile(entry) && yaml.Unmarshal([]byte(entry), &node) == nil {
		return "", entry
	}
	return entry, ""
}

// parsed checks a file that kustomize parses as YAML.
func (l localFiles) parsed(p place, entry string) error {
	resolved, err := l.file(p, entry)
	if err != nil {
		return err
	}
	_, err = l.tree.ReadDocuments(resolved)
	return err
}

// sources checks the files of a generator. An entry of files is [key=]path.
func (l localFiles) sources(p place, s types.KvPairSources) error {
	for _, entry := range s.FileSources {
		_, name, keyed := strings.Cut(entry, "=")
		if !keyed {
			name = entry
		}
		if _, err := l.file(place{p.dir, p.file, p.field + ".files"}, name); err != nil {
			return err
		}
	}
	envs := s.EnvSources
	if s.EnvSource != "" {
		envs = append(slices.Clone(envs), s.EnvSource)
	}
	for _, entry := range envs {
		if _, err := l.file(place{p.dir, p.file, p.field + ".envs"}, entry); err != nil {
			return err
		}
	}
	return nil
}

// find resolves an entry that must be inside the tree.
func (l localFiles) find(p place, entry string) (string, fs.FileMode, error) {
	switch joined := path.Join(p.dir, entry); {
	case entry == "":
		return "", 0, p.refuse("is empty", "name a file or a directory")
	case isAbsolute(entry):
		return "", 0, p.refuse(fmt.Sprintf("%q is absolute, and nothing outside the repository is read", entry), "give it relative to the kustomization")
	case joined == ".." || strings.HasPrefix(joined, "../"):
		return "", 0, p.refuse(fmt.Sprintf("%q leaves the repository, and nothing outside it is read", entry), "copy it into the repository and name the copy")
	default:
		resolved, mode, err := l.tree.Resolve(joined)
		if errors.Is(err, fs.ErrNotExist) {
			return "", 0, p.refuse(strings.Trim(strconv.Quote(joined), `"`)+": no such file or directory in this revision", "add it, or remove the entry")
		}
		return resolved, mode, err
	}
}

// file checks an entry that kustomize reads as a file, which must be in or below the directory of the kustomization,
// unless the settings let it be anywhere.
func (l localFiles) file(p place, entry string) (string, error) {
	if isRemoteFile(entry) {
		return "", p.refuse(fmt.Sprintf("%q is fetched from elsewhere, and nothing outside the repository is read", entry), "copy it into the repository and name the copy")
	}
	resolved, mode, err := l.find(p, entry)
	if err != nil {
		return "", err
	}
	if mode.IsDir() {
		return "", p.refuse(fmt.Sprintf("%q is a directory", entry), "name a file")
	}
	if err := l.below(p, entry, resolved); err != nil {
		return "", err
	}
	return resolved, nil
}

func (l localFiles) below(p place, entry, resolved string) error {
	if !l.any && p.dir != "." && !strings.HasPrefix(resolved, p.dir+"/") {
		return p.refuse(fmt.Sprintf("%q is not in or below %s, and kustomize reads single files only there", entry, p.dir), "put the file below, or give its directory a kustomization.yaml and name the directory")
	}
	return nil
}
