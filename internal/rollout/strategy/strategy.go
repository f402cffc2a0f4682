// Package strategy decides about a Rollout by the strategy that its spec names. A new strategy is a package beside
// bluegreen, and a line in [Of].
package strategy

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/bluegreen"
)

// Decide returns what to do next with a Rollout. now is the time at which it was observed.
func Decide(seen rollout.Observation, now time.Time) rollout.Decision {
	return rollout.Decide(seen, Of(&seen.Rollout.Spec.Strategy), now)
}

// Describe returns a Rollout as people look at it. services may be nil when the caller has none at all.
func Describe(ro *v1alpha1.Rollout, replicaSets []*appsv1.ReplicaSet, pods []*corev1.Pod, services []*corev1.Service, now time.Time) rollout.View {
	return rollout.Describe(ro, Of(&ro.Spec.Strategy), replicaSets, pods, services, now)
}

// Lint checks a Rollout by itself, without a cluster.
func Lint(ro *v1alpha1.Rollout) []*problem.Error { return rollout.Lint(ro, Of(&ro.Spec.Strategy)) }

// Problems checks a Rollout against what was observed of the cluster.
func Problems(seen rollout.Observation) []*problem.Error {
	return rollout.Problems(seen, Of(&seen.Rollout.Spec.Strategy))
}

// Of returns the strategy that a spec names.
func Of(spec *v1alpha1.RolloutStrategy) rollout.Strategy {
	switch {
	case spec.BlueGreen != nil && spec.Canary != nil:
		return unserved{rollout.Invalid("spec.strategy", "both blueGreen and canary are set", "keep one")}
	case spec.BlueGreen != nil:
		return bluegreen.New(*spec.BlueGreen)
	case spec.Canary != nil:
		return unserved{rollout.Invalid("spec.strategy.canary", "not served by this version of Cyan", "use blueGreen")}
	}
	return unserved{rollout.Invalid("spec.strategy", "missing", "give blueGreen with an activeService")}
}

// unserved is the strategy of a spec that names none that can be carried out: it has a problem, and does nothing.
type unserved struct{ problem *problem.Error }

var _ rollout.Strategy = unserved{}

func (unserved) Settings() rollout.Settings { return rollout.Settings{} }

func (u unserved) Lint(*v1alpha1.RolloutSpec) []*problem.Error {
	return []*problem.Error{u.problem}
}

func (unserved) Next(rollout.State, time.Time) rollout.Outcome { return rollout.Outcome{} }

func (unserved) Steps(rollout.State, rollout.Outcome) []rollout.Step { return nil }
