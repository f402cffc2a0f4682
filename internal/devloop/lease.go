package devloop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// leaseName is the Lease by which one loop at a time works on a namespace of its own; in any other it is followed by
	// the name of the project, so that loops of several work side by side.
	leaseName = "cyan-dev"
	// heldFor is how long a loop that is not heard of holds the Lease; it is renewed well before.
	heldFor    = 60 * time.Second
	renewEvery = 15 * time.Second
)

// namespaceLease is the Lease of a namespace, for one loop.
type namespaceLease struct {
	clients   kubernetes.Interface
	namespace string
	// name is that of the Lease.
	name string
	loop string
	// holder is who this loop is in the Lease.
	holder string
	// end ends the loop for a reason.
	end func(error)
	// gone is called when the namespace is, or goes; nil drops it.
	gone func()

	mu sync.Mutex
	// renewed is when the Lease was written last, by the clock on the wall: that goes on while a machine sleeps.
	renewed time.Time
}

// holderName names this process.
func holderName(user string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s@%s/%d", user, host, os.Getpid())
}

// hold takes the Lease of the namespace, or renews it.
func (l *namespaceLease) hold(ctx context.Context) error {
	leases := l.clients.CoordinationV1().Leases(l.namespace)
	for {
		at := time.Now()
		lease, err := leases.Get(ctx, l.name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: l.name, Labels: map[string]string{desired.LoopLabel: l.loop}}}
			l.stamp(lease, at)
			_, err = leases.Create(ctx, lease, metav1.CreateOptions{FieldManager: leaseManager})
		case err == nil:
			if err = l.mayTake(ctx, lease); problem.Of(err) != nil {
				return err
			}
			if err == nil {
				l.stamp(lease, at)
				_, err = leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: leaseManager})
			}
		}
		if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
			continue
		}
		if isGone(err) {
			return &problem.Error{Kind: problem.Absent, Object: "namespace " + l.namespace, Cause: "deleted", Remedy: "create it again, or end the loop", Err: err}
		}
		if err != nil {
			return fmt.Errorf("taking Lease %s/%s: %w", l.namespace, l.name, err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		// What is measured from is before the request: nobody else reckons from earlier.
		l.renewed = at.Round(0)
		return nil
	}
}

// isGone reports of the error of a write whether the namespace of what was written is deleted, or being deleted.
func isGone(err error) bool {
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		return false
	}
	details := status.ErrStatus.Details
	return apierrors.HasStatusCause(status, corev1.NamespaceTerminatingCause) || apierrors.IsNotFound(status) && details != nil && details.Kind == "namespaces"
}

// leaseManager is who owns the fields of Leases.
const leaseManager = "cyan"

// mayTake returns an error that names which other loop holds the Lease; nil when none does.
func (l *namespaceLease) mayTake(ctx context.Context, lease *coordinationv1.Lease) error {
	other, err := l.otherOf(ctx, lease)
	if err != nil || other == "" {
		return err
	}
	since := lease.CreationTimestamp.Time
	if at := lease.Spec.AcquireTime; at != nil {
		since = at.Time
	}
	return &problem.Error{
		Kind: problem.Refused, Object: "namespace " + l.namespace, Cause: fmt.Sprintf("%s works in it since %s", other, since.Format(time.TimeOnly)),
		Remedy: "end that loop, or wait a minute if it has crashed",
	}
}

// otherOf returns which other loop holds the Lease; "" when none does. A holder on this machine that does not run any
// more does not hold it either.
func (l *namespaceLease) otherOf(ctx context.Context, lease *coordinationv1.Lease) (other string, err error) {
	holder := lease.Spec.HolderIdentity
	if holder == nil || *holder == "" || *holder == l.holder || lease.Spec.RenewTime == nil || l.isDead(*holder) {
		return "", nil
	}
	idle, err := l.idle(ctx, lease)
	if err != nil || idle > heldFor {
		return "", err
	}
	return *holder, nil
}

