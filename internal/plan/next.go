package plan

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Progress is how far a sync has got.
type Progress struct {
	// Tried is set once everything has gone through a dry run, and Refused is why tasks would be refused.
	Tried   bool
	Refused map[ID]string
	// Results are those of the operation's status, one for each task that was begun.
	Results map[ID]v1alpha1.ResourceResult
	// Recorded are the tasks whose result the stored status holds as Results has it: a hook is created after its result
	// is there, and let go after its outcome is, never before.
	Recorded map[ID]bool
	// Unserved are the kinds of this sync that the cluster does not serve yet.
	Unserved map[schema.GroupKind]bool
	// Now is the time, and Since when this try of the operation began: waits end by them.
	Now, Since time.Time
	// Live are the objects as they are now.
	Live map[Key]*unstructured.Unstructured
	// Terminate is set when a person asked to stop.
	Terminate bool
	// Heal has objects written again that differ from git while the sync waits for a confirmation, from HealAt on.
	Heal   bool
	HealAt time.Time
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
	// Waiting is what is waited for, a line for each object, and Until the first time at which a wait changes although
	// nothing else does; zero for none.
	Waiting []string
	Until   time.Time
	// Heals is set when the actions are for objects that were as desired before.
	Heals bool
	// Phase is how the sync has ended; empty while it goes on.
	Phase   v1alpha1.OperationPhase
	Message string
}

// Next is what to do now. It is called after every step and whenever a watched object has changed.
func (p Plan) Next(seen Progress) Step {
	s := &standing{plan: p, seen: seen, results: map[ID]v1alpha1.ResourceResult{}, last: p.lastGroup()}
	for id, r := range seen.Results {
		s.results[id] = r
	}
	switch {
	case seen.Terminate:
		return s.terminate()
	case !seen.Tried && !s.hasBegun():
		return Step{Try: true}
	case len(seen.Refused) > 0 && !s.hasBegun():
		return s.refuse()
	}
	n := &stepper{standing: s, waits: waits{now: seen.Now, since: seen.Since}}
	n.goOn()
	n.step.Waiting, n.step.Until = n.waiting, n.until
	return n.step
}

// standing is how the tasks of a sync stand.
type standing struct {
	plan    Plan
	seen    Progress
	results map[ID]v1alpha1.ResourceResult
	// last is the group that nothing comes after.
	last groupName
}

// stepper finds what to do now, and for what to wait.
type stepper struct {
	*standing
	waits
	step Step
	// phase is the one that is carried out.
	phase v1alpha1.HookType
	// holding is set when what comes after a group has to wait, held when only deletions have, and postponed when there
	// are such deletions.
	holding, held, postponed bool
	// unconfirmed is set when a deletion waits for a person.
	unconfirmed bool
}

// goOn takes the groups in their order, as far as they go.
func (n *stepper) goOn() {
	if n.settle(); n.step.Record {
		return
	}
	n.releaseHooks()
	for _, group := range n.plan.groups(v1alpha1.HookPreSync, v1alpha1.HookSync, v1alpha1.HookPostSync) {
		if before := n.phase; before != group[0].Phase {
			if n.phase = group[0].Phase; before != "" {
				n.deleteHooks(before, n.endsItself)
			}
		}
		if done := n.group(group); !done {
			n.heal()
			return
		}
	}
	if n.postponed {
		return
	}
	n.end(v1alpha1.OperationSucceeded, "successfully synced (all tasks run)"+n.plan.skippedNote())
}

// heal writes objects again that have come to differ from git while a deletion waits for a person, who may take days.
func (n *stepper) heal() {
	if !n.seen.Heal || !n.unconfirmed || len(n.step.Actions) > 0 || n.step.Record {
		return
	}
	for _, t := range n.plan.Tasks {
		if !n.hasDrifted(t) {
			continue
		}
		if n.seen.HealAt.After(n.seen.Now) {
			n.lookAt(n.seen.HealAt)
			return
		}
		n.step.Heals = true
		n.step.do(DoApply, t)
	}
}

// hasDrifted reports whether an object that this sync has applied differs from git again.
func (s *standing) hasDrifted(t Task) bool {
	r, begun := s.results[t.ID()]
	return begun && r.HookPhase == v1alpha1.OperationSucceeded && t.Verb == Apply && !t.Unchanged && t.Skip == "" && t.Refused == ""
}

func (n *stepper) end(phase v1alpha1.OperationPhase, message string) {
	n.step.Phase, n.step.Message = phase, message
	n.deleteHooks("", anyHook)
}

func (n *stepper) set(r v1alpha1.ResourceResult) {
	n.results[IDOf(r)] = r
	n.step.Results = append(n.step.Results, r)
}

func (s *Step) do(do Do, t Task) {
	s.Actions = append(s.Actions, Action{do, t})
}

// maxRefusals bounds the objects that the message of a sync names; each has a result of its own.
const maxRefusals = 10

// hasBegun reports whether anything of git was begun: the namespace that CreateNamespace makes is not.
func (s *standing) hasBegun() bool {
	for _, t := range s.plan.Tasks {
		if _, begun := s.results[t.ID()]; begun && !t.Generated {
			return true
		}
	}
	return false
}

