package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// listenPprof opens the address at which profiles of this process are served. They show what it holds, so that one
// that others reach has to be asked for.
func listenPprof(address string, anywhere bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, kit.Usage("--pprof", err.Error(), "give HOST:PORT, such as 127.0.0.1:6060")
	}
	if !anywhere && !isLoopback(host) {
		return nil, kit.Usage("--pprof", fmt.Sprintf("%s is reached by others, and profiles show what the process holds", address), "give 127.0.0.1:6060, or add --pprof-for-others if it may be")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, kit.Usage("--pprof", err.Error(), "choose another address")
	}
	return listener, nil
}

// isLoopback reports whether nobody but this machine reaches a host.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// servePprof serves profiles until ctx ends.
func servePprof(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
