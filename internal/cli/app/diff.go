package app

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

type diffCommand struct {
	*kit.Control
	local, revision, refresh string
	root                     string
	// whole is set where --local is the directory of the repository.
	whole    bool
	exitCode bool
	// code is what the command ends with when there are differences.
	code      int
	revisions revisionFlags
	// masked are the annotations of Secrets whose values are not shown.
	masked []string
}

func newDiff(a *kit.Control) *cobra.Command {
	o := &diffCommand{Control: a}
	var refresh, hard bool
	cmd := &cobra.Command{
		Use:   "diff NAME",
		Short: "Show what a sync would change, by asking the API server",
		Long: `Show what a sync would change: what git, or a local directory, renders to is applied as a dry run, so that defaults are no difference.
It ends with 1 when there are differences (see --exit-code), with 0 when there are none, and with 2 when it cannot tell.`,
		Example: `  cyan app diff shop
  cyan app diff shop --revision feature
  cyan app diff shop --local k8s/overlays/local
  cyan app diff shop --local . --server-side-generate`,
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if refresh {
				o.refresh = action.RefreshNormal
			}
			if hard {
				o.refresh = action.RefreshHard
			}
			different, err := o.run(cmd.Context(), args[0])
			if err != nil {
				return &problem.Error{Kind: problem.Usage, Cause: err.Error(), Err: err}
			}
			if different && o.exitCode {
				return &kit.Exit{Code: o.code}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.local, "local", "", "compare with what this local directory renders to")
	f.StringVar(&o.revision, "revision", "", "compare with this branch, tag or commit")
	f.BoolVar(&o.exitCode, "exit-code", true, "end with 1 when there are differences")
	f.IntVar(&o.code, "diff-exit-code", 1, "end with this when there are differences")
	f.StringVar(&o.root, "local-repo-root", "", "the directory that nothing outside is read of, where --local is given")
	f.BoolVar(&o.whole, "server-side-generate", false, "take --local for the whole repository, with the Application's path in it")
	o.revisions.bind(cmd)
	a.Idle(cmd, "the API server is always asked what a sync would change", "server-side-diff", "server-side-diff-concurrency=", "server-side-diff-max-batch-kb=")
	a.Idle(cmd, "expressions have a limit of their own", "ignore-normalizer-jq-execution-timeout=")
	f.BoolVar(&refresh, "refresh", false, "have the controller look at git first")
	f.BoolVar(&hard, "hard-refresh", false, "the same, past every cache")
	return cmd
}

func (o *diffCommand) run(ctx context.Context, name string) (different bool, err error) {
	c, err := o.Connect()
	if err != nil {
		return false, err
	}
	app, err := get(ctx, o.Control, c, name)
	if err != nil {
		return false, err
	}
	if o.refresh != "" {
		if app, err = refresh(ctx, o.Control, c, app, o.refresh, refreshTimeout); err != nil {
			return false, err
		}
	}
	revision, err := o.revisions.of(app)
	if err != nil {
		return false, err
	}
	local, err := o.localDir(app)
	if err != nil {
		return false, err
	}
	rendered, err := renderDesired(ctx, o.Control, c, app, local, cmp.Or(o.revision, revision))
	if err != nil {
		return false, err
	}
	compared, err := compareWith(ctx, o.Control, c, app, rendered)
	if err != nil {
		return false, o.Explain(err, "comparing "+object(app)+" with its cluster")
	}
	if !compared.Complete {
		return false, &problem.Error{Kind: problem.Refused, Object: object(app), Cause: problemsOf(compared)}
	}
	written, err := settingsOf(ctx, o.Control, c)
	if err != nil {
		return false, err
	}
	o.masked = written.MaskedAnnotations
	different, err = o.showAll(compared)
	if cause := refusalsOf(compared); err == nil && cause != "" {
		err = &problem.Error{Kind: problem.Refused, Object: object(app), Cause: cause}
	}
	return different, err
}

// localDir is the directory that is compared with.
func (o *diffCommand) localDir(app *v1alpha1.Application) (localDir, error) {
	switch {
	case !o.whole:
		return localDir{o.local, o.root}, nil
	case o.local == "":
		return localDir{}, kit.Usage("--server-side-generate", "given without --local", "add --local, or leave it out")
	case o.root != "":
		return localDir{}, kit.Usage("--local-repo-root", "given together with --server-side-generate, which takes --local for it", "leave one out")
	}
	src, _ := app.SyncSource()
	return localDir{filepath.Join(o.local, filepath.FromSlash(src.Path)), o.local}, nil
}

// refusalsOf lists the objects that a sync would refuse; "" for none.
func refusalsOf(compared compare.Comparison) string {
	compared.Problems = slices.DeleteFunc(slices.Clone(compared.Problems), func(p compare.Problem) bool { return !p.OfObjects })
	return problemsOf(compared)
}

func problemsOf(compared compare.Comparison) string {
	lines := make([]string, len(compared.Problems))
	for i, p := range compared.Problems {
		lines[i] = p.Err.Error()
	}
	return strings.Join(lines, "; ")
}

// showAll prints every object that is not as git has it. One that the API server refuses keeps no other from being
// shown.
func (o *diffCommand) showAll(compared compare.Comparison) (different bool, err error) {
	for kind, err := range compared.Live.Broken {
		return false, o.Explain(err, "reading "+kind.String())
	}
	var refused error
	desired := map[plan.Key]*unstructured.Unstructured{}
	for _, d := range compared.Desired {
		desired[plan.KeyOf(d.Object)] = d.Object
	}
	for _, r := range compared.Plan.Resources {
		if r.Status != v1alpha1.OutOfSync {
			continue
		}
		different = true
		predicted := compared.Predictions[r.Key]
		if predicted.Err != nil && refused == nil {
			refused = o.Explain(predicted.Err, "asking what a sync would make of "+r.Key.String())
		}
		if err := o.showOne(r, desired[r.Key], predicted); err != nil {
			return different, err
		}
	}
	return different, refused
}

// showOne prints how a live object differs from what a sync would make of it.
func (o *diffCommand) showOne(r plan.Resource, desired *unstructured.Unstructured, predicted compare.Prediction) error {
	// Tools look for this heading.
	name := fmt.Sprintf("%s/%s %s/%s ======", r.Key.Group, r.Key.Kind, r.Key.Namespace, r.Key.Name)
	switch {
	case r.RequiresPruning:
		return o.Say(o.Page().Theme.Bad(fmt.Sprintf("===== %s not in git; a sync with --prune deletes it", name)))
	case r.Live == nil:
		return o.unified(name+" new", nil, desired)
	case predicted.Err != nil:
		return o.Say(o.Page().Theme.Bad(fmt.Sprintf("===== %s the API server refuses what git has", name)))
	}
	return o.unified(name, r.Live, cmp.Or(predicted.Object, desired))
}

// unified prints a unified diff from one object to another.
func (o *diffCommand) unified(title string, from, to *unstructured.Unstructured) error {
	before, err := readable(from, o.masked)
	if err != nil {
		return err
	}
	after, err := readable(to, o.masked)
	if err != nil {
		return err
	}
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: before, B: after, FromFile: "live", ToFile: "git", Context: 3})
	if err != nil {
		return err
	}
	theme := o.Page().Theme
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "+"):
			lines[i] = theme.Good(line)
		case strings.HasPrefix(line, "-"):
			lines[i] = theme.Bad(line)
		case strings.HasPrefix(line, "@@"):
			lines[i] = theme.Quiet(line)
		}
	}
	return o.Show(theme.Strong("===== "+title) + "\n" + strings.Join(lines, "\n") + "\n\n")
}

// readable are the lines of an object without bookkeeping. The values of a Secret are distinguished, not shown.
func readable(object *unstructured.Unstructured, masked []string) ([]string, error) {
	if object == nil {
		return nil, nil
	}
	o := object.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(o.Object, "status")
	data, err := yaml.Marshal(kit.Masked(o, masked...).Object)
	if err != nil {
		return nil, err
	}
	return difflib.SplitLines(string(data)), nil
}
