package devloop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
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
	// removedWithin bounds the wait for a namespace to be gone.
	removedWithin = 2 * time.Minute
)

// rootAnnotation is where the project is that a namespace was made for.
const rootAnnotation = "cyan.dev/dev-root"

// claim is the hold of a loop on its namespace.
type claim struct {
	clients   kubernetes.Interface
	namespace string
	own       bool
	loop      string
	lease     string
	// makes is set when the manifests have the namespace itself.
	makes  bool
	holder string
	note   RunNote
	// say shows something to know; nil drops it.
	say func(string)
}

// holderName names this process.
func holderName(user string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s@%s/%d", user, host, os.Getpid())
}

// take makes the namespace, where it is the loop's own, and takes the Lease. Before it makes anything it notes what a
// crash would leave.
func (c *claim) take(ctx context.Context, root string) error {
	if err := c.leftBehind(); err != nil {
		return err
	}
	c.note.Root = root
	if err := c.note.write(); err != nil {
		return err
	}
	found := c.find
	if c.own {
		found = func(ctx context.Context, _ bool) error { return c.makeNamespace(ctx, root) }
	}
	if err := found(ctx, c.makes); err != nil {
		return errors.Join(err, c.note.remove())
	}
	return c.hold(ctx)
}

// leftBehind takes over the note of a loop of the same namespace that has ended without seeing to it.
func (c *claim) leftBehind() error {
	notes, err := Notes(filepath.Dir(c.note.path))
	if err != nil {
		return err
	}
	for _, n := range notes {
		if n.path != c.note.path {
			continue
		}
		if n.Alive() {
			return &problem.Error{
				Kind: problem.Refused, Object: c.on(), Cause: fmt.Sprintf("another loop of %s has it since %s (process %d)", n.Root, n.Started.Format(time.TimeOnly), n.PID),
				Remedy: c.instead(),
			}
		}
		c.note.Made, c.note.Lease = n.Made, n.Lease
	}
	return nil
}

// on names what the loop works on.
func (c *claim) on() string {
	if c.note.leased() {
		return "Application " + c.note.Application
	}
	return "namespace " + c.namespace
}

// instead is what a loop may do that finds another one where it wants to work.
func (c *claim) instead() string {
	if c.note.leased() {
		return "end that one, or leave --in-place out, so that this one has a namespace of its own"
	}
	return "end that one, or give this one a namespace with --namespace"
}

func (c *claim) makeNamespace(ctx context.Context, root string) error {
	namespaces := c.clients.CoreV1().Namespaces()
	wanted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: c.namespace, Labels: map[string]string{desired.LoopLabel: c.loop}, Annotations: map[string]string{rootAnnotation: root},
	}}
	var goes *corev1.Namespace
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, removedWithin, true, func(ctx context.Context) (bool, error) {
		_, err := namespaces.Create(ctx, wanted, metav1.CreateOptions{FieldManager: "cyan"})
		if !apierrors.IsAlreadyExists(err) {
			return err == nil, err
		}
		there, err := namespaces.Get(ctx, c.namespace, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return false, nil
		case err != nil:
			return false, err
		case there.Labels[desired.LoopLabel] != c.loop:
			return false, &problem.Error{Kind: problem.Refused, Object: "namespace " + c.namespace, Cause: "there already, and no dev loop has made it", Remedy: "name it with --namespace to work in it all the same"}
		}
		// One that goes away is made anew once it is gone; what a loop has left is taken over.
		if there.DeletionTimestamp == nil {
			return true, nil
		}
		if goes == nil && c.say != nil {
			c.say("namespace " + c.namespace + " of the loop before is still being removed; this one begins when it is gone")
		}
		goes = there
		return false, nil
	})
	if goes != nil && wait.Interrupted(err) && ctx.Err() == nil {
		return &problem.Error{
			Kind: problem.Negative, Object: "namespace " + c.namespace, Cause: fmt.Sprintf("still being removed after %s%s", removedWithin, heldUpBy(goes)),
			Remedy: "remove what holds it up, or name another one with --namespace", Err: err,
		}
	}
	if err != nil && problem.Of(err) == nil {
		err = fmt.Errorf("making namespace %s: %w", c.namespace, err)
	}
	return err
}

