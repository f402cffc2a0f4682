package server

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// longestHead bounds what is read of a request in plain HTTP.
const longestHead = 16 << 10

// errPlain is why a connection ends that spoke plain HTTP.
var errPlain = errors.New("spoke plain HTTP, and was sent to https")

// sniffing is a listener whose connections tell who speaks plain HTTP where TLS is spoken.
type sniffing struct{ net.Listener }

// Accept implements net.Listener.
func (l sniffing) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &sniffed{Conn: conn}, nil
}

// sniffed is a connection that TLS is read from.
type sniffed struct {
	net.Conn
	begun bool
}

// Read implements net.Conn. The first bytes of plain HTTP are those of a method, which begin no record of TLS: such a
// request is answered here, within the time that a handshake has.
func (s *sniffed) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if s.begun || n == 0 {
		return n, err
	}
	s.begun = true
	if p[0] < 'A' || p[0] > 'Z' {
		return n, err
	}
	s.sendToTLS(bytes.Clone(p[:n]))
	return 0, errPlain
}

// sendToTLS answers a request, whose beginning was read, with where it belongs.
func (s *sniffed) sendToTLS(begun []byte) {
	r, err := http.ReadRequest(bufio.NewReader(io.LimitReader(io.MultiReader(bytes.NewReader(begun), s.Conn), longestHead)))
	if err != nil {
		return
	}
	answer := "400 Bad Request\r\n"
	text := "the server speaks https; what is changed is not sent again by itself\n"
	if host := httpsHost(r); host != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		answer, text = "307 Temporary Redirect\r\nLocation: https://"+host+r.URL.RequestURI()+"\r\n", ""
	}
	// Whoever has left is not answered.
	_, _ = io.WriteString(s.Conn, "HTTP/1.1 "+answer+"Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: "+strconv.Itoa(len(text))+"\r\n\r\n"+text)
}

// httpsHost returns the host that a request is sent to by https; "" for one that is none.
func httpsHost(r *http.Request) string {
	host := strings.TrimSuffix(r.Host, ":80")
	if strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`/\?#@"<>`, c) }) || !strings.HasPrefix(r.URL.RequestURI(), "/") {
		return ""
	}
	return host
}
