package server

import (
	"net"
	"net/netip"
	"sync"
)

// Bounds of connections. A person's browser has no more than a few; a proxy's number is not bounded by itself.
const (
	mostConnections = 4096
	mostOfAddress   = 128
)

// Limit returns a listener that has no more than a number of connections at the same time, in all and of one address:
// what is beyond is closed as soon as it comes, so that one address leaves room for others. Trusted addresses, those of
// this machine among them, have the first bound alone.
func Limit(listener net.Listener, trusted Proxies) net.Listener {
	return &limited{Listener: listener, trusted: trusted, most: mostConnections, ofAddress: mostOfAddress, open: map[netip.Addr]int{}}
}

type limited struct {
	net.Listener
	trusted         Proxies
	most, ofAddress int

	mu   sync.Mutex
	all  int
	open map[netip.Addr]int
}

// Accept returns the next connection that there is room for.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := networkOf(addressOf(conn.RemoteAddr().String()))
		if l.enter(from) {
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = conn.Close()
	}
}

func (l *limited) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := from.IsLoopback() || l.trusted.include(from)
	if l.all >= l.most || !free && l.open[from] >= l.ofAddress {
		return false
	}
	l.all++
	l.open[from]++
	return true
}

func (l *limited) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close closes the connection, which counts no more.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
