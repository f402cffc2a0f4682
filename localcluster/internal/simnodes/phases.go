package simnodes

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotations with which a pod says how it is to be simulated. Durations are Go's: 1500ms, 2s.
const (
	// AnnotationReadyAfter is how long the pod takes from its start to being ready.
	AnnotationReadyAfter = "cyan.dev/simulated-ready-after"
	// AnnotationNeverReady keeps the pod running and not ready while it is "true".
	AnnotationNeverReady = "cyan.dev/simulated-never-ready"
	// AnnotationWaiting keeps the containers from starting, for this reason: ImagePullBackOff, for example.
	AnnotationWaiting = "cyan.dev/simulated-waiting"
	// AnnotationExitAfter is how long the containers run. Without it they run for ever where the restart policy is
	// Always, and for a second elsewhere.
	AnnotationExitAfter = "cyan.dev/simulated-exit-after"
	// AnnotationExitCode is what the containers exit with.
	AnnotationExitCode = "cyan.dev/simulated-exit-code"
	// AnnotationTerminatesAfter is how long a deleted pod takes to end, within its grace period.
	AnnotationTerminatesAfter = "cyan.dev/simulated-terminates-after"
)

const (
	runsAfter         = 100 * time.Millisecond
	defaultReadyAfter = 500 * time.Millisecond
	defaultExitAfter  = time.Second
	defaultTerminates = 200 * time.Millisecond
	restartDelay      = time.Second
	killedExitCode    = 143
)

// Seen is what is known about a pod.
type Seen struct {
	Pod *corev1.Pod
	// Start is when its node took it up, DeletedAt when its deletion was noticed (zero: it was not).
	Start, DeletedAt time.Time
	NodeIP, PodIP    string
}

// Step is what to do with a pod now.
type Step struct {
	// Status is what the pod's status is to be.
	Status corev1.PodStatus
	// Delete is set when the pod has ended and its object can go.
	Delete bool
	// Wake is when to look again; 0 means at the next change.
	Wake time.Duration
}

// Decide returns what a pod on a simulated node does at a moment.
func Decide(seen Seen, now time.Time) Step {
	life := lifeOf(seen.Pod)
	elapsed := now.Sub(seen.Start)
	step := phaseAt(seen, life, elapsed)
	if seen.Pod.DeletionTimestamp != nil {
		step = terminate(seen, life, step, now)
	}
	step.Status = withConditions(seen, step.Status, now)
	return step
}

// life is how a pod is to be simulated.
type life struct {
	readyAfter, exitAfter, terminatesAfter time.Duration
	neverReady, restarts                   bool
	waiting                                string
	exitCode                               int32
}

func lifeOf(pod *corev1.Pod) life {
	always := pod.Spec.RestartPolicy == corev1.RestartPolicyAlways || pod.Spec.RestartPolicy == ""
	l := life{
		readyAfter:      duration(pod, AnnotationReadyAfter, defaultReadyAfter),
		terminatesAfter: duration(pod, AnnotationTerminatesAfter, defaultTerminates),
		neverReady:      pod.Annotations[AnnotationNeverReady] == "true",
		waiting:         pod.Annotations[AnnotationWaiting],
	}
	if code, err := strconv.ParseInt(pod.Annotations[AnnotationExitCode], 10, 32); err == nil {
		l.exitCode = int32(code)
	}
	if !always {
		l.exitAfter = defaultExitAfter
	}
	l.exitAfter = duration(pod, AnnotationExitAfter, l.exitAfter)
	l.restarts = always || pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure && l.exitCode != 0
	return l
}

func duration(pod *corev1.Pod, annotation string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(pod.Annotations[annotation]); err == nil && d >= 0 {
		return d
	}
	return otherwise
}

func phaseAt(seen Seen, l life, elapsed time.Duration) Step {
	switch {
	case terminal(seen.Pod.Status.Phase):
		return Step{Status: *seen.Pod.Status.DeepCopy()}
	case l.waiting != "":
		return Step{Status: waiting(seen, l.waiting, 0)}
	case elapsed < runsAfter:
		return Step{Status: waiting(seen, "ContainerCreating", 0), Wake: runsAfter - elapsed}
	case l.exitAfter == 0:
		return running(seen, l, elapsed, seen.Start, 0)
	case !l.restarts && elapsed >= l.exitAfter:
		return Step{Status: ended(seen, l.exitCode, l.exitAfter)}
	case !l.restarts:
		step := running(seen, l, elapsed, seen.Start, 0)
		step.Wake = sooner(step.Wake, l.exitAfter-elapsed)
		return step
	}
	cycle := l.exitAfter + restartDelay
	restarts := int32(elapsed / cycle)
	within := elapsed % cycle
	if within >= l.exitAfter {
		return Step{Status: waiting(seen, "CrashLoopBackOff", restarts), Wake: cycle - within}
	}
	step := running(seen, l, within, seen.Start.Add(time.Duration(restarts)*cycle), restarts)
	step.Wake = sooner(step.Wake, l.exitAfter-within)
	return step
}

