// Package server answers over HTTP: webhooks of git hosts, metrics, and the probes of the program's own health.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// largestWebhook is more than any git host sends: GitHub caps payloads at 25 MB.
	largestWebhook = 25 << 20
	// drain is how long requests under way may take when the program stops.
	drain = 5 * time.Second
)

// ErrUnauthenticated is what Options.Push returns, wrapped, for a payload whose signature is missing or wrong.
var ErrUnauthenticated = errors.New("webhook: the secret does not match; set the same one at the git host")

// Options are what the server serves. Every field is needed.
type Options struct {
	// Metrics are served at /metrics.
	Metrics prometheus.Gatherer
	// Push gets a webhook, and returns the repositories that it names. An error that wraps ErrUnauthenticated is
	// answered with 401, others with 400.
	Push func(header http.Header, body []byte) ([]string, error)
	// Ready returns why the program can't do its work yet; nil when it can.
	Ready func(ctx context.Context) error
	Log   *slog.Logger
}

// Handler serves POST /api/webhook, GET /metrics, GET /healthz (the process answers) and GET /readyz (it does its
// work).
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/webhook", o.webhook)
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := o.Ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

func (o Options) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestWebhook))
	if err != nil {
		http.Error(w, "reading the webhook: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	repositories, err := o.Push(r.Header, body)
	switch {
	case errors.Is(err, ErrUnauthenticated):
		o.Log.Warn("webhook refused", "remote", r.RemoteAddr, "err", err)
		http.Error(w, err.Error(), http.StatusUnauthorized)
	case err != nil:
		o.Log.Warn("webhook not understood", "remote", r.RemoteAddr, "err", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		o.Log.Info("webhook", "repositories", repositories)
		w.WriteHeader(http.StatusAccepted)
		for _, repository := range repositories {
			fmt.Fprintln(w, repository)
		}
	}
}

// Serve answers on the listener until ctx ends, then lets requests under way finish.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	drained := make(chan struct{})
	notEnded := context.AfterFunc(ctx, func() {
		defer close(drained)
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if err := s.Shutdown(deadline); err != nil {
			_ = s.Close()
		}
	})
	err := s.Serve(listener)
	if !notEnded() {
		<-drained
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	}
	return nil
}
