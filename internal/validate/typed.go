package validate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
)

// longestValue is how much of a refused value is shown.
const longestValue = 120

// checkBuiltin takes the object through what an API server does with a new one: strict decoding, defaults, conversion, validation.
func (s *subject) checkBuiltin(b builtin, gvk schema.GroupVersionKind, namespace string) {
	defer s.recover()
	before := len(s.findings)
	if !s.checkShape(b.scheme, gvk) {
		return
	}
	object, err := b.decode(s.rendered.Object.Object, gvk)
	if err != nil && (object == nil || len(s.findings) == before) {
		s.addDecoding(err)
	}
	if object == nil {
		return
	}
	s.addAll(create(b, gvk, object, namespace), gvk.Kind == "Secret")
}

// recover turns a panic of the rules into a finding: what panics here is refused there as well.
func (s *subject) recover() {
	if p := recover(); p != nil {
		s.add("", fmt.Sprintf("the rules for this kind break down on it: %v", p), "look for a field of an unexpected type")
	}
}

// decode gives the object in the internal version, with defaults. A strict decoding error comes with the object.
func (b builtin) decode(content map[string]any, gvk schema.GroupVersionKind) (runtime.Object, error) {
	data, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", gvk.Kind, err)
	}
	internal := schema.GroupVersion{Group: gvk.Group, Version: runtime.APIVersionInternal}
	object, _, err := b.codecs.UniversalDecoder(internal).Decode(data, &gvk, nil)
	if err != nil {
		if !runtime.IsStrictDecodingError(err) {
			object = nil
		}
		return object, fmt.Errorf("decoding %s: %w", gvk.Kind, err)
	}
	return object, nil
}

// create runs the rules for a new object.
func create(b builtin, gvk schema.GroupVersionKind, object runtime.Object, namespace string) field.ErrorList {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}
	ctx := request.NewContext()
	if b.strategy.NamespaceScoped() {
		if accessor.GetNamespace() == "" {
			accessor.SetNamespace(namespace)
		}
	} else {
		accessor.SetNamespace("")
	}
	ctx = request.WithNamespace(ctx, accessor.GetNamespace())
	ctx = request.WithRequestInfo(ctx, &request.RequestInfo{IsResourceRequest: true, Verb: "create", APIGroup: gvk.Group, APIVersion: gvk.Version})
	rest.FillObjectMetaSystemFields(accessor)
	if accessor.GetName() == "" && accessor.GetGenerateName() != "" {
		accessor.SetName(b.strategy.GenerateName(accessor.GetGenerateName()))
	}
	b.strategy.PrepareForCreate(ctx, object)
	return rest.ValidateCreate(ctx, object, b.strategy)
}

// addDecoding reports what strict decoding refuses.
func (s *subject) addDecoding(err error) {
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		strict, ok := runtime.AsStrictDecodingError(cause)
		if !ok {
			continue
		}
		for _, e := range strict.Errors() {
			name := quoted(e.Error())
			s.add(strings.TrimPrefix(name, "."), e.Error(), "correct or remove the field")
		}
		return
	}
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	s.add("", err.Error(), "correct the field")
}

// quoted is the first quoted word of a message.
func quoted(message string) string {
	_, rest, _ := strings.Cut(message, `"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// addAll reports what validation refuses. Values of a secret are not shown.
func (s *subject) addAll(errs field.ErrorList, secret bool) {
	for _, e := range errs {
		problem, remedy := explain(e, secret)
		name := e.Field
		if name == "<nil>" {
			name = ""
		}
		s.add(name, problem, remedy)
	}
}

// explain puts an error of the API server into a problem and a remedy.
func explain(e *field.Error, secret bool) (problem, remedy string) {
	value := fmt.Sprintf("%v", e.BadValue)
	if text, ok := e.BadValue.(string); ok {
		value = fmt.Sprintf("%q", text)
	}
	if len([]rune(value)) > longestValue {
		value = string([]rune(value)[:longestValue]) + "…"
	}
	if secret {
		value = "(not shown)"
	}
	switch e.Type {
	case field.ErrorTypeRequired:
		return strings.TrimSuffix("the field is missing: "+e.Detail, ": "), "add it"
	case field.ErrorTypeNotSupported:
		return fmt.Sprintf("unsupported value %s", value), "use one of " + strings.TrimPrefix(e.Detail, "supported values: ")
	case field.ErrorTypeDuplicate:
		return strings.TrimSuffix(fmt.Sprintf("the value %s is there twice: %s", value, e.Detail), ": "), "remove one of them"
	case field.ErrorTypeForbidden:
		return strings.TrimSuffix("the field is forbidden: "+e.Detail, ": "), "remove it"
	case field.ErrorTypeTooLong, field.ErrorTypeTooMany:
		return strings.TrimSuffix("too long or too many: "+e.Detail, ": "), "shorten it"
	case field.ErrorTypeInternal:
		return "the rules for this kind cannot be applied: " + e.Detail, "correct the object"
	default:
		return strings.TrimSuffix(fmt.Sprintf("invalid value %s: %s", value, e.Detail), ": "), "correct the value"
	}
}
