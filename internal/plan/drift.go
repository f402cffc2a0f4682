package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/itchyny/gojq"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Difference is one field that is not as git has it.
type Difference struct {
	// Path is the way to the field: spec.template.spec.containers[0].image.
	Path string
	// Want is the value after a sync, Have the one in the cluster; nil for a field that is not there.
	Want, Have any
}

// String is the difference on one line. Values of Secrets must not be given to it: see [Masked].
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s → %s", d.Path, brief(d.Have), brief(d.Want))
}

func brief(value any) string {
	if value == nil {
		return "none"
	}
	data, err := json.Marshal(value)
	if err != nil || len(data) > 80 {
		return fmt.Sprintf("%.80s…", data)
	}
	return string(data)
}

// serverOwned are fields that the API server keeps; they say nothing about what was wanted.
var serverOwned = [][]string{
	{"metadata", "managedFields"}, {"metadata", "resourceVersion"}, {"metadata", "generation"}, {"metadata", "creationTimestamp"}, {"metadata", "uid"},
	{"metadata", "selfLink"}, {"metadata", "deletionTimestamp"}, {"metadata", "deletionGracePeriodSeconds"}, {"metadata", "ownerReferences"}, {"status"},
	{"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"},
	{"metadata", "annotations", "deployment.kubernetes.io/revision"},
}

// Drift is how a live object differs from what a sync would make of it. With a prediction by the API server, defaults
// and mutations are no drift, since they are in both; without one, only the fields that git names are compared.
func Drift(desired *unstructured.Unstructured, live Live, ignore []v1alpha1.IgnoreDifference) []Difference {
	have := comparable(live.Object)
	rules := rulesFor(desired, ignore)
	rules = append(rules, managedFieldsRules(live.Object, desired, ignore)...)
	if live.Predicted != nil {
		want := comparable(live.Predicted)
		for _, r := range rules {
			r(want, have)
		}
		return differences(want, have, "", everyField)
	}
	want := comparable(desired)
	for _, r := range rules {
		r(want, have)
	}
	return differences(want, have, "", onlyWanted)
}

// comparable is an object without the fields that are the server's.
func comparable(object *unstructured.Unstructured) map[string]any {
	plain := object.DeepCopy().Object
	for _, path := range serverOwned {
		unstructured.RemoveNestedField(plain, path...)
	}
	if metadata, ok := plain["metadata"].(map[string]any); ok {
		for _, field := range []string{"annotations", "labels"} {
			if m, ok := metadata[field].(map[string]any); ok && len(m) == 0 {
				delete(metadata, field)
			}
		}
	}
	return plain
}

// extent is which fields of the live object are compared.
type extent int

const (
	everyField extent = iota
	onlyWanted
)

func differences(want, have any, path string, fields extent) []Difference {
	switch w := want.(type) {
	case map[string]any:
		if h, ok := have.(map[string]any); ok {
			return mapDifferences(w, h, path, fields)
		}
	case []any:
		if h, ok := have.([]any); ok && len(h) == len(w) {
			var all []Difference
			for i := range w {
				all = append(all, differences(w[i], h[i], fmt.Sprintf("%s[%d]", path, i), fields)...)
			}
			return all
		}
	}
	if sameValue(want, have) {
		return nil
	}
	return []Difference{{Path: path, Want: want, Have: have}}
}

