package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sys/unix"
	"k8s.io/client-go/kubernetes"

	"github.com/cyan-cd/cyan/localcluster/internal/expose"
	"github.com/cyan-cd/cyan/localcluster/internal/images"
	"github.com/cyan-cd/cyan/localcluster/internal/metrics"
	"github.com/cyan-cd/cyan/localcluster/internal/node"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/pause"
	"github.com/cyan-cd/cyan/localcluster/internal/simnodes"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

const (
	insidePort = 6443
	dnsReady   = "8181"
	proxyReady = "10256"
	// kubeletReady is a number in the kubelet's settings.
	kubeletReady = 10248
	metricsPort  = 10251
	// podGrace is how long containers have to end by themselves when the cluster stops.
	podGrace = 5 * time.Second
)

// checkReal returns an error with what this machine lacks for a real node, and how to get it.
func checkReal() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("real nodes need root: run it with sudo, or take --nodes simulated")
	}
	if !pause.Supported() {
		_, err := pause.Image()
		return err
	}
	if missing := node.Missing(); len(missing) > 0 {
		return fmt.Errorf("real nodes need %s: run `apt-get install -y %s`, or take --nodes simulated", strings.Join(missing, ", "), strings.Join(missing, " "))
	}
	return nil
}

// removeNode removes what a real node that was not stopped has left on this machine.
func removeNode(dir state.Dir) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := node.RemoveCgroups(dir); err != nil {
		return err
	}
	node.RemoveHostDirs(dir)
	return nil
}

// realRun is a start of a real node under way.
type realRun struct {
	*supervisor
	*startup
	node *node.Node
	// outside is the device that packets to other networks go to; nil where pods have no way out.
	outside *os.File
}

// startReal brings up the control plane and a node in namespaces of their own.
func (s *supervisor) startReal(ctx context.Context, report func(Event)) (*startup, error) {
	r := &realRun{supervisor: s, startup: &startup{}}
	if err := r.enterNode(report); err != nil {
		return r.startup, err
	}
	if err := r.startBase(ctx, report); err != nil {
		return r.startup, err
	}
	if err := r.startRest(ctx); err != nil {
		return r.startup, err
	}
	if err := s.waitUsable(ctx); err != nil {
		return r.startup, err
	}
	report(Event{Text: "node is Ready"})
	return r.startup, r.serveServices(ctx)
}

// enterNode makes the namespaces.
func (r *realRun) enterNode(report func(Event)) error {
	cgroup, err := node.PrepareCgroups(r.dir)
	if err != nil {
		return err
	}
	r.stops = append(r.stops, func() { _ = removeLeftovers(r.dir) })
	if err := node.MakeHostDirs(); err != nil {
		return err
	}
	for _, dir := range []string{r.dir.Data("kubelet"), filepath.Join(r.dir.Run, "kubelet"), node.BinDir(r.dir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the node's directories: %w", err)
		}
	}
	if r.node, err = node.New(r.dir, []string{r.program, parts.Init, r.dir.Path}); err != nil {
		return err
	}
	r.stops = append(r.stops, r.node.Stop)
	r.placement = placement{start: r.node.Start, exited: r.node.Exited()}
	r.ids, err = issueIdentities(r.dir, r.api.url(), fmt.Sprintf("https://%s:%d", node.Address, insidePort), []string{node.Address})
	if err != nil {
		return err
	}
	if err := r.openOutside(); err != nil {
		return err
	}
	return r.configureNode(cgroup, report)
}

func (r *realRun) configureNode(cgroup string, report func(Event)) error {
	snapshotter, err := overlayfs, r.overlays()
	if err != nil {
		snapshotter = native
		report(Event{Text: "images take more of the disk, and of the time to start a pod: " + whyNative(r.dir.Path, err)})
	}
	settings := nodeSettings{
		Dir: r.dir, ID: r.dir.ID, Cgroup: cgroup, NodeAddress: node.Address, PodRange: node.PodRange, PluginDir: node.PluginDir,
		RegistryPort: r.registryPort.port, Registry: r.account, DNS: dnsIP, CA: r.ids.clusterCA.CertFile, Serving: r.ids.kubeletServing, Snapshotter: snapshotter,
		DNSReady: dnsReady, FeatureGates: r.settings.FeatureGates, Outside: r.outside != nil,
	}
	return settings.write(r.program)
}

// The snapshotters of containerd: one lays the layers of an image over each other, the other copies each whole.
const (
	overlayfs = "overlayfs"
	native    = "native"
)

// whyNative is why the layers of images are copied, and what to do about it.
func whyNative(dir string, err error) string {
	if strings.ContainsAny(dir, ":,") {
		return fmt.Sprintf("each layer is copied, since a : or , in %s keeps overlayfs from it; choose a directory without with --dir", dir)
	}
	return fmt.Sprintf("each layer is copied, since overlayfs is not served on the file system of %s (%v); choose a directory on another one with --dir", dir, err)
}