func terminal(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

func running(seen Seen, l life, ran time.Duration, started time.Time, restarts int32) Step {
	ready := !l.neverReady && ran >= l.readyAfter
	status := base(seen, corev1.PodRunning)
	yes := true
	status.ContainerStatuses = each(seen.Pod, seen.Pod.Spec.Containers, func(c *corev1.ContainerStatus) {
		c.Ready, c.Started, c.RestartCount = ready, &yes, restarts
		c.State.Running = &corev1.ContainerStateRunning{StartedAt: seconds(started)}
	})
	step := Step{Status: status}
	if !ready && !l.neverReady {
		step.Wake = l.readyAfter - ran
	}
	return step
}

func waiting(seen Seen, reason string, restarts int32) corev1.PodStatus {
	status := base(seen, corev1.PodPending)
	if restarts > 0 || reason == "CrashLoopBackOff" {
		status.Phase = corev1.PodRunning
	}
	no := false
	status.ContainerStatuses = each(seen.Pod, seen.Pod.Spec.Containers, func(c *corev1.ContainerStatus) {
		c.Started, c.RestartCount, c.ContainerID = &no, restarts, ""
		c.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: waitingMessage(reason)}
	})
	return status
}

func waitingMessage(reason string) string {
	if reason == "ContainerCreating" {
		return ""
	}
	return "simulated: " + reason
}

func ended(seen Seen, code int32, ran time.Duration) corev1.PodStatus {
	phase, reason := corev1.PodSucceeded, "Completed"
	if code != 0 {
		phase, reason = corev1.PodFailed, "Error"
	}
	status := base(seen, phase)
	no := false
	status.ContainerStatuses = each(seen.Pod, seen.Pod.Spec.Containers, func(c *corev1.ContainerStatus) {
		c.Started = &no
		c.State.Terminated = &corev1.ContainerStateTerminated{
			ExitCode: code, Reason: reason, ContainerID: c.ContainerID, StartedAt: seconds(seen.Start), FinishedAt: seconds(seen.Start.Add(ran)),
		}
	})
	return status
}

// terminate lets a deleted pod go on for a moment. Whoever holds it by a finalizer (a Job does) waits for it to have
// ended.
func terminate(seen Seen, l life, step Step, now time.Time) Step {
	lasts := l.terminatesAfter
	if grace := seen.Pod.DeletionGracePeriodSeconds; grace != nil {
		lasts = min(lasts, time.Duration(*grace)*time.Second)
	}
	if left := lasts - now.Sub(seen.DeletedAt); left > 0 && !terminal(seen.Pod.Status.Phase) {
		step.Wake = sooner(step.Wake, left)
		return step
	}
	if !terminal(step.Status.Phase) && len(seen.Pod.Finalizers) > 0 {
		step.Status = ended(seen, killedExitCode, now.Sub(seen.Start))
	}
	return Step{Status: step.Status, Delete: true}
}

func base(seen Seen, phase corev1.PodPhase) corev1.PodStatus {
	start := seconds(seen.Start)
	status := corev1.PodStatus{
		Phase: phase, HostIP: seen.NodeIP, HostIPs: []corev1.HostIP{{IP: seen.NodeIP}}, StartTime: &start,
		ObservedGeneration: seen.Pod.Generation, QOSClass: seen.Pod.Status.QOSClass,
	}
	if phase != corev1.PodPending {
		status.PodIP, status.PodIPs = seen.PodIP, []corev1.PodIP{{IP: seen.PodIP}}
	}
	yes := true
	status.InitContainerStatuses = each(seen.Pod, seen.Pod.Spec.InitContainers, func(c *corev1.ContainerStatus) {
		c.Ready, c.Started = true, &yes
		c.State.Terminated = &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: start, FinishedAt: start, ContainerID: c.ContainerID}
	})
	for i, c := range seen.Pod.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			status.InitContainerStatuses[i].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: start}}
		}
	}
	return status
}

func each(pod *corev1.Pod, containers []corev1.Container, fill func(*corev1.ContainerStatus)) []corev1.ContainerStatus {
	var all []corev1.ContainerStatus
	for _, c := range containers {
		status := corev1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: c.Image, ContainerID: "simulated://" + string(pod.UID) + "/" + c.Name}
		fill(&status)
		all = append(all, status)
	}
	return all
}

func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}

// seconds is a time as it comes back from the API server.
func seconds(t time.Time) metav1.Time { return metav1.NewTime(t.Truncate(time.Second)) }
