package devloop

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
)

const (
	// appliesAtOnce bounds how many objects are written at the same time.
	appliesAtOnce = 8
	// goneWithin bounds the wait for an object to be gone that is made anew.
	goneWithin = time.Minute
)

// applier brings objects into the cluster, and remembers which it has made.
type applier struct {
	reader *live.Reader
	manner manner
	// left is called with what is not deleted, and why.
	left func(ref apply.Ref, why string)

	mu sync.Mutex
	// applied are the objects as they were applied last.
	applied map[apply.Ref]string
	made    map[apply.Ref]Made
}

func newApplier(reader *live.Reader, m manner, made []Made) *applier {
	a := &applier{reader: reader, manner: m, left: func(apply.Ref, string) {}, applied: map[apply.Ref]string{}, made: map[apply.Ref]Made{}}
	for _, m := range made {
		a.made[m.ref()] = m
	}
	return a
}

// changedObject is an object that a deployment has written.
type changedObject struct {
	ref        apply.Ref
	change     apply.Change
	generation int64
}

// apply writes what is not as it was applied last, and deletes what the loop has made and is not wanted any more.
// noted gets what the loop has made by then.
func (a *applier) apply(ctx context.Context, objects []*unstructured.Unstructured, noted func([]Made) error) ([]changedObject, error) {
	var all []changedObject
	var mu sync.Mutex
	if err := a.manner.begin(ctx, a.changed(objects)); err != nil {
		return nil, err
	}
	for _, rank := range ranked(objects) {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(appliesAtOnce)
		for _, object := range rank {
			group.Go(guarded(func() error {
				changed, err := a.applyOne(ctx, object)
				if err == nil && changed.change != apply.Unchanged {
					mu.Lock()
					defer mu.Unlock()
					all = append(all, changed)
				}
				return err
			}))
		}
		if err := errors.Join(group.Wait(), noted(a.allMade())); err != nil {
			return all, err
		}
	}
	return all, a.prune(ctx, objects)
}

// changed returns the objects that are not as they were applied last.
func (a *applier) changed(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(objects), func(object *unstructured.Unstructured) bool {
		_, same, err := a.isApplied(object)
		return same && err == nil
	})
}

// isApplied reports whether an object was applied last as it is wanted, and returns that as text.
func (a *applier) isApplied(object *unstructured.Unstructured) (wanted string, same bool, err error) {
	text, err := json.Marshal(object.Object)
	if err != nil {
		return "", false, fmt.Errorf("applying %s: %w", apply.RefOf(object), err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(text), a.applied[apply.RefOf(object)] == string(text), nil
}

func (a *applier) applyOne(ctx context.Context, object *unstructured.Unstructured) (changedObject, error) {
	ref := apply.RefOf(object)
	wanted, same, err := a.isApplied(object)
	if err != nil {
		return changedObject{}, err
	}
	if same {
		return changedObject{ref: ref, change: apply.Unchanged}, nil
	}
	seen, err := a.reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
	if err != nil {
		return changedObject{}, err
	}
	if err := a.manner.mayApply(object, seen); err != nil {
		return changedObject{}, err
	}
	outcome, err := a.manner.write(ctx, object, seen)
	if err != nil {
		return changedObject{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.applied[ref] = wanted
	if seen == nil || outcome.Change == apply.Created || outcome.Change == apply.Recreated {
		a.made[ref] = madeOf(ref, string(outcome.Object.GetUID()))
	}
	return changedObject{ref: ref, change: outcome.Change, generation: outcome.Object.GetGeneration()}, nil
}

// mostRefused bounds how many objects are named that must be left alone.
const mostRefused = 3

// check returns why objects must be left alone, before any time is spent on images.
func (a *applier) check(ctx context.Context, objects []*unstructured.Unstructured) error {
	refused := make([]error, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(appliesAtOnce)
	for i, object := range objects {
		group.Go(guarded(func() error {
			ref := apply.RefOf(object)
			seen, err := a.reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
			switch {
			case err != nil && apply.IsUnreachable(err):
				// The cluster may be back by the time that the images are built.
				return nil
			case err != nil && apply.ReasonOf(err) != apply.ReasonUnserved:
				return err
			}
			refused[i] = a.manner.mayApply(object, seen)
			return nil
		}))
	}
	if err := group.Wait(); err != nil {
		return err
	}
	refused = slices.DeleteFunc(refused, func(err error) bool { return err == nil })
	if len(refused) > mostRefused {
		refused = append(refused[:mostRefused], fmt.Errorf("and %d more", len(refused)-mostRefused))
	}
	return errors.Join(refused...)
}

// prune deletes what the loop has made and is not wanted any more.
func (a *applier) prune(ctx context.Context, wanted []*unstructured.Unstructured) error {
	keep := map[apply.Ref]bool{}
	for _, object := range wanted {
		keep[apply.RefOf(object)] = true
	}
	return a.remove(ctx, func(ref apply.Ref) bool { return !keep[ref] })
}

// remove deletes what the loop has made and a condition holds of. What has become somebody else's, and what others use,
// stays.
func (a *applier) remove(ctx context.Context, when func(apply.Ref) bool) error {
	for _, m := range a.allMade() {
		if !when(m.ref()) {
			continue
		}
		why, err := a.removeOne(ctx, m)
		if err != nil && apply.ReasonOf(err) != apply.ReasonUnserved {
			return err
		}
		a.mu.Lock()
		if why != "" {
			a.left(m.ref(), why)
		}
		delete(a.made, m.ref())
		delete(a.applied, m.ref())
		a.mu.Unlock()
	}
	return nil
}

// removeOne deletes an object that the loop has made, and returns why it stays; "" when it does not.
func (a *applier) removeOne(ctx context.Context, m Made) (why string, err error) {
	ref := m.ref()
	seen, err := a.reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
	if err != nil || seen == nil || string(seen.GetUID()) != m.UID {
		return "", err
	}
	if why, err = a.manner.whyKept(ctx, seen); why != "" || err != nil {
		return why, err
	}
	_, err = a.reader.Client.Delete(ctx, seen, metav1.DeletePropagationBackground, apply.Real)
	return "", err
}

func (a *applier) allMade() []Made {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]Made, 0, len(a.made))
	for _, m := range a.made {
		all = append(all, m)
	}
	slices.SortFunc(all, func(x, y Made) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name))
	})
	return all
}

// forget has everything applied again.
func (a *applier) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.applied)
}

// ranked are objects in groups, of which one stands on those before it.
func ranked(objects []*unstructured.Unstructured) [][]*unstructured.Unstructured {
	ranks := make([][]*unstructured.Unstructured, 4)
	for _, object := range objects {
		rank := rankOf(object.GroupVersionKind().GroupKind())
		ranks[rank] = append(ranks[rank], object)
	}
	return slices.DeleteFunc(ranks, func(rank []*unstructured.Unstructured) bool { return len(rank) == 0 })
}

func rankOf(kind schema.GroupKind) int {
	switch kind.Kind {
	case "Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass":
		return 0
	case "ServiceAccount", "Secret", "ConfigMap", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "PersistentVolume", "PersistentVolumeClaim", "LimitRange", "ResourceQuota":
		return 1
	case "Service", "NetworkPolicy", "PodDisruptionBudget":
		return 2
	}
	return 3
}
