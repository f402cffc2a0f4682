// Command modelfields lists the fields that a CustomResourceDefinition knows, a path per line: what internal/settings
// holds its tables against. Run it on the definitions of a new version of the models, and see which rows are missing:
//
//	go run ./hack/modelfields FILE.yaml >internal/settings/models/KIND.txt
//
// What is Kubernetes' own is not gone into: pods, and selectors of labels. A shape that comes at many places, such as
// the source of an Application, is listed once, under its name, and its places as "PATH NAME". Of a status, the first
// level is listed.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: modelfields FILE.yaml")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "modelfields:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	seen := map[string]bool{}
	for _, v := range crd.Spec.Versions {
		if v.Schema != nil && v.Schema.OpenAPIV3Schema != nil {
			list(*v.Schema.OpenAPIV3Schema, "", seen)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(seen)) {
		fmt.Println(field)
	}
	return nil
}

// skipped are the fields of every object.
var skipped = []string{".apiVersion", ".kind", ".metadata"}

func list(schema apiextensionsv1.JSONSchemaProps, path string, seen map[string]bool) {
	shape := shapeOf(schema)
	if path != "" {
		seen[strings.TrimSuffix(strings.TrimPrefix(path, ".")+" "+shape, " ")] = true
	}
	if shape != "" && path != "."+shape {
		list(schema, "."+shape, seen)
		return
	}
	if isKubernetes(schema) || strings.Count(path, ".") > 1 && strings.HasPrefix(path, ".status.") {
		return
	}
	for at, part := range parts(schema, path) {
		list(part, at, seen)
	}
}

// parts returns what a schema is made of, by the paths.
func parts(schema apiextensionsv1.JSONSchemaProps, path string) map[string]apiextensionsv1.JSONSchemaProps {
	all := map[string]apiextensionsv1.JSONSchemaProps{}
	for name, property := range schema.Properties {
		if at := path + "." + name; !slices.Contains(skipped, at) && !repeats(at) {
			all[at] = property
		}
	}
	if schema.Items != nil && schema.Items.Schema != nil && len(schema.Items.Schema.Properties) > 0 {
		all[path+"[]"] = *schema.Items.Schema
	}
	if more := schema.AdditionalProperties; more != nil && more.Schema != nil && len(more.Schema.Properties) > 0 {
		all[path+".*"] = *more.Schema
	}
	return all
}

// shapes are parts that come at many places, by the fields that tell them.
var shapes = map[string][]string{
	"ApplicationSource": {"repoURL", "targetRevision", "kustomize"},
	"ApplicationSpec":   {"destination", "project", "source", "sources"},
	"Generator":         {"clusterDecisionResource", "scmProvider", "plugin"},
	"Metric":            {"provider", "failureLimit", "consecutiveErrorLimit"},
}

func shapeOf(schema apiextensionsv1.JSONSchemaProps) string {
	for name, fields := range shapes {
		if !slices.ContainsFunc(fields, func(field string) bool { _, there := schema.Properties[field]; return !there }) {
			return name
		}
	}
	return ""
}

// isKubernetes reports whether a schema is that of a pod, or of a selector.
func isKubernetes(schema apiextensionsv1.JSONSchemaProps) bool {
	_, pod := schema.Properties["containers"]
	_, labels := schema.Properties["matchLabels"]
	_, expressions := schema.Properties["matchExpressions"]
	return pod || labels && expressions
}

// repeats reports whether a path comes to a part that it has gone through before.
func repeats(path string) bool {
	return strings.Count(path, ".generators") > 1
}
