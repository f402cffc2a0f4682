package validate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// migrateDefinition edits the spec of a CustomResourceDefinition of v1beta1: what was said once stands in each version.
func migrateDefinition(f *fixer, spec *yaml.Node) string {
	if render.Scalar(spec, "preserveUnknownFields") != "false" {
		return "spec.preserveUnknownFields is not false, so that objects keep fields that the schema does not have, which v1 does only where the schema says so; write preserveUnknownFields: false if there are none, or x-kubernetes-preserve-unknown-fields: true where there are"
	}
	versions := itemsOf(render.Field(spec, "versions"))
	if common := render.Field(render.Field(spec, "validation"), "openAPIV3Schema"); common == nil {
		for i, v := range versions {
			if !isSet(render.Field(v, "schema"), "openAPIV3Schema") {
				return fmt.Sprintf("spec.versions[%d] has no schema, and v1 requires one; write it in schema.openAPIV3Schema", i)
			}
		}
		if len(versions) == 0 {
			return "spec.validation has no schema, and v1 requires one for each version; write it in openAPIV3Schema"
		}
	}
	return f.rewrite(spec, func(fields []textField) ([]textField, string) { return f.lines.definitionFields(spec, fields) })
}

// definitionFields are the fields of the spec of a definition as v1 has them.
func (l sourceLines) definitionFields(spec *yaml.Node, fields []textField) ([]textField, string) {
	list, why := l.versionsOf(spec, fields)
	if why != "" {
		return nil, why
	}
	perVersion, why := l.perVersion(spec)
	if why != "" {
		return nil, why
	}
	for i, version := range list.items {
		for _, common := range perVersion {
			if own, _ := taken(version.fields, common.key); own != nil {
				return nil, "spec.versions has " + common.key + ", which spec has as well; take one out"
			}
		}
		list.items[i].fields = append(version.fields, perVersion...)
	}
	return l.placeVersions(spec, fields, list)
}

// placeVersions are the fields of a spec with the versions in their place.
func (l sourceLines) placeVersions(spec *yaml.Node, fields []textField, list textField) ([]textField, string) {
	var out []textField
	// The comments of what goes stand over what comes next, and at the end over the versions.
	var left []string
	keep := func(field textField) {
		field.above = slices.Concat(left, field.above)
		left, out = nil, append(out, field)
	}
	for _, field := range fields {
		switch field.key {
		case "validation", "subresources", "additionalPrinterColumns":
			// These go into the versions, but for a validation of nothing.
			if field.key == "validation" && !isSet(spec, field.key) {
				left = append(left, commentsOf(field)...)
			}
		case "version":
			if isSet(spec, "versions") {
				left = append(left, commentsOf(field)...)
			} else {
				keep(list)
			}
		case "versions":
			list.above = field.above
			keep(list)
		case "conversion":
			converted, why := l.conversion(render.Field(spec, "conversion"), field)
			if why != "" {
				return nil, why
			}
			keep(converted)
		default:
			keep(field)
		}
	}
	if versions, _ := taken(out, "versions"); versions != nil {
		versions.above = slices.Concat(left, versions.above)
	}
	if !isSet(spec, "scope") {
		out = filled(out, newField("scope", "Namespaced"))
	}
	return out, ""
}

// filled returns fields with one that they have without a value, or not at all. The comments of what had no value stand
// over it.
func filled(fields []textField, one textField) []textField {
	empty, others := taken(fields, one.key)
	if empty != nil {
		one.above = commentsOf(*empty)
	}
	return append(others, one)
}

// commentsOf are the comments over, behind and below a field of one value.
func commentsOf(field textField) []string {
	var behind []string
	if _, comment, found := strings.Cut(field.rest, " #"); found {
		behind = []string{"#" + comment}
	}
	return slices.Concat(field.above, behind, field.below)
}

