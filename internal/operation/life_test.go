package operation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
)

// life is an Application that is looked at again and again, as a controller does it.
type life struct {
	*look
	t       *testing.T
	carried operation.Carried
	events  []string
}

// step decides once, carries a plan on as far as the test says, and keeps what is to be written.
func (l *life) step() {
	l.t.Helper()
	d := operation.Decide(l.app, l.seen)
	if d.Sync {
		l.events = append(l.events, eventsOf(d))
		d = operation.Continue(d.App, l.seen, l.carried)
	}
	l.app = d.App
	if text := eventsOf(d); text != "" {
		l.events = append(l.events, text)
	}
}

func (l *life) pass(d time.Duration) { l.seen.Now = l.seen.Now.Add(d) }

// ends has the plan end as it is told, at the next step.
func (l *life) ends(phase v1alpha1.OperationPhase, message string) {
	l.carried = operation.Carried{Step: plan.Step{Phase: phase, Message: message}}
}

func (l *life) waits(what string) {
	l.carried = operation.Carried{Step: plan.Step{Waiting: []string{what}}}
}

func (l *life) expect(want string) {
	l.t.Helper()
	phase, message := "none", ""
	if s := l.app.Status.OperationState; s != nil {
		phase, message = string(s.Phase), s.Message
	}
	operating := "idle"
	if l.app.Operation != nil {
		operating = "operating"
	}
	if got := strings.TrimSpace(fmt.Sprintf("%s %s %s", operating, phase, message)); got != want {
		l.t.Errorf("at %s: got %q, want %q", l.seen.Now.Format(time.TimeOnly), got, want)
	}
}

// TestLifeOfAnAutomatedSync: a commit is synced, a newer one takes over, the newer one fails and is tried again until
// it succeeds, and drift is healed.
func TestLifeOfAnAutomatedSync(t *testing.T) {
	l := &life{look: outOfSync(), t: t}
	l.heals()
	retries := int64(1)
	l.app.Spec.SyncPolicy.Retry = &v1alpha1.RetryStrategy{Limit: retries}
	l.seen.Revision = oldSHA

	l.step()
	l.expect("operating Running waiting to start")
	l.waits("Job d/migrate to complete")
	l.step()
	l.expect("operating Running waiting for Job d/migrate to complete")

	l.seen.Revision = newSHA
	l.step()
	l.expect("operating Running 2222222 supersedes 1111111")
	l.ends(v1alpha1.OperationFailed, "no")
	l.step()
	l.expect("operating Running no (retry 1 at 12:00:05)")
	l.pass(4 * time.Second)
	l.step()
	l.expect("operating Running no (retry 1 at 12:00:05)")
	l.pass(time.Second)
	l.step()
	l.expect("operating Running retry 1")
	l.step()
	l.expect("idle Failed no (retried 1 times)")

	// What failed for good is not given up: automation begins it anew, after its wait.
	l.step()
	l.expect("idle Failed no (retried 1 times)")
	l.pass(5 * time.Second)
	l.step()
	l.expect("operating Running waiting to start")
	l.ends(v1alpha1.OperationSucceeded, "done")
	l.step()
	l.expect("idle Succeeded done")
	if h := l.app.Status.History; len(h) != 1 || h[0].Revision != newSHA {
		t.Errorf("history: got %+v, want the commit that was deployed", h)
	}

	// The object still differs: the cluster was changed, and is healed without a word in the history.
	l.step()
	l.expect("idle Succeeded done")
	l.pass(time.Second)
	l.step()
	l.expect("operating Running waiting to start")
	if got := names(l.app.Operation); got != "g/ConfigMap/d/a" {
		t.Errorf("heals %q, want what differs", got)
	}
	l.step()
	l.seen.Plan.Status = v1alpha1.Synced
	l.step()
	l.expect("idle Succeeded done")
	if h := l.app.Status.History; len(h) != 1 {
		t.Errorf("history: got %+v; want none of the heal", h)
	}
}

// TestLifeOfARollback: what a person rolled back stays so until a commit comes that changes it.
func TestLifeOfARollback(t *testing.T) {
	l := &life{look: outOfSync(), t: t}
	op := l.asked()
	op.Sync.Revision = oldSHA
	l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: newSHA}
	l.seen.Revision = oldSHA
	l.step()
	l.ends(v1alpha1.OperationSucceeded, "done")
	l.step()
	l.expect("idle Succeeded done")

	l.seen.Revision = newSHA
	l.pass(time.Hour)
	l.step()
	l.expect("idle Succeeded done")
	if l.app.Annotations[v1alpha1.RollbackPinAnnotation] != newSHA {
		t.Error("the pin is gone; want it kept while the commit is git's")
	}

	// A commit elsewhere in the repository changes nothing of it.
	l.seen.Revision, l.seen.Manifests, l.seen.RolledBack.Manifests = strings.Repeat("3", 40), "bad", "bad"
	l.step()
	l.expect("idle Succeeded done")

	l.seen.Revision, l.seen.Manifests = strings.Repeat("4", 40), "mended"
	l.step()
	l.expect("operating Running waiting to start")
	l.step()
	l.expect("idle Succeeded done")
	if _, pinned := l.app.Annotations[v1alpha1.RollbackPinAnnotation]; pinned {
		t.Error("the pin is still there; want it lifted by the next commit")
	}
}

// TestLifeOfASyncWhileGitIsAway: a person's sync waits for git, and goes on where it was.
func TestLifeOfASyncWhileGitIsAway(t *testing.T) {
	l := &life{look: outOfSync(), t: t}
	l.asked()
	l.step()
	l.problem(operation.Waits, "git is away")
	l.step()
	l.expect("operating Running waiting: git is away")
	l.seen.Problems = nil
	l.waits("Secret d/a to be gone")
	l.step()
	l.expect("operating Running waiting for Secret d/a to be gone")
	l.app.Status.OperationState.Phase = v1alpha1.OperationTerminating
	l.ends(v1alpha1.OperationFailed, "terminated by request")
	l.step()
	l.expect("idle Failed terminated by request")
	want := []string{
		"Normal OperationStarted ada initiated sync to '2222222'", "", "", "Warning OperationCompleted Sync operation to 2222222 failed: terminated by request",
	}
	if got := strings.Join(l.events, "|"); got != strings.Join(want, "|") {
		t.Errorf("events: got %q, want %q", got, strings.Join(want, "|"))
	}
}
