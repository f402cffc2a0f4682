package apply

import (
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// withoutLeaving returns a copy of an object without the fields that go with the next apply: those that were applied
// before, by Cyan or by who applied the same manifests before, that nobody else has set, and that git does not have.
// Any reports whether there were such fields.
func withoutLeaving(object, live, desired *unstructured.Unstructured, applied func(metav1.ManagedFieldsEntry) bool) (after *unstructured.Unstructured, any bool) {
	own, others := &fieldpath.Set{}, &fieldpath.Set{}
	for _, entry := range live.GetManagedFields() {
		set := &fieldpath.Set{}
		if entry.FieldsV1 == nil || set.FromJSON(entry.FieldsV1.GetRawReader()) != nil {
			continue
		}
		if applied(entry) {
			own = own.Union(set)
		} else {
			others = others.Union(set)
		}
	}
	after = object.DeepCopy()
	own.Leaves().Iterate(func(path fieldpath.Path) {
		for n := 1; n <= len(path); n++ {
			prefix := path[:n]
			if isThere(desired.Object, prefix) {
				continue
			}
			if isServers(prefix) {
				return
			}
			if n == len(path) || !ownsBelow(others, prefix) {
				if !others.Has(prefix) && !ownsBelow(others, prefix) && isThere(after.Object, prefix) {
					removeField(after.Object, prefix)
					any = true
				}
				return
			}
		}
	})
	return after, any
}

// isServers reports whether a field is kept by the server, or by nobody.
func isServers(path fieldpath.Path) bool {
	first := path[0].FieldName
	if first == nil {
		return true
	}
	switch *first {
	case "apiVersion", "kind", "status":
		return true
	case "metadata":
		return len(path) < 2 || path[1].FieldName == nil || !slices.Contains([]string{"labels", "annotations", "finalizers", "ownerReferences"}, *path[1].FieldName) || len(path) == 2
	}
	return false
}

func ownsBelow(set *fieldpath.Set, path fieldpath.Path) bool {
	for _, step := range path {
		if set = set.WithPrefix(step); set.Empty() {
			return false
		}
	}
	return true
}

// isThere reports whether an object has the field.
func isThere(object any, path fieldpath.Path) bool {
	for _, step := range path {
		switch {
		case step.FieldName != nil:
			fields, ok := object.(map[string]any)
			below, there := fields[*step.FieldName]
			if !ok || !there {
				return false
			}
			object = below
		default:
			i := indexOf(object, step)
			if i < 0 {
				return false
			}
			object = object.([]any)[i]
		}
	}
	return true
}

// indexOf returns the place of the element of a list that a step means; -1 when there is none.
func indexOf(list any, step fieldpath.PathElement) int {
	items, _ := list.([]any)
	return slices.IndexFunc(items, func(item any) bool {
		switch {
		case step.Value != nil:
			return value.Equals(value.NewValueInterface(item), *step.Value)
		case step.Key == nil:
			return false
		}
		fields, ok := item.(map[string]any)
		return ok && !slices.ContainsFunc(*step.Key, func(key value.Field) bool {
			have, there := fields[key.Name]
			// A key that is not given has its default, such as the protocol of a port.
			return there && !value.Equals(value.NewValueInterface(have), key.Value)
		})
	})
}

// removeField takes a field out of an object, which has it.
func removeField(object any, path fieldpath.Path) any {
	step := path[0]
	if step.FieldName != nil {
		fields, ok := object.(map[string]any)
		if !ok {
			return object
		}
		if len(path) == 1 {
			delete(fields, *step.FieldName)
		} else {
			fields[*step.FieldName] = removeField(fields[*step.FieldName], path[1:])
		}
		return fields
	}
	items, _ := object.([]any)
	i := indexOf(object, step)
	switch {
	case i < 0:
		return object
	case len(path) == 1:
		return slices.Delete(slices.Clone(items), i, i+1)
	}
	items[i] = removeField(items[i], path[1:])
	return items
}

// ownEntry reports whether managed fields are Cyan's own, of an apply or an update.
func ownEntry(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == v1alpha1.FieldManager && entry.Subresource == ""
}

// repeats reports whether an apply is refused because a list repeats what tells its elements apart, which the API
// server takes of an update alone.
func repeats(err error) bool {
	return strings.Contains(err.Error(), "duplicate entries for key")
}

// isUndeclared reports whether an apply is refused for a field that the schema does not have.
func isUndeclared(err error) bool {
	return strings.Contains(err.Error(), "field not declared in schema")
}

// isStale reports whether an apply fails for what was applied in a version that does not fit any more.
func isStale(err error) bool {
	text := err.Error()
	for _, mark := range []string{"failed to convert merged object to last applied version", "failed to convert new object to proper version", "request to convert CR to an invalid group/version"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

var index = regexp.MustCompile(`\[[^\]]*\]`)

// crowded returns the lists, without the places in them, in which the elements of git and of others stand in each
// other's way.
func crowded(err error) map[string]bool {
	status, ok := err.(apierrors.APIStatus)
	if !ok || !apierrors.IsInvalid(err) || status.Status().Details == nil {
		return nil
	}
	lists := map[string]bool{}
	for _, cause := range status.Status().Details.Causes {
		last := strings.LastIndex(cause.Field, "[")
		if cause.Type != metav1.CauseTypeFieldValueDuplicate || last < 0 {
			continue
		}
		lists[index.ReplaceAllString(cause.Field[:last], "[]")] = true
	}
	return lists
}

// overlay returns what an object becomes by an update: live's fields where git has none. Elements of lists that have
// names stay when git does not have them, but for the lists that are git's alone.
func overlay(live, git any, path string, gitsAlone map[string]bool) any {
	switch git := git.(type) {
	case map[string]any:
		have, ok := live.(map[string]any)
		if !ok {
			return git
		}
		merged := make(map[string]any, len(have))
		for key, below := range have {
			merged[key] = below
		}
		for key, below := range git {
			merged[key] = overlay(have[key], below, strings.TrimPrefix(path+"."+key, "."), gitsAlone)
		}
		return merged
	case []any:
		have, ok := live.([]any)
		if !ok || !plan.AreNamed(git) || !plan.AreNamed(have) {
			return git
		}
		return overlayList(have, git, path, gitsAlone)
	}
	return git
}

func overlayList(have, git []any, path string, gitsAlone map[string]bool) []any {
	merged := make([]any, 0, len(git))
	for _, element := range git {
		i := slices.IndexFunc(have, func(h any) bool { return plan.NameOf(h) == plan.NameOf(element) })
		if i < 0 {
			merged = append(merged, element)
			continue
		}
		merged = append(merged, overlay(have[i], element, path+"[]", gitsAlone))
	}
	if gitsAlone[path] {
		return merged
	}
	for _, element := range have {
		if !slices.ContainsFunc(git, func(g any) bool { return plan.NameOf(g) == plan.NameOf(element) }) {
			merged = append(merged, element)
		}
	}
	return merged
}
