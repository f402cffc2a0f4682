package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// steer is a command that patches Rollouts: what is changed is decided from each as it is.
type steer struct {
	use, short, example string
	// done is what is said afterwards.
	done string
	// decide gives the patches of the status and of the spec, empty for none, and what to say in place of done, empty for that.
	decide func(ro *v1alpha1.Rollout) (status, spec map[string]any, instead string)
}

func (r *rollouts) steering(s steer) *cobra.Command {
	return &cobra.Command{
		Use: s.use, Short: s.short, Example: s.example,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: r.completeRollouts(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.connect()
			if err != nil {
				return err
			}
			for _, name := range args {
				ro, err := r.get(cmd.Context(), c, name)
				if err != nil {
					return err
				}
				status, spec, instead := s.decide(ro)
				if err := r.patch(cmd.Context(), c, ro, status, spec); err != nil {
					return err
				}
				if instead == "" {
					instead = s.done
				}
				if err := r.say(fmt.Sprintf("rollout '%s' %s", name, instead)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// patch writes the status first and then the spec, as existing tools do, so that the controller never sees the one without the other.
func (r *rollouts) patch(ctx context.Context, c client.Client, ro *v1alpha1.Rollout, status, spec map[string]any) error {
	if len(status) > 0 {
		data, err := json.Marshal(map[string]any{"status": status})
		if err != nil {
			return err
		}
		if err := c.Status().Patch(ctx, ro, client.RawPatch(types.MergePatchType, data)); err != nil {
			return r.explain(err, "changing Rollout "+ro.Name)
		}
	}
	if len(spec) > 0 {
		data, err := json.Marshal(map[string]any{"spec": spec})
		if err != nil {
			return err
		}
		if err := c.Patch(ctx, ro, client.RawPatch(types.MergePatchType, data)); err != nil {
			return r.explain(err, "changing Rollout "+ro.Name)
		}
	}
	return nil
}

func newRolloutPromote(r *rollouts) *cobra.Command {
	var full bool
	cmd := r.steering(steer{
		use: "promote NAME…", short: "Let a paused Rollout go on, and traffic move to the new version", done: "promoted",
		example: `  cyan rollout promote shop
  cyan rollout promote shop --full       # past every pause and analysis`,
		decide: func(ro *v1alpha1.Rollout) (status, spec map[string]any, instead string) {
			if ro.Spec.Paused {
				spec = map[string]any{"paused": false}
			}
			if full {
				if ro.Status.CurrentPodHash == ro.Status.StableRS {
					return nil, spec, "is fully promoted already"
				}
				return map[string]any{"promoteFull": true}, spec, "fully promoted"
			}
			if len(ro.Status.PauseConditions) == 0 && !ro.Spec.Paused {
				instead = "promoted (it was not waiting for that)"
			}
			return map[string]any{"pauseConditions": nil}, spec, instead
		},
	})
	cmd.Flags().BoolVar(&full, "full", false, "skip every pause and analysis")
	return cmd
}

func newRolloutAbort(r *rollouts) *cobra.Command {
	return r.steering(steer{
		use: "abort NAME…", short: "Go back to the stable version and stay there", done: "aborted",
		example: "  cyan rollout abort shop",
		decide: func(*v1alpha1.Rollout) (status, spec map[string]any, instead string) {
			return map[string]any{"abort": true}, nil, ""
		},
	})
}

func newRolloutRetry(r *rollouts, use string) *cobra.Command {
	return r.steering(steer{
		use: use, short: "Try the new version again after an abort", done: "retried",
		example: "  cyan rollout retry shop",
		decide: func(ro *v1alpha1.Rollout) (status, spec map[string]any, instead string) {
			if !ro.Status.Abort {
				instead = "is not aborted: there is nothing to try again"
			}
			return map[string]any{"abort": false}, nil, instead
		},
	})
}

func newRolloutPause(r *rollouts) *cobra.Command {
	return r.steering(steer{
		use: "pause NAME…", short: "Stop a Rollout where it is; promote lets it go on", done: "paused",
		example: "  cyan rollout pause shop",
		decide: func(ro *v1alpha1.Rollout) (status, spec map[string]any, instead string) {
			if ro.Spec.Paused {
				instead = "was paused already"
			}
			return nil, map[string]any{"paused": true}, instead
		},
	})
}

func newRolloutRestart(r *rollouts) *cobra.Command {
	var in time.Duration
	cmd := r.steering(steer{
		use: "restart NAME…", short: "Replace every pod, a few at a time",
		example: `  cyan rollout restart shop
  cyan rollout restart shop --in 10s`,
		decide: func(*v1alpha1.Rollout) (status, spec map[string]any, instead string) {
			at := time.Now().Add(in).UTC()
			instead = "restarts now"
			if in > 0 {
				instead = "restarts in " + in.String()
			}
			return nil, map[string]any{"restartAt": at.Format(time.RFC3339)}, instead
		},
	})
	cmd.Flags().DurationVarP(&in, "in", "i", 0, "wait so long first")
	return cmd
}
