package settings

import (
	"embed"
	"path"
	"strings"
	"sync"
)

//go:embed models/*.txt
var modelFiles embed.FS

// model is what fields a kind of the models has, or a part that comes at many places.
type model struct {
	// shapes are the fields, with the part whose shape they have; "" for a shape of their own.
	shapes map[string]string
	// children are the names of the fields that are listed below a field. A field without any holds what it wants.
	children map[string][]string
}

// models returns the models by kind, read from lists that hack/modelfields makes of the models' definitions.
var models = sync.OnceValue(func() map[string]model {
	all := map[string]model{}
	files, err := modelFiles.ReadDir("models")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		text, err := modelFiles.ReadFile(path.Join("models", file.Name()))
		if err != nil {
			panic(err)
		}
		kind := strings.TrimSuffix(file.Name(), ".txt")
		for line := range strings.Lines(string(text)) {
			addField(all, kind, strings.TrimSpace(line))
		}
	}
	return all
})

// addField adds a line: a path, and the shape that it has. A path that begins with the name of a shape is a part.
func addField(all map[string]model, kind, line string) {
	field, shape, _ := strings.Cut(line, " ")
	first, rest, _ := strings.Cut(field, ".")
	if strings.ToUpper(first[:1]) == first[:1] {
		kind, field = first, rest
	}
	if field == "" {
		return
	}
	if _, ok := all[kind]; !ok {
		all[kind] = model{map[string]string{}, map[string][]string{}}
	}
	m := all[kind]
	if _, twice := m.shapes[field]; twice {
		return
	}
	m.shapes[field] = shape
	if !strings.HasSuffix(field, "[]") {
		parent := parentOf(field)
		m.children[parent] = append(m.children[parent], field[len(parent):])
	}
}

// knows reports whether a kind has a field at a path; also true for what is below a field that holds what it wants.
func (m model) knows(at string) bool {
	if _, ok := m.shapes[at]; ok {
		return true
	}
	parent := parentOf(at)
	return parent != "" && len(m.children[parent]) == 0 && m.knows(parent) || len(m.shapes) == 0
}

// siblings returns the names of the fields beside one.
func (m model) siblings(at string) []string {
	var all []string
	for _, name := range m.children[parentOf(at)] {
		all = append(all, strings.TrimPrefix(name, "."))
	}
	return all
}
