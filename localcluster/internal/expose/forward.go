package expose

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

const dialLimit = 10 * time.Second

// Dial connects to an address in the cluster's network.
type Dial func(ctx context.Context, address string) (*net.TCPConn, error)

// Forwarder passes connections on to one address, which can change.
type Forwarder struct {
	listener net.Listener
	dial     Dial

	mu     sync.Mutex
	target string
	open   map[net.Conn]struct{}
	closed bool
}

// Forward passes every connection that listener accepts on to target.
func Forward(listener net.Listener, dial Dial, target string) *Forwarder {
	f := &Forwarder{listener: listener, dial: dial, target: target, open: map[net.Conn]struct{}{}}
	go f.accept()
	return f
}

// Aim changes where new connections go.
func (f *Forwarder) Aim(target string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.target = target
}

// Close ends the listener and every connection.
func (f *Forwarder) Close() {
	_ = f.listener.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for conn := range f.open {
		_ = conn.Close()
	}
}

func (f *Forwarder) accept() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			if ne, ok := err.(interface{ Temporary() bool }); ok && ne.Temporary() {
				<-time.After(10 * time.Millisecond) // out of descriptors: some will be free again
				continue
			}
			return
		}
		go f.pass(conn.(*net.TCPConn))
	}
}

func (f *Forwarder) pass(near *net.TCPConn) {
	defer near.Close()
	if !f.keep(near) {
		return
	}
	defer f.drop(near)
	f.mu.Lock()
	target := f.target
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit)
	far, err := f.dial(ctx, target)
	cancel()
	if err != nil {
		_ = near.SetLinger(0) // the client sees a reset, as it would from a closed port
		return
	}
	defer far.Close()
	if !f.keep(far) {
		return
	}
	defer f.drop(far)
	var both sync.WaitGroup
	both.Go(func() { oneWay(far, near) })
	both.Go(func() { oneWay(near, far) })
	both.Wait()
}

// oneWay copies until one side ends, and tells the other that no more will come. A broken side breaks the other.
func oneWay(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		_ = to.SetLinger(0)
		_ = to.Close()
		_ = from.Close()
		return
	}
	_ = to.CloseWrite()
}

func (f *Forwarder) keep(conn net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = conn.Close()
		return false
	}
	f.open[conn] = struct{}{}
	return true
}

func (f *Forwarder) drop(conn net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, conn)
}
