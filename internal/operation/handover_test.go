package operation_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/project"
)

// given has somebody have the objects, or, with no holder, have had them.
func (l *look) given(holder string) {
	l.seen.HandOver = &handover.HandOver{Holder: holder, Since: noon.Add(-time.Hour), ID: "u/1"}
}

// gaveBack has an operation that ended a hand-over have ended.
func (l *look) gaveBack(id string, phase v1alpha1.OperationPhase, ago time.Duration) *v1alpha1.OperationState {
	state := l.last(newSHA, phase, ago)
	state.Operation.Info = []*v1alpha1.Info{nil, {Name: "reason", Value: "x"}, {Name: "handover", Value: id}}
	return state
}

// TestHandOvers: while somebody has the objects nothing is begun, and when that ends, what was deployed is brought back
// before anything else is undone.
func TestHandOvers(t *testing.T) {
	const idle = "idle"
	deployed := func(l *look) {
		l.app.Status.History = []v1alpha1.RevisionHistory{{Revision: newSHA}, {Revision: oldSHA, Source: &v1alpha1.ApplicationSource{Path: "then"}}}
	}
	manual := func(l *look) { l.app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{SyncOptions: []string{"Validate=false"}} }
	for _, c := range []struct {
		name string
		set  func(*look)
		// want is what begins: who, revision, path, prune, options, try; idle for nothing; undo for the end.
		want  string
		after time.Duration
	}{
		{"held: automation begins nothing", func(l *look) { l.given("ann") }, idle, 0},
		{"held: nor does a deployment before bring anything back", func(l *look) { l.given("ann"); manual(l); deployed(l) }, idle, 0},
		{"ended: automation brings what git wants", func(l *look) { l.given(""); l.app.Spec.SyncPolicy.Automated.Prune = new(true) }, "automation 2222222  prune [PruneLast=true] 0", operation.RequeueNow},
		{"ended: in sync as well, since what a sync writes may be the holder's", func(l *look) { l.given(""); l.seen.Plan.Status = v1alpha1.Synced }, "automation 2222222   [PruneLast=true] 0", operation.RequeueNow},
		{"ended: nothing is known yet", func(l *look) { l.given(""); l.seen.Compared = false }, idle, 0},
		{"ended: a window is shut", func(l *look) {
			l.given("")
			l.seen.ToAutomation = project.Denial{Reason: "shut", Until: noon.Add(time.Hour)}
		}, idle, time.Hour},
		{"ended: a window is shut without an end", func(l *look) { l.given(""); l.seen.ToAutomation = project.Denial{Reason: "shut"} }, idle, time.Minute},
		{"ended: without automation the last deployment comes back", func(l *look) { l.given(""); manual(l); deployed(l) }, "cyan 1111111 then  [Validate=false] 0", operation.RequeueNow},
		{"ended: windows of automation are not asked then", func(l *look) { l.given(""); manual(l); deployed(l); l.seen.ToAutomation.Reason = "shut" }, "cyan 1111111 then  [Validate=false] 0", operation.RequeueNow},
		{"ended: what was rolled back is not brought", func(l *look) { l.given(""); l.pin(newSHA); deployed(l) }, "cyan 1111111 then  [PruneLast=true] 0", operation.RequeueNow},
		{"ended: nothing was ever deployed", func(l *look) { l.given(""); manual(l) }, "undo", 0},
		{"ended, and brought back", func(l *look) { l.given(""); l.gaveBack("u/1", v1alpha1.OperationSucceeded, time.Second) }, "undo", 0},
		{"ended, and brought back, whatever is known now", func(l *look) {
			l.given("")
			l.gaveBack("u/1", v1alpha1.OperationSucceeded, time.Second)
			l.seen.Compared = false
		}, "undo", 0},
		{"ended once more", func(l *look) { l.given(""); l.gaveBack("u/0", v1alpha1.OperationSucceeded, time.Second) }, "automation 2222222   [PruneLast=true] 0", operation.RequeueNow},
		{"ended, and not brought back yet", func(l *look) { l.given(""); l.gaveBack("u/1", v1alpha1.OperationFailed, time.Second) }, idle, 4 * time.Second},
		{"ended, and to be brought back again", func(l *look) { l.given(""); l.gaveBack("u/1", v1alpha1.OperationFailed, 5*time.Second) }, "automation 2222222   [PruneLast=true] 1", operation.RequeueNow},
		{"ended, and the second try waits longer", func(l *look) {
			l.given("")
			l.gaveBack("u/1", v1alpha1.OperationError, 5*time.Second).Operation.Sync.AutoHealAttemptsCount = 1
		}, idle, 5 * time.Second},
		{"ended, by an operation of which no end is known", func(l *look) {
			l.given("")
			l.gaveBack("u/1", v1alpha1.OperationSucceeded, 0).FinishedAt = nil
		}, "automation 2222222   [PruneLast=true] 0", operation.RequeueNow},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := outOfSync()
			c.set(l)
			before := l.app.DeepCopy()
			got := operation.Decide(l.app, l.seen)
			text := idle
			switch op := got.App.Operation; {
			case got.GiveBack:
				text = "undo"
			case op != nil:
				text = beginning(op)
				if s := got.App.Status.OperationState; len(op.Info) != 1 || *op.Info[0] != (v1alpha1.Info{Name: "handover", Value: "u/1"}) || s.Phase != v1alpha1.OperationRunning || len(got.Events) != 1 || !strings.Contains(got.Events[0].Note, op.Sync.Revision[:7]) {
					t.Errorf("info %v, state %v, events %v; want one that names the hand-over, and has begun", op.Info, s, got.Events)
				}
			}
			if text != c.want || got.RequeueAfter != c.after || got.Sync {
				t.Errorf("got %q, again after %s; want %q, %s", text, got.RequeueAfter, c.want, c.after)
			}
			if text == idle && (!reflect.DeepEqual(got.App.Status.OperationState, before.Status.OperationState) || len(got.Problems) > 0) {
				t.Errorf("state %v, problems %v; want those of before, and none", got.App.Status.OperationState, got.Problems)
			}
		})
	}
}

