package plan

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/secret"
)

// Difference is one field that is not as git has it.
type Difference struct {
	// Path is the way to the field: spec.template.spec.containers[0].image.
	Path string
	// Want is the value after a sync, Have the one in the cluster; nil for a field that is not there.
	Want, Have any
}

// String is the difference on one line. Differences of Secrets have no values.
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
// and mutations are no drift, since they are in both; without one, only the fields that git names are compared. An
// error means that it is not known which fields count.
func Drift(desired *unstructured.Unstructured, live Live, ignore []v1alpha1.IgnoreDifference) ([]Difference, error) {
	rules := &ignoring{rules: ignore}
	return drift(desired, live, rules), rules.err
}

func drift(desired *unstructured.Unstructured, live Live, ignore *ignoring) []Difference {
	have, git, fields := comparable(live.Object), desired, onlyWanted
	if live.Predicted != nil {
		git, fields = live.Predicted, everyField
	}
	want := comparable(git)
	if fields == everyField && ignore.matches(desired) {
		fields = everyFieldLeft
	}
	ignore.takeOut(desired, live.Object, want, have)
	for _, object := range []map[string]any{want, have} {
		canonical(object, ignore.known[desired.GroupVersionKind().GroupKind()])
	}
	all := differences(want, have, "", fields)
	if secret.Is(desired) {
		hideValues(all)
	}
	return all
}

// hideValues leaves of the differences of a Secret which fields they are in.
func hideValues(all []Difference) {
	for i := range all {
		d := &all[i]
		for _, value := range []*any{&d.Want, &d.Have} {
			if *value != nil && secret.Holds(d.Path) {
				*value = secret.Hidden
			}
		}
	}
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

// extent is which fields of the live object are compared, and what an empty map counts for.
type extent int

const (
	// everyField compares with what the API server foresees, which writes an empty map where there is one: the selector
	// that selects everything is another than none.
	everyField extent = iota
	// everyFieldLeft compares what rules have left: what they have emptied is none.
	everyFieldLeft
	// onlyWanted compares git's fields alone: what it has empty, the API server may leave out.
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
	if isSame(want, have, fields) {
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
		if _, both := want[key]; !both && fields != onlyWanted {
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

// sameValue compares numbers by value, exactly, and takes an empty list or map for none.
func sameValue(a, b any) bool {
	if isEmpty(a) && isEmpty(b) {
		return true
	}
	switch x := a.(type) {
	case int64:
		if y, ok := b.(float64); ok {
			return sameNumber(x, y)
		}
	case float64:
		if y, ok := b.(int64); ok {
			return sameNumber(y, x)
		}
	}
	return reflect.DeepEqual(a, b)
}

// sameNumber compares a whole number with one that has been through a float, which is exact up to 2⁵³.
func sameNumber(whole int64, other float64) bool {
	exact, accuracy := new(big.Float).SetFloat64(other).Int64()
	return accuracy == big.Exact && exact == whole
}

// isSame compares values of which one at most is a map with fields, or both are.
func isSame(want, have any, fields extent) bool {
	switch fields {
	case everyField:
		return sameValue(want, have) && isMap(want) == isMap(have)
	case everyFieldLeft:
		return sameValue(want, have) || isBare(want) && isBare(have)
	}
	return sameValue(want, have)
}

func isMap(v any) bool {
	_, is := v.(map[string]any)
	return is
}

// isBare reports whether a value holds nothing but empty maps and lists, as where rules have taken out all that it had.
func isBare(v any) bool {
	m, is := v.(map[string]any)
	if !is {
		return isEmpty(v)
	}
	for _, below := range m {
		if !isBare(below) {
			return false
		}
	}
	return true
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
