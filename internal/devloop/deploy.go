package devloop

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/problem"
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
	loop   string
	// own is the namespace of the loop's own, "" when there is none.
	own string
	// left is called with what is not deleted because an Application deploys it by now.
	left func(ref apply.Ref, application string)

	mu sync.Mutex
	// applied are the objects as they were applied last.
	applied map[apply.Ref]string
	made    map[apply.Ref]Made
}

func newApplier(reader *live.Reader, loop, own string, made []Made) *applier {
	a := &applier{reader: reader, loop: loop, own: own, left: func(apply.Ref, string) {}, applied: map[apply.Ref]string{}, made: map[apply.Ref]Made{}}
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
	for _, rank := range ranked(objects) {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(appliesAtOnce)
		for _, object := range rank {
			group.Go(func() error {
				changed, err := a.applyOne(ctx, object)
				if err == nil && changed.change != apply.Unchanged {
					mu.Lock()
					defer mu.Unlock()
					all = append(all, changed)
				}
				return err
			})
		}
		if err := errors.Join(group.Wait(), noted(a.allMade())); err != nil {
			return all, err
		}
	}
	return all, a.prune(ctx, objects)
}

func (a *applier) applyOne(ctx context.Context, object *unstructured.Unstructured) (changedObject, error) {
	ref := apply.RefOf(object)
	wanted, err := json.Marshal(object.Object)
	if err != nil {
		return changedObject{}, fmt.Errorf("applying %s: %w", ref, err)
	}
	a.mu.Lock()
	same := a.applied[ref] == string(wanted)
	a.mu.Unlock()
	if same {
		return changedObject{ref: ref, change: apply.Unchanged}, nil
	}
	seen, err := a.reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
	if err != nil {
		return changedObject{}, err
	}
	if err := a.mayApply(object, seen); err != nil {
		return changedObject{}, err
	}
	if seen != nil && seen.GetLabels()[desired.LoopLabel] != a.loop {
		object = desired.Unmarked(object)
	}
	outcome, err := a.write(ctx, object, seen)
	if err != nil {
		return changedObject{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.applied[ref] = string(wanted)
	if seen == nil || outcome.Change == apply.Created || outcome.Change == apply.Recreated {
		a.made[ref] = madeOf(ref, string(outcome.Object.GetUID()))
	}
	return changedObject{ref: ref, change: outcome.Change, generation: outcome.Object.GetGeneration()}, nil
}

// write applies an object; one that cannot be changed, such as a Job, is made anew.
func (a *applier) write(ctx context.Context, object, seen *unstructured.Unstructured) (apply.Outcome, error) {
	// What somebody else has made is never made anew: it may hold data.
	how := apply.How{Force: seen == nil || seen.GetLabels()[desired.LoopLabel] == a.loop}
	outcome, err := a.reader.Client.Apply(ctx, object, seen, how)
	if err != nil || outcome.Change != apply.Deleting {
		return outcome, err
	}
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, goneWithin, false, func(ctx context.Context) (bool, error) {
		if outcome, err = a.reader.Client.Apply(ctx, object, nil, how); err != nil {
			return false, err
		}
		return outcome.Change != apply.Deleting, nil
	})
	return outcome, err
}

// mostRefused bounds how many objects are named that must be left alone.
const mostRefused = 3

// check returns why objects must be left alone, before any time is spent on images.
func (a *applier) check(ctx context.Context, objects []*unstructured.Unstructured) error {
	refused := make([]error, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(appliesAtOnce)
	for i, object := range objects {
		group.Go(func() error {
			ref := apply.RefOf(object)
			seen, err := a.reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
			if err != nil && apply.ReasonOf(err) != apply.ReasonUnserved {
				return err
			}
			refused[i] = a.mayApply(object, seen)
			return nil
		})
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

// mayApply returns why an object must be left alone: somebody else's is not taken over. What an Application deploys is
// its own also where the loop has made it before.
func (a *applier) mayApply(object, seen *unstructured.Unstructured) error {
	if seen == nil {
		return nil
	}
	ref := apply.RefOf(object)
	if id := seen.GetAnnotations()[v1alpha1.TrackingIDAnnotation]; id != "" {
		return &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: "Application " + applicationOf(id) + " deploys it", Remedy: "run `cyan dev` without --namespace, which works in a namespace of its own"}
	}
	if seen.GetLabels()[desired.LoopLabel] == a.loop {
		return nil
	}
	if other := seen.GetLabels()[desired.LoopLabel]; other != "" {
		return &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: "dev loop " + other + " has made it", Remedy: "end that loop"}
	}
	if a.own != "" && ref.Namespace != a.own {
		return &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: "there already, and everybody in the cluster uses it", Remedy: "leave it out of what the loop deploys"}
	}
	return nil
}

// prune deletes what the loop has made and is not wanted any more.
func (a *applier) prune(ctx context.Context, wanted []*unstructured.Unstructured) error {
	keep := map[apply.Ref]bool{}
	for _, object := range wanted {
		keep[apply.RefOf(object)] = true
	}
	return a.remove(ctx, func(ref apply.Ref) bool { return !keep[ref] })
}

// remove deletes what the loop has made and a condition holds of.
func (a *applier) remove(ctx context.Context, when func(apply.Ref) bool) error {
	for _, m := range a.allMade() {
		ref := m.ref()
		if !when(ref) {
			continue
		}
		if err := a.removeOne(ctx, ref, types.UID(m.UID)); err != nil {
			return err
		}
		a.mu.Lock()
		delete(a.made, ref)
		delete(a.applied, ref)
		a.mu.Unlock()
	}
	return nil
}

// removeOne deletes an object, unless it is another than the loop has made, or an Application deploys it by now.
func (a *applier) removeOne(ctx context.Context, ref apply.Ref, uid types.UID) error {
	seen, err := a.reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
	if err != nil && apply.ReasonOf(err) != apply.ReasonUnserved {
		return err
	}
	if seen == nil || seen.GetUID() != uid {
		return nil
	}
	if id := seen.GetAnnotations()[v1alpha1.TrackingIDAnnotation]; id != "" {
		a.left(ref, applicationOf(id))
		return nil
	}
	if _, err := a.reader.Client.Delete(ctx, seen, metav1.DeletePropagationBackground, apply.Real); err != nil && apply.ReasonOf(err) != apply.ReasonUnserved {
		return err
	}
	return nil
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

// applicationOf returns the Application in a tracking mark.
func applicationOf(mark string) string {
	name, _, _ := strings.Cut(mark, ":")
	return name
}
