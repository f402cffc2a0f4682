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

// checkShape compares an object with the Go type of its kind: fields that the type does not have, and values of another type. The API server's decoder finds these as well, but it
// stops at the first wrong type, and gives neither the index in a list nor the field that was meant. It says whether the object can be decoded.
func (s *subject) checkShape(scheme *runtime.Scheme, gvk schema.GroupVersionKind) bool {
	typed, err := scheme.New(gvk)
	if err != nil {
		s.add("kind", err.Error(), "correct apiVersion and kind")
		return false
	}
	w := shapeWalk{subject: s, decodable: true}
	w.value(reflect.TypeOf(typed).Elem(), s.rendered.Object.Object, "")
	return w.decodable
}

// checkMetadataShape is checkShape for the metadata of a custom object.
func (s *subject) checkMetadataShape() bool {
	w := shapeWalk{subject: s, decodable: true}
	w.value(reflect.TypeFor[metav1.ObjectMeta](), s.rendered.Object.Object["metadata"], "metadata")
	return w.decodable
}

type shapeWalk struct {
	subject   *subject
	decodable bool
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func (w *shapeWalk) wrong(path, problem, remedy string) {
	w.decodable = false
	w.subject.add(path, problem, remedy)
}

func (w *shapeWalk) value(t reflect.Type, v any, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if v == nil {
		return
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		w.unmarshaled(t, v, path)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		w.object(t, v, path)
	case reflect.Map:
		m, ok := v.(map[string]any)
		if !ok {
			w.wrong(path, "this must be a mapping, and is "+describe(v), "write key: value pairs")
			return
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			w.value(t.Elem(), m[key], path+"["+key+"]")
		}
	case reflect.Slice:
		w.list(t, v, path)
	case reflect.Interface:
	default:
		w.scalar(t.Kind(), v, path)
	}
}

// unmarshaled checks a value of a type that reads itself, such as a quantity or a port.
func (w *shapeWalk) unmarshaled(t reflect.Type, v any, path string) {
	data, err := json.Marshal(v)
	if err != nil {
		w.wrong(path, err.Error(), "correct the value")
		return
	}
	if err := reflect.New(t).Interface().(json.Unmarshaler).UnmarshalJSON(data); err != nil {
		w.wrong(path, fmt.Sprintf("%s is no %s: %v", describe(v), t.Name(), err), "correct the value")
	}
}

func (w *shapeWalk) object(t reflect.Type, v any, path string) {
	m, ok := v.(map[string]any)
	if !ok {
		w.wrong(path, "this must be a mapping, and is "+describe(v), "write its fields below it, indented")
		return
	}
	fields := fieldsOf(t)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		at := joinPath(path, key)
		field, ok := fields[key]
		if !ok {
			w.subject.add(at, fmt.Sprintf("%s has no field %q", display(path, w.subject), key), didYouMean(key, slices.Sorted(maps.Keys(fields)), "remove it"))
			continue
		}
		w.value(field, m[key], at)
	}
}

func display(path string, s *subject) string {
	if path == "" {
		return s.rendered.Object.GetKind()
	}
	return path
}

func (w *shapeWalk) list(t reflect.Type, v any, path string) {
	if t.Elem().Kind() == reflect.Uint8 {
		text, ok := v.(string)
		if !ok {
			w.wrong(path, "this must be text in base64, and is "+describe(v), "encode it, or use stringData")
		} else if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			w.wrong(path, "this is not base64: "+err.Error(), "encode it, or use stringData")
		}
		return
	}
	list, ok := v.([]any)
	if !ok {
		w.wrong(path, "this must be a list, and is "+describe(v), "start each element with a dash")
		return
	}
	for i, e := range list {
		w.value(t.Elem(), e, indexPath(path, i))
	}
}

func (w *shapeWalk) scalar(kind reflect.Kind, v any, path string) {
	switch kind {
	case reflect.String:
		if _, ok := v.(string); !ok {
			w.wrong(path, "this must be text, and is "+describe(v), "put it in quotes")
		}
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			w.wrong(path, "this must be true or false, and is "+describe(v), "write true or false, without quotes")
		}
	case reflect.Float32, reflect.Float64:
		switch v.(type) {
		case float64, int64:
		default:
			w.wrong(path, "this must be a number, and is "+describe(v), "write the number without quotes")
		}
	default:
		w.integer(kind, v, path)
	}
}

func (w *shapeWalk) integer(kind reflect.Kind, v any, path string) {
	n, ok := v.(int64)
	if !ok {
		w.wrong(path, "this must be a whole number, and is "+describe(v), "write the number without quotes")
		return
	}
	if kind == reflect.Int32 && (n < math.MinInt32 || n > math.MaxInt32) {
		w.wrong(path, fmt.Sprintf("%d is too large for this field", n), "write a smaller number")
	}
}

// describe says what a value is, in words. The value itself may be a secret.
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

// fieldsOf gives the JSON fields of a struct type, with their types.
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
