package expose

import (
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPortsOfHostsThatPodsWant(t *testing.T) {
	for name, c := range map[string]struct {
		ports []corev1.ContainerPort
		phase corev1.PodPhase
		want  string
	}{
		"none":                    {ports: []corev1.ContainerPort{{ContainerPort: 80}}},
		"one":                     {ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}}, want: "8080 to 172.30.0.1:8080"},
		"two":                     {ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}, {ContainerPort: 80, HostPort: 9090, Protocol: "TCP"}}, want: "8080 to 172.30.0.1:8080, 9090 to 172.30.0.1:9090"},
		"messages":                {ports: []corev1.ContainerPort{{ContainerPort: 53, HostPort: 53, Protocol: "SCTP"}}},
		"datagrams":               {ports: []corev1.ContainerPort{{ContainerPort: 53, HostPort: 53, Protocol: "UDP"}}, want: "53 to 172.30.0.1:53"},
		"both of one port":        {ports: []corev1.ContainerPort{{ContainerPort: 53, HostPort: 53, Protocol: "UDP"}, {ContainerPort: 53, HostPort: 53}}, want: "53 to 172.30.0.1:53, 53 to 172.30.0.1:53"},
		"of the node's loopback":  {ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080, HostIP: "127.0.0.1"}}, want: "8080 to 127.0.0.1:8080"},
		"of all interfaces":       {ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080, HostIP: "0.0.0.0"}}, want: "8080 to 172.30.0.1:8080"},
		"a pod that runs":         {ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}}, phase: corev1.PodRunning, want: "8080 to 172.30.0.1:8080"},
		"a pod that has ended":    {ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}}, phase: corev1.PodSucceeded},
		"a pod that ended wrong":  {ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}}, phase: corev1.PodFailed},
		"the same port of itself": {ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}, want: "80 to 172.30.0.1:80"},
	} {
		for _, part := range []string{"containers", "initContainers"} {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pod"}, Status: corev1.PodStatus{Phase: c.phase}}
			containers := []corev1.Container{{}, {Ports: c.ports}}
			if pod.Spec.Containers = containers; part == "initContainers" {
				pod.Spec.Containers, pod.Spec.InitContainers = nil, containers
			}
			kept, err := keepPorts(pod)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range slices.SortedFunc(maps.Values(wantedByPod(kept.(*corev1.Pod), "172.30.0.1")), func(a, b want) int { return a.asks - b.asks }) {
				got = append(got, strings.TrimPrefix(hostPort("", int32(w.asks)), ":")+" to "+w.target) //nolint:gosec // a port
				if w.port.Pod != "pod" || w.port.Service != "" || w.port.Type != "HostPort" {
					t.Errorf("%s of %s: described as %+v", name, part, w.port)
				}
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("%s of %s: got %q, want %q", name, part, text, c.want)
			}
		}
	}
}
