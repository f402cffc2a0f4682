package handover

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestStandingOf: whoever took a Lease learns that it is not his any more, and from whom.
func TestStandingOf(t *testing.T) {
	ben := "ben"
	other := func(l *coordinationv1.Lease) { l.UID = "v" }
	for _, c := range []struct {
		name      string
		seen      *coordinationv1.Lease
		unrenewed time.Duration
		want      Standing
		by        string
	}{
		{"as it was", lease(), 0, StandingHeld, ""},
		{"renewed late, and in time", lease(), Duration - 1, StandingHeld, ""},
		{"not renewed in time, whatever is written there", lease(), Duration, StandingExpired, ""},
		{"taken back", Release(lease(), "eve"), 0, StandingReclaimed, "eve"},
		{"taken back, and seen late", Release(lease(), "eve"), Duration, StandingReclaimed, "eve"},
		{"expired by the clock of the controller", Release(lease(), ""), 0, StandingExpired, ""},
		{"expired by the clock of the controller, and being deleted", lease(func(l *coordinationv1.Lease) {
			*l = *Release(l, "")
			l.DeletionTimestamp = &metav1.Time{Time: noon}
		}), 0, StandingReclaimed, "somebody"},
		{"no holder at all", lease(func(l *coordinationv1.Lease) { l.Spec.HolderIdentity = nil }), 0, StandingExpired, ""},
		{"another's now", lease(func(l *coordinationv1.Lease) { l.Spec.HolderIdentity = &ben }), 0, StandingReclaimed, "ben"},
		{"another Lease of another holder", lease(other, func(l *coordinationv1.Lease) { l.Spec.HolderIdentity = &ben }), 0, StandingReclaimed, "ben"},
		{"another Lease of mine", lease(other), 0, StandingReclaimed, "somebody"},
		{"another Lease that was taken back", lease(other, func(l *coordinationv1.Lease) { *l = *Release(l, "eve") }), 0, StandingReclaimed, "somebody"},
		{"another Lease, seen late", lease(other, func(l *coordinationv1.Lease) { l.Spec.HolderIdentity = &ben }), Duration, StandingExpired, ""},
		{"gone", nil, Duration - 1, StandingReclaimed, "somebody"},
		{"gone, and seen late", nil, Duration, StandingExpired, ""},
		{"being deleted", lease(func(l *coordinationv1.Lease) { l.DeletionTimestamp = &metav1.Time{Time: noon} }), 0, StandingReclaimed, "somebody"},
		{"mine again after it was taken back", lease(func(l *coordinationv1.Lease) { l.Annotations[ReclaimedAnnotation] = "eve" }), 0, StandingHeld, ""},
	} {
		if got, by := StandingOf(lease(), c.seen, c.unrenewed); got != c.want || by != c.by {
			t.Errorf("%s: got %s by %q, want %s by %q", c.name, got, by, c.want, c.by)
		}
	}
	short := lease(seconds(10))
	if got, _ := StandingOf(short, short, 10*time.Second); got != StandingExpired {
		t.Errorf("a shorter one: got %s, want it to have expired", got)
	}
}
