package rollout

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newSetImage(e *kit.Env, use string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: "Run another image, which starts a new revision",
		Example: `  cyan rollout set-image shop shop=registry.example/shop:v2
  cyan rollout set-image shop '*=registry.example/shop:v2'`,
		Args:              kit.AtLeast("the Rollout's name", "CONTAINER=IMAGE"),
		ValidArgsFunction: completeContainers(e),
		RunE: func(cmd *cobra.Command, args []string) error {
			images := map[string]string{}
			if err := kit.Pairs(args[1:], func(container, image string) { images[container] = image }); err != nil {
				return kit.Usage(cmd.CommandPath(), err.Error(), "write CONTAINER=IMAGE; * stands for every container")
			}
			c, err := e.Connect()
			if err != nil {
				return err
			}
			ro, err := find(cmd.Context(), e, c, args[0])
			if err != nil {
				return err
			}
			err = retry.RetryOnConflict(retry.DefaultBackoff, func() error { return setImages(cmd.Context(), e, c, ro, images) })
			if err != nil {
				return e.Explain(err, "setting the image of Rollout "+ro.Name)
			}
			warnManaged(e, ro)
			return e.Say(fmt.Sprintf("rollout '%s' image updated", ro.Name))
		},
	}
}

func setImages(ctx context.Context, e *kit.Env, c client.Client, ro *v1alpha1.Rollout, images map[string]string) error {
	h, err := findTemplate(ctx, e, c, ro)
	if err != nil {
		return err
	}
	request, err := h.SetImages(images)
	if err != nil {
		return err
	}
	return rewrite(ctx, c, h, request)
}

func completeContainers(e *kit.Env) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return completeRollouts(e, 1)(cmd, args, typed)
		}
		found, directive := e.Completion(cmd, func(ctx context.Context, c client.Client) ([]string, error) {
			ro, err := find(ctx, e, c, args[0])
			if err != nil {
				return nil, err
			}
			h, err := findTemplate(ctx, e, c, ro)
			if err != nil {
				return nil, err
			}
			var found []string
			for _, name := range h.Containers() {
				found = append(found, name+"=")
			}
			return found, nil
		})
		return found, directive | cobra.ShellCompDirectiveNoSpace
	}
}
