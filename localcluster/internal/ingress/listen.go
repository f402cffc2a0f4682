package ingress

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

const (
	// firstByteLimit is how long a client may take until it has said whether it speaks TLS.
	firstByteLimit = 30 * time.Second
	handshakeByte  = 0x16
	acceptPause    = 10 * time.Millisecond
)

// openPort is a port that was opened for listeners, and whether these speak TLS.
type openPort struct {
	server *http.Server
	secure bool
}

// ports are the ports that are served.
type ports struct {
	proxy  *Proxy
	listen func(port int32) (net.Listener, error)
	// servers are those of ports that listeners of Gateways ask for, and fixed those that are always there.
	servers map[int32]openPort
	fixed   []*http.Server
	// taken are the ports that could not be opened, and why.
	taken map[int32]string
}

func newPorts(proxy *Proxy, listen func(port int32) (net.Listener, error)) *ports {
	return &ports{proxy: proxy, listen: listen, servers: map[int32]openPort{}, taken: map[int32]string{}}
}

// add serves a listener until the end.
func (p *ports) add(port int32, listener net.Listener, shared bool) {
	p.fixed = append(p.fixed, p.start(port, listener, shared, port == routing.HTTPSPort))
}

func (p *ports) start(port int32, listener net.Listener, shared, secure bool) *http.Server {
	server := p.proxy.server(port, shared)
	// It ends when its listener is closed, which is how it is stopped.
	if shared || secure {
		listener = newTLSListener(listener, p.proxy, server.TLSConfig, port, shared)
	}
	go func() { _ = server.Serve(listener) }()
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
	for _, s := range table.Streams {
		if s.Port != routing.HTTPSPort {
			wanted[s.Port] = true
		}
	}
	for port, open := range p.servers {
		if secure, stays := wanted[port]; !stays || secure != open.secure {
			_ = open.server.Close()
			delete(p.servers, port)
		}
	}
	opened := true
	for port, secure := range wanted {
		if _, open := p.servers[port]; open {
			continue
		}
		listener, err := p.listen(port)
		if err != nil {
			p.taken = maps.Clone(p.taken)
			p.taken[port] = whyTaken(port, err)
			opened = false
			continue
		}
		p.servers[port] = openPort{p.start(port, listener, false, secure), secure}
	}
	return opened
}

// whyTaken is why a port can't be opened, and what to do.
func whyTaken(port int32, err error) string {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Sprintf("another program of this machine has it; end that (`sudo ss -ltnp 'sport = :%d'` shows it), or choose another port", port)
	case errors.Is(err, unix.EACCES):
		return "open to root alone; start the cluster as root, or choose a port above 1023"
	}
	return err.Error()
}

// tryTaken forgets which ports could not be opened.
func (p *ports) tryTaken() { p.taken = map[int32]string{} }

func (p *ports) closeAll() {
	for _, open := range p.servers {
		_ = open.server.Close()
	}
	for _, server := range p.fixed {
		_ = server.Close()
	}
}

// tlsListener accepts connections for a server: with TLS, or by the first byte of each where a port is shared. What is
// no request, by the name that the client asks for, is passed on from here.
type tlsListener struct {
	net.Listener
	proxy  *Proxy
	config *tls.Config
	port   int32
	shared bool

	ready chan net.Conn
	once  sync.Once
	ended chan struct{}
}

func newTLSListener(of net.Listener, proxy *Proxy, config *tls.Config, port int32, shared bool) net.Listener {
	l := &tlsListener{Listener: of, proxy: proxy, config: config, port: port, shared: shared, ready: make(chan net.Conn), ended: make(chan struct{})}
	if shared {
		l.port = routing.HTTPSPort
	}
	go l.sort()
	return l
}

// Accept returns the next connection.
func (l *tlsListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.ready:
		return conn, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

// Close ends it.
func (l *tlsListener) Close() error {
	err := l.Listener.Close()
	l.once.Do(func() { close(l.ended) })
	return err
}

// sort finds out what each connection is, each in its own time.
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
			request, err := l.look(conn)
			if err != nil {
				_ = conn.Close()
			} else if request != nil {
				l.hand(request)
			}
		}()
	}
}

// hand passes a connection to the server.
func (l *tlsListener) hand(conn net.Conn) {
	select {
	case l.ready <- conn:
	case <-l.ended:
		_ = conn.Close()
	}
}

// look reads what a connection begins with, and returns it as one for the server; nil when it was passed on.
func (l *tlsListener) look(conn net.Conn) (net.Conn, error) {
	if !l.shared && !l.proxy.hasStreams(l.port) {
		return tls.Server(conn, l.config), nil
	}
	if err := conn.SetReadDeadline(time.Now().Add(firstByteLimit)); err != nil {
		return nil, err
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return nil, err
	}
	seen := &seenConn{Conn: conn, first: first}
	if l.shared && first[0] != handshakeByte {
		return seen, conn.SetReadDeadline(time.Time{})
	}
	if !l.proxy.hasStreams(l.port) {
		return tls.Server(seen, l.config), conn.SetReadDeadline(time.Time{})
	}
	seen, name, err := serverName(seen)
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		return nil, err
	}
	route, handling := l.proxy.current.Load().FindStream(l.port, name)
	switch handling {
	case routing.AsStream:
		l.proxy.stream(seen, l.port, route)
		return nil, nil
	case routing.AsRefused:
		return nil, errRefused
	}
	return tls.Server(seen, l.config), nil
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

// CloseWrite ends what is sent.
func (c *seenConn) CloseWrite() error { return closeWrite(c.Conn) }
