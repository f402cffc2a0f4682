package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	// dialLimit is how long a connection may take to be made. Whoever asks goes on asking, and has a limit of its own.
	dialLimit = 20 * time.Second
	// halfClosedLimit is how long a connection is kept that one side has ended and the other leaves idle.
	halfClosedLimit = 10 * time.Minute
	// A pod that is gone says nothing: it is asked after a while of silence.
	keepAliveIdle, keepAliveInterval, keepAliveCount = time.Minute, 15 * time.Second, 4
	chunk                                            = 32 << 10
)

var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// passTCP makes the connection that a pod asks for, and answers the pod only then: what is refused is refused to it.
func (g *gateway) passTCP(request *tcp.ForwarderRequest) {
	pod, to := ends(request.ID())
	release, err := g.tcp.open(pod.Addr())
	if err != nil {
		g.refuse(pod.Addr(), err)
		request.Complete(true)
		return
	}
	defer release()
	destination, err := g.config.Network.Where(to)
	if err != nil {
		g.refuse(pod.Addr(), err)
		request.Complete(true)
		return
	}
	outside, err := g.dial(destination)
	if err != nil {
		var slow net.Error
		// Without an answer there is none for the pod either.
		request.Complete(!errors.As(err, &slow) || !slow.Timeout())
		return
	}
	defer outside.Close()
	var queue waiter.Queue
	end, failed := request.CreateEndpoint(&queue)
	request.Complete(false)
	if failed != nil { // the pod has given up meanwhile
		_ = outside.SetLinger(0)
		return
	}
	keepAlive(end)
	relay(&podConn{TCPConn: gonet.NewTCPConn(&queue, end), end: end}, &outsideConn{outside})
}

func (g *gateway) dial(destination Destination) (*net.TCPConn, error) {
	addresses := destination.Addresses
	if destination.Kind == Resolver {
		addresses = g.config.Resolvers()
	}
	return dialFirst(addresses)
}

// dialFirst connects to the first of some addresses that does not refuse.
func dialFirst(addresses []string) (*net.TCPConn, error) {
	err := error(unix.ECONNREFUSED)
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount}}
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit)
	defer cancel()
	for _, address := range addresses {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, "tcp", address); err == nil {
			return conn.(*net.TCPConn), nil
		}
	}
	return nil, err
}

func keepAlive(end tcpip.Endpoint) {
	idle, interval := tcpip.KeepaliveIdleOption(keepAliveIdle), tcpip.KeepaliveIntervalOption(keepAliveInterval)
	end.SocketOptions().SetKeepAlive(true)
	_ = end.SetSockOpt(&idle)
	_ = end.SetSockOpt(&interval)
	_ = end.SetSockOptInt(tcpip.KeepaliveCountOption, keepAliveCount)
}

// side is one side of a connection.
type side interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
	CloseWrite() error
	// abort ends it as a broken one, at once.
	abort()
	Close() error
}

type podConn struct {
	*gonet.TCPConn
	end tcpip.Endpoint
}

func (c *podConn) abort() { c.end.Abort() }

type outsideConn struct{ *net.TCPConn }

func (c *outsideConn) abort() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// relay copies both ways until both sides have ended, or one is broken, which breaks the other.
func relay(pod, outside side) {
	var half atomic.Bool
	var both sync.WaitGroup
	both.Go(func() { oneWay(outside, pod, &half) })
	both.Go(func() { oneWay(pod, outside, &half) })
	both.Wait()
	_ = pod.Close()
	_ = outside.Close()
}

// oneWay copies until from ends, and tells to that no more will come. From then on the other way may not idle for long.
func oneWay(to, from side, half *atomic.Bool) {
	buffer := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buffer)
	for {
		if half.Load() {
			_ = from.SetReadDeadline(time.Now().Add(halfClosedLimit))
		}
		n, err := from.Read(buffer[:])
		if n > 0 {
			if _, failed := to.Write(buffer[:n]); failed != nil {
				err = failed
			}
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF):
			half.Store(true)
			_ = to.SetReadDeadline(time.Now().Add(halfClosedLimit)) // it may be waiting without one
			_ = to.CloseWrite()
		default:
			to.abort()
			from.abort()
		}
		return
	}
}
