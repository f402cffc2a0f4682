package server

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestPlainHTTPIsSentToHTTPS: where TLS is spoken, a page that is opened by http is found by https; what changes
// something, or is no HTTP, is carried out nowhere.
func TestPlainHTTPIsSentToHTTPS(t *testing.T) {
	pair, err := SelfMade([]string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := inner.Addr().String()
	served := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "by TLS") }), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- served.Serve(WithTLS(inner, func() (KeyPair, error) { return pair, nil })) }()
	defer func() {
		if err := errors.Join(served.Close(), <-ended); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	for _, c := range []struct{ rule, sent, status, location string }{
		{"a page", "GET /applications/shop?view=tree HTTP/1.1\r\nHost: " + address + "\r\n\r\n", "307 Temporary Redirect", "https://" + address + "/applications/shop?view=tree"},
		{"the usual port", "GET / HTTP/1.1\r\nHost: cd.example:80\r\n\r\n", "307 Temporary Redirect", "https://cd.example/"},
		{"its head", "HEAD /x HTTP/1.0\r\nHost: cd.example\r\n\r\n", "307 Temporary Redirect", "https://cd.example/x"},
		{"a path with two slashes", "GET //evil.example/ HTTP/1.1\r\nHost: cd.example\r\n\r\n", "307 Temporary Redirect", "https://cd.example//evil.example/"},
		{"a log-in", "POST /api/v1/session HTTP/1.1\r\nHost: cd.example\r\nContent-Length: 2\r\n\r\n{}", "400 Bad Request", ""},
		{"no host", "GET / HTTP/1.0\r\n\r\n", "400 Bad Request", ""},
		{"a host with more", "GET / HTTP/1.1\r\nHost: evil.example/\r\n\r\n", "", ""},
		{"a proxy's request", "CONNECT cd.example:443 HTTP/1.1\r\nHost: cd.example\r\n\r\n", "400 Bad Request", ""},
		{"no HTTP", "HELLO\r\n\r\n", "", ""},
		{"an endless head", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", longestHead) + "\r\n\r\n", "", ""},
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, c.sent)
		method := http.MethodGet
		if strings.HasPrefix(c.sent, http.MethodHead) {
			method = http.MethodHead
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
		switch {
		case c.status == "" && err == nil && answer.StatusCode != http.StatusBadRequest:
			t.Errorf("%s: got %s", c.rule, answer.Status)
		case c.status != "" && err != nil:
			t.Errorf("%s: %v", c.rule, err)
		case c.status != "" && (answer.Status != c.status || answer.Header.Get("Location") != c.location):
			t.Errorf("%s: got %s to %q, want %s to %q", c.rule, answer.Status, answer.Header.Get("Location"), c.status, c.location)
		}
		_ = conn.Close()
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // made above
	defer client.CloseIdleConnections()
	answer, err := client.Get(fmt.Sprintf("http://%s/x", address))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); string(text) != "by TLS" {
		t.Errorf("a browser gets %s %q", answer.Status, text)
	}
}
