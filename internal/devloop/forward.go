package devloop

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// ForwardMode is which ports are forwarded.
type ForwardMode string

// The modes.
const (
	// ForwardAuto are the ports that the project names, or those of all Services when it names none.
	ForwardAuto ForwardMode = ""
	// ForwardUser are the ports that the project names, ForwardServices those and those of all Services.
	ForwardUser     ForwardMode = "user"
	ForwardServices ForwardMode = "services"
	ForwardOff      ForwardMode = "off"
)

const (
	// answeredWithin is how long a request or a connection waits for a pod that can take it.
	answeredWithin = 30 * time.Second
	// speaksWithin is how long a client may take to speak first; it is then not one of HTTP.
	speaksWithin = 300 * time.Millisecond
	// lowestPort is the first that is not the system's.
	lowestPort = 1024
)

// forward is a port of this machine that leads to a destination, whichever pods that has.
type forward struct {
	scene  *scene
	dialer dialer
	to     destination
	// web keeps connections for what may be sent twice, fresh makes one for each request that may not: one that was
	// kept may end in the very moment that it is used, and then nobody knows what has happened.
	web, fresh *http.Transport
}

// dialer connects to ports of pods.
type dialer interface {
	dial(pod *corev1.Pod, port int) (net.Conn, error)
}

func newForward(s *scene, d dialer, to destination) *forward {
	f := &forward{scene: s, dialer: d, to: to}
	f.web = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute, DialContext: f.dialHost}
	f.fresh = &http.Transport{DisableCompression: true, DisableKeepAlives: true, DialContext: f.dialHost}
	return f
}

// dialHost connects to the host of a request, which is a pod and its port.
func (f *forward) dialHost(_ context.Context, _, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return f.dial(name, port)
}

// errNotDialled is when a program was not reached, so that it has got nothing of what was sent.
var errNotDialled = errors.New("pod not reached")

func (f *forward) dial(name, port string) (net.Conn, error) {
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	pod, err := f.scene.pods.Get(name)
	if err != nil {
		return nil, errors.Join(errNotDialled, err)
	}
	connection, err := f.dialer.dial(pod, number)
	if err != nil {
		return nil, errors.Join(errNotDialled, err)
	}
	return connection, nil
}

// pick returns the newest pod of the destination that can take it, and the port of it. It waits for one until ctx ends.
// Pods that have failed come after those that have not.
func (f *forward) pick(ctx context.Context, failed map[types.UID]bool) (*corev1.Pod, int, error) {
	changes, end := f.scene.look()
	defer end()
	for {
		if pod, port := f.ready(failed); pod != nil {
			return pod, port, nil
		}
		select {
		case <-ctx.Done():
			return nil, 0, fmt.Errorf("%s: no pod is ready", f.to.name)
		case <-changes:
		}
	}
}

func (f *forward) ready(failed map[types.UID]bool) (*corev1.Pod, int) {
	var best endpoint
	for _, e := range f.to.endpoints() {
		if best.pod == nil || e.before(best, failed) {
			best = e
		}
	}
	return best.pod, best.port
}

// unsaid takes what net/http would write to the terminal, in the middle of what the loop shows there: an answer that
// ends early, as its pod does.
var unsaid = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)

// serve answers on a listener until ctx ends, by tasks of its own. What speaks HTTP is answered request by request,
// so that none is lost when pods are replaced; anything else is connected to one pod.
func (f *forward) serve(ctx context.Context, all *tasks, listener net.Listener) {
	accepted := &handedOver{conns: make(chan net.Conn), done: ctx.Done(), address: listener.Addr()}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL = &url.URL{Scheme: "http", Host: "pod", Path: r.In.URL.Path, RawPath: r.In.URL.RawPath, RawQuery: r.In.URL.RawQuery}
			r.Out.Host = r.In.Host
		},
		Transport: f,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
		FlushInterval: -1,
		ErrorLog:      unsaid,
	}
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: time.Minute, ErrorLog: unsaid}
	all.Go(func() { _ = server.Serve(accepted) })
	stop := context.AfterFunc(ctx, func() {
		_ = listener.Close()
		_ = server.Close()
	})
	defer stop()
	for {
		connection, err := listener.Accept()
		if err != nil {
			break
		}
		all.Go(func() { f.take(ctx, connection, accepted) })
	}
	all.Wait()
}

// take finds out what a connection speaks.
func (f *forward) take(ctx context.Context, connection net.Conn, web *handedOver) {
	read := bufio.NewReader(connection)
	begun := begunConn{connection, read}
	if !f.to.raw && speaksHTTP(connection, read) {
		select {
		case web.conns <- begun:
		case <-ctx.Done():
			_ = connection.Close()
		}
		return
	}
	defer connection.Close()
	waiting, cancel := context.WithTimeout(ctx, answeredWithin)
	defer cancel()
	failed := map[types.UID]bool{}
	for waiting.Err() == nil {
		pod, port, err := f.pick(waiting, failed)
		if err != nil {
			return
		}
		to, err := f.dialer.dial(pod, port)
		if err != nil {
			failed[pod.UID] = true
			continue
		}
		join(ctx, begun, to)
		return
	}
}

