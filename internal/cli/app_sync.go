package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/render"
)

type appSync struct {
	*apps
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
	out            format
}

func newAppSync(a *apps) *cobra.Command {
	o := &appSync{apps: a}
	cmd := &cobra.Command{
		Use:   "sync NAME…",
		Short: "Sync Applications to git now, and wait until it is done",
		Example: `  cyan app sync shop
  cyan app sync shop --prune --timeout 5m
  cyan app sync shop --resource apps:Deployment:web
  cyan app sync -l team=shop --async`,
		ValidArgsFunction: a.completeApps(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.selector, "selector", "l", "", "every Application with these labels")
	f.StringVar(&o.revision, "revision", "", "sync to this branch, tag or commit, this once")
	f.StringVar(&o.local, "local", "", "sync to what this local directory renders to, this once")
	f.StringArrayVar(&o.resources, "resource", nil, "only these: GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME; * stands for any")
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
	acceptSeconds(f.Lookup("timeout"))
	o.out.bind(cmd, outJSON, outYAML, outWide, outTree, outName)
	_ = cmd.RegisterFlagCompletionFunc("strategy", cobra.FixedCompletions([]string{"apply", "hook"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *appSync) run(ctx context.Context, names []string) error {
	if err := o.out.check(); err != nil {
		return err
	}
	c, err := o.connect()
	if err != nil {
		return err
	}
	picked, err := o.pick(ctx, c, names, o.selector)
	if err != nil {
		return err
	}
	var failed []error
	for _, app := range picked {
		if err := o.sync(ctx, c, app); err != nil {
			failed = append(failed, err)
		}
	}
	return firstWithRest(failed)
}

// firstWithRest keeps the exit code of the first error while telling all.
func firstWithRest(all []error) error {
	if len(all) < 2 {
		return errors.Join(all...)
	}
	var lines []string
	for _, err := range all {
		if line := Message(err); line != "" {
			lines = append(lines, strings.TrimPrefix(line, "Error: "))
		}
	}
	return &Trouble{Problem: strings.Join(lines, "\n"), Silent: len(lines) == 0, Code: ExitCode(all[0]), cause: all[0]}
}

func (o *appSync) sync(ctx context.Context, c client.WithWatch, app *v1alpha1.Application) error {
	operation, err := o.operation(ctx, c, app)
	if err != nil {
		return err
	}
	app, err = o.start(ctx, c, app, operation)
	if err != nil {
		return err
	}
	if o.async {
		return o.say(fmt.Sprintf("application '%s' sync asked for", app.Name))
	}
	return o.finish(ctx, c, app, o.timeout, &o.out)
}

// operation is what is asked of the controller.
func (o *appSync) operation(ctx context.Context, c client.Client, app *v1alpha1.Application) (*v1alpha1.Operation, error) {
	sync := &v1alpha1.SyncOperation{Revision: o.revision, Prune: o.prune, DryRun: o.dryRun}
	if app.Spec.SyncPolicy != nil {
		sync.SyncOptions = append(sync.SyncOptions, app.Spec.SyncPolicy.SyncOptions...)
	}
	for option, wanted := range map[string]bool{"Replace=true": o.replace, "ServerSideApply=true": o.serverSide, "ApplyOutOfSyncOnly=true": o.onlyOutOfSync} {
		if wanted {
			_ = setSyncOptionsOn(&sync.SyncOptions, option)
		}
	}
	var err error
	if sync.SyncStrategy, err = strategyOf(o.strategy, o.force); err != nil {
		return nil, err
	}
	if sync.Resources, err = o.chosen(ctx, c, app); err != nil {
		return nil, err
	}
	if o.local != "" {
		if sync.Manifests, err = o.localManifests(app); err != nil {
			return nil, err
		}
	}
	operation := &v1alpha1.Operation{Sync: sync, InitiatedBy: v1alpha1.OperationInitiator{Username: o.userName()}}
	if o.retry.Limit != 0 {
		operation.Retry = v1alpha1.RetryStrategy{Limit: o.retry.Limit, Refresh: o.retry.Refresh, Backoff: &v1alpha1.RetryBackoff{
			Duration: o.backoff.Duration, Factor: &o.factor, MaxDuration: o.backoff.MaxDuration,
		}}
	} else if app.Spec.SyncPolicy != nil && app.Spec.SyncPolicy.Retry != nil {
		operation.Retry = *app.Spec.SyncPolicy.Retry
	}
	err = pairs(o.info, func(k, v string) { operation.Info = append(operation.Info, &v1alpha1.Info{Name: k, Value: v}) })
	if err != nil {
		return nil, &Trouble{Problem: "--info: " + err.Error(), Code: codeUsage}
	}
	return operation, nil
}

func setSyncOptionsOn(options *[]string, option string) error {
	app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{SyncPolicy: &v1alpha1.SyncPolicy{SyncOptions: *options}}}
	err := setSyncOptions(app, []string{option})
	*options = app.Spec.SyncPolicy.SyncOptions
	return err
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
	return nil, &Trouble{Problem: fmt.Sprintf("there is no sync strategy %q", name), Remedy: "give --strategy apply or hook", Code: codeUsage}
}

// chosen are the objects that --resource and --label name.
func (o *appSync) chosen(ctx context.Context, c client.Client, app *v1alpha1.Application) ([]v1alpha1.SyncOperationResource, error) {
	if len(o.resources) == 0 && len(o.labels) == 0 {
		return nil, nil
	}
	var chosen []v1alpha1.SyncOperationResource
	for _, wanted := range o.resources {
		found, err := matchResources(app, wanted)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, found...)
	}
	if len(o.labels) == 0 {
		return chosen, nil
	}
	selector, err := labels.Parse(strings.Join(o.labels, ","))
	if err != nil {
		return nil, &Trouble{Problem: "reading --label: " + err.Error(), Remedy: "write it as KEY=VALUE", Code: codeUsage}
	}
	for _, r := range app.Status.Resources {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind})
		err := c.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: r.Name}, object)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, o.explain(err, "reading "+screens.ObjectName(r.Kind, r.Namespace, r.Name))
		}
		if selector.Matches(labels.Set(object.Labels)) {
			chosen = append(chosen, v1alpha1.SyncOperationResource{Group: r.Group, Kind: r.Kind, Name: r.Name, Namespace: r.Namespace})
		}
	}
	if len(chosen) == 0 {
		return nil, &Trouble{Problem: fmt.Sprintf("no object of Application %q has the labels %s", app.Name, selector), Code: codeMissing}
	}
	return chosen, nil
}

