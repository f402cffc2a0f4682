package validate

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	engine "github.com/cyan-cd/cyan/internal/validate"
)

// fixAll shows what can be corrected in the files that were read, and writes it.
func (o *options) fixAll(l *loader, known *engine.Known) error {
	f := fixes{options: o, fixed: map[string][]byte{}}
	for _, file := range l.files() {
		if !render.IsManifest(file) {
			continue
		}
		if err := f.file(file, cmp.Or(known.Minor, engine.NewestMinor)); err != nil {
			return err
		}
	}
	for _, file := range l.kustomizations() {
		if err := f.kustomization(file, l.inputs); err != nil {
			return err
		}
	}
	if len(f.fixed) == 0 {
		o.Note("nothing that can be corrected without guessing")
		return nil
	}
	if err := o.Confirm(fmt.Sprintf("Write %s?", plural(len(f.fixed), "file")), o.yes); err != nil {
		return err
	}
	return f.write()
}

// fixes are what is corrected, by files.
type fixes struct {
	*options
	fixed map[string][]byte
}

// file corrects the objects of a file.
func (f *fixes) file(file string, minor int) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	result, err := engine.Fix(data, minor)
	if err != nil {
		return nil
	}
	return f.add(file, data, result)
}

// kustomization corrects the deprecated fields of a kustomization, where all that is built on it stays the same.
func (f *fixes) kustomization(file string, inputs []input) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	inputs = slices.DeleteFunc(slices.Clone(inputs), func(in input) bool { return in.render == nil || !slices.Contains(in.deprecated(), file) })
	return f.add(file, data, engine.FixKustomization(data, func(text []byte) ([]byte, error) {
		files := map[string][]byte{fullPath(file): text}
		for other, data := range f.fixed {
			if other != file {
				files[fullPath(other)] = data
			}
		}
		var all []byte
		for _, in := range inputs {
			result, err := in.render(manifests.EditedIn(in.tops[0], in.trees[0], files))
			if err != nil {
				return nil, err
			}
			encoded, err := render.Encode(result.Objects)
			if err != nil {
				return nil, err
			}
			all = append(all, encoded...)
		}
		return all, nil
	}).Fixed)
}

// fullPath is a file without symbolic links.
func fullPath(file string) string {
	if full, err := filepath.Abs(file); err == nil {
		file = full
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		return real
	}
	return file
}

// add takes what is corrected in a file, and shows it.
func (f *fixes) add(file string, data []byte, result engine.Fixed) error {
	for _, line := range result.Left {
		f.Note("%s: %s", file, line)
	}
	if bytes.Equal(result.Data, data) {
		return nil
	}
	f.fixed[file] = result.Data
	name := nameInDiff(file)
	diff, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: linesOf(data), B: linesOf(result.Data), FromFile: "a/" + name, ToFile: "b/" + name, Context: 3})
	if err != nil {
		return err
	}
	return f.Data(diff)
}

// write writes the files.
func (f *fixes) write() error {
	for _, file := range slices.Sorted(maps.Keys(f.fixed)) {
		info, err := os.Stat(file)
		if err == nil {
			err = os.WriteFile(file, f.fixed[file], info.Mode().Perm())
		}
		if err != nil {
			return &problem.Error{Kind: problem.Usage, Object: "file " + file, Cause: err.Error(), Err: err}
		}
	}
	f.Note("%s written", plural(len(f.fixed), "file"))
	return nil
}

// nameInDiff is a file as git calls it in a diff, which patch -p1 applies: without the first slash of an absolute path,
// so that the diff of one applies from the root. A tab ends a name that has blanks.
func nameInDiff(file string) string {
	name := strings.TrimPrefix(filepath.ToSlash(file), "/")
	if strings.Contains(name, " ") {
		name += "\t"
	}
	return name
}

// linesOf are the lines of a file, each with its end; of the last one a diff tells that it has none.
func linesOf(data []byte) []string {
	lines := strings.SplitAfter(string(data), "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	} else {
		lines[last] += "\n\\ No newline at end of file\n"
	}
	return lines
}

// files are those that objects, patches and generators stand in, as paths from the working directory.
func (l *loader) files() []string {
	all := map[string]bool{}
	for _, in := range l.inputs {
		for _, o := range in.result.Objects {
			all[o.Origin.File] = true
			if o.Edits != nil {
				for _, e := range o.Edits.All {
					all[e.File] = true
				}
			}
		}
	}
	delete(all, "")
	return slices.Sorted(maps.Keys(all))
}

// kustomizations are those that have deprecated fields.
func (l *loader) kustomizations() []string {
	var all []string
	for _, in := range l.inputs {
		all = append(all, in.deprecated()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// deprecated are the kustomizations of an input that have deprecated fields.
func (in input) deprecated() []string {
	var files []string
	for _, w := range in.result.Warnings {
		if w.Type == render.DeprecatedField {
			files = append(files, w.File)
		}
	}
	return files
}
