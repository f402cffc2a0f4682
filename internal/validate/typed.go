package validate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/operation"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/core"
)

// longestValue is how much of a refused value is shown.
const longestValue = 120

// suffix stands for what an API server appends to metadata.generateName, which has as many letters.
const suffix = "xxxxx"

// checkBuiltin takes the object through what an API server does with a new one: strict decoding, defaults, conversion
// and validation.
func (s *subject) checkBuiltin(b builtin, gvk schema.GroupVersionKind, namespace string) {
	defer s.recover()
	before := len(s.findings)
	content, wrong := s.checkShape(b.scheme, gvk)
	if content == nil || s.full() {
		return
	}
	object, err := b.decode(content, gvk)
	if err != nil && (object == nil || len(s.findings) == before) {
		s.addDecoding(err)
	}
	if object == nil {
		return
	}
	ctx, errs := create(b, gvk, object, namespace)
	s.addAll(without(errs, wrong), gvk.Kind == "Secret")
	if len(s.findings) == before {
		checkDiscouraged(s, b.strategy.WarningsOnCreate(ctx, object))
	}
}

// ruleOf is the rule that an error of the API server is about.
func ruleOf(t field.ErrorType) string {
	switch t {
	case field.ErrorTypeRequired:
		return RuleMissingField
	case field.ErrorTypeNotSupported:
		return RuleUnsupportedValue
	case field.ErrorTypeDuplicate:
		return RuleDuplicateValue
	case field.ErrorTypeTypeInvalid:
		return RuleWrongType
	}
	return RuleInvalidValue
}

// without leaves out the errors about fields whose values were of a wrong type, and were taken away before.
func without(errs field.ErrorList, wrong []string) field.ErrorList {
	return slices.DeleteFunc(errs, func(e *field.Error) bool {
		return slices.ContainsFunc(wrong, func(path string) bool {
			return within(e.Field, path) || (e.Type == field.ErrorTypeRequired && within(path, e.Field))
		})
	})
}

// recover turns a panic of the rules into a finding: what panics here is refused there as well.
func (s *subject) recover() {
	if p := recover(); p != nil {
		s.add(RuleInvalidValue, "", fmt.Sprintf("the rules for this kind break down on it: %v", p), "look for a field of an unexpected type")
	}
}

// decode returns the object in the internal version, with defaults. A strict decoding error comes with the object.
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
func create(b builtin, gvk schema.GroupVersionKind, object runtime.Object, namespace string) (context.Context, field.ErrorList) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return request.NewContext(), field.ErrorList{field.InternalError(nil, err)}
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
		// What is found of a manifest is the same each time.
		name := b.strategy.GenerateName(accessor.GetGenerateName())
		accessor.SetName(name[:max(len(name)-len(suffix), 0)] + suffix)
	}
	b.strategy.PrepareForCreate(ctx, object)
	allocate(object)
	errs := validateCreate(ctx, object, b.strategy)
	if set, ok := object.(*apps.StatefulSet); ok {
		errs = asWritten(set, errs)
	}
	return ctx, errs
}

// maxErrors is how many errors of one object are compared with each other.
const maxErrors = 4 * maxOfObject

// validateCreate is what an API server does with a new object, but for objects with more errors than anybody reads:
// rest.ValidateCreate compares each with each, and tells the log where its own two kinds of rules disagree.
func validateCreate(ctx context.Context, object runtime.Object, strategy rest.RESTCreateStrategy) field.ErrorList {
	ctx = klog.NewContext(ctx, logr.Discard())
	errs := strategy.Validate(ctx, object)
	if len(errs) > maxErrors {
		return errs[:maxErrors]
	}
	if len(errs) == 0 {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return field.ErrorList{field.InternalError(field.NewPath("metadata"), err)}
		}
		segment := func(name string, prefix bool) []string {
			if prefix {
				return content.IsPathSegmentPrefix(name)
			}
			return content.IsPathSegmentName(name)
		}
		errs = validation.ValidateObjectMetaAccessor(accessor, strategy.NamespaceScoped(), segment, field.NewPath("metadata"))
		if len(errs) > maxErrors {
			return errs[:maxErrors]
		}
	}
	if declarative, ok := strategy.(rest.DeclarativeValidationStrategy); ok {
		config := declarative.DeclarativeValidationConfig(ctx, object, nil)
		errs = declarative.ValidateDeclaratively(ctx, object, nil, errs, operation.Create, config)
	}
	return errs
}

