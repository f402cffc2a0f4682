package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// The supervisor answers GET /status and POST /stop on its socket. Only its user can open the directory that the socket
// is in.
const controlSocket = "control"

func serveControl(dir state.Dir, status func() Status, stop func()) (*http.Server, error) {
	listener, err := net.Listen("unix", dir.Socket(controlSocket))
	if err != nil {
		return nil, fmt.Errorf("listening for commands: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status())
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		stop()
		w.WriteHeader(http.StatusAccepted)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return server, nil
}

// control asks the supervisor of dir.
func control(ctx context.Context, dir state.Dir, method, path string, answer any) error {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", dir.Socket(controlSocket))
		},
	}}
	request, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the supervisor: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("asking the supervisor: it answers %s", response.Status)
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("reading the supervisor's answer: %w", err)
	}
	return nil
}
