package demo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/rollout"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// look is a Rollout of two versions: the size and the available pods of each, which one is active, and how many pods of
// the old one are going.
type look struct {
	at                      int
	oldPods, oldGoing       int
	newSize, newAvailable   int32
	newActive, newIsVisible bool
}

func (l look) view() rollout.View {
	var v rollout.View
	v.Replicas.Desired = 2
	active := rollout.ServiceView{Role: rollout.RoleActive, Name: "active-service", Revision: 1}
	if l.newActive {
		active.Revision = 2
	}
	v.Services = []rollout.ServiceView{active, {Role: rollout.RolePreview, Name: "preview-service", Revision: 2}}
	if l.newIsVisible {
		v.Revisions = append(v.Revisions, rollout.RevisionView{Number: 2, ReplicaSets: []rollout.ReplicaSetView{{Size: l.newSize, Available: l.newAvailable}}})
	}
	old := rollout.ReplicaSetView{}
	for i := range l.oldPods {
		pod := rollout.PodView{Status: "Running"}
		if i < l.oldGoing {
			pod.Status = "Terminating"
		}
		old.Pods = append(old.Pods, pod)
	}
	v.Revisions = append(v.Revisions, rollout.RevisionView{Number: 1, ReplicaSets: []rollout.ReplicaSetView{old}})
	return v
}

func follow(hold time.Duration, looks []look) (*Switchover, []string) {
	change := NewSwitchover(look{oldPods: 2}.view(), hold)
	var reached []string
	for _, l := range looks {
		for _, milestone := range change.Observe(l.view(), start.Add(time.Duration(l.at)*time.Second)) {
			reached = append(reached, string(rune('0'+milestone.Step))+" "+milestone.Text)
		}
	}
	return change, reached
}

func took(stages []delivery.Stage) map[delivery.Step]time.Duration {
	all := map[delivery.Step]time.Duration{}
	for _, s := range stages {
		all[s.Step] = s.Took
	}
	return all
}

func TestSwitchover(t *testing.T) {
	change, reached := follow(3*time.Second, []look{
		{at: 0, oldPods: 2},
		{at: 1, oldPods: 2, newIsVisible: true},
		{at: 1, oldPods: 2, newIsVisible: true, newSize: 1},
		{at: 2, oldPods: 2, newIsVisible: true, newSize: 1, newAvailable: 1},
		{at: 5, oldPods: 2, newIsVisible: true, newSize: 2, newAvailable: 1},
		{at: 7, oldPods: 2, newIsVisible: true, newSize: 2, newAvailable: 2},
		{at: 8, oldPods: 2, newIsVisible: true, newSize: 2, newAvailable: 2, newActive: true},
		{at: 8, oldPods: 2, newIsVisible: true, newSize: 2, newAvailable: 2, newActive: true},
		{at: 20, oldPods: 2, oldGoing: 2, newIsVisible: true, newSize: 2, newAvailable: 2, newActive: true},
		{at: 24, newIsVisible: true, newSize: 2, newAvailable: 2, newActive: true},
		{at: 25, newIsVisible: true, newSize: 2, newAvailable: 2, newActive: true},
	})
	want := []string{
		"5 synced: revision 2 comes up beside revision 1, behind preview-service", "6 2 ready pods: active-service switches to revision 2", "7 revision 1 goes",
		"8 only revision 2 is left, with 2 ready pods",
	}
	if !slices.Equal(reached, want) {
		t.Errorf("%q", reached)
	}
	if !change.Done() || change.Switched() != start.Add(8*time.Second) {
		t.Error(change.Done(), change.Switched())
	}
	got := took(change.Stages(start))
	for step, seconds := range map[delivery.Step]int{delivery.Sync: 1, delivery.Start: 3, delivery.Hold: 3, delivery.Switch: 1, delivery.Retire: 16} {
		if got[step] != time.Duration(seconds)*time.Second {
			t.Errorf("%s took %s", step, got[step])
		}
	}
}

