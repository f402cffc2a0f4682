package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	kexec "k8s.io/client-go/util/exec"
)

func deployment(name, image string, replicas int32, change func(*corev1.PodSpec)) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	pod := corev1.PodSpec{
		TerminationGracePeriodSeconds: ptr(int64(5)),
		Containers: []corev1.Container{{
			Name: "probe", Image: image, Env: []corev1.EnvVar{{Name: "NAME", Value: name}},
			ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(8080)}}},
		}},
	}
	if change != nil {
		change(&pod)
	}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
		},
	}
}

func service(name string, kind corev1.ServiceType) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ServiceSpec{
			Type: kind, Selector: map[string]string{"app": name},
			Ports: []corev1.ServicePort{{Name: "http", Port: 18080, TargetPort: intstr.FromInt32(8080)}},
		},
	}
}

func ptr[T any](v T) *T { return &v }

const ns = "default"

// deploy creates a Deployment and a Service and waits until its pods are ready.
func (c *testCluster) deploy(d *appsv1.Deployment, s *corev1.Service) {
	c.t.Helper()
	ctx := context.Background()
	if _, err := c.client.AppsV1().Deployments(ns).Create(ctx, d, metav1.CreateOptions{}); err != nil {
		c.t.Fatal(err)
	}
	if s != nil {
		if _, err := c.client.CoreV1().Services(ns).Create(ctx, s, metav1.CreateOptions{}); err != nil {
			c.t.Fatal(err)
		}
	}
	c.waitAvailable(d.Name)
}

