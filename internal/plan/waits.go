package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
)

// How long a sync waits for one thing before it fails, and names it. A confirmation is waited for as long as it takes.
const (
	goneTimeout    = 10 * time.Minute
	servedTimeout  = time.Minute
	servedPoll     = time.Second
	healthyTimeout = 2 * time.Hour
	hookTimeout    = 24 * time.Hour
	// heldAfter is how long an object that finalizers hold keeps what does not depend on its end.
	heldAfter = 30 * time.Second
)

// waits are what a sync waits for, and when it looks again.
type waits struct {
	// now is the time, and since when this try of the operation began.
	now, since time.Time
	waiting    []string
	until      time.Time
}

// settle looks at what was begun: which of it has ended, and how.
func (n *stepper) settle() {
	for _, t := range n.plan.Tasks {
		r, begun := n.results[t.ID()]
		if !begun || r.HookPhase != v1alpha1.OperationRunning {
			continue
		}
		live := n.seen.Live[t.Key]
		phase, message := n.outcome(t, live)
		if phase == v1alpha1.OperationRunning && n.isAwaited(t) {
			phase, message = n.overdue(t, live)
		}
		if phase == v1alpha1.OperationRunning {
			continue
		}
		r.HookPhase = phase
		if message != "" && (phase != v1alpha1.OperationSucceeded || t.Verb == Hook) {
			r.Message = message
		}
		n.set(r)
		if t.Verb == Hook {
			n.step.Record = true
		}
	}
}

// outcome is how a task that was begun stands. What goes in the last group is not waited for.
func (s *standing) outcome(t Task, live *unstructured.Unstructured) (v1alpha1.OperationPhase, string) {
	switch {
	case t.Verb == Delete && (live == nil || !s.isAwaited(t)):
		return v1alpha1.OperationSucceeded, ""
	case t.Verb == Delete:
		return v1alpha1.OperationRunning, ""
	case t.Verb == Hook:
		return hookOutcome(s.plan.judge, live)
	case live == nil:
		return v1alpha1.OperationRunning, ""
	}
	h := s.plan.judge.Of(live)
	switch {
	case h == nil || h.Status == v1alpha1.HealthHealthy || h.Status == v1alpha1.HealthSuspended || !holdsWaves(live, h.Status):
		return v1alpha1.OperationSucceeded, ""
	case h.Status == v1alpha1.HealthDegraded && s.isAwaited(t):
		return v1alpha1.OperationFailed, t.Key.String() + " is degraded: " + h.Message
	}
	return v1alpha1.OperationRunning, ""
}

// isAwaited reports whether anything comes after a task: objects of the last group are not waited for, since their
// health is the Application's. A hook always is.
func (s *standing) isAwaited(t Task) bool {
	return t.Verb == Hook || groupOf(t) != s.last
}

// holdsWaves reports whether the health of an object counts for what comes after it. A claim may wait for the pod that
// uses it, an Ingress for an address that nobody gives, and an autoscaler for metrics: while they do, nothing is wrong
// with them.
func holdsWaves(live *unstructured.Unstructured, status v1alpha1.HealthStatusCode) bool {
	if live.GetAnnotations()[health.IgnoreAnnotation] == "true" {
		return false
	}
	if status != v1alpha1.HealthProgressing || live.GetDeletionTimestamp() != nil {
		return true
	}
	switch live.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Kind: "PersistentVolumeClaim"}, schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"},
		schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}, schema.GroupKind{Group: "extensions", Kind: "Ingress"}:
		return false
	}
	return true
}

// overdue ends a wait whose time is over; until then it has the sync look again at that time.
func (w *waits) overdue(t Task, live *unstructured.Unstructured) (v1alpha1.OperationPhase, string) {
	since, timeout := w.since, healthyTimeout
	what := "not healthy"
	switch {
	case t.Verb == Hook:
		timeout, what = hookTimeout, "not completed"
		if live != nil {
			since = live.GetCreationTimestamp().Time
		}
	case live != nil && live.GetDeletionTimestamp() != nil:
		since, timeout, what = live.GetDeletionTimestamp().Time, goneTimeout, "not gone"+heldBy(live)
	}
	if w.isOver(since, timeout) {
		return v1alpha1.OperationFailed, fmt.Sprintf("%s: %s after %s; see its events, and sync again", t.Key, what, timeout)
	}
	return v1alpha1.OperationRunning, ""
}

// isOver reports whether a wait that began at a time has lasted too long; if not, the sync looks again when it has.
// Without a time there is no end.
func (w *waits) isOver(since time.Time, timeout time.Duration) bool {
	if since.IsZero() || w.now.IsZero() {
		return false
	}
	at := since.Add(timeout)
	if w.now.Before(at) {
		w.lookAt(at)
		return false
	}
	return true
}

func (w *waits) lookAt(at time.Time) {
	if w.until.IsZero() || at.Before(w.until) {
		w.until = at
	}
}

// heldBy names the finalizers that an object which is being deleted waits for.
func heldBy(live *unstructured.Unstructured) string {
	if live == nil || len(live.GetFinalizers()) == 0 {
		return ""
	}
	return " (held by the finalizers " + strings.Join(live.GetFinalizers(), ", ") + ")"
}

// isHeldUp reports whether an object is being deleted and finalizers have held it for long: then only deletions that
// come after it wait for it.
func (w *waits) isHeldUp(live *unstructured.Unstructured) bool {
	if live == nil || live.GetDeletionTimestamp() == nil || len(live.GetFinalizers()) == 0 {
		return false
	}
	return w.isOver(live.GetDeletionTimestamp().Time, heldAfter)
}

// wait names what was begun and has not ended.
func (n *stepper) wait(tasks []Task) {
	for _, t := range tasks {
		r, begun := n.results[t.ID()]
		if !begun || r.HookPhase != v1alpha1.OperationRunning || !n.isAwaited(t) {
			continue
		}
		live := n.seen.Live[t.Key]
		switch t.Verb {
		case Delete:
			n.waitFor("deletion of " + t.Key.Path() + heldBy(live))
			if n.isHeldUp(live) {
				n.held = true
				continue
			}
		case Hook:
			n.waitFor("completion of hook " + t.Key.Path())
		default:
			n.waitFor("healthy state of " + t.Key.Path() + n.saying(live))
		}
		n.holding = true
	}
}

func (w *waits) waitFor(what string) {
	if !slices.Contains(w.waiting, what) {
		w.waiting = append(w.waiting, what)
	}
}

// saying is what an object says of its health.
func (s *standing) saying(live *unstructured.Unstructured) string {
	if live == nil {
		return ""
	}
	if h := s.plan.judge.Of(live); h != nil && h.Message != "" {
		return ": " + h.Message
	}
	return ""
}
