package rollout

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// report returns the Decision: the work, and what State and Outcome are to people.
func report(s State, o Outcome, restartedAt *metav1.Time, work Work, now time.Time) Decision {
	status := *s.Rollout.Status.DeepCopy()
	recordVersions(&status, s, o)
	recordCounts(&status, s)
	status.RestartedAt, status.Duration = restartedAt, durationOf(s, o, now)
	progress := progressOf(s, o, moved(s, status), now)
	status.Conditions = withoutConditions(status.Conditions, v1alpha1.RolloutConditionInvalidSpec)
	if replicaFailure(s) == nil {
		status.Conditions = withoutConditions(status.Conditions, v1alpha1.RolloutConditionReplicaFailure)
	}
	if len(s.Unserved) == 0 {
		status.Conditions = withoutConditions(status.Conditions, v1alpha1.RolloutConditionUnsupported)
	}
	if withoutPods(s) == "" {
		status.Conditions = withoutConditions(status.Conditions, v1alpha1.RolloutConditionWorkloadWithoutPods)
	}
	status.Conditions = withConditions(status.Conditions, now, append(progress.aspects, aspectsOf(s, o, status.AvailableReplicas)...)...)
	status.Phase, status.Message = phaseOf(s, o, status, now)
	status.Conditions = withHealth(status.Conditions, status.Phase, now)
	return Decision{
		Actions: work.Actions, RequeueAt: Join(work, RequeueAt(progress.deadline)).RequeueAt,
		Status: status, Annotations: annotationsOf(s), Events: eventsOf(s, o), Completed: completedIn(s, o, now),
	}
}

// recordVersions writes down which versions there are, and what was decided and asked for of them.
func recordVersions(status *v1alpha1.RolloutStatus, s State, o Outcome) {
	status.ObservedGeneration = strconv.FormatInt(s.Rollout.Generation, 10)
	status.WorkloadObservedGeneration = ""
	if s.Workload != nil {
		status.WorkloadObservedGeneration = strconv.FormatInt(s.Workload.Generation, 10)
	}
	status.CurrentPodHash, status.StableRS, status.CollisionCount = s.CurrentHash, stableHash(s, o), s.Collisions
	status.PauseConditions, status.ControllerPause = o.Pause.Conditions, o.Pause.Begun
	status.Abort, status.AbortedAt, status.PromoteFull = s.Abort, s.AbortedAt, o.PromoteFull
	status.BlueGreen = o.BlueGreen
}

// recordCounts counts the pods. Autoscalers look at those that serve.
func recordCounts(status *v1alpha1.RolloutStatus, s State) {
	status.Replicas, status.UpdatedReplicas = 0, 0
	for _, rs := range s.ReplicaSets {
		status.Replicas += rs.Status.Replicas
	}
	if s.Desired != nil {
		status.UpdatedReplicas = s.Desired.Status.Replicas
	}
	serving := cmp.Or(s.Active, s.Desired)
	if serving == nil {
		status.ReadyReplicas, status.AvailableReplicas, status.HPAReplicas = 0, 0, 0
		status.Selector = metav1.FormatLabelSelector(selectorOf(s.Rollout, s.Workload))
		return
	}
	status.ReadyReplicas, status.AvailableReplicas = serving.Status.ReadyReplicas, serving.Status.AvailableReplicas
	status.HPAReplicas = serving.Status.Replicas
	status.Selector = metav1.FormatLabelSelector(serving.Spec.Selector)
}

func annotationsOf(s State) map[string]string {
	set := map[string]string{}
	if s.Desired != nil {
		set[v1alpha1.RevisionAnnotation] = strconv.FormatInt(Revision(s.Desired), 10)
	}
	if s.Workload != nil {
		set[v1alpha1.WorkloadGenerationAnnotation] = strconv.FormatInt(s.Workload.Generation, 10)
	} else {
		set[v1alpha1.WorkloadGenerationAnnotation] = ""
	}
	return set
}

