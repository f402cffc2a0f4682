package delivery

import (
	"cmp"
	"slices"
	"time"
)

// Step is a part of a commit's way.
type Step string

// The steps, in their order.
const (
	// Hear: the push arrives, and somebody begins with it.
	Hear Step = "hear"
	// Resolve: find out which commit, and whether it starts a run.
	Resolve Step = "resolve"
	// Check: look at the branch before anything is built.
	Check Step = "check"
	// Build the image.
	Build Step = "build"
	// Push the image.
	Push Step = "push"
	// Land: set the image, render, validate, commit and push.
	Land Step = "commit"
	// Sync: the cluster has the new manifests.
	Sync Step = "sync"
	// Start: the new version's pods are ready.
	Start Step = "start"
	// Hold: the wait that the Rollout asks for before the switch, such as autoPromotionSeconds.
	Hold Step = "hold"
	// Switch: the active Service sends traffic to them.
	Switch Step = "switch"
	// Retire: the old pods are gone.
	Retire Step = "retire"
)

// Steps are all of them, in their order.
func Steps() []Step {
	return []Step{Hear, Resolve, Check, Build, Push, Land, Sync, Start, Hold, Switch, Retire}
}

// Own reports whether the time is Cyan's own to spend: all but git's push, compiling, moving the image, what a pod
// takes to start and to go, and the wait that the manifest asks for.
func (s Step) Own() bool {
	return !slices.Contains([]Step{Hear, Build, Push, Start, Hold, Retire}, s)
}

// Stage is one step of one commit, and the time it took.
type Stage struct {
	Step    Step      `json:"step"`
	Started time.Time `json:"started"`
	// Took is in nanoseconds, in JSON.
	Took time.Duration `json:"took"`
}

// Timeline is how far a commit has come. Its stages do not overlap; they are kept in the order in which they started.
type Timeline []Stage

// With returns the timeline with one more stage; a step that is there already is replaced.
func (t Timeline) With(s Stage) Timeline {
	next := slices.DeleteFunc(slices.Clone(t), func(old Stage) bool { return old.Step == s.Step })
	next = append(next, s)
	slices.SortStableFunc(next, func(a, b Stage) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(slices.Index(Steps(), a.Step), slices.Index(Steps(), b.Step)))
	})
	return next
}

// Total is the time from the start of the first stage to the end of the last.
func (t Timeline) Total() time.Duration {
	if len(t) == 0 {
		return 0
	}
	var total time.Duration
	for _, s := range t {
		total = max(total, s.Started.Add(s.Took).Sub(t[0].Started))
	}
	return total
}

// Own is Cyan's own share: the total without the stages that are somebody else's.
func (t Timeline) Own() time.Duration {
	own := t.Total()
	for _, s := range t {
		if !s.Step.Own() {
			own -= s.Took
		}
	}
	return max(own, 0)
}
