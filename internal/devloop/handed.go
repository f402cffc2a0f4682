package devloop

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
)

// handed is the manner of a loop in place: what it applies is listed in the Lease before, nothing of git's is deleted,
// and of what serves a preview is changed alone.
type handed struct {
	*hold
	reader    *live.Reader
	bounds    project.Bounds
	switching desired.Switching

	mu sync.Mutex
	// workloads are the Deployments whose pods Rollouts run.
	workloads []string
	// touched are the objects that differ from what is there, and were listed.
	touched map[apply.Ref]bool
	// waysBack are what a person has to do once the objects are given back.
	waysBack map[apply.Ref]string
}

// begin waits until the objects may be applied, and lists those that are going to be changed.
func (m *handed) begin(ctx context.Context, objects []*unstructured.Unstructured) error {
	if err := m.awaitFree(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	m.workloads = append(m.workloads, desired.Workloads(objects)...)
	m.mu.Unlock()
	listed, err := m.list(ctx, objects)
	if err != nil {
		return err
	}
	return m.renew(ctx, listed...)
}

// list returns the objects that are going to be changed, as a Lease lists them.
func (m *handed) list(ctx context.Context, objects []*unstructured.Unstructured) ([]handover.Object, error) {
	all := make([]*handover.Object, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(appliesAtOnce)
	for i, object := range objects {
		group.Go(guarded(func() error {
			ref := apply.RefOf(object)
			seen, err := m.reader.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
			if err != nil {
				return err
			}
			if err := m.mayApply(object, seen); err != nil {
				return err
			}
			m.mu.Lock()
			touched := m.touched[ref]
			m.mu.Unlock()
			if touched || !m.differs(ctx, object, seen) {
				return nil
			}
			all[i] = &handover.Object{Group: ref.Kind.Group, Version: ref.Kind.Version, Kind: ref.Kind.Kind, Namespace: ref.Namespace, Name: ref.Name}
			return nil
		}))
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var listed []handover.Object
	for i, o := range all {
		if o != nil {
			listed = append(listed, *o)
			m.touched[apply.RefOf(objects[i])] = true
		}
	}
	return listed, nil
}

// differs reports whether applying an object would change what is there. What cannot be tried would.
func (m *handed) differs(ctx context.Context, object, seen *unstructured.Unstructured) bool {
	if seen == nil {
		return true
	}
	tried, err := m.reader.Client.ApplyAs(ctx, handover.FieldManager, m.part(object, seen), seen, apply.DryRun)
	if err != nil {
		return true
	}
	return !reflect.DeepEqual(contentOf(tried.Object), contentOf(seen))
}

// contentOf returns an object without what the server keeps of it.
func contentOf(object *unstructured.Unstructured) map[string]any {
	content := object.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(content.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(content.Object, "status")
	if desired.IsBlueGreen(content) {
		// When a version takes the traffic matters once there is another version.
		unstructured.RemoveNestedField(content.Object, "spec", "strategy")
	}
	return content.Object
}

// part returns what is applied of an object.
func (m *handed) part(object, seen *unstructured.Unstructured) *unstructured.Unstructured {
	if seen != nil && !m.added(seen) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return desired.Part(object, seen, m.workloads, m.switching)
	}
	mine := object.DeepCopy()
	labels := maps.Clone(mine.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels[handover.Label] = m.id()
	mine.SetLabels(labels)
	return mine
}

// id is what marks objects that were added under the Lease that is held.
func (m *handed) id() string {
	lease, _ := m.taken()
	return string(lease.UID)
}

// added reports whether this loop has added an object.
func (m *handed) added(seen *unstructured.Unstructured) bool {
	return seen.GetLabels()[handover.Label] == m.id()
}

// mayApply returns why an object must be left alone: one of somebody else's, or one that could not be taken away again.
func (m *handed) mayApply(object, seen *unstructured.Unstructured) error {
	ref := apply.RefOf(object)
	key := plan.Key{Group: ref.Kind.Group, Kind: ref.Kind.Kind, Namespace: ref.Namespace, Name: ref.Name}
	if seen == nil {
		_, namespaced, _ := m.reader.Resource(ref.Kind)
		if m.bounds.Permit(key, map[schema.GroupKind]bool{ref.Kind.GroupKind(): !namespaced}) {
			return nil
		}
		return &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: fmt.Sprintf("AppProject %q of %s does not permit it", cmp.Or(m.app.Spec.Project, v1alpha1.DefaultProject), m.name()), Remedy: "leave it out, or have the project permit it"}
	}
	switch owner := m.reader.Tracking.OwnerOf(seen); {
	case m.added(seen), owner == m.app.Name, owner == m.app.Namespace+"_"+m.app.Name:
		return nil
	case owner != "":
		return &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: "Application " + owner + " deploys it, and the loop has " + m.name(), Remedy: "leave it out of what the loop deploys"}
	case desired.Lists(m.app, seen):
		return nil
	}
	return &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: "there already, and " + m.name() + " does not manage it", Remedy: "give it another name, or leave it out of what the loop deploys"}
}

// write applies an object where it was listed.
func (m *handed) write(ctx context.Context, object, seen *unstructured.Unstructured) (apply.Outcome, error) {
	ref := apply.RefOf(object)
	m.mu.Lock()
	touched := m.touched[ref]
	m.mu.Unlock()
	if !touched {
		return apply.Outcome{Change: apply.Unchanged, Object: seen}, nil
	}
	if seen != nil && !m.added(seen) {
		m.tell(object, seen)
	}
	m.noteWayBack(ref, object, seen)
	outcome, err := m.reader.Client.ApplyAs(ctx, handover.FieldManager, m.part(object, seen), seen, apply.Real)
	if apply.ReasonOf(err) != apply.ReasonImmutable {
		return outcome, err
	}
	if !m.added(seen) {
		return outcome, &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: problem.Of(err).Cause, Remedy: "nothing of git's is deleted in place: undo that change, or leave --in-place out", Err: err}
	}
	return m.replace(ctx, object, seen)
}

