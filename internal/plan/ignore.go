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

// CheckIgnored names the rules of a spec that take nothing out, and that were meant to: those about a kind under
// another group or spelling than that of the objects, and pointers into the name of a label or an annotation.
func CheckIgnored(ignore []v1alpha1.IgnoreDifference, desired []Desired) []string {
	var all []string
	for n, i := range ignore {
		rule := fmt.Sprintf("spec.ignoreDifferences[%d]", n)
		if meant := kindMeant(i, desired); meant != "" {
			all = append(all, fmt.Sprintf("%s: no object has group %q and kind %s; %s", rule, i.Group, i.Kind, meant))
		}
		for _, pointer := range i.JSONPointers {
			if meant := pointerMeant(pointer); meant != "" {
				all = append(all, fmt.Sprintf("%s: jsonPointers %s leads below a label or annotation; write a slash in a name as ~1: %s", rule, shown(pointer), shown(meant)))
			}
		}
	}
	return all
}

// kindMeant is what to write in a rule that is about no object, where there is one of nearly that kind; "" for every
// other rule.
func kindMeant(i v1alpha1.IgnoreDifference, desired []Desired) string {
	meant := ""
	for _, d := range desired {
		kind := d.GVK()
		switch {
		case (i.Group == "*" || i.Group == kind.Group) && (i.Kind == "*" || i.Kind == kind.Kind):
			return ""
		case i.Kind == kind.Kind:
			meant = fmt.Sprintf("did you mean group %q?", kind.Group)
		case strings.EqualFold(i.Kind, kind.Kind) && meant == "":
			meant = fmt.Sprintf("did you mean kind %s of group %q?", kind.Kind, kind.Group)
		}
	}
	return meant
}

// pointerMeant is the pointer that was meant by one that goes on below the name of a label or an annotation; "" for any
// other.
func pointerMeant(pointer string) string {
	tokens := strings.Split(pointer, "/")
	for i := 2; i+2 < len(tokens); i++ {
		if tokens[i-1] == "metadata" && (tokens[i] == "labels" || tokens[i] == "annotations") {
			return strings.Join(tokens[:i+1], "/") + "/" + strings.Join(tokens[i+1:], "~1")
		}
	}
	return ""
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
		removeSet(want, set)
		removeSet(have, set)
	}
}

// removeSet removes the fields of a set from a value, and returns what is left of it. What the set has as a whole goes
// with its last field.
func removeSet(value any, set *fieldpath.Set) any {
	switch value := value.(type) {
	case map[string]any:
		for step := range set.Members.All() {
			if _, deeper := set.Children.Get(step); step.FieldName != nil && !deeper {
				delete(value, *step.FieldName)
			}
		}
		for step := range set.Children.All() {
			if below, deeper := set.Children.Get(step); step.FieldName != nil && deeper && value[*step.FieldName] != nil {
				left := removeSet(value[*step.FieldName], below)
				if value[*step.FieldName] = left; set.Members.Has(step) && isEmpty(left) {
					delete(value, *step.FieldName)
				}
			}
		}
	case []any:
		return removeElements(value, set)
	}
	return value
}

// removeElements removes from a list the values that a set has, and the fields of elements by their keys.
func removeElements(list []any, set *fieldpath.Set) []any {
	steps := slices.Concat(slices.Collect(set.Members.All()), slices.Collect(set.Children.All()))
	left := make([]any, 0, len(list))
	for _, element := range list {
		at := slices.IndexFunc(steps, func(step fieldpath.PathElement) bool { return leadsTo(step, element) })
		if at < 0 {
			left = append(left, element)
			continue
		}
		below, deeper := set.Children.Get(steps[at])
		if deeper {
			element = removeSet(element, below)
		}
		if !set.Members.Has(steps[at]) || deeper && !isEmpty(element) {
			left = append(left, element)
		}
	}
	return left
}

// leadsTo reports whether a step into a list leads to an element: by the keys that it has, or as the value itself.
func leadsTo(step fieldpath.PathElement, element any) bool {
	switch {
	case step.Key != nil:
		return hasKeys(element, step)
	case step.Value != nil:
		return sameValue(element, (*step.Value).Unstructured())
	}
	return false
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