// completes reports whether the desired version becomes stable with this decision.
func completes(s State, o Outcome) bool {
	return o.Settled != nil && o.Settled == s.Desired && stableHash(s, o) != s.StableHash
}

// completedIn returns how long the desired version took, in the decision that finds it to be stable; else zero.
func completedIn(s State, o Outcome, now time.Time) time.Duration {
	if !completes(s, o) {
		return 0
	}
	return now.Sub(s.Desired.CreationTimestamp.Time)
}

// desiredRevision returns the revision of the desired version, which may not have begun.
func desiredRevision(s State) int64 {
	if s.Desired == nil {
		return newestRevision(s.ReplicaSets) + 1
	}
	return Revision(s.Desired)
}

// moved reports whether the desired version went forward since the Progressing condition was last written.
func moved(s State, after v1alpha1.RolloutStatus) bool {
	before := s.Rollout.Status
	written := condition(before.Conditions, v1alpha1.RolloutConditionProgressing)
	return before.UpdatedReplicas != after.UpdatedReplicas || before.StableRS != after.StableRS ||
		before.BlueGreen.ActiveSelector != after.BlueGreen.ActiveSelector ||
		(written != nil && s.AvailableSince.After(written.LastUpdateTime.Time))
}

// progress is what becomes of the Progressing condition: nothing, or one aspect. While it stays, deadline is when it
// fails.
type progress struct {
	aspects  []aspect
	deadline time.Time
}

// progressOf returns what becomes of the Progressing condition, and with it of the clock of the progress deadline.
func progressOf(s State, o Outcome, moved bool, now time.Time) progress {
	before, paused := progressReason(s.Rollout), isPaused(s.Rollout, o.Pause)
	switch {
	case s.Abort:
		return progressIs(corev1.ConditionFalse, reasonAborted, "Rollout aborted update to revision "+strconv.FormatInt(desiredRevision(s), 10))
	case o.Completes(s):
		return progressOfStable(s, moved, now)
	case s.Retried:
		return progressIs(corev1.ConditionUnknown, reasonRetry, "Rollout is retried")
	case paused:
		return progressIs(corev1.ConditionUnknown, reasonPaused, "Rollout is paused")
	case s.Beginning == Creation:
		return progressing(string(s.Beginning), "Created new ReplicaSet "+s.Desired.Name)
	case s.Beginning == Return:
		return progressing(string(s.Beginning), "Found existing ReplicaSet "+s.Desired.Name)
	case before == reasonPaused:
		return progressIs(corev1.ConditionUnknown, reasonResumed, "Rollout is resumed")
	case moved || before == "" || before == reasonAvailable:
		return progressing(reasonUpdated, "ReplicaSet "+s.Desired.Name+" is progressing")
	}
	return untilDeadline(s, paused, now)
}

// progressOfStable returns the progress of a version that has got there: it is over as long as all its pods are
// available. When some are not, they have to come back within the progress deadline.
func progressOfStable(s State, moved bool, now time.Time) progress {
	before, paused := progressReason(s.Rollout), s.Rollout.Spec.Paused
	resumed := !paused && isTrue(s.Rollout.Status.Conditions, v1alpha1.RolloutConditionPaused)
	switch {
	case s.Desired.Status.AvailableReplicas >= s.Replicas && before == reasonAvailable && s.Beginning == "":
		return progress{}
	case s.Desired.Status.AvailableReplicas >= s.Replicas:
		return progressing(reasonAvailable, "ReplicaSet "+s.Desired.Name+" has successfully progressed")
	case (before != reasonLost && before != reasonDeadline) || moved || resumed:
		return progressing(reasonLost, notAvailable)
	}
	return untilDeadline(s, paused, now)
}

// untilDeadline returns the progress of a version whose pods do not get further: it fails at the deadline.
func untilDeadline(s State, paused bool, now time.Time) progress {
	if deadlineExceeded(s.Rollout, paused, s.AvailableSince, now) {
		return progressIs(corev1.ConditionFalse, reasonDeadline, "ReplicaSet "+s.Desired.Name+" has made no progress within progressDeadlineSeconds")
	}
	at, _ := progressDeadline(s.Rollout, paused, s.AvailableSince)
	return progress{deadline: at}
}

