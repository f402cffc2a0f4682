package e2e

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// checkHostPorts: a port of the host that a pod asks for is one of this machine, and another one where it is taken.
func (c *testCluster) checkHostPorts(t *testing.T, image string) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, busy := freePort(t), taken.Addr().(*net.TCPAddr).Port
	c.deploy(deployment("hosted", image, 1, func(pod *corev1.PodSpec) {
		for _, port := range []int{free, busy} {
			pod.Containers[0].Ports = append(pod.Containers[0].Ports, corev1.ContainerPort{ContainerPort: 8080, HostPort: int32(port)}) //nolint:gosec // a port
		}
	}), nil)
	name := c.pod("hosted").Name
	c.answers("http://127.0.0.1:"+strconv.Itoa(free), "hosted "+name)
	var offered []string
	for _, p := range c.refresh().Ports {
		if p.Pod == name && p.Type == "HostPort" && p.Port == 8080 {
			offered = append(offered, p.Address)
		}
	}
	if len(offered) != 2 {
		t.Fatalf("offered: got %v, want two addresses", offered)
	}
	for _, address := range offered {
		if strings.HasSuffix(address, fmt.Sprint(":", busy)) {
			t.Errorf("offered: %s, which another program has", address)
		}
		c.answers("http://"+address, "hosted "+name)
	}
	if r := run(t, "status", "--dir", c.dir); !strings.Contains(r.stdout, ns+"/"+name) {
		t.Errorf("status: got\n%s\nwant %s/%s", r.stdout, ns, name)
	}
	if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), "hosted", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the ports are free again", func(context.Context) error {
		listener, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(free))
		if err != nil {
			return err
		}
		return listener.Close()
	})
}
