// Package server answers over HTTP: webhooks of git hosts, metrics, and the probes of the program's own health.
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
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// largestWebhook is more than any git host sends: GitHub caps payloads at 25 MB.
	largestWebhook = 25 << 20
	// inFlight bounds what is held of all webhooks that are being read, in bytes.
	inFlight = 32 << 20
	// patience is how long a webhook may take to arrive, and idle how long a connection may be silent between two
	// requests.
	patience, idle = 20 * time.Second, time.Minute
	// drain is how long requests under way may take when the program stops.
	drain = 5 * time.Second
)

// ErrUnauthenticated is what Options.Open and a Webhook return, wrapped, for a payload whose signature is missing or
// wrong.
var ErrUnauthenticated = errors.New("webhook: the secret does not match; set the same one at the git host")

// ErrUnavailable is what Options.Open and a Webhook return, wrapped, for what is no fault of the payload: the host has
// to send it again.
var ErrUnavailable = errors.New("webhook: nothing can be done about it now; send it again")

// Webhook is one that is being read. The parts of the body are written to it as they come.
type Webhook interface {
	io.Writer
	// Push takes the whole body, and returns the repositories that it names. Errors are answered like those of
	// Options.Open.
	Push(body []byte) ([]string, error)
}

// Options are what the server serves. Every field is needed.
type Options struct {
	// Metrics are served at /metrics.
	Metrics prometheus.Gatherer
	// Open judges a webhook by its headers, before its body is read. An error that wraps ErrUnauthenticated is answered
	// with 401, one that wraps ErrUnavailable with 503, others with 400.
	Open func(header http.Header) (Webhook, error)
	// Alive returns why only a restart helps; nil when none is needed.
	Alive func() error
	// Ready returns why the program can't do its work yet; nil when it can.
	Ready func(ctx context.Context) error
	Log   *slog.Logger
}

// Handler serves POST /api/webhook, GET /metrics, GET /healthz and /livez (the workers are not stuck) and GET /readyz
// (it does its work).
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	hooks := &webhooks{Options: o}
	hooks.free.Store(inFlight)
	mux.HandleFunc("POST /api/webhook", hooks.serve)
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{}))
	alive := func(w http.ResponseWriter, _ *http.Request) {
		if err := o.Alive(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /livez", alive)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := o.Ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

// webhooks reads webhooks within a bound that all of them share.
type webhooks struct {
	Options
	free atomic.Int64
}

func (o *webhooks) serve(w http.ResponseWriter, r *http.Request) {
	repositories, err := o.read(w, r)
	var large *http.MaxBytesError
	var late net.Error
	switch {
	case errors.Is(err, ErrUnauthenticated):
		o.Log.Warn("webhook refused", "remote", r.RemoteAddr, "err", err)
		http.Error(w, err.Error(), http.StatusUnauthorized)
	case errors.As(err, &large):
		http.Error(w, "reading the webhook: "+err.Error(), http.StatusRequestEntityTooLarge)
	case errors.Is(err, ErrUnavailable):
		// Why is nothing that a stranger has to know.
		o.Log.Warn("webhook put off", "remote", r.RemoteAddr, "err", err)
		w.Header().Set("Retry-After", "5")
		http.Error(w, ErrUnavailable.Error(), http.StatusServiceUnavailable)
	case errors.As(err, &late) && late.Timeout():
		http.Error(w, "webhook took too long to arrive", http.StatusRequestTimeout)
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

// errBusy is for a webhook that comes while the others hold all that may be held.
var errBusy = fmt.Errorf("too many are being read: %w", ErrUnavailable)

// read judges a webhook by its headers, and then by its body.
func (o *webhooks) read(w http.ResponseWriter, r *http.Request) ([]string, error) {
	hook, err := o.Open(r.Header)
	if err != nil {
		return nil, err
	}
	// Where there is no connection, as in a test, there is nothing to wait for.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
	var body bytes.Buffer
	var held int64
	defer func() { o.free.Add(held) }()
	from := http.MaxBytesReader(w, r.Body, largestWebhook)
	part := make([]byte, 32<<10)
	for {
		n, err := from.Read(part)
		_, _ = hook.Write(part[:n])
		if held += int64(n); o.free.Add(-int64(n)) < 0 {
			return nil, errBusy
		}
		body.Write(part[:n])
		if errors.Is(err, io.EOF) {
			return hook.Push(body.Bytes())
		} else if err != nil {
			return nil, err
		}
	}
}

// Serve answers on the listener until ctx ends, then lets requests under way finish. The log gets what goes wrong
// beside the answers.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	s := &http.Server{
		Handler: handler, ErrorLog: errorLog(log), MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: patience + 10*time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: idle,
	}
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
