package api

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// piped is a listener whose connections are pipes, which wait by the clock of a test.
type piped struct {
	conns chan net.Conn
	end   func()
}

func newPiped() *piped {
	conns := make(chan net.Conn)
	return &piped{conns, sync.OnceFunc(func() { close(conns) })}
}

// Accept returns the next connection.
func (p *piped) Accept() (net.Conn, error) {
	conn, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// Close has no more connections come.
func (p *piped) Close() error {
	p.end()
	return nil
}

// Addr returns the address of pipes.
func (p *piped) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// A stream whose reader has stopped reading ends after half a minute, whichever kind it is: else it would hold its
// place among those that may be open for ever.
func TestWhoStopsReadingIsCutOff(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit time.Duration
		send  func(w http.ResponseWriter) func() error
	}{
		{"events", patience, func(w http.ResponseWriter) func() error {
			o := outlet{w: w, control: http.NewResponseController(w), log: slog.New(slog.DiscardHandler), feed: NewFeed()}
			return func() error {
				o.put("row", "small")
				return o.flush(1)
			}
		}},
		{"large events", patience, func(w http.ResponseWriter) func() error {
			o := outlet{w: w, control: http.NewResponseController(w), log: slog.New(slog.DiscardHandler), feed: NewFeed()}
			return func() error {
				o.put("overview", strings.Repeat("x", 2*largestCopied))
				return o.flush(1)
			}
		}},
		{"frames", writeTimeout, func(w http.ResponseWriter) func() error {
			f := &frames{w: w, control: http.NewResponseController(w)}
			return func() error { return f.send("line") }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener, lasted := newPiped(), make(chan time.Duration, 1)
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					send, last := c.send(w), time.Now()
					for send() == nil {
						last = time.Now()
					}
					lasted <- time.Since(last)
				}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
				var serving sync.WaitGroup
				serving.Go(func() { _ = server.Serve(listener) })
				here, there := net.Pipe()
				listener.conns <- there
				if _, err := here.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
					t.Fatal(err)
				}
				// The reader begins to read, and then does nothing more; nor does he leave.
				if _, err := bufio.NewReader(here).ReadString('\n'); err != nil {
					t.Fatal(err)
				}
				if got := <-lasted; got != c.limit {
					t.Errorf("the stream ends after %s, want %s", got, c.limit)
				}
				_ = server.Close()
				serving.Wait()
				_ = here.Close()
			})
		})
	}
}
