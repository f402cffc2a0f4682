package render

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"
	"sync"

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
	objects, err := inspection.buildEdited(dir, file, top)
	if err != nil {
		return err
	}
	result.EnvUsed = edit.envUsed()
	result.Warnings = append(result.Warnings, inspection.warnings...)
	origins := &originFinder{places: inspection.places, annotated: sync.OnceValue(func() []string { return inspection.originFiles(dir, file, top) })}
	for i, r := range objects.Resources() {
		rendered, err := fromResource(dir, r)
		if err != nil {
			return err
		}
		origins.locate(&rendered, i)
		result.Objects = append(result.Objects, rendered)
	}
	return nil
}

// buildEdited builds the kustomization of dir as top has it.
func (in *inspection) buildEdited(dir, file string, top *types.Kustomization) (resmap.ResMap, error) {
	data, err := sigsyaml.Marshal(top)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", file, err)
	}
	overlay := maps.Clone(in.modern)
	overlay[file] = data
	return build(&kustomizeFS{view: in.view, overlay: overlay}, dir, in.customSchema)
}

func fromResource(dir string, r *resource.Resource) (Rendered, error) {
	data, err := r.MarshalJSON()
	if err != nil {
		return Rendered{}, fmt.Errorf("encoding %s: %w", r.CurId(), err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(data); err != nil {
		return Rendered{}, &Error{File: dir, Problem: fmt.Sprintf("%s is no Kubernetes object: %v", r.CurId(), err), Remedy: "give it apiVersion, kind and metadata.name"}
	}
	return Rendered{Object: object}, nil
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
