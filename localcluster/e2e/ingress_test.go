package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gateways "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"
)

// blocks are those of a language in a guide.
func blocks(t *testing.T, guide, language string) []string {
	t.Helper()
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(m[1], "kind: LocalCluster") { // the file of `up --config` has a test of its own
			found = append(found, m[1])
		}
	}
	return found
}

// apply makes the objects of a YAML text in the default namespace.
func (c *testCluster) apply(text string) {
	c.t.Helper()
	client, err := dynamic.NewForConfig(c.config)
	if err != nil {
		c.t.Fatal(err)
	}
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); err != nil {
			return
		}
		kind := object.GroupVersionKind()
		resource, known := map[string]string{"Ingress": "ingresses", "Gateway": "gateways", "HTTPRoute": "httproutes"}[kind.Kind]
		if !known {
			c.t.Fatalf("%s: not known to this test", kind)
		}
		if _, err := client.Resource(kind.GroupVersion().WithResource(resource)).Namespace(ns).Create(context.Background(), object, metav1.CreateOptions{}); err != nil {
			c.t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
}

// TestIngress: what the guide shows of Ingresses and Gateways works as it stands, on real pods, on ports 80 and 443.
func TestIngress(t *testing.T) {
	needReal(t)
	if os.Getenv("INGRESS_NETWORK") == "" {
		inOwnNetwork(t, "INGRESS_NETWORK=own")
		return
	}
	c := newCluster(t)
	backend := service("shop", corev1.ServiceTypeClusterIP)
	backend.Spec.Ports[0].Port = 80
	c.deploy(deployment("shop", c.push("team/shop:1"), 2, nil), backend)
	guide := filepath.Join("..", "..", "docs", "local-cluster.md")
	examples := blocks(t, guide, "yaml")
	if len(examples) < 3 {
		t.Fatalf("%d examples of YAML in %s", len(examples), guide)
	}
	for _, example := range examples {
		c.apply(example)
	}
	asked := 0
	for _, lines := range blocks(t, guide, "sh") {
		for line := range strings.Lines(lines) {
			if strings.HasPrefix(line, "curl ") {
				asked++
				c.curl(strings.ReplaceAll(strings.TrimSpace(line), "~/.local/share/cyan", c.dir))
			}
		}
	}
	if asked < 4 {
		t.Errorf("%d requests in %s", asked, guide)
	}
	t.Run("status", func(t *testing.T) { c.checkWays(t) })
	t.Run("another port", func(t *testing.T) { c.checkOtherPort(t) })
	t.Run("what is not honoured", func(t *testing.T) { c.checkEvent(t) })
	t.Run("a part that dies", func(t *testing.T) { c.checkIngressRestart(t) })
}

// curl runs a line of the guide until a pod of the shop answers.
func (c *testCluster) curl(line string) {
	c.t.Helper()
	eventually(c.t, 20*time.Second, line, func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, "curl", append([]string{"-sS", "--fail-with-body", "--max-time", "5"}, strings.Fields(line)[1:]...)...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w: %s%s", err, out.String(), errs.String())
		}
		if text := out.String(); !strings.HasPrefix(text, "shop shop-") && !strings.HasPrefix(text, "shop-") {
			return fmt.Errorf("the answer is %q", text)
		}
		return nil
	})
}

