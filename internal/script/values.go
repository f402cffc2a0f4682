package script

import (
	"errors"
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"
)

const (
	// deepest bounds how deep an object is looked into.
	deepest = 100
	// maxReturned bounds the bytes of all strings in what one run returns.
	maxReturned = 4 << 20
	// exact is the largest number up to which all whole numbers are Lua's.
	exact = 1 << 53
)

// values are the values of one run, on their way into Lua and out of it.
type values struct {
	l      *lua.LState
	budget *budget
	// lists are the tables that were lists in the object: an empty table does not tell.
	lists    map[*lua.LTable]bool
	returned int
}

func newValues() *values {
	b := &budget{instructions: maxInstructions, bytes: maxMade, spent: make(chan struct{})}
	return &values{l: newState(b), budget: b, lists: map[*lua.LTable]bool{}}
}

// toLua returns a value of an object as Lua has it.
func (v *values) toLua(value any, depth int) lua.LValue {
	if depth > deepest {
		return lua.LNil
	}
	switch of := value.(type) {
	case map[string]any:
		table := v.l.CreateTable(0, len(of))
		for name, field := range of {
			table.RawSetString(name, v.toLua(field, depth+1))
		}
		return table
	case []any:
		table := v.l.CreateTable(len(of), 0)
		v.lists[table] = true
		for _, element := range of {
			table.Append(v.toLua(element, depth+1))
		}
		return table
	case string:
		return lua.LString(of)
	case bool:
		return lua.LBool(of)
	case int64:
		return lua.LNumber(of)
	case float64:
		return lua.LNumber(of)
	}
	return lua.LNil
}

// fromLua returns a value of Lua as objects have it. Each costs as much as an instruction: a table may be in many
// places, and in itself.
func (v *values) fromLua(value lua.LValue, depth int) (any, error) {
	if v.budget.charge(1); v.budget.cause != "" {
		return nil, errors.New(v.budget.cause)
	}
	if depth > deepest {
		return nil, errors.New("returned values that are nested too deeply")
	}
	switch of := value.(type) {
	case lua.LBool:
		return bool(of), nil
	case lua.LString:
		if v.returned += len(of); v.returned > maxReturned {
			return nil, fmt.Errorf("returned more than %d MiB of text", maxReturned>>20)
		}
		return string(of), nil
	case lua.LNumber:
		return number(float64(of))
	case *lua.LTable:
		return v.fromTable(of, depth)
	}
	return nil, fmt.Errorf("returned a %s in an object", value.Type())
}

// number returns a whole number where it is one.
func number(n float64) (any, error) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, errors.New("returned an invalid number")
	}
	if n == math.Trunc(n) && math.Abs(n) <= exact {
		return int64(n), nil
	}
	return n, nil
}

// fromTable returns a list or a mapping. A table without anything is a list where it was one.
func (v *values) fromTable(table *lua.LTable, depth int) (any, error) {
	fields, elements := map[string]any{}, map[int]any{}
	var err error
	table.ForEach(func(key, value lua.LValue) {
		if err != nil {
			return
		}
		var is any
		if is, err = v.fromLua(value, depth+1); err != nil {
			return
		}
		switch k := key.(type) {
		case lua.LString:
			if v.returned += len(k); v.returned > maxReturned {
				err = fmt.Errorf("returned more than %d MiB of text", maxReturned>>20)
			}
			fields[string(k)] = is
		case lua.LNumber:
			elements[int(k)] = is
		default:
			err = fmt.Errorf("returned a table with a %s as a key", key.Type())
		}
	})
	switch {
	case err != nil:
		return nil, err
	case len(elements) == 0 && (len(fields) > 0 || !v.lists[table]):
		return fields, nil
	case len(fields) > 0:
		return nil, errors.New("returned a table that is a list and has names")
	}
	list := make([]any, len(elements))
	for i := range list {
		element, there := elements[i+1]
		if !there {
			return nil, errors.New("returned a list with a gap")
		}
		list[i] = element
	}
	return list, nil
}