// healthCheckPort stands for the port that an API server would allocate for a Service.
const healthCheckPort = 32000

// allocate fills in what an API server allocates for a Service between defaults and validation.
func allocate(object runtime.Object) {
	service, ok := object.(*core.Service)
	if !ok {
		return
	}
	spec := &service.Spec
	if spec.ClusterIP != "" && len(spec.ClusterIPs) == 0 {
		spec.ClusterIPs = []string{spec.ClusterIP}
	}
	if spec.Type == core.ServiceTypeLoadBalancer && spec.ExternalTrafficPolicy == core.ServiceExternalTrafficPolicyLocal && spec.HealthCheckNodePort == 0 {
		spec.HealthCheckNodePort = healthCheckPort
	}
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
			s.add(RuleUnknownField, strings.TrimPrefix(name, "."), e.Error(), "correct or remove the field")
		}
		return
	}
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	s.add(RuleInvalidValue, "", err.Error(), "correct the field")
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
		if s.full() {
			break
		}
		e := placed(e)
		name := e.Field
		if name == "<nil>" {
			name = ""
		}
		_, hasStatus := s.rendered.Object.Object["status"]
		if incomplete(e) || (within(name, "status") && !hasStatus) {
			continue
		}
		problem, remedy := explain(e, secret)
		s.add(ruleOf(e.Type), inItsVersion(s.rendered.Object.GroupVersionKind(), name), problem, remedy)
	}
}

// composite matches what is said of a value that does not go with allOf, anyOf, oneOf or not of a schema.
var composite = regexp.MustCompile(`^"([^"]*)" (must (?:not )?validate .+)$`)

// placed is an error at its field: of some, only the message names it.
func placed(e *field.Error) *field.Error {
	m := composite.FindStringSubmatch(e.Detail)
	if m == nil {
		return e
	}
	return &field.Error{Type: e.Type, Field: m[1], Detail: m[2]}
}

// inItsVersion is a field of an object as its version has it. An API server names those of a definition that are the
// same in all versions as the version before did.
func inItsVersion(gvk schema.GroupVersionKind, name string) string {
	if gvk != crdKind {
		return name
	}
	for _, moved := range []struct{ from, to string }{
		{"spec.validation", "schema"}, {"spec.subresources", "subresources"}, {"spec.additionalPrinterColumns", "additionalPrinterColumns"}, {"spec.selectableFields", "selectableFields"},
	} {
		if within(name, moved.from) {
			return "spec.versions[0]." + moved.to + strings.TrimPrefix(name, moved.from)
		}
	}
	return name
}

// incomplete reports whether an error only announces that others were not looked for.
func incomplete(e *field.Error) bool {
	return e.BadValue == nil && strings.HasPrefix(e.Detail, "some validation rules were not checked")
}

