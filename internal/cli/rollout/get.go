package rollout

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/rollout"
)

func newGet(e *kit.Env, use string) *cobra.Command {
	var out kit.Format
	var watch, plain bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     use,
		Aliases: []string{"describe"},
		Short:   "Show a Rollout with its revisions, ReplicaSets and pods",
		Example: `  cyan rollout get shop
  cyan rollout get shop --watch      # drawn again in place with every change; Ctrl-C ends it`,
		Args:              kit.Exactly("the Rollout's name"),
		ValidArgsFunction: completeRollouts(e, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			c, err := e.Connect()
			if err != nil {
				return err
			}
			ro, err := find(cmd.Context(), e, c, args[0])
			if err != nil {
				return err
			}
			if watch {
				ctx, cancel := kit.WithTimeout(cmd.Context(), timeout)
				defer cancel()
				return watchRollout(ctx, e, ro, plain)
			}
			return showRollout(cmd.Context(), e, c, ro, out.Value, plain)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on showing it, with every change")
	cmd.Flags().BoolVar(&plain, "no-color", false, "without colours")
	cmd.Flags().DurationVar(&timeout, "timeout-seconds", 0, "end the watch after this time")
	kit.AcceptSeconds(cmd.Flags().Lookup("timeout-seconds"))
	return cmd
}

func showRollout(ctx context.Context, e *kit.Env, c client.Client, ro *v1alpha1.Rollout, as string, plain bool) error {
	switch as {
	case kit.JSON, kit.YAML:
		return e.Object(ro, as)
	case kit.Name:
		return e.Say("rollout.argoproj.io/" + ro.Name)
	}
	view, err := view(ctx, e, c, ro)
	if err != nil {
		return err
	}
	page := coloured(e, plain)
	if as == kit.Wide {
		page.Width = 0
	}
	return e.Show(page.Rollout(view, screens.Full))
}

// followRollout keeps a Rollout, and all that it is shown with, current.
func followRollout(ctx context.Context, e *kit.Env, ro *v1alpha1.Rollout) (*kit.Following, error) {
	return e.Follow(ctx, ro.Namespace,
		kit.Watched{Object: &v1alpha1.Rollout{}, Name: ro.Name},
		kit.Watched{Object: &appsv1.ReplicaSet{}, Labels: podHashed()},
		kit.Watched{Object: &corev1.Pod{}, Labels: podHashed()},
		kit.Watched{Object: &corev1.Service{}})
}

// watch shows a Rollout until ctx ends or it is deleted: in place on a terminal, else each change below the last.
func watchRollout(ctx context.Context, e *kit.Env, ro *v1alpha1.Rollout, plain bool) error {
	f, err := followRollout(ctx, e, ro)
	if err != nil {
		return err
	}
	draw := appending(e)
	if t := e.Terminal(); t.CanRedraw() {
		live := term.NewLive(e.Out, t.Size)
		defer func() { _ = live.Close() }()
		draw = func(v rollout.View) error {
			_, height := t.Size()
			text := coloured(e, plain).FitRollout(v, height-1)
			if lost := f.Lost(); lost != "" {
				text = t.Theme.Bad("✖ the cluster does not answer, trying again: "+lost) + "\n" + text
			}
			return live.Draw(text)
		}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		seen := &v1alpha1.Rollout{}
		err := f.Get(ctx, client.ObjectKeyFromObject(ro), seen)
		if apierrors.IsNotFound(err) {
			return deleted(ro)
		} else if err != nil {
			return err
		}
		view, err := view(ctx, e, f, seen)
		if err != nil {
			return err
		}
		if err := draw(view); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			// Who watches ends it by Ctrl-C, or by a timeout: neither is an error.
			return nil
		case <-f.Changed:
		case <-tick.C:
		}
	}
}

// appending draws for output to something else than a terminal: each state once, and not again only because time has
// passed.
func appending(e *kit.Env) func(rollout.View) error {
	last := ""
	return func(v rollout.View) error {
		if mark := timeless(v); mark == last {
			return nil
		} else if last = mark; mark == "" {
			return nil
		}
		return e.Show(time.Now().UTC().Format(time.RFC3339) + "\n" + coloured(e, true).Rollout(v, screens.Full) + "\n")
	}
}

// timeless is a view without what changes by itself.
func timeless(v rollout.View) string {
	v.Steps = slices.Clone(v.Steps)
	for i := range v.Steps {
		v.Steps[i].EndsIn = 0
	}
	v.Revisions = slices.Clone(v.Revisions)
	for i := range v.Revisions {
		v.Revisions[i].ReplicaSets = slices.Clone(v.Revisions[i].ReplicaSets)
		for j := range v.Revisions[i].ReplicaSets {
			if rs := &v.Revisions[i].ReplicaSets[j]; rs.ScaleDownIn > 0 {
				rs.ScaleDownIn = time.Second
			}
		}
	}
	return screens.Page{Theme: term.Plain()}.Rollout(v, screens.Full)
}
