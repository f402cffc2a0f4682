package operation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

const (
	// healAfter bounds how often automation undoes the same drift, when it comes back each time.
	healAfter = time.Second
	// patientHeals is the number of times that the same drift is undone at that pace. Then the wait doubles each time, up
	// to healMost.
	patientHeals = 3
	healMost     = 5 * time.Minute
	// healQuiet is for how long drift has to stay away so that it counts as new, besides twice the wait.
	healQuiet = time.Minute
	// mostNamed bounds the fields that a message names.
	mostNamed = 5
)

// heal undoes what has changed in the cluster since a sync that ended well. What comes back each time is undone after
// ever longer waits, since something else in the cluster wants it so.
func heal(op *v1alpha1.Operation, seen Observation, last *v1alpha1.OperationState, auto v1alpha1.Automation) Automation {
	if !auto.SelfHeal {
		return Automation{Why: fmt.Sprintf("commit %s: synced already, and selfHeal is off", short(seen.Revision))}
	}
	if op.Sync.Resources = drifted(seen.Plan, auto); len(op.Sync.Resources) == 0 {
		return Automation{Why: "what differs belongs to another Application as well, and the two would undo each other's work for ever"}
	}
	n := healAttempt(last, op.Sync.Resources, seen.Now)
	op.Sync.AutoHealAttemptsCount = n
	condition := ""
	if n > patientHeals {
		condition = comesBack(seen.Plan, n-1)
	}
	if at := endOf(last, seen.Now).Add(healWait(n)); seen.Now.Before(at) {
		return Automation{Why: "the last sync was just now", Condition: condition, At: at}
	}
	return Automation{Start: op, Why: "the cluster has changed", Condition: condition}
}

// healAttempt returns how often in a row the same objects are healed now, from 1.
func healAttempt(last *v1alpha1.OperationState, drifted []v1alpha1.SyncOperationResource, now time.Time) int64 {
	before := last.Operation.Sync
	if !last.Operation.InitiatedBy.Automated || !slices.ContainsFunc(before.Resources, func(r v1alpha1.SyncOperationResource) bool { return slices.Contains(drifted, r) }) {
		return 1
	}
	n := max(before.AutoHealAttemptsCount, 1)
	if !IsSameDrift(n, endOf(last, now), now) {
		return 1
	}
	return n + 1
}

// healWait is the wait before attempt n, from 1.
func healWait(n int64) time.Duration {
	wait := healAfter
	for ; n > patientHeals && wait < healMost; n-- {
		wait *= 2
	}
	return min(wait, healMost)
}

// HealAt returns when drift may be undone again that was undone n times in a row by now, the last time at a moment.
func HealAt(n int64, last time.Time) time.Time { return last.Add(healWait(n + 1)) }

// IsSameDrift reports whether drift counts as the same as that which was undone n times, the last time at a moment.
func IsSameDrift(n int64, last, now time.Time) bool {
	return now.Sub(last) <= healQuiet+2*healWait(n+1)
}

// comesBack names the fields that differ again after a number of syncs.
func comesBack(p plan.Plan, syncs int64) string {
	var names []string
	more := 0
	for _, r := range p.Resources {
		if r.Status != v1alpha1.OutOfSync {
			continue
		}
		name := r.Key.String()
		for i, d := range r.Drift {
			if i == mostNamed {
				name += ", …"
				break
			}
			separator := ", "
			if i == 0 {
				separator = ": "
			}
			name += separator + d.Path
		}
		if len(names) == mostNamed {
			more++
			continue
		}
		names = append(names, name)
	}
	if more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s: not as git has it again after each of %d syncs, which are done ever more seldom now; find out what else writes it, and leave it to that: take it out of git, or name it in ignoreDifferences",
		strings.Join(names, "; "), syncs)
}
