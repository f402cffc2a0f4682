// Package validate checks manifests by the API server's own rules before anybody applies them, and answers to the names
// of the programs that people check them with.
package validate

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/cli/spec"
	"github.com/cyan-cd/cyan/internal/problem"
	engine "github.com/cyan-cd/cyan/internal/validate"
)

// options are the flags of the command.
type options struct {
	*kit.Env
	root, namespace      string
	repo, revision, path string
	failOn, kubeVersion  string
	crds, ignoreKinds    []string
	live, fix, yes       bool
	recurse              bool
	format               kit.Format
	spec                 *spec.Flags
}

// New makes the command validate.
func New(e *kit.Env) *cobra.Command {
	o := &options{Env: e}
	cmd := &cobra.Command{
		Use:   "validate [PATH|-]…",
		Short: "Check manifests by the API server's own rules, without one",
		Long: `Check manifests by the API server's own rules, without one: a kustomization, a directory of plain manifests, files, standard input (-), or a
folder of a repository (--repo, --revision, --path). Each finding has the place in the file that has the field, whatever overlays, patches,
generators and components it went through, and what to do about it.

It ends with 0 when nothing was found, with 1 when something was (--fail-on), and with 2 when nothing could be checked.`,
		Example: `  cyan validate k8s/overlays/local
  cyan validate -R .
  cyan validate k8s/*.yaml --kube-version 1.31
  helm template shop | cyan validate - --crds ../crds
  cyan validate k8s --ignore-kinds ServiceMonitor -o github
  cyan validate --repo https://git.example/shop --revision v1.2 --path k8s
  cyan validate k8s --fix`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.end(o.run(kit.ContextOf(cmd), args))
		},
	}
	flags := cmd.Flags()
	o.format.Bind(cmd, formatNames()...)
	flags.StringVar(&o.failOn, "fail-on", string(engine.SeverityError), "the lightest findings that make the command end with 1: error|warning|note")
	flags.StringVar(&o.kubeVersion, "kube-version", "", fmt.Sprintf("the version of Kubernetes that the manifests are for, 1.%d to 1.%d; the newest if not given", engine.OldestMinor, engine.NewestMinor))
	flags.StringArrayVar(&o.crds, "crds", nil, "folder with CustomResourceDefinitions, or JSON schemas GROUP/KIND_VERSION.json; may be repeated")
	flags.StringSliceVar(&o.ignoreKinds, "ignore-kinds", nil, "Kind, GROUP/Kind or GROUP/VERSION/Kind that is not checked when it is unknown; may be repeated")
	flags.BoolVar(&o.live, "live", false, "ask the cluster of the kubeconfig which kinds it serves, and whether what is referred to is there")
	flags.StringVarP(&o.namespace, "namespace", "n", "", "where objects go that name no namespace")
	flags.StringVar(&o.repo, "repo", "", "git repository to read from, instead of this machine")
	flags.StringVar(&o.revision, "revision", "", "branch, tag or commit of --repo; its default branch if not given")
	flags.StringVar(&o.path, "path", ".", "folder in --repo")
	flags.StringVar(&o.root, "root", "", "the directory that nothing outside is read of; the git work tree around PATH, or the working directory, if not given")
	flags.BoolVarP(&o.recurse, "recursive", "R", false, "check all kustomizations below a folder that no other is built on, and the files below it that belong to none; not in folders that begin with a dot, node_modules and vendor")
	flags.BoolVar(&o.fix, "fix", false, "show what can be corrected without guessing, as a diff, and write it")
	flags.BoolVarP(&o.yes, "yes", "y", false, "with --fix, write without asking")
	o.spec = spec.NewRender(cmd)
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{"error", "warning", "note"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// end makes an error of what could not be checked the exit code for that; findings have been shown.
func (o *options) end(err error) error {
	p := problem.Of(err)
	if err == nil || p != nil && p.Reported || p != nil && p.Kind == problem.Interrupted {
		return err
	}
	usage := &problem.Error{Kind: problem.Usage, Cause: err.Error(), Err: err}
	return usage
}

// check refuses flags that do not go together.
func (o *options) check(args []string) error {
	if err := o.format.Check(); err != nil {
		return err
	}
	switch engine.Severity(o.failOn) {
	case engine.SeverityError, engine.SeverityWarning, engine.SeverityNote:
	default:
		return kit.Usage("--fail-on", fmt.Sprintf("unknown severity %q", o.failOn), "give error, warning or note")
	}
	for _, kind := range o.ignoreKinds {
		if strings.ContainsAny(kind, "*?") || strings.TrimSpace(kind) == "" || strings.EqualFold(kind, "all") {
			return kit.Usage("--ignore-kinds", fmt.Sprintf("%q is not a kind", kind), "name each kind, as Kind, GROUP/Kind or GROUP/VERSION/Kind")
		}
	}
	if o.fix && slices.Contains(args, "-") {
		return kit.Usage("--fix", "given for standard input", "name the files that are to be written")
	}
	return o.checkRepository(args)
}

// checkRepository refuses what does not go with a repository elsewhere, or goes with nothing else.
func (o *options) checkRepository(args []string) error {
	switch {
	case o.repo != "" && len(args) > 0:
		return kit.Usage("--repo", "given together with paths of this machine", "leave one out, and name the folder in the repository by --path")
	case o.repo == "" && (o.revision != "" || o.path != "."):
		return kit.Usage("--revision, --path", "given without a repository", "name it by --repo")
	case o.repo != "" && o.recurse:
		return kit.Usage("--recursive", "given for a repository elsewhere", "name each folder by --path, or check it out")
	case o.repo != "" && o.fix:
		return kit.Usage("--fix", "given for a repository elsewhere", "check it out, and name its folder")
	}
	return nil
}

// known is what is known of kinds without a cluster.
func (o *options) known() (*engine.Known, error) {
	schemas := manifests.SchemasOf(o.crds, o.ignoreKinds)
	known, err := schemas.Known(o.namespace)
	if p := problem.Of(err); p != nil {
		p.Object = strings.Replace(p.Object, "--schema-location", "--crds", 1)
	}
	if err != nil {
		return nil, err
	}
	if o.kubeVersion != "" {
		if known.Minor, err = engine.ParseMinor(o.kubeVersion); err != nil {
			p := *problem.Of(err)
			p.Object = "--kube-version"
			return nil, &p
		}
		if known.Minor < engine.NewestMinor {
			o.Note("note: which kinds v1.%d serves is checked; their fields are checked by the rules of v1.%d", known.Minor, engine.NewestMinor)
		}
	}
	return known, nil
}

// What lives shortly had better not collect garbage more often than memory asks for.
const (
	garbage      = 400
	enoughMemory = 220 << 20
)

func (o *options) run(ctx context.Context, args []string) error {
	percent, most := debug.SetGCPercent(garbage), debug.SetMemoryLimit(enoughMemory)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(most)
	}()
	if err := o.check(args); err != nil {
		return err
	}
	app := &v1alpha1.Application{}
	if _, err := o.spec.Apply(app); err != nil {
		return err
	}
	source := v1alpha1.ApplicationSource{}
	if sources := app.Spec.GetSources(); len(sources) > 0 {
		source = sources[0]
	}
	known, err := o.known()
	if err != nil {
		return err
	}
	l := &loader{options: o, source: source}
	return l.load(ctx, args, func() error {
		if o.fix {
			return o.fixAll(l, known)
		}
		report, err := o.inspect(ctx, l, known)
		if err != nil {
			return err
		}
		return o.show(report)
	})
}

