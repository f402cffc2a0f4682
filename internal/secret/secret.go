// Package secret keeps the values of Secrets out of everything that people, logs and statuses get to see: [Masker]
// shows a Secret without them, and [Redact] takes them out of a text such as an error of the API server. What opens a
// repository and was written into its URL is kept out as well, by [WithoutCredentials].
package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Hidden stands where a value was.
const Hidden = "***"

// shown are the fields of a Secret that hold no values.
var shown = map[string]bool{"apiVersion": true, "kind": true, "metadata": true, "type": true, "immutable": true, "status": true}

// Is reports whether an object is a Secret, or one that was misspelt.
func Is(object *unstructured.Unstructured) bool {
	if object == nil || !strings.EqualFold(object.GetKind(), "Secret") {
		return false
	}
	group := object.GroupVersionKind().Group
	return group == corev1.GroupName || group == "core"
}

// Holds reports whether a field of a Secret holds values: data, stringData, and whatever a Secret doesn't have. Path is
// the way to it, such as data.password.
func Holds(path string) bool {
	name, _, _ := strings.Cut(path, ".")
	name, _, _ = strings.Cut(name, "[")
	return !shown[name]
}

// isValue reports whether what stands in a field of a Secret is to be hidden: also where it is of a type that the field
// can't have.
func isValue(field string, value any) bool {
	switch field {
	case "immutable":
		_, fits := value.(bool)
		return !fits
	case "type":
		_, fits := value.(string)
		return !fits
	}
	return !shown[field]
}

// Masker shows Secrets without their values.
type Masker struct {
	// Annotations are the names of annotations of Secrets whose values are masked as well.
	Annotations []string
	// Fingerprint distinguishes values without showing anything of them; nil when all are to look the same.
	Fingerprint func(value []byte) string
}

// Mask returns an object that may be shown: of a Secret a copy without values, which no API server takes, so that it is
// never applied; of one that names repositories a copy whose URLs have no credentials; any other object as it is.
// Values of data and stringData are shown alike.
func (m Masker) Mask(object *unstructured.Unstructured) *unstructured.Unstructured {
	switch {
	case namesRepositories(object):
		return withoutCredentials(object)
	case !Is(object):
		return object
	}
	masked, values := object.DeepCopy(), map[string]any{}
	for field, value := range masked.Object {
		below, isMap := value.(map[string]any)
		switch {
		case value == nil || !isValue(field, value):
		case isMap && (field == "data" || field == "stringData"):
			for key, v := range below {
				values[key] = m.hide(v, field == "data")
			}
			delete(masked.Object, field)
		default:
			// A malformed Secret is shown malformed.
			values[field] = m.hide(value, false)
			delete(masked.Object, field)
		}
	}
	if len(values) > 0 {
		masked.Object["data"] = values
	}
	m.maskAnnotations(masked, valuesOf(object))
	return masked
}

// maskAnnotations masks them as they are written, which need not be text: git may have anything there.
func (m Masker) maskAnnotations(masked *unstructured.Unstructured, values []string) {
	written, found, err := unstructured.NestedFieldNoCopy(masked.Object, "metadata", "annotations")
	annotations, isMapping := written.(map[string]any)
	switch {
	case err != nil || !found:
		return
	case !isMapping:
		_ = unstructured.SetNestedField(masked.Object, Hidden, "metadata", "annotations")
		return
	}
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	for name, value := range annotations {
		text, isText := value.(string)
		if isText && !slices.Contains(m.Annotations, name) {
			annotations[name] = redact(text, values)
			continue
		}
		annotations[name] = m.hide(value, false)
	}
	if len(annotations) == 0 {
		unstructured.RemoveNestedField(masked.Object, "metadata", "annotations")
	}
}

// hide returns what stands for a value; the same for a value in data and in stringData.
func (m Masker) hide(value any, encoded bool) string {
	if m.Fingerprint == nil {
		return Hidden
	}
	plain := []byte(fmt.Sprint(value))
	if text, ok := value.(string); ok && encoded {
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			plain = decoded
		}
	}
	return "hidden, " + m.Fingerprint(plain)
}

// valuesOf returns all values of Secrets, as they are written and decoded.
func valuesOf(objects ...*unstructured.Unstructured) []string {
	var all []string
	for _, object := range objects {
		if !Is(object) {
			continue
		}
		for field, value := range object.Object {
			if isValue(field, value) {
				all = appendLeaves(all, value)
			}
		}
	}
	return all
}

// appendLeaves appends the texts of all values below one.
func appendLeaves(all []string, value any) []string {
	switch value := value.(type) {
	case nil:
		return all
	case map[string]any:
		for _, below := range value {
			all = appendLeaves(all, below)
		}
		return all
	case []any:
		for _, below := range value {
			all = appendLeaves(all, below)
		}
		return all
	case string:
		all = append(all, value)
		if decoded, err := base64.StdEncoding.DecodeString(value); err == nil {
			all = append(all, string(decoded))
		}
		return all
	}
	if text, err := json.Marshal(value); err == nil {
		all = append(all, string(text))
	}
	return append(all, fmt.Sprint(value), fmt.Sprintf("%f", value), fmt.Sprintf("%e", value))
}
