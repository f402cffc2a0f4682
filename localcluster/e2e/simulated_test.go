package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/registry"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// TestSimulated checks what can be done without containers.
func TestSimulated(t *testing.T) {
	c := newCluster(t, "--nodes", "simulated", "--count", "50")
	if c.Mode != "simulated" || !c.Ready {
		t.Errorf("status: %+v", c.status)
	}
	t.Run("listeners", c.checkListeners)
	t.Run("nodes", func(t *testing.T) {
		nodes, err := c.client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
		if err != nil || len(nodes.Items) != 50 {
			t.Errorf("%d nodes, %v; want 50", len(nodes.Items), err)
		}
	})
	t.Run("metrics", c.checkNoMetrics)
	t.Run("pods and their endpoints", func(t *testing.T) {
		c.deploy(deployment("web", "nowhere/web:1", 100, nil), service("web", corev1.ServiceTypeClusterIP))
		c.endpoints(t, "web", 100)
	})
	t.Run("a load balancer", c.checkSimulatedBalancer)
	t.Run("a pod that is never ready, until it is", func(t *testing.T) { c.checkNeverReady(t) })
	t.Run("jobs", func(t *testing.T) { c.checkJobs(t) })
	t.Run("deletion", func(t *testing.T) {
		background := metav1.DeletePropagationBackground
		if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), "web", metav1.DeleteOptions{PropagationPolicy: &background}); err != nil {
			t.Fatal(err)
		}
		eventually(t, 20*time.Second, "all pods are gone", func(ctx context.Context) error {
			pods, err := c.client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
			if err == nil && len(pods.Items) > 0 {
				err = fmt.Errorf("%d are left", len(pods.Items))
			}
			return err
		})
	})
	t.Run("load", func(t *testing.T) { c.checkLoad(t) })
	t.Run("pull through", func(t *testing.T) { c.checkPullThrough(t) })
	t.Run("logs and kubeconfig", func(t *testing.T) {
		if r := run(t, "logs", "kube-apiserver", "--dir", c.dir); r.code != 0 || r.stdout == "" {
			t.Errorf("logs: exit code %d, %d bytes", r.code, len(r.stdout))
		}
		if r := run(t, "logs", "nobody", "--dir", c.dir); r.code == 0 || !strings.Contains(r.stderr, "kube-apiserver") {
			t.Errorf("logs of an unknown part: %q; want the parts there are", r.stderr)
		}
		if r := run(t, "kubeconfig", "--dir", c.dir); !strings.Contains(r.stdout, c.APIServer) {
			t.Errorf("the kubeconfig lacks %s", c.APIServer)
		}
	})
	t.Run("fewer nodes after a restart, asked for while the one before ends", func(t *testing.T) {
		if r := run(t, "down", "--dir", c.dir); r.code != 0 {
			t.Fatal(r.stderr)
		}
		// A supervisor that was killed holds its lock until the kernel has taken it away.
		ending, err := state.Dir{Path: c.dir}.LockSupervisor()
		if err != nil {
			t.Fatal(err)
		}
		started := make(chan result, 1)
		go func() { started <- run(t, "up", "--dir", c.dir, "--count", "3") }()
		c.awaitOperation(t)
		ending.Release()
		if r := <-started; r.code != 0 {
			t.Fatalf("exit code %d\n%s", r.code, r.stderr)
		}
		c.up()
		nodes, err := c.client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
		if err != nil || len(nodes.Items) != 3 {
			t.Errorf("%d nodes, %v; want 3", len(nodes.Items), err)
		}
	})
}

// awaitOperation waits until a command works on the cluster.
func (c *testCluster) awaitOperation(t *testing.T) {
	impatient, cancel := context.WithCancel(context.Background())
	cancel()
	eventually(t, 20*time.Second, "a command works on the cluster", func(context.Context) error {
		lock, err := state.Dir{Path: c.dir}.LockOperation(impatient, func() {})
		if err != nil {
			return nil
		}
		lock.Release()
		return errors.New("nobody holds its lock")
	})
}

// checkSimulatedBalancer: what waits for an address gets that of a node, so that an app that has a load balancer
// becomes healthy.
func (c *testCluster) checkSimulatedBalancer(t *testing.T) {
	if _, err := c.client.CoreV1().Services(ns).Create(context.Background(), service("balanced", corev1.ServiceTypeLoadBalancer), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the address in the Service's status", func(context.Context) error {
		if ingress := c.service("balanced").Status.LoadBalancer.Ingress; len(ingress) != 1 || ingress[0].IP != "172.30.0.2" {
			return fmt.Errorf("got %v", ingress)
		}
		return nil
	})
}

// endpoints waits until a Service has so many ready endpoints, each with an address of its own.
func (c *testCluster) endpoints(t *testing.T, service string, want int) {
	t.Helper()
	eventually(t, 30*time.Second, "endpoints of "+service, func(ctx context.Context) error {
		slices, err := c.client.DiscoveryV1().EndpointSlices(ns).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + service})
		if err != nil {
			return err
		}
		ready := map[string]bool{}
		for _, slice := range slices.Items {
			for _, e := range slice.Endpoints {
				if e.Conditions.Ready != nil && *e.Conditions.Ready {
					ready[e.Addresses[0]] = true
				}
			}
		}
		if len(ready) != want {
			return fmt.Errorf("%d are ready, want %d", len(ready), want)
		}
		return nil
	})
}

