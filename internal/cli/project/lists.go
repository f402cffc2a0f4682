package project

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// elements returns a list of a spec.
func elements(spec map[string]any, path ...string) []any {
	for _, name := range path[:len(path)-1] {
		spec, _ = spec[name].(map[string]any)
	}
	list, _ := spec[path[len(path)-1]].([]any)
	return list
}

// set writes a list of a spec; an empty one goes away.
func set(spec map[string]any, list []any, path ...string) {
	for _, name := range path[:len(path)-1] {
		below, ok := spec[name].(map[string]any)
		if !ok {
			below = map[string]any{}
			spec[name] = below
		}
		spec = below
	}
	if name := path[len(path)-1]; len(list) > 0 {
		spec[name] = list
	} else {
		delete(spec, name)
	}
}

// add appends an element to a list, unless it is there.
func add(element any, path ...string) edit {
	return func(spec map[string]any) error {
		list := elements(spec, path...)
		if !slices.ContainsFunc(list, func(e any) bool { return reflect.DeepEqual(e, element) }) {
			set(spec, append(slices.Clone(list), element), path...)
		}
		return nil
	}
}

// remove takes the elements that match out of a list. That there is none is an error, which names what there is.
func remove(what string, match func(element any) bool, path ...string) edit {
	return func(spec map[string]any) error {
		list := elements(spec, path...)
		left := slices.DeleteFunc(slices.Clone(list), match)
		if len(left) == len(list) {
			return absent(path, what, list)
		}
		set(spec, left, path...)
		return nil
	}
}

// discard is remove where it does not matter whether there is one.
func discard(match func(element any) bool, path ...string) edit {
	return func(spec map[string]any) error {
		if list := elements(spec, path...); len(list) > 0 {
			set(spec, slices.DeleteFunc(slices.Clone(list), match), path...)
		}
		return nil
	}
}

// both makes one edit after the other.
func both(edits ...edit) edit {
	return func(spec map[string]any) error {
		for _, do := range edits {
			if err := do(spec); err != nil {
				return err
			}
		}
		return nil
	}
}

func absent(path []string, what string, there []any) error {
	e := &problem.Error{Kind: problem.Absent, Field: "spec." + strings.Join(path, "."), Cause: what + " not found"}
	var names []string
	for _, element := range there {
		names = append(names, inWords(element))
	}
	if len(names) > 0 {
		e.Remedy = "there are: " + kit.Choices(names)
	}
	return e
}

// inWords is an element of a list on one line.
func inWords(element any) string {
	fields, ok := element.(map[string]any)
	if !ok {
		return fmt.Sprint(element)
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		words = append(words, fmt.Sprintf("%s=%v", name, fields[name]))
	}
	return strings.Join(words, " ")
}

// has matches elements with these values in these fields; a field that is missing is the empty text.
func has(values map[string]string) func(any) bool {
	return func(element any) bool {
		fields, ok := element.(map[string]any)
		if !ok {
			return false
		}
		for name, value := range values {
			if got, _ := fields[name].(string); got != value {
				return false
			}
		}
		return true
	}
}

// is matches a text.
func is(text string) func(any) bool { return func(element any) bool { return element == text } }

// fieldsOf makes an element of texts, without those that are empty and may be.
func fieldsOf(values map[string]string, optional ...string) map[string]any {
	element := map[string]any{}
	for name, value := range values {
		if value != "" || !slices.Contains(optional, name) {
			element[name] = value
		}
	}
	return element
}

// texts makes a list of texts.
func texts(values []string) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return list
}
