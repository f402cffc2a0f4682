package ingress

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// TestStreams: what is answered bit by bit passes at once, and so do connections that are taken over, HTTP/2 without
// TLS, and trailers.
func TestStreams(t *testing.T) {
	w := newWorld(t)
	next := make(chan struct{})
	w.serve(routing.Action{}, w.backend(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			conn, both, err := out.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = both.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_ = both.Flush()
			line, _ := both.ReadString('\n')
			_, _ = both.WriteString("echo " + line)
			_ = both.Flush()
			return
		}
		out.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(out, "data: 1\n")
		_ = http.NewResponseController(out).Flush()
		<-next
		_, _ = io.WriteString(out, "data: 2\n")
	}))
	t.Run("events", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := w.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		reader := bufio.NewReader(response.Body)
		if line, err := reader.ReadString('\n'); line != "data: 1\n" {
			t.Fatal(line, err)
		}
		close(next) // the second comes only once the first was seen
		if line, err := reader.ReadString('\n'); line != "data: 2\n" {
			t.Fatal(line, err)
		}
	})
	t.Run("websocket", func(t *testing.T) {
		conn, err := net.Dial("tcp4", w.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		reader := bufio.NewReader(conn)
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(response, err)
		}
		fmt.Fprintf(conn, "hello\n")
		if line, err := reader.ReadString('\n'); line != "echo hello\n" {
			t.Fatal(line, err)
		}
	})
	t.Run("HTTP/2 without TLS", func(t *testing.T) {
		both := new(http.Protocols)
		both.SetUnencryptedHTTP2(true)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("Trailer", "Grpc-Status")
			_, _ = io.WriteString(out, r.Proto)
			out.Header().Set("Grpc-Status", "0")
		}))
		server.Config.Protocols = both
		server.Start()
		defer server.Close()
		w.serveAs(routing.H2C, routing.Action{}, server.Listener.Addr().String())
		client := &http.Client{Transport: &http.Transport{Protocols: both}}
		response, err := client.Get("http://" + w.address) //nolint:noctx // a test's own server
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != "HTTP/2.0" || response.Proto != "HTTP/2.0" || response.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("got %s %q %v %v", response.Proto, body, response.Trailer, err)
		}
	})
	t.Run("TLS to the backend", func(t *testing.T) {
		server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(out, r.Proto) }))
		defer server.Close()
		w.serveAs(routing.HTTPS, routing.Action{}, server.Listener.Addr().String())
		if got := w.ask("GET", "http://a.localhost/", ""); got.body != "HTTP/1.1" {
			t.Errorf("got %+v", got)
		}
	})
}
