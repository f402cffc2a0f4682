package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRealLife takes one cluster through everything that can happen to it.
func TestRealLife(t *testing.T) {
	needReal(t)
	before := traces(t, "")
	c := newCluster(t)
	image := c.push("team/app:1")
	c.deploy(deployment("web", image, 1, nil), service("web", corev1.ServiceTypeNodePort))
	at := "http://" + c.address("web", "NodePort")
	c.answers(at, "web ")

	t.Run("listeners", c.checkListeners)
	t.Run("a part that dies is restarted", func(t *testing.T) {
		for _, name := range []string{"kubelet", "kube-apiserver", "containerd", "etcd", "registry"} {
			c.killPart(t, name)
		}
		c.answers(at, "web ")
	})
	t.Run("up again changes nothing", func(t *testing.T) {
		supervisor := c.refresh().Supervisor
		r := run(t, "up", "--dir", c.dir)
		if r.code != 0 || !strings.Contains(r.stdout, "already running") || c.refresh().Supervisor != supervisor {
			t.Errorf("exit code %d, %q", r.code, r.stdout+r.stderr)
		}
	})
	t.Run("a second cluster beside it", func(t *testing.T) {
		second := newCluster(t)
		image := second.push("team/app:1")
		s := service("web", corev1.ServiceTypeNodePort)
		s.Spec.Ports[0].NodePort = c.service("web").Spec.Ports[0].NodePort
		second.deploy(deployment("web", image, 1, func(p *corev1.PodSpec) { p.Containers[0].Env[0].Value = "second" }), s)
		elsewhere := "http://" + second.address("web", "NodePort")
		if elsewhere == at {
			t.Errorf("both clusters are reached at %s", at)
		}
		second.answers(elsewhere, "second ")
		c.answers(at, "web ")
	})
	t.Run("its supervisor is killed", func(t *testing.T) {
		old := c.refresh()
		if err := syscall.Kill(old.Supervisor, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, 30*time.Second, "no part outlives the supervisor", func(context.Context) error {
			for _, p := range processesOf(t, c.own()) {
				if !p.pod {
					return fmt.Errorf("%s does", p)
				}
			}
			return nil
		})
		c.up()
		c.waitServing(image)
	})
	t.Run("down and up", func(t *testing.T) {
		if r := run(t, "down", "--dir", c.dir); r.code != 0 {
			t.Fatalf("down: exit code %d\n%s", r.code, r.stderr)
		}
		if s := c.refresh(); s.State != "stopped" || s.Ready {
			t.Errorf("status after down: %+v", s)
		}
		port := c.APIServer
		c.up()
		if c.APIServer != port {
			t.Errorf("the API server was at %s and is at %s", port, c.APIServer)
		}
		c.waitServing(image)
	})
	t.Run("down --delete leaves nothing", func(t *testing.T) {
		if r := run(t, "down", "--delete", "--dir", c.dir); r.code != 0 {
			t.Fatalf("down --delete: exit code %d\n%s", r.code, r.stderr)
		}
		if _, err := os.Stat(c.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", c.dir)
		}
		if after := traces(t, c.own().ID); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

func (c *testCluster) answers(at, prefix string) {
	c.t.Helper()
	eventually(c.t, 20*time.Second, "an answer from "+at, func(ctx context.Context) error {
		body, err := get(ctx, at)
		if err == nil && !strings.HasPrefix(body, prefix) {
			err = fmt.Errorf("the answer is %q", body)
		}
		return err
	})
}

// waitServing checks that what was in the cluster before it stopped still is, and runs a pod of an image from before.
func (c *testCluster) waitServing(image string) {
	c.t.Helper()
	c.answers("http://"+c.address("web", "NodePort"), "web ")
	again := "again-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	c.deploy(deployment(again, image, 1, func(p *corev1.PodSpec) { p.Containers[0].ImagePullPolicy = corev1.PullAlways }), nil)
	if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), again, metav1.DeleteOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *testCluster) part(name string) part {
	c.t.Helper()
	for _, p := range c.refresh().Parts {
		if p.Name == name {
			return p
		}
	}
	c.t.Fatalf("there is no part %s", name)
	return part{}
}

func (c *testCluster) killPart(t *testing.T, name string) {
	t.Helper()
	was := c.part(name)
	if err := syscall.Kill(was.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, name+" is restarted and the cluster ready", func(context.Context) error {
		if now := c.part(name); now.Restarts != was.Restarts+1 || now.PID == was.PID || !c.Ready {
			return fmt.Errorf("it is %+v", now)
		}
		return nil
	})
}

// ofCluster finds the ID of the cluster that something belongs to.
var ofCluster = regexp.MustCompile(`/cyan[-/]([0-9a-f]{10})\b`)

// traces is what a cluster leaves on this machine while it runs: mounts, interfaces, cgroups, files. Those of other
// clusters than id, which may come and go meanwhile, are left out.
func traces(t *testing.T, id string) string {
	t.Helper()
	var found []string
	for _, pattern := range []string{
		"/run/cyan/*", "/run/netns/*", "/sys/fs/cgroup/*/cyan-*", "/sys/fs/cgroup/cyan-*", "/sys/class/net/*", "/var/lib/cni", "/var/log/containers",
		"/run/containerd", "/run/runc", "/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods", "/run/xtables.lock", "/opt/cni", "/etc/cni",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, files...)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	found = append(found, strings.Split(string(mounts), "\n")...)
	found = slices.DeleteFunc(found, func(trace string) bool {
		of := ofCluster.FindStringSubmatch(trace)
		return of != nil && of[1] != id
	})
	for _, setting := range []string{"vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward"} {
		value, err := os.ReadFile("/proc/sys/" + setting)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, setting+"="+string(value))
	}
	return strings.Join(found, "\n")
}
