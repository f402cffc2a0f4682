package validate

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	engine "github.com/cyan-cd/cyan/internal/validate"
)

// peer is a line of one of the programs that people check manifests with.
type peer struct {
	*kit.Env
	flags *pflag.FlagSet

	directories, skip, reject, locations, ignored []string
	stdinName, kubernetesVersion, output          string
	// namespace is where objects go that name none, and unique whether an object may be given once alone.
	namespace string
	unique    bool
	// leaveOut is the flag by which files are left out, and formats are those of the output.
	leaveOut, formats                                                 string
	ignoreMissing, summary, verbose, version, quiet, firstErrorIsLast bool
	// ineffective are flags that have no effect, and why; settle, if any, is called once the flags are read.
	ineffective map[string]string
	settle      func()
}

// common are the flags that both have.
func (p *peer) common(f *pflag.FlagSet, version, output string) {
	f.StringArrayVarP(&p.locations, "schema-location", map[string]string{"v": "s"}[version], nil, "folder with schemas of custom kinds; those of Kubernetes are built in")
	f.StringVarP(&p.kubernetesVersion, "kubernetes-version", version, "master", "version of Kubernetes that the manifests are for")
	f.StringVarP(&p.output, "output", output, "", "output format: "+p.formats)
	f.BoolVar(&p.firstErrorIsLast, "exit-on-error", false, "print nothing behind the first error")
	p.ineffective = map[string]string{}
	f.BoolVar(&p.ignoreMissing, "ignore-missing-schemas", false, "do not check kinds that are unknown")
	f.BoolP("help", "h", false, "show this help")
	if version != "" {
		f.BoolVar(&p.version, "version", false, "print the version")
	}
}

// without is a flag that has no effect, which is named to who gives it.
func without(p *peer, f *pflag.FlagSet, name, why string) {
	f.Bool(name, false, "has no effect: "+why)
	p.ineffective[name] = why
}

// settle has the flags of a line in force, and names those that have no effect.
func settle(p *peer) {
	if p.settle != nil {
		p.settle()
	}
	p.flags.Visit(func(f *pflag.Flag) {
		if why := p.ineffective[f.Name]; why != "" && f.Value.String() != "false" {
			note(p, "note: %s has no effect: %s", strings.Repeat("-", min(2, len(f.Name)))+f.Name, why)
		}
	})
}

// note prints a line beside the results.
func note(p *peer, format string, args ...any) {
	if !p.quiet {
		p.Note(format, args...)
	}
}

// upToFirstError leaves out what stands behind the first error.
func upToFirstError(files []checkedFile) []checkedFile {
	for i, f := range files {
		if len(f.problems) > 0 {
			files[i].objects = nil
			return files[:i+1]
		}
		for j, o := range f.objects {
			if o.failed() {
				files[i].objects = f.objects[:j+1]
				return files[:i+1]
			}
		}
	}
	return files
}

// command is a root without commands below: the programs have none. They take long flags with a single hyphen.
func (p *peer) command(use string, print func(files []checkedFile) error) *cobra.Command {
	root := &cobra.Command{
		Use: use, Short: "Check manifests by the API server's own rules, by Cyan",
		Long:               "Check manifests by the API server's own rules, by Cyan, under the name that scripts know. Fields that are unknown are refused with and without --strict, and\nan empty input is an error.\n\n" + p.flags.FlagUsages(),
		Example:            "  kustomize build k8s/overlays/local | " + p.flags.Name() + " --strict",
		Version:            p.Version,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.flags.Parse(p.hyphens(args)); err != nil {
				return kit.Usage(p.flags.Name(), err.Error(), "`"+p.flags.Name()+" --help` lists its flags")
			}
			switch help, _ := p.flags.GetBool("help"); {
			case help:
				return cmd.Help()
			case p.version:
				return p.Say("cyan " + p.Version)
			}
			settle(p)
			files, err := p.check(p.flags.Args())
			if err != nil {
				return err
			}
			if p.firstErrorIsLast {
				files = upToFirstError(files)
			}
			if err := print(files); err != nil {
				return err
			}
			if slices.ContainsFunc(files, func(f checkedFile) bool { return f.failed() }) {
				return &problem.Error{Kind: problem.Negative, Cause: "invalid", Reported: true}
			}
			return nil
		},
	}
	return root
}

// hyphens writes long flags with two.
func (p *peer) hyphens(args []string) []string {
	all := slices.Clone(args)
	for i, arg := range all {
		if arg == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if len(name) > 1 && !strings.HasPrefix(name, "-") && strings.HasPrefix(arg, "-") && p.flags.Lookup(name) != nil {
			all[i] = "-" + arg
		}
	}
	return all
}

// checkedFile is a file, or standard input, with its objects and what was found in each.
type checkedFile struct {
	name    string
	objects []checkedObject
	// problems are those of the file itself.
	problems []string
}

