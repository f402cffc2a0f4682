// Package strategy decides about a Rollout by the strategy that its spec names.
package strategy

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// Decide returns what to do next with a Rollout. now is the time at which it was observed.
func Decide(seen rollout.Observation, now time.Time) rollout.Decision {
	return rollout.Decide(seen, now)
}

// Describe returns a Rollout as people look at it. services may be nil when the caller has none at all.
func Describe(ro *v1alpha1.Rollout, replicaSets []*appsv1.ReplicaSet, pods []*corev1.Pod, services []*corev1.Service, now time.Time) rollout.View {
	return rollout.Describe(ro, replicaSets, pods, services, now)
}

// Lint checks a Rollout by itself, without a cluster.
func Lint(ro *v1alpha1.Rollout) []rollout.Problem { return rollout.Lint(ro) }

// Problems checks a Rollout against what was observed of the cluster.
func Problems(seen rollout.Observation) []rollout.Problem { return rollout.Problems(seen) }
