// Package ingress serves the Ingresses, Gateways and routes of a cluster on this machine: it observes
// them, has package routing decide where requests go, serves that, and reports it in their status.
package ingress

import (
	"context"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	gateways "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

const (
	// loopback is where everything is served.
	loopback = "127.0.0.1"
	// gather is how long changes are collected that come one after the other.
	gather = 10 * time.Millisecond
	// tryPorts is how often a port is tried that somebody else has.
	tryPorts = 10 * time.Second
)

// Config is what is served, and where.
type Config struct {
	API       *rest.Config
	Authority issuer
	// Entry is how clients reach this program; Shared takes its port, HTTP and HTTPS those of 80 and 443, or are nil.
	Entry               routing.Entry
	Shared, HTTP, HTTPS net.Listener
	// Listen opens another port of 127.0.0.1.
	Listen func(port int32) (net.Listener, error)
	// Gateways is set where the Gateway API is served.
	Gateways bool
	// Ready is called once everything that is in the cluster is served.
	Ready func()
}

// controller is what runs.
type controller struct {
	config   Config
	proxy    *Proxy
	observer *observer
	reporter *reporter
	ports    *ports
}

// Run serves until ctx ends.
func Run(ctx context.Context, config Config) error {
	client, err := kubernetes.NewForConfig(config.API)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if err := installClasses(ctx, client); err != nil {
		return err
	}
	c := &controller{config: config, proxy: NewProxy(config.Entry, config.Authority), observer: newObserver()}
	c.reporter = &reporter{client: client, status: addressOf(config.Entry), latest: make(chan decided, 1)}
	c.ports = newPorts(c.proxy, config.Listen)
	if err := c.observer.followCluster(client); err != nil {
		return err
	}
	if config.Gateways {
		if err := c.followGateways(ctx, client); err != nil {
			return err
		}
	}
	var shutdown func()
	c.reporter.events, shutdown = newRecorder(client)
	defer shutdown()
	defer c.observer.shutdown()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the watches are waited for
	if err := c.observer.run(ctx); err != nil {
		return err
	}
	c.serve()
	go c.reporter.run(ctx)
	c.follow(ctx)
	c.ports.closeAll()
	return nil
}

// maxEvents is how many events of one object are made within minutes: findings are many, and each is told once.
const maxEvents = 200

// newRecorder returns what makes events, and how to end it. By default those of an object would be one after the tenth,
// and none after the twenty-fifth.
func newRecorder(client kubernetes.Interface) (record.EventRecorder, func()) {
	broadcaster := record.NewBroadcasterWithCorrelatorOptions(record.CorrelatorOptions{MaxEvents: maxEvents, BurstSize: maxEvents})
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	return broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "cyan-ingress"}), broadcaster.Shutdown
}

func (c *controller) followGateways(ctx context.Context, client kubernetes.Interface) error {
	// These kinds are not served as protobuf.
	config := rest.CopyConfig(c.config.API)
	config.ContentType, config.AcceptContentTypes = "", ""
	definitions, err := apiextensions.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if c.reporter.gateways, err = gateways.NewForConfig(config); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if err := installGateways(ctx, definitions, c.reporter.gateways); err != nil {
		return err
	}
	return c.observer.followGateways(client, c.reporter.gateways)
}

// addressOf is what the status of Ingresses says.
func addressOf(entry routing.Entry) networkingv1.IngressLoadBalancerStatus {
	at := networkingv1.IngressLoadBalancerIngress{IP: loopback}
	for _, port := range []int32{entry.Outside(routing.HTTPPort), entry.Outside(routing.HTTPSPort)} {
		at.Ports = append(at.Ports, networkingv1.IngressPortStatus{Port: port, Protocol: corev1.ProtocolTCP})
	}
	if at.Ports[0] == at.Ports[1] {
		at.Ports = at.Ports[:1]
	}
	return networkingv1.IngressLoadBalancerStatus{Ingress: []networkingv1.IngressLoadBalancerIngress{at}}
}

// serve takes requests on the ports that were handed over.
func (c *controller) serve() {
	c.decide()
	c.ports.add(routing.HTTPPort, c.config.Shared, true)
	if c.config.HTTP != nil {
		c.ports.add(routing.HTTPPort, c.config.HTTP, false)
	}
	if c.config.HTTPS != nil {
		c.ports.add(routing.HTTPSPort, c.config.HTTPS, false)
	}
	c.config.Ready()
}

// follow makes the table anew whenever something has changed.
func (c *controller) follow(ctx context.Context) {
	again := time.NewTicker(tryPorts)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if len(c.ports.taken) == 0 {
				continue
			}
		case <-c.observer.changed:
			if pause(ctx, gather) != nil {
				return
			}
		}
		c.decide()
	}
}

// decide observes, decides and acts. A port that can't be opened is one more observation.
func (c *controller) decide() {
	seen := c.observer.snapshot()
	seen.Address = loopback
	c.ports.tryTaken()
	for {
		seen.Taken = c.ports.taken
		result := routing.Build(seen)
		if c.ports.open(result.Table) {
			c.proxy.Use(result.Table)
			c.reporter.tell(decided{seen, result})
			return
		}
	}
}
