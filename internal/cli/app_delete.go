package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/plan"
)

type appDelete struct {
	*apps
	selector    string
	cascade     bool
	propagation string
	yes, wait   bool
	timeout     time.Duration
}

func newAppDelete(a *apps) *cobra.Command {
	o := &appDelete{apps: a}
	cmd := &cobra.Command{
		Use:   "delete NAME…",
		Short: "Delete Applications, and what they deployed",
		Example: `  cyan app delete shop
  cyan app delete shop --cascade=false -y     # leave its objects running`,
		ValidArgsFunction: a.completeApps(0),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.selector, "selector", "l", "", "every Application with these labels")
	f.BoolVar(&o.cascade, "cascade", true, "delete what it deployed as well")
	f.StringVarP(&o.propagation, "propagation-policy", "p", "foreground", "how its objects are deleted: foreground (with all that they own first) or background")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&o.wait, "wait", false, "wait until it is gone")
	f.DurationVar(&o.timeout, "timeout", 0, "how long to wait; for ever if not given")
	acceptSeconds(f.Lookup("timeout"))
	_ = cmd.RegisterFlagCompletionFunc("propagation-policy", cobra.FixedCompletions([]string{"foreground", "background"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *appDelete) run(ctx context.Context, names []string) error {
	finalizer := map[string]string{"foreground": v1alpha1.ResourcesFinalizer, "background": v1alpha1.ResourcesFinalizerBackground}[o.propagation]
	if finalizer == "" {
		return &Trouble{Problem: fmt.Sprintf("there is no propagation policy %q", o.propagation), Remedy: "give foreground or background", Code: codeUsage}
	}
	if !o.cascade {
		finalizer = ""
	}
	c, err := o.connect()
	if err != nil {
		return err
	}
	picked, err := o.pick(ctx, c, names, o.selector)
	if err != nil {
		return err
	}
	for _, app := range picked {
		if err := o.confirm(o.question(app), o.yes); err != nil {
			return err
		}
		if err := o.delete(ctx, c, app, finalizer); err != nil {
			return err
		}
	}
	if !o.wait {
		return nil
	}
	wait := &appWait{apps: o.apps, delete: true, timeout: o.timeout}
	ctx, cancel := limited(ctx, o.timeout)
	defer cancel()
	var failed []error
	for _, app := range picked {
		if err := wait.wait(ctx, c, app); err != nil {
			failed = append(failed, err)
		}
	}
	return firstWithRest(failed)
}

func (o *appDelete) question(app *v1alpha1.Application) string {
	if !o.cascade {
		return fmt.Sprintf("delete Application %q and leave its objects running?", app.Name)
	}
	return fmt.Sprintf("delete Application %q and the %d objects that it deployed?", app.Name, len(app.Status.Resources))
}

func (o *appDelete) delete(ctx context.Context, c client.Client, app *v1alpha1.Application, finalizer string) error {
	before := app.DeepCopy()
	app.Finalizers = slices.DeleteFunc(app.Finalizers, func(f string) bool { return strings.HasPrefix(f, v1alpha1.ResourcesFinalizer) })
	if finalizer != "" {
		app.Finalizers = append(app.Finalizers, finalizer)
	}
	if !slices.Equal(before.Finalizers, app.Finalizers) && app.DeletionTimestamp == nil {
		if err := patch.Object(ctx, c, before, app); err != nil {
			return o.explain(err, "deleting Application "+app.Name)
		}
	}
	if err := c.Delete(ctx, app); client.IgnoreNotFound(err) != nil {
		return o.explain(err, "deleting Application "+app.Name)
	}
	return o.say(fmt.Sprintf("application '%s' is being deleted", app.Name))
}

func newAppRollback(a *apps) *cobra.Command {
	var prune, dryRun, async, yes bool
	var timeout time.Duration
	var out format
	cmd := &cobra.Command{
		Use:   "rollback NAME [ID]",
		Short: "Sync an Application back to what was deployed before",
		Long: `Sync an Application back to what was deployed before: to the entry of its history with this ID, or to the one before the last.

While automated sync is on, the commit that you leave is pinned: it is not synced by itself again. The next commit is, and lifts the pin; so does a sync of
this commit that you ask for yourself. Until then, changes in the cluster are not healed.`,
		Example: `  cyan app history shop
  cyan app rollback shop 3`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeHistory,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			app, err := a.get(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			entry, err := a.entry(app, args[1:])
			if err != nil {
				return err
			}
			question := fmt.Sprintf("sync Application %q back to %s?", app.Name, screens.ShortRevision(entry.Revision))
			if err := a.confirmRollback(question, yes); err != nil {
				return err
			}
			pin := pinFor(app, entry)
			if dryRun {
				pin = ""
			}
			if app, err = a.start(cmd.Context(), c, app, a.rollbackTo(app, entry, prune, dryRun), pinned(pin)); err != nil {
				return err
			}
			if pin != "" {
				a.note("commit %s will not be synced by itself again; the next one will", screens.ShortRevision(pin))
			}
			if async {
				return a.say(fmt.Sprintf("application '%s' rollback asked for", app.Name))
			}
			return a.finish(cmd.Context(), c, app, timeout, &out)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&prune, "prune", false, "delete what it did not have then")
	f.BoolVar(&dryRun, "dry-run", false, "ask the API server what would happen, and change nothing")
	f.BoolVar(&async, "async", false, "do not wait")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	f.DurationVar(&timeout, "timeout", 0, "how long to wait; for ever if not given")
	acceptSeconds(f.Lookup("timeout"))
	out.bind(cmd, outJSON, outYAML, outWide, outTree, outName)
	return cmd
}

// confirmRollback asks on a terminal; scripts roll back without being asked, since nothing is lost by it.
func (a *apps) confirmRollback(question string, yes bool) error {
	if !a.terminal().IsTerminal() {
		return nil
	}
	return a.confirm(question, yes)
}

// entry finds the entry of an Application's history.
func (a *apps) entry(app *v1alpha1.Application, id []string) (v1alpha1.RevisionHistory, error) {
	history := app.Status.History
	if len(id) == 0 {
		if len(history) < 2 {
			return v1alpha1.RevisionHistory{}, &Trouble{Problem: fmt.Sprintf("Application %q has nothing to go back to: %d revision was deployed", app.Name, len(history)), Code: codeMissing}
		}
		return history[len(history)-2], nil
	}
	var there []string
	for _, h := range history {
		text := strconv.FormatInt(h.ID, 10)
		if text == id[0] {
			return h, nil
		}
		there = append(there, text)
	}
	t := &Trouble{Problem: fmt.Sprintf("the history of Application %q has no ID %s", app.Name, id[0]), Code: codeMissing}
	if len(there) > 0 {
		t.Remedy = "it has: " + strings.Join(there, ", ")
	}
	return v1alpha1.RevisionHistory{}, t
}

// pinFor is the commit that a rollback leaves and automation would bring back; "" when there is none.
func pinFor(app *v1alpha1.Application, entry v1alpha1.RevisionHistory) string {
	leaves := app.Status.Sync.Revision
	if p := app.Spec.SyncPolicy; p == nil || p.Automated == nil || p.Automated.Enabled != nil && !*p.Automated.Enabled || leaves == entry.Revision {
		return ""
	}
	return leaves
}

// pinned puts a pin on an Application.
func pinned(commit string) func(*v1alpha1.Application) {
	return func(app *v1alpha1.Application) {
		if commit != "" {
			metav1.SetMetaDataAnnotation(&app.ObjectMeta, plan.RollbackPinAnnotation, commit)
		}
	}
}

func (a *apps) rollbackTo(app *v1alpha1.Application, entry v1alpha1.RevisionHistory, prune, dryRun bool) *v1alpha1.Operation {
	sync := &v1alpha1.SyncOperation{
		Revision: entry.Revision, Revisions: entry.Revisions, Source: entry.Source, Sources: entry.Sources, Prune: prune, DryRun: dryRun,
		SyncStrategy: &v1alpha1.SyncStrategy{Apply: &v1alpha1.SyncStrategyApply{}},
	}
	if app.Spec.SyncPolicy != nil {
		sync.SyncOptions = app.Spec.SyncPolicy.SyncOptions
	}
	return &v1alpha1.Operation{Sync: sync, InitiatedBy: v1alpha1.OperationInitiator{Username: a.userName()}}
}

func (a *apps) completeHistory(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.completeApps(1)(cmd, args, typed)
	}
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	app, err := a.read(contextOf(cmd), args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, h := range slices.Backward(app.Status.History) {
		ids = append(ids, cobra.CompletionWithDesc(strconv.FormatInt(h.ID, 10), screens.ShortRevision(h.Revision)+" deployed "+h.DeployedAt.UTC().Format(time.RFC3339)))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
