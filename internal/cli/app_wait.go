package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/screens"
)

type appWait struct {
	*apps
	selector                    string
	resources                   []string
	sync, health, operation     bool
	suspended, degraded, delete bool
	timeout                     time.Duration
	out                         format
}

func newAppWait(a *apps) *cobra.Command {
	o := &appWait{apps: a}
	cmd := &cobra.Command{
		Use:   "wait NAME…",
		Short: "Wait until Applications are synced and healthy",
		Long: `Wait until Applications are synced and healthy and nothing runs any more, or until what the flags ask for is so.
It ends with 1 when --timeout comes first.`,
		Example: `  cyan app wait shop
  cyan app wait shop --health --timeout 2m
  cyan app wait shop --delete`,
		ValidArgsFunction: a.completeApps(0),
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
	acceptSeconds(f.Lookup("timeout"))
	o.out.bind(cmd, outJSON, outYAML, outWide, outTree, outName)
	return cmd
}

func (o *appWait) run(ctx context.Context, names []string) error {
	if err := o.out.check(); err != nil {
		return err
	}
	if !o.sync && !o.health && !o.operation && !o.suspended && !o.degraded && !o.delete {
		o.sync, o.health, o.operation = true, true, true
	}
	c, err := o.connect()
	if err != nil {
		return err
	}
	picked, err := o.pick(ctx, c, names, o.selector)
	var t *Trouble
	if o.delete && errors.As(err, &t) && t.Code == codeMissing {
		return o.say("already gone")
	}
	if err != nil {
		return err
	}
	ctx, cancel := limited(ctx, o.timeout)
	defer cancel()
	var failed []error
	for _, app := range picked {
		if err := o.wait(ctx, c, app); err != nil {
			failed = append(failed, err)
		}
	}
	return firstWithRest(failed)
}

func (o *appWait) wait(ctx context.Context, c client.WithWatch, app *v1alpha1.Application) error {
	told := ""
	app, err := o.until(ctx, c, app, func(app *v1alpha1.Application) (bool, error) {
		lacking := o.lacking(app)
		if line := strings.Join(lacking, ", "); line != told && !o.out.machine() {
			told = line
			if line != "" {
				o.note("%s: waiting: %s", app.Name, line)
			}
		}
		return len(lacking) == 0, nil
	})
	switch {
	case errors.Is(err, errGone) && o.delete:
		return o.say(fmt.Sprintf("application '%s' deleted", app.Name))
	case errors.Is(err, errGone):
		return &Trouble{Problem: fmt.Sprintf("Application %q was deleted meanwhile", app.Name), Code: codeMissing}
	case errors.Is(err, context.DeadlineExceeded):
		return &Trouble{
			Problem: fmt.Sprintf("Application %q is not there after %s: %s", app.Name, o.timeout, strings.Join(o.lacking(app), ", ")),
			Remedy:  "`" + o.program + " app get " + app.Name + "` shows every object", Code: codeNo, cause: err,
		}
	case err != nil:
		return err
	}
	if o.out.value != "" {
		return o.showApp(app, o.out.value, false, false)
	}
	return o.say(fmt.Sprintf("%s: %s", app.Name, state(app)))
}

func state(app *v1alpha1.Application) string {
	return strings.Join([]string{string(app.Status.Sync.Status), string(app.Status.Health.Status)}, ", ")
}

// lacking lists what is not yet as it was asked for.
func (o *appWait) lacking(app *v1alpha1.Application) []string {
	if o.delete {
		return []string{"it is still there"}
	}
	if len(o.resources) > 0 {
		return o.lackingResources(app)
	}
	var all []string
	if o.operation && app.Operation != nil {
		all = append(all, "an operation is in progress")
	}
	if o.sync && app.Status.Sync.Status != v1alpha1.Synced {
		all = append(all, "it is "+orWords(string(app.Status.Sync.Status), "not compared yet"))
	}
	if want := o.wantedHealth(); len(want) > 0 && !slices.Contains(want, app.Status.Health.Status) {
		all = append(all, "its health is "+orWords(string(app.Status.Health.Status), "not known yet"))
	}
	// What was compared before an operation ended says nothing about what the operation did.
	if state := app.Status.OperationState; o.operation && len(all) == 0 && state != nil && state.FinishedAt != nil &&
		(app.Status.ReconciledAt == nil || app.Status.ReconciledAt.Before(state.FinishedAt)) {
		all = append(all, "it has not been compared since its last operation")
	}
	return all
}

func (o *appWait) lackingResources(app *v1alpha1.Application) []string {
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
func (o *appWait) wantedHealth() []v1alpha1.HealthStatusCode {
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
