// Package directory renders plain manifests: the files of a directory, in the order of their paths.
package directory

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// Type is the kind of source in an Application's status.sourceType.
const Type = "Directory"

// skipMark in a file keeps it out of the rendering.
const skipMark = "+argocd:skip-file-rendering"

// Renderer renders plain manifests.
type Renderer struct{}

var _ render.Renderer = Renderer{}

// Type implements render.Renderer.
func (Renderer) Type() string { return Type }

// Named reports whether source.directory asks for anything; it refuses Jsonnet.
func (Renderer) Named(src v1alpha1.ApplicationSource) (bool, error) {
	d := src.Directory
	if d == nil || *d == (v1alpha1.DirectorySource{}) {
		return false, nil
	}
	if d.Jsonnet != nil && len(d.Jsonnet.Raw) > len("{}") {
		return false, &problem.Error{
			Kind:   problem.Usage,
			Cause:  "source.directory.jsonnet asks for Jsonnet, which is not served",
			Remedy: "render it to plain manifests or a kustomization, commit that, and point source.path at it",
		}
	}
	return true, nil
}

// Detect reports true: any directory can be read.
func (Renderer) Detect(*render.Tree, string) (bool, error) { return true, nil }

// Render reads the manifests of dir.
func (Renderer) Render(tree *render.Tree, dir string, src v1alpha1.ApplicationSource, opts render.Options, result *render.Result) error {
	options := src.Directory
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
	w := walk{
		tree: tree, root: dir, include: include, exclude: exclude, recurse: options.Recurse, plain: opts.Settings.WithoutKustomize, result: result,
		entered: map[string]bool{},
	}
	return w.enter(dir, ".")
}

// walk is one way through a directory and, where recurse is set, through those below.
type walk struct {
	tree             *render.Tree
	root             string
	include, exclude *glob.Pattern
	recurse          bool
	// plain leaves kustomizations out.
	plain  bool
	result *render.Result
	// entered are the resolved directories on the way to where we are, so that a link to one of them is no loop.
	entered map[string]bool
}