// heldUpBy is what keeps a namespace from being gone, as its conditions have it.
func heldUpBy(namespace *corev1.Namespace) string {
	var why strings.Builder
	for _, condition := range namespace.Status.Conditions {
		if condition.Status == corev1.ConditionTrue {
			why.WriteString(": " + condition.Message)
		}
	}
	return why.String()
}

// hold takes the Lease of the namespace.
func (c *claim) hold(ctx context.Context) error {
	leases := c.clients.CoordinationV1().Leases(c.namespace)
	for {
		lease, err := leases.Get(ctx, c.lease, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: c.lease, Labels: map[string]string{desired.LoopLabel: c.loop}}}
			c.stamp(lease, time.Now())
			_, err = leases.Create(ctx, lease, metav1.CreateOptions{FieldManager: "cyan"})
		case err == nil:
			if err := c.mayTake(lease, time.Now()); err != nil {
				return err
			}
			c.stamp(lease, time.Now())
			_, err = leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: "cyan"})
		}
		if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("taking Lease %s/%s: %w", c.namespace, c.lease, err)
		}
		return nil
	}
}

// mayTake returns who holds the Lease; nil when nobody does. A holder on this machine that does not run any more does
// not hold it either.
func (c *claim) mayTake(lease *coordinationv1.Lease, now time.Time) error {
	holder, renewed := lease.Spec.HolderIdentity, lease.Spec.RenewTime
	if holder == nil || *holder == "" || *holder == c.holder || renewed == nil || now.Sub(renewed.Time) > heldFor || c.isDead(*holder) {
		return nil
	}
	return &problem.Error{
		Kind: problem.Refused, Object: "namespace " + c.namespace, Cause: fmt.Sprintf("%s works in it since %s", *holder, lease.Spec.AcquireTime.Format(time.TimeOnly)),
		Remedy: "end that loop, or wait a minute if it has crashed",
	}
}

// isDead reports whether a holder was a process of this user and machine, and runs no more.
func (c *claim) isDead(holder string) bool {
	var pid int
	mine := c.holder[:len(c.holder)-len(fmt.Sprint(os.Getpid()))]
	if len(holder) <= len(mine) || holder[:len(mine)] != mine {
		return false
	}
	if _, err := fmt.Sscan(holder[len(mine):], &pid); err != nil {
		return false
	}
	return !RunNote{PID: pid}.Alive()
}

func (c *claim) stamp(lease *coordinationv1.Lease, now time.Time) {
	at, seconds := metav1.NewMicroTime(now), int32(heldFor.Seconds())
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity != c.holder {
		lease.Spec.AcquireTime = &at
	}
	lease.Spec.HolderIdentity, lease.Spec.RenewTime, lease.Spec.LeaseDurationSeconds = &c.holder, &at, &seconds
}

// keep renews the Lease until ctx ends. What goes wrong is tried again.
func (c *claim) keep(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := c.hold(ctx); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
	}
}

// release deletes the Lease.
func (c *claim) release(ctx context.Context) error {
	leases := c.clients.CoordinationV1().Leases(c.namespace)
	err := leases.Delete(ctx, c.lease, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("giving Lease %s/%s back: %w", c.namespace, c.lease, err)
	}
	return nil
}

// removeNamespace deletes the namespace of a loop's own. It is not waited for.
func removeNamespace(ctx context.Context, clients kubernetes.Interface, name, loop string) error {
	namespaces := clients.CoreV1().Namespaces()
	there, err := namespaces.Get(ctx, name, metav1.GetOptions{})
	if err == nil && there.Labels[desired.LoopLabel] != loop {
		return nil
	}
	if err == nil {
		err = namespaces.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &there.UID}})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing namespace %s: %w", name, err)
	}
	return nil
}
