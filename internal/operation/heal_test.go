package operation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
)

// healing is an Application whose objects differ by fields each time that it is looked at, whatever is synced.
func healing(ago time.Duration, attempts int64, healed ...string) *look {
	l := outOfSync()
	l.heals()
	l.seen.Plan.Resources[0].Drift = []plan.Difference{{Path: "rules"}, {Path: "metadata.labels.a"}}
	last := l.last(newSHA, v1alpha1.OperationSucceeded, ago)
	last.Operation.InitiatedBy.Automated = true
	last.Operation.Sync.AutoHealAttemptsCount = attempts
	for _, name := range healed {
		last.Operation.Sync.Resources = append(last.Operation.Sync.Resources, v1alpha1.SyncOperationResource{Group: "g", Kind: "ConfigMap", Namespace: "d", Name: name})
	}
	return l
}

// TestHealing: what comes back after each sync is undone ever more seldom, and told with its fields.
func TestHealing(t *testing.T) {
	const told = "ConfigMap d/a: rules, metadata.labels.a: not as git has it again after each of %d syncs"
	for _, c := range []struct {
		name string
		look *look
		// attempt is that of the sync that begins; 0 when none begins.
		attempt int64
		at      time.Duration
		// syncs are those that the condition counts; 0 for no condition.
		syncs int
	}{
		{"after a sync of all", healing(time.Second, 0), 1, 0, 0},
		{"for the second time", healing(time.Second, 1, "a"), 2, 0, 0},
		{"for the second time, by a count that is missing", healing(time.Second, 0, "a"), 2, 0, 0},
		{"for the third time", healing(time.Second, 2, "a"), 3, 0, 0},
		{"for the third time, too soon", healing(0, 2, "a"), 0, time.Second, 0},
		{"for the fourth time, too soon", healing(time.Second, 3, "a"), 0, time.Second, 3},
		{"for the fourth time", healing(2*time.Second, 3, "a"), 4, 0, 3},
		{"for the fifth time, too soon", healing(2*time.Second, 4, "x", "a"), 0, 2 * time.Second, 4},
		{"for the fifth time", healing(4*time.Second, 4, "x", "a"), 5, 0, 4},
		{"for the hundredth time, too soon", healing(time.Minute, 99, "a"), 0, 4 * time.Minute, 99},
		{"for the hundredth time", healing(5*time.Minute, 99, "a"), 100, 0, 99},
		{"for the hundredth time, at the end of what counts", healing(11*time.Minute, 99, "a"), 100, 0, 99},
		{"after it had stayed away", healing(11*time.Minute+time.Second, 99, "a"), 1, 0, 0},
		{"after it had stayed away, early", healing(62*time.Second+time.Second, 1, "a"), 1, 0, 0},
		{"another object than before", healing(time.Second, 9, "b"), 1, 0, 0},
		{"after a sync that a person began", func() *look {
			l := healing(time.Second, 9, "a")
			l.app.Status.OperationState.Operation.InitiatedBy = v1alpha1.OperationInitiator{Username: "ada"}
			return l
		}(), 1, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := operation.Automate(c.look.app, c.look.seen)
			attempt := int64(0)
			if got.Start != nil {
				attempt = got.Start.Sync.AutoHealAttemptsCount
			}
			at := time.Duration(0)
			if !got.At.IsZero() {
				at = got.At.Sub(noon)
			}
			want := ""
			if c.syncs > 0 {
				want = fmt.Sprintf(told, c.syncs)
			}
			if attempt != c.attempt || at != c.at || (got.Condition == "") != (want == "") || !strings.HasPrefix(got.Condition, want) {
				t.Errorf("got attempt %d, at %s, condition %q; want %d, %s, %q", attempt, at, got.Condition, c.attempt, c.at, want)
			}
		})
	}
}

// TestDriftThatComesBackIsBounded: an hour of drift that comes back at once takes few syncs, each of which is told.
func TestDriftThatComesBackIsBounded(t *testing.T) {
	l := healing(time.Second, 0)
	now, syncs, told := noon, 0, 0
	for now.Before(noon.Add(time.Hour)) {
		l.seen.Now = now
		got := operation.Automate(l.app, l.seen)
		if got.Condition != "" {
			told++
		}
		if got.Start == nil {
			now = got.At
			continue
		}
		syncs++
		at := metav1.NewTime(now)
		l.app.Status.OperationState.Operation, l.app.Status.OperationState.FinishedAt = *got.Start, &at
	}
	if syncs > 25 || syncs < 15 || told < syncs {
		t.Errorf("got %d syncs in an hour, told %d times; want about 20", syncs, told)
	}
}

// TestMessagesOfHealingAreBounded: the first objects and fields are named.
func TestMessagesOfHealingAreBounded(t *testing.T) {
	l := healing(time.Hour, 99, "a")
	l.app.Status.OperationState.FinishedAt = &metav1.Time{Time: noon}
	for i := range 20 {
		l.seen.Plan.Resources[0].Drift = append(l.seen.Plan.Resources[0].Drift, plan.Difference{Path: fmt.Sprintf("f%d", i)})
		l.seen.Plan.Resources = append(l.seen.Plan.Resources, plan.Resource{Key: plan.Key{Kind: "Secret", Namespace: "d", Name: fmt.Sprint(i)}, Status: v1alpha1.OutOfSync})
	}
	got := operation.Automate(l.app, l.seen).Condition
	if want := "ConfigMap d/a: rules, metadata.labels.a, f0, f1, f2, …; Secret d/0; Secret d/1; Secret d/2; Secret d/3; and 16 more: not as git"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The waits between heals that an operation does itself are those of automation.
func TestHealsOfARunningOperation(t *testing.T) {
	for _, c := range []struct {
		times int64
		wait  time.Duration
		// same is for how long drift counts as the same.
		same time.Duration
	}{
		{0, time.Second, 62 * time.Second},
		{2, time.Second, 62 * time.Second},
		{3, 2 * time.Second, 64 * time.Second},
		{4, 4 * time.Second, 68 * time.Second},
		{99, 5 * time.Minute, 11 * time.Minute},
	} {
		if got := operation.HealAt(c.times, noon).Sub(noon); got != c.wait {
			t.Errorf("after %d: waits %s, want %s", c.times, got, c.wait)
		}
		if !operation.IsSameDrift(c.times, noon, noon.Add(c.same)) || operation.IsSameDrift(c.times, noon, noon.Add(c.same+time.Nanosecond)) {
			t.Errorf("after %d: want drift to be the same for %s", c.times, c.same)
		}
	}
}
