package operation_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
)

// refreshing has an operation wait for a retry that takes what is newest.
func (l *look) refreshing() *v1alpha1.OperationState {
	state := l.tried(2, time.Second)
	state.Operation.Retry = v1alpha1.RetryStrategy{Limit: -1, Refresh: true}
	return state
}

// moves has the spec name another place, which is what git is compared by.
func (l *look) moves() {
	l.app.Spec.Source.Path = "elsewhere"
	l.seen.Source = *l.app.Spec.Source
}

// TestKeepsItsSource: which operations go on with the source with which they began when the spec names another one.
func TestKeepsItsSource(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*look)
		// keeps is whether the operation brings its source afterwards, and limit how many tries it has in all.
		keeps bool
		limit int64
	}{
		{"a retry that takes what is newest", func(l *look) { l.refreshing(); l.moves() }, true, 7},
		{"in another repository", func(l *look) { l.refreshing(); l.app.Spec.Source.RepoURL = "https://git.example/b" }, true, 7},
		{"though the new place can't be read", func(l *look) { l.refreshing(); l.moves(); l.seen.Compared = false }, true, 7},
		{"a chart in the place of a directory", func(l *look) { l.refreshing(); l.app.Spec.Source.Chart = "k8s"; l.app.Spec.Source.Path = "" }, true, 7},
		{"with no try left", func(l *look) { l.refreshing().Operation.Retry.Limit = 0; l.moves() }, true, 0},
		{"with a limit that is lower", func(l *look) { l.refreshing().Operation.Retry.Limit = 3; l.moves() }, true, 3},
		{"with a limit that is higher", func(l *look) { l.refreshing().Operation.Retry.Limit = 1000; l.moves() }, true, 7},
		{"a try that has begun nothing yet", func(l *look) {
			state := l.refreshing()
			state.FinishedAt, state.SyncResult.Resources = nil, nil
			l.moves()
		}, true, 7},
		{"not a try that has begun something", func(l *look) { l.refreshing().FinishedAt = nil; l.moves() }, false, 0},
		{"not the first try", func(l *look) {
			state := l.refreshing()
			state.FinishedAt, state.SyncResult.Resources, state.RetryCount = nil, nil, 0
			l.moves()
		}, false, 0},
		{"not a retry of what was begun", func(l *look) { l.refreshing().Operation.Retry.Refresh = false; l.moves() }, false, 0},
		{"not when another revision of the same place is wanted", func(l *look) {
			l.refreshing()
			l.app.Spec.Source.TargetRevision, l.seen.Source.TargetRevision = "v2", "v2"
		}, false, 0},
		{"not when another image is wanted", func(l *look) {
			l.refreshing()
			l.seen.Source.Kustomize = &v1alpha1.KustomizeSource{Images: []string{"web:2"}}
			l.app.Spec.Source.Kustomize = l.seen.Source.Kustomize
		}, false, 0},
		{"not what never knew its commit", func(l *look) { l.refreshing().SyncResult.Revision = ""; l.moves() }, false, 0},
		{"not what has no result", func(l *look) { l.refreshing().SyncResult = nil; l.moves() }, false, 0},
		{"the same place in other words is none", func(l *look) { l.refreshing(); l.app.Spec.Source.Path = "./k8s/" }, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := outOfSync()
			c.set(l)
			got := operation.Decide(l.app, l.seen)
			own := got.App.Operation.Sync.Source
			if (own != nil) != c.keeps {
				t.Fatalf("got source %v of its own, want %v", own, c.keeps)
			}
			state := got.App.Status.OperationState
			if !c.keeps {
				if strings.Contains(state.Message, "with which the operation began") {
					t.Errorf("message: got %q", state.Message)
				}
				return
			}
			if own.Path != "k8s" || own.RepoURL != "https://git.example/shop" || own.TargetRevision != "main" || state.Operation.Retry.Limit != c.limit || state.Phase != v1alpha1.OperationRunning {
				t.Errorf("got %+v, %d tries, %s; want the source as it was, %d tries, Running", own, state.Operation.Retry.Limit, state.Phase, c.limit)
			}
			if want := "waiting; of source https://git.example/shop k8s, with which the operation began: that of the spec is synced after it"; state.Message != want {
				t.Errorf("message: got %q, want %q", state.Message, want)
			}
			if got.RequeueAfter != operation.RequeueNow {
				t.Errorf("again: got after %s", got.RequeueAfter)
			}
		})
	}
}

