package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Refusals are what the tasks of a plan are refused for: what was known before, and what the API server said by dry
// run.
type Refusals struct {
	// ByTask is why a task is refused, with file and line where they are known.
	ByTask map[plan.ID]error
	// Untried are tasks that lean on what the same sync brings: their namespace, or their kind.
	Untried []plan.ID
}

// Refusals has the API server judge every task that is to be carried out, before anything is changed. An error means
// that it could not be asked.
func (c Comparison) Refusals(ctx context.Context, client *apply.Client, kinds *live.Kinds) (Refusals, error) {
	return c.RefusalsBut(ctx, client, kinds, plan.ID{})
}

// RefusalsBut is Refusals, but for one task, which is not tried.
func (c Comparison) RefusalsBut(ctx context.Context, client *apply.Client, kinds *live.Kinds, but plan.ID) (Refusals, error) {
	found, brings := Refusals{ByTask: map[plan.ID]error{}}, c.broughtNamespaces()
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxDryRuns)
	for _, t := range c.Plan.Tasks {
		switch {
		case t.Refused != "":
			mu.Lock()
			found.ByTask[t.ID()] = errors.New(t.Refused)
			mu.Unlock()
			continue
		case t.Skip != "" || t.Unchanged || t.ID() == but:
			continue
		case brings[t.Key.Namespace] || c.isUntriable(t, kinds):
			mu.Lock()
			found.Untried = append(found.Untried, t.ID())
			mu.Unlock()
			continue
		}
		group.Go(problem.Guard(func() error {
			err := c.try(ctx, client, t)
			switch {
			case err == nil:
				return nil
			case ctx.Err() != nil, apply.IsUnreachable(err):
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if c.leans(t, err) {
				found.Untried = append(found.Untried, t.ID())
				return nil
			}
			found.ByTask[t.ID()] = Located(t, err)
			return nil
		}))
	}
	return found, group.Wait()
}

// Located puts the file in front of what the cluster says about an object.
func Located(t plan.Task, err error) error {
	if t.Origin == "" {
		return err
	}
	return fmt.Errorf("%s: %w", t.Origin, err)
}

// isUntriable reports whether a task leans on a kind that this very sync brings.
func (c Comparison) isUntriable(t plan.Task, kinds *live.Kinds) bool {
	if c.Pending[t.GVK()] {
		return true
	}
	if t.Options.SkipDryRunOnMissing() {
		if _, _, served := kinds.Resource(t.GVK()); !served {
			return true
		}
	}
	return false
}

// broughtNamespaces are the namespaces that are not there yet and that the sync makes.
func (c Comparison) broughtNamespaces() map[string]bool {
	brought := map[string]bool{}
	for i := range c.Plan.Tasks {
		if t := &c.Plan.Tasks[i]; t.Key.Kind == "Namespace" && t.Key.Group == "" && t.Verb == plan.Apply && t.Live == nil {
			brought[t.Key.Name] = true
		}
	}
	return brought
}

// leans reports whether the API server may refuse a task only for what this very sync brings before it: the definition
// by which the object is valid, or an object that it names and that is not there yet, such as its ServiceAccount, its
// PriorityClass, or the Service of a webhook. Such a task is judged when its turn comes.
func (c Comparison) leans(t plan.Task, err error) bool {
	if reason := apply.ReasonOf(err); (reason == apply.ReasonInvalid || reason == apply.ReasonUnserved) && c.changes(t.GVK().GroupKind()) {
		return true
	}
	text := strings.ToLower(err.Error())
	if !strings.Contains(text, "not found") && !strings.Contains(text, "was found") && !strings.Contains(text, "no endpoints available") {
		return false
	}
	return slices.ContainsFunc(c.Plan.Tasks, func(other plan.Task) bool {
		brings := other.Verb != plan.Delete && other.Skip == "" && other.Live == nil && other.ID() != t.ID()
		return brings && names(text, other.Key.Kind, other.Key.Name)
	})
}

// names reports whether an error says that an object is missing: its kind, and its name as a word. A webhook names the
// host of its Service.
func names(text, kind, name string) bool {
	if name == "" || !strings.Contains(strings.ReplaceAll(text, " ", ""), strings.ToLower(kind)) {
		return false
	}
	for rest := text; ; {
		at := strings.Index(rest, name)
		if at < 0 {
			return false
		}
		end := at + len(name)
		if (at == 0 || !isPartOfName(rest[at-1])) && (end == len(rest) || !isPartOfName(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
}

func isPartOfName(c byte) bool {
	return c == '-' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// Defines reports whether git has the CustomResourceDefinition of a kind.
func (c Comparison) Defines(kind schema.GroupKind) bool {
	return slices.ContainsFunc(c.Plan.Tasks, func(t plan.Task) bool { return defines(t, kind) })
}

// changes reports whether the sync has to write the CustomResourceDefinition of a kind.
func (c Comparison) changes(kind schema.GroupKind) bool {
	return slices.ContainsFunc(c.Plan.Tasks, func(t plan.Task) bool { return defines(t, kind) && !t.Unchanged })
}

func defines(t plan.Task, kind schema.GroupKind) bool {
	return t.Verb == plan.Apply && t.Skip == "" && isDefinition(t.GVK().GroupKind()) && definedKind(t.Object) == kind
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
		how := HowOf(t)
		how.Trial = apply.DryRun
		_, err = client.Create(ctx, t.Object, how)
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