// Without a preview's own size, the wait comes between ready pods and the switch.
func TestSwitchoverThatWaitsWithAllPods(t *testing.T) {
	change, _ := follow(3*time.Second, []look{
		{at: 1, oldPods: 2, newIsVisible: true, newSize: 2}, {at: 3, oldPods: 2, newIsVisible: true, newSize: 2, newAvailable: 2},
		{at: 7, oldPods: 2, newIsVisible: true, newSize: 2, newAvailable: 2, newActive: true},
	})
	got := took(change.Stages(start))
	for step, seconds := range map[delivery.Step]int{delivery.Start: 2, delivery.Hold: 3, delivery.Switch: 1} {
		if got[step] != time.Duration(seconds)*time.Second {
			t.Errorf("%s took %s", step, got[step])
		}
	}
	if change.Done() {
		t.Error("the old pods are still there")
	}
}

func TestLoadCountsWhatFails(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch requests.Add(1) {
		case 2:
			http.Error(w, "not today", http.StatusServiceUnavailable)
		case 3:
			_, _ = w.Write([]byte("<html>"))
		default:
			_, _ = w.Write([]byte(`{"version":"v1"}`))
		}
	}))
	t.Cleanup(server.Close)
	keeping, fresh := Clients(&http.Transport{})
	load := StartLoad(t.Context(), time.Millisecond, To(keeping, server.URL), To(fresh, server.URL))
	for tick := time.NewTicker(time.Millisecond); load.Tally().Sent < 20 && t.Context().Err() == nil; {
		<-tick.C
	}
	tally := load.Stop()
	if tally.Failed != 2 || tally.Versions["v1"] != tally.Sent-2 || tally.First["v1"].IsZero() || len(tally.Errors) != 2 || int64(tally.Sent) != requests.Load() {
		t.Errorf("%+v of %d", tally, requests.Load())
	}
	if said := strings.Join(tally.Errors, "\n"); !strings.Contains(said, "status 503: not today") || !strings.Contains(said, "without a version") {
		t.Error(said)
	}
}

func TestErrorsSayHowFarARequestCame(t *testing.T) {
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hanging.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := To(http.DefaultClient, hanging.URL)(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "waiting for an answer on a new connection") {
		t.Error(err)
	}
	if _, err := To(http.DefaultClient, "http://127.0.0.1:1")(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "connecting: ") {
		t.Error(err)
	}
}

func TestSummary(t *testing.T) {
	moved := Round{Version: "v2", Pushed: start, Switched: start.Add(4 * time.Second), FirstAnswer: start.Add(5 * time.Second)}
	moved.Timeline = moved.Timeline.With(delivery.Stage{Step: delivery.Build, Started: start, Took: 3 * time.Second}).With(delivery.Stage{Step: delivery.Retire, Started: start.Add(4 * time.Second), Took: time.Minute})
	if moved.ToTraffic() != 5*time.Second || moved.Own() != 2*time.Second {
		t.Error(moved.ToTraffic(), moved.Own())
	}
	for _, c := range []struct {
		name string
		s    Summary
		says string
	}{
		{"all is well", Summary{Rounds: []Round{moved}, Requests: Tally{Sent: 5}}, ""},
		{"nothing happened", Summary{Requests: Tally{Sent: 5}}, "nothing was delivered"},
		{"no switch", Summary{Rounds: []Round{{Version: "v2", FirstAnswer: start}}, Requests: Tally{Sent: 5}}, "did not move to v2"},
		{"no answer", Summary{Rounds: []Round{{Version: "v2", Switched: start}}, Requests: Tally{Sent: 5}}, "did not move to v2"},
		{"a request failed", Summary{Rounds: []Round{moved}, Requests: Tally{Sent: 5, Failed: 1, Errors: []string{"refused"}}}, "1 of 5 requests failed:\n  refused"},
		{"no request", Summary{Rounds: []Round{moved}}, "no request was sent"},
	} {
		err := c.s.Err()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	shares := Shares(moved, term.Plain())
	if !strings.Contains(shares, "build the image") || !strings.Contains(shares, "3.00 s") || !strings.Contains(shares, "after the switch") {
		t.Error(shares)
	}
}

// What compiles the demo's commits is missed before a cluster is started for them.
func TestTheCompilerIsMissedFirst(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(versionFile)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, versionFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Run(t.Context(), Options{Example: dir, LocalProgram: filepath.Join(dir, "none"), Out: io.Discard})
	if want := "program go: not found on the PATH; install Go 1.26.8 or later: the demo compiles what is pushed"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