// overlays returns why the file system of the directory cannot be the upper part of an overlay, as an overlay itself
// cannot; nil where it can.
func (r *realRun) overlays() error {
	probe := filepath.Join(r.dir.Path, "probe")
	defer os.RemoveAll(probe)
	var options []string
	for _, part := range []string{"lower", "upper", "work", "merged"} {
		if err := os.MkdirAll(filepath.Join(probe, part), 0o700); err != nil {
			return err
		}
		if part != "merged" {
			options = append(options, part+"dir="+filepath.Join(probe, part))
		}
	}
	merged := filepath.Join(probe, "merged")
	return r.node.Do(func() error {
		if err := unix.Mount("overlay", merged, "overlay", 0, strings.Join(options, ",")); err != nil {
			return err
		}
		return unix.Unmount(merged, 0)
	})
}

// startBase starts what everything else asks: the database, the API server, the registry; and containerd, which asks
// nobody.
func (r *realRun) startBase(ctx context.Context, report func(Event)) error {
	outside, err := r.registryPort.listen()
	if err != nil {
		return err
	}
	inside, err := r.node.Listen(r.registryPort.address())
	if err != nil {
		return err
	}
	files := make([]*os.File, 2)
	for i, l := range []*net.TCPListener{outside, inside} {
		if files[i], err = listenerFile(l); err != nil {
			return err
		}
		r.stops = append(r.stops, func() { _ = files[i].Close() })
	}
	listener, err := r.api.listen()
	if err != nil {
		return err
	}
	forwarder := expose.Forward(listener, r.node.Dial, net.JoinHostPort(node.Address, strconv.Itoa(insidePort)))
	r.stops = append(r.stops, forwarder.Close, r.stopParts)
	etcd := r.group.Launch(r.specs().etcd())
	api := r.group.Launch(r.specs().apiServer(r.ids, endpoint{bind: node.Address, port: insidePort, advertise: []string{"--advertise-address=" + node.Address}}))
	images := r.group.Launch(r.specs().registry(files...))
	containerd := r.group.Launch(r.containerd())
	if err := waitFor(ctx, images); err != nil {
		return err
	}
	if err := r.pushSandbox(ctx); err != nil {
		return err
	}
	report(Event{Text: "registry answers at " + r.registryPort.address()})
	if err := waitFor(ctx, etcd, api, containerd); err != nil {
		return err
	}
	report(Event{Text: "control plane answers at " + r.api.url()})
	return nil
}

// stopParts lets the containers end before what runs them.
func (r *realRun) stopParts() {
	r.group.Stop(parts.Ingress, parts.Kubelet, parts.ControllerManager, parts.Scheduler, parts.Metrics, parts.Nodes)
	node.EndPods(r.dir, podGrace)
	r.group.Stop(parts.Proxy, parts.DNS, parts.Registry, parts.Containerd, parts.APIServer, parts.Egress)
	r.group.Stop()
}

func (r *realRun) pushSandbox(ctx context.Context) error {
	image, err := pause.Image()
	if err != nil {
		return err
	}
	target, err := name.NewTag(r.registryPort.address()+"/"+images.Sandbox, name.Insecure)
	if err != nil {
		return fmt.Errorf("naming the sandbox image: %w", err)
	}
	if err := remote.Write(target, image, remote.WithContext(ctx), remote.WithAuth(r.account.Auth())); err != nil {
		return fmt.Errorf("putting the sandbox image into the registry: %w", err)
	}
	return nil
}

func (r *realRun) startRest(ctx context.Context) error {
	network, err := node.OwnNetwork()
	if err != nil {
		return err
	}
	r.stops = append(r.stops, func() { _ = network.Close() })
	launched, err := r.launchIngress(r.startup, network)
	if err != nil {
		return err
	}
	if r.outside != nil {
		launched = append(launched, r.group.Launch(r.specs().egress(r.outside)))
	}
	launched = append(launched,
		r.group.Launch(r.specs().controllerManager(r.ids)), r.group.Launch(r.specs().scheduler()), r.group.Launch(r.kubelet()),
		r.group.Launch(r.proxy()), r.group.Launch(r.dns()),
	)
	if !r.record.LeftOut(Metrics) {
		r.metrics = &metrics.Backend{Address: node.Address, Port: metricsPort, CA: r.ids.clusterCA.Certificate()}
		// What waits for it comes later: it starts meanwhile.
		r.group.Launch(r.metricsServer())
	}
	config, err := adminConfig(r.dir)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if r.settings.Simulated > 0 {
		launched = append(launched, r.group.Launch(r.specs().simulatedNodes()))
	} else if err := simnodes.RemoveBut(ctx, client, nil); err != nil {
		return err
	}
	if err := createDNSService(ctx, client, node.Address); err != nil {
		return err
	}
	return waitFor(ctx, launched...)
}

// serveServices offers Services on this machine until the cluster stops.
func (r *realRun) serveServices(context.Context) error {
	config, err := adminConfig(r.dir)
	if err != nil {
		return err
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	services := expose.NewServices(client, r.node, node.Address, nodeName)
	// It ends with its context, which is how it is stopped.
	r.goOn(func(ctx context.Context) { _ = services.Run(ctx) })
	r.mu.Lock()
	r.ports = services.Ports
	r.mu.Unlock()
	return nil
}

// insideReady asks an address in the node's network.
func (r *realRun) insideReady(port, path string) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return r.node.Dial(ctx, address)
		},
	}}
	return func(ctx context.Context) error {
		return getOK(ctx, client, "http://"+net.JoinHostPort(node.Address, port)+path)
	}
}
