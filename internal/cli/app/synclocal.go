package app

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// checkLocal returns why a local directory is not synced. One that is of no repository is within no project's bounds,
// so that it is tried and never written.
func (o *syncCommand) checkLocal(picked []*v1alpha1.Application) error {
	tries := o.Command("app sync --local PATH --dry-run")
	switch {
	case o.local.path == "" && o.local.root != "":
		return kit.Usage("--local-repo-root", "given without --local", "add --local, or leave it out")
	case o.local.path == "":
		return nil
	case len(picked) != 1:
		return kit.Usage("--local", fmt.Sprintf("given for %d Applications, and a directory is of one", len(picked)), "name one Application")
	case o.revision != "":
		return kit.Usage("--local", "given together with --revision", "leave one out")
	case !o.dryRun && picked[0].Spec.IsAutomated():
		return &problem.Error{Kind: problem.Refused, Object: object(picked[0]), Cause: "Cannot use local sync when Automatic Sync Policy is enabled except with --dry-run", Remedy: tries + " shows what it would do"}
	case !o.dryRun:
		return kit.Usage("--local", "without --dry-run not served: what is synced comes from a repository that the project permits", "commit it; "+tries+" shows what it would do")
	}
	return nil
}

// tryLocal shows what a sync of the local directory would do, as the API server says.
func (o *syncCommand) tryLocal(ctx context.Context, c client.Client, app *v1alpha1.Application, operation *v1alpha1.Operation) error {
	app = app.DeepCopy()
	app.Operation = operation
	rendered, err := renderDesired(ctx, o.Control, c, app, o.local, "")
	if err != nil {
		return err
	}
	compared, err := compareWith(ctx, o.Control, c, app, rendered)
	switch {
	case err != nil:
		return o.Explain(err, "comparing "+object(app)+" with its cluster")
	case !compared.Complete:
		return &problem.Error{Kind: problem.Negative, Object: object(app), Cause: problemsOf(compared)}
	}
	var failed []string
	for _, t := range compared.Plan.Tasks {
		line, fails := tried(t, compared.Predictions[t.Key])
		name := screens.ObjectName(t.Key.Kind, t.Key.Namespace, t.Key.Name)
		if fails {
			failed = append(failed, name+": "+strings.TrimPrefix(line, name+": "))
			continue
		}
		if err := o.Say(name + " " + line + " (dry run)"); err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		return &problem.Error{Kind: problem.Negative, Object: object(app), Cause: fmt.Sprintf("%d of %d objects would fail: %s", len(failed), len(compared.Plan.Tasks), strings.Join(failed, "; "))}
	}
	return nil
}

// tried is what would become of an object, and whether its task would fail.
func tried(t plan.Task, predicted compare.Prediction) (line string, fails bool) {
	switch {
	case t.Refused != "":
		return t.Refused, true
	case t.Skip != "":
		return "left alone: " + t.Skip, false
	case t.Verb == plan.Hook:
		return "run as hook " + string(t.Phase), false
	case t.Verb == plan.Delete && t.Confirm != "":
		return "pruned once it is confirmed", false
	case t.Verb == plan.Delete:
		return "pruned", false
	case predicted.Err != nil:
		return predicted.Err.Error(), true
	case t.Live == nil:
		return "created", false
	case t.Unchanged:
		return "unchanged", false
	}
	return "configured", false
}
