package install

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// maxLosses bounds the message: the first ones are enough to understand it.
const maxLosses = 5

// foreign refuses to replace a definition that another program installed, because objects stored by it would lose
// something.
func foreign(definition string, losses []string) error {
	if more := len(losses) - maxLosses; more > 0 {
		losses = append(slices.Clone(losses[:maxLosses]), fmt.Sprintf("and %d more", more))
	}
	return &problem.Error{
		Kind: problem.Refused, Object: "CustomResourceDefinition " + definition,
		Cause:  "installed by another program, and not replaced, because Cyan's lacks " + strings.Join(losses, ", "),
		Remedy: "keep it and start with --skip-crds, or move its objects to version " + v1alpha1.GroupVersion.Version + " without those and delete it first",
	}
}

// losses lists what the objects stored by a definition would lose when wanted replaces it.
func losses(stored, wanted *apiextensionsv1.CustomResourceDefinition) []string {
	var lost []string
	schemas := map[string]*apiextensionsv1.JSONSchemaProps{}
	for _, v := range wanted.Spec.Versions {
		schemas[v.Name] = schemaOf(v)
	}
	versions := slices.Clone(stored.Status.StoredVersions)
	for _, v := range stored.Spec.Versions {
		versions = append(versions, v.Name)
		if schema, known := schemas[v.Name]; known {
			lost = append(lost, lostFields(schemaOf(v), schema, "")...)
		}
	}
	slices.Sort(versions)
	for _, version := range slices.Compact(versions) {
		if _, known := schemas[version]; !known {
			lost = append(lost, "version "+version)
		}
	}
	if c := stored.Spec.Conversion; c != nil && c.Strategy != apiextensionsv1.NoneConverter {
		lost = append(lost, fmt.Sprintf("conversion by %s", strings.ToLower(string(c.Strategy))))
	}
	return lost
}

func schemaOf(v apiextensionsv1.CustomResourceDefinitionVersion) *apiextensionsv1.JSONSchemaProps {
	if v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
		keep := true
		return &apiextensionsv1.JSONSchemaProps{XPreserveUnknownFields: &keep}
	}
	return v.Schema.OpenAPIV3Schema
}

// lostFields lists the fields below path that stored lets in and wanted would prune.
func lostFields(stored, wanted *apiextensionsv1.JSONSchemaProps, path string) []string {
	if keepsAll(wanted) {
		return nil
	}
	var lost []string
	if keepsUnlisted(stored) && !keepsUnlisted(wanted) {
		lost = append(lost, "unlisted fields of "+cmp.Or(strings.TrimPrefix(path, "."), "the object"))
	}
	lost = append(lost, lostProperties(stored, wanted, path)...)
	if stored.Items != nil && wanted.Items != nil {
		lost = append(lost, lostBelow(stored.Items.Schema, wanted.Items.Schema, path+"[]")...)
	}
	if stored.AdditionalProperties != nil && wanted.AdditionalProperties != nil {
		lost = append(lost, lostBelow(stored.AdditionalProperties.Schema, wanted.AdditionalProperties.Schema, path+"{}")...)
	}
	return lost
}

// lostBelow is lostFields for the elements of a list or a mapping; nil is a schema that says nothing of them.
func lostBelow(stored, wanted *apiextensionsv1.JSONSchemaProps, path string) []string {
	if stored == nil || wanted == nil {
		return nil
	}
	return lostFields(stored, wanted, path)
}

// lostProperties lists what is lost of the listed fields at path. An object's own metadata is the API server's.
func lostProperties(stored, wanted *apiextensionsv1.JSONSchemaProps, path string) []string {
	var lost []string
	for _, name := range slices.Sorted(maps.Keys(stored.Properties)) {
		at := path + "." + name
		theirs := stored.Properties[name]
		ours, listed := wanted.Properties[name]
		switch {
		case at == ".metadata":
		case listed:
			lost = append(lost, lostFields(&theirs, &ours, at)...)
		case !keepsUnlisted(wanted):
			lost = append(lost, "field "+strings.TrimPrefix(at, "."))
		}
	}
	return lost
}

// keepsAll reports whether a schema keeps whatever is there, whatever its shape.
func keepsAll(s *apiextensionsv1.JSONSchemaProps) bool {
	return isTrue(s.XPreserveUnknownFields) && len(s.Properties) == 0 && s.Items == nil && s.AdditionalProperties == nil
}

func keepsUnlisted(s *apiextensionsv1.JSONSchemaProps) bool {
	return isTrue(s.XPreserveUnknownFields) || s.AdditionalProperties != nil
}

func isTrue(b *bool) bool { return b != nil && *b }
