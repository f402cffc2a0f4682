package plan

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Progress is how far a sync has got.
type Progress struct {
	// Tried is set once everything has gone through a dry run, and Refused is why the API server would refuse tasks.
	Tried   bool
	Refused map[ID]string
	// Results are those of the operation's status, one for each task that was begun.
	Results map[ID]v1alpha1.ResourceResult
	// Recorded are the tasks whose end the stored status holds: a hook is let go after its outcome is there, never before.
	Recorded map[ID]bool
	// Live are the objects as they are now.
	Live map[Key]*unstructured.Unstructured
	// Terminate is set when a person asked to stop.
	Terminate bool
}

// Action is one write of a step.
type Action struct {
	Do   Do
	Task Task
}

// Do is what an action does.
type Do string

// The values of Do.
const (
	// DoApply writes the object, DoCreate makes a hook, DoDelete takes away an object that git no longer has.
	DoApply  Do = "apply"
	DoCreate Do = "create"
	DoDelete Do = "delete"
	// DoDeleteHook takes a hook away: before it is made again, or when it has ended. It leaves no result.
	DoDeleteHook Do = "delete hook"
	// DoReleaseHook takes the finalizer off a hook whose outcome is recorded. It leaves no result.
	DoReleaseHook Do = "release hook"
)

func (a Action) String() string { return string(a.Do) + " " + a.Task.Key.String() }

// Step is what to do now.
type Step struct {
	// Try asks for a dry run of every task that is not skipped before anything else is done.
	Try bool
	// Actions are carried out at the same time. Each but DoDeleteHook and DoReleaseHook leaves a result: see [Begun],
	// [Failed].
	Actions []Action
	// Results are those that changed by what was seen; they are written to the operation's status.
	Results []v1alpha1.ResourceResult
	// Record asks for Results to be stored before anything else is done.
	Record bool
	// Waiting is what is waited for, a line for each object.
	Waiting []string
	// Phase is how the sync has ended; empty while it goes on.
	Phase   v1alpha1.OperationPhase
	Message string
}

// Begun is the result of a task whose write was done.
func Begun(t Task, message string) v1alpha1.ResourceResult {
	r := result(t)
	r.Status, r.Message, r.HookPhase = v1alpha1.ResultSynced, message, v1alpha1.OperationRunning
	switch t.Verb {
	case Delete:
		r.Status, r.HookPhase = v1alpha1.ResultPruned, v1alpha1.OperationRunning
	case Hook:
		r.Status = ""
	}
	return r
}

// Failed is the result of a task whose write was refused.
func Failed(t Task, message string) v1alpha1.ResourceResult {
	r := result(t)
	r.Status, r.Message, r.HookPhase = v1alpha1.ResultSyncFailed, message, v1alpha1.OperationFailed
	return r
}

func result(t Task) v1alpha1.ResourceResult {
	r := v1alpha1.ResourceResult{
		Group: t.Key.Group, Version: t.GVK().Version, Kind: t.Key.Kind, Namespace: t.Key.Namespace, Name: t.Key.Name, SyncPhase: t.Phase,
	}
	if t.Verb == Hook {
		r.HookType = t.Phase
	}
	if t.Verb == Apply {
		r.Images = imagesOf(t.Object)
	}
	return r
}

// IDOf is the task that a result belongs to.
func IDOf(r v1alpha1.ResourceResult) ID {
	return ID{Key{r.Group, r.Kind, r.Namespace, r.Name}, r.SyncPhase}
}

