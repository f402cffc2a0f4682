package main

import (
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
	cmd *exec.Cmd
	// address answers webhooks, metrics and probes, profiles has the process's profiles, and api is where the page is.
	address, profiles, api string
	started                time.Time
	ended                  chan error
}

const (
	// readyTimeout bounds the start of the server, and answerTimeout the time that it has for an answer.
	readyTimeout  = time.Minute
	answerTimeout = time.Minute
	// pollAll is far away, so that webhooks alone bring news.
	pollAll = 10 * time.Hour
)

// startServer runs `cyan server` against a cluster, on all processors or, as taskset names them, on some, and returns
// once it is ready. Its profiles are at any address when none is named.
func startServer(ctx context.Context, program, kubeconfig, dir, profiles, processors string) (*server, error) {
	s := &server{profiles: profiles, ended: make(chan error, 1)}
	for _, address := range []*string{&s.address, &s.api, &s.profiles} {
		if *address != "" {
			continue
		}
		var err error
		if *address, err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	line := []string{program, "server", "--listen", s.address, "--api-listen", s.api, "--pprof", s.profiles, "--skip-crds",
		"--data-dir", filepath.Join(dir, "mirrors"), "--poll", pollAll.String(), "--log-level", "warn"}
	if processors != "" {
		// It becomes the program.
		line = append([]string{"taskset", "-c", processors}, line...)
	}
	s.cmd = exec.CommandContext(ctx, line[0], line[1:]...)
	s.cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.started = time.Now()
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

// freeAddress returns an address of this machine that nobody listens at.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (s *server) ready(ctx context.Context) (bool, error) {
	select {
	case err := <-s.ended:
		s.ended <- err
		return false, fmt.Errorf("ended early: %w", err)
	default:
	}
	_, err := get(ctx, s.address, "/readyz")
	return err == nil, nil
}

func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.ended //nolint:errcheck // how it ended was looked at
	return nil
}

func get(ctx context.Context, address, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	return answer(request)
}

func answer(request *http.Request) ([]byte, error) {
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
	_, err = answer(request)
	return err
}
