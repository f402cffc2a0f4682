package render

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// kustomizing is held while kustomize runs: it keeps the OpenAPI schema of the kustomization in a global variable.
var kustomizing sync.Mutex

func kustomizationNames() []string { return konfig.RecognizedKustomizationFileNames() }

func renderKustomize(v *view, dir string, options *v1alpha1.KustomizeSource, opts Options, result *Result) error {
	if options == nil {
		options = &v1alpha1.KustomizeSource{}
	}
	file, top, err := v.loadKustomization(dir)
	if err != nil {
		return err
	}
	edit := edit{view: v, dir: dir, file: file, env: opts.Env, used: map[string]bool{}}
	if err := edit.apply(top, options); err != nil {
		return err
	}
	inspection := newInspection(v)
	if err := inspection.kustomization(dir, file, top, nil); err != nil {
		return err
	}
	keepOrigins := slices.Contains(top.BuildMetadata, types.OriginAnnotations)
	if !keepOrigins {
		top.BuildMetadata = append(top.BuildMetadata, types.OriginAnnotations)
	}
	data, err := sigsyaml.Marshal(top)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", file, err)
	}
	objects, err := build(&kustomizeFS{view: v, overlay: map[string][]byte{file: data}}, dir, inspection.customSchema)
	if err != nil {
		return err
	}
	result.EnvUsed = edit.envUsed()
	result.Warnings = append(result.Warnings, inspection.warnings...)
	origins := originFinder{view: v, dir: dir, files: map[string][]document{}}
	for _, r := range objects.Resources() {
		rendered, err := origins.rendered(r, keepOrigins)
		if err != nil {
			return err
		}
		result.Objects = append(result.Objects, rendered)
	}
	return nil
}

// build runs kustomize. What it panics with becomes an error: the input is anybody's.
func build(fsys *kustomizeFS, dir string, customSchema bool) (objects resmap.ResMap, err error) {
	kustomizing.Lock()
	defer kustomizing.Unlock()
	if customSchema {
		openapi.ResetOpenAPI()
		defer openapi.ResetOpenAPI()
	}
	defer func() {
		if p := recover(); p != nil {
			err = &Error{File: dir, Problem: fmt.Sprintf("kustomize breaks down on this: %v", p), Remedy: "look for a field of an unexpected type in the kustomization, its patches and its resources"}
		}
	}()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	options.PluginConfig = types.DisabledPluginConfig()
	objects, err = krusty.MakeKustomizer(options).Run(fsys, path.Join(mount, dir))
	if err != nil {
		return nil, kustomizeError(dir, err)
	}
	return objects, nil
}

// kustomizeError says what kustomize said, with paths of the repository.
func kustomizeError(dir string, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	text := strings.ReplaceAll(err.Error(), mount+"/", "")
	text = strings.ReplaceAll(text, mount, "the root of the repository")
	return &Error{File: dir, Problem: "kustomize refuses it: " + strings.Join(strings.Fields(text), " "), Remedy: "correct the kustomization; `cyan render` shows the same on your machine"}
}

// originFinder finds the place of a kustomized object in the files.
type originFinder struct {
	view  *view
	dir   string
	files map[string][]document
}

func (f *originFinder) rendered(r *resource.Resource, keepOrigin bool) (Rendered, error) {
	origin, err := r.GetOrigin()
	if err != nil {
		return Rendered{}, fmt.Errorf("reading the origin of %s: %w", r.CurId(), err)
	}
	if !keepOrigin {
		if err := r.SetOrigin(nil); err != nil {
			return Rendered{}, fmt.Errorf("removing the origin of %s: %w", r.CurId(), err)
		}
	}
	data, err := r.MarshalJSON()
	if err != nil {
		return Rendered{}, fmt.Errorf("encoding %s: %w", r.CurId(), err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(data); err != nil {
		return Rendered{}, &Error{File: f.dir, Problem: fmt.Sprintf("%s is no Kubernetes object: %v", r.CurId(), err), Remedy: "give it apiVersion, kind and metadata.name"}
	}
	rendered := Rendered{Object: object}
	if origin == nil {
		return rendered, nil
	}
	if origin.ConfiguredIn != "" {
		f.locateGenerator(&rendered, path.Join(f.dir, origin.ConfiguredIn))
		return rendered, nil
	}
	f.locate(&rendered, path.Join(f.dir, origin.Path))
	return rendered, nil
}

// locate finds the document of a file that became the object. Its name may have got a prefix and a suffix since.
func (f *originFinder) locate(r *Rendered, name string) {
	r.Origin.File = name
	docs := f.documents(name)
	best, found := -1, (*document)(nil)
	for i := range docs {
		d := &docs[i]
		if scalar(d.node, "kind") != r.Object.GetKind() || group(scalar(d.node, "apiVersion")) != r.Object.GroupVersionKind().Group {
			continue
		}
		if score := nameScore(scalar(mappingValue(d.node, "metadata"), "name"), r.Object.GetName()); score > best {
			best, found = score, d
		}
	}
	if found != nil {
		r.source, r.Origin.Line = found.node, found.node.Line
	}
}

// locateGenerator finds the entry of a kustomization that made the object.
func (f *originFinder) locateGenerator(r *Rendered, name string) {
	r.Origin.File = name
	best := -1
	for _, d := range f.documents(name) {
		entries := []*yaml.Node{d.node}
		for _, field := range []string{"configMapGenerator", "secretGenerator"} {
			if list := mappingValue(d.node, field); list != nil {
				entries = append(entries, list.Content...)
			}
		}
		for _, e := range entries {
			if score := nameScore(scalar(e, "name"), r.Object.GetName()); score > best {
				best, r.Origin.Line = score, e.Line
			}
		}
	}
}

func (f *originFinder) documents(name string) []document {
	docs, ok := f.files[name]
	if !ok {
		docs = f.parse(name)
		f.files[name] = docs
	}
	return docs
}

func (f *originFinder) parse(name string) []document {
	resolved, _, err := f.view.resolve(name)
	if err != nil {
		return nil
	}
	data, err := f.view.readFile(resolved)
	if err != nil {
		return nil
	}
	docs, err := f.view.parseDocuments(resolved, data)
	if err != nil {
		return nil
	}
	return expandLists(docs)
}

// nameScore is how well a name in a file fits a name in the result: the longest one that is a part of it is its source.
func nameScore(source, result string) int {
	switch {
	case source == result:
		return len(result) + 1
	case strings.Contains(result, source):
		return len(source)
	default:
		return 0
	}
}

func group(apiVersion string) string {
	g, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return g
}