func beginning(op *v1alpha1.Operation) string {
	who, path, prune := op.InitiatedBy.Username, "", ""
	if op.InitiatedBy.Automated {
		who = "automation"
	}
	if op.Sync.Source != nil {
		path = op.Sync.Source.Path
	}
	if op.Sync.Prune {
		prune = "prune"
	}
	if op.Retry.Limit != 5 {
		who += fmt.Sprintf(", %d tries", op.Retry.Limit)
	}
	return fmt.Sprintf("%s %.7s %s %s %v %d", who, op.Sync.Revision, path, prune, op.Sync.SyncOptions, op.Sync.AutoHealAttemptsCount)
}

// TestSyncsWhileHandedOver: a sync that a person asks for is refused with the name of who has the objects, one that
// only tries is not, and one that runs goes on.
func TestSyncsWhileHandedOver(t *testing.T) {
	l := outOfSync()
	l.given("ann")
	l.asked().Retry.Limit = 3
	got := operation.Decide(l.app, l.seen)
	const want = "Application \"shop\": handed over to ann since 2026-05-01T11:00:00Z; `cyan app reclaim shop` takes it back"
	if s := got.App.Status.OperationState; got.App.Operation != nil || s.Phase != v1alpha1.OperationFailed || s.Message != want || s.RetryCount != 0 {
		t.Errorf("asked: got %s, %q; want it to fail with %q", s.Phase, s.Message, want)
	}
	l = outOfSync()
	l.given("ann")
	l.asked().Sync.DryRun = true
	if got := operation.Decide(l.app, l.seen); got.App.Operation == nil || got.App.Status.OperationState.Phase != v1alpha1.OperationRunning {
		t.Errorf("a dry run: got %v, want it to begin", got.App.Status.OperationState)
	}
	l = outOfSync()
	l.given("ann")
	l.running()
	if got := operation.Decide(l.app, l.seen); !got.Sync {
		t.Errorf("one that runs: got %+v, want it to go on", got)
	}
	l = outOfSync()
	l.given("")
	l.asked()
	if got := operation.Decide(l.app, l.seen); got.App.Operation == nil || got.GiveBack {
		t.Errorf("asked after the end: got %v, want the sync to begin", got.App.Status.OperationState)
	}
	if a := operation.Automate(l.app, operation.Observation{HandOver: &handover.HandOver{Holder: "ann"}}); a.Start != nil || a.Why != "handed over to ann" {
		t.Errorf("automation: got %+v", a)
	}
}
