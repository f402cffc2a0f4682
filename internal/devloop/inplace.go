package devloop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/problem"
)

// InPlace has a loop work on the objects of an Application.
type InPlace struct {
	// Application is its name, or NAMESPACE/NAME; "" for the one that manages what is rendered.
	Application string
	// Control is the namespace of Applications, where those of all namespaces may not be listed.
	Control string
	// Promote switches Rollouts to each save.
	Promote bool
}

const (
	// lookEvery is the time between two looks at what is waited for.
	lookEvery = 200 * time.Millisecond
	// patience is how long a controller may take to answer until it is said that none does.
	patience = 15 * time.Second
	// givenBackWithin is how long the end of a loop waits until what git wants is applied again.
	givenBackWithin = 20 * time.Second
)

// errExpired is when the hold on an Application was not renewed in time.
var errExpired = errors.New("not renewed in time")

// hold is the hand-over of an Application's objects to this loop.
type hold struct {
	// read returns the Application as it is now.
	read    func(context.Context) (*v1alpha1.Application, error)
	clients kubernetes.Interface
	note    func(string)
	app     *v1alpha1.Application
	holder  string
	// end ends the loop for a reason.
	end context.CancelCauseFunc
	// lapsed is signalled when the hold has expired, so that it is taken again.
	lapsed chan struct{}

	mu    sync.Mutex
	lease *coordinationv1.Lease
	// renewed is by the clock on the wall: that goes on while a machine sleeps.
	renewed time.Time
	// lostTo is who has taken the objects back from this loop; "" for nobody.
	lostTo string
}

// holderOf names who develops, and where.
func holderOf(user string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return user + "@" + host
}

func (h *hold) name() string { return fmt.Sprintf("Application %q", h.app.Name) }

// take takes the Lease, and waits while what was done under another one is undone. before is the UID of one that a loop
// of this folder has held that runs no more: it is taken over.
func (h *hold) take(ctx context.Context, before string) error {
	leases := h.clients.CoordinationV1().Leases(h.app.Namespace)
	return h.await(ctx, "what was handed over before is undone", func(ctx context.Context) (bool, error) {
		at := time.Now()
		seen, err := leases.Get(ctx, handover.LeaseName(h.app.Name), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			seen = nil
		case err != nil:
			return false, err
		case string(seen.UID) != before && handover.Of(seen, 0).Holder == h.holder:
			return false, refuseAnother(h, seen)
		case string(seen.UID) == before && sinceRenewal(seen) >= handover.Duration:
			// It may be being undone: that is seen through, and then it is taken anew.
			_, err := leases.Update(ctx, handover.Release(seen, ""), metav1.UpdateOptions{})
			return false, ignoreRace(err)
		}
		wanted, err := handover.Take(seen, h.app.Namespace, h.app.Name, h.holder, 0, at)
		if problem.IsTemporary(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if seen == nil {
			wanted, err = leases.Create(ctx, wanted, metav1.CreateOptions{})
		} else {
			wanted, err = leases.Update(ctx, wanted, metav1.UpdateOptions{})
		}
		if err != nil {
			return false, ignoreRace(err)
		}
		h.set(wanted, at)
		return true, nil
	})
}

// refuseAnother is the error of a Lease that another loop of the same person and machine holds.
func refuseAnother(h *hold, seen *coordinationv1.Lease) error {
	return &problem.Error{
		Kind: problem.Refused, Object: h.name(), Cause: fmt.Sprintf("handed over to %s since %s, to another loop", h.holder, handover.Of(seen, 0).Since.UTC().Format(time.RFC3339)),
		Remedy: fmt.Sprintf("end that one, or take it back with `cyan app reclaim %s`", h.app.Name),
	}
}

func sinceRenewal(lease *coordinationv1.Lease) time.Duration {
	if lease.Spec.RenewTime == nil {
		return handover.Duration
	}
	return time.Since(lease.Spec.RenewTime.Time)
}

// ignoreRace drops an error of a write that another one came before.
func ignoreRace(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// await looks until done, and says after a while what is waited for.
func (h *hold) await(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	started := time.Now()
	err := wait.PollUntilContextCancel(ctx, lookEvery, true, func(ctx context.Context) (bool, error) {
		over, err := done(ctx)
		if !over && err == nil && time.Since(started) > patience {
			h.note(fmt.Sprintf("%s: still waiting until %s; does `cyan server` run for it?", h.name(), what))
		}
		return over, err
	})
	if err != nil && problem.Of(err) == nil && ctx.Err() == nil {
		return fmt.Errorf("%s: waiting until %s: %w", h.name(), what, err)
	}
	return err
}

// set keeps a Lease that was written. at is before the request: whoever sees it written reckons from no earlier.
func (h *hold) set(lease *coordinationv1.Lease, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lease, h.renewed = lease, at.Round(0)
}

func (h *hold) taken() (lease *coordinationv1.Lease, unrenewed time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lease, time.Now().Round(0).Sub(h.renewed)
}

// awaitFree waits until the controller lets go of the objects.
func (h *hold) awaitFree(ctx context.Context) error {
	shown := ""
	return h.await(ctx, "the controller hands it over", func(ctx context.Context) (bool, error) {
		lease, _ := h.taken()
		app, err := h.stillThere(ctx)
		if err != nil || ctx.Err() != nil {
			return false, err
		}
		said := conditionOf(app, v1alpha1.ConditionHandedOver)
		if said == handover.Of(lease, 0).Message(h.app.Name) {
			return true, nil
		}
		if said != shown && said != "" {
			shown = said
			h.note(h.name() + ": " + said)
		}
		return false, h.check(ctx)
	})
}

// stillThere returns the Application. That it is deleted ends the loop: no controller gives its objects back then.
func (h *hold) stillThere(ctx context.Context) (*v1alpha1.Application, error) {
	app, err := h.read(ctx)
	if err == nil && app.DeletionTimestamp != nil {
		err = deletedApplication(h.app.Name)
	}
	if problem.Of(err) != nil && problem.KindOf(err) == problem.Absent {
		h.end(err)
	}
	return app, err
}

func conditionOf(app *v1alpha1.Application, kind string) string {
	for _, c := range app.Status.Conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

// check renews the Lease when that is due.
func (h *hold) check(ctx context.Context) error {
	if _, unrenewed := h.taken(); unrenewed < handover.Renewal {
		return nil
	}
	return h.renew(ctx)
}

// renew renews the Lease, with objects that are about to be applied listed as well. When it is not this loop's any more
// it ends the loop, or, where it has expired only, has it taken again.
func (h *hold) renew(ctx context.Context, objects ...handover.Object) error {
	leases := h.clients.CoordinationV1().Leases(h.app.Namespace)
	for {
		mine, unrenewed := h.taken()
		at := time.Now()
		seen, err := leases.Get(ctx, mine.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			seen = nil
		case err != nil:
			return fmt.Errorf("renewing the hold on %s: %w", h.name(), err)
		}
		if err := h.judge(ctx, mine, seen, unrenewed); err != nil {
			return err
		}
		next, err := handover.WithObjects(handover.Renew(seen, at), objects...)
		if err != nil {
			return err
		}
		next, err = leases.Update(ctx, next, metav1.UpdateOptions{})
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("renewing the hold on %s: %w", h.name(), err)
		}
		h.set(next, at)
		return nil
	}
}

// judge returns why the Lease is not this loop's any more, and sees to what follows from that; nil when it is.
func (h *hold) judge(ctx context.Context, mine, seen *coordinationv1.Lease, unrenewed time.Duration) error {
	switch standing, by := handover.StandingOf(mine, seen, unrenewed); standing {
	case handover.StandingReclaimed:
		h.mu.Lock()
		h.lostTo = by
		h.mu.Unlock()
		err := &problem.Error{Kind: problem.Refused, Object: h.name(), Cause: "taken back by " + by, Remedy: "what git wants is applied again; ask there, and start the loop anew"}
		h.end(err)
		return err
	case handover.StandingExpired:
		if seen != nil && seen.UID == mine.UID && handover.Of(seen, 0).Held() {
			if _, err := h.clients.CoordinationV1().Leases(h.app.Namespace).Update(ctx, handover.Release(seen, ""), metav1.UpdateOptions{}); ignoreRace(err) != nil {
				return err
			}
		}
		select {
		case h.lapsed <- struct{}{}:
		default:
		}
		cause := "given back, because the hold on it could not be renewed in time"
		if unrenewed < handover.Duration {
			cause = "given back, because the hold on it was not renewed in time by the clock of the controller, which may have been set"
		}
		return &problem.Error{Kind: problem.Unreachable, Object: h.name(), Cause: cause, Remedy: "the loop takes it again", Err: errExpired}
	case handover.StandingHeld:
	}
	return nil
}

// keep renews the Lease until ctx ends, and notices at once when it is taken back.
func (h *hold) keep(ctx context.Context, failed func(error)) {
	changed := h.watch(ctx)
	tick := time.NewTicker(handover.Renewal)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err = h.renew(ctx); err == nil {
				// Where it cannot be read, the next deployment names the reason.
				_, _ = h.stillThere(ctx)
			}
		case seen := <-changed:
			// What is older than what was taken is of the hand-over before.
			if mine, unrenewed := h.taken(); seen.UID == mine.UID {
				err = h.judge(ctx, mine, seen, unrenewed)
			}
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, errExpired) && problem.KindOf(err) != problem.Refused {
			failed(err)
		}
	}
}

