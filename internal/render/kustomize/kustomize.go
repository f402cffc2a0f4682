// Package kustomize renders kustomizations, by kustomize itself as a library.
//
// Before kustomize runs, everything that it would read is checked: it has no switch that keeps it from cloning a
// remote base or from executing a plugin, and no limit.
package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// Type is the kind of source in an Application's status.sourceType.
const Type = "Kustomize"

// Renderer renders kustomizations.
type Renderer struct{}

var _ render.Renderer = Renderer{}

// Type implements render.Renderer.
func (Renderer) Type() string { return Type }

// Named reports whether the source has the field kustomize; it refuses another version of kustomize.
func (Renderer) Named(src v1alpha1.ApplicationSource) (bool, error) {
	if src.Kustomize == nil {
		return false, nil
	}
	if src.Kustomize.Version != "" {
		return false, &problem.Error{
			Kind:   problem.Usage,
			Cause:  fmt.Sprintf("source.kustomize.version %q asks for a kustomize of another version than the one built in", src.Kustomize.Version),
			Remedy: "remove the field",
		}
	}
	return true, nil
}

// Detect reports whether a directory has a kustomization.
func (Renderer) Detect(tree *render.Tree, dir string) (bool, error) {
	for _, name := range kustomizationNames() {
		switch _, mode, err := tree.Resolve(path.Join(dir, name)); {
		case err == nil && mode.IsRegular():
			return true, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return false, err
		}
	}
	return false, nil
}

// Render builds the kustomization of dir with the options of source.kustomize.
func (r Renderer) Render(
	tree *render.Tree, dir string, src v1alpha1.ApplicationSource, opts render.Options, result *render.Result,
) error {
	switch detected, err := r.Detect(tree, dir); {
	case err != nil:
		return err
	case !detected:
		return &problem.Error{
			Kind:   problem.Usage,
			File:   render.DisplayPath(dir),
			Cause:  "source.kustomize is given, and the directory has no kustomization.yaml, kustomization.yml or Kustomization",
			Remedy: "add one, or remove source.kustomize",
		}
	}
	file, top, err := loadKustomization(tree, dir)
	if err != nil {
		return err
	}
	edit := edit{tree: tree, dir: dir, file: file, env: opts.Env, used: map[string]bool{}}
	if src.Kustomize != nil {
		err := edit.apply(top, src.Kustomize)
		result.EnvUsed = edit.envUsed()
		result.Warnings = append(result.Warnings, edit.warnings...)
		if err != nil {
			return err
		}
	}
	inspection := newInspection(tree, opts.Settings)
	if err := inspection.kustomization(dir, file, top, nil); err != nil {
		return err
	}
	if err := (estimator{inspection.facts}).spend(dir); err != nil {
		return err
	}
	builder := builder{inspection.facts}
	objects, err := builder.objects(dir, file, top)
	if err != nil {
		return err
	}
	result.Warnings = append(append(result.Warnings, inspection.warnings...), inspection.lost(objects)...)
	origins := &originFinder{
		places:    inspection.places,
		annotated: sync.OnceValue(func() []string { return builder.originFiles(dir, file, top) }),
	}
	edits := inspection.edits()
	result.Images, result.ImagesUnread = inspection.imageEntries(), inspection.unread()
	for i, object := range objects {
		render.Share(tree, object)
		rendered := render.Rendered{Object: object, Edits: edits}
		origins.locate(&rendered, i)
		result.Objects = append(result.Objects, rendered)
	}
	return nil
}

func kustomizationNames() []string { return konfig.RecognizedKustomizationFileNames() }

// fromResources returns what kustomize made as objects.
func fromResources(budget *render.Budget, dir string, resources resmap.ResMap) ([]*unstructured.Unstructured, error) {
	objects := make([]*unstructured.Unstructured, 0, resources.Size())
	for _, r := range resources.Resources() {
		object, err := fromResource(budget, dir, r)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

func fromResource(budget *render.Budget, dir string, r *resource.Resource) (*unstructured.Unstructured, error) {
	quoteKeys(r.YNode())
	data, err := r.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", r.CurId(), err)
	}
	if err := budget.Spend(render.Output, int64(len(data)), render.DisplayPath(dir)); err != nil {
		return nil, err
	}
	if err := budget.Spend(render.Objects, 1, render.DisplayPath(dir)); err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(data); err != nil {
		return nil, &problem.Error{
			Kind: problem.Usage,
			File: dir, Cause: fmt.Sprintf("%s is not a Kubernetes object: %v", r.CurId(), err),
			Remedy: "give it apiVersion, kind and metadata.name",
		}
	}
	return object, nil
}
