package application

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/plan"
)

// handOvers knows the Leases by which Applications are handed over, and since when each stands as it does: clocks of
// those who hold them are not asked.
type handOvers struct {
	mu sync.Mutex
	of map[types.NamespacedName]seenLease
}

type seenLease struct {
	uid   types.UID
	renew string
	at    time.Time
}

// unchangedFor returns how long a Lease has not been renewed, as far as this process has seen.
func (h *handOvers) unchangedFor(app types.NamespacedName, lease *coordinationv1.Lease, now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if lease == nil {
		delete(h.of, app)
		return 0
	}
	renew := ""
	if lease.Spec.RenewTime != nil {
		renew = lease.Spec.RenewTime.UTC().Format(time.RFC3339Nano)
	}
	if known := h.of[app]; known.uid == lease.UID && known.renew == renew {
		return now.Sub(known.at)
	}
	if h.of == nil {
		h.of = map[types.NamespacedName]seenLease{}
	}
	h.of[app] = seenLease{lease.UID, renew, now}
	return 0
}

// gatherHandOver finds who has an Application's objects.
func gatherHandOver(ctx context.Context, reader client.Reader, known *handOvers, o *observation) error {
	lease := &coordinationv1.Lease{}
	err := reader.Get(ctx, types.NamespacedName{Namespace: o.name.Namespace, Name: handover.LeaseName(o.name.Name)}, lease)
	switch {
	case apierrors.IsNotFound(err), err == nil && handover.ApplicationOf(lease) != o.name.Name:
		lease = nil
	case err != nil:
		return fmt.Errorf("reading the hand-over of Application %s: %w", o.name, err)
	}
	o.lease, o.handOver = lease, handover.Of(lease, known.unchangedFor(o.name, lease, o.now))
	switch {
	case o.handOver.Held() && o.app.Operation != nil:
		o.add(v1alpha1.ConditionHandedOver, fmt.Errorf("to be handed over to %s when the operation that runs has ended", o.handOver.Holder))
	case o.handOver.Held():
		o.add(v1alpha1.ConditionHandedOver, errors.New(o.handOver.Message(o.name.Name)))
	case o.handOver.Ended():
		o.add(v1alpha1.ConditionHandedOver, errors.New("the hand-over has ended: what git wants is applied, and what else was done is undone"))
	}
	return nil
}

// writeEnd has a Lease that was not renewed in time be released, before anything follows from that: its holder may be
// about to renew it, and must not think that he has the objects while they are undone. It reports whether it may be
// acted upon; where he came first it may not, and the change of the Lease brings the next look.
func writeEnd(ctx context.Context, control client.Client, o *observation) (ended bool, err error) {
	if !o.handOver.Ended() || !handover.Of(o.lease, 0).Held() {
		return true, nil
	}
	released := handover.Release(o.lease, "")
	err = control.Update(ctx, released)
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("releasing the hand-over of Application %s: %w", o.name, err)
	}
	o.lease = released
	return true, nil
}

// lookAtHandOverAgain returns when a hand-over is looked at that is not renewed; zero for none.
func lookAtHandOverAgain(o *observation) time.Duration {
	if !o.handOver.Held() {
		return 0
	}
	return handover.Duration
}

// undoAgainAfter is the time after which undoing is tried again.
const undoAgainAfter = 10 * time.Second

// giveBack undoes what the holder of a hand-over has done and git's sync has not: objects that he added go, and fields
// that he added to others. Then his Lease goes. It returns when to try again; zero when all is done.
func giveBack(ctx context.Context, control client.Client, o *observation) time.Duration {
	err := undo(ctx, o)
	if err == nil {
		err = control.Delete(ctx, o.lease, client.Preconditions{UID: &o.lease.UID, ResourceVersion: &o.lease.ResourceVersion})
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			err = nil
		}
	}
	if err != nil {
		o.add(v1alpha1.ConditionHandedOver, fmt.Errorf("undoing what was handed over: %w", err))
		return undoAgainAfter
	}
	return 0
}

// undo undoes what was done to the objects that a Lease lists, what was done last first.
func undo(ctx context.Context, o *observation) error {
	objects, err := handover.Objects(o.lease)
	if err != nil || len(objects) == 0 {
		return err
	}
	if o.writer == nil || o.refusal != nil {
		return cmp.Or(o.refusal, errors.New("the cluster is not known"))
	}
	kinds, err := o.cluster.Kinds(ctx, nil)
	if err != nil {
		return err
	}
	wanted := map[plan.Key]bool{}
	for _, d := range o.comparison.Desired {
		wanted[plan.KeyOf(d.Object)] = true
	}
	bounds := o.bounds()
	var all []error
	for _, object := range slices.Backward(objects) {
		key := plan.Key{Group: object.Group, Kind: object.Kind, Namespace: object.Namespace, Name: object.Name}
		if _, _, served := kinds.Resource(object.GroupVersionKind()); !served || !bounds.Hold(key) {
			continue
		}
		live, err := o.writer.Get(ctx, object.GroupVersionKind(), object.Namespace, object.Name)
		switch {
		case err != nil:
			all = append(all, err)
			continue
		case live == nil:
			continue
		}
		all = append(all, undoObject(ctx, o, live, wanted[key]))
	}
	return errors.Join(all...)
}

// undoObject takes an object away that the holder has added, and his fields from one that is git's.
func undoObject(ctx context.Context, o *observation, live *unstructured.Unstructured, wanted bool) error {
	if added := live.GetLabels()[handover.Label] == string(o.lease.UID); added && !wanted {
		_, err := o.writer.Delete(ctx, live, metav1.DeletePropagationForeground, apply.Real)
		return err
	}
	return o.writer.Withdraw(ctx, live, handover.FieldManager)
}

// handedOver returns the Application that a Lease is of.
func handedOver(_ context.Context, object client.Object) []reconcile.Request {
	lease, is := object.(*coordinationv1.Lease)
	if !is {
		return nil
	}
	app := handover.ApplicationOf(lease)
	if app == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: lease.Namespace, Name: app}}}
}
