package service_test

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/traffic/routertest"
	"github.com/cyan-cd/cyan/internal/traffic/service"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestRouter(t *testing.T) {
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
			Router: service.Router{Client: cluster.Client, Live: cluster.Client}, Client: cluster.Client, Namespace: namespace,
			Shares: func(t *testing.T) map[string]int32 { return shares(t, cluster.Client, namespace) },
		}
	})
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
