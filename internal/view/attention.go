package view

import (
	"cmp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// Reason is why something needs somebody.
type Reason string

// The values of Reason, in the order in which one is chosen before another: what is broken before what waits for
// somebody, that before what passes by itself, and what goes on for long where nothing says why.
const (
	ReasonInvalidSpec       Reason = "InvalidSpec"
	ReasonFailed            Reason = "Failed"
	ReasonDegraded          Reason = "Degraded"
	ReasonAwaitingPromotion Reason = "AwaitingPromotion"
	ReasonPaused            Reason = "Paused"
	ReasonUnreachable       Reason = "Unreachable"
	ReasonStuck             Reason = "Stuck"
)

// Attention is why an Application needs somebody.
type Attention struct {
	Reason  Reason `json:"reason" enum:"Failed,Stuck,Paused,AwaitingPromotion,Degraded,InvalidSpec,Unreachable"`
	Message string `json:"message" doc:"object: cause; remedy"`
	Since   string `json:"since,omitempty" format:"date-time"`
	Said    *Said  `json:"said,omitempty" doc:"the template of the message"`
}

func attention(reason Reason, s Sentence, since *metav1.Time) *Attention {
	return &Attention{Reason: reason, Message: s.Text, Said: s.Said, Since: stamp(since)}
}

// StuckAfter is how long something may go on before it needs somebody.
const StuckAfter = 15 * time.Minute

// AttentionOf returns why an Application needs somebody; nil when it does not.
func AttentionOf(app *v1alpha1.Application, rollouts []*v1alpha1.Rollout, now time.Time) *Attention {
	for _, judge := range []func() *Attention{
		func() *Attention { return ofConditions(app, v1alpha1.ConditionInvalidSpecError) },
		func() *Attention { return ofRollouts(rollouts, invalidRollout) },
		func() *Attention { return ofConditions(app, failures...) },
		func() *Attention { return ofOperation(app) },
		func() *Attention { return ofRollouts(rollouts, abortedRollout) },
		func() *Attention { return ofComparison(app, ReasonFailed) },
		func() *Attention { return ofRollouts(rollouts, degradedRollout) },
		func() *Attention { return ofHealth(app, rollouts) },
		func() *Attention { return ofRollouts(rollouts, awaitedRollout) },
		func() *Attention { return ofRollouts(rollouts, pausedRollout) },
		func() *Attention { return ofComparison(app, ReasonUnreachable) },
		func() *Attention { return ofTime(app, now) },
	} {
		if a := judge(); a != nil {
			return a
		}
	}
	return nil
}

// ofComparison returns why an Application cannot be compared, if it is for a reason: out of reach where the controller
// tries it again by itself, and else a fault.
func ofComparison(app *v1alpha1.Application, reason Reason) *Attention {
	for _, c := range app.Status.Conditions {
		if c.Type == v1alpha1.ConditionComparisonError && reasonOf(c) == reason {
			return ofCondition(app, c)
		}
	}
	return nil
}

// failures are the conditions of what somebody has to mend.
var failures = []string{v1alpha1.ConditionSyncError, v1alpha1.ConditionDeletionError, v1alpha1.ConditionUnknownError}

// passesByItself ends the message of a problem that is waited for.
const passesByItself = "tried again by itself"

// ofConditions returns the first condition of some types.
func ofConditions(app *v1alpha1.Application, types ...string) *Attention {
	for _, kind := range types {
		for _, c := range app.Status.Conditions {
			if c.Type == kind {
				return ofCondition(app, c)
			}
		}
	}
	return nil
}

func ofCondition(app *v1alpha1.Application, c v1alpha1.ApplicationCondition) *Attention {
	return attention(reasonOf(c), caused("Application "+app.Name, c.Message, "cause."+c.Type), c.LastTransitionTime)
}

func reasonOf(c v1alpha1.ApplicationCondition) Reason {
	switch {
	case c.Type == v1alpha1.ConditionInvalidSpecError:
		return ReasonInvalidSpec
	case strings.HasSuffix(c.Message, passesByItself):
		return ReasonUnreachable
	}
	return ReasonFailed
}

// ofOperation returns an operation that has failed and was not followed by another.
func ofOperation(app *v1alpha1.Application) *Attention {
	state := app.Status.OperationState
	if state == nil || app.Operation != nil || state.Phase != v1alpha1.OperationFailed && state.Phase != v1alpha1.OperationError {
		return nil
	}
	if sync := state.Operation.Sync; sync == nil || sync.DryRun {
		return nil
	}
	// What git wanted then is live by now, by whatever way.
	if app.Status.Sync.Status == v1alpha1.Synced && app.Status.ReconciledAt != nil && state.FinishedAt != nil && !app.Status.ReconciledAt.Before(state.FinishedAt) {
		return nil
	}
	subject, cause := failureOf(app.Name, state)
	return attention(ReasonFailed, causedOr(subject, cause, "cause."+v1alpha1.ConditionSyncError, "attention.failed"), state.FinishedAt)
}

// failureOf returns what of an operation has failed first, and why.
func failureOf(app string, state *v1alpha1.OperationState) (subject, cause string) {
	cause = state.Message
	if state.SyncResult == nil {
		return "Application " + app, cause
	}
	for _, r := range state.SyncResult.Resources {
		if hasFailed(r) {
			return r.Kind + " " + r.Name, cmp.Or(r.Message, cause)
		}
	}
	return "Application " + app, cause
}

func hasFailed(r *v1alpha1.ResourceResult) bool {
	return r.Status == v1alpha1.ResultSyncFailed || r.HookPhase == v1alpha1.OperationFailed || r.HookPhase == v1alpha1.OperationError
}

// ofHealth returns what is degraded. What a Rollout is now is known from itself before the status has it: one that
// waits for somebody is not degraded any more.
func ofHealth(app *v1alpha1.Application, rollouts []*v1alpha1.Rollout) *Attention {
	if app.Status.Health.Status != v1alpha1.HealthDegraded {
		return nil
	}
	recovered := false
	subject, cause, since := "Application "+app.Name, app.Status.Health.Message, app.Status.Health.LastTransitionTime
	for i := range app.Status.Resources {
		r := &app.Status.Resources[i]
		if r.Health == nil || r.Health.Status != v1alpha1.HealthDegraded {
			continue
		}
		if recovered = isRollout(r) && phaseOf(plan.Key{Namespace: r.Namespace, Name: r.Name}, rollouts) == v1alpha1.RolloutPaused; recovered {
			continue
		}
		subject, cause = r.Kind+" "+r.Name, cmp.Or(r.Health.Message, cause)
		break
	}
	if recovered {
		return nil
	}
	return attention(ReasonDegraded, causedOr(subject, cause, "cause.degraded", "attention.degraded"), since)
}

// ofTime returns what has gone on for too long.
func ofTime(app *v1alpha1.Application, now time.Time) *Attention {
	tooLong := func(since *metav1.Time) bool { return !since.IsZero() && now.Sub(since.Time) >= StuckAfter }
	name := "Application " + app.Name
	state := app.Status.OperationState
	switch {
	case tooLong(app.DeletionTimestamp):
		return attention(ReasonStuck, say("attention.deletion", "object", name, "minutes", number(int(StuckAfter.Minutes()))), app.DeletionTimestamp)
	case state != nil && (state.Phase == v1alpha1.OperationRunning || state.Phase == v1alpha1.OperationTerminating) && tooLong(&state.StartedAt):
		return attention(ReasonStuck, causedOr(name, state.Message, "cause.waits", "attention.stuck"), &state.StartedAt)
	case app.Status.Health.Status == v1alpha1.HealthProgressing && tooLong(app.Status.Health.LastTransitionTime):
		subject, cause := name, app.Status.Health.Message
		for i := range app.Status.Resources {
			if r := &app.Status.Resources[i]; r.Health != nil && r.Health.Status == v1alpha1.HealthProgressing {
				subject, cause = r.Kind+" "+r.Name, cmp.Or(r.Health.Message, cause)
				break
			}
		}
		return attention(ReasonStuck, causedOr(subject, cause, "cause.progressing", "attention.health"), app.Status.Health.LastTransitionTime)
	}
	return nil
}

// ofRollouts returns the first Rollout that needs somebody by a rule.
func ofRollouts(all []*v1alpha1.Rollout, rule func(*v1alpha1.Rollout) *Attention) *Attention {
	for _, ro := range all {
		if a := rule(ro); a != nil {
			return a
		}
	}
	return nil
}

func invalidRollout(ro *v1alpha1.Rollout) *Attention {
	c := conditionOf(ro, v1alpha1.RolloutConditionInvalidSpec)
	if c == nil {
		return nil
	}
	return attention(ReasonInvalidSpec, caused(title(ro), c.Message, "cause.rollout.invalid"), &c.LastTransitionTime)
}

func abortedRollout(ro *v1alpha1.Rollout) *Attention {
	if !ro.Status.Abort {
		return nil
	}
	return attention(ReasonFailed, say("attention.aborted", "object", title(ro)), ro.Status.AbortedAt)
}

// awaitedRollout returns a Rollout that a person has to promote; one that goes on by itself needs nobody.
func awaitedRollout(ro *v1alpha1.Rollout) *Attention {
	if len(ro.Status.PauseConditions) == 0 || ro.Spec.Paused || ro.Spec.Strategy.PromotesAfter() > 0 {
		return nil
	}
	return attention(ReasonAwaitingPromotion, say("attention.awaited", "object", title(ro)), &ro.Status.PauseConditions[0].StartTime)
}

func pausedRollout(ro *v1alpha1.Rollout) *Attention {
	if !ro.Spec.Paused || ro.Status.Phase == v1alpha1.RolloutHealthy {
		return nil
	}
	var since *metav1.Time
	if c := conditionOf(ro, v1alpha1.RolloutConditionPaused); c != nil {
		since = &c.LastTransitionTime
	}
	return attention(ReasonPaused, say("attention.paused", "object", title(ro)), since)
}

func degradedRollout(ro *v1alpha1.Rollout) *Attention {
	if ro.Status.Phase != v1alpha1.RolloutDegraded {
		return nil
	}
	var since *metav1.Time
	for i := range ro.Status.Conditions {
		// It is False once the deadline has passed.
		if c := &ro.Status.Conditions[i]; c.Type == v1alpha1.RolloutConditionProgressing {
			since = &c.LastTransitionTime
		}
	}
	return attention(ReasonDegraded, caused(title(ro), cmp.Or(ro.Status.Message, "degraded"), "cause.rollout.degraded"), since)
}

func title(ro *v1alpha1.Rollout) string { return "Rollout " + ro.Name }

// conditionOf returns a condition that holds; nil when it does not.
func conditionOf(ro *v1alpha1.Rollout, kind v1alpha1.RolloutConditionType) *v1alpha1.RolloutCondition {
	for i := range ro.Status.Conditions {
		if c := &ro.Status.Conditions[i]; c.Type == kind && c.Status == "True" {
			return c
		}
	}
	return nil
}

// caused returns what others have said of an object with what to do about it, by the template of a code. A cause that
// begins with an object of its own, or names a remedy, keeps it.
func caused(object, cause, code string) Sentence {
	if name, rest, ok := strings.Cut(cause, ": "); ok && (name == object || namesObject(name)) {
		object, cause = name, rest
	}
	if strings.Contains(cause, "; ") {
		return Sentence{Text: shortenedWithRemedy(object + ": " + cause)}
	}
	return say(code, "object", object, "cause", strings.TrimRight(cause, ".\n "))
}

// shortenedWithRemedy returns a message that may be long with what to do at its end.
func shortenedWithRemedy(message string) string {
	cause, remedy, ok := cutLast(message, "; ")
	if over := len(message) - longestText; over > 0 && ok {
		return shortened(cutTo(cause, max(0, len(cause)-over-len("…"))) + "; " + remedy)
	}
	return shortened(message)
}

// causedOr is caused, with another template where nobody has said a cause.
func causedOr(object, cause, code, without string) Sentence {
	if cause == "" {
		return say(without, "object", object)
	}
	return caused(object, cause, code)
}

// namesObject reports whether a text is a kind and a name, such as Service web.
func namesObject(text string) bool {
	kind, name, ok := strings.Cut(text, " ")
	return ok && name != "" && !strings.Contains(name, " ") && kind != "" && kind[0] >= 'A' && kind[0] <= 'Z'
}