type checkedObject struct {
	kind, apiVersion, namespace, name string
	// source is the file of a chart that a comment names; "" for none.
	source string
	// status is one of the status constants, and messages why.
	status   string
	messages []string
}

const (
	statusValid   = "statusValid"
	statusInvalid = "statusInvalid"
	statusError   = "statusError"
	statusSkipped = "statusSkipped"
)

func (o checkedObject) failed() bool { return o.status == statusInvalid || o.status == statusError }

func (f checkedFile) failed() bool {
	return len(f.problems) > 0 || slices.ContainsFunc(f.objects, checkedObject.failed)
}

// minor is the version that the manifests are for. One before the oldest whose rules are known is the oldest.
func (p *peer) minor() (int, error) {
	text := strings.TrimSuffix(p.kubernetesVersion, "-standalone")
	if text == "master" || text == "" {
		return 0, nil
	}
	minor, err := engine.ParseMinor(text)
	var older int
	if _, scanned := fmt.Sscanf(strings.TrimPrefix(text, "v"), "1.%d", &older); err != nil && scanned == nil && older > 0 && older < engine.OldestMinor {
		note(p, "note: v1.%d is checked as v1.%d, the oldest version whose rules are known", older, engine.OldestMinor)
		return engine.OldestMinor, nil
	}
	if err != nil {
		return 0, kit.Usage("--kubernetes-version", problem.Of(err).Cause, problem.Of(err).Remedy)
	}
	return minor, nil
}

// known is what is known of kinds. Schemas of elsewhere are not fetched: those of Kubernetes are built in.
func (p *peer) known() (*engine.Known, error) {
	var folders []string
	for _, location := range p.locations {
		if location == "default" || strings.Contains(location, "://") {
			if location != "default" {
				note(p, "note: %s is not fetched: the rules of Kubernetes are built in, and a folder has those of other kinds", location)
			}
			continue
		}
		folder, _, _ := strings.Cut(location, "{{")
		folders = append(folders, filepath.Clean(folder))
	}
	schemas := manifests.SchemasOf(folders, p.skip)
	known, err := schemas.Known(p.namespace)
	if err != nil {
		return nil, err
	}
	known.IgnoreMissing = p.ignoreMissing
	known.Minor, err = p.minor()
	return known, err
}

func (p *peer) check(args []string) ([]checkedFile, error) {
	known, err := p.known()
	if err != nil {
		return nil, err
	}
	paths, err := p.paths(append(args, p.directories...))
	if err != nil {
		return nil, err
	}
	var files []checkedFile
	var results []*render.Result
	var all []render.Rendered
	for _, path := range paths {
		file := checkedFile{name: path}
		var result *render.Result
		if path == "-" {
			file.name = p.stdinName
		}
		result, err := loadFor(p, path)
		switch {
		case err != nil && problem.Of(err) != nil && problem.Of(err).File != "":
			cause := *problem.Of(err)
			cause.File = ""
			file.problems = append(file.problems, fmt.Sprintf("line %d: %s", max(cause.Line, 1), cause.Error()))
			result = &render.Result{}
		case err != nil:
			return nil, err
		default:
			file.problems = lackingOf(p, path, result)
		}
		files, results = append(files, file), append(results, result)
		all = append(all, result.Objects...)
	}
	seen := map[engine.Ref]bool{}
	checked := engine.CheckEach(all, known)
	for i := range files {
		source := ""
		for _, o := range results[i].Objects {
			source = cmp.Or(sourceOf(o), source)
			object := p.object(o.Object, checked[0])
			object.source = source
			files[i].objects = append(files[i].objects, object)
			checked = checked[1:]
			if text := repeatedFor(p, o, seen); text != "" {
				files[i].problems = append(files[i].problems, text)
			}
		}
	}
	return files, nil
}

// sourceOf is the file of a chart that an object was made of, as helm names it in the comment that the object begins
// with; "" for none.
func sourceOf(o render.Rendered) string {
	if o.Source == nil || len(o.Source.Content) == 0 {
		return ""
	}
	for _, comment := range []string{o.Source.HeadComment, o.Source.Content[0].HeadComment} {
		first, _, _ := strings.Cut(comment, "\n")
		if source, named := strings.CutPrefix(first, "# Source: "); named {
			return strings.TrimSpace(source)
		}
	}
	return ""
}

// loadFor renders a file, a stream, or standard input.
func loadFor(p *peer, path string) (result *render.Result, err error) {
	options := render.Options{Namespace: p.namespace}
	if path == "-" {
		return manifests.Stream(p.In, options)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return &render.Result{}, nil
	case err == nil && !info.Mode().IsRegular():
		return manifests.Pipe(path, options)
	}
	_, err = manifests.Load("", path, p.namespace, v1alpha1.ApplicationSource{}, func(l manifests.Loaded) error { result = l.Result; return nil })
	return result, err
}

