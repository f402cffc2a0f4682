package cluster

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/processes"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
	"github.com/cyan-cd/cyan/localcluster/internal/supervise"
)

const (
	serviceRange   = "10.96.0.0/16"
	serviceIP      = "10.96.0.1"
	dnsIP          = "10.96.0.10"
	nodeName       = "cyan"
	frontProxyName = "cyan-front-proxy"
)

// endpoint is where the API server listens, and for whom.
type endpoint struct {
	bind      string
	port      int
	advertise []string
}

// toolPath is where Debian keeps the programs that a node calls.
const toolPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is what every part gets: the mark of its cluster, and nothing of the user's own, which could be a proxy
// or a kubeconfig. gogc trades processor time for memory; 100 is Go's own choice.
func environment(dir state.Dir, gogc int) []string {
	return []string{
		processes.Mark(dir),
		"PATH=" + filepath.Join(dir.Run, "bin") + ":" + toolPath, "HOME=/root", "LANG=C.UTF-8", "GOGC=" + strconv.Itoa(gogc),
		"XTABLES_LOCKFILE=" + filepath.Join(dir.Run, "xtables.lock"),
	}
}

func (s *supervisor) spec(name string, gogc int, args ...string) supervise.Spec {
	return supervise.Spec{
		Name: name, Command: append([]string{s.program}, args...), Env: environment(s.dir, gogc),
		Log: s.dir.Log(name), Start: s.ground.start, Grace: 5 * time.Second,
	}
}

func (s *supervisor) etcd() supervise.Spec {
	return s.spec(parts.Etcd, 60, "--data-dir="+s.dir.Data("etcd"), "--socket="+s.dir.Socket("etcd"))
}

func (s *supervisor) apiServer(ids identities, at endpoint) supervise.Spec {
	args := append([]string{
		"--etcd-servers=unix://" + s.dir.Socket("etcd"),
		"--bind-address=" + at.bind, "--secure-port=" + strconv.Itoa(at.port),
		"--service-cluster-ip-range=" + serviceRange,
		"--tls-cert-file=" + ids.serving.CertFile, "--tls-private-key-file=" + ids.serving.KeyFile,
		"--client-ca-file=" + ids.clusterCA.CertFile,
		"--requestheader-client-ca-file=" + ids.frontCA.CertFile, "--requestheader-allowed-names=" + frontProxyName,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + ids.toExtensions.CertFile, "--proxy-client-key-file=" + ids.toExtensions.KeyFile,
		"--kubelet-client-certificate=" + ids.toKubelet.CertFile, "--kubelet-client-key=" + ids.toKubelet.KeyFile,
		"--kubelet-certificate-authority=" + ids.clusterCA.CertFile, "--kubelet-preferred-address-types=InternalIP,Hostname",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + ids.serviceAccounts, "--service-account-signing-key-file=" + ids.serviceAccounts,
		"--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--profiling=false", "--v=0",
	}, at.advertise...)
	spec := s.spec(parts.APIServer, 50, args...)
	spec.Ready = s.apiReady
	// It keeps nothing that could be lost, and takes long to end by itself because of open watches.
	spec.Grace = 1500 * time.Millisecond
	return spec
}

func (s *supervisor) controllerManager(ids identities) supervise.Spec {
	return s.spec(parts.ControllerManager, 50,
		"--kubeconfig="+kubeconfigOf(s.dir, "controller-manager"), "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--root-ca-file="+ids.clusterCA.CertFile, "--service-account-private-key-file="+ids.serviceAccounts,
		"--cluster-signing-cert-file="+ids.clusterCA.CertFile, "--cluster-signing-key-file="+ids.clusterCA.KeyFile,
		"--service-cluster-ip-range="+serviceRange, "--kube-api-qps=200", "--kube-api-burst=400",
		// No cloud, no node addresses to hand out, no bootstrap tokens: their caches would be all that they are.
		"--controllers=*,-node-ipam-controller,-bootstrap-signer-controller,-token-cleaner-controller",
		"--v=0")
}

func (s *supervisor) scheduler() supervise.Spec {
	return s.spec(parts.Scheduler, 50,
		"--kubeconfig="+kubeconfigOf(s.dir, "scheduler"), "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--kube-api-qps=200", "--kube-api-burst=400", "--v=0")
}

func (s *supervisor) simulatedNodes() supervise.Spec {
	return s.spec(parts.Nodes, 80, "--kubeconfig="+kubeconfigOf(s.dir, "nodes"), "--count="+strconv.Itoa(s.record.Nodes))
}

func (s *supervisor) registry(listeners ...*os.File) supervise.Spec {
	spec := s.spec(parts.Registry, 50, "--root="+s.dir.Data("registry"), "--listeners="+strconv.Itoa(len(listeners)))
	spec.Files = listeners
	spec.Start = nil // on this machine's network, to reach other registries
	spec.Env = append(spec.Env, registryEnvironment()...)
	spec.Ready = s.registryReady
	return spec
}

// registryEnvironment is what says how to reach other registries, and as whom.
func registryEnvironment() []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		switch strings.ToUpper(name) {
		case "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_CONFIG", "HOME":
			env = append(env, entry)
		}
	}
	return env
}

// client is how the supervisor itself reaches the API server.
func (s *supervisor) client() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", s.dir.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.dir.Kubeconfig(), err)
	}
	config.UserAgent = "cyan-local"
	config.QPS = -1
	return config, nil
}

func (s *supervisor) apiReady(ctx context.Context) error {
	config, err := s.client()
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	return ask(ctx, client, s.api.url()+"/readyz")
}

func (s *supervisor) registryReady(ctx context.Context) error {
	return ask(ctx, http.DefaultClient, "http://"+s.registryHold.address()+"/v2/")
}

func ask(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// url is the API server's on this machine.
func (h *hold) url() string { return "https://" + h.address() }
