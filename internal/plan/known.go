package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// KnownField is the claim that a field of a custom kind has a type of Kubernetes, whose values can be written in
// several ways: 2 and 2000m are one quantity. The kind's own schema knows of neither.
type KnownField struct {
	// Path is the way to the field, its names divided by dots; lists on the way are gone through.
	Path string
	// Type is the name of the type, such as core/v1/ResourceList.
	Type string
}

// anyKey is the step of a path to every value of a mapping.
const anyKey = "*"

// valueTypes are where the known types have values that can be written in several ways, and how these are read.
var valueTypes = map[string][]valueAt{
	"core/Quantity":                 {{"", quantity}},
	"core/resource/v1/Quantity":     {{"", quantity}},
	"meta/v1/Duration":              {{"", duration}},
	"core/v1/ResourceList":          {{anyKey, quantity}},
	"core/v1/ResourceRequirements":  resources(""),
	"core/v1/Container":             resources("resources."),
	"core/v1/PodSpec":               ofPods(""),
	"core/v1/PodTemplateSpec":       ofPods("spec."),
	"core/v1/PersistentVolumeClaim": resources("spec.resources."),
}

// valueAt is the way to values below a field, and how they are read.
type valueAt struct {
	path  string
	canon func(any) any
}

func resources(at string) []valueAt {
	return []valueAt{{at + "limits." + anyKey, quantity}, {at + "requests." + anyKey, quantity}}
}

func ofPods(at string) []valueAt {
	all := []valueAt{{at + "overhead." + anyKey, quantity}, {at + "volumes.emptyDir.sizeLimit", quantity}}
	for _, containers := range []string{"containers.", "initContainers.", "ephemeralContainers."} {
		all = append(all, resources(at+containers+"resources.")...)
	}
	return all
}

// typeNamed finds a known type, however its first letter is written.
func typeNamed(name string) ([]valueAt, bool) {
	for known, values := range valueTypes {
		if strings.EqualFold(known, name) {
			return values, true
		}
	}
	return nil, false
}

// CheckKnown names the types that are not known.
func CheckKnown(fields []KnownField) []string {
	var all []string
	for _, f := range fields {
		if _, known := typeNamed(f.Type); !known {
			all = append(all, fmt.Sprintf("knownTypeFields: type %s of field %s: unknown; its values are compared as they are written", shown(f.Type), shown(f.Path)))
		}
	}
	return all
}

// canonical writes the values of known types in an object in one way. The object is changed.
func canonical(object map[string]any, fields []KnownField) {
	for _, f := range fields {
		values, _ := typeNamed(f.Type)
		for _, v := range values {
			steps := append(strings.Split(f.Path, "."), strings.Split(v.path, ".")...)
			rewrite(object, slices.DeleteFunc(steps, func(step string) bool { return step == "" }), v.canon)
		}
	}
}

// rewrite replaces the values that steps lead to, and returns what value is then.
func rewrite(value any, steps []string, by func(any) any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = rewrite(v[i], steps, by)
		}
		return v
	case map[string]any:
		if len(steps) == 0 {
			return v
		}
		for key, below := range v {
			if key == steps[0] || steps[0] == anyKey {
				v[key] = rewrite(below, steps[1:], by)
			}
		}
		return v
	}
	if len(steps) > 0 {
		return value
	}
	return by(value)
}

// longestQuantity bounds what is read as a quantity, in bytes.
const longestQuantity = 100

// quantity is a quantity as the API server writes it. What is none stays as it is.
func quantity(value any) any {
	text, ok := value.(string)
	if !ok {
		text = fmt.Sprint(value)
	}
	if len(text) > longestQuantity {
		return value
	}
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return value
	}
	return q.String()
}

// duration is a time as the API server writes it. What is none stays as it is.
func duration(value any) any {
	text, ok := value.(string)
	if !ok {
		return value
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return value
	}
	return d.String()
}
