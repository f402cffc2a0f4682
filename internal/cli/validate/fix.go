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

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	engine "github.com/cyan-cd/cyan/internal/validate"
)

// fixAll shows what can be corrected in the files that were read, and writes it.
func (o *options) fixAll(l *loader, known *engine.Known) error {
	minor := cmp.Or(known.Minor, engine.NewestMinor)
	fixed := map[string][]byte{}
	for _, file := range l.files() {
		data, err := os.ReadFile(file)
		if err != nil || !render.IsManifest(file) {
			continue
		}
		result, err := engine.Fix(data, minor)
		if err != nil {
			continue
		}
		for _, line := range result.Left {
			o.Note("%s: %s", file, line)
		}
		if bytes.Equal(result.Data, data) {
			continue
		}
		fixed[file] = result.Data
		name := nameInDiff(file)
		diff, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: linesOf(data), B: linesOf(result.Data), FromFile: "a/" + name, ToFile: "b/" + name, Context: 3})
		if err != nil {
			return err
		}
		if err := o.Data(diff); err != nil {
			return err
		}
	}
	if len(fixed) == 0 {
		o.Note("nothing that can be corrected without guessing")
		return nil
	}
	if err := o.Confirm(fmt.Sprintf("Write %s?", plural(len(fixed), "file")), o.yes); err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(fixed)) {
		info, err := os.Stat(file)
		if err == nil {
			err = os.WriteFile(file, fixed[file], info.Mode().Perm())
		}
		if err != nil {
			return &problem.Error{Kind: problem.Usage, Object: "file " + file, Cause: err.Error(), Err: err}
		}
	}
	o.Note("%s written", plural(len(fixed), "file"))
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