// enter reads a directory. rel is how it is called from the source's path.
func (w *walk) enter(dir, rel string) error {
	if w.entered[dir] {
		return &problem.Error{Kind: problem.Usage, File: path.Join(w.root, rel), Cause: "symbolic link to a directory that it is in", Remedy: "remove it, or exclude it with source.directory.exclude"}
	}
	w.entered[dir] = true
	defer delete(w.entered, dir)
	entries, err := w.tree.List(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.entry(path.Join(dir, e.Name()), path.Join(rel, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(name, rel string) error {
	if w.excluded(rel) {
		return nil
	}
	mode, err := w.tree.Lstat(name)
	if err != nil {
		return err
	}
	wanted := w.wanted(rel)
	if !wanted && (mode.IsRegular() || !mode.IsDir() && !w.recurse) {
		return nil
	}
	resolved, mode, err := w.tree.Resolve(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return dangling(w.tree, name, wanted)
	case err != nil:
		return err
	case mode.IsDir() && w.recurse:
		return w.enter(resolved, rel)
	case mode.IsDir() || !wanted:
		return nil
	case path.Ext(rel) == ".jsonnet":
		return &problem.Error{
			Kind: problem.Usage,
			File: name, Cause: "Jsonnet is not served",
			Remedy: "commit what it renders to, and exclude this file with source.directory.exclude",
		}
	}
	return w.file(resolved)
}

// dangling is the error of a symbolic link that leads to nothing, unless nobody would have read that.
func dangling(tree *render.Tree, name string, wanted bool) error {
	if !wanted {
		return nil
	}
	return render.Dangling(tree, name)
}

func (w *walk) excluded(rel string) bool {
	return path.Base(rel) == ".git" || w.exclude != nil && w.exclude.Match(rel)
}

// wanted reports whether a file is of a kind that is read, and is included.
func (w *walk) wanted(rel string) bool {
	if render.IsOverride(rel) || !render.IsManifest(rel) && path.Ext(rel) != ".jsonnet" {
		return false
	}
	return w.include == nil || w.include.Match(rel)
}

// kustomizations are the names of files of kustomize's.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml"}

func (w *walk) file(name string) error {
	if w.plain && slices.Contains(kustomizations, path.Base(name)) {
		w.result.Warnings = append(w.result.Warnings, render.Warning{Type: render.SkippedFile, File: name, Message: name + " is left out: a kustomization, and kustomize.enable is false in ConfigMap argocd-cm"})
		return nil
	}
	parsed, err := render.Parse(w.tree, name, func(data []byte) (render.Parsed, error) {
		f := file{tree: w.tree, name: name}
		err := f.parse(data)
		return f.parsed, err
	})
	w.result.Objects = append(w.result.Objects, parsed.Objects...)
	w.result.Warnings = append(w.result.Warnings, parsed.Warnings...)
	return err
}

// file is a file that is parsed.
type file struct {
	tree   *render.Tree
	name   string
	parsed render.Parsed
}

func (f *file) parse(data []byte) error {
	if bytes.Contains(data, []byte(skipMark)) {
		f.skip(0, "marked with "+skipMark)
		return nil
	}
	docs, err := f.tree.Documents(f.name, data)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if err := f.document(doc); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) skip(line int, why string) {
	at := f.name
	if line > 0 {
		at = fmt.Sprintf("%s:%d", f.name, line)
	}
	f.parsed.Warnings = append(f.parsed.Warnings, render.Warning{Type: render.SkippedFile, File: f.name, Line: line, Message: fmt.Sprintf("%s is left out: %s", at, why)})
}

func (f *file) document(doc render.Document) error {
	value, isMapping, err := f.tree.Decode(f.name, doc)
	if err != nil {
		return err
	}
	if !isMapping {
		f.skip(doc.Node.Line, "not an object")
		return nil
	}
	kind, apiVersion := render.Scalar(doc.Node, "kind"), render.Scalar(doc.Node, "apiVersion")
	if kind == "" && apiVersion == "" {
		f.skip(doc.Node.Line, "neither kind nor apiVersion")
		return nil
	}
	items, isList := value["items"].([]any)
	if isList && strings.HasSuffix(kind, "List") {
		source := render.Field(doc.Node, "items")
		for i, item := range items {
			m, _ := item.(map[string]any)
			asItemOf(m, value)
			if err := f.object(m, render.Unalias(source.Content[i])); err != nil {
				return err
			}
		}
		return nil
	}
	return f.object(value, doc.Node)
}

// asItemOf sets the kind of an object that has none to that of its list, as the API machinery does.
func asItemOf(item, list map[string]any) {
	kind, _ := list["kind"].(string)
	if of := strings.TrimSuffix(kind, "List"); of != "" && item != nil && item["kind"] == nil && item["apiVersion"] == nil {
		item["kind"], item["apiVersion"] = of, list["apiVersion"]
	}
}

// unnamed is why an object without a name is refused.
func (f *file) unnamed(kind string, value map[string]any, source *yaml.Node) error {
	refused := &problem.Error{
		Kind: problem.Usage, File: f.name, Line: source.Line, Cause: kind + " without metadata.name",
		Remedy: "add it; a file for another program than the API server is left out by source.directory.exclude",
	}
	if meant := spelling.Closest("metadata", slices.Sorted(maps.Keys(value))); meant != "" && meant != "metadata" {
		refused.Remedy = "write metadata in place of " + meant
		return refused
	}
	name := render.Field(render.Field(source, "metadata"), "name")
	if name != nil && name.Kind == yaml.ScalarNode && name.Value != "" && name.Tag != "!!null" {
		refused.Line, refused.Remedy = name.Line, "put it in quotes"
		refused.Cause = fmt.Sprintf("%s: metadata.name must be text, and %s is read as another value", kind, name.Value)
	}
	return refused
}

func (f *file) object(value map[string]any, source *yaml.Node) error {
	refuse := func(cause, remedy string) error {
		return &problem.Error{Kind: problem.Usage, File: f.name, Line: source.Line, Cause: cause, Remedy: remedy}
	}
	kind, _ := value["kind"].(string)
	apiVersion, _ := value["apiVersion"].(string)
	for _, key := range []string{"apiVersion", "kind", "metadata"} {
		if _, marked := value["\ufeff"+key]; marked {
			return refuse(strings.TrimSpace(kind+" without "+key), "remove the byte order mark before "+key)
		}
	}
	switch {
	case kind == "":
		return refuse("object without kind", "add it, or exclude the file with source.directory.exclude")
	case apiVersion == "":
		return refuse(kind+" without apiVersion", "add it, or exclude the file with source.directory.exclude")
	case strings.HasPrefix(apiVersion, "kustomize.config.k8s.io/"):
		return refuse("kustomization in a source that is read as a directory of plain files", "let source.path name its directory, or exclude it with source.directory.exclude")
	}
	object := &unstructured.Unstructured{Object: value}
	if object.GetName() == "" && object.GetGenerateName() == "" && object.GetAnnotations()[v1alpha1.HookAnnotation] == "" {
		// A hook gets its name from the sync that runs it.
		return f.unnamed(kind, value, source)
	}
	if err := f.tree.Budget().Spend(render.Objects, 1, f.name); err != nil {
		return err
	}
	render.Share(f.tree, object)
	f.parsed.Objects = append(f.parsed.Objects, render.Rendered{Object: object, Origin: render.Origin{File: f.name, Line: source.Line}, Source: source})
	return nil
}