// versionsOf are the versions of a definition; the one of spec.version where that is all it has.
func (l sourceLines) versionsOf(spec *yaml.Node, fields []textField) (textField, string) {
	version := render.Scalar(spec, "version")
	written, _ := taken(fields, "versions")
	if written == nil {
		if version == "" {
			return textField{}, "spec has neither version nor versions; write one"
		}
		one, _ := taken(fields, "version")
		made := textField{key: "versions", above: one.above}
		made.items = []textItem{{fields: []textField{one.named("name"), newField("served", "true"), newField("storage", "true")}}}
		made.items[0].fields[0].above = nil
		return made, ""
	}
	list, why := l.listText(*written, render.Field(spec, "versions"))
	if why != "" {
		return textField{}, why
	}
	for i, v := range itemsOf(render.Field(spec, "versions")) {
		columns := render.Field(v, "additionalPrinterColumns")
		own, _ := taken(list.items[i].fields, "additionalPrinterColumns")
		if own == nil || columns == nil {
			continue
		}
		if *own, why = l.printerColumns(columns, *own); why != "" {
			return textField{}, why
		}
	}
	return list, ""
}

// perVersion are the fields of a spec of v1beta1 that each version has in v1.
func (l sourceLines) perVersion(spec *yaml.Node) ([]textField, string) {
	var out []textField
	fields, why := l.textOf(spec)
	if why != "" {
		return nil, why
	}
	for _, field := range fields {
		value := render.Field(spec, field.key)
		switch {
		case field.key == "validation" && isSet(spec, field.key):
			field.key = "schema"
		case field.key == "additionalPrinterColumns":
			if field, why = l.printerColumns(value, field); why != "" {
				return nil, why
			}
		case field.key != "subresources":
			continue
		}
		out = append(out, field)
	}
	return out, ""
}

// printerColumns are additionalPrinterColumns with the name that v1 has for their path.
func (l sourceLines) printerColumns(list *yaml.Node, field textField) (textField, string) {
	columns, why := l.listText(field, list)
	if why != "" {
		return textField{}, why
	}
	for i := range columns.items {
		for j := range columns.items[i].fields {
			if columns.items[i].fields[j].key == "JSONPath" {
				columns.items[i].fields[j].key = "jsonPath"
			}
		}
	}
	return columns, ""
}

// conversion is the conversion of a definition with its webhook as v1 has it.
func (l sourceLines) conversion(value *yaml.Node, field textField) (textField, string) {
	if render.Scalar(value, "strategy") != "Webhook" {
		return field, ""
	}
	made, why := l.mappingText(field, value)
	if why != "" {
		return textField{}, why
	}
	client, fields := taken(made.fields, "webhookClientConfig")
	if client == nil {
		return textField{}, "spec.conversion names no webhook; write webhookClientConfig"
	}
	reviews, fields := taken(fields, "conversionReviewVersions")
	if reviews == nil {
		return textField{}, "spec.conversion.conversionReviewVersions is required in v1, and was [v1beta1] where it was not given; write the versions that the webhook's program reads"
	}
	made.fields = append(fields, newMapping("webhook", client.named("clientConfig"), *reviews))
	return made, ""
}

// refusedDefinition is what an API server would refuse in a definition of a name as it is written by now, or "".
func refusedDefinition(f *fixer, name string) string {
	docs, err := render.SplitDocuments([]byte(f.text()))
	if err != nil {
		return "the file is written in a way that cannot be edited line by line"
	}
	for _, doc := range docs {
		if found := definitionOf(doc, name); found != nil {
			return firstFinding(found)
		}
	}
	return ""
}

// definitionOf is the definition of a name in a document, as JSON, or nil.
func definitionOf(doc *yaml.Node, name string) *unstructured.Unstructured {
	for _, item := range itemsOf(render.Field(doc, "items")) {
		if found := definitionOf(render.Unalias(item), name); found != nil {
			return found
		}
	}
	if render.Scalar(doc, "kind") != "CustomResourceDefinition" || render.Scalar(doc, "apiVersion") != "apiextensions.k8s.io/v1" || render.Scalar(render.Field(doc, "metadata"), "name") != name {
		return nil
	}
	var value map[string]any
	if doc.Decode(&value) != nil {
		return nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	object := &unstructured.Unstructured{}
	if object.UnmarshalJSON(data) != nil {
		return nil
	}
	return object
}

func firstFinding(object *unstructured.Unstructured) string {
	for _, finding := range Check([]render.Rendered{{Object: object}}, nil) {
		return strings.TrimSpace((&problem.Error{Object: finding.Field, Cause: finding.Cause, Remedy: finding.Remedy}).Error())
	}
	return ""
}