// notAvailable is the message about pods that are missing.
const notAvailable = "Rollout does not have minimum availability"

func progressIs(status corev1.ConditionStatus, reason, message string) progress {
	return progress{aspects: []aspect{{kind: v1alpha1.RolloutConditionProgressing, status: status, reason: reason, message: message}}}
}

// progressing is progress that starts the clock of the deadline anew.
func progressing(reason, message string) progress {
	p := progressIs(corev1.ConditionTrue, reason, message)
	p.aspects[0].renewed = true
	return p
}

// aspectsOf returns the conditions besides Progressing.
func aspectsOf(s State, o Outcome, availableReplicas int32) []aspect {
	available, complete, paused := availableReplicas >= s.Replicas, o.Completes(s), isPaused(s.Rollout, o.Pause)
	aspects := []aspect{
		yesOrNo(v1alpha1.RolloutConditionAvailable, "AvailableReason", available,
			"Rollout has minimum availability", notAvailable),
		yesOrNo(v1alpha1.RolloutConditionCompleted, "RolloutCompleted", complete,
			"Rollout completed", "Rollout is not completed"),
		yesOrNo(v1alpha1.RolloutConditionPaused, "RolloutPaused", paused || pauseEnds(s, o),
			"Rollout is paused", "Rollout is not paused"),
	}
	if len(s.Unserved) > 0 {
		aspects = append(aspects, aspect{
			kind: v1alpha1.RolloutConditionUnsupported, status: corev1.ConditionTrue, reason: "Unsupported", message: strings.Join(s.Unserved, "; "),
		})
	}
	if message := withoutPods(s); message != "" {
		aspects = append(aspects, aspect{kind: v1alpha1.RolloutConditionWorkloadWithoutPods, status: corev1.ConditionTrue, reason: "ScaledByOthers", message: message})
	}
	if c := replicaFailure(s); c != nil {
		aspects = append(aspects, aspect{kind: v1alpha1.RolloutConditionReplicaFailure, status: c.Status, reason: c.Reason, message: c.Message})
	}
	return slices.DeleteFunc(aspects, func(a aspect) bool { return saysNothing(s.Rollout, a) })
}

// replicaFailure returns why pods could not be made or taken away, as a quota or an admission webhook has it: those of
// the desired version first; nil when there is nothing of that kind.
func replicaFailure(s State) *appsv1.ReplicaSetCondition {
	for _, rs := range append([]*appsv1.ReplicaSet{s.Desired}, s.ReplicaSets...) {
		if c := failureOf(rs); c != nil {
			return c
		}
	}
	return nil
}

