package application_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// handOver takes an Application's objects, and lists two that are about to be applied: one of git's, and one that is
// not.
func (w *world) handOver(app types.NamespacedName, holder string) *coordinationv1.Lease {
	w.Helper()
	lease, err := handover.Take(nil, app.Namespace, app.Name, holder, 0, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	lease, err = handover.WithObjects(lease,
		handover.Object{Version: "v1", Kind: "ConfigMap", Namespace: w.to, Name: "a"}, handover.Object{Version: "v1", Kind: "ConfigMap", Namespace: w.to, Name: "extra"})
	if err != nil {
		w.Fatal(err)
	}
	if err := w.Create(w.Context(), lease); err != nil {
		w.Fatal(err)
	}
	w.eventually(app, "the hand-over", func(a *v1alpha1.Application) bool {
		return strings.HasPrefix(condition(a, v1alpha1.ConditionHandedOver), "handed over to "+holder)
	})
	return lease
}

// develop applies as a dev loop does: a field of git's with another value, one more field, and an object of its own.
func (w *world) develop(lease *coordinationv1.Lease) {
	w.Helper()
	for _, object := range []*corev1ac.ConfigMapApplyConfiguration{
		corev1ac.ConfigMap("a", w.to).WithData(map[string]string{"colour": "wild", "shape": "round"}),
		corev1ac.ConfigMap("extra", w.to).WithLabels(map[string]string{handover.Label: string(lease.UID)}),
	} {
		if err := w.Apply(w.Context(), object, client.FieldOwner(handover.FieldManager), client.ForceOwnership); err != nil {
			w.Fatal(err)
		}
	}
}

// asGit waits until the cluster is as git has it, with nothing left of the loop.
func (w *world) asGit(app types.NamespacedName, sha, colour string) {
	w.Helper()
	w.eventually(app, "what git wants", func(a *v1alpha1.Application) bool {
		data := w.data("a")
		return a.Operation == nil && a.Status.Sync.Revision == sha && condition(a, v1alpha1.ConditionHandedOver) == "" && len(data) == 1 && data["colour"] == colour
	})
	w.until("the loop's own object to go", func(context.Context) (bool, error) { return w.data("extra") == nil, nil })
	w.until("the Lease to go", func(ctx context.Context) (bool, error) {
		err := w.Get(ctx, types.NamespacedName{Namespace: app.Namespace, Name: handover.LeaseName(app.Name)}, &coordinationv1.Lease{})
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
}

// While somebody has an Application's objects, nothing of it is applied or pruned, though it is compared. When he lets
// go of them, git's state comes back, and what was his goes.
func TestHandOver(t *testing.T) {
	w := newWorld(t)
	w.start()
	first := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/b.yaml": configMap("b", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the sync", syncedTo(first))
	lease := w.handOver(app, "ann")
	w.develop(lease)
	second := w.push(map[string]string{"k8s/a.yaml": configMap("a", "blue"), "k8s/b.yaml": ""})
	got := w.eventually(app, "the comparison", func(a *v1alpha1.Application) bool {
		return a.Status.Sync.Revision == second && a.Status.Sync.Status == v1alpha1.OutOfSync
	})
	if !strings.Contains(condition(got, v1alpha1.ConditionHandedOver), "`cyan app reclaim shop`") {
		t.Errorf("conditions: got %v", got.Status.Conditions)
	}
	// Somebody asks for a sync, and learns who has it.
	testkit.Edit(t, w.Client, got, func(got *v1alpha1.Application) {
		got.Operation, got.Status.OperationState = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Prune: true}}, nil
	})
	got = w.eventually(app, "the refusal", func(a *v1alpha1.Application) bool { return a.Operation == nil && a.Status.OperationState != nil })
	if s := got.Status.OperationState; s.Phase != v1alpha1.OperationFailed || !strings.Contains(s.Message, "handed over to ann") {
		t.Errorf("got %s, %q; want the sync to be refused", s.Phase, s.Message)
	}
	if a, b := w.data("a"), w.data("b"); a["colour"] != "wild" || a["shape"] != "round" || b == nil || w.data("extra") == nil {
		t.Errorf("while handed over: got a %v, b %v; want a as the loop has it, and b not pruned", a, b)
	}
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(lease), lease); err != nil {
		t.Fatal(err)
	}
	if err := w.Update(t.Context(), handover.Release(lease, "")); err != nil {
		t.Fatal(err)
	}
	w.asGit(app, second, "blue")
	if w.data("b") != nil {
		t.Error("b is still there, which git does not have any more")
	}
}

