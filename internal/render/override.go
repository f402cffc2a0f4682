package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	strictjson "sigs.k8s.io/json"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Files beside the manifests that change the source, by which other programs write an image back: one for every
// Application that has the path, and one for each by its name.
const (
	overrideFile   = ".argocd-source.yaml"
	overridePrefix = ".argocd-source-"
)

// IsOverride reports whether a file of a source's directory changes the source, and is no manifest.
func IsOverride(name string) bool {
	return name == overrideFile || strings.HasPrefix(name, overridePrefix) && strings.HasSuffix(name, ".yaml")
}

// overridden returns the source with the files of its directory merged over it. What says where the source is, they
// cannot change.
func overridden(tree *Tree, dir string, src v1alpha1.ApplicationSource, opts Options, result *Result) (v1alpha1.ApplicationSource, error) {
	result.directory = dir
	merged := src
	if opts.Settings.WithoutOverrides {
		return merged, nil
	}
	for i, name := range overrideFiles(opts.Names) {
		file, mode, err := tree.Resolve(path.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && mode.IsDir() {
			continue
		} else if err != nil {
			return src, err
		}
		result.NamesUsed = result.NamesUsed || i > 0
		if merged, err = mergeOverride(tree, file, merged, result); err != nil {
			return src, err
		}
		result.Overrides = append(result.Overrides, file)
	}
	merged.RepoURL, merged.Path, merged.Chart, merged.TargetRevision = src.RepoURL, src.Path, src.Chart, src.TargetRevision
	return merged, nil
}

// overrideFiles are the names of the files for an Application; the first is for all.
func overrideFiles(names []string) []string {
	files := []string{overrideFile}
	for _, name := range names {
		files = append(files, overridePrefix+name+".yaml")
	}
	return files
}

// isFor reports whether a result is also that of an Application with other names: as long as no file of the tree goes
// by the names of either.
func (r *Result) isFor(tree HashFS, names []string) bool {
	if r.NamesUsed {
		return false
	}
	for _, file := range overrideFiles(names)[1:] {
		if _, err := tree.Hash(path.Join(r.directory, file)); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

func mergeOverride(tree *Tree, file string, src v1alpha1.ApplicationSource, result *Result) (v1alpha1.ApplicationSource, error) {
	refuse := func(err error) error {
		return &problem.Error{Kind: problem.Usage, File: file, Cause: "invalid: " + err.Error(), Remedy: "write the fields of an Application's spec.source, such as kustomize.images"}
	}
	docs, err := tree.ReadDocuments(file)
	if err != nil || len(docs) == 0 {
		return src, err
	}
	data, err := tree.ReadFile(file)
	if err != nil {
		return src, err
	}
	patch, err := sigsyaml.YAMLToJSON(data)
	if err != nil {
		return src, refuse(err)
	}
	var written v1alpha1.ApplicationSource
	unknown, err := strictjson.UnmarshalStrict(patch, &written)
	if err != nil {
		return src, refuse(err)
	}
	warn := func(what string) {
		result.Warnings = append(result.Warnings, Warning{Type: v1alpha1.ConditionUnsupportedWarning, Message: file + ": " + what, File: file})
	}
	for _, u := range unknown {
		warn(u.Error() + ", which is not used; correct or remove it")
	}
	for field, value := range map[string]string{"repoURL": written.RepoURL, "path": written.Path, "chart": written.Chart, "targetRevision": written.TargetRevision} {
		if value != "" {
			warn(field + ": not used here; change it in the Application's spec.source")
		}
	}
	before, err := json.Marshal(src)
	if err != nil {
		return src, fmt.Errorf("encoding the source: %w", err)
	}
	after, err := jsonpatch.MergePatch(before, patch)
	if err != nil {
		return src, refuse(err)
	}
	var merged v1alpha1.ApplicationSource
	if err := json.Unmarshal(after, &merged); err != nil {
		return src, refuse(err)
	}
	return merged, nil
}