// inspect checks all that was loaded: each directory for itself, and all files together.
func (o *options) inspect(ctx context.Context, l *loader, known *engine.Known) (report, error) {
	r := report{Findings: l.findings}
	counted := counted{}
	for _, in := range l.inputs {
		asked := known
		if o.live {
			var err error
			if asked, err = o.ask(ctx, in.result.Objects, known); err != nil {
				return r, err
			}
		}
		r.Objects = append(r.Objects, counted.others(in.result)...)
		if len(in.result.Objects) == 0 {
			continue
		}
		found := engine.Inspect(in.trees, in.result, asked)
		r.Findings = append(append(r.Findings, found...), besides(found, ofControllers(in.result.Objects))...)
	}
	return r, nil
}

// show prints a report, and ends the command by it.
func (o *options) show(r report) error {
	r.sort()
	if err := formats[o.format.Value].print(o, r); err != nil {
		return err
	}
	failed := 0
	for _, f := range r.Findings {
		if f.Severity.AtLeast(engine.Severity(o.failOn)) {
			failed++
		}
	}
	switch {
	case len(r.Objects) == 0 && r.onlyNothing():
		return &problem.Error{Kind: problem.Usage, Cause: "nothing to validate", Reported: true}
	case failed > 0:
		return &problem.Error{Kind: problem.Negative, Cause: fmt.Sprintf("%d findings", failed), Reported: true}
	}
	return nil
}
