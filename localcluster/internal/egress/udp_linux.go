package egress

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"github.com/cyan-cd/cyan/localcluster/internal/datagrams"
)

const (
	// udpIdle is how long a flow is kept in which nothing moves.
	udpIdle = time.Minute
)

// passUDP begins a flow of datagrams. It is called while packets wait; where it reports false, the pod is told that
// nothing is there.
func (g *gateway) passUDP(request *udp.ForwarderRequest) bool {
	pod, to := ends(request.ID())
	destination, err := g.config.Network.Where(to)
	var release func()
	if err == nil {
		release, err = g.udp.open(pod.Addr())
	}
	if err != nil {
		g.refuse(pod.Addr(), err)
		return false
	}
	var outside *net.UDPConn
	if destination.Kind == Outside {
		// Nothing is sent by this, so that the second address would never be tried.
		if outside, err = dialUDP(destination.Addresses[0]); err != nil {
			release()
			return false
		}
	}
	var queue waiter.Queue
	end, failed := request.CreateEndpoint(&queue)
	if failed != nil {
		release()
		if outside != nil {
			_ = outside.Close()
		}
		return false
	}
	inside := newPodDatagrams(&queue, end)
	go func() {
		defer release()
		defer inside.Close()
		if destination.Kind == Resolver {
			g.resolve(inside)
			return
		}
		g.relayUDP(pod, to, inside, outside)
	}()
	return true
}

func dialUDP(address string) (*net.UDPConn, error) {
	to, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		return nil, err
	}
	return net.DialUDP("udp4", nil, to)
}

// relayUDP passes datagrams both ways until none has come for a while, or nobody is there to take them.
func (g *gateway) relayUDP(pod, to netip.AddrPort, inside *podDatagrams, outside *net.UDPConn) {
	var last atomic.Int64
	last.Store(time.Now().UnixNano())
	var both sync.WaitGroup
	pass := func(to io.Writer, from source) error {
		defer func() {
			_ = inside.Close()
			_ = outside.Close()
		}()
		return passDatagrams(to, from, &last)
	}
	both.Go(func() { _ = pass(outside, inside) })
	both.Go(func() {
		if err := pass(inside, outsideDatagrams{outside}); errors.Is(err, unix.ECONNREFUSED) {
			g.sendICMP(portUnreachable(pod, to))
		}
	})
	both.Wait()
}

// source is where datagrams come from.
type source interface {
	// receive passes the next datagram on, which is pass's only while that runs. It waits until some time for it, after
	// which the error is os.ErrDeadlineExceeded.
	receive(until time.Time, pass func([]byte) error) error
}

type outsideDatagrams struct{ *net.UDPConn }

func (o outsideDatagrams) receive(until time.Time, pass func([]byte) error) error {
	_ = o.SetReadDeadline(until)
	return datagrams.Receive(o.UDPConn, pass)
}

// podDatagrams are those of one flow of a pod.
type podDatagrams struct {
	*gonet.UDPConn
	end   tcpip.Endpoint
	queue *waiter.Queue
	entry waiter.Entry
	// some has a value once something may be there.
	some   chan struct{}
	closed sync.Once
}

func newPodDatagrams(queue *waiter.Queue, end tcpip.Endpoint) *podDatagrams {
	p := &podDatagrams{UDPConn: gonet.NewUDPConn(queue, end), end: end, queue: queue}
	p.entry, p.some = waiter.NewChannelEntry(waiter.ReadableEvents | waiter.EventErr | waiter.EventHUp)
	queue.EventRegister(&p.entry)
	return p
}

func (p *podDatagrams) receive(until time.Time, pass func([]byte) error) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for {
		var datagram bytes.Buffer
		_, failed := p.end.Read(&datagram, tcpip.ReadOptions{})
		switch failed.(type) {
		case nil:
			return pass(datagram.Bytes())
		case *tcpip.ErrWouldBlock:
		case *tcpip.ErrClosedForReceive:
			return io.EOF
		default:
			return errors.New(failed.String())
		}
		select {
		case <-p.some:
		case <-timer.C:
			return os.ErrDeadlineExceeded
		}
	}
}

// Close ends the flow. Who waits for a datagram of it is woken before nobody is any more.
func (p *podDatagrams) Close() error {
	err := p.UDPConn.Close()
	p.closed.Do(func() { p.queue.EventUnregister(&p.entry) })
	return err
}

// passDatagrams passes datagrams one way until the flow, whose last datagram either way was at last, is idle.
func passDatagrams(to io.Writer, from source, last *atomic.Int64) error {
	for {
		until := time.Unix(0, last.Load()).Add(udpIdle)
		if !time.Now().Before(until) {
			return nil
		}
		err := from.receive(until, func(datagram []byte) error {
			last.Store(time.Now().UnixNano())
			if _, err := to.Write(datagram); errors.Is(err, unix.ECONNREFUSED) {
				return err
			}
			return nil
		})
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) { // the other way may have moved
			return err
		}
	}
}