// lackingOf returns what of a file is no object, though the file was read.
func lackingOf(p *peer, path string, result *render.Result) []string {
	if slices.Contains(delivery.KustomizationNames(), filepath.Base(path)) && len(result.Objects) == 0 {
		return []string{"a kustomization and not an object: check what its folder is built to, as in `kustomize build FOLDER | " + p.flags.Name() + "`, or leave it out by --" + p.leaveOut + " kustomization"}
	}
	var lacking []string
	for _, w := range result.Warnings {
		switch {
		case w.Type == render.SkippedFile:
			lacking = append(lacking, fmt.Sprintf("line %d: %s", max(w.Line, 1), withoutPlace(w)))
		case w.Type == render.RepeatedResource && p.unique:
			lacking = append(lacking, "Duplicate resource: "+withoutPlace(w))
		}
	}
	switch {
	case len(result.Objects) > 0 || len(lacking) > 0:
	case path == "-":
		return []string{"no objects to validate; what writes into a file by > leaves nothing to read: write `| tee FILE |` for it"}
	default:
		return []string{"no objects to validate"}
	}
	return lacking
}

// repeatedFor returns what is said of an object that was there before; "" of any other.
func repeatedFor(p *peer, o render.Rendered, seen map[engine.Ref]bool) string {
	kind := o.Object.GroupVersionKind()
	ref := engine.Ref{Group: kind.Group, Kind: kind.Kind, Namespace: cmp.Or(o.Object.GetNamespace(), p.namespace), Name: o.Object.GetName()}
	before := seen[ref]
	if seen[ref] = true; !p.unique || !before || ref.Name == "" {
		return ""
	}
	return fmt.Sprintf("Duplicate '%s' resource '%s' in namespace '%s'", ref.Kind, ref.Name, ref.Namespace)
}

// object is what is said of one object, by what was found wrong with it.
func (p *peer) object(u *unstructured.Unstructured, found engine.Checked) checkedObject {
	c := checkedObject{kind: u.GetKind(), apiVersion: u.GetAPIVersion(), namespace: u.GetNamespace(), name: cmp.Or(u.GetName(), u.GetGenerateName()), status: statusValid}
	of := func(kinds []string) bool {
		return slices.ContainsFunc(kinds, func(k string) bool { return k == c.kind || k == c.apiVersion+"/"+c.kind })
	}
	switch {
	case of(p.reject):
		c.status, c.messages = statusError, []string{"prohibited resource kind " + c.kind}
		return c
	case of(p.skip):
		c.status = statusSkipped
		return c
	}
	for _, f := range found.Findings {
		plain := *f
		plain.File, plain.Object, plain.Line = "", "", 0
		c.messages = append(c.messages, fmt.Sprintf("line %d: %s", f.Line, plain.Error()))
		if c.status = statusInvalid; f.Rule == engine.RuleUnknownKind {
			c.status = statusError
		}
	}
	if len(c.messages) == 0 && p.ignoreMissing && found.Unknown {
		c.status = statusSkipped
	}
	return c
}

// paths are the files that are named, those below the folders that are, and standard input where nothing is. A folder
// without manifests is a path itself, so that it is an error and not passed over.
func (p *peer) paths(named []string) ([]string, error) {
	if len(named) == 0 {
		return []string{"-"}, nil
	}
	var ignored []*regexp.Regexp
	for _, pattern := range p.ignored {
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			return nil, kit.Usage("pattern "+pattern, err.Error(), "write a regular expression")
		}
		ignored = append(ignored, compiled)
	}
	var all []string
	for _, path := range named {
		info, err := os.Stat(path)
		switch {
		case path == "-":
			all = append(all, path)
			continue
		case err != nil:
			return nil, kit.Usage("file "+path, "not found", "name a file, a folder, or - for standard input")
		case !info.IsDir():
			all = append(all, path)
			continue
		}
		before := len(all)
		err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && render.IsManifest(name) {
				all = append(all, name)
			}
			return err
		})
		if err != nil {
			return nil, kit.Usage("folder "+path, err.Error(), "name a folder that can be read")
		}
		if len(all) == before {
			all = append(all, path)
		}
	}
	all = slices.DeleteFunc(all, func(name string) bool {
		return slices.ContainsFunc(ignored, func(r *regexp.Regexp) bool { return r.MatchString(name) })
	})
	if len(all) == 0 {
		return nil, kit.Usage("--"+p.leaveOut, "every file is left out", "give patterns that some file does not match")
	}
	return all, nil
}

// counts are how many objects have each status.
func counts(files []checkedFile) map[string]int {
	n := map[string]int{}
	for _, f := range files {
		n[statusError] += len(f.problems)
		for _, o := range f.objects {
			n[o.status]++
		}
	}
	return n
}
