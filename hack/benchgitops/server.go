package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a running `cyan server`.
type server struct {
	cmd     *exec.Cmd
	address string
	started time.Time
	ended   chan error
}

// readyTimeout bounds the start of the server.
const readyTimeout = time.Minute

// startServer runs `cyan server` against a cluster, and returns once it is ready.
func startServer(ctx context.Context, program, kubeconfig, dir string, poll time.Duration) (*server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	s := &server{address: address, started: time.Now(), ended: make(chan error, 1)}
	s.cmd = exec.CommandContext(ctx, program, "server", "--listen", address, "--data-dir", filepath.Join(dir, "mirrors"), "--poll", poll.String(), "--log-level", "warn")
	s.cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	if err := until(ctx, readyTimeout, s.ready); err != nil {
		text, _ := os.ReadFile(log.Name())
		return nil, errors.Join(fmt.Errorf("starting cyan server: %w\n%s", err, text), s.stop())
	}
	return s, nil
}

func (s *server) ready(ctx context.Context) (bool, error) {
	select {
	case err := <-s.ended:
		s.ended <- err
		return false, fmt.Errorf("ended early: %w", err)
	default:
	}
	_, err := s.get(ctx, "/readyz")
	return err == nil, nil
}

func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.ended
	return nil
}

func (s *server) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	return s.do(request)
}

func (s *server) do(request *http.Request) ([]byte, error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s: %s: %s", request.URL.Path, response.Status, body)
	}
	return body, err
}

// pushed sends the webhook of a push to a repository.
func (s *server) pushed(ctx context.Context, url string) error {
	payload, err := json.Marshal(map[string]any{"ref": "refs/heads/main", "repository": map[string]any{"clone_url": url, "html_url": strings.TrimSuffix(url, ".git"), "default_branch": "main"}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+"/api/webhook", bytes.NewReader(payload))
	if err != nil {
		return err
	}
	request.Header.Set("X-GitHub-Event", "push")
	request.Header.Set("X-GitHub-Delivery", strconv.FormatInt(time.Now().UnixNano(), 10))
	request.Header.Set("Content-Type", "application/json")
	_, err = s.do(request)
	return err
}

// usage is what the server has used up so far.
type usage struct {
	cpu time.Duration
	// rss and peak are bytes of memory: resident now, and at most so far.
	rss, peak int64
	// requests counts requests to API servers by method, and looks those at Applications.
	requests map[string]float64
	looks    float64
}

// calls are all requests to the API server.
func (u usage) calls() float64 {
	var n float64
	for _, count := range u.requests {
		n += count
	}
	return n
}

// writes are the requests that change something.
func (u usage) writes() float64 {
	return u.requests["POST"] + u.requests["PUT"] + u.requests["PATCH"] + u.requests["DELETE"]
}

// since is what was used up after before was taken.
func (u usage) since(before usage) usage {
	d := usage{cpu: u.cpu - before.cpu, rss: u.rss, peak: u.peak, requests: map[string]float64{}, looks: u.looks - before.looks}
	for method, n := range u.requests {
		d.requests[method] = n - before.requests[method]
	}
	return d
}

// clockTicks is the unit of CPU times in /proc, a second's hundredth on Linux.
const clockTicks = 100

func (s *server) usage(ctx context.Context) (usage, error) {
	u := usage{requests: map[string]float64{}}
	pid := strconv.Itoa(s.cmd.Process.Pid)
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return u, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	// The process's own times, and those of its children that have ended, such as git's.
	for _, at := range []int{11, 12, 13, 14} {
		ticks, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(ticks) * time.Second / clockTicks
	}
	status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return u, err
	}
	u.rss, u.peak = kilobytes(status, "VmRSS:"), kilobytes(status, "VmHWM:")
	metrics, err := s.get(ctx, "/metrics")
	if err != nil {
		return u, err
	}
	u.count(metrics)
	return u, nil
}

func kilobytes(status []byte, name string) int64 {
	_, rest, _ := bytes.Cut(status, []byte(name))
	var n int64
	_, _ = fmt.Sscan(string(rest), &n)
	return n << 10
}

// count adds up what the metrics tell of.
func (u *usage) count(metrics []byte) {
	lines := bufio.NewScanner(bytes.NewReader(metrics))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "} ")
		if !ok {
			name, value, ok = strings.Cut(lines.Text(), " ")
		}
		n, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			continue
		}
		switch {
		case strings.HasPrefix(name, "rest_client_requests_total{"):
			_, method, _ := strings.Cut(name, `method="`)
			u.requests[strings.SplitN(method, `"`, 2)[0]] += n
		case strings.HasPrefix(name, "argocd_app_reconcile_count"):
			u.looks += n
		}
	}
}
