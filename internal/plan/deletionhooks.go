package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
)

// deletionFinalizers are the finalizers of an Application whose source has hooks of a phase of its deletion.
var deletionFinalizers = map[v1alpha1.HookType]string{
	v1alpha1.HookPreDelete: v1alpha1.PreDeleteFinalizer, v1alpha1.HookPostDelete: v1alpha1.PostDeleteFinalizer,
}

func isOfDeletion(phase v1alpha1.HookType) bool { return deletionFinalizers[phase] != "" }

// FinalizersOf returns the finalizers of a phase of the deletion: the one that stays until its hooks have succeeded,
// and the one that stays until they are cleaned up.
func FinalizersOf(phase v1alpha1.HookType) (run, cleanup string) {
	return deletionFinalizers[phase], deletionFinalizers[phase] + v1alpha1.CleanupFinalizer
}

// WithHookFinalizers returns the finalizers of an Application with those of the deletion hooks that git has, and
// without those of hooks that it has not.
func WithHookFinalizers(finalizers []string, desired []Desired) []string {
	all := slices.Clone(finalizers)
	for _, phase := range []v1alpha1.HookType{v1alpha1.HookPreDelete, v1alpha1.HookPostDelete} {
		run, cleanup := FinalizersOf(phase)
		wanted := slices.ContainsFunc(desired, func(d Desired) bool { return runsIn(d, phase) })
		for _, finalizer := range []string{run, cleanup} {
			switch has := slices.Contains(all, finalizer); {
			case wanted && !has:
				all = append(all, finalizer)
			case !wanted && has:
				all = slices.DeleteFunc(all, func(f string) bool { return f == finalizer })
			}
		}
	}
	return all
}

// withoutHookFinalizers returns the finalizers of an Application without those of deletion hooks.
func withoutHookFinalizers(finalizers []string) []string { return WithHookFinalizers(finalizers, nil) }

// AwaitsHooks reports whether the finalizers of an Application have its deletion wait for hooks.
func AwaitsHooks(finalizers []string) bool {
	return len(withoutHookFinalizers(finalizers)) < len(finalizers)
}

// UnservedFinalizers returns the finalizers of an Application that look like those which are served, and are not.
func UnservedFinalizers(finalizers []string) []string {
	served := []string{v1alpha1.ResourcesFinalizer, v1alpha1.ResourcesFinalizerForeground, v1alpha1.ResourcesFinalizerBackground}
	return slices.DeleteFunc(withoutHookFinalizers(finalizers), func(f string) bool {
		name, _, _ := strings.Cut(f, "/")
		return slices.Contains(served, f) || !strings.HasSuffix(name, "argocd.argoproj.io")
	})
}

// runsIn reports whether a desired object is a hook that runs in a phase.
func runsIn(d Desired, phase v1alpha1.HookType) bool {
	of := phasesOf(d)
	return slices.Contains(of, phase) && !slices.Contains(of, v1alpha1.HookSkip)
}

// OfDeletion returns the desired objects that are hooks of the deletion.
func OfDeletion(desired []Desired) []Desired {
	var all []Desired
	for _, d := range desired {
		if runsIn(d, v1alpha1.HookPreDelete) || runsIn(d, v1alpha1.HookPostDelete) {
			all = append(all, d)
		}
	}
	return all
}

// DeletionHooks returns the runs of the hooks of one phase of a deletion, in their order. The policy's StartedAt is
// when the Application was deleted.
func DeletionHooks(desired []Desired, phase v1alpha1.HookType, policy Policy) []Task {
	var all []Task
	for _, d := range desired {
		if runsIn(d, phase) {
			all = append(all, newRun(d, phase, policy))
		}
	}
	slices.SortStableFunc(all, compareTasks)
	return all
}

// HookStep is what to do now in one phase of a deletion.
type HookStep struct {
	Create []Task
	// Delete are live hooks that make room for the run of this deletion: left from before, or failed.
	Delete []*unstructured.Unstructured
	// Held is what holds the deletion up, a line for each hook that has failed or takes long.
	Held []string
	// Done is set once every hook has succeeded.
	Done bool
}

