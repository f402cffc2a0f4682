package validate

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// checkShape compares an object with the Go type of its kind: fields that the type does not have, and values of
// another type. The API server's decoder finds these as well, but it stops at the first wrong type, and names neither
// the index in a list nor the field that was meant. The content comes without the values of a wrong type, together
// with their paths; it is nil when nothing more can be checked.
func (s *subject) checkShape(scheme *runtime.Scheme, gvk schema.GroupVersionKind) (content map[string]any, wrong []string) {
	typed, err := scheme.New(gvk)
	if err != nil {
		s.add(RuleUnknownKind, "kind", err.Error(), "correct apiVersion and kind")
		return nil, nil
	}
	w := shapeWalk{subject: s}
	content, _ = w.value(reflect.TypeOf(typed).Elem(), s.rendered.Object.Object, "").(map[string]any)
	if content != nil {
		content["apiVersion"] = gvk.GroupVersion().String()
	}
	return content, w.wrongs
}

// checkMetadataShape is checkShape for the metadata of a custom object, which it returns.
func (s *subject) checkMetadataShape() any {
	w := shapeWalk{subject: s}
	return w.value(reflect.TypeFor[metav1.ObjectMeta](), s.rendered.Object.Object["metadata"], "metadata")
}

// shapeWalk goes through a value and its type together, and copies what fits.
type shapeWalk struct {
	subject *subject
	wrongs  []string
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// wrong adds a finding about a value, and returns nothing in its place.
func (w *shapeWalk) wrong(path, problem, remedy string) any {
	w.wrongs = append(w.wrongs, path)
	w.subject.add(RuleWrongType, path, problem, remedy)
	return nil
}

// value returns as much of v as fits the type; nil for nothing.
func (w *shapeWalk) value(t reflect.Type, v any, path string) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if v == nil {
		return nil
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return w.unmarshaled(t, v, path)
	}
	switch t.Kind() {
	case reflect.Struct:
		return w.object(t, v, path)
	case reflect.Map:
		return w.mapping(t, v, path)
	case reflect.Slice:
		return w.list(t, v, path)
	case reflect.Interface:
		return v
	default:
		return w.scalar(t.Kind(), v, path)
	}
}

// unmarshaled checks a value of a type that reads itself, such as a quantity or a port.
func (w *shapeWalk) unmarshaled(t reflect.Type, v any, path string) any {
	data, err := json.Marshal(v)
	if err != nil {
		return w.wrong(path, err.Error(), "correct the value")
	}
	if err := reflect.New(t).Interface().(json.Unmarshaler).UnmarshalJSON(data); err != nil {
		return w.wrong(path, fmt.Sprintf("must be of type %s, and is %s: %v", t.Name(), describe(v), err), "correct the value")
	}
	return v
}

func (w *shapeWalk) object(t reflect.Type, v any, path string) any {
	m, ok := v.(map[string]any)
	if !ok {
		return w.wrong(path, "must be a mapping, and is "+describe(v), "write its fields below it, indented")
	}
	fields, fitting := fieldsOf(t), make(map[string]any, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if w.subject.full() {
			break
		}
		at := joinPath(path, key)
		field, ok := fields[key]
		if !ok {
			w.subject.add(RuleUnknownField, at, fmt.Sprintf("%s has no field %q", display(path, w.subject), key), didYouMean(key, slices.Sorted(maps.Keys(fields)), "remove it"))
			continue
		}
		if value := w.value(field, m[key], at); value != nil {
			fitting[key] = value
		}
	}
	return fitting
}

func display(path string, s *subject) string {
	if path == "" {
		return s.rendered.Object.GetKind()
	}
	return path
}

func (w *shapeWalk) mapping(t reflect.Type, v any, path string) any {
	m, ok := v.(map[string]any)
	if !ok {
		return w.wrong(path, "must be a mapping, and is "+describe(v), "write key: value pairs")
	}
	fitting := make(map[string]any, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if w.subject.full() {
			break
		}
		value := w.value(t.Elem(), m[key], path+"["+key+"]")
		if value != nil || m[key] == nil {
			fitting[key] = value
		}
	}
	return fitting
}

func (w *shapeWalk) list(t reflect.Type, v any, path string) any {
	if _, isList := v.([]any); t.Elem().Kind() == reflect.Uint8 && !isList {
		text, ok := v.(string)
		if !ok {
			return w.wrong(path, "must be text in base64, and is "+describe(v), "encode it, or use stringData")
		}
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return w.wrong(path, "invalid base64: "+err.Error(), "encode it, or use stringData")
		}
		return v
	}
	list, ok := v.([]any)
	if !ok {
		return w.wrong(path, "must be a list, and is "+describe(v), "start each element with a dash")
	}
	fitting := make([]any, len(list))
	for i, e := range list {
		if w.subject.full() {
			break
		}
		// An element stays in its place, so that the paths of what follows are right.
		fitting[i] = w.value(t.Elem(), e, indexPath(path, i))
	}
	return fitting
}

func (w *shapeWalk) scalar(kind reflect.Kind, v any, path string) any {
	switch kind {
	case reflect.String:
		if _, ok := v.(string); !ok {
			return w.wrong(path, "must be text, and is "+describe(v), "put it in quotes")
		}
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			return w.wrong(path, "must be true or false, and is "+describe(v), "write true or false, without quotes")
		}
	case reflect.Float32, reflect.Float64:
		switch v.(type) {
		case float64, int64:
		default:
			return w.wrong(path, "must be a number, and is "+describe(v), "write the number without quotes")
		}
	default:
		return w.integer(kind, v, path)
	}
	return v
}

func (w *shapeWalk) integer(kind reflect.Kind, v any, path string) any {
	n, ok := v.(int64)
	if !ok {
		remedy := "write the number without quotes"
		if _, fraction := v.(float64); fraction {
			remedy = "write a whole number"
		}
		return w.wrong(path, "must be a whole number, and is "+describe(v), remedy)
	}
	if kind == reflect.Uint8 && (n < 0 || n > math.MaxUint8) {
		return w.wrong(path, "must be a byte, and is "+describe(v), "write the bytes as text in base64")
	}
	if kind == reflect.Int32 && (n < math.MinInt32 || n > math.MaxInt32) {
		return w.wrong(path, "must be a number of 32 bits, and is "+describe(v), "write a smaller number")
	}
	return v
}

// describe names what a value is, without the value itself where it may be a secret.
func describe(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		if len(v) > 0 && len(v) <= 20 && strings.Trim(v, "-+.0123456789") == "" {
			return fmt.Sprintf("the text %q", v)
		}
		return "text"
	case bool:
		return fmt.Sprintf("the value %v", v)
	case int64, float64:
		return fmt.Sprintf("the number %v", v)
	default:
		return "something else"
	}
}

var fieldCache sync.Map // reflect.Type → map[string]reflect.Type

// fieldsOf returns the JSON fields of a struct type, with their types.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.(map[string]reflect.Type)
	}
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		for inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case name == "-" || (!f.IsExported() && !f.Anonymous):
		case inner.Kind() == reflect.Struct && (strings.Contains(options, "inline") || (f.Anonymous && name == "")):
			maps.Copy(fields, fieldsOf(inner))
		case name != "":
			fields[name] = f.Type
		default:
			fields[f.Name] = f.Type
		}
	}
	fieldCache.Store(t, fields)
	return fields
}
