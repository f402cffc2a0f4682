// Package render turns one commit's tree into Kubernetes objects, by kustomize or from plain files, and records every file and directory that it read.
//
// Nothing from the tree is executed and nothing outside it is read: remote bases, plugins, charts, absolute paths, and symbolic links that leave the tree are refused by name.
package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Kinds of source, as an Application's status.sourceType spells them.
const (
	SourceTypeKustomize = "Kustomize"
	SourceTypeDirectory = "Directory"
)

// RepeatedResource is the type of the warning about an object that is given twice; the last one wins.
const RepeatedResource = "RepeatedResourceWarning"

// SkippedFile is the type of the warning about a file, or a document of one, that holds no Kubernetes object.
const SkippedFile = "SkippedFileWarning"

// DeprecatedField is the type of the warning about a field of a kustomization that will go.
const DeprecatedField = "DeprecatedFieldWarning"

// Object is a Kubernetes object of any kind.
type Object = *unstructured.Unstructured

// Result is what a source renders to.
type Result struct {
	// Objects in the order in which the source gives them.
	Objects []Rendered
	// ReadSet is what the rendering depends on: as long as it is unchanged, so is the result. It is also filled when rendering fails.
	ReadSet ReadSet
	// SourceType is SourceTypeKustomize or SourceTypeDirectory.
	SourceType string
	// EnvUsed names the entries of Options.Env that went into the result. They are not part of the read set.
	EnvUsed []string
	// Warnings are about what was rendered all the same.
	Warnings []Warning
}

// Warning is something that a person should know, though it stops nothing.
type Warning struct {
	// Type is one of RepeatedResource, SkippedFile and DeprecatedField.
	Type string
	// Message is one line, with file and line where there is one.
	Message string
}

// Options are what a source cannot know by itself.
type Options struct {
	// Namespace is where objects go that name none. It is used to find repeated objects and is not written into them.
	Namespace string
	// Env holds the variables for kustomize.commonAnnotationsEnvsubst, such as ARGOCD_APP_NAME.
	Env map[string]string
	// Limits bound what a source may cost; the zero value means DefaultLimits.
	Limits Limits
}

// Limits bound what rendering one source may cost. A field that is zero takes its value from DefaultLimits.
type Limits struct {
	// FileSize is the largest file that is read, in bytes.
	FileSize int64
	// Files is the number of files read.
	Files int
	// TotalSize is the number of bytes read, files that are read again included.
	TotalSize int64
	// YAMLNodes is the number of YAML nodes of one file once its aliases are expanded.
	YAMLNodes int
	// Kustomizations is the number of kustomizations that are built, those reached by several ways counted each time.
	Kustomizations int
	// Objects is the number of objects in the result.
	Objects int
}

// DefaultLimits suit repositories with thousands of objects, and stop what only means harm.
func DefaultLimits() Limits {
	return Limits{
		FileSize:       8 << 20,
		Files:          20000,
		TotalSize:      256 << 20,
		YAMLNodes:      1_000_000,
		Kustomizations: 2000,
		Objects:        20000,
	}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	pick := func(v, def int) int {
		if v > 0 {
			return v
		}
		return def
	}
	return Limits{
		FileSize:       int64(pick(int(l.FileSize), int(d.FileSize))),
		Files:          pick(l.Files, d.Files),
		TotalSize:      int64(pick(int(l.TotalSize), int(d.TotalSize))),
		YAMLNodes:      pick(l.YAMLNodes, d.YAMLNodes),
		Kustomizations: pick(l.Kustomizations, d.Kustomizations),
		Objects:        pick(l.Objects, d.Objects),
	}
}

// Error is a source that cannot be rendered, or must not be.
type Error struct {
	// File is where the cause is, and Line where in it, from 1; both may be missing.
	File string
	Line int
	// Problem is what is wrong, and Remedy what to do about it.
	Problem string
	Remedy  string
}

// Error is one line: file:line: problem; remedy.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}

// Render renders src from tree. The tree may implement HashFS, which saves hashing what was read; where it implements fs.ReadLinkFS, symbolic links are followed inside the tree
// and never out of it.
//
// A source that cannot be rendered gives an *Error in the chain, and a Result whose ReadSet says what has to change before trying again makes sense.
func Render(tree fs.FS, src v1alpha1.ApplicationSource, opts Options) (Result, error) {
	v := newView(tree, opts.Limits.orDefault())
	result, err := render(v, src, opts)
	result.ReadSet = v.reads
	if err != nil {
		return Result{ReadSet: v.reads, SourceType: result.SourceType}, fmt.Errorf("rendering %s: %w", display(src.Path), err)
	}
	return result, nil
}

