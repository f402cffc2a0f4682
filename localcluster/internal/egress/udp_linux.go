package egress

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	// udpIdle is how long a flow is kept in which nothing moves.
	udpIdle = time.Minute
	// maxDatagram is how long a datagram can be, in bytes.
	maxDatagram = 64 << 10
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
	var outside net.Conn
	if destination.Kind == Outside {
		// Nothing is sent by this, so that the second address would never be tried.
		if outside, err = net.Dial("udp4", destination.Addresses[0]); err != nil {
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
	inside := gonet.NewUDPConn(&queue, end)
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

// relayUDP passes datagrams both ways until none has come for a while, or nobody is there to take them.
func (g *gateway) relayUDP(pod, to netip.AddrPort, inside, outside net.Conn) {
	var last atomic.Int64
	last.Store(time.Now().UnixNano())
	var both sync.WaitGroup
	pass := func(to, from net.Conn) error {
		defer func() {
			_ = inside.Close()
			_ = outside.Close()
		}()
		return passDatagrams(to, from, &last)
	}
	both.Go(func() { _ = pass(outside, inside) })
	both.Go(func() {
		if err := pass(inside, outside); errors.Is(err, unix.ECONNREFUSED) {
			g.sendICMP(portUnreachable(pod, to))
		}
	})
	both.Wait()
}

// passDatagrams passes datagrams one way until the flow, whose last datagram either way was at last, is idle.
func passDatagrams(to, from net.Conn, last *atomic.Int64) error {
	buffer := make([]byte, maxDatagram)
	for {
		until := time.Unix(0, last.Load()).Add(udpIdle)
		if !time.Now().Before(until) {
			return nil
		}
		_ = from.SetReadDeadline(until)
		n, err := from.Read(buffer)
		var slow net.Error
		switch {
		case errors.As(err, &slow) && slow.Timeout():
			continue // the other way may have moved
		case err != nil:
			return err
		}
		last.Store(time.Now().UnixNano())
		if _, err := to.Write(buffer[:n]); errors.Is(err, unix.ECONNREFUSED) {
			return err
		}
	}
}