func failureOf(rs *appsv1.ReplicaSet) *appsv1.ReplicaSetCondition {
	if rs == nil {
		return nil
	}
	for i := range rs.Status.Conditions {
		if c := &rs.Status.Conditions[i]; c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}

// withHealth returns the conditions with that of the phase among them: who waits for one of them has the other. A
// Rollout that was never healthy has no such condition.
func withHealth(all []v1alpha1.RolloutCondition, phase v1alpha1.RolloutPhase, now time.Time) []v1alpha1.RolloutCondition {
	is := phase == v1alpha1.RolloutHealthy
	if !is && condition(all, v1alpha1.RolloutConditionHealthy) == nil {
		return all
	}
	return withConditions(all, now, yesOrNo(v1alpha1.RolloutConditionHealthy, "RolloutHealthy", is, "Rollout is healthy", "Rollout is not healthy"))
}

// pauseEnds reports whether a pause has ended and the traffic is on its way to the version that it held: who waits for
// the end of a pause looks at what serves then.
func pauseEnds(s State, o Outcome) bool {
	switching := s.Serving() && !s.Converged
	for _, a := range o.Actions {
		to, ok := a.(SwitchService)
		switching = switching || ok && to.Role == RoleActive
	}
	return switching && !s.Abort && !s.Changed && isTrue(s.Rollout.Status.Conditions, v1alpha1.RolloutConditionPaused)
}

// saysNothing reports whether a condition is that a Rollout is not paused, and it never was: then there is no such
// condition.
func saysNothing(ro *v1alpha1.Rollout, a aspect) bool {
	return a.kind == v1alpha1.RolloutConditionPaused && a.status == corev1.ConditionFalse && condition(ro.Status.Conditions, a.kind) == nil
}

// phaseOf returns the state of a Rollout in a word, with a message.
func phaseOf(s State, o Outcome, status v1alpha1.RolloutStatus, now time.Time) (v1alpha1.RolloutPhase, string) {
	progressing := condition(status.Conditions, v1alpha1.RolloutConditionProgressing)
	switch {
	case s.Abort || progressing.Reason == reasonDeadline:
		return v1alpha1.RolloutDegraded, progressing.Reason + ": " + progressing.Message
	case s.Rollout.Spec.Paused:
		return v1alpha1.RolloutPaused, "manually paused"
	case o.Pause.Holds():
		return v1alpha1.RolloutPaused, o.Pause.Reason()
	case restartIsDue(s.Rollout.Spec.RestartAt, status.RestartedAt, now):
		return v1alpha1.RolloutProgressing, "rollout is restarting"
	case o.Waits != "" && failureOf(s.Desired) != nil:
		return v1alpha1.RolloutProgressing, o.Waits + ": " + failureOf(s.Desired).Message
	case o.Waits != "":
		return v1alpha1.RolloutProgressing, o.Waits
	}
	return v1alpha1.RolloutHealthy, ""
}

// refuse reports a spec that can't be carried out. Nothing but a selector that was lost is mended: what runs, runs on.
func refuse(seen Observation, problems []*problem.Error, now time.Time) Decision {
	all := make([]string, len(problems))
	for i, p := range problems {
		all[i] = p.Error()
	}
	message := strings.Join(all, "; ")
	d := Decision{Annotations: map[string]string{}, Status: *seen.Rollout.Status.DeepCopy()}
	if before := condition(d.Status.Conditions, v1alpha1.RolloutConditionInvalidSpec); before == nil || before.Message != message {
		d.Events = []Event{eventInvalidSpec(message)}
	}
	d.Actions = announceRollout(seen.Rollout).Actions
	if a, ok := repairSelector(seen); ok {
		d.Actions = append(d.Actions, a)
	}
	d.Status.Conditions = withConditions(d.Status.Conditions, now,
		aspect{kind: v1alpha1.RolloutConditionInvalidSpec, status: corev1.ConditionTrue, reason: "InvalidSpec", message: message})
	d.Status.ObservedGeneration = strconv.FormatInt(seen.Rollout.Generation, 10)
	d.Status.Phase, d.Status.Message = v1alpha1.RolloutDegraded, "InvalidSpec: "+message
	d.Status.Conditions = withHealth(d.Status.Conditions, d.Status.Phase, now)
	return d
}

// CreateFailed returns the status of a Rollout whose new ReplicaSet the API server refused.
func CreateFailed(ro *v1alpha1.Rollout, cause error, now time.Time) v1alpha1.RolloutStatus {
	after := *ro.Status.DeepCopy()
	after.ObservedGeneration = strconv.FormatInt(ro.Generation, 10)
	after.Conditions = withConditions(after.Conditions, now,
		aspect{kind: v1alpha1.RolloutConditionReplicaFailure, status: corev1.ConditionTrue, reason: reasonCreate, message: cause.Error()},
		aspect{kind: v1alpha1.RolloutConditionProgressing, status: corev1.ConditionFalse, reason: reasonCreate, message: cause.Error()})
	after.Phase, after.Message = v1alpha1.RolloutDegraded, reasonCreate+": "+cause.Error()
	after.Conditions = withHealth(after.Conditions, after.Phase, now)
	return after
}
