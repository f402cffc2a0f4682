package ui_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// wire is what lies between a browser and the program, and can be cut.
type wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	isCut bool
	ends  map[net.Conn]bool
}

// newWire returns a wire to an address, which is laid until the test ends.
func newWire(t testing.TB, address string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, to: strings.TrimPrefix(address, "http://"), ends: map[net.Conn]bool{}}
	go w.serve()
	t.Cleanup(func() {
		_ = listener.Close()
		w.cut()
	})
	return w
}

func (w *wire) address() string { return "http://" + w.listener.Addr().String() }

func (w *wire) serve() {
	for {
		browser, err := w.listener.Accept()
		if err != nil {
			return
		}
		program, err := net.Dial("tcp", w.to)
		if err != nil || !w.join(browser, program) {
			_ = browser.Close()
			continue
		}
		go w.carry(browser, program)
		go w.carry(program, browser)
	}
}

// join reports whether two ends are joined: a wire that is cut joins none.
func (w *wire) join(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range ends {
		if w.isCut {
			_ = end.Close()
		} else {
			w.ends[end] = true
		}
	}
	return !w.isCut
}

func (w *wire) carry(from, to net.Conn) {
	_, _ = io.Copy(to, from) // it ends when either end does
	_ = to.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, to)
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for end := range w.ends {
		_ = end.Close()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}
