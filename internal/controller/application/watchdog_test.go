package application

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Workers that are long with one Application each are noticed when none is left.
func TestWatchdog(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	w := NewWatchdog(func() time.Time { return now })
	check := func(when, want string) {
		t.Helper()
		err := w.Check()
		if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", when, err, want)
		}
	}
	check("no workers yet", "")
	w.workers = 2
	leave := w.enter(types.NamespacedName{Namespace: "argocd", Name: "first"})
	now = now.Add(time.Minute)
	w.enter(types.NamespacedName{Namespace: "argocd", Name: "second"})
	now = now.Add(stuckWorkerAfter - time.Minute)
	check("one worker is stuck", "")
	now = now.Add(time.Minute)
	check("both are", "all 2 workers are stuck, the first of them with Application argocd/first since 2026-05-01T12:00:00Z")
	leave()
	check("one came back", "")
}
