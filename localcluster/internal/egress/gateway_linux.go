package egress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// MTU is how large a packet can be, in bytes. It is that of pods.
const MTU = 1500

const (
	// nic is the only interface of the stack.
	nic = 1
	// maxDialing is how many connections can be under way to being made. Others wait for the pod to ask again.
	maxDialing = 1024
	// maxBuffer bounds what waits in one direction of a connection, in bytes.
	maxBuffer = 512 << 10
	// timeWait is how long the end of a connection is remembered. There is one hop to a pod, and nothing comes late.
	timeWait = 5 * time.Second
	// quiet is for how long the same cause is not logged again.
	quiet = time.Minute
)

var (
	tcpLimits  = Limits{Total: 4096, PerPod: 2048}
	udpLimits  = Limits{Total: 1024, PerPod: 512}
	pingLimits = Limits{Total: 64, PerPod: 16}
)

// Config is what a gateway is made of.
type Config struct {
	// Device is a TUN device with virtio headers, which the packets that leave the cluster's network go to.
	Device  *os.File
	Network Network
	// Resolvers returns the resolvers of this machine, as host:port.
	Resolvers func() []string
	// Ready is called once packets are read.
	Ready func()
}

// gateway passes flows on.
type gateway struct {
	config          Config
	link            *device
	stack           *stack.Stack
	tcp, udp, pings *flows
	// queries has a place for each question that is being asked.
	queries chan struct{}

	mu   sync.Mutex
	said map[string]time.Time
}

// Run passes flows on until ctx ends, or the device is gone.
func Run(ctx context.Context, config Config) error {
	g := &gateway{
		config: config, tcp: newFlows(tcpLimits), udp: newFlows(udpLimits), pings: newFlows(pingLimits),
		queries: make(chan struct{}, maxQueries), said: map[string]time.Time{},
	}
	gone := make(chan error, 1)
	g.link = &device{file: config.Device, gone: func(err error) { gone <- err }}
	if err := g.attach(); err != nil {
		return err
	}
	config.Ready()
	select {
	case <-ctx.Done():
		return nil
	case err := <-gone:
		return err
	}
}

// attach makes the stack and has it answer for every address.
func (g *gateway) attach() error {
	g.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4},
	})
	if err := g.setOptions(); err != nil {
		return err
	}
	g.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, tcp.NewForwarder(g.stack, 0, maxDialing, g.passTCP).HandlePacket)
	g.stack.SetTransportProtocolHandler(udp.ProtocolNumber, udp.NewForwarder(g.stack, g.passUDP).HandlePacket)
	g.stack.SetTransportProtocolHandler(icmp.ProtocolNumber4, g.passPing)
	g.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	var failed []error
	for _, err := range []tcpip.Error{g.stack.CreateNIC(nic, g.link), g.stack.SetPromiscuousMode(nic, true), g.stack.SetSpoofing(nic, true)} {
		if err != nil {
			failed = append(failed, errors.New(err.String()))
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("starting the network stack: %w", errors.Join(failed...))
	}
	return nil
}

func (g *gateway) setOptions() error {
	sack, moderate, wait := tcpip.TCPSACKEnabled(true), tcpip.TCPModerateReceiveBufferOption(true), tcpip.TCPTimeWaitTimeoutOption(timeWait)
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: maxBuffer / 4, Max: maxBuffer}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: maxBuffer / 4, Max: maxBuffer}
	for _, option := range []tcpip.SettableTransportProtocolOption{&sack, &moderate, &wait, &receive, &send} {
		if err := g.stack.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
			return fmt.Errorf("setting %T: %s", option, err)
		}
	}
	return nil
}

// refuse logs why a flow goes nowhere; the same cause now and then.
func (g *gateway) refuse(pod netip.Addr, cause error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for text, at := range g.said {
		if now.Sub(at) > quiet {
			delete(g.said, text)
		}
	}
	text := cause.Error()
	if _, known := g.said[text]; known || len(g.said) >= 100 {
		return
	}
	g.said[text] = now
	slog.Warn("pod is not let out", "pod", pod.String(), "cause", text)
}

// ends returns both ends of a flow: the pod's address, and the address that it asks for.
func ends(id stack.TransportEndpointID) (pod, to netip.AddrPort) {
	return netip.AddrPortFrom(address(id.RemoteAddress), id.RemotePort), netip.AddrPortFrom(address(id.LocalAddress), id.LocalPort)
}

func address(a tcpip.Address) netip.Addr {
	addr, _ := netip.AddrFromSlice(a.AsSlice())
	return addr
}
