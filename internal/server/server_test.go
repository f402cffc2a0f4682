package server

import (
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

func options() Options {
	metrics := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "pushes_total", Help: "Pushes."})
	metrics.MustRegister(counter)
	return Options{
		Metrics: metrics,
		Push: func(header http.Header, body []byte) ([]string, error) {
			switch {
			case header.Get("X-Secret") != "s3cret":
				return nil, fmt.Errorf("push to shop: %w", ErrUnauthenticated)
			case string(body) == "?":
				return nil, errors.New("no repository in the payload")
			}
			counter.Inc()
			return []string{"https://git.example/shop"}, nil
		},
		Ready: func(context.Context) error { return nil },
		Log:   slog.New(slog.DiscardHandler),
	}
}

func TestAnswers(t *testing.T) {
	notReady := options()
	notReady.Ready = func(context.Context) error { return errors.New("caches are filling") }
	for _, c := range []struct {
		name, method, path, secret, body string
		options                          Options
		status                           int
		says                             string
	}{
		{"alive", "GET", "/healthz", "", "", options(), 200, "ok"},
		{"ready", "GET", "/readyz", "", "", options(), 200, "ok"},
		{"not ready", "GET", "/readyz", "", "", notReady, 503, "caches are filling"},
		{"push", "POST", "/api/webhook", "s3cret", "{}", options(), 202, "https://git.example/shop"},
		{"push of a stranger", "POST", "/api/webhook", "guess", "{}", options(), 401, "secret does not match"},
		{"push of nothing", "POST", "/api/webhook", "s3cret", "?", options(), 400, "no repository in the payload"},
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
			if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.says) {
				t.Errorf("got %d %q, want %d and %q", answer.Code, answer.Body, c.status, c.says)
			}
		})
	}
}

func TestServeStopsWithItsContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- Serve(ctx, listener, Handler(options())) }()

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