// Next is what to do now. It is called after every step and whenever a watched object has changed.
func (p Plan) Next(seen Progress) Step {
	n := &stepper{plan: p, seen: seen, results: map[ID]v1alpha1.ResourceResult{}}
	for id, r := range seen.Results {
		n.results[id] = r
	}
	switch {
	case seen.Terminate:
		return n.terminate()
	case !seen.Tried && len(seen.Results) == 0:
		return Step{Try: true}
	case len(seen.Refused) > 0 && len(seen.Results) == 0:
		return n.refuse()
	}
	if n.settle(); n.step.Record {
		return n.step
	}
	n.releaseHooks()
	for _, group := range n.plan.groups(v1alpha1.HookPreSync, v1alpha1.HookSync, v1alpha1.HookPostSync) {
		if done := n.group(group); !done {
			return n.step
		}
	}
	n.end(v1alpha1.OperationSucceeded, "successfully synced"+n.plan.skippedNote())
	return n.step
}

type stepper struct {
	plan    Plan
	seen    Progress
	results map[ID]v1alpha1.ResourceResult
	step    Step
}

func (n *stepper) end(phase v1alpha1.OperationPhase, message string) {
	n.step.Phase, n.step.Message = phase, message
}

func (n *stepper) set(r v1alpha1.ResourceResult) {
	n.results[IDOf(r)] = r
	n.step.Results = append(n.step.Results, r)
}

// refuse ends a sync of which a part would not be accepted, before anything was changed.
func (n *stepper) refuse() Step {
	var lines []string
	for _, t := range n.plan.Tasks {
		if why, ok := n.seen.Refused[t.ID()]; ok {
			n.set(Failed(t, why))
			lines = append(lines, why)
		}
	}
	n.end(v1alpha1.OperationFailed, "nothing was applied, because the cluster would refuse a part of it: "+strings.Join(lines, "; "))
	return n.step
}

// terminate stops: hooks that still run are taken away, and nothing more is begun.
func (n *stepper) terminate() Step {
	for i, t := range n.plan.Tasks {
		r, begun := n.results[t.ID()]
		if !begun {
			continue
		}
		live, running := n.seen.Live[t.Key], r.HookPhase == v1alpha1.OperationRunning
		switch {
		case t.Verb == Hook && running:
			n.step.Actions = append(n.step.Actions, Action{DoDeleteHook, t})
		case t.Verb == Hook && live != nil && Held(live) && !n.runsAgain(i):
			n.step.Actions = append(n.step.Actions, Action{DoReleaseHook, t})
		}
		if running {
			r.HookPhase, r.Message = v1alpha1.OperationFailed, "terminated"
			n.set(r)
		}
	}
	n.end(v1alpha1.OperationFailed, "terminated by request")
	return n.step
}

// settle looks at what was begun: which of it has ended, and how.
func (n *stepper) settle() {
	last := n.plan.lastGroup()
	for _, t := range n.plan.Tasks {
		r, begun := n.results[t.ID()]
		if !begun || r.HookPhase != v1alpha1.OperationRunning {
			continue
		}
		live := n.seen.Live[t.Key]
		phase, message := n.outcome(t, live, t.Phase == last.phase && t.Wave == last.wave)
		if phase == v1alpha1.OperationRunning {
			continue
		}
		r.HookPhase = phase
		if phase != v1alpha1.OperationSucceeded || t.Verb == Hook {
			r.Message = message
		}
		n.set(r)
		if t.Verb == Hook {
			n.step.Record = true
		}
	}
}

// outcome is how a task that was begun stands. Objects of the last group are not waited for: their health is the
// Application's.
func (n *stepper) outcome(t Task, live *unstructured.Unstructured, inLastGroup bool) (v1alpha1.OperationPhase, string) {
	switch {
	case t.Verb == Delete && (live == nil || inLastGroup):
		return v1alpha1.OperationSucceeded, ""
	case t.Verb == Delete:
		return v1alpha1.OperationRunning, ""
	case t.Verb == Hook:
		return hookOutcome(n.plan.judge, live)
	case live == nil:
		return v1alpha1.OperationRunning, ""
	case inLastGroup:
		return v1alpha1.OperationSucceeded, ""
	}
	h := n.plan.judge.Of(live)
	switch {
	case h == nil || h.Status == v1alpha1.HealthHealthy || h.Status == v1alpha1.HealthSuspended:
		return v1alpha1.OperationSucceeded, ""
	case h.Status == v1alpha1.HealthDegraded:
		return v1alpha1.OperationFailed, t.Key.String() + " is degraded: " + h.Message
	}
	return v1alpha1.OperationRunning, ""
}

