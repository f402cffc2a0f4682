package skaffold

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// keysOf returns the keys of a JSON pointer (RFC 6901).
func keysOf(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, errors.New("does not begin with /")
	}
	keys := strings.Split(rest, "/")
	for i := range keys {
		keys[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(keys[i])
	}
	return keys, nil
}

// change is what an operation makes of what is at a place: a mapping's field, or a list's element. There is nil for
// what is not there, and nil takes it out.
type change func(there *node) (*node, error)

// changed returns a tree with a change at the end of a path. What the path leads through has to be there. With insert,
// a change of a list's element adds one before it.
func changed(n *node, keys []string, insert bool, c change) (*node, error) {
	if len(keys) == 0 {
		return c(n)
	}
	switch {
	case n == nil:
		return nil, fmt.Errorf("%s not found", keys[0])
	case n.shape == mapping:
		return changedField(n, keys, insert, c)
	case n.shape == list:
		return changedElement(n, keys, insert, c)
	}
	return nil, fmt.Errorf("%s not found in one value", keys[0])
}

func changedField(n *node, keys []string, insert bool, c change) (*node, error) {
	there := n.lookup(keys[0])
	if there == nil && len(keys) > 1 {
		return nil, fmt.Errorf("%s not found", keys[0])
	}
	value, err := changed(there, keys[1:], insert, c)
	if err != nil {
		return nil, err
	}
	at := n.at
	if value != nil {
		at = value.at
	}
	return n.with(keys[0], at, value), nil
}

func changedElement(n *node, keys []string, insert bool, c change) (*node, error) {
	last := len(keys) == 1
	i, err := strconv.Atoi(keys[0])
	if keys[0] == "-" && last && insert {
		i, err = len(n.items), nil
	}
	adding := last && insert
	if err != nil || i < 0 || i > len(n.items) || i == len(n.items) && !adding {
		return nil, fmt.Errorf("element %s not found among %d", keys[0], len(n.items))
	}
	made := &node{shape: list, at: n.at, items: slices.Clone(n.items)}
	if adding {
		value, err := c(nil)
		if err != nil {
			return nil, err
		}
		made.items = slices.Insert(made.items, i, value)
		return made, nil
	}
	value, err := changed(n.items[i], keys[1:], insert, c)
	switch {
	case err != nil:
		return nil, err
	case value == nil:
		made.items = slices.Delete(made.items, i, i+1)
	default:
		made.items[i] = value
	}
	return made, nil
}

// found returns what is at the end of a path.
func found(n *node, keys []string) (*node, error) {
	var there *node
	_, err := changed(n, keys, false, func(at *node) (*node, error) {
		there = at
		if at == nil {
			return nil, fmt.Errorf("%s not found", keys[len(keys)-1])
		}
		return at, nil
	})
	return there, err
}

// operation is one of a JSON patch (RFC 6902).
type operation struct {
	op, path, from string
	value          *node
}

// apply returns a tree with the operation carried out.
func (o operation) apply(n *node) (*node, error) {
	keys, err := keysOf(o.path)
	if err != nil || len(keys) == 0 {
		return nil, errors.Join(err, errorIf(len(keys) == 0 && err == nil, "names the whole file"))
	}
	switch o.op {
	case "", "replace":
		return changed(n, keys, false, o.over(keys, true))
	case "add":
		return changed(n, keys, true, o.over(keys, false))
	case "remove":
		return changed(n, keys, false, func(there *node) (*node, error) {
			return nil, errorIf(there == nil, keys[len(keys)-1]+" not found")
		})
	case "test":
		there, err := found(n, keys)
		if err == nil && !same(there, o.value) {
			err = errors.New("has another value than the one that is tested for")
		}
		return n, err
	case "copy", "move":
		return o.transfer(n, keys)
	}
	return nil, fmt.Errorf("op %q unknown", o.op)
}

// over puts the value in the place of what is there.
func (o operation) over(keys []string, replace bool) change {
	return func(there *node) (*node, error) {
		if replace && there == nil {
			return nil, fmt.Errorf("%s not found, so there is nothing to replace", keys[len(keys)-1])
		}
		if o.value == nil {
			return nil, errors.New("has no value")
		}
		return o.value, nil
	}
}

func (o operation) transfer(n *node, keys []string) (*node, error) {
	from, err := keysOf(o.from)
	if err != nil || len(from) == 0 {
		return nil, errors.New("has no from that begins with /")
	}
	value, err := found(n, from)
	if err != nil {
		return nil, err
	}
	if o.op == "move" {
		if n, err = changed(n, from, false, func(*node) (*node, error) { return nil, nil }); err != nil {
			return nil, err
		}
	}
	return changed(n, keys, true, func(*node) (*node, error) { return value, nil })
}

func errorIf(is bool, text string) error {
	if is {
		return errors.New(text)
	}
	return nil
}

// same reports whether two values are, wherever they stand.
func same(a, b *node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.shape != b.shape || a.text != b.text || len(a.fields) != len(b.fields) {
		return false
	}
	for _, f := range a.fields {
		if !same(f.value, b.lookup(f.name)) {
			return false
		}
	}
	return slices.EqualFunc(a.items, b.items, same)
}
