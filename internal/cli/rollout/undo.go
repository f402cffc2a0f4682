package rollout

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout"
)

func newUndo(e *kit.Env) *cobra.Command {
	var revision int64
	cmd := &cobra.Command{
		Use:   "undo NAME",
		Short: "Run a version from before again: the last one, or that of --to-revision",
		Example: `  cyan rollout undo shop
  cyan rollout undo shop --to-revision 3`,
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
			rs, err := earlier(cmd.Context(), e, c, ro, revision)
			if err != nil {
				return err
			}
			err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
				h, err := findTemplate(cmd.Context(), e, c, ro)
				if err != nil {
					return err
				}
				return rewrite(cmd.Context(), c, h, h.Replace(rollout.WrittenTemplate(rs), rollout.Revision(rs)))
			})
			if err != nil {
				return e.Explain(err, "undoing Rollout "+ro.Name)
			}
			warnManaged(e, ro)
			return e.Say(fmt.Sprintf("rollout '%s' undo: goes back to revision %d", ro.Name, rollout.Revision(rs)))
		},
	}
	cmd.Flags().Int64Var(&revision, "to-revision", 0, "the revision; 0 is the one before the newest")
	_ = cmd.RegisterFlagCompletionFunc("to-revision", completeRevisions(e))
	return cmd
}

// revisions are a Rollout's ReplicaSets, the newest first.
func revisions(ctx context.Context, e *kit.Env, c client.Client, ro *v1alpha1.Rollout) ([]*appsv1.ReplicaSet, error) {
	all := &appsv1.ReplicaSetList{}
	if err := c.List(ctx, all, client.InNamespace(ro.Namespace), client.MatchingLabelsSelector{Selector: podHashed()}); err != nil {
		return nil, e.Explain(err, "listing ReplicaSets")
	}
	own := slices.DeleteFunc(kit.Pointers(all.Items), func(rs *appsv1.ReplicaSet) bool { return !metav1.IsControlledBy(rs, ro) || rollout.Revision(rs) == 0 })
	slices.SortFunc(own, func(x, y *appsv1.ReplicaSet) int { return int(rollout.Revision(y) - rollout.Revision(x)) })
	return own, nil
}

// earlier finds the ReplicaSet to go back to: that of a revision, or the one before the newest for 0.
func earlier(ctx context.Context, e *kit.Env, c client.Client, ro *v1alpha1.Rollout, revision int64) (*appsv1.ReplicaSet, error) {
	own, err := revisions(ctx, e, c, ro)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		if len(own) < 2 {
			return nil, &problem.Error{Kind: problem.Absent, Object: object(ro), Cause: "no earlier revision is kept", Remedy: "raise spec.revisionHistoryLimit to keep some"}
		}
		return own[1], nil
	}
	var there []string
	for _, rs := range own {
		if rollout.Revision(rs) == revision {
			return rs, nil
		}
		there = append(there, strconv.FormatInt(rollout.Revision(rs), 10))
	}
	return nil, &problem.Error{Kind: problem.Absent, Object: object(ro), Cause: fmt.Sprintf("revision %d not found", revision), Remedy: "there are: " + strings.Join(there, ", ")}
}

func completeRevisions(e *kit.Env) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found, directive := e.Completion(cmd, func(ctx context.Context, c client.Client) ([]string, error) {
			ro, err := find(ctx, e, c, args[0])
			if err != nil {
				return nil, err
			}
			own, err := revisions(ctx, e, c, ro)
			var found []string
			for _, rs := range own {
				var images []string
				for _, container := range rs.Spec.Template.Spec.Containers {
					images = append(images, container.Image)
				}
				found = append(found, cobra.CompletionWithDesc(strconv.FormatInt(rollout.Revision(rs), 10), strings.Join(images, " ")))
			}
			return found, err
		})
		return found, directive | cobra.ShellCompDirectiveKeepOrder
	}
}