func mapDifferences(want, have map[string]any, path string, fields extent) []Difference {
	keys := make([]string, 0, len(want)+len(have))
	for key := range want {
		keys = append(keys, key)
	}
	for key := range have {
		if _, both := want[key]; !both && fields == everyField {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var all []Difference
	for _, key := range keys {
		below := key
		if strings.ContainsAny(key, "./") {
			below = fmt.Sprintf("[%q]", key)
		} else if path != "" {
			below = "." + key
		}
		all = append(all, differences(want[key], have[key], path+below, fields)...)
	}
	return all
}

// sameValue compares numbers by value, and takes an empty list or map for none.
func sameValue(a, b any) bool {
	if isEmpty(a) && isEmpty(b) {
		return true
	}
	x, okA := number(a)
	y, okB := number(b)
	return (okA && okB && x == y) || reflect.DeepEqual(a, b)
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// rule takes what does not count out of both objects.
type rule func(want, have map[string]any)

func rulesFor(object *unstructured.Unstructured, ignore []v1alpha1.IgnoreDifference) []rule {
	var rules []rule
	for _, i := range ignore {
		if !applies(i, object) {
			continue
		}
		for _, pointer := range i.JSONPointers {
			rules = append(rules, removePointer(pointer))
		}
		for _, expression := range i.JQPathExpressions {
			if r := removeJQ(expression); r != nil {
				rules = append(rules, r)
			}
		}
	}
	return rules
}

func applies(i v1alpha1.IgnoreDifference, object *unstructured.Unstructured) bool {
	kind := object.GroupVersionKind()
	return (i.Group == "*" || i.Group == kind.Group) && (i.Kind == "*" || i.Kind == kind.Kind) &&
		(i.Name == "" || i.Name == object.GetName()) && (i.Namespace == "" || i.Namespace == object.GetNamespace())
}

func removePointer(pointer string) rule {
	patch, err := json.Marshal([]map[string]string{{"op": "remove", "path": pointer}})
	if err != nil {
		return func(_, _ map[string]any) {}
	}
	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return func(_, _ map[string]any) {}
	}
	remove := func(object map[string]any) {
		data, err := json.Marshal(object)
		if err != nil {
			return
		}
		after, err := decoded.Apply(data)
		if err != nil {
			// The field is not there.
			return
		}
		replaceWith(object, after)
	}
	return func(want, have map[string]any) { remove(want); remove(have) }
}

func removeJQ(expression string) rule {
	query, err := gojq.Parse("del(" + expression + ")")
	if err != nil {
		return nil
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil
	}
	remove := func(object map[string]any) {
		data, err := json.Marshal(object)
		if err != nil {
			return
		}
		var plain any
		if err := json.Unmarshal(data, &plain); err != nil {
			return
		}
		if after, ok := code.Run(plain).Next(); ok {
			if m, isMap := after.(map[string]any); isMap {
				data, err := json.Marshal(m)
				if err == nil {
					replaceWith(object, data)
				}
			}
		}
	}
	return func(want, have map[string]any) { remove(want); remove(have) }
}

// replaceWith puts the contents of a JSON object into a map.
func replaceWith(object map[string]any, data []byte) {
	after := map[string]any{}
	if err := json.Unmarshal(data, &after); err != nil {
		return
	}
	clear(object)
	for key, value := range after {
		object[key] = value
	}
}

// CheckIgnore names the jq expressions and pointers of a spec that can't be read.
func CheckIgnore(ignore []v1alpha1.IgnoreDifference) []string {
	var all []string
	for _, i := range ignore {
		for _, expression := range i.JQPathExpressions {
			if query, err := gojq.Parse("del(" + expression + ")"); err != nil {
				all = append(all, fmt.Sprintf("ignoreDifferences: jqPathExpressions %q: %v", expression, err))
			} else if _, err := gojq.Compile(query); err != nil {
				all = append(all, fmt.Sprintf("ignoreDifferences: jqPathExpressions %q: %v", expression, err))
			}
		}
		for _, pointer := range i.JSONPointers {
			if !strings.HasPrefix(pointer, "/") {
				all = append(all, fmt.Sprintf("ignoreDifferences: jsonPointers %q must begin with a slash", pointer))
			}
		}
	}
	return all
}

// managedFieldsRules leave out the fields that a trusted manager has set on the live object.
func managedFieldsRules(live, desired *unstructured.Unstructured, ignore []v1alpha1.IgnoreDifference) []rule {
	var rules []rule
	for _, i := range ignore {
		if !applies(i, desired) {
			continue
		}
		for _, entry := range live.GetManagedFields() {
			if !slices.Contains(i.ManagedFieldsManagers, entry.Manager) || entry.FieldsV1 == nil {
				continue
			}
			set := &fieldpath.Set{}
			if err := set.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
				continue
			}
			rules = append(rules, func(want, have map[string]any) {
				set.Leaves().Iterate(func(p fieldpath.Path) {
					removePath(want, p)
					removePath(have, p)
				})
			})
		}
	}
	return rules
}

// removePath removes a field by its structured path; a step into a list goes to the element with the same keys.
func removePath(value any, path fieldpath.Path) {
	for i, step := range path {
		last := i == len(path)-1
		switch {
		case step.FieldName != nil:
			m, ok := value.(map[string]any)
			if !ok {
				return
			}
			if last {
				delete(m, *step.FieldName)
				return
			}
			value = m[*step.FieldName]
		case step.Key != nil:
			value = elementWith(value, step)
		default:
			return
		}
	}
}

// elementWith returns the element of a list that has the keys of a step; nil when there is none.
func elementWith(list any, step fieldpath.PathElement) any {
	items, _ := list.([]any)
	for _, item := range items {
		if hasKeys(item, step) {
			return item
		}
	}
	return nil
}

func hasKeys(item any, step fieldpath.PathElement) bool {
	m, ok := item.(map[string]any)
	if !ok {
		return false
	}
	for _, key := range *step.Key {
		if !sameValue(m[key.Name], key.Value.Unstructured()) {
			return false
		}
	}
	return true
}
