package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// fakeHook collects what is written to it.
type fakeHook struct {
	io.Writer
	push func(written, body string) ([]string, error)
}

func (f *fakeHook) Push(body []byte) ([]string, error) {
	return f.push(f.Writer.(*bytes.Buffer).String(), string(body))
}

func options() Options {
	metrics := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "pushes_total", Help: "Pushes."})
	metrics.MustRegister(counter)
	return Options{
		Metrics: metrics,
		Open: func(header http.Header) (Webhook, error) {
			if header.Get("X-Secret") == "none" {
				return nil, fmt.Errorf("push to shop: %w", ErrUnauthenticated)
			}
			return &fakeHook{Writer: &bytes.Buffer{}, push: func(written, body string) ([]string, error) {
				switch {
				case header.Get("X-Secret") != "s3cret":
					return nil, fmt.Errorf("push to shop: %w", ErrUnauthenticated)
				case body == "?":
					return nil, errors.New("no repository in the payload")
				case body == "!":
					return nil, fmt.Errorf("%w: dialing 192.0.2.1:443", ErrUnavailable)
				case written != body:
					return nil, errors.New("the parts are not the whole")
				}
				counter.Inc()
				return []string{"https://git.example/shop"}, nil
			}}, nil
		},
		Alive: func() error { return nil },
		Ready: func(context.Context) error { return nil },
		Log:   slog.New(slog.DiscardHandler),
	}
}

func TestAnswers(t *testing.T) {
	stuck := options()
	stuck.Alive = func() error { return errors.New("all 10 workers are stuck") }
	notReady := options()
	notReady.Ready = func(context.Context) error { return errors.New("caches are filling") }
	for _, c := range []struct {
		name, method, path, secret, body string
		options                          Options
		status                           int
		says                             string
	}{
		{"alive", "GET", "/healthz", "", "", options(), 200, "ok"},
		{"alive, as Kubernetes names it", "GET", "/livez", "", "", options(), 200, "ok"},
		{"stuck", "GET", "/healthz", "", "", stuck, 503, "all 10 workers are stuck"},
		{"stuck, as Kubernetes names it", "GET", "/livez", "", "", stuck, 503, "all 10 workers are stuck"},
		{"ready", "GET", "/readyz", "", "", options(), 200, "ok"},
		{"not ready", "GET", "/readyz", "", "", notReady, 503, "caches are filling"},
		{"push", "POST", "/api/webhook", "s3cret", "{}", options(), 202, "https://git.example/shop"},
		{"push of a stranger", "POST", "/api/webhook", "guess", "{}", options(), 401, "secret does not match"},
		{"a long push", "POST", "/api/webhook", "s3cret", strings.Repeat("x", 100<<10), options(), 202, "https://git.example/shop"},
		{"push of nothing", "POST", "/api/webhook", "s3cret", "?", options(), 400, "no repository in the payload"},
		{"push that cannot be heard now", "POST", "/api/webhook", "s3cret", "!", options(), 503, ErrUnavailable.Error() + "\n"},
		{"push by GET", "GET", "/api/webhook", "s3cret", "", options(), 405, ""},
		{"metrics", "GET", "/metrics", "", "", options(), 200, "pushes_total 0"},
		{"elsewhere", "GET", "/nowhere", "", "", options(), 404, ""},
		{"too large", "POST", "/api/webhook", "s3cret", strings.Repeat("x", largestWebhook+1), options(), 413, "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			request.Header.Set("X-Secret", c.secret)
			answer := httptest.NewRecorder()
			Handler(c.options).ServeHTTP(answer, request)
			if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.says) || strings.Contains(answer.Body.String(), "192.0.2.1") {
				t.Errorf("got %d %q, want %d and %q", answer.Code, answer.Body, c.status, c.says)
			}
		})
	}
}

// endless is a body of which more comes, as far as anyone can tell.
type endless struct {
	length int
	opened chan struct{}
	wait   chan struct{}
}

func (e *endless) Read(p []byte) (int, error) {
	if e.length == 0 {
		close(e.opened)
		<-e.wait
		return 0, io.EOF
	}
	n := min(len(p), e.length)
	e.length -= n
	return n, nil
}

// Bodies that never end hold no more than a bound, all of them together; once they are gone there is room again.
func TestWebhooksHoldNoMoreThanABound(t *testing.T) {
	handler := Handler(options())
	push := func(secret string, body io.Reader) int {
		request := httptest.NewRequest("POST", "/api/webhook", body)
		request.Header.Set("X-Secret", secret)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		return answer.Code
	}
	slow := &endless{length: 20 << 20, opened: make(chan struct{}), wait: make(chan struct{})}
	ended := make(chan int)
	go func() { ended <- push("guess", slow) }()
	<-slow.opened
	if code := push("s3cret", strings.NewReader(strings.Repeat("x", 20<<20))); code != http.StatusServiceUnavailable {
		t.Errorf("while 20 MiB of 32 are held, 20 more: got %d, want 503", code)
	}
	if code := push("s3cret", strings.NewReader("{}")); code != http.StatusAccepted {
		t.Errorf("while 20 MiB of 32 are held, a small one: got %d, want 202", code)
	}
	refused := &endless{length: 1 << 20}
	if code := push("none", refused); code != http.StatusUnauthorized || refused.length != 1<<20 {
		t.Errorf("a stranger by the headers: got %d, and %d bytes were read, want 401 and none", code, 1<<20-refused.length)
	}
	close(slow.wait)
	if code := <-ended; code != http.StatusUnauthorized {
		t.Errorf("the slow one: got %d, want 401", code)
	}
	if code := push("s3cret", strings.NewReader(strings.Repeat("x", 20<<20))); code != http.StatusAccepted {
		t.Errorf("after that, 20 MiB: got %d, want 202", code)
	}
}

func TestServeStopsWithItsContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- Serve(ctx, listener, Handler(options()), slog.New(slog.DiscardHandler)) }()

	answer, err := http.Get("http://" + listener.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if string(body) != "ok\n" {
		t.Errorf("got %q", body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if answer, err := http.Get("http://" + listener.Addr().String() + "/healthz"); err == nil {
		answer.Body.Close()
		t.Error("it answers after it was stopped")
	}
}
