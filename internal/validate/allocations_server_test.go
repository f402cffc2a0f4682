package validate

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// What is found of ports is what a real API server does with a second Service.
func TestAllocationsAreTheAPIServers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an API server")
	}
	cluster := testkit.Cluster(t)
	testkit.Eventually(t, time.Minute, "the namespace default", func() error {
		return cluster.Client.Get(t.Context(), client.ObjectKey{Name: "default"}, &corev1.Namespace{})
	})
	first := serviceSpec("type: NodePort, ports: [{name: a, port: 53, nodePort: 30053}]")
	object := fromFile(t, first).Object.DeepCopy()
	object.SetNamespace("default")
	if err := cluster.Client.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Client.Delete(context.Background(), object); err != nil {
			t.Error(err)
		}
	})
	for rule, second := range map[string]string{
		"the same port":                     "type: NodePort, ports: [{port: 80, nodePort: 30053}]",
		"the same port of another protocol": "type: NodePort, ports: [{port: 80, protocol: UDP, nodePort: 30053}]",
		"a port of its own":                 "type: NodePort, ports: [{port: 80, nodePort: 30054}]",
	} {
		o := fromFile(t, serviceSpec(second))
		o.Object.SetName("second")
		found := allocations([]render.Rendered{fromFile(t, first), o})
		if err := dryRun(t.Context(), cluster.Client, o); (err != nil) != (len(found) > 0) {
			t.Errorf("%s: the API server says %v, and here is found %q", rule, err, texts(found))
		}
	}
}
