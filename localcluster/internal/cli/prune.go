package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/localcluster/internal/images"
)

func imagePruneCommand() *cobra.Command {
	var all, dryRun bool
	command := &cobra.Command{
		Use:   "prune",
		Short: "Remove images that lost their names to newer ones, and free their disk",
		Long: `Remove the images that lost their names to others that were loaded or pushed under the same, from the registry and the
node; with --all, those with a name as well. What a pod runs stays, and what any object of the cluster names, such as a
ReplicaSet that can be rolled back to. What only git names, as a revision that an Application could go back to, goes.`,
		Example: "  cyan local image prune --dry-run\n  cyan local image prune --all",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := openRunning(c)
			if err != nil {
				return err
			}
			scope := images.Replaced
			if all {
				scope = images.Unused
			}
			return r.prune(c.Context(), c.OutOrStdout(), scope, dryRun)
		},
	}
	command.Flags().BoolVarP(&all, "all", "a", false, "also images that have a name")
	command.Flags().BoolVar(&dryRun, "dry-run", false, "list what would go, and remove nothing")
	return command
}

func (r running) prune(ctx context.Context, out io.Writer, scope images.Scope, dryRun bool) error {
	store, err := r.store()
	if err != nil {
		return err
	}
	plan, err := store.Prunable(ctx, scope)
	if err != nil {
		return err
	}
	switch {
	case len(plan.Names) == 0:
		fmt.Fprintln(out, "Nothing to remove: each image has a name, or is needed.")
		return nil
	case dryRun:
		for _, name := range plan.Names {
			fmt.Fprintf(out, "Would remove %s\n", name)
		}
		return nil
	}
	return remove(ctx, out, store, plan)
}