func render(v *view, src v1alpha1.ApplicationSource, opts Options) (Result, error) {
	if err := refuseUnserved(src); err != nil {
		return Result{}, err
	}
	dir, err := sourceDirectory(v, src.Path)
	if err != nil {
		return Result{}, err
	}
	kind, err := sourceType(v, dir, src)
	if err != nil {
		return Result{}, err
	}
	result := Result{SourceType: kind}
	if kind == SourceTypeKustomize {
		err = renderKustomize(v, dir, src.Kustomize, opts, &result)
	} else {
		err = renderDirectory(v, dir, src.Directory, &result)
	}
	if err != nil {
		return result, err
	}
	if n := len(result.Objects); n > v.limits.Objects {
		return result, &Error{Problem: fmt.Sprintf("it renders to %d objects, and the limit is %d", n, v.limits.Objects), Remedy: "split it into several Applications"}
	}
	dropRepeated(&result, opts.Namespace)
	return result, nil
}

// refuseUnserved answers the sources that other tools serve and this one does not.
func refuseUnserved(src v1alpha1.ApplicationSource) error {
	const remedy = "render it to plain manifests or a kustomization, commit that, and point path at it"
	switch {
	case src.Chart != "":
		return &Error{Problem: fmt.Sprintf("source.chart %q asks for a Helm chart, and charts are not served", src.Chart), Remedy: remedy}
	case src.Helm != nil:
		return &Error{Problem: "source.helm asks for Helm, and charts are not served", Remedy: remedy}
	case src.Plugin != nil:
		return &Error{Problem: "source.plugin asks for a plugin, and nothing from a repository is executed", Remedy: remedy}
	case src.Kustomize != nil && src.Kustomize.Version != "":
		return &Error{
			Problem: fmt.Sprintf("source.kustomize.version %q asks for a kustomize of another version, and the one built in is the only one", src.Kustomize.Version),
			Remedy:  "remove the field",
		}
	case src.Kustomize != nil && src.Directory != nil && *src.Directory != (v1alpha1.DirectorySource{}):
		return &Error{Problem: "source has both kustomize and directory", Remedy: "keep the one that is meant"}
	case src.Directory != nil && src.Directory.Jsonnet != nil && len(src.Directory.Jsonnet.Raw) > len("{}"):
		return &Error{Problem: "source.directory.jsonnet asks for Jsonnet, and Jsonnet is not served", Remedy: remedy}
	}
	return nil
}

// sourceDirectory finds source.path in the tree.
func sourceDirectory(v *view, name string) (string, error) {
	if path.IsAbs(name) || strings.Contains(name, `\`) {
		return "", &Error{Problem: fmt.Sprintf("source.path %q is absolute", name), Remedy: "give it relative to the root of the repository, with forward slashes"}
	}
	clean := path.Join(".", name)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", &Error{Problem: fmt.Sprintf("source.path %q leaves the repository", name), Remedy: "give it relative to the root of the repository"}
	}
	dir, mode, err := v.resolve(clean)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &Error{Problem: fmt.Sprintf("source.path %q does not exist in this revision", name), Remedy: v.nearestDirectory(clean)}
	case err != nil:
		return "", err
	case !mode.IsDir():
		return "", &Error{Problem: fmt.Sprintf("source.path %q is a file", name), Remedy: fmt.Sprintf("give its directory, %s", display(path.Dir(clean)))}
	}
	return dir, nil
}

// sourceType is what the Application says, or else what the directory holds.
func sourceType(v *view, dir string, src v1alpha1.ApplicationSource) (string, error) {
	if src.Directory != nil && *src.Directory != (v1alpha1.DirectorySource{}) {
		return SourceTypeDirectory, nil
	}
	for _, name := range kustomizationNames() {
		if _, mode, err := v.resolve(path.Join(dir, name)); err == nil && mode.IsRegular() {
			return SourceTypeKustomize, nil
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if src.Kustomize != nil {
		return SourceTypeKustomize, &Error{
			File:    display(dir),
			Problem: "source.kustomize is given, and the directory has no kustomization.yaml, kustomization.yml or Kustomization",
			Remedy:  "add one, or remove source.kustomize",
		}
	}
	if _, _, err := v.resolve(path.Join(dir, "Chart.yaml")); err == nil {
		return "", &Error{
			File:    path.Join(dir, "Chart.yaml"),
			Problem: "this is a Helm chart, and charts are not served",
			Remedy:  "render it to plain manifests or a kustomization, commit that, and point path at it",
		}
	}
	return SourceTypeDirectory, nil
}

func display(name string) string {
	if name == "" || name == "." {
		return "the root of the repository"
	}
	return name
}