func (c *testCluster) waitAvailable(name string) {
	c.t.Helper()
	eventually(c.t, time.Minute, name+" is available", func(ctx context.Context) error {
		d, err := c.client.AppsV1().Deployments(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if d.Status.AvailableReplicas != *d.Spec.Replicas || d.Status.Replicas != *d.Spec.Replicas {
			return fmt.Errorf("%d of %d; %s", d.Status.AvailableReplicas, *d.Spec.Replicas, c.whyPods(ctx, name))
		}
		return nil
	})
}

// whyPods returns what pods wait for.
func (c *testCluster) whyPods(ctx context.Context, app string) string {
	events, err := c.client.CoreV1().Events(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	var why []string
	for _, e := range events.Items {
		if e.Type == corev1.EventTypeWarning && strings.HasPrefix(e.InvolvedObject.Name, app) {
			why = append(why, e.Reason+": "+e.Message)
		}
	}
	return strings.Join(why, "; ")
}

func (c *testCluster) pod(app string) corev1.Pod {
	c.t.Helper()
	pods, err := c.client.CoreV1().Pods(ns).List(context.Background(), metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil || len(pods.Items) == 0 {
		c.t.Fatalf("pods of %s: %v, %d found", app, err, len(pods.Items))
	}
	return pods.Items[0]
}

// address is where a Service is reached on this machine.
func (c *testCluster) address(service, kind string) string {
	c.t.Helper()
	found := ""
	eventually(c.t, 10*time.Second, service+" is offered", func(context.Context) error {
		for _, p := range c.refresh().Ports {
			if p.Service == service && p.Type == kind {
				found = p.Address
				return nil
			}
		}
		return errors.New("it is not listed in the status")
	})
	return found
}

func TestRealPods(t *testing.T) {
	needReal(t)
	c := newCluster(t)
	version, err := c.client.Discovery().ServerVersion()
	if err != nil || version.GitVersion != "v1.37.2" {
		t.Fatalf("server version: %v, %v; want v1.37.2", version, err)
	}
	image := c.push("team/app:1")
	hostDir := t.TempDir()
	if err := os.WriteFile(filepath.Join(hostDir, "note"), []byte("from the host"), 0o644); err != nil {
		t.Fatal(err)
	}
	c.volumesContent()
	c.deploy(deployment("web", image, 2, volumes(hostDir)), service("web", corev1.ServiceTypeNodePort))
	at := "http://" + c.address("web", "NodePort")

	t.Run("NodePort on the host", func(t *testing.T) {
		eventually(t, 10*time.Second, "an answer from "+at, func(ctx context.Context) error {
			body, err := get(ctx, at)
			if err == nil && !strings.HasPrefix(body, "web web-") {
				err = fmt.Errorf("the answer is %q", body)
			}
			return err
		})
	})
	t.Run("names", func(t *testing.T) {
		c.expect(t, at+"/resolve?name=web", c.service("web").Spec.ClusterIP)
		c.expect(t, at+"/resolve?name=web.default.svc.cluster.local", c.service("web").Spec.ClusterIP)
		c.expect(t, at+"/resolve?name=kubernetes.default", "10.96.0.1")
		// A name without an IPv6 address exists: who is told otherwise does not ask for its IPv4 address.
		for question, want := range map[string]string{
			"name=web.default.svc.cluster.local.&type=A":    "NOERROR 1",
			"name=web.default.svc.cluster.local.&type=AAAA": "NOERROR 0",
			"name=host.cyan.internal.&type=AAAA":            "NOERROR 0",
			"name=none.default.svc.cluster.local.&type=A":   "NXDOMAIN 0",
		} {
			c.expect(t, at+"/answer?"+question, want)
		}
	})
	t.Run("Service from a pod, itself among the endpoints", func(t *testing.T) {
		for range 8 { // both pods are met
			body, err := get(context.Background(), at+"/fetch?url="+url.QueryEscape("http://web:18080/"))
			if err != nil || !strings.HasPrefix(body, "web web-") {
				t.Fatalf("answer %q, %v", body, err)
			}
		}
	})
	t.Run("volumes", func(t *testing.T) { c.checkVolumes(t, at) })
	t.Run("logs", func(t *testing.T) {
		text, err := c.client.CoreV1().Pods(ns).GetLogs(c.pod("web").Name, &corev1.PodLogOptions{}).DoRaw(context.Background())
		if err != nil || !strings.Contains(string(text), "probe started as web") {
			t.Errorf("logs: %q, %v", text, err)
		}
	})
	t.Run("claims", func(t *testing.T) { c.checkClaims(t, image) })
	t.Run("metrics", func(t *testing.T) { c.checkMetrics(t, image) })
	t.Run("images", c.checkImages)
	t.Run("an image that is loaded again", c.checkLoadedAgain)
	t.Run("what the network does not do", c.checkNotServed)
	t.Run("exec", func(t *testing.T) { c.checkExec(t) })
	t.Run("debug", func(t *testing.T) { c.checkDebug(t, image) })
	t.Run("port-forward", func(t *testing.T) { c.checkPortForward(t) })
	t.Run("LoadBalancer", func(t *testing.T) { c.checkLoadBalancer(t, image) })
	t.Run("datagrams", func(t *testing.T) { c.checkDatagrams(t, image) })
	t.Run("ports of the host", func(t *testing.T) { c.checkHostPorts(t, image) })
	t.Run("any host in an image's name", func(t *testing.T) {
		c.push("library/nginx:1.19")
		c.deploy(deployment("short", "nginx:1.19", 1, nil), nil)
		c.deploy(deployment("elsewhere", "registry.example/team/app:1", 1, nil), nil)
	})
	t.Run("image that is nowhere", func(t *testing.T) { c.checkMissingImage(t) })
	t.Run("liveness", func(t *testing.T) { c.checkLiveness(t, image) })
}

func (c *testCluster) expect(t *testing.T, url, want string) {
	t.Helper()
	var body string
	var err error
	for range 5 {
		if body, err = get(context.Background(), url); err == nil {
			break
		}
	}
	if err != nil || strings.TrimSpace(body) != want {
		t.Errorf("%s: %q, %v; want %q", url, body, err, want)
	}
}

func (c *testCluster) service(name string) *corev1.Service {
	c.t.Helper()
	s, err := c.client.CoreV1().Services(ns).Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func (c *testCluster) volumesContent() {
	c.t.Helper()
	ctx := context.Background()
	_, err := c.client.CoreV1().ConfigMaps(ns).Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "config"}, Data: map[string]string{"key": "from a config map"},
	}, metav1.CreateOptions{})
	if err == nil {
		_, err = c.client.CoreV1().Secrets(ns).Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "secret"}, StringData: map[string]string{"key": "from a secret"},
		}, metav1.CreateOptions{})
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func volumes(hostDir string) func(*corev1.PodSpec) {
	return func(pod *corev1.PodSpec) {
		add := func(name string, source corev1.VolumeSource) {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: name, VolumeSource: source})
			pod.Containers[0].VolumeMounts = append(pod.Containers[0].VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
		}
		add("config", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "config"}}})
		add("secret", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "secret"}})
		add("empty", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
		add("memory", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}})
		add("host", corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: hostDir}})
		add("projected", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr(int64(3600))}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}}},
		}}})
	}
}

