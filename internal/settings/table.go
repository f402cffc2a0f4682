package settings

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/spelling"
)

//go:embed tables/*.txt
var tableFiles embed.FS

// Row is what becomes of a field, a key, an annotation or an option.
type Row struct {
	// Field is a path or key. In it * stands for any letters; a part ** at the end, for everything below. A path has []
	// behind a list, and * in the place of the keys of a mapping.
	Field string
	// Only and Unless limit the row to a value, and to all values but one; "" for no limit.
	Only, Unless string
	Verdict      Verdict
	// Words are what is done, or why not.
	Words string
	// Remedy is what to do instead, for what is not honoured.
	Remedy string
	// Test is the test that shows that what is honoured is.
	Test string
}

// Table has a row for everything that can be written in one kind of object.
type Table struct {
	// Of is what the table is of, such as ConfigMap argocd-cm.
	Of   string
	Rows []Row
}

// Tables returns all tables, in the order of their names.
func Tables() []Table { return slices.Clone(tables) }

var tables = mustReadTables()

func mustReadTables() []Table {
	files, err := tableFiles.ReadDir("tables")
	if err != nil {
		panic(err)
	}
	var all []Table
	for _, file := range files {
		text, err := tableFiles.ReadFile(path.Join("tables", file.Name()))
		if err != nil {
			panic(err)
		}
		t, err := readTable(string(text))
		if err != nil {
			panic(fmt.Sprintf("%s: %v", file.Name(), err))
		}
		all = append(all, t)
	}
	return all
}

// columns are what a line of a table has at least: field, verdict and words.
const columns = 3

// readTable reads a table: a first line "# Of: …" and then a row per line, its columns divided by " | ".
func readTable(text string) (Table, error) {
	first, rest, _ := strings.Cut(text, "\n")
	of, _, ok := strings.Cut(strings.TrimPrefix(first, "# "), ":")
	if !ok {
		return Table{}, fmt.Errorf("first line %q has no name of what it is of", first)
	}
	t := Table{Of: of}
	for line := range strings.Lines(rest) {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		row, err := readRow(line)
		if err != nil {
			return Table{}, err
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

func readRow(line string) (Row, error) {
	parts := strings.Split(strings.TrimRight(line, "\n"), "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) < columns || len(parts) > columns+1 {
		return Row{}, fmt.Errorf("%q has %d columns", line, len(parts))
	}
	r := Row{Field: parts[0], Verdict: Verdict(parts[1]), Words: parts[2]}
	last := append(parts, "")[columns]
	switch r.Verdict {
	case Honoured:
		r.Test = last
	case Named, Refused:
		r.Remedy = last
	case Harmless, as:
	default:
		return Row{}, fmt.Errorf("%q has an unknown verdict", line)
	}
	if field, value, ok := strings.Cut(r.Field, "="); ok {
		r.Field, r.Only = field, value
	} else if field, value, ok := strings.Cut(r.Field, "!"); ok {
		r.Field, r.Unless = field, value
	}
	return r, nil
}

// concerns reports whether a row is about a value.
func (r Row) concerns(value string) bool {
	return (r.Only == "" || r.Only == value) && (r.Unless == "" || r.Unless != value)
}

func (r Row) finding(object, field string) Finding {
	return Finding{Object: object, Field: field, Verdict: r.Verdict, Cause: r.Words, Remedy: r.Remedy}
}

// key returns the first row that matches a key of a mapping, whatever its value.
func (t Table) key(key string) (Row, bool) {
	for _, r := range t.Rows {
		if matchGlob(r.Field, key) {
			return r, true
		}
	}
	return Row{}, false
}

// entry returns the row of a key with a value: one of that value alone comes before others. A key that is only known
// with other values is harmless.
func (t Table) entry(key, value string) (Row, bool) {
	var found Row
	for _, r := range t.Rows {
		switch {
		case !matchGlob(r.Field, key):
		case r.Only != "" && r.Only == value:
			return r, true
		case found.Field == "":
			found = r
		}
	}
	if found.Field != "" && !found.concerns(value) {
		found.Verdict = Harmless
	}
	return found, found.Field != ""
}

// unknownKey is the finding of a key that has no row: probably misspelt.
func (t Table) unknownKey(key string) Finding {
	f := Finding{Object: t.Of, Field: key, Verdict: Named, Cause: "unknown key", Remedy: "remove it"}
	if meant := t.closest(key); meant != "" {
		f.Remedy = "did you mean " + meant + "?"
	}
	return f
}

// closest returns the key that was probably meant. A key with a name at its end is compared without that name.
func (t Table) closest(key string) string {
	var whole []string
	for _, r := range t.Rows {
		beginning, named := strings.CutSuffix(r.Field, ".*")
		if !named {
			whole = append(whole, r.Field)
			continue
		}
		parts := strings.Count(beginning, ".") + 1
		if all := strings.SplitN(key, ".", parts+1); parts > 1 && len(all) == parts+1 {
			if spelling.Closest(strings.Join(all[:parts], "."), []string{beginning}) != "" {
				return beginning + "." + all[parts]
			}
		}
	}
	return spelling.Closest(key, whole)
}

// keys finds what is not honoured of a mapping.
func (t Table) keys(data map[string]string) []Finding {
	var all []Finding
	for _, key := range sorted(data) {
		value := strings.TrimSpace(data[key])
		r, known := t.entry(key, value)
		switch {
		case !known:
			all = append(all, t.unknownKey(key))
		case value == "" || value == "false" || value == "0":
		case r.Verdict == Named || r.Verdict == Refused:
			all = append(all, r.finding(t.Of, key))
		}
	}
	return all
}