// releaseHooks lets go of the hooks whose outcome is recorded, and deletes those whose policy says so.
func (n *stepper) releaseHooks() {
	for i, t := range n.plan.Tasks {
		live := n.seen.Live[t.Key]
		if t.Verb != Hook || live == nil || !n.seen.Recorded[t.ID()] || n.runsAgain(i) {
			continue
		}
		policy := HookSucceeded
		if n.results[t.ID()].HookPhase != v1alpha1.OperationSucceeded {
			policy = HookFailed
		}
		switch {
		case slices.Contains(t.DeletePolicies, policy) && (Held(live) || live.GetDeletionTimestamp() == nil):
			n.step.Actions = append(n.step.Actions, Action{DoDeleteHook, t})
		case Held(live):
			n.step.Actions = append(n.step.Actions, Action{DoReleaseHook, t})
		}
	}
}

// runsAgain reports whether the hook of a task was begun once more, in a later phase.
func (n *stepper) runsAgain(i int) bool {
	return slices.ContainsFunc(n.plan.Tasks[i+1:], func(t Task) bool {
		_, begun := n.results[t.ID()]
		return begun && t.Verb == Hook && t.Key == n.plan.Tasks[i].Key
	})
}

type groupName struct {
	phase v1alpha1.HookType
	wave  int
}

// groups are the tasks of some phases that are done together, in their order.
func (p Plan) groups(of ...v1alpha1.HookType) [][]Task {
	var all [][]Task
	var current groupName
	for _, t := range p.Tasks {
		if !slices.Contains(of, t.Phase) {
			continue
		}
		if name := (groupName{t.Phase, t.Wave}); len(all) == 0 || name != current {
			all, current = append(all, nil), name
		}
		all[len(all)-1] = append(all[len(all)-1], t)
	}
	return all
}

func (p Plan) lastGroup() groupName {
	var last groupName
	for _, t := range p.Tasks {
		if t.Phase != v1alpha1.HookSyncFail {
			last = groupName{t.Phase, t.Wave}
		}
	}
	return last
}

// group goes on with one group: what goes goes first, then what comes comes. It says whether the group is done.
func (n *stepper) group(tasks []Task) bool {
	if failed := n.failed(tasks); len(failed) > 0 {
		if n.wait(tasks); len(n.step.Waiting) == 0 {
			n.fail(failed)
		}
		return false
	}
	begun := false
	for _, verb := range [][]Verb{{Delete}, {Hook, Apply}} {
		for _, t := range tasks {
			if _, is := n.results[t.ID()]; !is && slices.Contains(verb, t.Verb) {
				begun = n.begin(t) || begun
			}
		}
		if begun {
			break
		}
	}
	n.wait(tasks)
	if begun || len(n.step.Waiting) > 0 {
		return false
	}
	// An object that was as desired already may have been degraded all the while.
	if failed := n.failed(tasks); len(failed) > 0 {
		n.fail(failed)
		return false
	}
	return true
}

