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
	"github.com/cyan-cd/cyan/internal/rollout"
	seen "github.com/cyan-cd/cyan/internal/view"
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
			own, err := revisions(cmd.Context(), e, c, ro)
			if err != nil {
				return err
			}
			rs, err := seen.Earlier(strconv.Quote(ro.Name), own, revision)
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
