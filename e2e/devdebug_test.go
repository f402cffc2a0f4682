package e2e

import (
	"context"
	"fmt"
	"net/rpc/jsonrpc"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var debuggerAt = regexp.MustCompile(`→ (127\.0\.0\.1:\d+)  debugger of request-counter/app`)

// stopped is where a program that is debugged stands, as Delve says it.
type stopped struct {
	State struct {
		Running       bool
		CurrentThread struct {
			File string `json:"file"`
			Line int    `json:"line"`
		} `json:"currentThread"`
	}
}

// Programs run under Delve; an editor connects to the port that is forwarded, stops one where a file of this machine
// says, and lets it go on. The pod stands that, and a save is debugged anew.
func TestDevLoopDebugs(t *testing.T) {
	w := newDevWorld(t)
	w.setVersion("first")
	w.start("--debug", "--plain")
	eventually(t, 10*time.Minute, "the loop is ready", func() (bool, string) { return strings.Contains(w.out.String(), "✓ ready"), w.out.String() })
	for _, said := range []string{"container app runs under Delve: one replica, livenessProbe, readinessProbe may fail without end", `"request": "attach"`, "GoLand: "} {
		w.awaitPrinted(said)
	}
	address := debuggerAt.FindStringSubmatch(w.out.String())[1]
	web := forwarded.FindStringSubmatch(w.out.String())[1]

	counter := filepath.Join(w.dir, "internal/counter/counter.go")
	line := 1 + strings.Count(strings.SplitAfter(w.read("internal/counter/counter.go"), "func (s *Server) count(")[0], "\n")
	w.stopsAt(address, counter, line, web, "first")

	ready := strings.Count(w.out.String(), "✓ ready")
	w.setVersion("second")
	eventually(t, 5*time.Minute, "the save runs", func() (bool, string) { return strings.Count(w.out.String(), "✓ ready") > ready, w.out.String() })
	w.stopsAt(address, counter, line, web, "second")
	if restarts := w.restarts(); restarts > 0 {
		t.Errorf("containers were restarted %d times", restarts)
	}
	w.end()
	w.awaitGone()
}

// stopsAt has a request stop at a line of a file, and go on.
func (w *devWorld) stopsAt(address, file string, line int, web, answer string) {
	w.t.Helper()
	delve, err := jsonrpc.Dial("tcp", address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer delve.Close()
	call := func(method string, args map[string]any, out any) {
		w.t.Helper()
		if err := delve.Call("RPCServer."+method, args, out); err != nil {
			w.t.Fatalf("%s: %v", method, err)
		}
	}
	var at stopped
	call("Command", map[string]any{"name": "halt"}, &at)
	var made struct {
		Breakpoint struct {
			ID   int    `json:"id"`
			File string `json:"file"`
			Line int    `json:"line"`
		}
	}
	call("CreateBreakpoint", map[string]any{"Breakpoint": map[string]any{"file": file, "line": line}}, &made)

	answered := make(chan string, 1)
	reached := delve.Go("RPCServer.Command", map[string]any{"name": "continue"}, &at, nil)
	go func() { answered <- get(web + "/") }()
	select {
	case <-reached.Done:
		if reached.Error != nil {
			w.t.Fatal(reached.Error)
		}
	case early := <-answered:
		w.t.Fatalf("answered %q, want it to stop at %s:%d", early, file, line)
	}
	if got := at.State.CurrentThread; got.File != file || got.Line != made.Breakpoint.Line {
		w.t.Errorf("stopped at %s:%d, want %s:%d", got.File, got.Line, file, made.Breakpoint.Line)
	}
	// Longer than the probes of the example stand without an answer.
	w.standsStill(12 * time.Second)
	call("ClearBreakpoint", map[string]any{"Id": made.Breakpoint.ID}, &struct{}{})
	delve.Go("RPCServer.Command", map[string]any{"name": "continue"}, &at, nil)
	if got := <-answered; !strings.Contains(got, answer) {
		w.t.Errorf("the request was answered with %q, want %s", got, answer)
	}
}

// standsStill watches that no container is restarted for a while.
func (w *devWorld) standsStill(d time.Duration) {
	w.t.Helper()
	end := time.Now().Add(d)
	eventually(w.t, d+time.Minute, "time passes", func() (bool, string) {
		if n := w.restarts(); n > 0 {
			w.t.Fatalf("a program that stands still is restarted")
		}
		return time.Now().After(end), fmt.Sprint(end)
	})
}

// restarts counts how often containers of the loop's namespace were restarted.
func (w *devWorld) restarts() int {
	w.t.Helper()
	pods := &corev1.PodList{}
	if err := w.cluster.Client.List(context.Background(), pods, client.InNamespace(w.namespace)); err != nil {
		w.t.Fatal(err)
	}
	count := 0
	for _, p := range pods.Items {
		for _, c := range p.Status.ContainerStatuses {
			count += int(c.RestartCount)
		}
	}
	return count
}
