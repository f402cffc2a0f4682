package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// kept is a log to read while it is written.
type kept struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(p)
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.String()
}

// A client that connects and goes, as the probe of a kubelet or a scanner does, leaves nothing in the log, however
// often it comes. A handler that panics does.
func TestWhatGoesWrongWithConnections(t *testing.T) {
	pair := httptest.NewTLSServer(http.NotFoundHandler())
	certificate := pair.TLS.Certificates[0]
	pool := pair.Client()
	pair.Close()

	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var log kept
	ended := make(chan error, 1)
	listener := tls.NewListener(plain, &tls.Config{Certificates: []tls.Certificate{certificate}})
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("lost") })
	go func() { ended <- Serve(ctx, listener, handler, slog.New(slog.NewTextHandler(&log, nil))) }()

	for range 20 {
		connection, err := net.Dial("tcp", plain.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = connection.Write([]byte("no TLS\r\n\r\n"))
		_, _ = connection.Read(make([]byte, 64))
		_ = connection.Close()
	}
	if _, err := pool.Get("https://" + plain.Addr().String()); err == nil {
		t.Error("the handler that panics has answered")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "time=") || !strings.Contains(got, `level=ERROR msg="http: panic serving 127.0.0.1:`) || !strings.Contains(got, "lost") {
		t.Errorf("the log has\n%s", got)
	}
}

// How loud each is.
func TestLevelsOfComplaints(t *testing.T) {
	for line, want := range map[string]string{
		"http: panic serving 10.0.0.1:4: lost\n\ngoroutine 1 [running]:\n":                   `level=ERROR msg="http: panic serving 10.0.0.1:4: lost\n\ngoroutine 1 [running]:"`,
		"http: Accept error: accept tcp [::]:80: too many open files; retrying in 5ms\n":     `level=WARN msg="http: Accept error: accept tcp [::]:80: too many open files; retrying in 5ms"`,
		"http: TLS handshake error from 10.0.0.1:4: EOF\n":                                   `level=DEBUG msg="http: TLS handshake error from 10.0.0.1:4: EOF"`,
		"http: TLS handshake error from 10.0.0.1:4: \x1b[2J\nhttp: panic serving nobody: \n": `level=DEBUG msg="http: TLS handshake error from 10.0.0.1:4: \x1b[2J\nhttp: panic serving nobody:"`,
	} {
		var log bytes.Buffer
		drop := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
		errorLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: drop}))).Print(line)
		if got := strings.TrimSpace(log.String()); got != want {
			t.Errorf("%q: got %s, want %s", line, got, want)
		}
	}
}
