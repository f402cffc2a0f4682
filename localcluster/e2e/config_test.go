package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// configFile writes a file for up --config.
func configFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: cyan.dev/v1alpha1\nkind: LocalCluster\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// TestConfigOfARealCluster: each field acts on the cluster, and without the file it stays as it was.
func TestConfigOfARealCluster(t *testing.T) {
	needReal(t)
	host := t.TempDir()
	if err := os.WriteFile(filepath.Join(host, "note"), []byte("from the host"), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	file := configFile(t, fmt.Sprintf(`nodes:
  kind: real
  simulated: 2
ports:
  apiServer: %d
without: [storage]
mounts:
- {hostPath: %s, nodePath: /mnt/notes, readOnly: true}
featureGates:
  ContextualLogging: true
`, port, host))
	c := newCluster(t, "--config", file)
	if !strings.HasSuffix(c.APIServer, ":"+strconv.Itoa(port)) {
		t.Errorf("API server: %s, want port %d", c.APIServer, port)
	}
	check := func(nodes int) {
		t.Helper()
		found, err := c.client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
		if err != nil || len(found.Items) != nodes {
			t.Errorf("nodes: got %d, %v; want %d", len(found.Items), err, nodes)
		}
		classes, err := c.client.StorageV1().StorageClasses().List(context.Background(), metav1.ListOptions{})
		if err != nil || len(classes.Items) != 0 {
			t.Errorf("classes: got %d, %v; want none", len(classes.Items), err)
		}
	}
	check(3)
	image := c.push("team/app:1")
	c.deploy(deployment("mounted", image, 1, func(pod *corev1.PodSpec) {
		pod.Volumes = []corev1.Volume{{Name: "notes", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/mnt/notes"}}}}
		pod.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "notes", MountPath: "/notes"}}
	}), service("mounted", corev1.ServiceTypeNodePort))
	at := "http://" + c.address("mounted", "NodePort")
	eventually(t, 30*time.Second, "what the mount has", func(ctx context.Context) error {
		note, err := answered(ctx, at+"/read?path=/notes/note")
		if err == nil && note != "from the host" {
			err = fmt.Errorf("got %q", note)
		}
		return err
	})
	if _, err := get(context.Background(), at+"/write?path=/notes/back&text=x"); err == nil {
		t.Error("a mount that is read-only was written to")
	}
	// What tolerates it runs on a simulated node; everything else on the real one.
	if node := c.pod("mounted").Spec.NodeName; node != "cyan" {
		t.Errorf("the pod is on %s", node)
	}
	c.deploy(deployment("pretended", "nowhere/x:1", 2, func(pod *corev1.PodSpec) {
		pod.Tolerations = []corev1.Toleration{{Key: "cyan.dev/simulated", Operator: corev1.TolerationOpExists}}
		pod.NodeSelector = map[string]string{"cyan.dev/simulated": "true"}
	}), nil)

	other := configFile(t, "nodes: {simulated: 1}\n")
	if r := run(t, "up", "--dir", c.dir, "--config", other, "--kubeconfig-update=false"); r.code != 0 || !strings.Contains(r.stdout, "other settings") || !strings.Contains(r.stdout, "cyan local down") {
		t.Errorf("another file while it runs: exit code %d\n%s", r.code, r.stdout+r.stderr)
	}
	for _, restart := range []struct {
		args  []string
		nodes int
	}{{nil, 3}, {[]string{"--config", other}, 2}, {[]string{"--config", configFile(t, "")}, 1}} {
		if r := run(t, "down", "--dir", c.dir); r.code != 0 {
			t.Fatal(r.stderr)
		}
		c.up(restart.args...)
		check(restart.nodes)
	}
}

func TestConfigIsReadStrictly(t *testing.T) {
	for _, test := range []struct {
		name, text string
		args       []string
		says       []string
	}{
		{"a field that there is not", "port: 1\n", nil, []string{"cluster.yaml:3: port: unknown field"}},
		{"a gate that Kubernetes has not", "featureGates:\n  NoSuchThing: true\n", nil, []string{"cluster.yaml:4: featureGates.NoSuchThing: unknown feature gate"}},
		{"mounts, with simulated nodes by flag", "mounts:\n- {hostPath: /tmp, nodePath: /mnt/a}\n", []string{"--nodes", "simulated"}, []string{"mounts: simulated nodes have no files"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cluster")
			refusal(t, dir, test.says, append([]string{"up", "--config", configFile(t, test.text)}, test.args...)...)
			nothingAt(t, dir)
		})
	}
	refusal(t, filepath.Join(t.TempDir(), "cluster"), []string{"no such file"}, "up", "--config", "/nowhere.yaml")
}
