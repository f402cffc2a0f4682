package validate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/cli/repo"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	gitsource "github.com/cyan-cd/cyan/internal/source"
	engine "github.com/cyan-cd/cyan/internal/validate"
)

// input is what is checked together: a directory, or all files.
type input struct {
	result *render.Result
	trees  []fs.FS
	// tops are the directories of this machine that the trees are of.
	tops []string
	// render renders the directory of another tree.
	render func(fs.FS) (*render.Result, error)
}

// loader renders what the command line names.
type loader struct {
	*options
	source v1alpha1.ApplicationSource
	inputs []input
	// findings are about what could not be rendered.
	findings []engine.Finding
	// unnamed is set while files are taken that were found and not named.
	unnamed bool
	// below is set while what lies below a folder is taken.
	below bool
	// taken are the files and folders that were taken already, as paths without symbolic links.
	taken map[string]bool
	// searched are the directories in which definitions of the kinds in the files are looked for.
	searched map[string]bool
	closers  []func()
}

func (l *loader) close() {
	for _, end := range l.closers {
		end()
	}
}

// load renders what is named, and calls use while it can be read.
func (l *loader) load(ctx context.Context, args []string, use func() error) error {
	defer l.close()
	if l.repo != "" {
		return l.repository(ctx, use)
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	l.taken, l.searched = map[string]bool{}, map[string]bool{}
	files := input{result: &render.Result{}}
	for _, arg := range args {
		if err := l.argument(arg, &files); err != nil {
			return err
		}
	}
	if len(files.tops) > 0 {
		files.result.Warnings = append(files.result.Warnings, l.repeated(files.result.Objects)...)
		l.inputs = append(l.inputs, files)
	}
	return use()
}

// defaultNamespace is where objects go that name none.
func (o *options) defaultNamespace() string { return cmp.Or(o.namespace, "default") }

// repeated warns of objects that two files have. Of one that a file has twice it is known already.
func (l *loader) repeated(objects []render.Rendered) []render.Warning {
	var all []render.Warning
	first := map[engine.Ref]render.Origin{}
	for _, o := range objects {
		kind, name := o.Object.GroupVersionKind(), o.Object.GetName()
		if name == "" {
			continue
		}
		ref := engine.Ref{Group: kind.Group, Kind: kind.Kind, Namespace: cmp.Or(o.Object.GetNamespace(), l.defaultNamespace()), Name: name}
		before, repeated := first[ref]
		if !repeated {
			first[ref] = o.Origin
		} else if before.File != o.Origin.File {
			all = append(all, render.Warning{
				Type: render.RepeatedResource, File: o.Origin.File, Line: o.Origin.Line, Message: fmt.Sprintf("%s is given by %s:%d as well; the last one is used", engine.ObjectName(o.Object), before.File, before.Line),
			})
		}
	}
	return all
}

// argument takes a path, or standard input, unless it was taken before.
func (l *loader) argument(arg string, files *input) error {
	if l.again(arg) {
		return nil
	}
	return l.take(arg, files)
}

// take renders a path, or standard input. A file is added to the files.
func (l *loader) take(arg string, files *input) error {
	if arg == "-" {
		result, err := manifests.Stream(l.In, render.Options{Namespace: l.defaultNamespace()})
		return l.add(arg, "", input{result: result}, files, err)
	}
	path := arg
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return notThere(arg)
	case err == nil && !info.IsDir() && !info.Mode().IsRegular():
		result, err := manifests.Pipe(arg, render.Options{Namespace: l.defaultNamespace()})
		return l.add(arg, "", input{result: result}, files, err)
	}
	if err == nil && info.IsDir() && l.recurse && !l.below {
		l.below = true
		defer func() { l.below = false }()
		return l.recursive(path, files)
	}
	isFile := err == nil && info.Mode().IsRegular()
	if isFile && slices.Contains(delivery.KustomizationNames(), filepath.Base(path)) {
		path, isFile = filepath.Dir(path), false
	}
	var loaded input
	top, err := manifests.Load(l.root, path, l.defaultNamespace(), l.source, func(m manifests.Loaded) error {
		loaded, err = l.loaded(m, isFile)
		return err
	})
	into := files
	if !isFile {
		into = nil
	}
	return l.add(arg, top, loaded, into, err)
}

