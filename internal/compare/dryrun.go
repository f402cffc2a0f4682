package compare

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// maxDryRuns bounds the dry runs of one Application that are under way at the same time.
const maxDryRuns = 8

// predictions are the answers to the dry runs of one Application: that for the same desired object on the same live one
// is the same.
type predictions struct {
	mu sync.Mutex
	// byKey are those of the last look, and is not changed; newer are those that writes have brought since.
	byKey, newer map[plan.Key]Prediction
}

// Prediction is what the API server says an object would become.
type Prediction struct {
	// Object is the object as it would be; nil with Err.
	Object *unstructured.Unstructured
	// Err is why the API server refuses it.
	Err error

	// of is what it is the answer to; nil for none.
	of *trial
}

// trial is a write that was tried.
type trial struct {
	// desired is what was applied, how, and live what on.
	desired, live *unstructured.Unstructured
	how           apply.How
	// inherits is whether fields of the live object belong to a former applier.
	inherits bool
}

// of returns the predictions of all writes, those known already from memory. An unreachable cluster ends it.
func (p *predictions) of(ctx context.Context, client *apply.Client, writes []plan.Write) (map[plan.Key]Prediction, error) {
	now := make(map[plan.Key]Prediction, len(writes))
	var asked []plan.Write
	p.mu.Lock()
	for _, w := range writes {
		known, is := p.newer[w.Key]
		if !is {
			known = p.byKey[w.Key]
		}
		if known.isOf(w) {
			now[w.Key] = known.by(w)
		} else {
			asked = append(asked, w)
		}
	}
	p.mu.Unlock()
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxDryRuns)
	for _, w := range asked {
		group.Go(problem.Guard(func() error {
			predicted, err := dryRun(ctx, client, w)
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
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byKey, p.newer = now, nil
	return now, nil
}

// isOf reports whether a prediction is the answer to a write: the same was applied, in the same manner, on a live
// object that is the same as far as it matters.
func (p Prediction) isOf(w plan.Write) bool {
	of := p.of
	if of == nil || p.Err != nil || of.how != howOfWrite(w) {
		return false
	}
	return (of.desired == w.Object || reflect.DeepEqual(of.desired.Object, w.Object.Object)) && (of.live == w.Live || isSameSubstance(of.live, w.Live))
}

// by is the prediction for a write that it is the answer to.
func (p Prediction) by(w plan.Write) Prediction {
	if p.of.desired != w.Object || p.of.live != w.Live {
		p.of = &trial{w.Object, w.Live, p.of.how, p.of.inherits}
	}
	return p
}

// inherits reports whether fields of the live object belong to a former applier.
func (p Prediction) inherits() bool { return p.of != nil && p.of.inherits }

func dryRun(ctx context.Context, client *apply.Client, w plan.Write) (Prediction, error) {
	how := howOfWrite(w)
	predicted := Prediction{of: &trial{w.Object, w.Live, how, len(apply.Inherited(w.Live)) > 0}}
	if how.Method == apply.ServerSide && !predicted.inherits() && plan.IsApplied(w.Object, w.Live, v1alpha1.FieldManager) {
		predicted.Object = w.Live
		return predicted, nil
	}
	how.Trial = apply.DryRun
	outcome, err := client.Apply(ctx, w.Object, w.Live, how)
	if err != nil && apply.IsUnreachable(err) {
		return Prediction{}, err
	}
	predicted.Object, predicted.Err = outcome.Object, err
	return predicted, nil
}

func howOfWrite(w plan.Write) apply.How {
	how := howOf(w.Options)
	how.Force = w.Force
	return how
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

// isSameSubstance reports whether two live objects are the same but for their status and what goes with every write, so
// that a workload that reports its progress is not tried again for that.
func isSameSubstance(a, b *unstructured.Unstructured) bool {
	return a.GetUID() == b.GetUID() && (a.GetDeletionTimestamp() != nil) == (b.GetDeletionTimestamp() != nil) && isSameContent(a.Object, b.Object) &&
		maps.Equal(a.GetLabels(), b.GetLabels()) && maps.Equal(a.GetAnnotations(), b.GetAnnotations()) && slices.Equal(a.GetFinalizers(), b.GetFinalizers()) &&
		reflect.DeepEqual(a.GetOwnerReferences(), b.GetOwnerReferences()) && slices.Equal(apply.Inherited(a), apply.Inherited(b))
}

// isSameContent reports whether two objects have the same fields but for metadata and status.
func isSameContent(a, b map[string]any) bool {
	fields := func(object map[string]any) map[string]any {
		plain := make(map[string]any, len(object))
		for name, value := range object {
			if name != "status" && name != "metadata" {
				plain[name] = value
			}
		}
		return plain
	}
	return reflect.DeepEqual(fields(a), fields(b))
}

// Applied notes what a real write of a task returned: what the API server would answer to the same again.
func (c *Comparer) Applied(app types.NamespacedName, t plan.Task, result *unstructured.Unstructured) {
	of := &c.memoryOf(app).predictions
	answer := Prediction{Object: result, of: &trial{t.Object, result, HowOf(t), len(apply.Inherited(result)) > 0}}
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.newer == nil {
		of.newer = map[plan.Key]Prediction{}
	}
	of.newer[t.Key] = answer
}
