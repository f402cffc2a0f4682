// Package counter serves a page that counts its requests in redis, and tells a channel of every start, call and
// shutdown.
package counter

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// Channel is where events are published.
	Channel = "request-counter"
	key     = "requests"
	// pingWithin is less than the probe's own patience, so that its failure says why.
	pingWithin = 800 * time.Millisecond
)

// Redis is what a Server needs of a redis client.
type Redis interface {
	Incr(ctx context.Context, key string) *redis.IntCmd
	Publish(ctx context.Context, channel string, message any) *redis.IntCmd
	Ping(ctx context.Context) *redis.StatusCmd
}

// Server answers requests. Its zero value is not usable; every field is needed.
type Server struct {
	// Version and Pod are reported with every answer.
	Version, Pod string
	Redis        Redis
	Log          *slog.Logger

	draining atomic.Bool
}

// Answer is what a request gets.
type Answer struct {
	Version string `json:"version"`
	Pod     string `json:"pod"`
	Count   int64  `json:"count"`
}

// Handler serves the count at /, whether new requests should come here at /ready, and that the process lives at /live.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.count)
	mux.HandleFunc("GET /ready", s.ready)
	mux.HandleFunc("GET /live", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func (s *Server) count(w http.ResponseWriter, r *http.Request) {
	n, err := s.Redis.Incr(r.Context(), key).Result()
	if err != nil {
		http.Error(w, "counting in redis: "+err.Error(), http.StatusBadGateway)
		return
	}
	s.publish(r.Context(), "call")
	if s.draining.Load() {
		// This process is about to go: the client should take its next request to another.
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(Answer{s.Version, s.Pod, n}); err != nil {
		s.Log.Warn("answering", "err", err)
	}
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), pingWithin)
	defer cancel()
	if err := s.Redis.Ping(ctx).Err(); err != nil {
		http.Error(w, "redis does not answer: "+err.Error(), http.StatusServiceUnavailable)
	}
}

// Start publishes that the server has started.
func (s *Server) Start(ctx context.Context) { s.publish(ctx, "start") }

// Drain makes this server take no new work: it keeps answering for as long as others may still send some, and
// publishes the end.
func (s *Server) Drain(ctx context.Context, linger time.Duration) {
	s.draining.Store(true)
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	s.publish(ctx, "shutdown")
}

// publish sends an event to all that listen. A page is not held up because nobody listens.
func (s *Server) publish(ctx context.Context, event string) {
	message := fmt.Sprintf("%s %s %s", event, s.Version, s.Pod)
	if err := s.Redis.Publish(ctx, Channel, message).Err(); err != nil {
		s.Log.Warn("publishing", "event", event, "err", err)
	}
}
