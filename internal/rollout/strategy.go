package rollout

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Strategy is a way to replace the pods of a Rollout. It takes values and returns values.
type Strategy interface {
	// Settings returns what the strategy's part of the spec holds of what all strategies share.
	Settings() Settings
	// Lint checks the strategy's part of a spec by itself, without a cluster.
	Lint(spec *v1alpha1.RolloutSpec) []*problem.Error
	// Next decides how the versions go on.
	Next(s State, now time.Time) Outcome
	// Steps returns the way of the desired version to all the traffic, as people look at it.
	Steps(s State, o Outcome) []Step
}

// Outcome is what a strategy has decided.
type Outcome struct {
	Work
	// Pause is what holds the desired version from now on.
	Pause Pause
	// Settled is the version that is proved to have all the traffic, and so is the one to go back to from now on; nil
	// when none is.
	Settled *appsv1.ReplicaSet
	// PromoteFull reports whether the request to skip every gate goes on.
	PromoteFull bool
	// Ungated reports whether the desired version takes the traffic without a gate. AwaitsPerson reports whether a pause
	// holds it that time does not end.
	Ungated, AwaitsPerson bool
	// Waits is what the desired version waits for, as the message of its phase; empty when it has got everything.
	Waits string
	// BlueGreen is the strategy's own part of the status.
	BlueGreen v1alpha1.BlueGreenStatus
}

// Completes reports whether the desired version is the one that has all the traffic and is gone back to.
func (o Outcome) Completes(s State) bool {
	return s.Serving() && s.Converged && stableHash(s, o) == PodHash(s.Desired.Labels)
}

// stableHash returns the hash of the version to go back to, once the outcome is carried out.
func stableHash(s State, o Outcome) string {
	if o.Settled == nil {
		return s.StableHash
	}
	return PodHash(o.Settled.Labels)
}

// Step is a step of a version's way to all the traffic.
type Step struct {
	Name string
	Done bool
	// Detail is what the step waits for.
	Detail string
	// Request is what a person may ask for to end the step, as the verb of a command; empty when nobody can.
	Request string
	// Until is when the step ends by itself; zero when that is not known.
	Until time.Time
}

// Work is what is to be done, and when time alone will ask for more. The zero value is nothing.
type Work struct {
	Actions []Action
	// RequeueAt is zero when only the cluster can change the decision.
	RequeueAt time.Time
}

// Do returns work of some actions.
func Do(actions ...Action) Work { return Work{Actions: actions} }

// RequeueAt returns work that begins at a time.
func RequeueAt(at time.Time) Work { return Work{RequeueAt: at} }

// Join returns the work of all, in order.
func Join(all ...Work) Work {
	var joined Work
	for _, w := range all {
		joined.Actions = slices.Concat(joined.Actions, w.Actions)
		if joined.RequeueAt.IsZero() || (!w.RequeueAt.IsZero() && w.RequeueAt.Before(joined.RequeueAt)) {
			joined.RequeueAt = w.RequeueAt
		}
	}
	return joined
}
