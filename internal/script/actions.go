package script

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	// maxActions bounds the actions of a kind, and maxEffects what one of them does.
	maxActions = 200
	maxEffects = 100
	// maxName bounds the name of an action.
	maxName = 100
)

// Actions are what people may ask of the objects of a kind by name, as a customization has them.
type Actions struct {
	discovery *Script
	scripts   map[string]*Script
	// Alone is set where those that are built in are not wanted.
	Alone bool
}

// writtenActions is how a customization has them.
type writtenActions struct {
	Discovery   string `json:"discovery.lua"`
	Definitions []struct {
		Name   string `json:"name"`
		Action string `json:"action.lua"`
	} `json:"definitions"`
	MergeBuiltIn *bool `json:"mergeBuiltinActions"`
}

// CompileActions reads the actions of a kind. An error names the script that is wrong, and the line.
func CompileActions(text string) (*Actions, error) {
	var written writtenActions
	if err := yaml.UnmarshalStrict([]byte(text), &written); err != nil {
		return nil, errors.New("invalid YAML: " + cut(strings.Join(strings.Fields(err.Error()), " "), maxMessage))
	}
	switch {
	case strings.TrimSpace(written.Discovery) == "":
		return nil, errors.New("discovery.lua is missing")
	case len(written.Definitions) > maxActions:
		return nil, fmt.Errorf("%d definitions; %d are the most", len(written.Definitions), maxActions)
	}
	a := &Actions{scripts: map[string]*Script{}, Alone: written.MergeBuiltIn != nil && !*written.MergeBuiltIn}
	var err error
	if a.discovery, err = Compile(written.Discovery); err != nil {
		return nil, fmt.Errorf("discovery.lua: %w", err)
	}
	for i, d := range written.Definitions {
		switch {
		case d.Name == "" || len(d.Name) > maxName:
			return nil, fmt.Errorf("definitions[%d]: name is missing or too long", i)
		case a.scripts[d.Name] != nil:
			return nil, fmt.Errorf("definitions[%d]: %q is defined twice", i, d.Name)
		}
		if a.scripts[d.Name], err = Compile(d.Action); err != nil {
			return nil, fmt.Errorf("action.lua of %q: %w", d.Name, err)
		}
	}
	return a, nil
}

// Offered is an action that an object has.
type Offered struct {
	Name string
	// Disabled is set where the object is in no state for it.
	Disabled bool
}

// Offered returns the actions that an object has, by name, as the discovery script says.
func (a *Actions) Offered(object *unstructured.Unstructured, now time.Time) ([]Offered, error) {
	var all []Offered
	err := a.discovery.run(object, now, func(_ *values, result lua.LValue) (err error) {
		all, err = a.offeredIn(result)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("discovery.lua: %w", err)
	}
	slices.SortFunc(all, func(x, y Offered) int { return cmp.Compare(x.Name, y.Name) })
	return all, nil
}

func (a *Actions) offeredIn(result lua.LValue) ([]Offered, error) {
	table, ok := result.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("returned a %s, where a table of actions is wanted", result.Type())
	}
	var all []Offered
	var err error
	table.ForEach(func(key, value lua.LValue) {
		name, named := key.(lua.LString)
		of, tabled := value.(*lua.LTable)
		switch {
		case err != nil:
		case !named || !tabled:
			err = fmt.Errorf("returned a %s by a %s, where tables by the names of actions are wanted", value.Type(), key.Type())
		case a.scripts[string(name)] == nil:
			err = fmt.Errorf("offers the action %.100q, which has no definition", string(name))
		default:
			all = append(all, Offered{string(name), lua.LVAsBool(of.RawGetString("disabled"))})
		}
	})
	return all, err
}

// Outcome is what an action makes of an object.
type Outcome struct {
	// Before is the object as the script saw it, and After as it wants it; nil where it is left alone.
	Before, After map[string]any
	// Created are the objects that it wants besides.
	Created []map[string]any
}

// Run returns what an action, which has to be one of those offered, makes of an object.
func (a *Actions) Run(name string, object *unstructured.Unstructured, now time.Time) (Outcome, error) {
	script := a.scripts[name]
	if script == nil {
		return Outcome{}, fmt.Errorf("action %.100q has no definition", name)
	}
	var out Outcome
	err := script.run(object, now, func(v *values, result lua.LValue) (err error) {
		out, err = v.outcome(object, result)
		return err
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("action.lua of %q: %w", name, err)
	}
	return out, nil
}

// The operations of what an action returns.
const (
	operationPatch  = "patch"
	operationCreate = "create"
)

// outcome reads what an action returned: the object as it is to be, or a list of {operation, resource}.
func (v *values) outcome(object *unstructured.Unstructured, result lua.LValue) (Outcome, error) {
	// The object is read back as what the script returns is, so that nothing but what it changed differs.
	before, err := newValues().reread(object)
	if err != nil {
		return Outcome{}, err
	}
	returned, err := v.fromLua(result, 0)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Before: before}
	switch of := returned.(type) {
	case map[string]any:
		if len(of) > 0 {
			out.After = of
			return out, nil
		}
	case []any:
		return out, out.addEffects(of)
	}
	return Outcome{}, fmt.Errorf("returned a %s, where an object or a list of {operation, resource} is wanted", result.Type())
}

func (v *values) reread(object *unstructured.Unstructured) (map[string]any, error) {
	defer v.l.Close()
	read, err := v.fromLua(v.toLua(object.Object, 0), 0)
	is, _ := read.(map[string]any)
	return is, err
}

func (o *Outcome) addEffects(all []any) error {
	if len(all) > maxEffects {
		return fmt.Errorf("returned %d effects; %d are the most", len(all), maxEffects)
	}
	for i, element := range all {
		of, _ := element.(map[string]any)
		resource, ok := of["resource"].(map[string]any)
		switch {
		case !ok:
			return fmt.Errorf("effect %d has no resource", i+1)
		case of["operation"] == operationCreate:
			o.Created = append(o.Created, resource)
		case of["operation"] != operationPatch:
			return fmt.Errorf("effect %d has the operation %.40q; create and patch are the ones there are", i+1, fmt.Sprint(of["operation"]))
		case o.After != nil:
			return errors.New("patches the object twice")
		default:
			o.After = resource
		}
	}
	return nil
}
