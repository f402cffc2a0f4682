package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/problem"
)

type waitCommand struct {
	*kit.Control
	selector                    string
	resources                   []string
	sync, health, operation     bool
	suspended, degraded, delete bool
	timeout                     time.Duration
	out                         kit.Format
}

func newWait(a *kit.Control) *cobra.Command {
	o := &waitCommand{Control: a}
	cmd := &cobra.Command{
		Use:   "wait NAME…",
		Short: "Wait until Applications are synced and healthy",
		Long: `Wait until Applications are synced and healthy and nothing runs any more, or until what the flags ask for is so.
It ends with 1 when --timeout comes first.`,
		Example: `  cyan app wait shop
  cyan app wait shop --health --timeout 2m
  cyan app wait shop --delete`,
		Args:              namesOrSelector(&o.selector),
		ValidArgsFunction: completeApps(a, 0),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.selector, "selector", "l", "", "every Application with these labels")
	f.StringArrayVar(&o.resources, "resource", nil, "only look at these objects: GROUP:KIND:NAME; * stands for any")
	f.BoolVar(&o.sync, "sync", false, "until it is synced")
	f.BoolVar(&o.health, "health", false, "until it is healthy")
	f.BoolVar(&o.operation, "operation", false, "until no operation runs")
	f.BoolVar(&o.suspended, "suspended", false, "until it is suspended")
	f.BoolVar(&o.degraded, "degraded", false, "until it is degraded")
	f.BoolVar(&o.delete, "delete", false, "until it is gone")
	f.DurationVar(&o.timeout, "timeout", 0, "how long to wait; for ever if not given")
	kit.AcceptSeconds(f.Lookup("timeout"))
	o.out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Tree, kit.DetailedTree, kit.Name)
	return cmd
}

func (o *waitCommand) run(ctx context.Context, names []string) error {
	if err := o.out.Check(); err != nil {
		return err
	}
	if !o.sync && !o.health && !o.operation && !o.suspended && !o.degraded && !o.delete {
		o.sync, o.health, o.operation = true, true, true
	}
	c, err := o.ConnectServed()
	if err != nil {
		return err
	}
	picked, err := pick(ctx, o.Control, c, names, o.selector)
	if o.delete && err != nil && problem.KindOf(err) == problem.Absent {
		return o.Say("already gone")
	}
	if err != nil {
		return err
	}
	ctx, cancel := kit.WithTimeout(ctx, o.timeout)
	defer cancel()
	var failed []error
	for _, app := range picked {
		if err := o.wait(ctx, c, app); err != nil {
			failed = append(failed, err)
		}
	}
	return kit.FirstWithRest(failed)
}

func (o *waitCommand) wait(ctx context.Context, c client.WithWatch, app *v1alpha1.Application) error {
	shown := ""
	app, err := until(ctx, o.Control, c, app, func(app *v1alpha1.Application) (bool, error) {
		lacking := o.lacking(app)
		if line := strings.Join(lacking, ", "); line != shown && !o.out.Machine() {
			shown = line
			if line != "" {
				o.Note("%s: waiting: %s", app.Name, line)
			}
		}
		return len(lacking) == 0, nil
	})
	switch {
	case errors.Is(err, errGone) && o.delete:
		return o.Say(fmt.Sprintf("application '%s' deleted", app.Name))
	case errors.Is(err, errGone):
		return &problem.Error{Kind: problem.Absent, Object: object(app), Cause: "deleted meanwhile"}
	case errors.Is(err, context.DeadlineExceeded):
		return &problem.Error{
			Kind: problem.Negative, Object: object(app), Cause: fmt.Sprintf("not as asked for after %s: %s", o.timeout, strings.Join(o.lacking(app), ", ")),
			Remedy: o.Command("app get %s", app.Name) + " shows every object", Err: err,
		}
	case err != nil:
		return err
	}
	if o.out.Value != "" || o.Program == kit.NameArgoCD {
		return showApp(o.Control, app, o.out.Value, false)
	}
	return o.Say(fmt.Sprintf("%s: %s", app.Name, state(app)))
}

func state(app *v1alpha1.Application) string {
	return strings.Join([]string{string(app.Status.Sync.Status), string(app.Status.Health.Status)}, ", ")
}

// lacking lists what is not yet as it was asked for.
func (o *waitCommand) lacking(app *v1alpha1.Application) []string {
	if o.delete {
		return []string{"not deleted yet"}
	}
	if len(o.resources) > 0 {
		return o.lackingResources(app)
	}
	var all []string
	if o.operation && app.Operation != nil {
		all = append(all, "an operation is in progress")
	}
	if o.sync && app.Status.Sync.Status != v1alpha1.Synced {
		all = append(all, "sync status is "+cmp.Or(string(app.Status.Sync.Status), "not known yet"))
	}
	if want := o.wantedHealth(); len(want) > 0 && !slices.Contains(want, app.Status.Health.Status) {
		all = append(all, "health is "+cmp.Or(string(app.Status.Health.Status), "not known yet"))
	}
	// What was compared before an operation ended does not show what the operation did.
	if state := app.Status.OperationState; o.operation && len(all) == 0 && state != nil && state.FinishedAt != nil &&
		(app.Status.ReconciledAt == nil || app.Status.ReconciledAt.Before(state.FinishedAt)) {
		all = append(all, "not compared since the last operation")
	}
	return all
}

func (o *waitCommand) lackingResources(app *v1alpha1.Application) []string {
	var all []string
	for _, wanted := range o.resources {
		found, err := matchResources(app, wanted)
		if err != nil {
			all = append(all, err.Error())
			continue
		}
		for _, r := range app.Status.Resources {
			if !slices.Contains(found, v1alpha1.SyncOperationResource{Group: r.Group, Kind: r.Kind, Name: r.Name, Namespace: r.Namespace}) {
				continue
			}
			name := screens.ObjectName(r.Kind, r.Namespace, r.Name)
			if o.sync && r.Status != v1alpha1.Synced {
				all = append(all, name+" is "+string(r.Status))
			}
			if want := o.wantedHealth(); len(want) > 0 && r.Health != nil && !slices.Contains(want, r.Health.Status) {
				all = append(all, name+" is "+string(r.Health.Status))
			}
		}
	}
	return all
}

// wantedHealth are the states of health that are good enough; empty when health does not matter.
func (o *waitCommand) wantedHealth() []v1alpha1.HealthStatusCode {
	var want []v1alpha1.HealthStatusCode
	if o.health {
		want = append(want, v1alpha1.HealthHealthy)
	}
	if o.suspended {
		want = append(want, v1alpha1.HealthSuspended)
	}
	if o.degraded {
		want = append(want, v1alpha1.HealthDegraded)
	}
	return want
}