// TestLifeOfAKeptSource: what goes on with its source takes up a newer commit of it, with the tries that are left, and
// then the source of the spec has its turn.
func TestLifeOfAKeptSource(t *testing.T) {
	const note = "; of source https://git.example/shop k8s, with which the operation began: that of the spec is synced after it"
	for _, by := range []string{"a person", "automation"} {
		t.Run(by, func(t *testing.T) {
			l := &life{look: outOfSync(), t: t}
			if by == "automation" {
				l.automated()
			} else {
				l.running()
			}
			began := l.seen.Source
			l.app.Status.OperationState.Operation.Retry = v1alpha1.RetryStrategy{Limit: -1, Refresh: true, Backoff: &v1alpha1.RetryBackoff{Duration: "1s", Factor: new(int64(1))}}
			l.ends(v1alpha1.OperationFailed, "no")
			l.step()
			l.expect("operating Running no (retry 1 at 12:00:01)")
			l.moves()
			l.step()
			l.expect("operating Running no (retry 1 at 12:00:01)" + note)
			// What is compared now is the operation's own source, of which there is a newer commit.
			l.seen.Source, l.seen.Revision = began, oldSHA
			l.step()
			l.expect("operating Running 1111111 supersedes 2222222" + note)
			if s := l.app.Status.OperationState; s.RetryCount != 1 || s.Operation.Retry.Limit != 6 || s.SyncResult.Source.Path != "k8s" {
				t.Fatalf("got try %d of %d, of %+v", s.RetryCount, s.Operation.Retry.Limit, s.SyncResult.Source)
			}
			for range 5 {
				l.step()
				l.pass(time.Second)
				l.step()
			}
			l.expect("operating Running retry 6" + note)
			l.step()
			l.expect("idle Failed no (retried 6 times)" + note)

			l.seen.Source, l.seen.Revision = *l.app.Spec.Source, newSHA
			if by == "a person" {
				l.app.Spec.SyncPolicy = nil
				l.step()
				l.expect("idle Failed no (retried 6 times)" + note)
				return
			}
			l.step()
			l.expect("operating Running waiting to start")
			if s := l.app.Status.OperationState; s.SyncResult.Source.Path != "elsewhere" || l.app.Operation.Sync.Source != nil {
				t.Errorf("got %+v, want the source of the spec", s.SyncResult.Source)
			}
		})
	}
}

// TestKeptSourceThatSucceeds: the history has what was synced.
func TestKeptSourceThatSucceeds(t *testing.T) {
	l := &life{look: outOfSync(), t: t}
	l.refreshing()
	began := l.seen.Source
	l.moves()
	l.step()
	l.seen.Source = began
	l.pass(time.Hour)
	l.step()
	l.ends(v1alpha1.OperationSucceeded, "done")
	l.step()
	if h := l.app.Status.History; len(h) != 1 || h[0].Source.Path != "k8s" {
		t.Errorf("history: got %+v", h)
	}
	if s := l.app.Status.OperationState; s.Phase != v1alpha1.OperationSucceeded || !strings.HasPrefix(s.Message, "done (retried 2 times); of source https://git.example/shop k8s, ") {
		t.Errorf("got %s, %q", s.Phase, s.Message)
	}
}

// TestKeptSourceThatCannotBeSynced: it holds the source of the spec up no longer.
func TestKeptSourceThatCannotBeSynced(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*look)
		ends bool
	}{
		{"it can't be compared", func(l *look) { l.seen.Compared = false; l.problem(operation.Blocks, "source: missing") }, true},
		{"its repository is away", func(l *look) { l.problem(operation.Waits, "source: missing"); l.problem(operation.Warns, "look out") }, true},
		{"a warning is none", func(l *look) { l.problem(operation.Warns, "look out") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &life{look: outOfSync(), t: t}
			l.refreshing()
			began := l.seen.Source
			l.moves()
			l.step()
			l.seen.Source = began
			c.set(l.look)
			l.step()
			s := l.app.Status.OperationState
			if ended := l.app.Operation == nil; ended != c.ends || ended && (s.Phase != v1alpha1.OperationFailed || !strings.HasPrefix(s.Message, "source: missing (retried 2 times); of source")) {
				t.Errorf("got %s, %q; want its end: %v", s.Phase, s.Message, c.ends)
			}
		})
	}
}

// TestKeptSourceWithoutAResult: a state that has lost its result keeps nothing up.
func TestKeptSourceWithoutAResult(t *testing.T) {
	l := &life{look: outOfSync(), t: t}
	l.refreshing()
	l.moves()
	l.step()
	l.app.Status.OperationState.SyncResult = nil
	l.step()
	l.expect("operating Running waiting to start")
}

// TestLooksAtGit: before what git is asked anew.
func TestLooksAtGit(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*look)
		want bool
	}{
		{"nothing runs", func(*look) {}, false},
		{"nothing runs any more", func(l *look) { l.last(newSHA, v1alpha1.OperationFailed, time.Hour).Operation.Retry.Refresh = true }, false},
		{"a sync that is asked for", func(l *look) { l.asked() }, true},
		{"a sync that runs", func(l *look) { l.running() }, false},
		{"a try that runs", func(l *look) { l.refreshing().FinishedAt = nil }, false},
		{"a retry that is not due", func(l *look) { l.refreshing() }, false},
		{"a retry that is due", func(l *look) { l.refreshing().FinishedAt = &metav1.Time{Time: noon.Add(-10 * time.Second)} }, true},
		{"a retry of what was begun", func(l *look) { l.tried(2, time.Hour) }, false},
	} {
		l := outOfSync()
		c.set(l)
		if got := operation.LooksAtGit(l.app, noon); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