// refuse ends a sync of which a part would not be accepted, before anything of git was changed. The namespace that
// CreateNamespace asks for is made all the same: in it the API server can judge the next try for good, and what people
// put into it by hand may be all that is missing.
func (s *standing) refuse() Step {
	var step Step
	applied := "nothing was applied"
	for _, t := range s.plan.Tasks {
		_, begun := s.results[t.ID()]
		switch {
		case !t.Generated || t.Live != nil:
		case begun:
			applied = "nothing but the namespace was applied"
		case t.Refused == "" && s.seen.Refused[t.ID()] == "":
			step.do(DoApply, t)
			return step
		}
	}
	var lines []string
	for _, t := range s.plan.Tasks {
		if why, ok := s.seen.Refused[t.ID()]; ok {
			step.Results = append(step.Results, Failed(t, why))
			lines = append(lines, why)
		}
	}
	if more := len(lines) - maxRefusals; more > 0 {
		lines = append(lines[:maxRefusals], fmt.Sprintf("and %d more", more))
	}
	step.Phase = v1alpha1.OperationFailed
	step.Message = "one or more objects failed to apply (dry run); " + applied + ", because a part of it would be refused: " + strings.Join(lines, "; ")
	return step
}

// terminate stops: hooks that still run are taken away, and nothing more is begun.
func (s *standing) terminate() Step {
	var step Step
	for i, t := range s.plan.Tasks {
		r, begun := s.results[t.ID()]
		if !begun {
			continue
		}
		live, running := s.seen.Live[t.Key], r.HookPhase == v1alpha1.OperationRunning || isPlanned(r)
		switch {
		case t.Verb == Hook && running && !t.Occupied:
			step.do(DoDeleteHook, t)
		case t.Verb == Hook && live != nil && Held(live) && !s.runsAgain(i):
			step.do(DoReleaseHook, t)
		}
		if running {
			r.HookPhase, r.Message = v1alpha1.OperationFailed, "Terminated"
			step.Results = append(step.Results, r)
		}
	}
	step.Phase, step.Message = v1alpha1.OperationFailed, "terminated by request"
	return step
}

// isOpen reports whether a task is still to be begun.
func (s *standing) isOpen(t Task) bool {
	r, is := s.results[t.ID()]
	return !is || isPlanned(r)
}

// begin starts a task, and reports whether that takes a write.
func (n *stepper) begin(t Task) bool {
	switch {
	case t.Refused != "":
		n.set(Failed(t, t.Refused))
		return false
	case t.Skip != "":
		r := result(t)
		r.Status, r.Message, r.HookPhase = v1alpha1.ResultPruneSkipped, t.Skip, v1alpha1.OperationSucceeded
		n.set(r)
		return false
	case t.Verb == Apply && t.Unchanged && t.Options.OutOfSyncOnly():
		// It is none of the sync's work, and leaves no result.
		return false
	case t.isIdle():
		n.unchanged(t)
		return false
	case t.Verb == Delete && t.Confirm != "":
		n.waitFor(Confirmation{t.Key, t.Confirm}.String() + " to be confirmed: " + howToConfirm)
		n.holding, n.unconfirmed = true, true
		return false
	case t.Verb == Delete:
		n.step.do(DoDelete, t)
	case n.isPut(t):
		return false
	case t.Verb == Hook:
		return n.beginHook(t)
	default:
		n.step.do(DoApply, t)
	}
	return true
}

// manyTasks is the number of tasks from which on objects that are as desired already, and well, leave no results: a
// status would not list them all.
const manyTasks = 1000

// unchanged is the result of an object that is as desired already.
func (n *stepper) unchanged(t Task) {
	phase, message := n.outcome(t, n.seen.Live[t.Key])
	if phase == v1alpha1.OperationSucceeded && len(n.plan.Tasks) >= manyTasks {
		return
	}
	r := Begun(t, "unchanged")
	if r.HookPhase = phase; message != "" {
		r.Message = message
	}
	n.set(r)
}

// isPut reports whether a task has to be put off: until its kind is served, or until the object that it replaces is
// gone.
func (n *stepper) isPut(t Task) bool {
	live := n.seen.Live[t.Key]
	gk := t.GVK().GroupKind()
	switch {
	case n.seen.Unserved[gk]:
		if n.isOver(n.definedAt(gk), servedTimeout) {
			n.set(Failed(t, fmt.Sprintf("%s is not served %s after its definition was applied; see the conditions of the CustomResourceDefinition", gk, servedTimeout)))
			return true
		}
		n.waitFor("kind " + gk.String() + " to be served")
		n.lookAt(n.seen.Now.Add(servedPoll))
	case t.Verb == Apply && t.Force && live != nil && live.GetDeletionTimestamp() != nil:
		if n.isOver(live.GetDeletionTimestamp().Time, goneTimeout) {
			n.set(Failed(t, fmt.Sprintf("%s: not gone %s after it was deleted to be created again%s; see its events, and sync again", t.Key, goneTimeout, heldBy(live))))
			return true
		}
		n.waitFor("deletion of " + t.Key.Path() + heldBy(live) + ", to create it again")
	default:
		return false
	}
	n.holding = true
	return true
}

// definedAt is when the definition of a kind was created; when this try began, if that is not known.
func (s *standing) definedAt(kind schema.GroupKind) time.Time {
	for _, live := range s.seen.Live {
		if !isDefinition(live) {
			continue
		}
		group, _, _ := unstructured.NestedString(live.Object, "spec", "group")
		name, _, _ := unstructured.NestedString(live.Object, "spec", "names", "kind")
		if at := live.GetCreationTimestamp(); group == kind.Group && name == kind.Kind && !at.IsZero() {
			return at.Time
		}
	}
	return s.seen.Since
}

const howToConfirm = "annotate the Application with " + v1alpha1.DeletionApprovedAnnotation + " and the time"