// loaded is what was rendered, with the tree of its directory, which is read again for definitions after it was closed:
// once for all files of it.
func (l *loader) loaded(m manifests.Loaded, isFile bool) (input, error) {
	in := input{result: m.Result, render: m.Render}
	if isFile && l.searched[m.Top] {
		return in, nil
	}
	tree, err := os.OpenRoot(m.Top)
	if err != nil {
		return in, err
	}
	l.closers = append(l.closers, func() { _ = tree.Close() })
	in.trees = []fs.FS{tree.FS()}
	if isFile {
		l.searched[m.Top] = true
	}
	return in, nil
}

// again reports whether a file, a folder or standard input was taken before, whatever it was called then. A folder is
// looked through and rendered for itself, which are two things.
func (l *loader) again(arg string) bool {
	path := arg
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if slices.Contains(delivery.KustomizationNames(), filepath.Base(path)) {
		path = filepath.Dir(path)
	} else if info, err := os.Stat(path); err == nil && info.IsDir() && l.recurse && !l.below {
		path += string(filepath.Separator) + "…"
	}
	if full, err := filepath.Abs(path); err == nil && arg != "-" {
		path = full
	}
	before := l.taken[path]
	l.taken[path] = true
	return before
}

// notThere is the error of a path that leads to nothing.
func notThere(path string) error {
	cause := "not found"
	if target, err := os.Readlink(path); err == nil {
		cause = fmt.Sprintf("symbolic link to %q, which is not there", target)
	}
	return kit.Usage(path, cause, "name a file, a folder, or - for standard input")
}

// add takes what was rendered into the files, or as an input of its own. What cannot be rendered is a finding.
func (l *loader) add(arg, top string, in input, files *input, err error) error {
	if err != nil {
		p := problem.Of(err)
		if p == nil || p.File == "" || problem.KindOf(err) == problem.Unreachable {
			return err
		}
		finding := *p
		finding.File, finding.Rule = shownPath(top, p.File), engine.RuleNotRendered
		if k, there := readKustomization(arg); there && k.Kind == component && l.repo == "" {
			finding.Remedy = remedyForComponent
		}
		l.findings = append(l.findings, engine.Finding{Error: &finding, Severity: engine.SeverityError})
		return nil
	}
	in.result = shown(in.result, func(file string) string { return shownPath(top, file) })
	if len(in.result.Objects) == 0 && !l.unnamed {
		l.findings = append(l.findings, engine.Finding{Severity: engine.SeverityError, Error: &problem.Error{
			Kind: problem.Usage, Rule: engine.RuleNothing, File: nameOf(arg), Cause: "no objects to validate", Remedy: l.remedyForNothing(arg, files == nil),
		}})
	}
	in.tops = []string{top}
	if files == nil {
		l.inputs = append(l.inputs, in)
		return nil
	}
	for i := range in.result.Warnings {
		if in.result.Warnings[i].Type == render.SkippedFile && !l.unnamed {
			l.findings = append(l.findings, skipped(in.result.Warnings[i]))
		}
	}
	in.result.Warnings = slices.DeleteFunc(in.result.Warnings, func(w render.Warning) bool { return w.Type == render.SkippedFile })
	files.result.Objects = append(files.result.Objects, in.result.Objects...)
	files.result.Warnings = append(files.result.Warnings, in.result.Warnings...)
	files.trees, files.tops = append(files.trees, in.trees...), append(files.tops, top)
	return nil
}

// skipped is what a sync leaves out of a file that was named: who names it means it.
func skipped(w render.Warning) engine.Finding {
	return engine.Finding{Severity: engine.SeverityError, Error: &problem.Error{Kind: problem.Usage, Rule: engine.RuleSkipped, File: w.File, Line: w.Line, Cause: w.Message, Remedy: w.Remedy()}}
}

func nameOf(arg string) string {
	if arg == "-" {
		return "stdin.yaml"
	}
	return filepath.ToSlash(filepath.Clean(arg))
}