// checkWays: Ingresses, Gateways and routes have an address, and say that they are served, some time after they are.
func (c *testCluster) checkWays(t *testing.T) {
	for _, name := range []string{"shop", "api"} {
		eventually(t, 20*time.Second, "Ingress "+name+" has its address", func(ctx context.Context) error {
			ingress, err := c.client.NetworkingV1().Ingresses(ns).Get(ctx, name, metav1.GetOptions{})
			if err != nil || len(ingress.Status.LoadBalancer.Ingress) != 1 || ingress.Status.LoadBalancer.Ingress[0].IP != "127.0.0.1" {
				return fmt.Errorf("%v, %w; want the address 127.0.0.1", ingress.Status, err)
			}
			return nil
		})
	}
	client, err := gateways.NewForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the Gateway is programmed, and has its route", func(ctx context.Context) error {
		gateway, err := client.GatewayV1().Gateways(ns).Get(ctx, "web", metav1.GetOptions{})
		s := gateway.Status
		if err != nil || !meta.IsStatusConditionTrue(s.Conditions, "Programmed") || len(s.Addresses) != 1 || len(s.Listeners) != 1 || s.Listeners[0].AttachedRoutes != 1 {
			return fmt.Errorf("%v, %w", s, err)
		}
		return nil
	})
	eventually(t, 20*time.Second, "the HTTPRoute is accepted", func(ctx context.Context) error {
		route, err := client.GatewayV1().HTTPRoutes(ns).Get(ctx, "shop", metav1.GetOptions{})
		if err != nil || len(route.Status.Parents) != 1 || !meta.IsStatusConditionTrue(route.Status.Parents[0].Conditions, "Accepted") {
			return fmt.Errorf("%v, %w", route.Status, err)
		}
		return nil
	})
}