// noteWayBack notes what a person has to do at the end, where each save takes the traffic.
func (m *handed) noteWayBack(ref apply.Ref, object, seen *unstructured.Unstructured) {
	if m.switching != desired.SwitchEach || seen == nil || m.added(seen) {
		return
	}
	if line := desired.WayBack(object); line != "" {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.waysBack[ref] = line
	}
}

// linesAtTheEnd returns what a person has to do once the objects are given back.
func (m *handed) linesAtTheEnd() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Values(m.waysBack))
}

// replace makes an object anew that the loop has added itself.
func (m *handed) replace(ctx context.Context, object, seen *unstructured.Unstructured) (outcome apply.Outcome, err error) {
	if _, err := m.reader.Client.Delete(ctx, seen, metav1.DeletePropagationForeground, apply.Real); err != nil {
		return outcome, err
	}
	ref := apply.RefOf(object)
	if err := awaitGone(ctx, m.reader, ref); err != nil {
		return outcome, err
	}
	outcome, err = m.reader.Client.ApplyAs(ctx, handover.FieldManager, m.part(object, nil), nil, apply.Real)
	outcome.Change = apply.Recreated
	return outcome, err
}

// tell shows what of an object is not as it is written, and what serves already and changes with it.
func (m *handed) tell(object, seen *unstructured.Unstructured) {
	if !desired.IsBlueGreen(seen) {
		if line := desired.Affects(object); line != "" {
			m.note(line)
		}
		return
	}
	if left := desired.LeftToGit(object, seen); len(left) > 0 {
		m.note(fmt.Sprintf("Rollout %s: %s as git has it; in place only the pod template is applied", object.GetName(), strings.Join(left, ", ")))
	}
}

// forget has every object looked at again, as under another Lease.
func (m *handed) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.touched)
}

// whyKept keeps what the loop has not added.
func (m *handed) whyKept(_ context.Context, seen *unstructured.Unstructured) (string, error) {
	if !m.added(seen) || m.reader.Tracking.OwnerOf(seen) != "" {
		return m.name() + " manages it", nil
	}
	return "", nil
}

// isAtRest reports whether a Rollout waits for a person, which in place is where it should be.
func (m *handed) isAtRest(health v1alpha1.HealthStatusCode) bool {
	return m.switching == desired.SwitchAsked && health == v1alpha1.HealthSuspended
}
