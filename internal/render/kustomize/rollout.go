package kustomize

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"sync"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	sigsyaml "sigs.k8s.io/yaml"
)

// rolloutFields are the fields of Rollouts that kustomize knows of Deployments by itself.
//
//go:embed rollout.yaml
var rolloutFields []byte

// rolloutFieldsFile is where kustomize finds them, beside each kustomization. No commit has it.
const rolloutFieldsFile = ".cyan-rollout-fields.yaml"

const argoGroup = "argoproj.io"

// withRollouts has every kustomization of a build know the fields of Rollouts, if it has any objects of their group.
// What the repository's own configurations say of a field comes before that. top is the kustomization to be built,
// and is returned as it is to be built; overlay gets the files.
func (b builder) withRollouts(top *types.Kustomization, overlay map[string][]byte) (*types.Kustomization, error) {
	if !b.places.hasGroup(argoGroup) {
		return top, nil
	}
	fields, err := b.fieldsLeft()
	if err != nil {
		return nil, err
	}
	for _, k := range b.inspected {
		with := *k.kustomization
		with.Configurations = append(slices.Clone(with.Configurations), rolloutFieldsFile)
		data, err := sigsyaml.Marshal(with)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", k.file, err)
		}
		overlay[k.file], overlay[path.Join(k.dir, rolloutFieldsFile)] = data, fields
	}
	with := *top
	with.Configurations = append(slices.Clone(with.Configurations), rolloutFieldsFile)
	return &with, nil
}

func (p places) hasGroup(group string) bool {
	for id := range p {
		if id.group == group {
			return true
		}
	}
	return false
}

// fieldsLeft returns the fields of Rollouts that the repository says nothing of: kustomize refuses two entries about
// the same field that differ.
func (b builder) fieldsLeft() ([]byte, error) {
	own := map[string]bool{}
	for _, k := range b.inspected {
		for _, entry := range k.kustomization.Configurations {
			resolved, _, err := b.tree.Resolve(path.Join(k.dir, entry))
			if err != nil {
				return nil, err
			}
			data, err := b.tree.ReadFile(resolved)
			if err != nil {
				return nil, err
			}
			var configuration map[string]any
			if sigsyaml.Unmarshal(data, &configuration) == nil {
				eachField(configuration, func(section, path string) bool {
					own[section+" "+path] = true
					return true
				})
			}
		}
	}
	if len(own) == 0 {
		return rolloutFields, nil
	}
	var fields map[string]any
	if err := sigsyaml.Unmarshal(rolloutFields, &fields); err != nil {
		return nil, fmt.Errorf("reading the fields of Rollouts: %w", err)
	}
	eachField(fields, func(section, path string) bool { return !own[section+" "+path] })
	return sigsyaml.Marshal(fields)
}

// eachField calls keep for each field of a configuration, and leaves out what it does not want.
func eachField(configuration map[string]any, keep func(section, path string) bool) {
	for section, list := range configuration {
		configuration[section] = keptFields(list, func(path string) bool { return keep(section, path) })
	}
}

func keptFields(list any, keep func(path string) bool) []any {
	entries, _ := list.([]any)
	kept := make([]any, 0, len(entries))
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		if inner, refers := entry["fieldSpecs"]; refers {
			entry["fieldSpecs"] = keptFields(inner, keep)
			kept = append(kept, e)
		} else if path, _ := entry["path"].(string); keep(path) {
			kept = append(kept, e)
		}
	}
	return kept
}

const (
	podTemplate    = "io.k8s.api.core.v1.PodTemplateSpec"
	labelSelector  = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"
	objectMetadata = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
	rolloutType    = "io.argoproj.v1alpha1.Rollout"
	gvkExtension   = "x-kubernetes-group-version-kind"
)

