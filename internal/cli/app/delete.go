package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/patch"
)

type deletionCommand struct {
	*kit.Control
	selector    string
	cascade     bool
	propagation string
	yes, wait   bool
	timeout     time.Duration
}

func newDelete(a *kit.Control) *cobra.Command {
	o := &deletionCommand{Control: a}
	cmd := &cobra.Command{
		Use:   "delete NAME…",
		Short: "Delete Applications, and what they deployed",
		Example: `  cyan app delete shop
  cyan app delete shop --cascade=false -y     # leave its objects running`,
		Args:              namesOrSelector(&o.selector),
		ValidArgsFunction: completeApps(a, 0),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.selector, "selector", "l", "", "every Application with these labels")
	f.BoolVar(&o.cascade, "cascade", true, "delete what it deployed as well")
	f.StringVarP(&o.propagation, "propagation-policy", "p", "foreground", "how its objects are deleted: foreground (with all that they own first) or background")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&o.wait, "wait", false, "wait until it is gone")
	f.DurationVar(&o.timeout, "timeout", 0, "how long to wait; for ever if not given")
	kit.AcceptSeconds(f.Lookup("timeout"))
	_ = cmd.RegisterFlagCompletionFunc("propagation-policy", cobra.FixedCompletions([]string{"foreground", "background"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *deletionCommand) run(ctx context.Context, names []string) error {
	finalizer := map[string]string{"foreground": v1alpha1.ResourcesFinalizer, "background": v1alpha1.ResourcesFinalizerBackground}[o.propagation]
	if finalizer == "" {
		return kit.Usage("--propagation-policy", fmt.Sprintf("unknown policy %q", o.propagation), "give foreground or background")
	}
	if !o.cascade {
		finalizer = ""
	}
	c, err := o.ConnectServed()
	if err != nil {
		return err
	}
	picked, err := pick(ctx, o.Control, c, names, o.selector)
	if err != nil {
		return err
	}
	for _, app := range picked {
		if err := o.Confirm(o.question(app), o.yes); err != nil {
			return err
		}
		if err := o.delete(ctx, c, app, finalizer); err != nil {
			return err
		}
	}
	if !o.wait {
		return nil
	}
	wait := &waitCommand{Control: o.Control, delete: true, timeout: o.timeout}
	ctx, cancel := kit.WithTimeout(ctx, o.timeout)
	defer cancel()
	var failed []error
	for _, app := range picked {
		if err := wait.wait(ctx, c, app); err != nil {
			failed = append(failed, err)
		}
	}
	return kit.FirstWithRest(failed)
}

func (o *deletionCommand) question(app *v1alpha1.Application) string {
	if !o.cascade {
		return fmt.Sprintf("delete Application %q and leave its objects running?", qualified(o.Control, app))
	}
	most := ""
	if app.OmitsResources() {
		most = "more than "
	}
	return fmt.Sprintf("delete Application %q and the %s%d objects that it deployed?", qualified(o.Control, app), most, len(app.Status.Resources))
}

func (o *deletionCommand) delete(ctx context.Context, c client.Client, app *v1alpha1.Application, finalizer string) error {
	if through, is := c.(server); is && finalizer != "" {
		if err := through.DeleteCascading(ctx, app, o.propagation); client.IgnoreNotFound(err) != nil {
			return o.Explain(err, "deleting Application "+app.Name)
		}
		return o.Say(fmt.Sprintf("application '%s' is being deleted", app.Name))
	}
	before := app.DeepCopy()
	app.Finalizers = slices.DeleteFunc(app.Finalizers, func(f string) bool { return strings.HasPrefix(f, v1alpha1.ResourcesFinalizer) })
	if finalizer != "" {
		app.Finalizers = append(app.Finalizers, finalizer)
	}
	if !slices.Equal(before.Finalizers, app.Finalizers) && app.DeletionTimestamp == nil && !isServer(c) {
		if err := patch.Object(ctx, c, before, app); err != nil {
			return o.Explain(err, "deleting Application "+app.Name)
		}
	}
	if err := patch.DeleteSeen(ctx, c, app); err != nil {
		return o.Explain(err, "deleting Application "+app.Name)
	}
	return o.Say(fmt.Sprintf("application '%s' is being deleted", app.Name))
}
