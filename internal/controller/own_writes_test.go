package controller

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

const control = "argocd"

// lagging is a cache that gets to know of what is written after some time.
type lagging struct {
	// before is what it had, and server what it gets to know of after by.
	before, server client.Client
	by             time.Duration
	begun          time.Time
	fails          error
	reads          *atomic.Int64
}

// behind returns a cache, empty yet, that is behind an API server from now on.
func behind(server client.Client, by time.Duration, fails error) lagging {
	before := fake.NewClientBuilder().WithScheme(testkit.Scheme()).Build()
	return lagging{before, server, by, time.Now(), fails, &atomic.Int64{}}
}

func (l lagging) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	l.reads.Add(1)
	switch {
	case l.fails != nil:
		return l.fails
	case time.Since(l.begun) < l.by:
		return l.before.Get(ctx, key, into, options...)
	}
	return l.server.Get(ctx, key, into, options...)
}

// List is what nobody asks for.
func (l lagging) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	return l.server.List(ctx, into, options...)
}

func newApplication(namespace, name string) *v1alpha1.Application {
	return &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

// A write is answered once the cache that answers the next call has it, and soon in any case.
func TestWritesAreAnsweredWhenCachesHaveThem(t *testing.T) {
	secret := func() client.Object {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: "s"}}
	}
	elsewhere := func() client.Object {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "elsewhere", Name: "s"}}
	}
	app := func() client.Object { return newApplication("teams", "shop") }
	project := func() client.Object {
		return &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: "shop"}}
	}
	rollout := func() client.Object {
		return &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	}
	const late = 300 * time.Millisecond
	create := func(ctx context.Context, c client.Client, o client.Object) error { return c.Create(ctx, o) }
	update := func(ctx context.Context, c client.Client, o client.Object) error {
		o.SetLabels(map[string]string{"a": "b"})
		return c.Update(ctx, o)
	}
	patch := func(ctx context.Context, c client.Client, o client.Object) error {
		return c.Patch(ctx, o, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`)))
	}
	part := func(ctx context.Context, c client.Client, o client.Object) error {
		return c.Status().Patch(ctx, o, client.RawPatch("application/merge-patch+json", []byte(`{"status":{"phase":"Paused"}}`)))
	}
	untyped := func(ctx context.Context, c client.Client, o client.Object) error {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.ApplicationKind))
		u.SetNamespace(o.GetNamespace())
		u.SetName(o.GetName())
		return patch(ctx, c, u)
	}
	replacePart := func(ctx context.Context, c client.Client, o client.Object) error {
		o.(*v1alpha1.Rollout).Status.Phase = v1alpha1.RolloutPaused
		return c.Status().Update(ctx, o)
	}
	remove := func(ctx context.Context, c client.Client, o client.Object) error { return c.Delete(ctx, o) }
	for _, c := range []struct {
		name   string
		object func() client.Object
		new    bool
		write  func(context.Context, client.Client, client.Object) error
		behind time.Duration
		fails  error
		want   time.Duration
	}{
		{"an Application that is created", app, true, create, late, nil, late},
		{"an Application that is replaced", app, false, update, late, nil, late},
		{"an Application that is patched", app, false, patch, late, nil, late},
		{"an Application that is patched without its type", app, false, untyped, late, nil, late},
		{"an Application that is deleted", app, false, remove, late, nil, late},
		{"a Rollout that is patched", rollout, false, patch, late, nil, late},
		{"a Rollout's status", rollout, false, part, late, nil, late},
		{"a Rollout's status, replaced", rollout, false, replacePart, late, nil, late},
		{"an AppProject", project, false, patch, late, nil, late},
		{"a Secret of the control namespace", secret, false, patch, late, nil, late},
		{"a Secret that no cache has", elsewhere, false, patch, late, nil, 0},
		{"a cache that has it", app, false, patch, 0, nil, 0},
		{"a cache that does not hear of it", app, false, patch, time.Hour, nil, seenWithin},
		{"two caches that do not hear of it", project, false, patch, time.Hour, nil, seenWithin},
		{"a cache that hears of no deletion", app, false, remove, time.Hour, nil, seenWithin},
		{"a cache that cannot be read", app, false, patch, 0, errors.New("not started"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := c.object()
				server := fake.NewClientBuilder().WithScheme(testkit.Scheme()).WithStatusSubresource(&v1alpha1.Rollout{}).Build()
				cache := behind(server, c.behind, c.fails)
				if !c.new {
					if err := server.Create(t.Context(), o); err != nil {
						t.Fatal(err)
					}
					had := o.DeepCopyObject().(client.Object)
					had.SetResourceVersion("")
					if err := cache.before.Create(t.Context(), had); err != nil {
						t.Fatal(err)
					}
				}
				began := time.Now()
				if err := c.write(t.Context(), ownWrites{server, cache, cache, control}, o); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < c.want || took > c.want+2*seenEvery {
					t.Errorf("answered after %s, want %s", took, c.want)
				}
			})
		})
	}
}

// What is refused is answered at once.
func TestRefusedWritesWaitForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fake.NewClientBuilder().WithScheme(testkit.Scheme()).Build()
		cache := behind(server, time.Hour, nil)
		w := ownWrites{server, cache, cache, control}
		began := time.Now()
		for name, err := range map[string]error{
			"create": w.Create(t.Context(), &v1alpha1.Application{}),
			"update": w.Update(t.Context(), newApplication(control, "none")),
			"patch":  w.Patch(t.Context(), newApplication(control, "none"), client.RawPatch("application/merge-patch+json", []byte(`{}`))),
			"delete": w.Delete(t.Context(), newApplication(control, "none")),
		} {
			if err == nil {
				t.Errorf("%s: written", name)
			}
		}
		if time.Since(began) != 0 || cache.reads.Load() != 0 {
			t.Errorf("waited for %s, read %d times", time.Since(began), cache.reads.Load())
		}
	})
}
