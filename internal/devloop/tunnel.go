package devloop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/httpstream" //nolint:staticcheck // the one that client-go's dialers are of
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// tunnels are connections to pods through the API server, one to a pod, with any number of streams. It is safe for
// concurrent use.
type tunnels struct {
	config  *rest.Config
	clients kubernetes.Interface
	request atomic.Int64

	mu   sync.Mutex
	open map[types.UID]httpstream.Connection
}

func newTunnels(config *rest.Config, clients kubernetes.Interface) *tunnels {
	return &tunnels{config: config, clients: clients, open: map[types.UID]httpstream.Connection{}}
}

// dial connects to a port of a pod.
func (t *tunnels) dial(pod *corev1.Pod, port int) (net.Conn, error) {
	connection, err := t.connection(pod)
	if err != nil {
		return nil, err
	}
	headers := http.Header{}
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.FormatInt(t.request.Add(1), 10))
	failure, err := connection.CreateStream(headers)
	if err != nil {
		t.drop(pod.UID, connection)
		return nil, fmt.Errorf("forwarding to pod %s: %w", pod.Name, err)
	}
	_ = failure.Close()
	why := make(chan string, 1)
	var said []byte
	start(func() (err error) {
		said, err = io.ReadAll(io.LimitReader(failure, mostSaid))
		return err
	}, func(error) { why <- string(said) })
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := connection.CreateStream(headers)
	if err != nil {
		t.drop(pod.UID, connection)
		return nil, fmt.Errorf("forwarding to pod %s: %w", pod.Name, err)
	}
	return &streamConn{Stream: data, why: why, end: sync.OnceFunc(func() {
		_ = data.Reset()
		_ = failure.Reset()
		connection.RemoveStreams(failure, data)
	})}, nil
}

// connection returns the one to a pod, which is made when there is none.
func (t *tunnels) connection(pod *corev1.Pod) (httpstream.Connection, error) {
	t.mu.Lock()
	there := t.open[pod.UID]
	t.mu.Unlock()
	if there != nil {
		select {
		case <-there.CloseChan():
			t.drop(pod.UID, there)
		default:
			return there, nil
		}
	}
	dialer, err := t.dialer(pod)
	if err != nil {
		return nil, err
	}
	made, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, fmt.Errorf("forwarding to pod %s: %w", pod.Name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if other := t.open[pod.UID]; other != nil {
		_ = made.Close()
		return other, nil
	}
	t.open[pod.UID] = made
	return made, nil
}

func (t *tunnels) dialer(pod *corev1.Pod) (httpstream.Dialer, error) {
	url := t.clients.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(t.config)
	if err != nil {
		return nil, fmt.Errorf("forwarding to pod %s: %w", pod.Name, err)
	}
	old := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	websocket, err := portforward.NewSPDYOverWebsocketDialer(url, t.config)
	if err != nil {
		return nil, fmt.Errorf("forwarding to pod %s: %w", pod.Name, err)
	}
	return portforward.NewFallbackDialer(websocket, old, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

func (t *tunnels) drop(pod types.UID, connection httpstream.Connection) {
	t.mu.Lock()
	if t.open[pod] == connection {
		delete(t.open, pod)
	}
	t.mu.Unlock()
	_ = connection.Close()
}

// prune closes the connections to pods that are not among those that are kept.
func (t *tunnels) prune(keep map[types.UID]bool) {
	t.mu.Lock()
	gone := map[types.UID]httpstream.Connection{}
	for pod, connection := range t.open {
		if !keep[pod] {
			gone[pod] = connection
		}
	}
	t.mu.Unlock()
	for pod, connection := range gone {
		t.drop(pod, connection)
	}
}

// streamConn is a stream as a connection. It has no deadlines, and is read by one goroutine.
type streamConn struct {
	httpstream.Stream
	// why gets why the program was not reached, "" when it was.
	why   chan string
	spoke bool
	end   func()
}

// toldWithin is how long the reason may take that nothing was reached.
const toldWithin = time.Second

// Read reads what the program answers. Where it was not reached, and so has got nothing, the error says so.
func (c *streamConn) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	if n > 0 || err == nil || c.spoke {
		c.spoke = c.spoke || n > 0
		return n, err
	}
	told := time.NewTimer(toldWithin)
	defer told.Stop()
	select {
	case why := <-c.why:
		if why != "" {
			return 0, errors.Join(errNotDialled, errors.New(why))
		}
	case <-told.C:
	}
	return 0, err
}

// Close ends the stream in both directions.
func (c *streamConn) Close() error {
	c.end()
	return nil
}

// CloseWrite ends what is sent.
func (c *streamConn) CloseWrite() error { return c.Stream.Close() }

type podAddress struct{}

func (podAddress) Network() string { return "pod" }
func (podAddress) String() string  { return "pod" }

// LocalAddr returns no address.
func (c *streamConn) LocalAddr() net.Addr { return podAddress{} }

// RemoteAddr returns no address.
func (c *streamConn) RemoteAddr() net.Addr { return podAddress{} }

// SetDeadline does nothing.
func (c *streamConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *streamConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *streamConn) SetWriteDeadline(time.Time) error { return nil }