func (c *testCluster) checkVolumes(t *testing.T, at string) {
	c.expect(t, at+"/read?path=/config/key", "from a config map")
	c.expect(t, at+"/read?path=/secret/key", "from a secret")
	c.expect(t, at+"/read?path=/host/note", "from the host")
	c.expect(t, at+"/read?path=/projected/name", ns)
	if token, err := get(context.Background(), at+"/read?path=/projected/token"); err != nil || strings.Count(token, ".") != 2 {
		t.Errorf("service account token: %q, %v", token, err)
	}
	for _, path := range []string{"/empty/file", "/memory/file", "/host/back"} {
		if _, err := get(context.Background(), at+"/write?path="+path+"&text=written"); err != nil {
			t.Errorf("writing %s: %v", path, err)
		}
	}
}

func (c *testCluster) exec(t *testing.T, command ...string) (string, error) {
	t.Helper()
	request := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(ns).Name(c.pod("web").Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(c.config, http.MethodGet, request.URL().String())
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	err = executor.StreamWithContext(context.Background(), remotecommand.StreamOptions{Stdout: &out, Stderr: &errs})
	return out.String() + errs.String(), err
}

func (c *testCluster) checkExec(t *testing.T) {
	for range 10 { // whatever is written is passed on, however soon the process ends
		out, err := c.exec(t, "/probe", "echo", "hello", "there")
		if err != nil || out != "hello there\n" {
			t.Errorf("echo: %q, %v", out, err)
		}
	}
	out, err := c.exec(t, "/probe", "exit")
	var exit kexec.CodeExitError
	if !errors.As(err, &exit) || exit.Code != 3 || out != "leaving\n" {
		t.Errorf("exit: %q, %v; want exit code 3", out, err)
	}
}

func (c *testCluster) checkPortForward(t *testing.T) {
	request := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(ns).Name(c.pod("web").Name).SubResource("portforward")
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		t.Fatal(err)
	}
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, request.URL())
	stop, ready := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:8080"}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- forwarder.ForwardPorts() }()
	defer func() {
		close(stop)
		if err := <-done; err != nil {
			t.Error("forwarding:", err)
		}
	}()
	select {
	case <-ready:
	case err := <-done:
		done <- nil
		t.Fatalf("forwarding: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("forwarding is not ready within 10 s")
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	if body, err := get(context.Background(), fmt.Sprintf("http://127.0.0.1:%d/", ports[0].Local)); err != nil || !strings.HasPrefix(body, "web web-") {
		t.Errorf("answer %q, %v", body, err)
	}
}

func (c *testCluster) checkLoadBalancer(t *testing.T, image string) {
	c.deploy(deployment("balanced", image, 1, nil), service("balanced", corev1.ServiceTypeLoadBalancer))
	at := c.address("balanced", "LoadBalancer")
	eventually(t, 10*time.Second, "an answer", func(ctx context.Context) error {
		body, err := get(ctx, "http://"+at)
		if err == nil && !strings.HasPrefix(body, "balanced ") {
			err = fmt.Errorf("the answer is %q", body)
		}
		return err
	})
	eventually(t, 10*time.Second, "the address in the Service's status", func(context.Context) error {
		ingress := c.service("balanced").Status.LoadBalancer.Ingress
		if len(ingress) != 1 || ingress[0].IP != "127.0.0.1" {
			return fmt.Errorf("it is %v", ingress)
		}
		return nil
	})
}

func (c *testCluster) checkMissingImage(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "missing"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "registry.invalid/nobody/nothing:1"}}}}
	if _, err := c.client.CoreV1().Pods(ns).Create(context.Background(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the pod says why it waits", func(ctx context.Context) error {
		pod, err := c.client.CoreV1().Pods(ns).Get(ctx, "missing", metav1.GetOptions{})
		if err != nil || len(pod.Status.ContainerStatuses) == 0 {
			return fmt.Errorf("no status yet: %w", err)
		}
		waiting := pod.Status.ContainerStatuses[0].State.Waiting
		if waiting == nil || waiting.Reason != "ErrImagePull" && waiting.Reason != "ImagePullBackOff" {
			return fmt.Errorf("it waits for %v", waiting)
		}
		return nil
	})
}

func (c *testCluster) checkLiveness(t *testing.T, image string) {
	c.deploy(deployment("sick", image, 1, func(pod *corev1.PodSpec) {
		pod.Containers[0].LivenessProbe = &corev1.Probe{
			PeriodSeconds: 1, FailureThreshold: 1, InitialDelaySeconds: 2,
			ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/read?path=/nothing", Port: intstr.FromInt32(8080)}},
		}
	}), nil)
	eventually(t, 30*time.Second, "the container is restarted", func(context.Context) error {
		if n := c.pod("sick").Status.ContainerStatuses[0].RestartCount; n == 0 {
			return errors.New("it was not yet")
		}
		return nil
	})
}
