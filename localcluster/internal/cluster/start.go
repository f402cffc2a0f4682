package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/cyan-cd/cyan/localcluster/internal/metrics"
	"github.com/cyan-cd/cyan/localcluster/internal/parts"
	"github.com/cyan-cd/cyan/localcluster/internal/simnodes"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
	"github.com/cyan-cd/cyan/localcluster/internal/supervise"
)

// startup is what a start has brought up. It can be ended however far the start came.
type startup struct {
	// stops are called in reverse order.
	stops []func()
	ids   identities
	// metrics is what answers for the metrics API; nil where the cluster does without.
	metrics *metrics.Backend
}

func (r *startup) stop() {
	for _, end := range slices.Backward(r.stops) {
		end()
	}
}

// start starts the parts, those that can start together at once, and returns when pods can be run.
func (s *supervisor) start(ctx context.Context, report func(Event)) (*startup, error) {
	begin := s.startSimulated
	if s.record.Mode == state.Real {
		begin = s.startReal
	}
	run, err := begin(ctx, report)
	if err == nil {
		err = s.startExtras(ctx, run)
	}
	return run, err
}

func (s *supervisor) startSimulated(ctx context.Context, report func(Event)) (*startup, error) {
	s.placement = placement{start: (*exec.Cmd).Start}
	run := &startup{}
	var err error
	if run.ids, err = issueIdentities(s.dir, s.api.url(), s.api.url(), nil); err != nil {
		return run, err
	}
	if !s.record.LeftOut(Metrics) {
		if err := run.serveNoMetrics(); err != nil {
			return run, err
		}
	}
	listener, err := s.registryPort.listen()
	if err != nil {
		return run, err
	}
	inherited, err := listenerFile(listener)
	if err != nil {
		return run, err
	}
	run.stops = append(run.stops, func() { _ = inherited.Close() })
	etcd := s.group.Launch(s.specs().etcd())
	api := s.group.Launch(s.specs().apiServer(run.ids, endpoint{bind: loopback, port: s.api.port, advertise: []string{
		// Nothing inside the cluster runs that could look for the API server there. Where it is is not left to be found
		// out, because a machine that is in no network has no address that could be.
		"--permit-port-sharing=true", "--endpoint-reconciler-type=none", "--advertise-address=" + loopback,
	}}))
	registry := s.group.Launch(s.specs().registry(inherited))
	run.stops = append(run.stops, func() {
		s.group.Stop(parts.Ingress, parts.ControllerManager, parts.Scheduler, parts.Nodes, parts.Registry)
		s.group.Stop(parts.APIServer)
		s.group.Stop()
	})
	if err := waitFor(ctx, etcd, api); err != nil {
		return run, err
	}
	report(Event{Text: "control plane answers at " + s.api.url()})
	serving, err := s.launchIngress(run, nil)
	if err != nil {
		return run, err
	}
	if err := waitFor(ctx, append(serving, s.group.Launch(s.specs().controllerManager(run.ids)), s.group.Launch(s.specs().scheduler()), s.group.Launch(s.specs().simulatedNodes()), registry)...); err != nil {
		return run, err
	}
	report(Event{Text: "registry answers at " + s.registryPort.address()})
	if err := s.waitUsable(ctx); err != nil {
		return run, err
	}
	report(Event{Text: nodesReady(s.record)})
	return run, nil
}

// serveNoMetrics answers for the metrics API where no pod uses anything.
func (r *startup) serveNoMetrics() error {
	port, stop, err := metrics.ServeNone(r.ids.metricsServing, r.ids.frontCA.CertFile, frontProxyName)
	if err != nil {
		return err
	}
	r.stops = append(r.stops, stop)
	r.metrics = &metrics.Backend{Address: loopback, Port: port, CA: r.ids.clusterCA.Certificate()}
	return nil
}

func nodesReady(record state.Record) string {
	if record.Nodes == 1 {
		return fmt.Sprintf("%s node is Ready", record.Mode)
	}
	return fmt.Sprintf("%d %s nodes are Ready", record.Nodes, record.Mode)
}

// listenerFile takes the socket of a listener, for a part to inherit. It stays open here, so that clients wait while
// the part restarts.
func listenerFile(l *net.TCPListener) (*os.File, error) {
	defer l.Close()
	file, err := l.File()
	if err != nil {
		return nil, fmt.Errorf("handing over a listener: %w", err)
	}
	return file, nil
}

func waitFor(ctx context.Context, waited ...*supervise.Part) error {
	for _, part := range waited {
		if err := part.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// waitUsable returns once every node is Ready and pods are admitted: those need the service account that a controller
// makes.
func (s *supervisor) waitUsable(ctx context.Context) error {
	config, err := adminConfig(s.dir)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	err = retryUntil(ctx, "the default service account", func() error {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	if err != nil {
		return err
	}
	return retryUntil(ctx, "nodes to be Ready", func() error { return s.nodesReady(ctx, client) })
}

func (s *supervisor) nodesReady(ctx context.Context, client kubernetes.Interface) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	ready, simulated := 0, 0
	for i := range nodes.Items {
		if nodeReady(&nodes.Items[i]) {
			ready++
		}
		if nodes.Items[i].Labels[simnodes.Label] != "" {
			simulated++
		}
	}
	wanted := s.settings.Simulated
	if s.record.Mode == state.Simulated {
		wanted = s.record.Nodes
	}
	// Simulated nodes can be fewer than they were.
	if want := s.record.Nodes + s.settings.Simulated; ready < want || simulated != wanted {
		return fmt.Errorf("%d of %d are", ready, want)
	}
	return nil
}

func nodeReady(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Key == corev1.TaintNodeNotReady || taint.Key == corev1.TaintNodeUnreachable {
			return false // pods would not be scheduled to it yet
		}
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// retryUntil tries until it works or ctx ends.
func retryUntil(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (%w)", what, context.Cause(ctx), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
