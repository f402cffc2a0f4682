package application_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        ports: [{containerPort: 80}]
`

func TestSyncFollowsGit(t *testing.T) {
	w := newWorld(t)
	w.start()
	first := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/b.yaml": configMap("b", "green"), "k8s/web.yaml": deployment})
	app := w.app("shop", automated)
	got := w.eventually(app, "the first sync", func(a *v1alpha1.Application) bool {
		return syncedTo(first)(a) && a.Status.Health.Status == v1alpha1.HealthHealthy
	})
	if w.data("a")["colour"] != "green" || w.data("b") == nil {
		t.Errorf("a is %v and b is %v; want both as in git", w.data("a"), w.data("b"))
	}
	if n := len(got.Status.Resources); n != 3 || len(got.Status.Summary.Images) != 1 || got.Status.SourceType != "Directory" {
		t.Errorf("status has %d resources, images %v and source type %q; want 3, web:1 and Directory", n, got.Status.Summary.Images, got.Status.SourceType)
	}
	if h := got.Status.History; len(h) != 1 || h[0].Revision != first || !h[0].InitiatedBy.Automated {
		t.Errorf("history is %+v; want one automated entry for %s", h, first)
	}
	if s := got.Status; s.ReconciledAt == nil || s.ReconciledAt.Before(s.OperationState.FinishedAt) {
		t.Errorf("reconciledAt is %v; want it not before finishedAt %v", s.ReconciledAt, s.OperationState.FinishedAt)
	}

	began := time.Now()
	second := w.push(map[string]string{"k8s/a.yaml": configMap("a", "blue"), "k8s/b.yaml": ""})
	got = w.eventually(app, "the second sync", syncedTo(second))
	t.Logf("from push to synced: %s", time.Since(began))
	if w.data("a")["colour"] != "blue" {
		t.Errorf("a is %v; want it blue", w.data("a"))
	}
	if w.data("b") != nil {
		t.Error("b is still there; want it pruned")
	}
	if h := got.Status.History; len(h) != 2 || h[1].ID != h[0].ID+1 {
		t.Errorf("history is %+v; want two entries with growing ids", h)
	}
}

func TestWhatIsNotTrackedStays(t *testing.T) {
	w := newWorld(t)
	w.start()
	stranger := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "stranger"}}
	copied := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "copied", Annotations: map[string]string{v1alpha1.TrackingIDAnnotation: "shop:/ConfigMap:" + w.to + "/a"}}}
	for _, o := range []client.Object{stranger, copied} {
		if err := w.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	w.eventually(w.app("shop", automated), "the sync", syncedTo(sha))
	if w.data("stranger") == nil || w.data("copied") == nil {
		t.Error("an object that the Application does not track was pruned")
	}
}

func TestSelfHealWithinASecond(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the sync", syncedTo(sha))
	// A heal keeps its distance from the sync before.
	w.eventually(app, "the sync to be over for a while", func(a *v1alpha1.Application) bool {
		return time.Since(a.Status.OperationState.FinishedAt.Time) > 3*time.Second
	})
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"changed", func() error {
			return w.Patch(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "a"}}, client.RawPatch(types.MergePatchType, []byte(`{"data":{"colour":"red"}}`)))
		}},
		{"deleted", func() error {
			return w.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "a"}})
		}},
	} {
		before := w.eventually(app, "a quiet while", func(a *v1alpha1.Application) bool {
			return a.Operation == nil && time.Since(a.Status.OperationState.FinishedAt.Time) > 3*time.Second
		})
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		w.until(change.name+" to be undone", func(context.Context) (bool, error) { return w.data("a")["colour"] == "green", nil })
		took := time.Since(began)
		t.Logf("%s: healed after %s", change.name, took)
		if took > time.Second {
			t.Errorf("%s: healed after %s; want a second at most", change.name, took)
		}
		got := w.eventually(app, "the heal to be reported", func(a *v1alpha1.Application) bool {
			return syncedTo(sha)(a) && a.Status.OperationState.StartedAt.After(before.Status.OperationState.StartedAt.Time)
		})
		if len(got.Status.History) != len(before.Status.History) {
			t.Errorf("%s: a heal is in the history", change.name)
		}
	}
}
