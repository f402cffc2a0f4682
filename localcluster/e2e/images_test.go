package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// imageRow is what other programs rely on in `image ls -o json`.
type imageRow struct {
	Name   string   `json:"name"`
	Digest string   `json:"digest"`
	Size   int64    `json:"size"`
	Where  []string `json:"where"`
	Pods   []string `json:"pods"`
}

// image returns what is listed of an image; a name that is not listed has no places.
func (c *testCluster) image(name string) imageRow {
	c.t.Helper()
	r := run(c.t, "image", "ls", "-o", "json", "--dir", c.dir)
	var rows []imageRow
	if err := json.Unmarshal([]byte(r.stdout), &rows); err != nil || r.code != 0 {
		c.t.Fatalf("image ls: exit code %d, %v\n%s", r.code, err, r.stdout+r.stderr)
	}
	for _, row := range rows {
		if row.Name == name {
			return row
		}
	}
	return imageRow{}
}

// checkImages: an image that runs is on the node and stays; one that nobody runs goes from the registry and the node.
func (c *testCluster) checkImages(t *testing.T) {
	image := c.push("team/listed:1")
	c.deploy(deployment("listed", image, 1, nil), nil)
	used := c.image("team/listed:1")
	if !slices.Equal(used.Where, []string{"registry", "node"}) || !slices.Contains(used.Pods, ns+"/"+c.pod("listed").Name) || used.Size == 0 || !strings.HasSuffix(image, used.Digest) {
		t.Errorf("an image that runs: got %+v", used)
	}
	refusal(t, c.dir, []string{`image "team/listed:1"`, ns + "/" + c.pod("listed").Name, "--force"}, "image", "rm", "team/listed:1")
	if r := run(t, "image", "rm", "--force", "team/listed:1", "--dir", c.dir); r.code != 0 || !strings.Contains(r.stdout, "Removed team/listed:1\n") {
		t.Errorf("rm --force: exit code %d\n%s", r.code, r.stdout+r.stderr)
	}
	if left := c.image("team/listed:1"); len(left.Where) != 0 {
		t.Errorf("after rm --force: got %+v", left)
	}
	background := metav1.DeletePropagationForeground
	if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), "listed", metav1.DeleteOptions{PropagationPolicy: &background}); err != nil {
		t.Error(err)
	}
}

// checkLoadedAgain: what is loaded again under its name is what the next pod runs, though the node has one of that
// name.
func (c *testCluster) checkLoadedAgain(t *testing.T) {
	const image = "team/again:1"
	for _, text := range []string{"first", "second"} {
		c.loadAgain(t, text)
		want := c.image(image).Digest
		c.deploy(deployment("again-"+text, image, 1, func(p *corev1.PodSpec) { p.Containers[0].ImagePullPolicy = corev1.PullIfNotPresent }), nil)
		if got := c.pod("again-" + text).Status.ContainerStatuses[0].ImageID; want == "" || !strings.HasSuffix(got, want) {
			t.Errorf("the %s time: the pod runs %s, want %s", text, got, want)
		}
	}
	c.checkPruned(t)
}

// loadAgain loads team/again:1, with a text in it that makes its digest.
func (c *testCluster) loadAgain(t *testing.T, text string) {
	t.Helper()
	labelled, err := mutate.Config(probeImage(t), v1.Config{Entrypoint: []string{"/probe"}, Labels: map[string]string{"text": text}})
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag("team/again:1")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(file, tag, labelled); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "load", file, "--dir", c.dir); r.code != 0 {
		t.Fatalf("load: exit code %d\n%s", r.code, r.stderr)
	}
}

// checkPruned: an image that was replaced stays as long as a pod runs it or an object names it, and can be pruned then.
func (c *testCluster) checkPruned(t *testing.T) {
	_, replaced, _ := strings.Cut(c.pod("again-first").Status.ContainerStatuses[0].ImageID, "@")
	name := "team/again@" + replaced
	prune := func(want bool) error {
		r := run(t, "image", "prune", "--dir", c.dir)
		if gone := len(c.image(name).Where) == 0; r.code != 0 || gone != want || strings.Contains(r.stdout, "Removed "+name+"\n") != want {
			return fmt.Errorf("prune: exit code %d, gone: %v, want %v\n%s", r.code, gone, want, r.stdout+r.stderr)
		}
		return nil
	}
	if err := prune(false); err != nil {
		t.Errorf("a pod runs it: %v", err)
	}
	maps := c.client.CoreV1().ConfigMaps(ns)
	named := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "names-an-image"}, Data: map[string]string{"manifest": "image: registry.example/team/again@" + replaced}}
	if _, err := maps.Create(context.Background(), named, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), "again-"+text, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	eventually(t, time.Minute, "pods to be gone", func(ctx context.Context) error {
		pods, err := c.client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if strings.HasPrefix(pod.Name, "again-") {
				return fmt.Errorf("%s is there", pod.Name)
			}
		}
		return nil
	})
	if err := prune(false); err != nil {
		t.Errorf("an object names it: %v", err)
	}
	if err := maps.Delete(context.Background(), named.Name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	eventually(t, time.Minute, "the image to be pruned", func(context.Context) error { return prune(true) })
	c.loadAgain(t, "first")
	if got := c.image("team/again:1").Digest; got != replaced {
		t.Errorf("what was pruned and is loaded again: got %s, want %s", got, replaced)
	}
	c.deploy(deployment("again-returned", "team/again:1", 1, nil), nil)
	if got := c.pod("again-returned").Status.ContainerStatuses[0].ImageID; !strings.HasSuffix(got, replaced) {
		t.Errorf("the pod runs %s, want %s", got, replaced)
	}
}

