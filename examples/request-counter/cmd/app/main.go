// Command app serves a page that counts its requests in redis.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cyan-cd/cyan/examples/request-counter/internal/counter"
)

const (
	// linger is how long requests are still answered after SIGTERM: what it takes until nobody sends any here.
	linger = 3 * time.Second
	// finish is how long answers under way may take after that.
	finish = 5 * time.Second
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, log); err != nil {
		log.Error("stopping", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	pod, err := os.Hostname()
	if err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: env("REDIS", "redis:6379")})
	defer client.Close()
	app := &counter.Server{Version: version, Pod: pod, Redis: client, Log: log}
	server := &http.Server{Addr: ":" + env("PORT", "80"), Handler: app.Handler(), ReadHeaderTimeout: 10 * time.Second}

	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	app.Start(ctx)
	log.Info("serving", "version", version, "address", server.Addr)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	log.Info("draining")
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), linger+finish)
	defer cancel()
	app.Drain(last, linger)
	if err := server.Shutdown(last); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