// matchResources finds the objects of an Application that GROUP:KIND:[NAMESPACE/]NAME names.
func matchResources(app *v1alpha1.Application, wanted string) ([]v1alpha1.SyncOperationResource, error) {
	parts := strings.Split(wanted, ":")
	if len(parts) != 3 {
		return nil, &Trouble{Problem: fmt.Sprintf("--resource %q is not of the form GROUP:KIND:NAME", wanted), Remedy: "the core group is empty, as in :Service:web", Code: codeUsage}
	}
	namespace, name, ok := strings.Cut(parts[2], "/")
	if !ok {
		namespace, name = "*", parts[2]
	}
	is := func(pattern, value string) bool { return pattern == "*" || pattern == value }
	var found []v1alpha1.SyncOperationResource
	var there []string
	for _, r := range app.Status.Resources {
		if is(parts[0], r.Group) && is(parts[1], r.Kind) && is(namespace, r.Namespace) && is(name, r.Name) {
			found = append(found, v1alpha1.SyncOperationResource{Group: r.Group, Kind: r.Kind, Name: r.Name, Namespace: r.Namespace})
		}
		there = append(there, r.Group+":"+r.Kind+":"+r.Name)
	}
	if len(found) == 0 {
		t := &Trouble{Problem: fmt.Sprintf("Application %q has no object %s", app.Name, wanted), Code: codeMissing}
		if len(there) > 0 {
			t.Remedy = "it has: " + choices(there)
		}
		return nil, t
	}
	return found, nil
}

// localManifests renders a local directory, one manifest per object.
func (o *appSync) localManifests(app *v1alpha1.Application) ([]string, error) {
	rendered, err := renderLocal(o.local, app)
	if err != nil {
		return nil, err
	}
	return encodeEach(rendered)
}

func encodeEach(rendered []render.Rendered) ([]string, error) {
	manifests := make([]string, len(rendered))
	for i, r := range rendered {
		data, err := yaml.Marshal(r.Object)
		if err != nil {
			return nil, err
		}
		manifests[i] = string(data)
	}
	return manifests, nil
}

// userName is the name of who asks, as the kubeconfig has it.
func (e *env) userName() string {
	if raw, err := e.kube.raw(); err == nil {
		if context := raw.Contexts[e.kube.contextName()]; context != nil && context.AuthInfo != "" {
			return context.AuthInfo
		}
	}
	return os.Getenv("USER")
}

// start writes an operation, as tools do: only where there is none, and with the last one's state taken away.
func (a *apps) start(ctx context.Context, c client.Client, app *v1alpha1.Application, operation *v1alpha1.Operation, also ...func(*v1alpha1.Application)) (*v1alpha1.Application, error) {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if app.DeletionTimestamp != nil {
			return &Trouble{Problem: fmt.Sprintf("Application %q is being deleted", app.Name), Code: codeGeneric}
		}
		if app.Operation != nil {
			return &Trouble{
				Problem: fmt.Sprintf("another operation of Application %q is in progress", app.Name),
				Remedy:  "wait for it with `" + a.program + " app wait " + app.Name + " --operation`, or end it with `" + a.program + " app terminate-op " + app.Name + "`", Code: codeGeneric,
			}
		}
		before := app.DeepCopy()
		app.Operation, app.Status.OperationState = operation, nil
		for _, change := range also {
			change(app)
		}
		err := patch.Unchanged(ctx, c, before, app)
		if apierrors.IsConflict(err) {
			fresh := &v1alpha1.Application{}
			if err := c.Get(ctx, client.ObjectKeyFromObject(app), fresh); err != nil {
				return err
			}
			app = fresh
		}
		return err
	})
	return app, a.explain(err, "starting a sync of Application "+app.Name)
}

func newAppTerminate(a *apps) *cobra.Command {
	return &cobra.Command{
		Use:               "terminate-op NAME",
		Short:             "End the operation that runs",
		Example:           "  cyan app terminate-op shop",
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
				app, err := a.get(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				if app.Operation == nil {
					return &Trouble{Problem: fmt.Sprintf("no operation of Application %q is in progress", app.Name), Code: codeGeneric}
				}
				before := app.DeepCopy()
				if app.Status.OperationState == nil {
					// It has not begun: taking it back is all that is needed.
					app.Operation = nil
				} else {
					app.Status.OperationState.Phase = v1alpha1.OperationTerminating
				}
				return patch.Unchanged(cmd.Context(), c, before, app)
			})
			if err != nil {
				return a.explain(err, "ending the operation of Application "+args[0])
			}
			return a.say(fmt.Sprintf("application '%s' operation terminating", args[0]))
		},
	}
}
