package compare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// maxDryRuns bounds the dry runs of one Application that are under way at the same time.
const maxDryRuns = 8

// dryRunCache remembers dry runs: the answer for the same desired object on the same live one is the same.
type dryRunCache struct {
	// known has a *predictions for each Application.
	known *lru.Cache
}

// predictions are those of one Application.
type predictions struct {
	mu    sync.Mutex
	byKey map[plan.Key]Prediction
}

// Prediction is what the API server says an object would become.
type Prediction struct {
	// Object is the object as it would be; nil with Err.
	Object *unstructured.Unstructured
	// Err is why the API server refuses it.
	Err error

	// desired names what was applied, and on what, the live object as far as it matters; on is "" when there was none.
	desired, on string
}

func newDryRunCache() *dryRunCache { return &dryRunCache{known: lru.New(maxApplications)} }

func (c *dryRunCache) of(app types.NamespacedName) *predictions {
	if known, ok := c.known.Get(app); ok {
		return known.(*predictions)
	}
	fresh := &predictions{byKey: map[plan.Key]Prediction{}}
	c.known.Add(app, fresh)
	return fresh
}

// run asks for the predictions of all writes, those known already from memory. An unreachable cluster ends it.
func (c *dryRunCache) run(ctx context.Context, app types.NamespacedName, client *apply.Client, writes []plan.Write) (map[plan.Key]Prediction, error) {
	of := c.of(app)
	of.mu.Lock()
	before := maps.Clone(of.byKey)
	of.mu.Unlock()
	now := make(map[plan.Key]Prediction, len(writes))
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxDryRuns)
	for _, w := range writes {
		group.Go(problem.Guard(func() error {
			predicted, err := dryRun(ctx, client, w, before[w.Key])
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			now[w.Key] = predicted
			return nil
		}))
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	of.byKey = maps.Clone(now)
	return now, nil
}

func dryRun(ctx context.Context, client *apply.Client, w plan.Write, before Prediction) (Prediction, error) {
	how := howOf(w.Options)
	how.Force = w.Force
	hash, on := hashOf(w.Object, how), substance(w.Live)
	if before.desired == hash && before.on == on && before.Err == nil && on != "" {
		return before, nil
	}
	if how.Method == apply.ServerSide && plan.IsApplied(w.Object, w.Live, v1alpha1.FieldManager) && len(apply.Inherited(w.Live)) == 0 {
		return Prediction{Object: w.Live, desired: hash, on: on}, nil
	}
	how.Trial = apply.DryRun
	outcome, err := client.Apply(ctx, w.Object, w.Live, how)
	if err != nil && apply.IsUnreachable(err) {
		return Prediction{}, err
	}
	return Prediction{Object: outcome.Object, Err: err, desired: hash, on: on}, nil
}

// HowOf returns the manner in which a task is written.
func HowOf(t plan.Task) apply.How {
	how := howOf(t.Options)
	how.Force = t.Force
	return how
}

func howOf(options plan.Options) apply.How {
	how := apply.How{Lax: options.SkipValidation()}
	switch {
	case options.Replace():
		how.Method = apply.Replace
	case options.ClientSide():
		how.Method = apply.ClientSide
	}
	return how
}

func hashOf(desired *unstructured.Unstructured, how apply.How) string {
	text, err := json.Marshal([]any{desired.Object, how})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// substance names a live object without its status and what goes with every write, so that a workload that reports
// its progress is not tried again for that.
func substance(live *unstructured.Unstructured) string {
	if live == nil {
		return ""
	}
	plain := map[string]any{}
	for name, value := range live.Object {
		if name != "status" && name != "metadata" {
			plain[name] = value
		}
	}
	text, err := json.Marshal([]any{
		plain, live.GetUID(), live.GetLabels(), live.GetAnnotations(), live.GetFinalizers(), live.GetOwnerReferences(), live.GetDeletionTimestamp() != nil, apply.Inherited(live),
	})
	if err != nil {
		return live.GetResourceVersion()
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Applied notes what a real write of a task returned: what the API server would answer to the same again.
func (c *Comparer) Applied(app types.NamespacedName, t plan.Task, result *unstructured.Unstructured) {
	of := c.dryRuns.of(app)
	of.mu.Lock()
	defer of.mu.Unlock()
	of.byKey[t.Key] = Prediction{Object: result, desired: hashOf(t.Object, HowOf(t)), on: substance(result)}
}
