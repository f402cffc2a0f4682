package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestPortsOfOthers: who has port 80 or 443 is said, another program or another cluster, and how to get it; once it is
// free, the next start has it.
func TestPortsOfOthers(t *testing.T) {
	needReal(t)
	if os.Getenv("PORTS_NETWORK") == "" {
		inOwnNetwork(t, "PORTS_NETWORK=own")
		return
	}
	taken, err := net.Listen("tcp4", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	first := newCluster(t, "--nodes", "simulated")
	first.expectMissing(t, fmt.Sprintf("80: taken by e2e.test (process %d); end that program, then run `cyan local down --dir %s", os.Getpid(), first.dir))
	second := newCluster(t, "--nodes", "simulated")
	second.expectMissing(t,
		fmt.Sprintf("80: taken by e2e.test (process %d); end that program", os.Getpid()),
		fmt.Sprintf("443: taken by the local cluster in %[1]s; stop that with `cyan local down --dir %[1]s`, then run `cyan local down --dir %[2]s", first.dir, second.dir))
	if r := run(t, "status", "--dir", second.dir); !strings.Contains(r.stdout, "Note        port 443 of 127.0.0.1: taken by the local cluster in "+first.dir) {
		t.Errorf("status: got\n%s", r.stdout)
	}
	_ = taken.Close()
	for _, c := range []*testCluster{first, second} {
		if r := run(t, "down", "--dir", c.dir); r.code != 0 {
			t.Fatal(r.stderr)
		}
	}
	second.up()
	second.expectMissing(t)
}

// expectMissing checks which of the two ports are missing, each "PORT: CAUSE; REMEDY" or what that begins with.
func (c *testCluster) expectMissing(t *testing.T, want ...string) {
	t.Helper()
	if len(c.Ingress.Missing) != len(want) {
		t.Fatalf("missing: got %+v, want %q", c.Ingress.Missing, want)
	}
	for i, m := range c.Ingress.Missing {
		if got := fmt.Sprintf("%d: %s; %s", m.Port, m.Cause, m.Remedy); !strings.HasPrefix(got, want[i]) {
			t.Errorf("got %q, want %q", got, want[i])
		}
	}
	if c.Ingress.HTTP != (len(want) == 0) {
		t.Errorf("port 80 is served: %t", c.Ingress.HTTP)
	}
}

// TestWhatWaitsForWhatIsLeftOut: a claim, an Ingress and an autoscaler of a cluster without storage, ingress and
// metrics are told so, and what to do.
func TestWhatWaitsForWhatIsLeftOut(t *testing.T) {
	c := newCluster(t, "--nodes", "simulated", "--without", "storage,ingress,metrics")
	ctx := context.Background()
	c.deploy(deployment("app", "nowhere/app:1", 1, nil), nil)
	c.claim("data")
	path := networkingv1.HTTPIngressPath{PathType: ptr(networkingv1.PathTypePrefix), Path: "/", Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "app", Port: networkingv1.ServiceBackendPort{Number: 80}}}}
	_, err := c.client.NetworkingV1().Ingresses(ns).Create(ctx, &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Spec: networkingv1.IngressSpec{IngressClassName: ptr("nginx"), Rules: []networkingv1.IngressRule{{
			Host: "app.localhost", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{path}}},
		}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.client.AutoscalingV2().HorizontalPodAutoscalers(ns).Create(ctx, &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "app"}, MaxReplicas: 2,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: ptr(int32(50))},
			}}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for reason, rest := range map[string]string{"StorageLeftOut": "metrics,ingress", "IngressLeftOut": "storage,metrics", "MetricsLeftOut": "storage,ingress"} {
		eventually(t, 60*time.Second, "event "+reason, func(ctx context.Context) error {
			events, err := c.client.CoreV1().Events(ns).List(ctx, metav1.ListOptions{FieldSelector: "reason=" + reason})
			if err != nil {
				return err
			}
			remedy := fmt.Sprintf("run `cyan local down --dir %[1]s && cyan local up --dir %[1]s --without ", c.dir)
			if len(events.Items) != 1 || !strings.Contains(events.Items[0].Message, remedy) {
				return fmt.Errorf("got %d events; want one with %q", len(events.Items), remedy)
			}
			if left := events.Items[0].Message; strings.Count(left, ",") < 1 {
				return fmt.Errorf("got %q; want the others to stay left out: %s", left, rest)
			}
			return nil
		})
	}
}
