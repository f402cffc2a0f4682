package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newRollback(a *kit.Control) *cobra.Command {
	var prune, dryRun, async, yes bool
	var timeout time.Duration
	var out kit.Format
	cmd := &cobra.Command{
		Use:   "rollback NAME [ID]",
		Short: "Sync an Application back to what was deployed before",
		Long: `Sync an Application back to what was deployed before: to the entry of its history with this ID, or to the one before the last.

While automated sync is on, the commit that you leave is pinned: it is not synced by itself again. The next commit is, and lifts the pin; so does a sync of
this commit that you ask for yourself. Until then, changes in the cluster are not healed.`,
		Example: `  cyan app history shop
  cyan app rollback shop 3`,
		Args:              kit.Between(1, 2, "the Application's name"),
		ValidArgsFunction: completeHistory(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			c, err := a.ConnectServed()
			if err != nil {
				return err
			}
			app, err := get(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			entry, err := findEntry(app, args[1:])
			if err != nil {
				return err
			}
			question := fmt.Sprintf("sync Application %q back to %s?", app.Name, screens.ShortRevision(entry.Revision))
			if err := confirmRollback(a, question, yes); err != nil {
				return err
			}
			pin := action.RollBackLeaves(app, entry)
			if dryRun {
				pin = ""
			}
			operation := action.RollBack(app, entry, v1alpha1.OperationInitiator{Username: a.Kube.UserName()})
			operation.Sync.Prune, operation.Sync.DryRun = prune, dryRun
			if app, err = startRollback(cmd.Context(), a, c, app, entry.ID, operation, pin); err != nil {
				return err
			}
			if pin != "" {
				a.Note("commit %s will not be synced by itself again; the next one that changes it will", screens.ShortRevision(pin))
			}
			if async {
				return a.Say(fmt.Sprintf("application '%s' rollback asked for", app.Name))
			}
			return finish(cmd.Context(), a, c, app, timeout, &out)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&prune, "prune", false, "delete what it did not have then")
	f.BoolVar(&dryRun, "dry-run", false, "ask the API server what would happen, and change nothing")
	f.BoolVar(&async, "async", false, "do not wait")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	f.DurationVar(&timeout, "timeout", 0, "how long to wait; for ever if not given")
	kit.AcceptSeconds(f.Lookup("timeout"))
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Tree, kit.DetailedTree, kit.Name)
	return cmd
}

// startRollback begins a rollback to an entry of the history, and pins the commit that is left, if any.
func startRollback(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application, id int64, operation *v1alpha1.Operation, pin string) (*v1alpha1.Application, error) {
	if through, is := c.(server); is {
		return through.RollBack(ctx, app, id, operation.Sync.Prune, operation.Sync.DryRun)
	}
	var annotations map[string]string
	if pin != "" {
		annotations = map[string]string{v1alpha1.RollbackPinAnnotation: pin}
	}
	return start(kit.Doing(ctx, kit.ReasonOperation, fmt.Sprintf("initiated rollback to %d", id)), a, c, app, operation, annotations)
}

// confirmRollback asks on a terminal; scripts roll back without being asked, since nothing is lost by it.
func confirmRollback(a *kit.Control, question string, yes bool) error {
	if !a.Terminal().IsTerminal() {
		return nil
	}
	return a.Confirm(question, yes)
}

// findEntry finds the entry of an Application's history.
func findEntry(app *v1alpha1.Application, id []string) (v1alpha1.RevisionHistory, error) {
	history := app.Status.History
	if len(id) == 0 {
		if len(history) < 2 {
			return v1alpha1.RevisionHistory{}, &problem.Error{Kind: problem.Absent, Object: object(app), Cause: "no earlier deployment is known"}
		}
		return history[len(history)-2], nil
	}
	var there []string
	for _, h := range history {
		text := strconv.FormatInt(h.ID, 10)
		if text == id[0] {
			return h, nil
		}
		there = append(there, text)
	}
	missing := &problem.Error{Kind: problem.Absent, Object: object(app), Field: "status.history", Cause: fmt.Sprintf("ID %s not found", id[0])}
	if len(there) > 0 {
		missing.Remedy = "there are: " + strings.Join(there, ", ")
	}
	return v1alpha1.RevisionHistory{}, missing
}

func completeHistory(a *kit.Control) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return completeApps(a, 1)(cmd, args, typed)
		case 1:
		default:
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ids, directive := a.Completion(cmd, func(ctx context.Context, c client.Client) (ids []string, err error) {
			app, err := get(ctx, a, c, args[0])
			if err != nil {
				return nil, err
			}
			for _, h := range slices.Backward(app.Status.History) {
				ids = append(ids, cobra.CompletionWithDesc(strconv.FormatInt(h.ID, 10), screens.ShortRevision(h.Revision)+" deployed "+h.DeployedAt.UTC().Format(time.RFC3339)))
			}
			return ids, nil
		})
		return ids, directive | cobra.ShellCompDirectiveKeepOrder
	}
}
