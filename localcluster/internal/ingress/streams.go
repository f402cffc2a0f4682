package ingress

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

var (
	errRefused = errors.New("no route has the name that the client asks for")
	errSeen    = errors.New("the name is known")
)

// hasStreams reports whether connections with TLS to a port may be something else than requests.
func (p *Proxy) hasStreams(port int32) bool {
	return slices.ContainsFunc(p.current.Load().Streams, func(s routing.Stream) bool { return s.Port == port })
}

// serverName reads the name that a client asks for within TLS, "" for none, and returns the connection with what was
// read put back. What is no TLS has no name: the server will say what is wrong with it.
func serverName(conn *seenConn) (*seenConn, string, error) {
	var read bytes.Buffer
	name := ""
	err := tls.Server(helloConn{conn, io.TeeReader(conn, &read)}, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			name = hello.ServerName
			return nil, errSeen
		},
	}).Handshake()
	var broken net.Error
	if errors.As(err, &broken) || errors.Is(err, io.EOF) {
		return nil, "", err
	}
	return &seenConn{Conn: conn.Conn, first: read.Bytes()}, name, nil
}

// helloConn is a connection to which nothing is written.
type helloConn struct {
	net.Conn
	from io.Reader
}

func (c helloConn) Read(data []byte) (int, error)  { return c.from.Read(data) }
func (c helloConn) Write(data []byte) (int, error) { return len(data), nil }

// stream passes a connection on to a backend of its route, until both sides have ended.
func (p *Proxy) stream(near net.Conn, port int32, route *routing.StreamRoute) {
	defer near.Close()
	backend := route.Choose(rand.Float64()) //nolint:gosec // which backend is asked is no secret
	if backend == nil || backend.Refused != "" {
		return
	}
	far, err := p.dial(backend.Upstream)
	if err != nil {
		return
	}
	defer far.Close()
	if route.Terminate {
		ended := tls.Server(near, &tls.Config{
			MinVersion: tls.VersionTLS12,
			GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				return p.certificate(port, hello.ServerName)
			},
		})
		ctx, cancel := context.WithTimeout(context.Background(), headerLimit)
		err := ended.HandshakeContext(ctx)
		cancel()
		if err != nil {
			return
		}
		near = ended
	}
	var both sync.WaitGroup
	both.Go(func() { oneWay(far, near) })
	both.Go(func() { oneWay(near, far) })
	both.Wait()
}

// dial connects to an endpoint of an upstream, the next one where one can't be reached.
func (p *Proxy) dial(key string) (net.Conn, error) {
	endpoints := p.current.Load().Upstreams[key].Endpoints
	err := errNoEndpoints
	var tried []string
	for len(tried) < mostAttempts {
		endpoint := p.upstreams.next(key, endpoints, tried)
		if endpoint == "" {
			return nil, err
		}
		tried = append(tried, endpoint)
		var conn net.Conn
		if conn, err = net.DialTimeout("tcp", endpoint, connectLimit); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// oneWay copies until one side ends, and tells the other that no more will come. A broken side breaks the other.
func oneWay(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		_ = from.Close()
		return
	}
	_ = closeWrite(to)
}

func closeWrite(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return conn.Close()
}