// idle is how long nobody has written a Lease. The clock is that of the API server, which says of each write when it
// was: those of the machines that loops run on may differ from one another.
func (l *namespaceLease) idle(ctx context.Context, lease *coordinationv1.Lease) (time.Duration, error) {
	touched, at := lease.DeepCopy(), metav1.NowMicro()
	touched.Spec.RenewTime = &at
	now, err := l.clients.CoordinationV1().Leases(l.namespace).Update(ctx, touched, metav1.UpdateOptions{FieldManager: leaseManager, DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return 0, err
	}
	before, after := writtenAt(lease), writtenAt(now)
	if before.IsZero() || after.IsZero() {
		return time.Since(lease.Spec.RenewTime.Time), nil
	}
	return after.Sub(before), nil
}

// writtenAt is when an object was written last, by the clock of the API server.
func writtenAt(lease *coordinationv1.Lease) time.Time {
	var latest time.Time
	for _, entry := range lease.ManagedFields {
		if entry.Time != nil && entry.Time.After(latest) {
			latest = entry.Time.Time
		}
	}
	return latest
}

// isDead reports whether a holder was a process of this user and machine, and runs no more.
func (l *namespaceLease) isDead(holder string) bool {
	mine, at := strings.LastIndex(l.holder, "/"), strings.LastIndex(holder, "/")
	if mine != at || at < 0 || l.holder[:mine] != holder[:at] {
		return false
	}
	pid, err := strconv.Atoi(holder[at+1:])
	return err == nil && !isRunning(pid)
}

func (l *namespaceLease) stamp(lease *coordinationv1.Lease, now time.Time) {
	at, seconds := metav1.NewMicroTime(now), int32(heldFor.Seconds())
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity != l.holder {
		lease.Spec.AcquireTime = &at
	}
	lease.Spec.HolderIdentity, lease.Spec.RenewTime, lease.Spec.LeaseDurationSeconds = &l.holder, &at, &seconds
}

// keep renews the Lease until ctx ends. What goes wrong is tried again, and told once until it goes well; that another
// loop has it ends this one.
func (l *namespaceLease) keep(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	told := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			err := l.renew(ctx)
			if err != nil && !told && ctx.Err() == nil && problem.KindOf(err) != problem.Refused && (l.gone == nil || !isGone(err)) {
				failed(err)
			}
			told = err != nil
		}
	}
}

// check renews the Lease where it may be another loop's by now, as after a machine has slept.
func (l *namespaceLease) check(ctx context.Context) error {
	l.mu.Lock()
	unrenewed := time.Now().Round(0).Sub(l.renewed)
	l.mu.Unlock()
	if unrenewed < heldFor {
		return nil
	}
	return l.renew(ctx)
}

// renew renews the Lease. When another loop has it, this one ends.
func (l *namespaceLease) renew(ctx context.Context) error {
	err := l.hold(ctx)
	if problem.Of(err) != nil && problem.KindOf(err) == problem.Refused {
		l.end(err)
	}
	l.heard(err)
	return err
}

// heard has it told where a write failed because the namespace is gone, or goes.
func (l *namespaceLease) heard(err error) {
	if l.gone != nil && isGone(err) {
		l.gone()
	}
}

// takenBy returns which other loop has the Lease by now; "" for none. Then all that is there is that one's.
func (l *namespaceLease) takenBy(ctx context.Context) (other string, err error) {
	lease, err := l.clients.CoordinationV1().Leases(l.namespace).Get(ctx, l.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading Lease %s/%s: %w", l.namespace, l.name, err)
	}
	return l.otherOf(ctx, lease)
}

// release deletes the Lease, unless it is another loop's.
func (l *namespaceLease) release(ctx context.Context) error {
	leases := l.clients.CoordinationV1().Leases(l.namespace)
	lease, err := leases.Get(ctx, l.name, metav1.GetOptions{})
	if err == nil && lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != l.holder {
		return nil
	}
	if err == nil {
		err = leases.Delete(ctx, l.name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &lease.UID}})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("giving Lease %s/%s back: %w", l.namespace, l.name, err)
	}
	return nil
}

// leaseName is the Lease of the loop of a note.
func (n RunNote) leaseName() string {
	if n.Own {
		return leaseName
	}
	return leaseName + "-" + n.Loop
}
