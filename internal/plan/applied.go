package plan

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// IsApplied reports whether a server-side apply of desired by a field manager is known to change nothing of live: the
// manager owns the fields that desired has and no others, and they have desired's values. It errs on the side of no,
// where only the API server can tell: for values that are written in another way than they are stored.
func IsApplied(desired, live *unstructured.Unstructured, manager string) bool {
	if live == nil || live.GetDeletionTimestamp() != nil {
		return false
	}
	owned, ok := ownedFields(live, desired.GetAPIVersion(), manager)
	if !ok {
		return false
	}
	wanted := maps.Clone(desired.Object)
	for _, name := range []string{"apiVersion", "kind"} {
		delete(wanted, name)
	}
	if metadata, ok := wanted["metadata"].(map[string]any); ok {
		metadata = maps.Clone(metadata)
		for _, name := range []string{"name", "namespace"} {
			delete(metadata, name)
		}
		if wanted["metadata"] = metadata; len(metadata) == 0 {
			delete(wanted, "metadata")
		}
	}
	return ownsAll(owned, wanted, live.Object)
}

// ownedFields returns what a manager owns by applying an object in a version, in the form of FieldsV1. It reports false
// when that is not one set: none, or one beside what it owns by updates.
func ownedFields(live *unstructured.Unstructured, apiVersion, manager string) (map[string]any, bool) {
	var found map[string]any
	for _, entry := range live.GetManagedFields() {
		if entry.Manager != manager || entry.Subresource != "" {
			continue
		}
		if entry.Operation != metav1.ManagedFieldsOperationApply || entry.APIVersion != apiVersion || found != nil || entry.FieldsV1 == nil {
			return nil, false
		}
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &found); err != nil {
			return nil, false
		}
	}
	return found, found != nil
}

// ownsAll reports whether owned, a node of FieldsV1, has exactly the fields of a desired value, and live has their
// values.
func ownsAll(owned map[string]any, desired, live any) bool {
	switch wanted := desired.(type) {
	case map[string]any:
		is, ok := live.(map[string]any)
		return ok && len(wanted) > 0 && ownsMapping(owned, wanted, is)
	case []any:
		is, ok := live.([]any)
		return ok && len(wanted) > 0 && ownsList(owned, wanted, is)
	}
	return false
}

func ownsMapping(owned map[string]any, desired, live map[string]any) bool {
	for name, value := range desired {
		child, ok := owned["f:"+name].(map[string]any)
		now, there := live[name]
		if !ok || !there || !ownsChild(child, value, now) {
			return false
		}
	}
	return len(desired) == fieldCount(owned)
}

// ownsChild reports on one field or element: what has no fields of its own is owned as a whole.
func ownsChild(owned map[string]any, desired, live any) bool {
	if fieldCount(owned) == 0 {
		return desired != nil && reflect.DeepEqual(desired, live)
	}
	return ownsAll(owned, desired, live)
}

// fieldCount is the number of fields or elements in a node, without the node itself.
func fieldCount(owned map[string]any) int {
	n := len(owned)
	if _, self := owned["."]; self {
		n--
	}
	return n
}

// ownsList reports on a list whose elements are told apart by keys, or by their values in a set. The elements of others
// may stand between those of the manager, which have to be in order.
func ownsList(owned map[string]any, desired, live []any) bool {
	if len(desired) != fieldCount(owned) {
		return false
	}
	found := 0
	next := 0
	for element, child := range owned {
		if element == "." {
			continue
		}
		keys, ok := child.(map[string]any)
		if !ok {
			return false
		}
		at, match := theOne(desired, func(e any) bool { return mayBeNamed(e, element) })
		is, there := theOne(live, func(e any) bool { return isNamed(e, element) })
		if !match || !there || !ownsChild(keys, desired[at], live[is]) {
			return false
		}
		found++
	}
	for _, element := range live {
		if next < len(desired) && sameElement(owned, desired[next], element) {
			next++
		}
	}
	return found == len(desired) && next == len(desired)
}

// sameElement reports whether a desired and a live element have one name among the owned ones.
func sameElement(owned map[string]any, desired, live any) bool {
	for element := range owned {
		if element != "." && mayBeNamed(desired, element) && isNamed(live, element) {
			return true
		}
	}
	return false
}

// theOne returns the index of the one element that matches. It reports false when there is none, or more than one.
func theOne(list []any, matches func(any) bool) (int, bool) {
	found := -1
	for i, element := range list {
		if !matches(element) {
			continue
		}
		if found >= 0 {
			return 0, false
		}
		found = i
	}
	return found, found >= 0
}

// isNamed reports whether an element has a name such as `k:{"name":"web"}` or `v:"x"`.
func isNamed(element any, name string) bool { return keysMatch(element, name, false) }

// mayBeNamed is isNamed for an element whose keys may be left to their defaults.
func mayBeNamed(element any, name string) bool { return keysMatch(element, name, true) }

// keysMatch compares an element with a name; absent is what a key counts as that the element does not have.
func keysMatch(element any, name string, absent bool) bool {
	kind, text, _ := strings.Cut(name, ":")
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return false
	}
	if kind == "v" {
		return sameKey(element, value)
	}
	fields, isMapping := element.(map[string]any)
	keys, isKeys := value.(map[string]any)
	if kind != "k" || !isMapping || !isKeys {
		return false
	}
	for key, want := range keys {
		if is, there := fields[key]; there && !sameKey(is, want) || !there && !absent {
			return false
		}
	}
	return true
}

// sameKey compares a value of an object with one of a name, whose numbers are read as floats.
func sameKey(a, b any) bool {
	if whole, ok := a.(int64); ok {
		number, is := b.(float64)
		return is && number == float64(whole)
	}
	return a == b
}