// explain returns the problem and the remedy of an error of the API server.
func explain(e *field.Error, secret bool) (problem, remedy string) {
	value, reason := scalarText(e.BadValue), strings.TrimPrefix(e.Detail, e.Field+" in body ")
	if secret {
		value = ""
	}
	with := func(what, detail string) string { return withDetail(what, value, detail) }
	switch e.Type {
	case field.ErrorTypeRequired:
		value = ""
		return with("the field is missing", e.Detail), "add it"
	case field.ErrorTypeNotFound:
		return with("not found:", notFoundDetail(e)), "add it, or correct the name"
	case field.ErrorTypeNotSupported:
		return with("unsupported value", ""), "use one of " + strings.TrimPrefix(e.Detail, "supported values: ")
	case field.ErrorTypeDuplicate:
		return with("duplicate value", e.Detail), "remove one of them"
	case field.ErrorTypeForbidden:
		value = ""
		return with("the field is forbidden", e.Detail), "remove it"
	case field.ErrorTypeTooLong, field.ErrorTypeTooMany:
		value = ""
		return with("too long", e.Detail), "shorten it"
	case field.ErrorTypeTypeInvalid:
		return wrongType(reason, secret)
	case field.ErrorTypeInternal:
		value = ""
		return with("the rules for this kind cannot be applied", e.Detail), "correct the object"
	}
	switch {
	case typeDetail.MatchString(reason):
		return wrongType(reason, secret)
	case tooFew.MatchString(reason):
		return "too short: " + reason, "add what is missing"
	case value == "" && reason != "":
		return reason, "correct it"
	}
	return with("invalid value", reason), "correct the value"
}

// withDetail is what is wrong, with the value and more about it, where these are known.
func withDetail(what, value, detail string) string {
	if value != "" {
		what += " " + value
	}
	if detail != "" {
		what += ": " + detail
	}
	return what
}

// listsOfNames are where an API server looks for a name that a field of a pod refers to, by the list that the field is
// in.
var listsOfNames = []struct{ list, sought string }{
	{"volumeMounts", "no volume of the pod has this name"},
	{"volumeDevices", "no volume of the pod has this name"},
	{"claims", "no entry of resourceClaims in the pod has this name"},
}

// notFoundDetail returns what was not found, for a field that names something else in the same object.
func notFoundDetail(e *field.Error) string {
	for _, at := range listsOfNames {
		if strings.Contains(e.Field, "."+at.list+"[") {
			return at.sought
		}
	}
	return e.Detail
}

// jsonTypes are the types of a schema; what else a value must be of is a format.
var jsonTypes = []string{"string", "integer", "number", "boolean", "array", "object", "null"}

// tooFew matches what is said of a list or mapping whose value is how many it has.
var tooFew = regexp.MustCompile(`^should have at least \d+ (items|properties)$`)

var typeDetail = regexp.MustCompile(`must be of type ([\w-]+): ("(?:.*)")$`)

// wrongType explains a value of another type, or text of another format, than a schema asks for.
func wrongType(detail string, secret bool) (problem, remedy string) {
	m := typeDetail.FindStringSubmatch(detail)
	switch {
	case m == nil:
		return "wrong type: " + detail, "correct the value"
	case !slices.Contains(jsonTypes, m[1]) && secret:
		return "must be of type " + m[1], "correct the value"
	case !slices.Contains(jsonTypes, m[1]):
		return fmt.Sprintf("must be of type %s, and is %s", m[1], m[2]), "correct the value"
	}
	m[2] = strings.Trim(m[2], `"`)
	switch {
	case m[2] == "string" && (m[1] == "integer" || m[1] == "number" || m[1] == "boolean"):
		remedy = "write it without quotes"
	case m[1] == "string":
		remedy = "put it in quotes"
	default:
		remedy = "correct the value"
	}
	return fmt.Sprintf("must be of type %s, and is of type %s", m[1], m[2]), remedy
}

// scalarText shows a refused value if it is a plain one; of others, the place says enough.
func scalarText(v any) string {
	value := reflect.ValueOf(v)
	for value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	switch value.Kind() {
	case reflect.String:
		text := []rune(value.String())
		if len(text) > longestValue {
			return fmt.Sprintf("%q…", string(text[:longestValue]))
		}
		return fmt.Sprintf("%q", string(text))
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return fmt.Sprint(value.Interface())
	default:
		return ""
	}
}
