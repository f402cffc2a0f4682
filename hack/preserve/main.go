// Command preserve has the objects of CustomResourceDefinitions keep the fields that they do not list, at every
// level: an object that another program or a later version wrote loses nothing by Cyan's definition. And it has the pod
// templates in them take what the API server takes in that of a Deployment. controller-gen's markers reach Cyan's own
// types alone, and not a pod template.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	for _, name := range os.Args[1:] {
		if err := preserve(name); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

func preserve(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	definition := map[string]any{}
	if err := yaml.Unmarshal(data, &definition); err != nil {
		return err
	}
	keepUnlisted(definition)
	takeWhatDeploymentsTake(definition)
	if data, err = yaml.Marshal(definition); err != nil {
		return err
	}
	return os.WriteFile(name, append([]byte("---\n"), data...), 0o644)
}

// keepUnlisted marks every schema of an object that lists fields, but for the object's own metadata, which the API
// server knows.
func keepUnlisted(definition map[string]any) {
	spec, _ := definition["spec"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	for _, v := range versions {
		version, _ := v.(map[string]any)
		schema, _ := version["schema"].(map[string]any)
		root, _ := schema["openAPIV3Schema"].(map[string]any)
		properties, _ := root["properties"].(map[string]any)
		metadata := properties["metadata"]
		delete(properties, "metadata")
		mark(root)
		properties["metadata"] = metadata
	}
}

func mark(schema any) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	if s["type"] == "object" && s["additionalProperties"] == nil {
		s["x-kubernetes-preserve-unknown-fields"] = true
	}
	properties, _ := s["properties"].(map[string]any)
	for _, property := range properties {
		mark(property)
	}
	mark(s["items"])
	mark(s["additionalProperties"])
}