// begin starts a task, and says whether that takes a write.
func (n *stepper) begin(t Task) bool {
	switch {
	case t.Skip != "":
		r := result(t)
		r.Status, r.Message, r.HookPhase = v1alpha1.ResultPruneSkipped, t.Skip, v1alpha1.OperationSucceeded
		n.set(r)
		return false
	case t.Verb == Apply && t.Unchanged && t.Options.OutOfSyncOnly():
		// It is none of the sync's work, and leaves no result.
		return false
	case t.Verb == Apply && t.Unchanged:
		r := Begun(t, t.Key.String()+" unchanged")
		n.set(r)
		if phase, message := n.outcome(t, n.seen.Live[t.Key], n.plan.lastGroup() == groupName{t.Phase, t.Wave}); phase != v1alpha1.OperationRunning {
			r.HookPhase = phase
			if message != "" {
				r.Message = message
			}
			n.set(r)
		}
		return false
	case t.Verb == Delete && t.Confirm != "":
		n.step.Waiting = append(n.step.Waiting, Confirmation{t.Key, t.Confirm}.String()+" to be confirmed: "+howToConfirm)
		return false
	case t.Verb == Delete:
		n.step.Actions = append(n.step.Actions, Action{DoDelete, t})
	case t.Verb == Hook:
		return n.beginHook(t)
	default:
		n.step.Actions = append(n.step.Actions, Action{DoApply, t})
	}
	return true
}

const howToConfirm = "annotate the Application with " + v1alpha1.DeletionApprovedAnnotation + " and the time"

// beginHook makes a hook; one that is left from an earlier sync goes first if its policy says so.
func (n *stepper) beginHook(t Task) bool {
	old := n.seen.Live[t.Key]
	if old != nil && slices.Contains(t.DeletePolicies, BeforeHookCreation) {
		n.step.Waiting = append(n.step.Waiting, t.Key.String()+" of an earlier sync is being deleted")
		if old.GetDeletionTimestamp() == nil || Held(old) {
			n.step.Actions = append(n.step.Actions, Action{DoDeleteHook, t})
		}
		return true
	}
	n.step.Actions = append(n.step.Actions, Action{DoCreate, t})
	return true
}

// wait names what was begun and has not ended.
func (n *stepper) wait(tasks []Task) {
	for _, t := range tasks {
		r, begun := n.results[t.ID()]
		if !begun || r.HookPhase != v1alpha1.OperationRunning {
			continue
		}
		line := t.Key.String()
		switch t.Verb {
		case Delete:
			line += " to be gone"
		case Hook:
			line = "hook " + line + " to complete"
		default:
			line += " to be healthy"
			if live := n.seen.Live[t.Key]; live != nil {
				if h := n.plan.judge.Of(live); h != nil && h.Message != "" {
					line += ": " + h.Message
				}
			}
		}
		n.step.Waiting = append(n.step.Waiting, line)
	}
}

func (n *stepper) failed(tasks []Task) []v1alpha1.ResourceResult {
	var all []v1alpha1.ResourceResult
	for _, t := range tasks {
		if r, ok := n.results[t.ID()]; ok && (r.HookPhase == v1alpha1.OperationFailed || r.HookPhase == v1alpha1.OperationError) {
			all = append(all, r)
		}
	}
	return all
}

// fail runs the hooks that a failure asks for, and then ends the sync. One of them that fails itself stops no other.
func (n *stepper) fail(failed []v1alpha1.ResourceResult) {
	for _, group := range n.plan.groups(v1alpha1.HookSyncFail) {
		if done := n.failGroup(group); !done {
			return
		}
	}
	var lines []string
	for _, r := range failed {
		lines = append(lines, fmt.Sprintf("%s: %s", Key{r.Group, r.Kind, r.Namespace, r.Name}, r.Message))
	}
	n.end(v1alpha1.OperationFailed, "one or more objects failed to sync: "+strings.Join(lines, "; "))
}

func (n *stepper) failGroup(tasks []Task) bool {
	begun := false
	for _, t := range tasks {
		if _, is := n.results[t.ID()]; !is {
			begun = n.begin(t) || begun
		}
	}
	n.wait(tasks)
	return !begun && len(n.step.Waiting) == 0
}

func (p Plan) skippedNote() string {
	count := 0
	for _, t := range p.Tasks {
		if t.Skip != "" {
			count++
		}
	}
	if count == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d objects were left that git no longer has)", count)
}
