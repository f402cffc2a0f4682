package devloop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/problem"
)

// removed is what a loop has removed at its end, of a namespace that was its own, or in which it made so many objects.
func removed(namespace string, own bool, made int) string {
	switch {
	case own:
		return "namespace " + namespace + " is being removed, with all that is in it"
	case made == 0:
		return "the loop made nothing in namespace " + namespace
	}
	return "what the loop made in namespace " + namespace + " is removed"
}

// close removes what the loop has made. The end of ctx does not keep it from that.
func (l *loop) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer cancel()
	l.tasks.Wait()
	l.builds.close()
	if l.claim == nil {
		return nil
	}
	if l.held != nil {
		return giveBack(ctx, l)
	}
	other, err := l.claim.takenBy(ctx)
	if err != nil {
		return err
	}
	if other != "" {
		l.report(Event{Kind: Removed, Text: fmt.Sprintf("namespace %s is left to %s, who works in it by now", l.claim.namespace, other)})
		return l.claim.note.remove()
	}
	if l.Keep {
		l.report(Event{Kind: Removed, Text: fmt.Sprintf("what runs in namespace %s is left; `cyan dev --cleanup` removes it", l.claim.namespace)})
		return errors.Join(l.claim.release(ctx), l.claim.note.write())
	}
	text := removed(l.claim.namespace, l.claim.own, len(l.applier.allMade()))
	err = l.applier.remove(ctx, func(ref apply.Ref) bool { return !l.claim.own || ref.Namespace != l.claim.namespace })
	if l.claim.own {
		err = errors.Join(err, removeNamespace(ctx, l.clients, l.claim.namespace, l.claim.loop))
	} else {
		err = errors.Join(err, l.claim.release(ctx))
	}
	if err != nil {
		return err
	}
	l.report(Event{Kind: Removed, Text: text})
	return l.claim.note.remove()
}

// ending is how a hand-over has ended, for the loop that had it.
type ending struct {
	// undone is set when what git wants is applied again, and what the loop added is gone.
	undone bool
	// by is who had taken the objects back before, and lapsed is set when the hold was not renewed in time.
	by     string
	lapsed bool
	// now is who has the objects by now; nil for nobody.
	now *handover.HandOver
}

// message returns what has become of an Application's objects.
func (e ending) message(app string) string {
	how := "Application " + app + " is given back"
	switch {
	case e.now.Held():
		return fmt.Sprintf("Application %s is left to %s, who has it since %s; git's state was back before", app, e.now.Holder, e.now.Since.UTC().Format(time.RFC3339))
	case e.by != "":
		how = "Application " + app + " was taken back by " + e.by
	case e.lapsed:
		how = "Application " + app + " was given back, because the hold on it was not renewed in time"
	}
	if e.undone {
		return how + ": what git wants is applied again, and what the loop added is removed"
	}
	return how + "; no controller has applied what git wants yet: does `cyan server` run?"
}

// release releases the Lease, and waits a while for what git wants to be applied again.
func (h *hold) release(ctx context.Context) (e ending, err error) {
	leases := h.clients.CoordinationV1().Leases(h.app.Namespace)
	mine, _ := h.taken()
	if mine == nil {
		return ending{undone: true}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, givenBackWithin)
	defer cancel()
	known := false
	err = wait.PollUntilContextCancel(ctx, lookEvery, true, func(ctx context.Context) (bool, error) {
		seen, err := leases.Get(ctx, mine.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			seen = nil
		case err != nil:
			return false, err
		}
		if !known {
			e, known = h.lost(mine, seen)
		}
		switch {
		case seen == nil, seen.UID != mine.UID:
			e.undone = true
			return true, nil
		case handover.Of(seen, 0).Holder == h.holder:
			_, err = leases.Update(ctx, handover.Release(seen, ""), metav1.UpdateOptions{})
			known = err == nil
			return false, ignoreRace(err)
		}
		return false, nil
	})
	if err != nil && ctx.Err() == nil {
		return e, fmt.Errorf("giving %s back: %w", h.name(), err)
	}
	return e, nil
}

// lost returns how the hand-over had ended before the loop gave it back, by what is seen of its Lease, nil for nothing;
// false when it had not.
func (h *hold) lost(mine, seen *coordinationv1.Lease) (e ending, had bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if seen == nil || seen.UID != mine.UID {
		now := handover.Of(seen, 0)
		return ending{by: h.lostTo, lapsed: h.lostTo == "", now: now}, true
	}
	if handover.Of(seen, 0).Holder == h.holder {
		return ending{}, false
	}
	by := cmp.Or(seen.Annotations[handover.ReclaimedAnnotation], h.lostTo)
	return ending{by: by, lapsed: by == ""}, true
}

// giveBack ends the hand-over.
func giveBack(ctx context.Context, l *loop) error {
	if _, err := l.held.stillThere(ctx); problem.Of(err) != nil && problem.KindOf(err) == problem.Absent {
		return removeAdded(ctx, l)
	}
	e, err := l.held.release(ctx)
	if err != nil {
		return err
	}
	l.report(Event{Kind: Removed, Text: e.message(l.held.app.Name)})
	if m, is := l.manner.(*handed); is {
		for _, line := range m.linesAtTheEnd() {
			l.report(Event{Kind: Removed, Text: line})
		}
	}
	return l.claim.note.remove()
}

// removeAdded removes what a loop has added to an Application that is deleted: no controller does. What was git's
// stays, as it is.
func removeAdded(ctx context.Context, l *loop) error {
	changed := ""
	if m, is := l.manner.(*handed); is {
		changed = leftChanged(m, l.applier.allMade())
	}
	lease, _ := l.held.taken()
	err := l.applier.remove(ctx, func(apply.Ref) bool { return true })
	if err := errors.Join(err, deleteLease(ctx, l.clients.CoordinationV1().Leases(lease.Namespace), lease.Name, lease.UID)); err != nil {
		return err
	}
	l.report(Event{Kind: Removed, Text: "Application " + l.held.app.Name + " is deleted: what the loop added is removed" + changed})
	return l.claim.note.remove()
}

// leftChanged names what of git's was changed, which is all but what was made.
func leftChanged(m *handed, made []Made) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for ref := range m.touched {
		if !slices.ContainsFunc(made, func(o Made) bool { return o.ref() == ref }) {
			names = append(names, ref.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "; as the loop has it stays " + strings.Join(names, ", ")
}

// deleteLease deletes a Lease, unless it is another one by now.
func deleteLease(ctx context.Context, leases coordinationclient.LeaseInterface, name string, uid types.UID) error {
	err := leases.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if ignoreRace(err) != nil {
		return fmt.Errorf("deleting Lease %s: %w", name, err)
	}
	return nil
}
