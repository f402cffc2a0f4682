package service_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/traffic/routertest"
	"github.com/cyan-cd/cyan/internal/traffic/service"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestRouter(t *testing.T) {
	run(t, func(c client.Client) service.Router { return service.Router{Client: c, Live: c} })
}

// With a cache that is never behind the same is true.
func TestRouterWithACache(t *testing.T) {
	run(t, func(c client.Client) service.Router {
		return service.Router{Client: c, Live: c, Cache: indexed{c}, Shared: service.NewShared()}
	})
}

func run(t *testing.T, router func(client.Client) service.Router) {
	routertest.Run(t, func(t *testing.T) routertest.World {
		cluster := testkit.Cluster(t)
		namespace := cluster.Namespace(t)
		for _, name := range []string{"active", "preview"} {
			s := routertest.Service(name)
			s.Namespace = namespace
			if err := cluster.Client.Create(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		return routertest.World{
			Router: router(cluster.Client), Client: cluster.Client, Namespace: namespace,
			Shares: func(t *testing.T) map[string]int32 { return shares(t, cluster.Client, namespace) },
		}
	})
}

// indexed is a reader that has the indexes of a router.
type indexed struct{ client.Reader }

func (r indexed) List(ctx context.Context, list client.ObjectList, how ...client.ListOption) error {
	asked := (&client.ListOptions{}).ApplyOptions(how)
	if err := r.Reader.List(ctx, list, client.InNamespace(asked.Namespace)); err != nil || asked.FieldSelector == nil {
		return err
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return err
	}
	var picked []runtime.Object
	for _, item := range items {
		if r.has(item.(client.Object), asked.FieldSelector.Requirements()[0]) {
			picked = append(picked, item)
		}
	}
	return meta.SetList(list, picked)
}

func (indexed) has(o client.Object, asked fields.Requirement) bool {
	for _, index := range service.Indexes() {
		if index.Name == asked.Field && reflect.TypeOf(index.Of) == reflect.TypeOf(o) && slices.Contains(index.Values(o), asked.Value) {
			return true
		}
	}
	return false
}

// shares returns where the selector of the active Service sends the requests: all to one version, or to none.
func shares(t *testing.T, c client.Client, namespace string) map[string]int32 {
	t.Helper()
	active := &corev1.Service{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "active"}, active); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	hash := rollout.SelectedHash(active)
	if hash == "" {
		return nil
	}
	return map[string]int32{hash: 100}
}
