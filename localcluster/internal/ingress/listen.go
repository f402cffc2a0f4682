package ingress

import (
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

const (
	// firstByteLimit is how long a client may take until it has said whether it speaks TLS.
	firstByteLimit = 30 * time.Second
	handshakeByte  = 0x16
	acceptPause    = 10 * time.Millisecond
)

// ports are the ports that are served.
type ports struct {
	proxy  *Proxy
	listen func(port int32) (net.Listener, error)
	// servers are those of ports that listeners of Gateways ask for, and fixed those that are always there.
	servers map[int32]*http.Server
	fixed   []*http.Server
	// taken are the ports that could not be opened, and why.
	taken map[int32]string
}

func newPorts(proxy *Proxy, listen func(port int32) (net.Listener, error)) *ports {
	return &ports{proxy: proxy, listen: listen, servers: map[int32]*http.Server{}, taken: map[int32]string{}}
}

// add serves a listener until the end.
func (p *ports) add(port int32, listener net.Listener, shared bool) {
	p.fixed = append(p.fixed, p.start(port, listener, shared, port == routing.HTTPSPort))
}

func (p *ports) start(port int32, listener net.Listener, shared, secure bool) *http.Server {
	server := p.proxy.server(port, shared)
	// It ends when its listener is closed, which is how it is stopped.
	go func() { _ = server.Serve(newTLSListener(listener, server.TLSConfig, shared, secure)) }()
	return server
}

// open opens and closes ports as the table has them, and reports whether it could.
func (p *ports) open(table routing.Table) bool {
	wanted := map[int32]bool{}
	for _, l := range table.Listeners {
		if l.Port != routing.HTTPPort && l.Port != routing.HTTPSPort {
			wanted[l.Port] = l.TLS
		}
	}
	for port, server := range p.servers {
		if _, stays := wanted[port]; !stays {
			_ = server.Close()
			delete(p.servers, port)
		}
	}
	opened := true
	for port, secure := range wanted {
		if p.servers[port] != nil {
			continue
		}
		listener, err := p.listen(port)
		if err != nil {
			p.taken = maps.Clone(p.taken)
			p.taken[port] = err.Error()
			opened = false
			continue
		}
		p.servers[port] = p.start(port, listener, false, secure)
	}
	return opened
}

// tryTaken forgets which ports could not be opened.
func (p *ports) tryTaken() { p.taken = map[int32]string{} }

func (p *ports) closeAll() {
	for _, server := range p.servers {
		_ = server.Close()
	}
	for _, server := range p.fixed {
		_ = server.Close()
	}
}

// tlsListener accepts connections for a server: with TLS, without, or by the first byte of each.
type tlsListener struct {
	net.Listener
	config         *tls.Config
	shared, secure bool

	ready chan net.Conn
	once  sync.Once
	ended chan struct{}
}

func newTLSListener(of net.Listener, config *tls.Config, shared, secure bool) net.Listener {
	l := &tlsListener{Listener: of, config: config, shared: shared, secure: secure, ready: make(chan net.Conn), ended: make(chan struct{})}
	if shared {
		go l.sort()
	}
	return l
}

// Accept returns the next connection.
func (l *tlsListener) Accept() (net.Conn, error) {
	if l.shared {
		select {
		case conn := <-l.ready:
			return conn, nil
		case <-l.ended:
			return nil, net.ErrClosed
		}
	}
	conn, err := l.Listener.Accept()
	if err == nil && l.secure {
		conn = tls.Server(conn, l.config)
	}
	return conn, err
}

// Close ends it.
func (l *tlsListener) Close() error {
	err := l.Listener.Close()
	l.once.Do(func() { close(l.ended) })
	return err
}

// sort waits for the first byte of each connection, each in its own time.
func (l *tlsListener) sort() {
	for {
		conn, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			select {
			case <-l.ended:
				return
			case <-time.After(acceptPause): // out of descriptors: some will be free again
			}
			continue
		}
		go func() {
			if sorted, err := l.look(conn); err != nil {
				_ = conn.Close()
			} else {
				select {
				case l.ready <- sorted:
				case <-l.ended:
					_ = conn.Close()
				}
			}
		}()
	}
}

// look reads the first byte, and puts it back.
func (l *tlsListener) look(conn net.Conn) (net.Conn, error) {
	if err := conn.SetReadDeadline(time.Now().Add(firstByteLimit)); err != nil {
		return nil, err
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return nil, err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	seen := &seenConn{Conn: conn, first: first}
	if first[0] == handshakeByte {
		return tls.Server(seen, l.config), nil
	}
	return seen, nil
}

// seenConn is a connection whose first bytes were read.
type seenConn struct {
	net.Conn
	first []byte
}

func (c *seenConn) Read(data []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(data, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(data)
}
