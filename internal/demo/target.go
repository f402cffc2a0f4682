package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// target is the cluster that the demo happens on.
type target struct {
	config *rest.Config
	// flags say which cluster is meant, to the commands that the demo shows.
	flags []string
	// about is a line for the reader.
	about string
	// registry is HOST or HOST/PATH, where images are pushed and nodes pull them.
	registry string
	// dir holds what the demo keeps: repositories, mirrors, the server's log.
	dir string
	// namespace is where the example is deployed.
	namespace string
	// simulated is set when no pod runs.
	simulated bool
	// senders make clients of a Service.
	senders func(ctx context.Context, w *watcher, service string) ([]Send, error)
}

// localStatus is what `cyan local status -o json` prints.
type localStatus struct {
	Mode, Kubernetes, Dir, Registry, Kubeconfig string
	Nodes                                       int
	Ports                                       []struct {
		Namespace, Service, Address string
	}
}

// localCluster starts the cluster of `cyan local up`, or goes on with it.
func localCluster(ctx context.Context, o Options, progress func(string)) (*target, error) {
	up := []string{"up", "--kubeconfig-update=false"}
	if o.Nodes != "" {
		up = append(up, "--nodes", o.Nodes)
	}
	if err := o.local(ctx, io.Discard, progress, up...); err != nil {
		return nil, err
	}
	status, err := o.localStatus(ctx)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", status.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", status.Kubeconfig, err)
	}
	g := &target{
		config: config, flags: []string{"--kubeconfig", status.Kubeconfig}, registry: status.Registry, dir: filepath.Join(status.Dir, "demo"),
		namespace: "default", simulated: status.Mode == "simulated",
	}
	nodes := "1 " + status.Mode + " node"
	if status.Nodes != 1 {
		nodes = fmt.Sprintf("%d %s nodes", status.Nodes, status.Mode)
	}
	g.about = "Kubernetes " + status.Kubernetes + ", " + nodes
	g.senders = func(ctx context.Context, w *watcher, service string) ([]Send, error) {
		if g.simulated {
			return []Send{w.lookup(service)}, nil
		}
		address, err := o.nodePort(ctx, g.namespace, service)
		if err != nil {
			return nil, err
		}
		keeping, fresh := Clients(&http.Transport{})
		return []Send{To(keeping, "http://"+address+"/"), To(keeping, "http://"+address+"/"), To(fresh, "http://"+address+"/"), To(fresh, "http://"+address+"/")}, nil
	}
	return g, g.prepare()
}

// local runs a command of the local cluster's program.
func (o Options) local(ctx context.Context, out io.Writer, progress func(string), args ...string) error {
	if o.LocalDir != "" {
		args = append(args, "--dir", o.LocalDir)
	}
	cmd := exec.CommandContext(ctx, o.LocalProgram, args...)
	var said bytes.Buffer
	cmd.Stdout = out
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("running %s: %w", o.LocalProgram, err)
	}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
		progress(lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("the local cluster: %s", strings.TrimPrefix(lastLine(said.String()), "Error: "))
	}
	return nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func (o Options) localStatus(ctx context.Context) (localStatus, error) {
	var status localStatus
	var out bytes.Buffer
	if err := o.local(ctx, &out, func(string) {}, "status", "-o", "json"); err != nil {
		return status, err
	}
	if err := json.Unmarshal(out.Bytes(), &status); err != nil {
		return status, fmt.Errorf("reading the status of the local cluster: %w", err)
	}
	return status, nil
}

// nodePort returns where a Service of the local cluster is reached from this machine. The cluster offers it a moment
// after the Service is there.
func (o Options) nodePort(ctx context.Context, namespace, service string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, fmt.Errorf("the local cluster does not offer Service %s on 127.0.0.1: `cyan local status` lists what it offers", service))
	defer cancel()
	for {
		status, err := o.localStatus(ctx)
		if err != nil {
			return "", err
		}
		for _, p := range status.Ports {
			if p.Namespace == namespace && p.Service == service {
				return p.Address, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// otherCluster uses one that is there already, by a context of the kubeconfig.
func otherCluster(ctx context.Context, o Options) (*target, error) {
	if o.Registry == "" {
		return nil, errors.New("registry: another cluster needs one that this machine pushes to and the cluster pulls from; name it with --registry HOST/PATH")
	}
	sum := strings.NewReplacer("/", "_", ":", "_").Replace(o.Context)
	g := &target{config: o.Config, flags: []string{"--context", o.Context}, registry: strings.TrimSuffix(o.Registry, "/"), dir: filepath.Join(o.DataDir, "demo-"+sum), namespace: "cyan-demo"}
	if o.Kubeconfig != "" {
		g.flags = append([]string{"--kubeconfig", o.Kubeconfig}, g.flags...)
	}
	if err := g.describeCluster(ctx); err != nil {
		return nil, err
	}
	g.senders = func(_ context.Context, w *watcher, service string) ([]Send, error) {
		if g.simulated {
			return []Send{w.lookup(service)}, nil
		}
		return g.proxied(service)
	}
	return g, g.prepare()
}

// describeCluster asks what cluster it is.
func (g *target) describeCluster(ctx context.Context) error {
	clients, err := kubernetes.NewForConfig(g.config)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", g.config.Host, err)
	}
	version, err := clients.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("connecting to %s: %w: check that the cluster runs, and the context", g.config.Host, err)
	}
	nodes, err := clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the nodes of %s: %w", g.config.Host, err)
	}
	g.simulated = len(nodes.Items) > 0 && simulatedNode(nodes.Items[0])
	kind := "nodes"
	if g.simulated {
		kind = "simulated nodes"
	}
	g.about = fmt.Sprintf("Kubernetes %s at %s, %d %s", version.GitVersion, g.config.Host, len(nodes.Items), kind)
	return nil
}

// simulatedNode recognizes a node of `cyan local up --nodes simulated`.
func simulatedNode(node corev1.Node) bool { return node.Labels["cyan.dev/simulated"] != "" }

// proxied sends through the API server, which reaches a Service wherever the cluster is.
func (g *target) proxied(service string) ([]Send, error) {
	client, err := rest.HTTPClientFor(g.config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", g.config.Host, err)
	}
	server, _, err := rest.DefaultServerUrlFor(g.config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", g.config.Host, err)
	}
	target := server.JoinPath("api/v1/namespaces", g.namespace, "services", url.PathEscape(service+":http"), "proxy/").String()
	return []Send{To(client, target), To(client, target)}, nil
}

func (g *target) prepare() error {
	g.config.QPS = -1
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return fmt.Errorf("making the demo's directory: %w", err)
	}
	return nil
}