// speaksHTTP waits a moment for what a client says first.
func speaksHTTP(connection net.Conn, read *bufio.Reader) bool {
	_ = connection.SetReadDeadline(time.Now().Add(speaksWithin))
	begin, _ := read.Peek(longestMethod)
	_ = connection.SetReadDeadline(time.Time{})
	return isHTTP(begin)
}

// longestMethod is as much of a request as tells one of HTTP: the shortest that has a method and a path.
const longestMethod = 5

func isHTTP(begin []byte) bool {
	for _, method := range []string{"GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO", "TRACE"} {
		if bytes.HasPrefix(begin, []byte(method)) {
			return true
		}
	}
	return false
}

// join copies in both directions until one ends.
func join(ctx context.Context, a, b net.Conn) {
	defer b.Close()
	ended := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		start(func() error {
			_, err := io.Copy(pair[0], pair[1])
			if half, ok := pair[0].(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
			return err
		}, func(error) { ended <- struct{}{} })
	}
	for range 2 {
		select {
		case <-ended:
		case <-ctx.Done():
			return
		}
	}
}

// RoundTrip sends a request to a pod that is ready, and to another when the first was not reached, or when nothing can
// have happened by it.
func (f *forward) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), answeredWithin)
	defer cancel()
	body, via := newResent(request.Body), f.web
	if !repeatable(request) {
		via = f.fresh
	}
	failed := map[types.UID]bool{}
	for {
		pod, port, err := f.pick(ctx, failed)
		if err != nil {
			return nil, err
		}
		try := request.Clone(request.Context())
		try.URL.Host = net.JoinHostPort(pod.Name, strconv.Itoa(port))
		sent := body.attempt()
		try.Body = sent.reader()
		response, err := via.RoundTrip(try)
		if err == nil || ctx.Err() != nil || !errors.Is(err, errNotDialled) && !repeatable(request) || !sent.mayRepeat(ctx) {
			return response, err
		}
		failed[pod.UID] = true
		if !f.another(ctx, failed) {
			return nil, err
		}
	}
}

// another waits a moment, or for a change, before a request is sent again; false when ctx has ended.
func (f *forward) another(ctx context.Context, failed map[types.UID]bool) bool {
	if pod, _ := f.ready(failed); pod != nil && !failed[pod.UID] {
		return true
	}
	changes, end := f.scene.look()
	defer end()
	pause := time.NewTimer(100 * time.Millisecond)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-changes:
	case <-pause.C:
	}
	return true
}

// repeatable reports whether a request may be sent twice.
func repeatable(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return r.Body == nil || r.Body == http.NoBody
	}
	return false
}

// handedOver is a listener of connections that were accepted elsewhere.
type handedOver struct {
	conns   chan net.Conn
	done    <-chan struct{}
	address net.Addr
}

// Accept waits for the next connection.
func (l *handedOver) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close does nothing.
func (l *handedOver) Close() error { return nil }

// Addr returns the address of the listener that accepts.
func (l *handedOver) Addr() net.Addr { return l.address }

// begunConn is a connection of which something was read already.
type begunConn struct {
	net.Conn
	read *bufio.Reader
}

// Read returns what was read already first.
func (c begunConn) Read(p []byte) (int, error) { return c.read.Read(p) }

// CloseWrite ends what is sent, where the connection can do that.
func (c begunConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// listenFor returns a listener on this machine: on the port that is asked for, else on the same as there, else on a
// free one. chosen is why it is another than was asked for; "" when it is not.
func listenFor(asked, there int, address string) (listener net.Listener, chosen string, err error) {
	address = cmp.Or(address, "127.0.0.1")
	for _, port := range portsFor(asked, there) {
		listener, err = net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err == nil {
			if asked > 0 && port != asked {
				chosen = fmt.Sprintf("port %d is taken", asked)
			}
			return listener, chosen, nil
		}
	}
	return nil, "", &problem.Error{Kind: problem.Refused, Object: "forward", Cause: err.Error(), Err: err}
}

// portsFor are the ports to try, in order; 0 is any that is free.
func portsFor(asked, there int) []int {
	switch {
	case asked > 0:
		return []int{asked, 0}
	case there >= lowestPort:
		return []int{there, 0}
	case there > 0:
		return []int{8000 + there, 0}
	}
	return []int{0}
}

// forwardsOf are the ports to forward: those that the project names, and those of Services.
func forwardsOf(p skaffold.Project, services []*corev1.Service, mode ForwardMode) []skaffold.Forward {
	if mode == ForwardOff {
		return nil
	}
	all := slices.Clone(p.Forwards)
	if mode == ForwardUser || mode == ForwardAuto && len(all) > 0 {
		return all
	}
	for _, s := range services {
		for _, port := range s.Spec.Ports {
			number := strconv.Itoa(int(port.Port))
			named := slices.ContainsFunc(p.Forwards, func(f skaffold.Forward) bool {
				return isService(f.Type) && f.Name == s.Name && (f.Port == number || f.Port == port.Name)
			})
			if named || len(s.Spec.Selector) == 0 || port.Protocol != corev1.ProtocolTCP && port.Protocol != "" {
				continue
			}
			all = append(all, skaffold.Forward{Type: "service", Name: s.Name, Port: number})
		}
	}
	return all
}
