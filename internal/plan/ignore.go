package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/jq"
)

const (
	// mostIgnored is the number of rules that an Application may have, and longestPointer that of bytes in a pointer.
	mostIgnored    = 1000
	longestPointer = 4096
)

// ignoring are the rules of an Application for fields that do not count. An expression that has reached a limit ends
// the evaluation of all: then it is not known what counts, and nothing may be decided by it.
type ignoring struct {
	owner string
	rules []v1alpha1.IgnoreDifference
	// known are the fields that are compared by the value of their type.
	known map[schema.GroupKind][]KnownField
	err   error
}

// takeOut takes the fields that do not count out of a desired object and a live one. Both are changed.
func (i *ignoring) takeOut(desired, live *unstructured.Unstructured, want, have map[string]any) {
	for _, rules := range i.rules {
		if !applies(rules, desired) {
			continue
		}
		for _, pointer := range rules.JSONPointers {
			tokens := tokensOf(pointer)
			removePointer(want, tokens)
			removePointer(have, tokens)
		}
		for _, expression := range rules.JQPathExpressions {
			i.removeJQ(expression, want)
			i.removeJQ(expression, have)
		}
		removeManaged(live, rules.ManagedFieldsManagers, want, have)
	}
}

// matches reports whether any rule is about an object.
func (i *ignoring) matches(object *unstructured.Unstructured) bool {
	return slices.ContainsFunc(i.rules, func(rules v1alpha1.IgnoreDifference) bool { return applies(rules, object) })
}

func applies(i v1alpha1.IgnoreDifference, object *unstructured.Unstructured) bool {
	kind := object.GroupVersionKind()
	return (i.Group == "*" || i.Group == kind.Group) && (i.Kind == "*" || i.Kind == kind.Kind) &&
		(i.Name == "" || i.Name == object.GetName()) && (i.Namespace == "" || i.Namespace == object.GetNamespace())
}

func (i *ignoring) removeJQ(text string, object map[string]any) {
	if i.err != nil {
		return
	}
	expression, err := jq.Parse(i.owner, text)
	if err != nil {
		// CheckIgnore has named it.
		return
	}
	paths, err := expression.Paths(object)
	if err != nil {
		i.err = fmt.Errorf("ignoreDifferences: %w", err)
		return
	}
	jq.Remove(object, paths)
}

// tokensOf returns the steps of a JSON pointer; none when it is not one.
func tokensOf(pointer string) []string {
	if !strings.HasPrefix(pointer, "/") {
		return nil
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, token := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return tokens
}

// removePointer removes the field that a pointer leads to, if it is there, and returns what is left of the value.
func removePointer(value any, tokens []string) any {
	if len(tokens) == 0 {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		if below, there := value[tokens[0]]; there && len(tokens) > 1 {
			value[tokens[0]] = removePointer(below, tokens[1:])
		} else {
			delete(value, tokens[0])
		}
	case []any:
		at, err := strconv.Atoi(tokens[0])
		switch {
		case err != nil || at < 0 || at >= len(value):
		case len(tokens) == 1:
			return slices.Delete(slices.Clone(value), at, at+1)
		default:
			value[at] = removePointer(value[at], tokens[1:])
		}
	}
	return value
}

// CheckIgnore names the jq expressions and pointers of a spec that can't be evaluated.
func CheckIgnore(ignore []v1alpha1.IgnoreDifference) []string {
	var all []string
	count := 0
	for _, i := range ignore {
		for _, expression := range i.JQPathExpressions {
			if err := jq.Check(expression); err != nil {
				all = append(all, fmt.Sprintf("ignoreDifferences: jqPathExpressions %s: %v", shown(expression), err))
			}
		}
		for _, pointer := range i.JSONPointers {
			switch {
			case !strings.HasPrefix(pointer, "/"):
				all = append(all, fmt.Sprintf("ignoreDifferences: jsonPointers %s must begin with a slash", shown(pointer)))
			case len(pointer) > longestPointer:
				all = append(all, fmt.Sprintf("ignoreDifferences: jsonPointers %s is longer than %d bytes", shown(pointer), longestPointer))
			}
		}
		if count += len(i.JQPathExpressions) + len(i.JSONPointers) + len(i.ManagedFieldsManagers); count > mostIgnored {
			return append(all, fmt.Sprintf("ignoreDifferences: more than %d rules; name what they have in common, or leave the fields out of git", mostIgnored))
		}
	}
	return all
}

// shown quotes what people have written, as far as it fits on a line.
func shown(text string) string {
	if len(text) <= 200 {
		return strconv.Quote(text)
	}
	return strconv.Quote(strings.ToValidUTF8(text[:200], "")) + "…"
}

// removeManaged takes out the fields that trusted managers have set on the live object.
func removeManaged(live *unstructured.Unstructured, managers []string, want, have map[string]any) {
	if len(managers) == 0 {
		return
	}
	for _, entry := range live.GetManagedFields() {
		if !slices.Contains(managers, entry.Manager) || entry.FieldsV1 == nil {
			continue
		}
		set := &fieldpath.Set{}
		if err := set.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
			continue
		}
		set.Leaves().Iterate(func(p fieldpath.Path) {
			removePath(want, p)
			removePath(have, p)
		})
	}
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
