package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout"
)

func newStatus(e *kit.Env) *cobra.Command {
	watch := true
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Wait until a Rollout is healthy; end with 1 when it is degraded or --timeout comes first",
		Example: `  cyan rollout status shop --timeout 5m
  cyan rollout status shop --watch=false`,
		Args:              kit.Exactly("the Rollout's name"),
		ValidArgsFunction: completeRollouts(e, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.Connect()
			if err != nil {
				return err
			}
			ro, err := find(cmd.Context(), e, c, args[0])
			if err != nil {
				return err
			}
			if !watch {
				return verdict(e, ro, false)
			}
			ctx, cancel := kit.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return await(ctx, e, ro, timeout)
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", watch, "wait; without it, the status is printed as it is")
	cmd.Flags().DurationVarP(&timeout, "timeout", "t", 0, "how long to wait; for ever if not given")
	kit.AcceptSeconds(cmd.Flags().Lookup("timeout"))
	return cmd
}

// verdict prints a Rollout's state; a degraded one is an error. Quiet leaves the printing out.
func verdict(e *kit.Env, ro *v1alpha1.Rollout, quiet bool) error {
	state, message := phase(ro)
	line := string(state)
	if message != "" {
		line += " - " + message
	}
	if !quiet {
		if err := e.Say(line); err != nil {
			return err
		}
	}
	if state == v1alpha1.RolloutDegraded {
		return &problem.Error{Kind: problem.Negative, Object: object(ro), Cause: "degraded: " + cmp.Or(message, "no reason was given"), Remedy: getHint(e, ro.Name) + " shows its pods"}
	}
	return nil
}

// getHint returns the command that shows a Rollout.
func getHint(e *kit.Env, name string) string { return hint(e, "get rollout", "get", name) }

// hint returns a command on a Rollout, as the program that runs has it: the plugin's, or ours.
func hint(e *kit.Env, plugin, own, name string) string {
	if e.Program == kit.NamePlugin {
		return "`kubectl argo rollouts " + plugin + " " + name + "`"
	}
	return e.Command("rollout %s %s", own, name)
}

func object(ro *v1alpha1.Rollout) string { return fmt.Sprintf("Rollout %q", ro.Name) }

func deleted(ro *v1alpha1.Rollout) error {
	return &problem.Error{Kind: problem.Negative, Object: object(ro), Cause: "deleted meanwhile"}
}

func await(ctx context.Context, e *kit.Env, ro *v1alpha1.Rollout, timeout time.Duration) error {
	f, err := e.Follow(ctx, ro.Namespace, kit.Watched{Object: &v1alpha1.Rollout{}, Name: ro.Name})
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return late(e, ro, timeout)
		}
		return err
	}
	printed := ""
	for {
		seen := &v1alpha1.Rollout{}
		if err := f.Get(ctx, client.ObjectKeyFromObject(ro), seen); apierrors.IsNotFound(err) {
			return deleted(ro)
		} else if err != nil {
			return err
		}
		ro = seen
		state, message := phase(ro)
		again := printed == string(state)+message
		printed = string(state) + message
		if err := verdict(e, ro, again); err != nil || state == v1alpha1.RolloutHealthy {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return late(e, ro, timeout)
			}
			return ctx.Err()
		case <-f.Changed:
		}
	}
}

func late(e *kit.Env, ro *v1alpha1.Rollout, timeout time.Duration) error {
	state, message := phase(ro)
	return &problem.Error{
		Kind: problem.Negative, Object: object(ro), Cause: strings.TrimSuffix(fmt.Sprintf("not healthy after %s: %s: %s", timeout, cmp.Or(string(state), "not reconciled yet"), message), ": "),
		Remedy: lateRemedy(e, ro), Err: context.DeadlineExceeded,
	}
}

// lateRemedy is what to do about a Rollout that is not healthy in time: one that waits for a person wants that person,
// and one that no controller has seen wants a controller.
func lateRemedy(e *kit.Env, ro *v1alpha1.Rollout) string {
	switch state, _ := phase(ro); {
	case !rollout.Observed(ro) || state == "":
		return "see whether `cyan server` runs against this cluster"
	case state == v1alpha1.RolloutPaused:
		return "go on with " + hint(e, "promote", "promote", ro.Name) + ", or give up with " + hint(e, "abort", "abort", ro.Name)
	}
	return getHint(e, ro.Name) + " shows its pods"
}
