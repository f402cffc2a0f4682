package cluster

import (
	"context"
	"net"
	"path/filepath"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"

	"github.com/cyan-cd/cyan/localcluster/internal/node"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/simnodes"
	"github.com/cyan-cd/cyan/localcluster/internal/supervise"
)

func (r *realRun) containerd() supervise.Spec {
	spec := r.specs().spec(parts.Containerd, 50, "--config="+r.dir.Config("containerd.toml"))
	socket := r.dir.Socket("containerd")
	spec.Ready = func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	return spec
}

func (r *realRun) kubelet() supervise.Spec {
	spec := r.specs().spec(parts.Kubelet, 50,
		"--config="+r.dir.Config("kubelet.json"), "--kubeconfig="+kubeconfigOf(r.dir, "kubelet"),
		"--root-dir="+filepath.Join(r.dir.Run, "kubelet"), "--cert-dir="+r.dir.PKI(),
		"--node-ip="+node.Address, "--hostname-override="+nodeName, "--v=0")
	spec.Ready = r.insideReady(strconv.Itoa(kubeletReady), "/healthz")
	return spec
}

func (r *realRun) proxy() supervise.Spec {
	spec := r.specs().spec(parts.Proxy, 50, append([]string{
		"--kubeconfig=" + kubeconfigOf(r.dir, "proxy"), "--proxy-mode=iptables", "--cluster-cidr=" + node.PodRange,
		"--hostname-override=" + nodeName, "--conntrack-max-per-core=0", "--conntrack-min=0",
		"--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
		// A switch of traffic is to be seen at once.
		"--iptables-min-sync-period=50ms", "--oom-score-adj=0",
		"--healthz-bind-address=" + net.JoinHostPort(node.Address, proxyReady), "--metrics-bind-address=", "--v=0",
	}, r.specs().gates()...)...)
	spec.Ready = r.insideReady(proxyReady, "/healthz")
	return spec
}

func (r *realRun) dns() supervise.Spec {
	spec := r.specs().spec(parts.DNS, 50, "--conf="+r.dir.Config("Corefile"))
	spec.Ready = r.insideReady(dnsReady, "/ready")
	return spec
}

// metricsServer measures what the pods of the real node use. A simulated node has nothing to ask.
func (r *realRun) metricsServer() supervise.Spec {
	kubeconfig := kubeconfigOf(r.dir, "metrics")
	spec := r.specs().spec(parts.Metrics, 50,
		"--kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		// What it would look up in the cluster is known.
		"--authentication-skip-lookup=true", "--client-ca-file="+r.ids.clusterCA.CertFile,
		"--requestheader-client-ca-file="+r.ids.frontCA.CertFile, "--requestheader-allowed-names="+frontProxyName,
		"--bind-address="+node.Address, "--secure-port="+strconv.Itoa(metricsPort),
		"--tls-cert-file="+r.ids.metricsServing.CertFile, "--tls-private-key-file="+r.ids.metricsServing.KeyFile,
		"--kubelet-preferred-address-types=InternalIP", "--kubelet-request-timeout=5s", "--metric-resolution=10s", "--node-selector=!"+simnodes.Label,
		"--profiling=false", "--v=0")
	spec.Ready = func(ctx context.Context) error {
		conn, err := r.node.Dial(ctx, net.JoinHostPort(node.Address, strconv.Itoa(metricsPort)))
		if err != nil {
			return err
		}
		return conn.Close()
	}
	return spec
}

// createDNSService makes the Service by which pods find the DNS server, which is no pod itself.
func createDNSService(ctx context.Context, client kubernetes.Interface, address string) error {
	labels := map[string]string{"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}
	port, portName := int32(53), []string{"dns", "dns-tcp"}
	protocols := []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-dns", Namespace: metav1.NamespaceSystem, Labels: labels},
		Spec:       corev1.ServiceSpec{ClusterIP: dnsIP},
	}
	ready := true
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-dns-node", Namespace: metav1.NamespaceSystem, Labels: map[string]string{
			discoveryv1.LabelServiceName: service.Name, discoveryv1.LabelManagedBy: "cyan-local",
		}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
	}
	for i := range protocols {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Name: portName[i], Port: port, Protocol: protocols[i], TargetPort: intstr.FromInt32(port)})
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &portName[i], Port: &port, Protocol: &protocols[i]})
	}
	// The namespaces of a new cluster come a moment after its API server.
	return retryUntil(ctx, "cluster DNS to be offered", func() error {
		// Asked for first, because a second one is refused for its address and not for its name.
		_, err := client.CoreV1().Services(service.Namespace).Get(ctx, service.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			_, err = client.CoreV1().Services(service.Namespace).Create(ctx, service, metav1.CreateOptions{})
		}
		if err == nil {
			_, err = client.DiscoveryV1().EndpointSlices(slice.Namespace).Create(ctx, slice, metav1.CreateOptions{})
		}
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
}
