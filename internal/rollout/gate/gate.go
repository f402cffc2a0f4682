// Package gate holds what a version has to pass before it takes the traffic.
//
// A [Gate] is a rule with a name: a function of a Rollout's State and the time. A [Chain] is what a strategy asks of a
// version, in order. A new rule is a Gate of its own, and one more line in the chains of the strategies that ask for
// it.
package gate

import (
	"time"

	"github.com/cyan-cd/cyan/internal/rollout"
)

// Verdict is what a gate has found.
type Verdict struct {
	// Gate is the name of the gate.
	Gate string
	// Open reports whether the version may go on.
	Open bool
	// Reason is why it may not.
	Reason string
	// Since is when the gate was closed, Until when it opens by itself; zero when that is not known.
	Since, Until time.Time
}

// Gate is a rule, by its name.
type Gate struct {
	Name  string
	Check func(s rollout.State, now time.Time) Verdict
}

// Chain is gates in order.
type Chain []Gate

// Check returns the verdict of the first gate that is closed; an open one when all are open.
func (c Chain) Check(s rollout.State, now time.Time) Verdict {
	for _, g := range c {
		v := g.Check(s, now)
		v.Gate = g.Name
		if !v.Open {
			return v
		}
	}
	return Verdict{Open: true}
}

func open() Verdict { return Verdict{Open: true} }

func closed(reason string) Verdict { return Verdict{Reason: reason} }
