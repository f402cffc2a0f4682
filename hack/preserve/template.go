package main

import "slices"

// unique are the lists of a pod template whose elements the API server requires to differ in their keys. In others,
// such as the ports and the environment of a container, it takes an element twice.
var unique = []string{
	"containers", "initContainers", "ephemeralContainers", "volumes", "volumeMounts", "volumeDevices", "resourceClaims", "claims",
	"schedulingGates", "topologySpreadConstraints",
}

// takeWhatDeploymentsTake relaxes the schemas of the pod templates in a definition.
func takeWhatDeploymentsTake(definition map[string]any) {
	eachSchema(definition, "", func(name string, schema map[string]any) {
		properties, _ := schema["properties"].(map[string]any)
		spec, _ := properties["spec"].(map[string]any)
		fields, _ := spec["properties"].(map[string]any)
		if name == "template" && fields["containers"] != nil {
			// A Rollout that takes the template of another object is written by typed clients with containers: null.
			delete(spec, "required")
			relax(schema)
		}
	})
}

// relax lets a schema, and those below it, take numbers as quantities, elements of a list twice, and null for a field
// that is left out.
func relax(root map[string]any) {
	eachSchema(root, "", func(name string, schema map[string]any) {
		if schema["x-kubernetes-int-or-string"] == true && schema["pattern"] != nil {
			clear(schema)
			// There is no schema for an integer, a string or any other number. What is none of them is found on reading.
			schema["x-kubernetes-preserve-unknown-fields"] = true
		}
		if schema["x-kubernetes-list-type"] != nil && !slices.Contains(unique, name) {
			schema["x-kubernetes-list-type"] = "atomic"
			delete(schema, "x-kubernetes-list-map-keys")
		}
		if values, ok := schema["additionalProperties"].(map[string]any); ok {
			values["nullable"] = true
		}
		properties, _ := schema["properties"].(map[string]any)
		for field, property := range properties {
			below, ok := property.(map[string]any)
			if ok && below["default"] == nil && !isKey(schema, field) {
				below["nullable"] = true
			}
		}
	})
}

// isKey reports whether a field of an element is required, and so may be a key of its list.
func isKey(element map[string]any, field string) bool {
	required, _ := element["required"].([]any)
	return slices.Contains(required, any(field))
}

// eachSchema calls a function with every schema below a value, and the name of the field that it is for.
func eachSchema(value any, name string, visit func(name string, schema map[string]any)) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			eachSchema(element, name, visit)
		}
	case map[string]any:
		visit(name, v)
		for _, key := range []string{"spec", "versions", "schema", "openAPIV3Schema", "items", "additionalProperties"} {
			eachSchema(v[key], name, visit)
		}
		properties, _ := v["properties"].(map[string]any)
		for field, property := range properties {
			eachSchema(property, field, visit)
		}
	}
}
