package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// claim makes a claim, and mounts it.
func (c *testCluster) claim(name string) func(*corev1.PodSpec) {
	c.t.Helper()
	_, err := c.client.CoreV1().PersistentVolumeClaims(ns).Create(context.Background(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return func(pod *corev1.PodSpec) {
		pod.SecurityContext = &corev1.PodSecurityContext{RunAsUser: ptr(int64(1000))}
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}})
		pod.Containers[0].VolumeMounts = append(pod.Containers[0].VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
	}
}

// volume waits for the volume of a claim, and returns its directory.
func (c *testCluster) volume(claim string) string {
	c.t.Helper()
	path := ""
	eventually(c.t, 30*time.Second, "a volume for "+claim, func(ctx context.Context) error {
		pvc, err := c.client.CoreV1().PersistentVolumeClaims(ns).Get(ctx, claim, metav1.GetOptions{})
		if err != nil || pvc.Spec.VolumeName == "" {
			return fmt.Errorf("the claim has none yet: %w", err)
		}
		pv, err := c.client.CoreV1().PersistentVolumes().Get(ctx, pvc.Spec.VolumeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		path = pv.Spec.Local.Path
		return nil
	})
	return path
}

// released deletes a claim, and waits until its directory is gone.
func (c *testCluster) released(claim, path string) {
	c.t.Helper()
	if err := c.client.CoreV1().PersistentVolumeClaims(ns).Delete(context.Background(), claim, metav1.DeleteOptions{}); err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, 30*time.Second, "the volume to go", func(ctx context.Context) error {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			return fmt.Errorf("its directory is still there: %w", err)
		}
		if _, err := c.client.CoreV1().PersistentVolumes().Get(ctx, filepath.Base(path), metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is still there: %w", err)
		}
		return nil
	})
}

// answered is get that does not wait for a pod that is gone.
func answered(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return get(ctx, url)
}

// checkClaims: what a pod writes into its volume is there for the next one, whatever user it runs as.
func (c *testCluster) checkClaims(t *testing.T, image string) {
	c.deploy(deployment("store", image, 1, c.claim("data")), service("store", corev1.ServiceTypeNodePort))
	at := "http://" + c.address("store", "NodePort")
	eventually(t, 30*time.Second, "a pod that writes", func(ctx context.Context) error {
		_, err := answered(ctx, at+"/write?path=/data/note&text=kept")
		return err
	})
	first := c.pod("store")
	if err := c.client.CoreV1().Pods(ns).Delete(context.Background(), first.Name, metav1.DeleteOptions{GracePeriodSeconds: ptr(int64(0))}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "what the pod before has written", func(ctx context.Context) error {
		host, err := answered(ctx, at)
		if err == nil && strings.HasSuffix(host, first.Name) {
			err = fmt.Errorf("%s still answers", first.Name)
		}
		if err != nil {
			return err
		}
		note, err := answered(ctx, at+"/read?path=/data/note")
		if err == nil && note != "kept" {
			err = fmt.Errorf("got %q", note)
		}
		return err
	})
	path := c.volume("data")
	if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), "store", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.released("data", path)
}

// TestClaims: a claim gets a directory of this machine, which outlives the cluster's being stopped, and goes with the
// claim; a cluster that does without has no class that nobody serves.
func TestClaims(t *testing.T) {
	c := newCluster(t, "--nodes", "simulated")
	c.deploy(deployment("store", "nowhere/store:1", 1, c.claim("data")), nil)
	path := c.volume("data")
	if err := os.WriteFile(filepath.Join(path, "note"), []byte("kept"), 0o600); err != nil || filepath.Dir(filepath.Dir(path)) != c.dir {
		t.Fatalf("%s: %v; want it in %s", path, err, c.dir)
	}
	if r := run(t, "down", "--dir", c.dir); r.code != 0 {
		t.Fatal(r.stderr)
	}
	c.up()
	if text, err := os.ReadFile(filepath.Join(path, "note")); err != nil || string(text) != "kept" {
		t.Errorf("after a restart: %q, %v", text, err)
	}
	if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), "store", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.released("data", path)

	hosting, err := c.client.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(context.Background(), "local-registry-hosting", metav1.GetOptions{})
	if err != nil || !strings.Contains(hosting.Data["localRegistryHosting.v1"], fmt.Sprintf("host: %q\n", c.Registry)) {
		t.Errorf("where the registry is: got %v, %v; want %s", hosting, err, c.Registry)
	}
	for _, restart := range []struct {
		args []string
		want int
	}{{[]string{"--without", "storage"}, 0}, {nil, 0}, {[]string{"--without", ""}, 1}} {
		if r := run(t, "down", "--dir", c.dir); r.code != 0 {
			t.Fatal(r.stderr)
		}
		c.up(restart.args...)
		classes, err := c.client.StorageV1().StorageClasses().List(context.Background(), metav1.ListOptions{})
		if err != nil || len(classes.Items) != restart.want {
			t.Errorf("%v: %d classes, %v; want %d", restart.args, len(classes.Items), err, restart.want)
		}
	}
}