// rolloutSchema is a schema of Rollouts by which strategic patches merge their pods as they do those of Deployments.
// Its references lead into the built-in schema.
func rolloutSchema() map[string]any {
	ref := func(name string) map[string]any { return map[string]any{"$ref": "#/definitions/" + name} }
	object := func(properties map[string]any) map[string]any {
		return map[string]any{"type": "object", "properties": properties}
	}
	rollout := object(map[string]any{
		"apiVersion": map[string]any{"type": "string"}, "kind": map[string]any{"type": "string"}, "metadata": ref(objectMetadata),
		"spec": object(map[string]any{"selector": ref(labelSelector), "template": ref(podTemplate)}),
	})
	rollout[gvkExtension] = []any{map[string]any{"group": argoGroup, "version": "v1alpha1", "kind": "Rollout"}}
	return rollout
}

// addRolloutSchema adds Rollouts to the built-in schema, which is parsed.
func addRolloutSchema() error {
	data, err := json.Marshal(map[string]any{"definitions": map[string]any{rolloutType: rolloutSchema()}})
	if err != nil {
		return fmt.Errorf("encoding the schema of Rollouts: %w", err)
	}
	return openapi.AddSchema(data)
}

// wholeRolloutSchema has the definitions that the schema of Rollouts leads to, and that itself. It is made while the
// built-in schema is held.
var wholeRolloutSchema = sync.OnceValues(func() (map[string]any, error) {
	data, err := json.Marshal(openapi.Schema().Definitions)
	if err != nil {
		return nil, fmt.Errorf("encoding the built-in schema: %w", err)
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("reading the built-in schema: %w", err)
	}
	whole := map[string]any{rolloutType: rolloutSchema()}
	for more := []any{whole[rolloutType]}; len(more) > 0; {
		var names []string
		for _, m := range more {
			names = referred(m, names)
		}
		more = nil
		for _, name := range names {
			if _, have := whole[name]; !have && all[name] != nil {
				whole[name] = all[name]
				more = append(more, all[name])
			}
		}
	}
	return whole, nil
})

// referred appends the names of the definitions that a schema refers to.
func referred(schema any, names []string) []string {
	switch s := schema.(type) {
	case map[string]any:
		if ref, ok := s["$ref"].(string); ok {
			names = append(names, path.Base(ref))
		}
		for _, v := range s {
			names = referred(v, names)
		}
	case []any:
		for _, v := range s {
			names = referred(v, names)
		}
	}
	return names
}

// overlaySchemas adds Rollouts to the repository's own schemas, where there are any of their group.
func (b builder) overlaySchemas(overlay map[string][]byte) error {
	if !b.ownSchema || !b.places.hasGroup(argoGroup) {
		return nil
	}
	for _, k := range b.inspected {
		entry, ok := k.kustomization.OpenAPI["path"]
		if !ok {
			continue
		}
		resolved, _, err := b.tree.Resolve(path.Join(k.dir, entry))
		if err != nil {
			return err
		}
		data, err := b.tree.ReadFile(resolved)
		if err != nil {
			return err
		}
		release := schemas.holdBuiltIn(b.tree.Budget())
		overlay[resolved], err = schemaWithRollouts(data)
		release()
		if err != nil {
			return err
		}
	}
	return nil
}

// schemaWithRollouts adds Rollouts to a schema of the repository's own that does not have them. One that cannot be
// read is left to kustomize.
func schemaWithRollouts(data []byte) ([]byte, error) {
	var own map[string]any
	if sigsyaml.Unmarshal(data, &own) != nil {
		return data, nil
	}
	definitions, _ := own["definitions"].(map[string]any)
	for _, d := range definitions {
		if definesRollouts(d) {
			return data, nil
		}
	}
	whole, err := wholeRolloutSchema()
	if err != nil {
		return nil, err
	}
	merged := maps.Clone(whole)
	maps.Copy(merged, definitions)
	own["definitions"] = merged
	return json.Marshal(own)
}

func definesRollouts(definition any) bool {
	d, _ := definition.(map[string]any)
	kinds, _ := d[gvkExtension].([]any)
	return slices.ContainsFunc(kinds, func(k any) bool {
		gvk, _ := k.(map[string]any)
		return gvk["group"] == argoGroup && gvk["kind"] == "Rollout"
	})
}
