package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/doctor"
	"github.com/cyan-cd/cyan/internal/doctor/decide"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/settings"
)

// adoptedAnnotation remembers how many replicas a controller had before it was scaled down.
const adoptedAnnotation = "cyan.dev/replicas-before-adoption"

// beforeAdoption reads that annotation.
func beforeAdoption(o client.Object) *int32 {
	n, err := strconv.ParseInt(o.GetAnnotations()[adoptedAnnotation], 10, 32)
	if err != nil {
		return nil
	}
	before := int32(n)
	return &before
}

type adoption struct {
	*kit.Control
	yes, revert bool
	timeout     time.Duration
}

// NewAdopt makes the command adopt.
func NewAdopt(e *kit.Env) *cobra.Command {
	o := &adoption{}
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Take the place of Argo CD and Argo Rollouts in a cluster",
		Long: `Take the place of Argo CD and Argo Rollouts in a cluster: their Applications, projects, Rollouts, Secrets and ConfigMaps are served as they are.

First it shows a plan: which controllers would be stopped, what of the installation is served, and what is not. With --yes, or when you say so, those
controllers are scaled to 0 and nothing else is touched: no workload is restarted and no object is changed. What they had is remembered, and --revert gives it
back. Then start cyan server.`,
		Example: `  cyan adopt             # the plan
  cyan adopt --yes       # stop the other controllers
  cyan adopt --revert    # start them again; stop cyan server first`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.revert {
				return o.giveBack(cmd.Context())
			}
			return o.adopt(cmd.Context())
		},
	}
	o.Control = kit.NewControl(e, cmd)
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "carry the plan out without asking")
	cmd.Flags().BoolVar(&o.revert, "revert", false, "start the controllers again that were stopped")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long to wait until they have stopped")
	return cmd
}

func (o *adoption) adopt(ctx context.Context) error {
	c, err := o.Connect()
	if err != nil {
		return err
	}
	found, err := read(ctx, o.Control, c)
	if err != nil {
		return err
	}
	if err := o.SayAll(plan(found)); err != nil {
		return err
	}
	stop := slices.DeleteFunc(slices.Clone(found.Others), func(w doctor.Workload) bool { return w.Replicas == 0 })
	if len(stop) == 0 {
		return nil
	}
	if !o.yes && !o.Terminal().IsTerminal() {
		o.Note("note: nothing was changed; --yes carries the plan out")
		return nil
	}
	if err := o.Confirm("stop these controllers?", o.yes); err != nil {
		return err
	}
	for _, w := range stop {
		before := strconv.Itoa(int(w.Replicas))
		if err := o.scale(ctx, c, w, 0, &before); err != nil {
			return err
		}
		if err := o.Say(fmt.Sprintf("%s scaled to 0; it had %s", w, before)); err != nil {
			return err
		}
	}
	if err := o.awaitStopped(ctx, c); err != nil {
		return err
	}
	return o.Say("the other controllers have stopped; start `cyan server`, and go back with " + o.Command("adopt --revert"))
}

// plan describes what would be done, and what is served.
func plan(found doctor.Installation) []string {
	var lines []string
	stop := 0
	for _, w := range found.Others {
		switch {
		case w.Replicas > 0:
			stop++
			lines = append(lines, fmt.Sprintf("  %s would be scaled from %d to 0", w, w.Replicas))
		case beforeAdoption(w.Object) != nil:
			lines = append(lines, fmt.Sprintf("  %s is stopped; it had %d", w, *beforeAdoption(w.Object)))
		default:
			lines = append(lines, fmt.Sprintf("  %s is stopped", w))
		}
	}
	head := "Other controllers: none that work on the same objects"
	if len(lines) > 0 {
		head = fmt.Sprintf("Other controllers (%d to stop):", stop)
	}
	lines = append([]string{head}, lines...)
	served := "Served as they are:"
	for _, kind := range []string{v1alpha1.ApplicationKind, v1alpha1.AppProjectKind, v1alpha1.RolloutKind} {
		served += " " + decide.Counted(found.Counts[kind], kind) + ","
	}
	lines = append(lines, served[:len(served)-1])
	if len(found.Findings) == 0 {
		return append(lines, "Not served: nothing that is in use")
	}
	lines = append(lines, fmt.Sprintf("Not served (%d):", len(found.Findings)))
	for _, f := range found.Findings {
		line := "  " + f.Problem().Error()
		if f.Verdict == settings.Refused {
			line += " (stops its object)"
		}
		lines = append(lines, line)
	}
	return lines
}

// scale sets the replicas of a workload, if it is as it was read, and the annotation with it; nil removes that.
func (o *adoption) scale(ctx context.Context, c client.Client, w doctor.Workload, replicas int32, before *string) error {
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": w.Object.GetResourceVersion(), "annotations": map[string]any{adoptedAnnotation: before}},
		"spec":     map[string]any{"replicas": replicas},
	})
	if err != nil {
		return err
	}
	err = c.Patch(ctx, w.Object, client.RawPatch("application/merge-patch+json", body))
	return o.Explain(err, fmt.Sprintf("scaling %s", w))
}

func otherControllers(ctx context.Context, a *kit.Control, c client.Client) ([]doctor.Workload, error) {
	others, err := doctor.OtherControllers(ctx, c)
	return others, a.Explain(err, "")
}

// awaitStopped waits until no pod of the other controllers is left, since one that ends still writes.
func (o *adoption) awaitStopped(ctx context.Context, c client.Client) error {
	left := ""
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, o.timeout, true, func(ctx context.Context) (bool, error) {
		others, err := otherControllers(ctx, o.Control, c)
		if err != nil {
			return false, err
		}
		i := slices.IndexFunc(others, func(w doctor.Workload) bool { return w.Running > 0 })
		if i >= 0 {
			left = others[i].String()
		}
		return i < 0, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return &problem.Error{Kind: problem.Negative, Object: left, Cause: fmt.Sprintf("still has pods after %s", o.timeout), Remedy: "wait until they are gone before you start `cyan server`", Err: err}
	}
	return err
}

// giveBack starts what was stopped.
func (o *adoption) giveBack(ctx context.Context) error {
	c, err := o.Connect()
	if err != nil {
		return err
	}
	others, err := otherControllers(ctx, o.Control, c)
	if err != nil {
		return err
	}
	others = slices.DeleteFunc(others, func(w doctor.Workload) bool { return beforeAdoption(w.Object) == nil })
	if len(others) == 0 {
		return o.Say("no controller was stopped by adopt")
	}
	if err := o.Confirm("start the other controllers again? `cyan server` has to be stopped, or both write", o.yes || !o.Terminal().IsTerminal()); err != nil {
		return err
	}
	for _, w := range others {
		before := *beforeAdoption(w.Object)
		if err := o.scale(ctx, c, w, before, nil); err != nil {
			return err
		}
		if err := o.Say(fmt.Sprintf("%s scaled to %d again", w, before)); err != nil {
			return err
		}
	}
	return nil
}