// watch returns the Lease whenever it changes. Where it may not be watched, the renewals find what has become of it.
func (h *hold) watch(ctx context.Context) <-chan *coordinationv1.Lease {
	changed := make(chan *coordinationv1.Lease)
	factory := informers.NewSharedInformerFactoryWithOptions(h.clients, 0, informers.WithNamespace(h.app.Namespace), informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, handover.LeaseName(h.app.Name)).String()
	}))
	_, err := factory.Coordination().V1().Leases().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(_, object any) {
		if lease, is := object.(*coordinationv1.Lease); is {
			select {
			case changed <- lease:
			case <-ctx.Done():
			}
		}
	}})
	if err == nil {
		factory.Start(ctx.Done())
	}
	return changed
}

// readApplication reads one Application.
func readApplication(ctx context.Context, reader *live.Reader, name types.NamespacedName) (*v1alpha1.Application, error) {
	seen, err := reader.Client.Get(ctx, v1alpha1.GroupVersion.WithKind(v1alpha1.ApplicationKind), name.Namespace, name.Name)
	if err != nil {
		return nil, err
	}
	if seen == nil {
		return nil, deletedApplication(name.Name)
	}
	app := &v1alpha1.Application{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(seen.Object, app); err != nil {
		return nil, fmt.Errorf("reading Application %s: %w", name, err)
	}
	return app, nil
}

// returned is signalled when the hold has expired; it is nil, which never is, for none.
func (h *hold) returned() <-chan struct{} {
	if h == nil {
		return nil
	}
	return h.lapsed
}

// deletedApplication is the error of an Application that is deleted, or being deleted, while a loop has its objects.
func deletedApplication(name string) error {
	return &problem.Error{Kind: problem.Absent, Object: fmt.Sprintf("Application %q", name), Cause: "deleted", Remedy: "start the loop without --in-place, or create the Application again"}
}
