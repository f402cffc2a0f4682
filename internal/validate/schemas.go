package validate

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/problem"
)

// maxSchemas and maxSchemaFile bound a folder of schemas: the largest public collection has some 8000 files.
const (
	maxSchemas    = 20_000
	maxSchemaFile = 8 << 20
)

// ReadSchemas reads the definitions of custom kinds from a folder and those below it: CustomResourceDefinitions in
// YAML or JSON, and JSON schemas named GROUP/KIND_VERSION.json, as public collections have them. Other files are
// passed over.
func ReadSchemas(folder fs.FS) ([]apiextensionsv1.CustomResourceDefinition, error) {
	var all []apiextensionsv1.CustomResourceDefinition
	files := 0
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading schemas: %w", err)
		}
		ext := path.Ext(name)
		if !entry.Type().IsRegular() || ext != ".json" && ext != ".yaml" && ext != ".yml" {
			return nil
		}
		if files++; files > maxSchemas {
			return &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("more than %d files of schemas, which is the limit", maxSchemas), Remedy: "name a folder with the schemas that are needed"}
		}
		found, err := readSchemaFile(folder, name)
		all = append(all, found...)
		return err
	})
	return all, err
}

func readSchemaFile(folder fs.FS, name string) ([]apiextensionsv1.CustomResourceDefinition, error) {
	info, err := fs.Stat(folder, name)
	if err != nil {
		return nil, fmt.Errorf("reading schemas: %w", err)
	}
	if info.Size() > maxSchemaFile {
		return nil, &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("%d bytes are more than the limit of %d for a schema", info.Size(), maxSchemaFile), Remedy: "split it, or take it out of the folder of schemas"}
	}
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, fmt.Errorf("reading schemas: %w", err)
	}
	if crd := jsonSchema(name, data); crd != nil {
		return []apiextensionsv1.CustomResourceDefinition{*crd}, nil
	}
	return definitionsOf(data), nil
}

// definitionsOf returns the CustomResourceDefinitions of a file. What is none is passed over.
func definitionsOf(data []byte) []apiextensionsv1.CustomResourceDefinition {
	var all []apiextensionsv1.CustomResourceDefinition
	for _, text := range strings.Split("\n"+string(data), "\n---") {
		var crd apiextensionsv1.CustomResourceDefinition
		if strings.Contains(text, crdKind.Kind) && sigsyaml.Unmarshal([]byte(text), &crd) == nil && crd.GroupVersionKind() == crdKind {
			all = append(all, crd)
		}
	}
	return all
}

// jsonSchema makes a definition of a file GROUP/KIND_VERSION.json; nil when it is none. Such a file has the kind in
// small letters, and says nothing of namespaces.
func jsonSchema(name string, data []byte) *apiextensionsv1.CustomResourceDefinition {
	kind, version, ok := strings.Cut(strings.TrimSuffix(path.Base(name), ".json"), "_")
	group := path.Base(path.Dir(name))
	if !ok || path.Ext(name) != ".json" || !strings.Contains(group, ".") {
		return nil
	}
	var content map[string]any
	if json.Unmarshal(data, &content) != nil {
		return nil
	}
	toStructural(content)
	data, err := json.Marshal(content)
	if err != nil {
		return nil
	}
	props := &apiextensionsv1.JSONSchemaProps{}
	if json.Unmarshal(data, props) != nil {
		return nil
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	crd.Name = kind + "." + group
	crd.Spec.Group, crd.Spec.Names.Kind, crd.Spec.Scope = group, kind, apiextensionsv1.NamespaceScoped
	crd.Spec.Versions = []apiextensionsv1.CustomResourceDefinitionVersion{{Name: version, Served: true, Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: props}}}
	return crd
}

// toStructural takes out of a JSON schema what the collections' converters put into it, and the API server's form of
// schemas does not have.
func toStructural(at any) {
	switch s := at.(type) {
	case []any:
		for _, v := range s {
			toStructural(v)
		}
	case map[string]any:
		if s["additionalProperties"] == false {
			delete(s, "additionalProperties")
		}
		if _, isProperty := s["$schema"].(string); isProperty {
			delete(s, "$schema")
		}
		if types, ok := s["type"].([]any); ok {
			types = slices.DeleteFunc(slices.Clone(types), func(t any) bool { return t == "null" })
			if s["nullable"] = true; len(types) == 1 {
				s["type"] = types[0]
			}
		}
		if s["format"] == "int-or-string" {
			s["x-kubernetes-int-or-string"] = true
			delete(s, "format")
			delete(s, "oneOf")
			delete(s, "type")
		}
		for _, v := range s {
			toStructural(v)
		}
	}
}

// skips reports whether a kind is allowed by name: Kind, GROUP/Kind or GROUP/VERSION/Kind.
func (k *Known) skips(gvk schema.GroupVersionKind) bool {
	if k == nil {
		return false
	}
	return k.IgnoreMissing || slices.ContainsFunc(k.Skip, func(name string) bool {
		return name == gvk.Kind || name == gvk.Group+"/"+gvk.Kind || name == gvk.GroupVersion().String()+"/"+gvk.Kind
	})
}
