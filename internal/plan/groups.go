package plan

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

type groupName struct {
	phase v1alpha1.HookType
	wave  int
}

func groupOf(t Task) groupName { return groupName{t.Phase, t.Wave} }

// groups are the tasks of some phases that are done together, in their order.
func (p Plan) groups(of ...v1alpha1.HookType) [][]Task {
	var all [][]Task
	for from := 0; from < len(p.Tasks); {
		name, to := groupOf(p.Tasks[from]), from+1
		for to < len(p.Tasks) && groupOf(p.Tasks[to]) == name {
			to++
		}
		if slices.Contains(of, name.phase) {
			all = append(all, p.Tasks[from:to:to])
		}
		from = to
	}
	return all
}

func (p Plan) lastGroup() groupName {
	var last groupName
	for _, t := range p.Tasks {
		if t.Phase != v1alpha1.HookSyncFail {
			last = groupOf(t)
		}
	}
	return last
}

// group goes on with one group: what goes goes first, then what comes comes. It reports whether the group is done.
func (n *stepper) group(tasks []Task) bool {
	if failed := n.failed(tasks); len(failed) > 0 {
		if n.wait(tasks); !n.holding {
			n.fail(failed)
		}
		return false
	}
	begun := n.beginAll(tasks, Delete)
	if !begun {
		begun = n.beginAll(tasks, Hook, Apply)
	}
	n.wait(tasks)
	if begun || n.holding || n.step.Record {
		return false
	}
	// An object that was as desired already may have been degraded all the while.
	if failed := n.failed(tasks); len(failed) > 0 {
		n.fail(failed)
		return false
	}
	return true
}

// beginAll begins the tasks of some verbs, and reports whether that takes a write. A deletion waits for those of
// earlier groups, also where nothing else does.
func (n *stepper) beginAll(tasks []Task, verbs ...Verb) bool {
	begun := false
	for _, t := range tasks {
		switch {
		case !n.isOpen(t) || !slices.Contains(verbs, t.Verb):
		case t.Verb == Delete && t.Skip == "" && n.held:
			n.postponed = true
		default:
			begun = n.begin(t) || begun
		}
	}
	return begun
}

// beginHook creates a hook once that is recorded. One that is left from an earlier sync goes first: this operation
// runs what git has now.
func (n *stepper) beginHook(t Task) bool {
	r, planned := n.results[t.ID()]
	live := n.seen.Live[t.Key]
	switch {
	case live != nil && !t.Occupied && (!planned || !IsRunOf(live, t)):
		n.waitFor("deletion of " + t.Key.Path() + " of an earlier sync" + heldBy(withoutHook(live)))
		if n.holding = true; live.GetDeletionTimestamp() == nil || Held(live) {
			n.step.do(DoDeleteHook, t)
			return true
		}
		return false
	case !planned || !isPlanned(r) || !n.seen.Recorded[t.ID()]:
		n.set(Planned(t))
		n.step.Record = true
		return false
	}
	if t.Occupied && live != nil {
		n.set(Failed(t, fmt.Sprintf("%s %q is invalid: metadata.name: an object that no sync has made has this name; give the hook another, or have it replace what is there by %s: %s",
			t.Key.Kind, t.Key.Name, v1alpha1.HookDeletePolicyAnnotation, BeforeHookCreation)))
		return false
	}
	n.step.do(DoCreate, t)
	return true
}

// releaseHooks lets go of the hooks whose outcome is recorded, except those that their policy deletes.
func (n *stepper) releaseHooks() {
	for i, t := range n.plan.Tasks {
		live := n.seen.Live[t.Key]
		if n.hasEnded(i) && Held(live) && !n.goesByPolicy(t) {
			n.step.do(DoReleaseHook, t)
		}
	}
}

// deleteHooks deletes the hooks of a phase that is over, as their policies say; of all phases, when it names none.
func (n *stepper) deleteHooks(phase v1alpha1.HookType, which func(*unstructured.Unstructured) bool) {
	for i, t := range n.plan.Tasks {
		live := n.seen.Live[t.Key]
		if (phase != "" && t.Phase != phase) || !n.hasEnded(i) || !which(live) || !n.goesByPolicy(t) {
			continue
		}
		again := slices.ContainsFunc(n.step.Actions, func(a Action) bool { return a.Do == DoDeleteHook && a.Task.ID() == t.ID() })
		if !again && (Held(live) || live.GetDeletionTimestamp() == nil) {
			n.step.do(DoDeleteHook, t)
		}
	}
}

// hasEnded reports whether a task is a hook that is there, and whose outcome is recorded.
func (s *standing) hasEnded(i int) bool {
	t := s.plan.Tasks[i]
	r, begun := s.results[t.ID()]
	return begun && t.Verb == Hook && s.seen.Live[t.Key] != nil && s.seen.Recorded[t.ID()] && !isPlanned(r) &&
		r.HookPhase != v1alpha1.OperationRunning && !s.runsAgain(i)
}

// goesByPolicy reports whether a hook that has ended is to be deleted for how it ended. What no sync has made stays.
func (s *standing) goesByPolicy(t Task) bool {
	policy := HookSucceeded
	if s.results[t.ID()].HookPhase != v1alpha1.OperationSucceeded {
		policy = HookFailed
	}
	return !t.Occupied && slices.Contains(t.DeletePolicies, policy)
}

// runsAgain reports whether the hook of a task was begun once more, in a later phase.
func (s *standing) runsAgain(i int) bool {
	return slices.ContainsFunc(s.plan.Tasks[i+1:], func(t Task) bool {
		_, begun := s.results[t.ID()]
		return begun && t.Verb == Hook && t.Key == s.plan.Tasks[i].Key
	})
}

func (s *standing) failed(tasks []Task) []v1alpha1.ResourceResult {
	var all []v1alpha1.ResourceResult
	for _, t := range tasks {
		if r, ok := s.results[t.ID()]; ok && (r.HookPhase == v1alpha1.OperationFailed || r.HookPhase == v1alpha1.OperationError) {
			all = append(all, r)
		}
	}
	return all
}

// fail runs the hooks that a failure asks for, and then ends the sync. One of them that fails itself stops no other.
func (n *stepper) fail(failed []v1alpha1.ResourceResult) {
	for _, group := range n.plan.groups(v1alpha1.HookSyncFail) {
		begun := n.beginAll(group, Hook)
		n.wait(group)
		if begun || n.holding || n.step.Record {
			return
		}
	}
	var lines []string
	refused := false
	for _, r := range failed {
		refused = refused || r.Status == v1alpha1.ResultSyncFailed
		lines = append(lines, fmt.Sprintf("%s: %s", Key{r.Group, r.Kind, r.Namespace, r.Name}, r.Message))
	}
	what := "one or more synchronization tasks completed unsuccessfully"
	if refused {
		what = "one or more objects failed to apply"
	}
	n.end(v1alpha1.OperationFailed, what+", reason: "+strings.Join(lines, "; "))
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
	return fmt.Sprintf("; %d objects were left that git no longer has", count)
}