// Where nobody lets go of the objects, as after a crash, they come back by themselves; and an Application that is not
// synced by itself comes back to what was deployed.
func TestHandOverExpires(t *testing.T) {
	w := newWorld(t)
	var ahead atomic.Int64
	w.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	w.start()
	first := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", nil)
	got := w.eventually(app, "a look", func(a *v1alpha1.Application) bool { return a.Status.Sync.Revision == first })
	testkit.Edit(t, w.Client, got, func(got *v1alpha1.Application) {
		got.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}}
	})
	w.eventually(app, "the sync", syncedTo(first))
	w.develop(w.handOver(app, "ann"))
	second := w.push(map[string]string{"k8s/a.yaml": configMap("a", "blue")})
	w.eventually(app, "the comparison", func(a *v1alpha1.Application) bool { return a.Status.Sync.Revision == second })
	ahead.Store(int64(handover.Duration))
	w.refresh(app)
	w.asGit(app, second, "green")
}

// A renewal that comes too late changes nothing: that a hand-over has ended is written before anything is undone, and
// so a holder whose request took long learns that he may not apply any more.
func TestHandOverIsNotRenewedTooLate(t *testing.T) {
	w := newWorld(t)
	var ahead atomic.Int64
	w.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	w.start()
	first := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the sync", syncedTo(first))
	lease := w.handOver(app, "ann")
	w.develop(lease)
	// What cannot be read cannot be undone either, until it is mended.
	objects := lease.Annotations[handover.ObjectsAnnotation]
	lease.Annotations[handover.ObjectsAnnotation] = "["
	if err := w.Update(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(handover.Duration))
	w.refresh(app)
	w.eventually(app, "that it cannot be undone yet", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionHandedOver), "undoing what was handed over: ")
	})
	if err := w.Update(t.Context(), handover.Renew(lease, time.Now())); !apierrors.IsConflict(err) {
		t.Errorf("a late renewal: got %v, want a conflict", err)
	}
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(lease), lease); err != nil {
		t.Fatal(err)
	}
	if h := handover.Of(lease, 0); !h.Ended() || lease.Annotations[handover.ReclaimedAnnotation] != "" {
		t.Errorf("got %+v, taken back by %q; want that it has ended by itself", h, lease.Annotations[handover.ReclaimedAnnotation])
	}
	lease.Annotations[handover.ObjectsAnnotation] = objects
	if err := w.Update(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	w.asGit(app, first, "green")
}

// Nothing of git's is deleted, whatever a Lease lists and labels say; and nothing beyond what the project permits is
// touched.
func TestHandOverDeletesNothingOfGits(t *testing.T) {
	w := newWorld(t)
	w.start()
	first := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/extra.yaml": configMap("extra", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the sync", syncedTo(first))
	lease := w.handOver(app, "ann")
	w.develop(lease)
	elsewhere := w.cluster.Namespace(t)
	foreign := corev1ac.ConfigMap("foreign", elsewhere).WithLabels(map[string]string{handover.Label: string(lease.UID)})
	if err := w.Apply(t.Context(), foreign, client.FieldOwner(handover.FieldManager)); err != nil {
		t.Fatal(err)
	}
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(lease), lease); err != nil {
		t.Fatal(err)
	}
	lease, err := handover.WithObjects(lease, handover.Object{Version: "v1", Kind: "ConfigMap", Namespace: elsewhere, Name: "foreign"}, handover.Object{Group: "none.example", Version: "v1", Kind: "None", Name: "gone"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Update(t.Context(), handover.Release(lease, "eve")); err != nil {
		t.Fatal(err)
	}
	w.eventually(app, "what git wants", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && condition(a, v1alpha1.ConditionHandedOver) == "" && len(w.data("a")) == 1
	})
	extra, other := &corev1.ConfigMap{}, &corev1.ConfigMap{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: w.to, Name: "extra"}, extra); err != nil || extra.Labels[handover.Label] != "" || extra.Data["colour"] != "green" {
		t.Errorf("git's own object: got %v, labels %v, data %v; want it as git has it", err, extra.Labels, extra.Data)
	}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: elsewhere, Name: "foreign"}, other); err != nil || other.Labels[handover.Label] == "" {
		t.Errorf("an object beyond the project: got %v, labels %v; want it untouched", err, other.Labels)
	}
}