// remedyForComponent is for who validates a Component, which changes what others build.
const remedyForComponent = "validate a kustomization that has the Component in components"

func (l *loader) remedyForNothing(arg string, isDirectory bool) string {
	switch {
	case l.repo != "":
		return "name a folder of the repository that has manifests by --path"
	case !isDirectory:
		return "see whether what has written it has failed"
	}
	switch k, there := readKustomization(arg); {
	case there && k.Kind == component:
		return remedyForComponent
	case there:
		return "name what has objects in resources or generators of its kustomization"
	}
	below, err := lookThrough(arg)
	switch {
	case err == nil && len(below.kustomizations) > 0:
		return "-R checks the kustomizations below it, such as " + nameOf(below.kustomizations[0])
	case err == nil && len(below.files) > 0:
		return "-R checks the files below it, such as " + nameOf(below.files[0])
	}
	return "name a kustomization, or a folder that has manifests"
}

// shown is a result in which files are called as a person would from where they are.
func shown(result *render.Result, name func(string) string) *render.Result {
	all := *result
	all.Objects = slices.Clone(result.Objects)
	edits := map[*render.Edits]*render.Edits{}
	for i := range all.Objects {
		o := &all.Objects[i]
		o.Origin.File = name(o.Origin.File)
		if o.Edits == nil {
			continue
		}
		if edits[o.Edits] == nil {
			renamed := &render.Edits{All: slices.Clone(o.Edits.All)}
			for j := range renamed.All {
				renamed.All[j].File = name(renamed.All[j].File)
			}
			edits[o.Edits] = renamed
		}
		o.Edits = edits[o.Edits]
	}
	all.Images = slices.Clone(result.Images)
	for i := range all.Images {
		all.Images[i].Place.File = name(all.Images[i].Place.File)
	}
	if at := result.ImagesUnread; at != nil {
		place := *at
		place.File = name(place.File)
		all.ImagesUnread = &place
	}
	all.Warnings = slices.Clone(result.Warnings)
	for i, w := range all.Warnings {
		if w.File != "" {
			all.Warnings[i].File, all.Warnings[i].Message = name(w.File), withoutPlace(w)
		}
	}
	return &all
}

// withoutPlace is the message of a warning without the place that it begins with.
func withoutPlace(w render.Warning) string {
	for _, place := range []string{fmt.Sprintf("%s:%d", w.File, w.Line), w.File} {
		for _, after := range []string{": ", " is "} {
			if rest, found := strings.CutPrefix(w.Message, place+after); found {
				return rest
			}
		}
	}
	return w.Message
}

// shownPath is a file of a tree as a path from the working directory, where it lies below that.
func shownPath(top, file string) string {
	if top == "" || file == "" || filepath.IsAbs(file) {
		return file
	}
	full := filepath.Join(top, filepath.FromSlash(file))
	here, err := os.Getwd()
	if err != nil {
		return file
	}
	if here, err = filepath.EvalSymlinks(here); err != nil {
		return file
	}
	relative, err := filepath.Rel(here, full)
	if err != nil || !filepath.IsLocal(relative) {
		return filepath.ToSlash(full)
	}
	return filepath.ToSlash(relative)
}

// repository renders a folder of a repository elsewhere.
func (l *loader) repository(ctx context.Context, use func() error) error {
	return repo.WithMirrors(func(mirrors *gitsource.Mirrors) error {
		from := gitsource.Repository{URL: l.repo}
		sha, err := mirrors.Resolve(ctx, from, l.revision)
		if err != nil {
			return err
		}
		tree, err := mirrors.Tree(ctx, from, sha)
		if err != nil {
			return err
		}
		keys, err := manifests.Keys()
		if err != nil {
			return err
		}
		l.source.Path = l.path
		result, err := manifests.Tree(tree, l.source, render.Options{Keys: keys, Namespace: l.defaultNamespace()})
		if err := l.add(l.path, "", input{result: result, trees: []fs.FS{tree}}, nil, err); err != nil {
			return err
		}
		return use()
	})
}
