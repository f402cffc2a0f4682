package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/spec"
	"github.com/cyan-cd/cyan/internal/problem"
)

type syncCommand struct {
	*kit.Control
	selector       string
	projects       []string
	revisions      revisionFlags
	preview, yes   bool
	revision       string
	local          localDir
	resources      []string
	labels         []string
	strategy       string
	info           []string
	prune, dryRun  bool
	force, replace bool
	serverSide     bool
	onlyOutOfSync  bool
	async          bool
	timeout        time.Duration
	retry          v1alpha1.RetryStrategy
	backoff        v1alpha1.RetryBackoff
	factor         int64
	out            kit.Format
}

func newSync(a *kit.Control) *cobra.Command {
	o := &syncCommand{Control: a}
	cmd := &cobra.Command{
		Use:   "sync NAME…",
		Short: "Sync Applications to git now, and wait until it is done",
		Example: `  cyan app sync shop
  cyan app sync shop --prune --timeout 5m
  cyan app sync shop --resource apps:Deployment:web
  cyan app sync shop --local k8s/overlays/local --dry-run
  cyan app sync -l team=shop --async`,
		Args:              o.args,
		ValidArgsFunction: completeApps(a, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.selector, "selector", "l", "", "every Application with these labels")
	f.StringArrayVar(&o.projects, "project", nil, "every Application of this project; with names, only if it is of it")
	o.revisions.bind(cmd)
	a.Idle(cmd, "the API server is always asked what a sync would change", "server-side-diff-concurrency=", "server-side-diff-max-batch-kb=")
	a.Idle(cmd, "expressions have a limit of their own", "ignore-normalizer-jq-execution-timeout=")
	f.BoolVar(&o.preview, "preview-changes", false, "show what would change, and ask")
	f.BoolVar(&o.yes, "assumeYes", false, "do not ask")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.StringVar(&o.revision, "revision", "", "sync to this branch, tag or commit, this once")
	f.StringVar(&o.local.path, "local", "", "with --dry-run: see what a sync of this local directory would do")
	f.StringVar(&o.local.root, "local-repo-root", "", "the directory that nothing outside is read of, where --local is given")
	f.StringArrayVar(&o.resources, "resource", nil, "only these: GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME; * stands for any, and a leading ! leaves out")
	f.StringArrayVar(&o.labels, "label", nil, "only objects with this label, KEY=VALUE")
	f.BoolVar(&o.prune, "prune", false, "delete what git no longer has")
	f.BoolVar(&o.dryRun, "dry-run", false, "ask the API server what would happen, and change nothing")
	f.BoolVar(&o.force, "force", false, "delete and create again what cannot be updated")
	f.BoolVar(&o.replace, "replace", false, "replace objects instead of applying")
	f.BoolVar(&o.serverSide, "server-side", false, "ask for server-side apply, which is what Cyan always does")
	f.BoolVar(&o.onlyOutOfSync, "apply-out-of-sync-only", false, "leave alone what is in sync")
	f.StringVar(&o.strategy, "strategy", "", "apply (without hooks) or hook")
	f.StringArrayVar(&o.info, "info", nil, "KEY=VALUE to remember with the operation")
	f.BoolVar(&o.async, "async", false, "do not wait")
	f.DurationVar(&o.timeout, "timeout", 0, "how long to wait; for ever if not given")
	f.Int64Var(&o.retry.Limit, "retry-limit", 0, "how often to try again")
	f.BoolVar(&o.retry.Refresh, "retry-refresh", false, "take the newest revision for a retry")
	f.StringVar(&o.backoff.Duration, "retry-backoff-duration", "5s", "time before the first retry")
	f.Int64Var(&o.factor, "retry-backoff-factor", 2, "what it is multiplied by each time")
	f.StringVar(&o.backoff.MaxDuration, "retry-backoff-max-duration", "3m", "the longest it gets")
	kit.AcceptSeconds(f.Lookup("timeout"))
	o.out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Tree, kit.DetailedTree, kit.Name)
	_ = cmd.RegisterFlagCompletionFunc("strategy", cobra.FixedCompletions([]string{"apply", "hook"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// args wants names, a selector or a project.
func (o *syncCommand) args(cmd *cobra.Command, names []string) error {
	if len(names) == 0 && o.selector == "" && len(o.projects) > 0 {
		return nil
	}
	return namesOrSelector(&o.selector)(cmd, names)
}

// picked reads the Applications that are meant.
func (o *syncCommand) picked(ctx context.Context, c client.Client, names []string) ([]*v1alpha1.Application, error) {
	selector := o.selector
	if len(names) == 0 && selector == "" {
		all, err := listServed(ctx, o.Control, c, labels.Everything())
		if err != nil {
			return nil, err
		}
		for i := range all {
			if slices.Contains(o.projects, all[i].Spec.Project) {
				names = append(names, all[i].Namespace+"/"+all[i].Name)
			}
		}
		if len(names) == 0 {
			return nil, &problem.Error{Kind: problem.Absent, Object: "--project", Cause: "no Application in namespace " + o.Namespace + " is of " + strings.Join(o.projects, ", ")}
		}
	}
	picked, err := pick(ctx, o.Control, c, names, selector)
	if selector != "" && problem.KindOf(err) == problem.Absent {
		return nil, &problem.Error{Kind: problem.Absent, Object: "--selector", Cause: "No matching apps found for filter: selector " + selector}
	}
	for _, app := range picked {
		if len(o.projects) > 0 && !slices.Contains(o.projects, app.Spec.Project) && o.selector == "" {
			return nil, &problem.Error{Kind: problem.Absent, Object: object(app), Cause: fmt.Sprintf("of project %q, not %s", app.Spec.Project, strings.Join(o.projects, ", "))}
		}
	}
	if o.selector != "" && len(o.projects) > 0 {
		picked = slices.DeleteFunc(picked, func(app *v1alpha1.Application) bool { return !slices.Contains(o.projects, app.Spec.Project) })
	}
	return picked, err
}

// previewed shows what a sync would change, and asks; it reports whether to go on.
func (o *syncCommand) previewed(ctx context.Context, app *v1alpha1.Application, revision string) (bool, error) {
	diff := &diffCommand{Control: o.Control, revision: revision}
	different, err := diff.run(ctx, app.Namespace+"/"+app.Name)
	if err != nil {
		return false, err
	}
	if !different {
		return false, o.Say(fmt.Sprintf("application '%s' has no differences", app.Name))
	}
	return true, o.Confirm(fmt.Sprintf("sync Application %q?", app.Name), o.yes)
}

func (o *syncCommand) run(ctx context.Context, names []string) error {
	if err := o.out.Check(); err != nil {
		return err
	}
	c, err := o.ConnectServed()
	if err != nil {
		return err
	}
	picked, err := o.picked(ctx, c, names)
	if err != nil {
		return err
	}
	if err := o.checkLocal(picked); err != nil {
		return err
	}
	var failed []error
	for _, app := range picked {
		if err := o.sync(ctx, c, app); err != nil {
			failed = append(failed, err)
		}
	}
	return kit.FirstWithRest(failed)
}

func (o *syncCommand) sync(ctx context.Context, c client.WithWatch, app *v1alpha1.Application) error {
	operation, err := o.operation(ctx, c, app)
	if err != nil {
		return err
	}
	if o.local.path != "" {
		return o.tryLocal(ctx, c, app, operation)
	}
	if o.preview {
		if goOn, err := o.previewed(ctx, app, operation.Sync.Revision); err != nil || !goOn {
			return err
		}
	}
	app, err = start(ctx, o.Control, c, app, operation, nil)
	if err != nil {
		return err
	}
	if o.async {
		return o.Say(fmt.Sprintf("application '%s' sync asked for", app.Name))
	}
	return finish(ctx, o.Control, c, app, o.timeout, &o.out)
}

// operation is what is asked of the controller.
func (o *syncCommand) operation(ctx context.Context, c client.Client, app *v1alpha1.Application) (*v1alpha1.Operation, error) {
	revision, err := o.revisions.of(app)
	if err != nil {
		return nil, err
	}
	sync := &v1alpha1.SyncOperation{Revision: cmp.Or(o.revision, revision), Prune: o.prune, DryRun: o.dryRun}
	if app.Spec.SyncPolicy != nil {
		sync.SyncOptions = append(sync.SyncOptions, app.Spec.SyncPolicy.SyncOptions...)
	}
	for option, wanted := range map[string]bool{"Replace=true": o.replace, "ServerSideApply=true": o.serverSide, "ApplyOutOfSyncOnly=true": o.onlyOutOfSync} {
		if wanted {
			sync.SyncOptions, _ = spec.MergeSyncOptions(sync.SyncOptions, []string{option})
		}
	}
	if sync.SyncStrategy, err = strategyOf(o.strategy, o.force); err != nil {
		return nil, err
	}
	if sync.Resources, err = o.chosen(ctx, c, app); err != nil {
		return nil, err
	}
	operation := &v1alpha1.Operation{Sync: sync, InitiatedBy: v1alpha1.OperationInitiator{Username: o.Kube.UserName()}}
	if o.retry.Limit != 0 {
		operation.Retry = v1alpha1.RetryStrategy{Limit: o.retry.Limit, Refresh: o.retry.Refresh, Backoff: &v1alpha1.RetryBackoff{
			Duration: o.backoff.Duration, Factor: &o.factor, MaxDuration: o.backoff.MaxDuration,
		}}
	} else if app.Spec.SyncPolicy != nil && app.Spec.SyncPolicy.Retry != nil {
		operation.Retry = *app.Spec.SyncPolicy.Retry
	}
	err = kit.Pairs(o.info, func(k, v string) { operation.Info = append(operation.Info, &v1alpha1.Info{Name: k, Value: v}) })
	if err != nil {
		return nil, kit.Usage("--info", err.Error(), "")
	}
	return operation, nil
}

func strategyOf(name string, force bool) (*v1alpha1.SyncStrategy, error) {
	apply := v1alpha1.SyncStrategyApply{Force: force}
	switch name {
	case "":
		if !force {
			return nil, nil
		}
		return &v1alpha1.SyncStrategy{Hook: &v1alpha1.SyncStrategyHook{SyncStrategyApply: apply}}, nil
	case "hook":
		return &v1alpha1.SyncStrategy{Hook: &v1alpha1.SyncStrategyHook{SyncStrategyApply: apply}}, nil
	case "apply":
		return &v1alpha1.SyncStrategy{Apply: &apply}, nil
	}
	return nil, kit.Usage("--strategy", fmt.Sprintf("unknown strategy %q", name), "give apply or hook")
}