// checkNotServed: what the network of the cluster does not do is an event on the object that asks for it.
func (c *testCluster) checkNotServed(t *testing.T) {
	ctx := context.Background()
	_, err := c.client.NetworkingV1().NetworkPolicies(ns).Create(ctx, &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "deny"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]corev1.ServiceType{"sctp": corev1.ServiceTypeLoadBalancer, "sctp-of-the-node": corev1.ServiceTypeNodePort} {
		sctp := service(name, kind)
		sctp.Spec.Ports[0].Protocol = corev1.ProtocolSCTP
		if _, err := c.client.CoreV1().Services(ns).Create(ctx, sctp, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	asks := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "sctp-of-the-host"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "probe", Image: "team/app:1", Ports: []corev1.ContainerPort{{ContainerPort: 53, HostPort: 15353, Protocol: corev1.ProtocolSCTP}},
	}}}}
	if _, err := c.client.CoreV1().Pods(ns).Create(ctx, asks, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for object, reason := range map[string]string{"deny": "NotEnforced", "sctp": "NotOffered", "sctp-of-the-node": "NotOffered", "sctp-of-the-host": "NotOffered"} {
		eventually(t, 20*time.Second, "event "+reason+" of "+object, func(ctx context.Context) error {
			events, err := c.client.CoreV1().Events(ns).List(ctx, metav1.ListOptions{FieldSelector: "reason=" + reason + ",involvedObject.name=" + object})
			if err == nil && len(events.Items) != 1 {
				err = fmt.Errorf("got %d", len(events.Items))
			}
			return err
		})
	}
	if err := c.client.NetworkingV1().NetworkPolicies(ns).Delete(ctx, "deny", metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"sctp", "sctp-of-the-node"} {
		if err := c.client.CoreV1().Services(ns).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	if err := c.client.CoreV1().Pods(ns).Delete(ctx, asks.Name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

// TestImages: without a node as well, images are listed and removed, and come from engines of this machine.
func TestImages(t *testing.T) {
	c := newCluster(t, "--nodes", "simulated")
	if r := run(t, "image", "ls", "--dir", c.dir); r.code != 0 || !strings.Contains(r.stdout, "There are no images") {
		t.Errorf("image ls of nothing: exit code %d\n%s", r.code, r.stdout+r.stderr)
	}
	c.push("team/app:1")
	c.push("team/app:latest")
	c.deploy(deployment("app", "team/app:1", 1, nil), nil)
	refusal(t, c.dir, []string{`"team/app:1"`, "default/app-", "--force"}, "image", "rm", "team/app:1")
	refusal(t, c.dir, []string{`"team/none:1"`, "not found"}, "image", "rm", "team/none:1")
	if r := run(t, "image", "ls", "--dir", c.dir); !strings.Contains(r.stdout, "IMAGE") || !strings.Contains(r.stdout, "team/app:latest") || !strings.Contains(r.stdout, "default/app-") {
		t.Errorf("image ls: got\n%s", r.stdout)
	}
	if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), "app", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "nobody uses the image", func(context.Context) error {
		if r := run(t, "image", "rm", "team/app:1", "team/app:latest", "--dir", c.dir); r.code != 0 {
			return errText(r.stderr)
		}
		return nil
	})
	if size := blobs(t, filepath.Join(c.dir, "registry")); size != 0 {
		t.Errorf("after the last image went, its blobs take %d bytes", size)
	}
	t.Run("by name, from a container engine", c.checkLoadByName)
}

type errText string

func (e errText) Error() string { return string(e) }

// blobs is how many bytes the blobs below a directory take.
func blobs(t *testing.T, root string) (size int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "pushed", "docker", "registry", "v2", "blobs", "*", "*", "*", "data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			size += info.Size()
		}
	}
	return size
}

func (c *testCluster) checkLoadByName(t *testing.T) {
	refusal(t, c.dir, []string{`image "nobody/has:this"`, "buildah", "docker", "podman", "ctr"}, "load", "nobody/has:this")
	buildah, err := exec.LookPath("buildah")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("buildah is not installed, or this is not root")
	}
	const image = "cyan.example/engine/app:1"
	script := "c=$(" + buildah + " from scratch) && " + buildah + " config --label made=here $c && " + buildah + " commit -q $c " + image + " && " + buildah + " rm $c"
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Skipf("buildah cannot make an image here: %v\n%s", err, out)
	}
	defer func() { _ = exec.Command(buildah, "rmi", image).Run() }()
	if r := run(t, "load", image, "--dir", c.dir); r.code != 0 || !strings.Contains(r.stdout, "Loaded "+image+" from buildah") {
		t.Errorf("load: exit code %d\n%s", r.code, r.stdout+r.stderr)
	}
	if got := c.image("engine/app:1"); len(got.Where) == 0 {
		t.Errorf("what was loaded is not listed: %+v", got)
	}
}
