package app

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/spec"
)

type syncCommand struct {
	*kit.Control
	selector       string
	revision       string
	local          string
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
  cyan app sync -l team=shop --async`,
		Args:              namesOrSelector(&o.selector),
		ValidArgsFunction: completeApps(a, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.selector, "selector", "l", "", "every Application with these labels")
	f.StringVar(&o.revision, "revision", "", "sync to this branch, tag or commit, this once")
	f.StringVar(&o.local, "local", "", "not served: commit what is to be synced")
	_ = f.MarkHidden("local")
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
	o.out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Tree, kit.Name)
	_ = cmd.RegisterFlagCompletionFunc("strategy", cobra.FixedCompletions([]string{"apply", "hook"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *syncCommand) run(ctx context.Context, names []string) error {
	if o.local != "" {
		return kit.Usage("--local", "not served: what is synced comes from git", "commit it; "+o.Command("app diff --local")+" shows what it would change")
	}
	if err := o.out.Check(); err != nil {
		return err
	}
	c, err := o.Connect()
	if err != nil {
		return err
	}
	picked, err := pick(ctx, o.Control, c, names, o.selector)
	if err != nil {
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
	sync := &v1alpha1.SyncOperation{Revision: o.revision, Prune: o.prune, DryRun: o.dryRun}
	if app.Spec.SyncPolicy != nil {
		sync.SyncOptions = append(sync.SyncOptions, app.Spec.SyncPolicy.SyncOptions...)
	}
	for option, wanted := range map[string]bool{"Replace=true": o.replace, "ServerSideApply=true": o.serverSide, "ApplyOutOfSyncOnly=true": o.onlyOutOfSync} {
		if wanted {
			sync.SyncOptions, _ = spec.MergeSyncOptions(sync.SyncOptions, []string{option})
		}
	}
	var err error
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
