package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// checkDatagrams: a port of UDP is reached from this machine as one of TCP is, by one client before and after its pod
// was replaced, and a load balancer of such ports alone has an address.
func (c *testCluster) checkDatagrams(t *testing.T, image string) {
	free := freePort(t)
	port := corev1.ServicePort{Name: "datagrams", Port: int32(freePort(t)), TargetPort: intstr.FromInt32(8080), Protocol: corev1.ProtocolUDP} //nolint:gosec // a port
	balanced := service("datagrams", corev1.ServiceTypeLoadBalancer)
	balanced.Spec.Ports = []corev1.ServicePort{port}
	c.deploy(deployment("datagrams", image, 1, func(pod *corev1.PodSpec) {
		pod.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080, HostPort: int32(free), Protocol: corev1.ProtocolUDP}} //nolint:gosec // a port
	}), balanced)
	eventually(t, 20*time.Second, "the address in the Service's status", func(context.Context) error {
		ingress := c.service("datagrams").Status.LoadBalancer.Ingress
		if len(ingress) != 1 || ingress[0].IP != "127.0.0.1" || len(ingress[0].Ports) != 1 || ingress[0].Ports[0].Port != port.Port || ingress[0].Ports[0].Protocol != corev1.ProtocolUDP {
			return fmt.Errorf("got %+v", ingress)
		}
		return nil
	})
	clients := map[string]net.Conn{
		fmt.Sprintf("hostPort %d", free): c.talks(t, fmt.Sprintf("127.0.0.1:%d", free)),
		"NodePort":                       c.talks(t, c.address("datagrams", "NodePort")),
		"LoadBalancer":                   c.talks(t, c.address("datagrams", "LoadBalancer")),
	}
	before := c.pod("datagrams").Name
	if err := c.client.CoreV1().Pods(ns).Delete(context.Background(), before, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the pod is replaced", func(ctx context.Context) error {
		pods, err := c.client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{LabelSelector: "app=datagrams"})
		if err == nil && (len(pods.Items) != 1 || pods.Items[0].Name == before) {
			err = errors.New("not yet")
		}
		return err
	})
	for what, conn := range clients {
		eventually(t, time.Minute, "answers of the new pod at the "+what, func(context.Context) error { return heard(conn) })
	}
	if err := c.client.CoreV1().Services(ns).Delete(context.Background(), "datagrams", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the port is free again", func(context.Context) error {
		socket, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port.Port))
		if err != nil {
			return err
		}
		return socket.Close()
	})
	if err := c.client.AppsV1().Deployments(ns).Delete(context.Background(), "datagrams", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// talks returns a client that has been answered.
func (c *testCluster) talks(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	eventually(t, 30*time.Second, "answers at "+address, func(context.Context) error { return heard(conn) })
	return conn
}

// heard returns nil when a datagram is answered.
func heard(conn net.Conn) error {
	said := time.Now().String()
	if _, err := conn.Write([]byte(said)); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	buffer := make([]byte, 1500)
	n, err := conn.Read(buffer)
	if want := "datagrams heard " + said; err == nil && string(buffer[:n]) != want {
		err = fmt.Errorf("heard %q, want %q", buffer[:n], want)
	}
	return err
}
