package handover

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
)

// Standing is what has become of a Lease, for whoever took it.
type Standing string

// The values of Standing.
const (
	// StandingHeld is a Lease that is still held.
	StandingHeld Standing = "held"
	// StandingExpired is one that was not renewed in time, by the clock of its holder or by that of the controller: what
	// was done is being undone, or is undone already.
	StandingExpired Standing = "expired"
	// StandingReclaimed is one that somebody has taken back.
	StandingReclaimed Standing = "reclaimed"
)

// unknown is who has taken a Lease back that names nobody.
const unknown = "somebody"

// StandingOf returns what has become of a Lease that was taken, by what is seen in its place, nil for nothing; by names
// who has taken it back. unrenewed is how long ago it was renewed last. Whoever did not renew it in time does not hold
// it any more, whatever is written there: it may be being undone by now.
func StandingOf(taken, seen *coordinationv1.Lease, unrenewed time.Duration) (s Standing, by string) {
	gone := seen == nil || seen.UID != taken.UID
	switch {
	case !gone && !isHeldBy(seen, holderOf(taken)) && seen.Annotations[ReclaimedAnnotation] != "":
		return StandingReclaimed, seen.Annotations[ReclaimedAnnotation]
	case unrenewed >= durationOf(taken):
		return StandingExpired, ""
	case seen != nil && seen.DeletionTimestamp == nil && holderOf(seen) != "" && !isHeldBy(seen, holderOf(taken)):
		return StandingReclaimed, holderOf(seen)
	case !gone && seen.DeletionTimestamp == nil && holderOf(seen) == "":
		// But for the holder himself, only a controller releases a Lease that nobody takes back.
		return StandingExpired, ""
	case gone || !isHeldBy(seen, holderOf(taken)):
		return StandingReclaimed, unknown
	}
	return StandingHeld, ""
}

func isHeldBy(lease *coordinationv1.Lease, holder string) bool {
	return lease.DeletionTimestamp == nil && holderOf(lease) == holder
}

func holderOf(lease *coordinationv1.Lease) string {
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}
