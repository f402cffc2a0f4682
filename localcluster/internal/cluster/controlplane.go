package cluster

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/processes"
	"github.com/cyan-cd/cyan/localcluster/internal/registry"
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

// partEnvironment is what every part gets: the mark of its cluster, and nothing of the user's own, which could be a
// proxy or a kubeconfig. gogc trades processor time for memory; 100 is Go's own choice.
func partEnvironment(dir state.Dir, gogc int) []string {
	return []string{
		processes.Mark(dir),
		"PATH=" + filepath.Join(dir.Run, "bin") + ":" + toolPath, "HOME=/root", "LANG=C.UTF-8", "GOGC=" + strconv.Itoa(gogc),
		"XTABLES_LOCKFILE=" + filepath.Join(dir.Run, "xtables.lock"),
	}
}

// partSpecs are the command lines of the parts of one cluster.
type partSpecs struct {
	dir     state.Dir
	program string
	// start launches a process where the parts run.
	start func(*exec.Cmd) error
	nodes int
	// apiURL and registryAddress are where the supervisor asks whether the parts are ready.
	apiURL, registryAddress string
	account                 registry.Account
	settings                config.Settings
}

// specs returns the command lines of the parts, once it is known where they run.
func (s *supervisor) specs() partSpecs {
	return partSpecs{
		dir: s.dir, program: s.program, start: s.placement.start, nodes: s.record.Nodes,
		apiURL: s.api.url(), registryAddress: s.registryPort.address(), account: s.account, settings: s.settings,
	}
}

func (p partSpecs) spec(name string, gogc int, args ...string) supervise.Spec {
	return supervise.Spec{
		Name: name, Command: append([]string{p.program}, args...), Env: partEnvironment(p.dir, gogc),
		Log: p.dir.Log(name), Start: p.start, Grace: 5 * time.Second,
	}
}

func (p partSpecs) etcd() supervise.Spec {
	return p.spec(parts.Etcd, 60, "--data-dir="+p.dir.Data("etcd"), "--socket="+p.dir.Socket("etcd"))
}

func (p partSpecs) apiServer(ids identities, at endpoint) supervise.Spec {
	args := append([]string{
		"--etcd-servers=unix://" + p.dir.Socket("etcd"),
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
	spec := p.spec(parts.APIServer, 50, append(args, p.gates()...)...)
	spec.Ready = p.apiReady
	// It keeps nothing that could be lost, and takes long to end by itself because of open watches.
	spec.Grace = 1500 * time.Millisecond
	return spec
}

func (p partSpecs) controllerManager(ids identities) supervise.Spec {
	return p.spec(parts.ControllerManager, 50, append([]string{
		"--kubeconfig=" + kubeconfigOf(p.dir, "controller-manager"), "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--root-ca-file=" + ids.clusterCA.CertFile, "--service-account-private-key-file=" + ids.serviceAccounts,
		"--cluster-signing-cert-file=" + ids.clusterCA.CertFile, "--cluster-signing-key-file=" + ids.clusterCA.KeyFile,
		"--service-cluster-ip-range=" + serviceRange, "--kube-api-qps=200", "--kube-api-burst=400",
		// No cloud, no node addresses to hand out, no bootstrap tokens: their caches would be all that they are.
		"--controllers=*,-node-ipam-controller,-bootstrap-signer-controller,-token-cleaner-controller",
		"--v=0",
	}, p.gates()...)...)
}

func (p partSpecs) scheduler() supervise.Spec {
	return p.spec(parts.Scheduler, 50, append([]string{
		"--kubeconfig=" + kubeconfigOf(p.dir, "scheduler"), "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--kube-api-qps=200", "--kube-api-burst=400", "--v=0",
	}, p.gates()...)...)
}

// gates sets the feature gates, which all parts of Kubernetes have in common.
func (p partSpecs) gates() []string {
	if gates := p.settings.Gates(); gates != "" {
		return []string{"--feature-gates=" + gates}
	}
	return nil
}

// simulatedNodes are all nodes of the cluster, or those beside the real one.
func (p partSpecs) simulatedNodes() supervise.Spec {
	if n := p.settings.Simulated; n > 0 {
		return p.spec(parts.Nodes, 80, "--kubeconfig="+kubeconfigOf(p.dir, "nodes"), "--count="+strconv.Itoa(n), "--beside-real")
	}
	return p.spec(parts.Nodes, 80, "--kubeconfig="+kubeconfigOf(p.dir, "nodes"), "--count="+strconv.Itoa(p.nodes))
}

func (p partSpecs) registry(listeners ...*os.File) supervise.Spec {
	spec := p.spec(parts.Registry, 50, "--root="+p.dir.Data("registry"), "--password-file="+p.dir.RegistryPassword(), "--listeners="+strconv.Itoa(len(listeners)), "--settings="+p.dir.Settings())
	spec.Files = listeners
	spec.Start = nil // on this machine's network, to reach other registries
	spec.Env = append(spec.Env, registryEnvironment()...)
	spec.Ready = p.registryReady
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

// adminConfig returns how the supervisor itself reaches the API server.
func adminConfig(dir state.Dir) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", dir.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir.Kubeconfig(), err)
	}
	config.UserAgent = "cyan-local"
	config.QPS = -1
	return config, nil
}

func (p partSpecs) apiReady(ctx context.Context) error {
	config, err := adminConfig(p.dir)
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	return getOK(ctx, client, p.apiURL+"/readyz")
}

func (p partSpecs) registryReady(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.registryAddress+"/v2/", nil)
	if err != nil {
		return err
	}
	p.account.Authorize(request)
	return doOK(http.DefaultClient, request)
}

func getOK(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return doOK(client, request)
}

func doOK(client *http.Client, request *http.Request) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", request.URL, response.Status)
	}
	return nil
}

// url is the API server's on this machine.
func (h *reservedPort) url() string { return "https://" + h.address() }
