package compare

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
)

// Refusals are what the API server said to the tasks of a plan, by dry run.
type Refusals struct {
	// ByTask is why a task is refused, with file and line where they are known.
	ByTask map[plan.ID]error
	// Untried are tasks that lean on what the same sync brings: their namespace, or their kind.
	Untried []plan.ID
}

// Refusals has the API server judge every task that is to be carried out, before anything is changed. An error means
// that it could not be asked.
func (c Comparison) Refusals(ctx context.Context, client *apply.Client, kinds *live.Kinds) (Refusals, error) {
	found := Refusals{ByTask: map[plan.ID]error{}}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxDryRuns)
	for _, t := range c.Plan.Tasks {
		switch {
		case t.Skip != "" || t.Unchanged:
			continue
		case c.isUntriable(t, kinds):
			found.Untried = append(found.Untried, t.ID())
			continue
		}
		group.Go(func() error {
			err := c.try(ctx, client, t)
			switch {
			case err == nil:
				return nil
			case ctx.Err() != nil, apply.IsUnreachable(err):
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			found.ByTask[t.ID()] = located(t, err)
			return nil
		})
	}
	return found, group.Wait()
}

// located puts the file in front of what the cluster says about an object.
func located(t plan.Task, err error) error {
	if t.Origin == "" {
		return err
	}
	return fmt.Errorf("%s: %w", t.Origin, err)
}

// isUntriable reports whether a task leans on what this very sync brings.
func (c Comparison) isUntriable(t plan.Task, kinds *live.Kinds) bool {
	if _, pending := c.PendingKinds[schema.GroupKind{Group: t.Key.Group, Kind: t.Key.Kind}]; pending {
		return true
	}
	if t.Options.SkipDryRunOnMissing() {
		if _, _, served := kinds.Resource(t.GVK()); !served {
			return true
		}
	}
	if t.Key.Namespace == "" {
		return false
	}
	for _, other := range c.Plan.Tasks {
		if other.Key.Kind == "Namespace" && other.Key.Group == "" && other.Key.Name == t.Key.Namespace && other.Verb == plan.Apply && other.Live == nil {
			return true
		}
	}
	return false
}

func (c Comparison) try(ctx context.Context, client *apply.Client, t plan.Task) error {
	if owner := c.otherOwner(t); owner != "" && t.Options.FailOnShared() {
		return fmt.Errorf("%s belongs to Application %s already, and FailOnSharedResource=true: remove it from one of the two", t.Key, owner)
	}
	var err error
	switch t.Verb {
	case plan.Delete:
		_, err = client.Delete(ctx, t.Live, t.Propagation(), apply.DryRun)
	case plan.Hook:
		_, err = client.Create(ctx, t.Object, apply.DryRun)
	default:
		if known, ok := c.Predictions[t.Key]; ok && t.Live != nil {
			return known.Err
		}
		how := HowOf(t)
		how.Trial = apply.DryRun
		_, err = client.Apply(ctx, t.Object, t.Live, how)
	}
	return err
}

// otherOwner is the instance of another Application that has marked the live object as its own.
func (c Comparison) otherOwner(t plan.Task) string {
	if t.Live == nil {
		return ""
	}
	if owner := c.Policy.Tracking.OwnerOf(t.Live); owner != c.Policy.Instance {
		return owner
	}
	return ""
}
