// Package remote reaches Applications through the HTTP API of a server, with the rights of who has logged in there,
// where commands otherwise reach them in the cluster with those of the kubeconfig.
package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Server is a server, and how it is reached.
type Server struct {
	// Address is HOST or HOST:PORT.
	Address string
	// Root is the path that it is below; "" for none.
	Root  string
	Token string
	// Plain is set for plain HTTP, and Insecure where whatever certificate it has is taken.
	Plain, Insecure bool
	// CAFile has certificates that are trusted besides those of the machine.
	CAFile string
	// Headers are sent with each request, as NAME: VALUE.
	Headers []string
}

// Bounds of what a server may take and answer.
const (
	answerTimeout = 90 * time.Second
	dialTimeout   = 15 * time.Second
	longestAnswer = 256 << 20
)

// ParseAddress reads HOST, HOST:PORT or a URL of the server.
func ParseAddress(text string) (Server, error) {
	s := Server{Address: text}
	if scheme, rest, has := strings.Cut(text, "://"); has {
		switch scheme {
		case "http":
			s.Plain = true
		case "https":
		default:
			return s, addressProblem(text, "unknown scheme")
		}
		host, path, _ := strings.Cut(rest, "/")
		s.Address, s.Root = host, strings.Trim(path, "/")
	}
	if s.Address == "" || strings.ContainsAny(s.Address, "/?#@ ") {
		return s, addressProblem(text, "invalid address")
	}
	return s, nil
}

func addressProblem(text, cause string) error {
	return &problem.Error{Kind: problem.Usage, Object: fmt.Sprintf("server %q", text), Cause: cause, Remedy: "give HOST:PORT, such as cd.example or localhost:8080"}
}

// OnThisMachine reports whether nobody but this machine reads what is sent to the server.
func (s Server) OnThisMachine() bool {
	host := s.Address
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// URL returns the address of a path below the server.
func (s Server) URL(path string) string {
	scheme := "https"
	if s.Plain {
		scheme = "http"
	}
	root := strings.Trim(s.Root, "/")
	if root != "" {
		root = "/" + root
	}
	return scheme + "://" + s.Address + root + path
}

func (s Server) client() (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.Insecure} //nolint:gosec // a person has asked for that by name
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, &problem.Error{Kind: problem.Usage, Object: "certificate of the server", Cause: err.Error(), Remedy: "give a file in PEM", Err: err}
		}
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool()
		}
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &problem.Error{Kind: problem.Usage, Object: s.CAFile, Cause: "no certificate in PEM", Remedy: "give another file"}
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, transport.TLSHandshakeTimeout = config, dialTimeout
	// A token is sent to the server that was named, and to no other that it leads to.
	return &http.Client{Transport: transport, Timeout: answerTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// Answer is an error that the server has answered with.
type Answer struct {
	Status int
	Text   string
}

// Error returns what the server has said.
func (a *Answer) Error() string { return a.Text }

// Do makes a call, and reads what is answered into a value unless that is nil.
func (s Server) Do(ctx context.Context, method, path string, query url.Values, body, into any) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	address := s.URL(path)
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return addressProblem(s.Address, err.Error())
	}
	if err := s.setHeaders(request); err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return s.unreachable(ctx, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return s.unreachable(ctx, err)
	}
	if response.StatusCode != http.StatusOK {
		return s.refusal(response, text)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return s.strange("answers with something else than JSON", err)
	}
	return nil
}

func (s Server) setHeaders(r *http.Request) error {
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "cyan-cli")
	if s.Token != "" {
		r.Header.Set("Authorization", "Bearer "+s.Token)
	}
	for _, header := range s.Headers {
		name, value, ok := strings.Cut(header, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return &problem.Error{Kind: problem.Usage, Object: "--header", Cause: fmt.Sprintf("%q is not of the form NAME: VALUE", header)}
		}
		r.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return nil
}

// ErrPlain is why a server that has no TLS was not reached by it, and ErrCertificate why one whose certificate nobody
// known vouches for was not.
var (
	ErrPlain       = errors.New("plain HTTP")
	ErrCertificate = errors.New("certificate not trusted")
)

func (s Server) object() string { return "server " + s.Address }

// unreachable is why a server was not asked.
func (s Server) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var verification *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	p := &problem.Error{Kind: problem.Unreachable, Object: s.object(), Err: err}
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
	}
	switch {
	case errors.As(err, &verification):
		p.Cause, p.Remedy, p.Err = "certificate: "+verification.Err.Error(), "give --server-crt FILE, or --insecure if it is the right server", errors.Join(ErrCertificate, err)
	case errors.As(err, &header) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		p.Cause, p.Remedy, p.Err = "serves plain HTTP", "give --plaintext if nobody else reads that network", errors.Join(ErrPlain, err)
	default:
		p.Cause, p.Remedy = "does not answer: "+err.Error(), "see whether it runs, or use the kubeconfig with --core"
	}
	return p
}

func (s Server) strange(cause string, err error) error {
	return &problem.Error{Kind: problem.Unreachable, Object: s.object(), Cause: cause, Remedy: "see whether that is the address of `cyan server`, and --grpc-web-root-path the path that it is below", Err: err}
}

// refusal is what a server has answered that is no success.
func (s Server) refusal(response *http.Response, text []byte) error {
	var said struct{ Error, Message string }
	if json.Unmarshal(text, &said) != nil || said.Error == "" && said.Message == "" {
		return s.strange("answers "+response.Status, nil)
	}
	if said.Error == "" {
		said.Error = said.Message
	}
	answer := &Answer{response.StatusCode, said.Error}
	p := &problem.Error{Kind: problem.Refused, Object: s.object(), Cause: said.Error, Err: answer}
	switch response.StatusCode {
	case http.StatusUnauthorized:
		p.Remedy = "log in with `login " + s.Address + "`, or use the kubeconfig with --core"
	case http.StatusBadRequest:
		p.Kind = problem.Usage
	case http.StatusNotFound:
		p.Kind = problem.Absent
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		p.Kind = problem.Unreachable
	}
	return p
}

// StatusOf returns the status of what a server has answered; 0 where an error is none of a server.
func StatusOf(err error) int {
	var answer *Answer
	if errors.As(err, &answer) {
		return answer.Status
	}
	return 0
}