func (c *testCluster) checkNeverReady(t *testing.T) {
	ctx := context.Background()
	d := deployment("stuck", "nowhere/stuck:1", 1, nil)
	d.Spec.Template.Annotations = map[string]string{"cyan.dev/simulated-never-ready": "true"}
	if _, err := c.client.AppsV1().Deployments(ns).Create(ctx, d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.client.CoreV1().Services(ns).Create(ctx, service("stuck", corev1.ServiceTypeClusterIP), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	eventually(t, 10*time.Second, "the pod runs", func(ctx context.Context) error {
		pods, err := c.client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{LabelSelector: "app=stuck"})
		if err != nil || len(pods.Items) != 1 || pods.Items[0].Status.Phase != corev1.PodRunning {
			return fmt.Errorf("not yet: %w", err)
		}
		pod = pods.Items[0]
		return nil
	})
	if pod.Status.ContainerStatuses[0].Ready {
		t.Error("it is ready")
	}
	c.endpoints(t, "stuck", 0)
	patch := []byte(`{"metadata":{"annotations":{"cyan.dev/simulated-never-ready":null}}}`)
	if _, err := c.client.CoreV1().Pods(ns).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	c.endpoints(t, "stuck", 1)
}

func (c *testCluster) checkJobs(t *testing.T) {
	ctx := context.Background()
	for name, annotations := range map[string]map[string]string{"works": nil, "fails": {"cyan.dev/simulated-exit-code": "1"}} {
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: batchv1.JobSpec{
			BackoffLimit: ptr(int32(0)),
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}, Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "c", Image: "nowhere/job:1"}},
			}},
		}}
		if _, err := c.client.BatchV1().Jobs(ns).Create(ctx, job, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]batchv1.JobConditionType{"works": batchv1.JobComplete, "fails": batchv1.JobFailed} {
		eventually(t, 20*time.Second, name+" is "+string(want), func(ctx context.Context) error {
			job, err := c.client.BatchV1().Jobs(ns).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, condition := range job.Status.Conditions {
				if condition.Type == want && condition.Status == corev1.ConditionTrue {
					return nil
				}
			}
			return fmt.Errorf("its conditions are %v", job.Status.Conditions)
		})
	}
}

func (c *testCluster) checkLoad(t *testing.T) {
	dir := t.TempDir()
	image := probeImage(t)
	tag, err := name.NewTag("registry.example/team/docker:1")
	if err != nil {
		t.Fatal(err)
	}
	docker := filepath.Join(dir, "docker.tar")
	if err := tarball.WriteToFile(docker, tag, image); err != nil {
		t.Fatal(err)
	}
	path, err := layout.Write(filepath.Join(dir, "oci"), empty.Index)
	if err == nil {
		err = path.AppendImage(image, layout.WithAnnotations(map[string]string{"io.containerd.image.name": "docker.io/library/oci:2"}))
	}
	if err != nil {
		t.Fatal(err)
	}
	oci := filepath.Join(dir, "oci.tar")
	tarUp(t, filepath.Join(dir, "oci"), oci)
	want, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for archive, at := range map[string]string{docker: "team/docker:1", oci: "oci:2"} {
		if r := run(t, "load", archive, "--dir", c.dir); r.code != 0 || !strings.HasPrefix(r.stdout, "Loaded ") {
			t.Fatalf("load %s: exit code %d, %s", archive, r.code, r.stdout+r.stderr)
		}
		ref, err := name.ParseReference(c.Registry+"/"+at, name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		found, err := remote.Image(ref, c.login())
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		config, err := found.ConfigName()
		wanted, _ := image.ConfigName()
		if err != nil || config != wanted {
			t.Errorf("%s: configuration %s, %v; want that of %s", at, config, err, want)
		}
	}
	refusal(t, c.dir, []string{"no image archive"}, "load", filepath.Join("..", "Makefile"))
}

// checkPullThrough has the cluster's registry fetch from another.
func (c *testCluster) checkPullThrough(t *testing.T) {
	other := httptest.NewServer(registry.New(t.Context(), t.TempDir(), config.Settings{}))
	defer other.Close()
	host := strings.TrimPrefix(other.URL, "http://")
	digest := pushTo(t, host+"/far/away:1")
	page := func(path string) (string, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.Registry+"/v2/far/away/"+path+"?ns="+host, nil)
		if err != nil {
			return "", err
		}
		c.account().Authorize(request)
		return answer(request)
	}
	first, err := page("manifests/1")
	if err != nil {
		t.Fatalf("by tag: %v", err)
	}
	manifest, err := probeImage(t).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	layer := manifest.Layers[0]
	content, err := page("blobs/" + layer.Digest.String())
	if err != nil || int64(len(content)) != layer.Size {
		t.Fatalf("layer: %d bytes, %v; want %d", len(content), err, layer.Size)
	}
	other.Close()
	for _, path := range []string{"manifests/1", "manifests/" + digest} {
		if again, err := page(path); err != nil || again != first {
			t.Errorf("%s after the other registry is gone: %v", path, err)
		}
	}
	if again, err := page("blobs/" + layer.Digest.String()); err != nil || again != content {
		t.Errorf("layer after the other registry is gone: %v", err)
	}
	if _, err := page("manifests/2"); err == nil {
		err = errors.New("a tag that nobody has was found")
		t.Error(err)
	}
}
