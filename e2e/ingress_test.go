package e2e

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	ingressHost = "counter.localhost"
	routeHost   = "route.localhost"
)

// TestSwitchesThroughIngress: versions replace one another under load that comes by an Ingress and by a Gateway of
// the local cluster, and not one request fails.
func TestSwitchesThroughIngress(t *testing.T) {
	w := newWorld(t)
	w.logOnFailure()
	startServer(t, w.cluster.Kubeconfig, w.mirrors).awaitReady(t)
	sha := w.repo.Commit(w.files())
	w.create()
	w.awaitDeployed(sha, w.images.v1, time.Minute)
	for _, object := range w.ways() {
		if err := w.cluster.Client.Create(context.Background(), object); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.cluster.Client.Delete(context.Background(), object) })
	}
	eventually(t, 20*time.Second, "the Ingress has an address", func() (bool, string) {
		ingress := &networkingv1.Ingress{}
		err := w.cluster.Client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: "app"}, ingress)
		if err != nil {
			return false, err.Error()
		}
		return len(ingress.Status.LoadBalancer.Ingress) == 1, "its status has none"
	})
	status, said := w.status()
	if status.Ingress.Port == 0 {
		t.Fatal(said)
	}
	port := strconv.Itoa(status.Ingress.Port)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}}
	for _, host := range []string{ingressHost, routeHost} {
		eventually(t, 20*time.Second, host+" answers", func() (bool, string) {
			response, err := (&http.Client{Transport: transport}).Get("http://" + host + "/")
			if err != nil {
				return false, err.Error()
			}
			defer response.Body.Close()
			return response.StatusCode == http.StatusOK, response.Status
		})
	}
	byIngress, byGateway := w.loadAt("http://"+ingressHost+":"+port+"/", transport), w.loadAt("http://"+routeHost+":"+port+"/", transport)
	digest := w.images.v1
	for turn := range 6 {
		if digest == w.images.v1 {
			digest = w.images.v2
		} else {
			digest = w.images.v1
		}
		w.awaitDeployed(w.deployAnew(digest, turn), digest, time.Minute)
	}
	for _, load := range []map[string]int{noneFailed(t, byIngress).Versions, noneFailed(t, byGateway).Versions} {
		if load["v1"] == 0 || load["v2"] == 0 {
			t.Error("both versions should have answered:", load)
		}
	}
}

// ways are the objects by which the active Service is reached.
func (w *world) ways() []client.Object {
	prefix := networkingv1.PathTypePrefix
	gateway := func(kind, name string, spec map[string]any) client.Object {
		object := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
		object.SetAPIVersion("gateway.networking.k8s.io/v1")
		object.SetKind(kind)
		object.SetNamespace(w.namespace)
		object.SetName(name)
		return object
	}
	return []client.Object{
		&networkingv1.Ingress{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "app"},
			Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: ingressHost, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: &prefix, Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
					Name: "active-service", Port: networkingv1.ServiceBackendPort{Name: "http"},
				}}}},
			}}}}},
		},
		gateway("Gateway", "app", map[string]any{"gatewayClassName": "cyan", "listeners": []any{map[string]any{"name": "http", "port": int64(80), "protocol": "HTTP"}}}),
		gateway("HTTPRoute", "app", map[string]any{
			"parentRefs": []any{map[string]any{"name": "app"}}, "hostnames": []any{routeHost},
			"rules": []any{map[string]any{"backendRefs": []any{map[string]any{"name": "active-service", "port": int64(80)}}}},
		}),
	}
}
