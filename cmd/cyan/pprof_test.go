package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func TestPprofIsOnLoopbackUnlessSaid(t *testing.T) {
	for _, c := range []struct {
		address  string
		anywhere bool
		want     string
	}{
		{"127.0.0.1:0", false, ""}, {"localhost:0", false, ""}, {"0.0.0.0:0", true, ""},
		{"0.0.0.0:0", false, "Error: --pprof: 0.0.0.0:0 is reached by others, and profiles show what the process holds; give 127.0.0.1:6060, or add --pprof-for-others if it may be"},
		{":0", false, "Error: --pprof: :0 is reached by others, and profiles show what the process holds; give 127.0.0.1:6060, or add --pprof-for-others if it may be"},
		{"10.0.0.1:0", false, "Error: --pprof: 10.0.0.1:0 is reached by others, and profiles show what the process holds; give 127.0.0.1:6060, or add --pprof-for-others if it may be"},
		{"example.com:0", false, "Error: --pprof: example.com:0 is reached by others, and profiles show what the process holds; give 127.0.0.1:6060, or add --pprof-for-others if it may be"},
		{"6060", false, "Error: --pprof: address 6060: missing port in address; give HOST:PORT, such as 127.0.0.1:6060"},
	} {
		listener, err := listenPprof(c.address, c.anywhere)
		if got := kit.Message(err); got != c.want || (err != nil && kit.ExitCode(err) != 2) {
			t.Errorf("%s: got %q, want %q", c.address, got, c.want)
		}
		if listener != nil {
			_ = listener.Close()
		}
	}
}

func TestPprofIsServed(t *testing.T) {
	listener, err := listenPprof("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- servePprof(ctx, listener) }()
	response, err := http.Get("http://" + listener.Addr().String() + "/debug/pprof/heap?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || !strings.HasPrefix(string(body), "heap profile:") {
		t.Errorf("got %v, %.60q; want a heap profile", err, body)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
