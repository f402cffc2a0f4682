package skaffold

import (
	_ "embed" // the table of fields
	"fmt"
	"slices"
	"strings"
)

//go:embed fields.txt
var fieldsOfSkaffold string

//go:embed cyan.txt
var fieldsOfCyan string

// Verdict is what becomes of a field.
type Verdict string

// The verdicts.
const (
	// Honoured is done as it is written.
	Honoured Verdict = "honoured"
	// Named is not done, while the rest is.
	Named Verdict = "named"
	// Refused is not done, and without it the rest would be another project.
	Refused Verdict = "refused"
	// Harmless concerns something that there is not here, or that comes to the same.
	Harmless Verdict = "harmless"
)

// Row is what becomes of a field.
type Row struct {
	// Field is its name in its mapping; * is any other.
	Field string
	// Shape is string, int, bool, port, strings, map, any, the name of a Type, or that in brackets for a list of them.
	Shape string
	// Merged is set for a mapping that a profile changes field by field, rather than as a whole.
	Merged   bool
	Versions string
	Verdict  Verdict
	// Words are what is done or why not, and Remedy what to do instead.
	Words, Remedy string
	// Group is shared by fields of which there is only one.
	Group string

	span span
}

// Type is a mapping with the fields that it may have.
type Type struct {
	Name string
	Rows []Row
}

// schema is all types, the first being the document.
type schema []Type

var (
	skaffoldSchema = mustReadSchema(fieldsOfSkaffold)
	cyanSchema     = mustReadSchema(fieldsOfCyan)
)

func mustReadSchema(text string) schema {
	s, err := readSchema(text)
	if err != nil {
		panic(err)
	}
	return s
}

// readSchema reads types: a line "# Name", and then rows of field, shape, versions, verdict, words, remedy and group
// between bars.
func readSchema(text string) (schema, error) {
	var all schema
	for number, line := range strings.Split(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, "# "):
			name, _, _ := strings.Cut(strings.TrimPrefix(line, "# "), ":")
			all = append(all, Type{Name: name})
		default:
			row, err := readRow(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number+1, err)
			}
			if len(all) == 0 {
				return nil, fmt.Errorf("line %d: a row before any type", number+1)
			}
			last := &all[len(all)-1]
			last.Rows = append(last.Rows, row)
		}
	}
	return all.included()
}

func readRow(line string) (Row, error) {
	parts := strings.Split(line, "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) > 7 || len(parts) < 2 {
		return Row{}, fmt.Errorf("%d columns", len(parts))
	}
	parts = append(parts, make([]string, 7-len(parts))...)
	r := Row{Field: parts[0], Shape: parts[1], Versions: parts[2], Verdict: Verdict(parts[3]), Words: parts[4], Remedy: parts[5], Group: parts[6]}
	r.Shape, r.Merged = strings.CutSuffix(r.Shape, "+")
	if r.Verdict == "" {
		r.Verdict = Honoured
	}
	if !slices.Contains([]Verdict{Honoured, Named, Refused, Harmless}, r.Verdict) {
		return Row{}, fmt.Errorf("verdict %q", r.Verdict)
	}
	var err error
	r.span, err = parseSpan(r.Versions)
	return r, err
}

// included returns the types with the rows that ".." takes over from others.
func (s schema) included() (schema, error) {
	var all schema
	for _, t := range s {
		whole := Type{Name: t.Name}
		for _, row := range t.Rows {
			if row.Field != ".." {
				whole.Rows = append(whole.Rows, row)
				continue
			}
			other := s.find(row.Shape)
			if other == nil {
				return nil, fmt.Errorf("type %s unknown", row.Shape)
			}
			whole.Rows = append(whole.Rows, other.Rows...)
		}
		all = append(all, whole)
	}
	return all, nil
}

// find returns a type by its name, or nil.
func (s schema) find(name string) *Type {
	for i := range s {
		if s[i].Name == name {
			return &s[i]
		}
	}
	return nil
}

// row returns the row of a field in a version; if there is none, the row of another version. It is nil for a field that
// no version has.
func (t *Type) row(name, version string) *Row {
	var other *Row
	for i := range t.Rows {
		switch r := &t.Rows[i]; {
		case r.Field != name && r.Field != "*":
		case version == "" || r.span.has(version):
			return r
		default:
			other = r
		}
	}
	return other
}

// names are the fields that a version has.
func (t *Type) names(version string) []string {
	var all []string
	for _, r := range t.Rows {
		if r.Field != "*" && (version == "" || r.span.has(version)) {
			all = append(all, r.Field)
		}
	}
	return all
}

// element returns the shape of the elements of a list, and reports whether it is one.
func element(shape string) (string, bool) {
	inner, ok := strings.CutPrefix(shape, "[")
	return strings.TrimSuffix(inner, "]"), ok
}