// checkOtherPort: a Gateway gets any port of this machine that is free, and gives it back.
func (c *testCluster) checkOtherPort(t *testing.T) {
	client, err := gateways.NewForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.GatewayV1().Gateways(ns).Create(context.Background(), &gatewayv1.Gateway{
		ObjectMeta: metav1.ObjectMeta{Name: "other"},
		Spec:       gatewayv1.GatewaySpec{GatewayClassName: "cyan", Listeners: []gatewayv1.Listener{{Name: "http", Port: 18181, Protocol: gatewayv1.HTTPProtocolType}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "port 18181 answers", func(ctx context.Context) error {
		if body, err := get(ctx, "http://127.0.0.1:18181/"); !strings.Contains(body, "404 Not Found") {
			return fmt.Errorf("%q, %w", body, err)
		}
		return nil
	})
	if err := client.GatewayV1().Gateways(ns).Delete(context.Background(), "other", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "port 18181 is free", func(ctx context.Context) error {
		if body, err := get(ctx, "http://127.0.0.1:18181/"); err == nil || body != "" {
			return fmt.Errorf("it answers %q", body)
		}
		return nil
	})
}

// checkEvent: an annotation that is not honoured is an event on its Ingress, once.
func (c *testCluster) checkEvent(t *testing.T) {
	ctx := context.Background()
	patch := []byte(`{"metadata":{"annotations":{"nginx.ingress.kubernetes.io/limit-rps":"5"}}}`)
	if _, err := c.client.NetworkingV1().Ingresses(ns).Patch(ctx, "shop", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "an event names the annotation", func(ctx context.Context) error {
		events, err := c.client.CoreV1().Events(ns).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=Ingress,involvedObject.name=shop"})
		if err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.Reason == "UnsupportedAnnotation" && strings.Contains(e.Message, "limit-rps") && e.Count == 1 {
				return nil
			}
		}
		return fmt.Errorf("%d events, none of them does", len(events.Items))
	})
}

// checkIngressRestart: while the part that serves is started again, clients wait.
func (c *testCluster) checkIngressRestart(t *testing.T) {
	before := c.refresh().part("ingress")
	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.curl("curl http://shop.localhost/")
	eventually(t, 20*time.Second, "the part runs again", func(context.Context) error {
		if now := c.refresh().part("ingress"); now.Restarts != before.Restarts+1 || now.State != "running" {
			return fmt.Errorf("it is %+v", now)
		}
		return nil
	})
}

// TestIngressSimulated: Ingresses get their address where pods are simulated as well, so that apps with one become
// healthy; a cluster that does without has no class that nobody serves, and the port stays the same.
func TestIngressSimulated(t *testing.T) {
	c := newCluster(t, "--nodes", "simulated")
	text := strings.Join(blocks(t, filepath.Join("..", "..", "docs", "local-cluster.md"), "yaml")[:1], "")
	c.apply(text)
	eventually(t, 10*time.Second, "an address", func(ctx context.Context) error {
		ingress, err := c.client.NetworkingV1().Ingresses(ns).Get(ctx, "shop", metav1.GetOptions{})
		if err == nil && (len(ingress.Status.LoadBalancer.Ingress) != 1 || *ingress.Spec.IngressClassName != "cyan") {
			err = fmt.Errorf("got %v, %v", ingress.Status, ingress.Spec.IngressClassName)
		}
		return err
	})
	client, err := gateways.NewForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.GatewayV1().Gateways(ns).Create(context.Background(), &gatewayv1.Gateway{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       gatewayv1.GatewaySpec{GatewayClassName: "cyan", Listeners: []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.expectProgrammed(t, true)
	port := c.Ingress.Port
	if body, _ := get(context.Background(), fmt.Sprintf("http://127.0.0.1:%d/x", port)); !strings.Contains(body, "no Ingress, HTTPRoute or GRPCRoute") || port == 0 {
		t.Errorf("port %d answers %q", port, body)
	}
	for _, restart := range []struct {
		args             []string
		ingress, gateway bool
	}{{[]string{"--without", "gateway"}, true, false}, {[]string{"--without", "ingress"}, false, false}, {[]string{"--without", ""}, true, true}} {
		if r := run(t, "down", "--dir", c.dir); r.code != 0 {
			t.Fatal(r.stderr)
		}
		c.up(restart.args...)
		classes, err := c.client.NetworkingV1().IngressClasses().List(context.Background(), metav1.ListOptions{})
		if err != nil || (len(classes.Items) == 2) != restart.ingress {
			t.Errorf("%v: %d classes, %v", restart.args, len(classes.Items), err)
		}
		if (c.Ingress.Port == port) != restart.ingress {
			t.Errorf("%v: port %d, before %d", restart.args, c.Ingress.Port, port)
		}
		c.expectProgrammed(t, restart.gateway)
		if restart.ingress {
			c.expectStatus(t, fmt.Sprintf("http://127.0.0.1:%d/", port), http.StatusNotFound)
		}
	}
	kinds, err := dynamic.NewForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = kinds.Resource(schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "tcproutes"}).List(context.Background(), metav1.ListOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("kinds that are not served: got %v, want them to be unknown", err)
	}
	if r := run(t, "up", "--dir", filepath.Join(t.TempDir(), "x"), "--ingress-port", "70000"); r.code != 2 || !strings.Contains(r.stderr, "--ingress-port is 70000") {
		t.Errorf("a wrong port: %+v", r)
	}
}

// expectProgrammed waits until Gateway "web" and its class say whether they are served, and why not.
func (c *testCluster) expectProgrammed(t *testing.T, served bool) {
	t.Helper()
	client, err := gateways.NewForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, fmt.Sprintf("Gateway web is served: %t", served), func(ctx context.Context) error {
		gateway, err := client.GatewayV1().Gateways(ns).Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		class, err := client.GatewayV1().GatewayClasses().Get(ctx, "cyan", metav1.GetOptions{})
		if err != nil {
			return err
		}
		programmed, accepted := meta.FindStatusCondition(gateway.Status.Conditions, "Programmed"), meta.FindStatusCondition(class.Status.Conditions, "Accepted")
		if programmed == nil || accepted == nil || (programmed.Status == metav1.ConditionTrue) != served || (accepted.Status == metav1.ConditionTrue) != served ||
			(len(gateway.Status.Addresses) == 1) != served || !served && !strings.Contains(programmed.Message, "cyan local up --dir "+c.dir) {
			return fmt.Errorf("the Gateway is %+v, its class %+v", gateway.Status, class.Status.Conditions)
		}
		return nil
	})
}

func (c *testCluster) expectStatus(t *testing.T, url string, want int) {
	t.Helper()
	response, err := http.Get(url) //nolint:gosec,noctx // the cluster's own
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		t.Errorf("%s: got %d, want %d", url, response.StatusCode, want)
	}
}
