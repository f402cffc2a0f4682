package rollout

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// What an action waits for is looked at every second at first, and less often when it has not come for long.
func TestHowOftenAHeldActionIsTried(t *testing.T) {
	for waited, want := range map[time.Duration]time.Duration{
		0: time.Second, 10 * time.Second: time.Second, 50 * time.Second: 5 * time.Second, 100 * time.Second: 10 * time.Second, time.Hour: 10 * time.Second,
	} {
		if got := heldRequeueAfter(waited); got != want {
			t.Errorf("after %s: %s, want %s", waited, got, want)
		}
	}
}

// Pods that go at the same second do not all go at the same moment, nor before those are looked at that have traffic to
// be switched.
func TestWhoseTimeHasComeAtTheSameSecond(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(phase v1alpha1.RolloutPhase, uid int) (after time.Duration, priority int) {
		ro, d := &v1alpha1.Rollout{}, rollout.Decision{RequeueAt: now.Add(time.Second)}
		ro.UID, d.Status.Phase = types.UID(fmt.Sprint(uid)), phase
		return requeueAfter(ro, d, now), *priorityOf(d)
	}
	const rollouts = 1000
	together := map[time.Duration]int{}
	for uid := range rollouts {
		after, priority := at(v1alpha1.RolloutHealthy, uid)
		if again, _ := at(v1alpha1.RolloutHealthy, uid); after < time.Second || after >= 2*time.Second || again != after {
			t.Errorf("Rollout %d: looked at after %s and %s, want the same, less than a second after its time", uid, after, again)
		}
		if priority >= 0 {
			t.Errorf("Rollout %d: priority %d, want that events come first", uid, priority)
		}
		together[after]++
		if after, priority := at(v1alpha1.RolloutPaused, uid); after != time.Second || priority != 0 {
			t.Errorf("Rollout %d, whose pause ends: looked at after %s with priority %d, want 1s, 0", uid, after, priority)
		}
	}
	for after, n := range together {
		if n > rollouts/2 {
			t.Errorf("%d of %d are looked at after %s, want fewer", n, rollouts, after)
		}
	}
}
