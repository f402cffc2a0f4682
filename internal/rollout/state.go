package rollout

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// State is what follows from an Observation before anything is decided. [NewState] builds it once; it is only read.
type State struct {
	Rollout  *v1alpha1.Rollout
	Workload *Workload
	// Unserved is what the Rollout asks for and does not get.
	Unserved []string
	// ReplicaSets are those that were observed; the desired one with the revision that it has from now on.
	ReplicaSets []*appsv1.ReplicaSet
	Pods        []*corev1.Pod
	// ActiveService and PreviewService are nil when they do not exist.
	ActiveService, PreviewService *corev1.Service
	// Settings are those of the Rollout's strategy.
	Settings Settings
	// Replicas is the number of pods that the Rollout wants.
	Replicas int32

	Versions
	// AvailablePods is how many pods of the desired version are available. AvailableSince is when the newest of them
	// became so; zero when there is none.
	AvailablePods  int32
	AvailableSince time.Time
	Traffic
	Requests
	Pause Pause
	// Verified reports whether the desired version has passed its gates before, and is on its way to the switch since.
	Verified bool
}

// Settings are the fields that strategies have in common, wherever in the spec they stand.
type Settings struct {
	// Services are those that the strategy names.
	Services []ServiceRef
	// ActiveMetadata is for the pods that take traffic, PreviewMetadata for those of the desired version before that.
	ActiveMetadata, PreviewMetadata v1alpha1.PodTemplateMetadata
	// AntiAffinity keeps the pods of two versions apart; nil when they may share nodes.
	AntiAffinity *v1alpha1.AntiAffinity
	// MaxUnavailable bounds how many pods a restart takes away at a time.
	MaxUnavailable intstr.IntOrString
	// ScaleDownDelay is how long pods stay after the traffic has left them.
	ScaleDownDelay time.Duration
	// StandsBy reports whether these pods stand by for a return to them meanwhile; else they only wait until nodes have
	// followed.
	StandsBy bool
}

// ServiceRef is a Service that a strategy names in a field of the Rollout.
type ServiceRef struct {
	Role        Role
	Field, Name string
}

// NewState returns the state that an Observation shows.
func NewState(seen Observation, settings Settings, now time.Time) State {
	before := seen.Rollout.Status
	versions := identify(seen)
	traffic := trafficOf(seen, versions, now)
	versions, replicaSets := withDesired(seen, versions, settings)
	pods, available := availablePods(seen, versions.CurrentHash, now)
	requests := requestsOf(seen.Rollout, versions, traffic, available, now)
	return State{
		Rollout: seen.Rollout, Workload: seen.Workload, Unserved: seen.Unserved, ReplicaSets: replicaSets, Pods: seen.Pods,
		ActiveService: seen.Active, PreviewService: seen.Preview,
		Settings: settings, Replicas: Replicas(seen.Rollout),
		Versions: versions, AvailablePods: pods, AvailableSince: available, Traffic: traffic, Requests: requests,
		Pause:    pauseOf(before, versions, requests),
		Verified: before.BlueGreen.ScaleUpPreviewCheckPoint && !versions.Changed && requests.AbortCause == "",
	}
}

// availablePods returns how many pods of a version are available, and when the last of them became so.
func availablePods(seen Observation, hash string, now time.Time) (n int32, last time.Time) {
	for _, pod := range podsOf(seen.Pods, hash) {
		ready := readyCondition(pod)
		if ready == nil {
			continue
		}
		at := ready.LastTransitionTime.Add(time.Duration(seen.Rollout.Spec.MinReadySeconds) * time.Second)
		if now.Before(at) {
			continue
		}
		n++
		if at.After(last) {
			last = at
		}
	}
	return n, last
}

// Serving reports whether the active Service selects the desired version.
func (s State) Serving() bool { return s.Desired != nil && s.Active == s.Desired }

// Needed reports whether a ReplicaSet takes traffic, or is what traffic would go back to.
func (s State) Needed(rs *appsv1.ReplicaSet) bool { return rs == s.Stable || rs == s.Active }

// Pause is the part of the status that holds a version before its promotion.
type Pause struct {
	Conditions []v1alpha1.PauseCondition
	// Begun reports whether the controller has begun a pause for this version. A pause that has begun and has no
	// condition any more was ended by a person.
	Begun bool
}

// Holds reports whether a pause holds the version.
func (p Pause) Holds() bool { return len(p.Conditions) > 0 }

// Reason returns why the version is held; empty when it is not.
func (p Pause) Reason() string {
	if !p.Holds() {
		return ""
	}
	return string(p.Conditions[0].Reason)
}

// Has returns the condition with a reason; nil when there is none.
func (p Pause) Has(reason v1alpha1.PauseReason) *v1alpha1.PauseCondition {
	for i := range p.Conditions {
		if p.Conditions[i].Reason == reason {
			return &p.Conditions[i]
		}
	}
	return nil
}

// pauseOf returns the pause of the desired version. That of another version does not hold it, nor does one that an
// abort has ended.
func pauseOf(before v1alpha1.RolloutStatus, versions Versions, requests Requests) Pause {
	if versions.Changed || requests.AbortCause != "" {
		return Pause{}
	}
	return Pause{Conditions: before.PauseConditions, Begun: before.ControllerPause}
}
