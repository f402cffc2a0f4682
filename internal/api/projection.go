package api

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/secret"
)

// mostFields bounds the fields that a projection names.
const mostFields = 200

// projection is which fields of an object are sent. The nil projection sends all.
type projection struct {
	// leave has the fields that are named left out, in place of all others.
	leave bool
	root  *branch
}

// branch is a field by the fields below it; one that is whole is named itself.
type branch struct {
	whole bool
	below map[string]*branch
}

// projectionOf reads what clients ask for: paths with commas between, of the objects below prefix; a leading minus
// leaves them out. It returns nil when nothing is asked for.
func projectionOf(fields, prefix string) *projection {
	fields = strings.TrimSpace(fields)
	if fields == "" {
		return nil
	}
	p := &projection{root: &branch{}}
	fields, p.leave = strings.CutPrefix(fields, "-")
	for i, path := range strings.Split(fields, ",") {
		path, ok := strings.CutPrefix(strings.TrimSpace(path), prefix)
		if !ok || i >= mostFields {
			continue
		}
		p.root.add(strings.Split(path, "."))
	}
	return p
}

func (b *branch) add(path []string) {
	if len(path) == 0 {
		b.whole = true
		return
	}
	if b.below == nil {
		b.below = map[string]*branch{}
	}
	next := b.below[path[0]]
	if next == nil {
		next = &branch{}
		b.below[path[0]] = next
	}
	next.add(path[1:])
}

// of returns a value with the fields that are sent.
func (p *projection) of(value any) any {
	if p.leave {
		return without(value, p.root)
	}
	return within(value, p.root)
}

func within(value any, b *branch) any {
	if b.whole {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, next := range b.below {
			if field, ok := v[name]; ok {
				kept[name] = within(field, next)
			}
		}
		return kept
	case []any:
		return each(v, b, within)
	}
	return value
}

func without(value any, b *branch) any {
	switch v := value.(type) {
	case map[string]any:
		for name, next := range b.below {
			switch field, ok := v[name]; {
			case !ok:
			case next.whole:
				delete(v, name)
			default:
				v[name] = without(field, next)
			}
		}
	case []any:
		return each(v, b, without)
	}
	return value
}

func each(list []any, b *branch, do func(any, *branch) any) []any {
	all := slices.Clone(list)
	for i, element := range list {
		all[i] = do(element, b)
	}
	return all
}

// projected is an Application of which some fields are sent.
type projected struct {
	app  *v1alpha1.Application
	only *projection
}

// Schema is that of an object whose fields the definition of the kind has.
func (projected) Schema(r huma.Registry) *huma.Schema { return application{}.Schema(r) }

// MarshalJSON writes the fields that are sent.
func (p projected) MarshalJSON() ([]byte, error) {
	whole, err := secret.ShownJSON(p.app)
	if err != nil || p.only == nil {
		return whole, err
	}
	var value any
	if err := json.Unmarshal(whole, &value); err != nil {
		return nil, err
	}
	return json.Marshal(p.only.of(value))
}
