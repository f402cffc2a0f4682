package action

import (
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Promote lets a paused Rollout go on.
func Promote(ro *v1alpha1.Rollout) Request {
	outcome := "promoted"
	if len(ro.Status.PauseConditions) == 0 && !ro.Spec.Paused {
		outcome = "promoted (it was not waiting for that)"
	}
	return rolloutRequest(outcome, map[string]any{"pauseConditions": nil}, resume(ro))
}

// PromoteFully lets a Rollout go on past every pause and analysis.
func PromoteFully(ro *v1alpha1.Rollout) Request {
	if ro.Status.CurrentPodHash == ro.Status.StableRS {
		return rolloutRequest("is fully promoted already", nil, resume(ro))
	}
	return rolloutRequest("fully promoted", map[string]any{"promoteFull": true}, resume(ro))
}

// resume is the change of the spec that ends a pause by hand; none where there is no such pause.
func resume(ro *v1alpha1.Rollout) map[string]any {
	if !ro.Spec.Paused {
		return nil
	}
	return map[string]any{"paused": false}
}

// Abort sends a Rollout back to its stable version, where it stays.
func Abort(*v1alpha1.Rollout) Request {
	return rolloutRequest("aborted", map[string]any{"abort": true}, nil)
}

// Retry lets a Rollout try the new version again after an abort.
func Retry(ro *v1alpha1.Rollout) Request {
	outcome := "retried"
	if !ro.Status.Abort {
		outcome = "is not aborted: there is nothing to try again"
	}
	return rolloutRequest(outcome, map[string]any{"abort": false}, nil)
}

// Pause stops a Rollout where it is.
func Pause(ro *v1alpha1.Rollout) Request {
	outcome := "paused"
	if ro.Spec.Paused {
		outcome = "was paused already"
	}
	return rolloutRequest(outcome, nil, map[string]any{"paused": true})
}

// Restart replaces every pod of a Rollout that was created before a time, at that time.
func Restart(now, at time.Time) Request {
	outcome := "restarts now"
	if in := at.Sub(now); in > 0 {
		outcome = "restarts in " + in.String()
	}
	return rolloutRequest(outcome, nil, map[string]any{"restartAt": at.UTC().Format(time.RFC3339)})
}

// rolloutRequest patches the status first and then the spec, so that the controller never sees the one without the
// other.
func rolloutRequest(outcome string, status, spec map[string]any) Request {
	r := Request{Outcome: outcome}
	if len(status) > 0 {
		r.Patches = append(r.Patches, merge("status", map[string]any{"status": status}))
	}
	if len(spec) > 0 {
		r.Patches = append(r.Patches, merge("", map[string]any{"spec": spec}))
	}
	return r
}

// Resume lets a Rollout go on that was paused by hand, from where it stopped.
func Resume(ro *v1alpha1.Rollout) Request {
	outcome := "resumed"
	if !ro.Spec.Paused {
		outcome = "was not paused"
	}
	return rolloutRequest(outcome, nil, resume(ro))
}
