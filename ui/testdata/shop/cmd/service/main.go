// Command service is any part of the shop, as its environment has it: it answers, and asks those that it needs.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// slow is when an answer is worth a warning.
const slow = 25 * time.Millisecond

func main() {
	// Who reads the log of a container has the times of its lines anyway.
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	name := os.Getenv("NAME")
	log.Info("starting", "service", name, "version", version)
	for _, setting := range strings.Fields(os.Getenv("REQUIRED")) {
		if os.Getenv(setting) == "" {
			log.Error(setting + " is not set")
			os.Exit(1)
		}
		log.Info("found", "setting", setting)
	}
	go ask(ctx, log, strings.Fields(os.Getenv("ASKS")))
	server := &http.Server{Addr: ":8080", Handler: answer(name), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	log.Info("serving", "address", server.Addr)
	_ = server.ListenAndServe()
	log.Info("stopped")
}

// answer serves what the service has, and whether it is ready.
func answer(name string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s %s\n", name, version, r.URL.Path) })
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	return mux
}

// ask requests something of each service in turn.
func ask(ctx context.Context, log *slog.Logger, paths []string) {
	client := &http.Client{Timeout: 2 * time.Second}
	tick := time.NewTicker(700 * time.Millisecond)
	defer tick.Stop()
	for n := 0; len(paths) > 0; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			get(client, log, fmt.Sprintf("%s/%d", paths[n%len(paths)], 1000+n*37%400))
		}
	}
}

// get asks once, and logs how it went.
func get(client *http.Client, log *slog.Logger, path string) {
	start := time.Now()
	response, err := client.Get("http://" + path)
	if err != nil {
		log.Error("GET /"+path, "error", err)
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	took := time.Since(start)
	level := slog.LevelInfo
	if took > slow {
		level = slog.LevelWarn
	}
	log.Log(context.Background(), level, "GET /"+path, "status", response.StatusCode, "took", took.Round(100*time.Microsecond))
}