// NextHooks returns what to do now for the hooks of a phase of a deletion: a wave is begun when the one before has
// succeeded. A hook that has failed stays, and holds the deletion, until somebody deletes it or git defines it in
// another way: then it runs again. One that has succeeded never does.
func NextHooks(runs []Task, live map[Key]*unstructured.Unstructured, judge health.Judge, now time.Time) HookStep {
	step := HookStep{Done: true}
	for i, t := range runs {
		if !step.Done && t.Wave != runs[i-1].Wave {
			return step
		}
		if !step.take(t, live[t.Key], judge, now) {
			step.Done = false
		}
	}
	return step
}

// take goes on with one hook, and reports whether it has succeeded.
func (s *HookStep) take(t Task, live *unstructured.Unstructured, judge health.Judge, now time.Time) bool {
	if live == nil {
		s.Create = append(s.Create, t)
		return false
	}
	name := fmt.Sprintf("%s hook %s", t.Phase, t.Key)
	phase, message := hookOutcome(judge, live)
	switch {
	case !isRunOfSame(live, t):
		s.replace(live, name+" of an earlier run", now)
	case phase == v1alpha1.OperationSucceeded:
		return true
	case phase == v1alpha1.OperationRunning:
		if since := live.GetCreationTimestamp().Time; now.Sub(since) > heldAfter {
			s.Held = append(s.Held, fmt.Sprintf("%s: not completed since %s; see its logs and events", name, since.UTC().Format(time.TimeOnly)))
		}
	case live.GetDeletionTimestamp() != nil, !IsRunOf(live, t):
		s.replace(live, name, now)
	default:
		s.Held = append(s.Held, fmt.Sprintf("%s: failed (%s); mend it in git, or delete it to have it run again", name, message))
	}
	return false
}

// replace has a live hook go, unless only others hold it.
func (s *HookStep) replace(live *unstructured.Unstructured, name string, now time.Time) {
	at := live.GetDeletionTimestamp()
	switch {
	case at == nil || Held(live):
		s.Delete = append(s.Delete, live)
	case now.Sub(at.Time) > heldAfter:
		s.Held = append(s.Held, fmt.Sprintf("%s: being deleted since %s%s; remove what holds it", name, at.UTC().Format(time.TimeOnly), heldBy(live)))
	}
}

// isRunOfSame reports whether a live hook was created by the same deletion and for the same phase as a task, whatever
// its definition.
func isRunOfSame(live *unstructured.Unstructured, t Task) bool {
	mark := t.Object.GetAnnotations()[v1alpha1.HookRunAnnotation]
	return strings.HasPrefix(live.GetAnnotations()[v1alpha1.HookRunAnnotation], mark[:strings.LastIndex(mark, "/")+1])
}

// isRunIn reports whether a live object is a hook that the deletion of its Application has created in a phase.
func isRunIn(live *unstructured.Unstructured, phase v1alpha1.HookType, policy Policy) bool {
	return strings.HasPrefix(live.GetAnnotations()[v1alpha1.HookRunAnnotation], runOf(policy.StartedAt, phase))
}

// Cleanup returns the hooks of a phase of a deletion that has ended: those that go by their policies, and those that
// stay and are only let go of.
func Cleanup(live []Live, phase v1alpha1.HookType, policy Policy) (gone, released []*unstructured.Unstructured) {
	for _, l := range live {
		switch {
		case policy.Tracking.OwnerOf(l.Object) != policy.Instance || !isRunIn(l.Object, phase, policy):
		case slices.Contains(deletePolicies(l.Object), HookSucceeded) && (l.Object.GetDeletionTimestamp() == nil || Held(l.Object)):
			gone = append(gone, l.Object)
		case Held(l.Object):
			released = append(released, l.Object)
		}
	}
	return gone, released
}
