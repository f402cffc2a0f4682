package e2e

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"
	"k8s.io/kubectl/pkg/cmd/top"
)

// metricsPort is where kube-apiserver reaches the metrics API.
func (c *testCluster) metricsPort() string {
	c.t.Helper()
	client, err := aggregator.NewForConfig(c.config)
	if err != nil {
		c.t.Fatal(err)
	}
	found, err := client.APIServices().Get(context.Background(), "v1beta1.metrics.k8s.io", metav1.GetOptions{})
	if err != nil || found.Spec.Service == nil {
		c.t.Fatalf("the registration of the metrics API: %v, %v", found, err)
	}
	return strconv.Itoa(int(*found.Spec.Service.Port))
}

// checkMetrics: what nodes and pods use is known soon after they start, and a HorizontalPodAutoscaler acts by it.
func (c *testCluster) checkMetrics(t *testing.T, image string) {
	busy := deployment("busy", image, 1, func(pod *corev1.PodSpec) {
		pod.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m")}
	})
	c.deploy(busy, service("busy", corev1.ServiceTypeNodePort))
	half := int32(50)
	_, err := c.client.AutoscalingV2().HorizontalPodAutoscalers(ns).Create(context.Background(), &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "busy"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "busy"},
			MaxReplicas:    2,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &half},
			}}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + c.address("busy", "NodePort")
	eventually(t, 30*time.Second, "the pod is busy", func(ctx context.Context) error {
		_, err := answered(ctx, at+"/burn")
		return err
	})
	for what, args := range map[string][]string{"cyan": {"node"}, c.pod("busy").Name: {"pod", "-n", ns}} {
		eventually(t, 2*time.Minute, "kubectl top "+args[0], func(context.Context) error {
			text, err := c.kubectl(top.NewCmdTop, args...)
			if err == nil && !uses(text, what) {
				err = fmt.Errorf("it prints\n%s", text)
			}
			return err
		})
	}
	eventually(t, 3*time.Minute, "the HorizontalPodAutoscaler scales", func(ctx context.Context) error {
		d, err := c.client.AppsV1().Deployments(ns).Get(ctx, "busy", metav1.GetOptions{})
		if err == nil && *d.Spec.Replicas != 2 {
			err = errors.New(c.whyNotScaled(ctx))
		}
		return err
	})
	if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), "busy", metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

// uses reports whether a table has a row that begins with a name, and in it some processor and some memory.
func uses(table, name string) bool {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) > 2 && fields[0] == name && fields[1] != "0m" && !strings.Contains(line, "<unknown>") && !strings.Contains(line, " 0Mi") {
			return true
		}
	}
	return false
}

func (c *testCluster) whyNotScaled(ctx context.Context) string {
	found, err := c.client.AutoscalingV2().HorizontalPodAutoscalers(ns).Get(ctx, "busy", metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint("its conditions are ", found.Status.Conditions)
}

// checkNoMetrics: where pods are simulated the API says so, and nothing else is hindered by it.
func (c *testCluster) checkNoMetrics(t *testing.T) {
	for _, args := range [][]string{{"node"}, {"pod", "-A"}, {"pod", "-n", ns, "web"}} {
		if text, err := c.kubectl(top.NewCmdTop, args...); err == nil || !strings.Contains(err.Error(), "pods are simulated") || !strings.Contains(err.Error(), "--nodes real") {
			t.Errorf("kubectl top %v: got %q, %v; want the reason", args, text, err)
		}
	}
	if _, _, err := c.client.Discovery().ServerGroupsAndResources(); err != nil {
		t.Errorf("listing what is served: %v", err)
	}
}

// TestMetricsAreLeftOut: a cluster that does without the metrics API has nothing of it, and has it again when it may.
func TestMetricsAreLeftOut(t *testing.T) {
	c := newCluster(t, "--nodes", "simulated")
	for _, restart := range []struct {
		args   []string
		served bool
	}{{[]string{"--without", "metrics"}, false}, {nil, false}, {[]string{"--without", ""}, true}, {nil, true}} {
		if r := run(t, "down", "--dir", c.dir); r.code != 0 {
			t.Fatal(r.stderr)
		}
		c.up(restart.args...)
		if _, _, err := c.client.Discovery().ServerGroupsAndResources(); err != nil {
			t.Errorf("%v: listing what is served: %v", restart.args, err)
		}
		_, err := c.client.Discovery().ServerResourcesForGroupVersion("metrics.k8s.io/v1beta1")
		if served := err == nil; served != restart.served || err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("%v: metrics API: %v; want it served: %v", restart.args, err, restart.served)
		}
		_, err = c.client.CoreV1().Services(metav1.NamespaceSystem).Get(context.Background(), "cyan-metrics", metav1.GetOptions{})
		if (err == nil) != restart.served {
			t.Errorf("%v: its Service: %v; want one: %v", restart.args, err, restart.served)
		}
	}
}

// TestAnotherMetricsAPIStays: what somebody has installed in the place of the cluster's own is not taken away.
func TestAnotherMetricsAPIStays(t *testing.T) {
	c := newCluster(t, "--nodes", "simulated")
	client, err := aggregator.NewForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	patch := []byte(`{"spec":{"service":{"name":"metrics-server"}}}`)
	if _, err := client.APIServices().Patch(ctx, "v1beta1.metrics.k8s.io", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--without", "metrics"}} {
		if r := run(t, "down", "--dir", c.dir); r.code != 0 {
			t.Fatal(r.stderr)
		}
		c.up(args...)
		found, err := client.APIServices().Get(ctx, "v1beta1.metrics.k8s.io", metav1.GetOptions{})
		if err != nil || found.Spec.Service.Name != "metrics-server" {
			t.Errorf("%v: got %v, %v; want what was installed", args, found, err)
		}
	}
}
