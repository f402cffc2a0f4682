package devloop

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
)

// removedWithin bounds the wait for a namespace to be gone.
const removedWithin = 2 * time.Minute

// rootAnnotation is where the project is that a namespace was made for.
const rootAnnotation = "cyan.dev/dev-root"

// claim is the hold of a loop on its namespace.
type claim struct {
	namespaceLease
	own bool
	// makes is set when the manifests have the namespace itself.
	makes bool
	note  RunNote
	// say shows something to know; nil drops it.
	say func(string)
	// lost is signalled when the namespace, which is the loop's own, is deleted by somebody else.
	lost chan struct{}
}

// take makes the namespace, where it is the loop's own, and takes the Lease. Before it makes anything it notes what a
// crash would leave.
func (c *claim) take(ctx context.Context, root string) error {
	if err := c.leftBehind(ctx); err != nil {
		return err
	}
	c.note.Root = root
	if err := c.note.write(); err != nil {
		return err
	}
	found := c.find
	if c.own {
		found = func(ctx context.Context, _ bool) error { return c.makeNamespace(ctx, root, "of the loop before") }
	}
	if err := found(ctx, c.makes); err != nil {
		return errors.Join(err, c.note.remove())
	}
	err := c.hold(ctx)
	if problem.Of(err) != nil {
		// All that is there is another loop's.
		return errors.Join(err, c.note.remove())
	}
	return err
}

// leftBehind takes over the note of a loop of the same namespace that has ended without seeing to it.
func (c *claim) leftBehind(ctx context.Context) error {
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
	return c.note.lock(ctx)
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

// loses has the loop hear of a namespace of its own that somebody else deletes.
func (c *claim) loses() {
	c.lost = make(chan struct{}, 1)
	c.gone = func() {
		select {
		case c.lost <- struct{}{}:
		default:
		}
	}
}

// makeAgain makes the namespace again that somebody else has deleted, and takes its Lease.
func (c *claim) makeAgain(ctx context.Context) error {
	if err := c.makeNamespace(ctx, c.note.Root, "as it was"); err != nil {
		return err
	}
	return c.hold(ctx)
}

// makeNamespace makes the namespace, once one of that name that goes is gone. which says of that one what it is.
func (c *claim) makeNamespace(ctx context.Context, root, which string) error {
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
			c.say("namespace " + c.namespace + " " + which + " is still being removed; the loop begins when it is gone")
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

// remake makes the namespace of the loop's own again that somebody has deleted, and has everything deployed anew.
func remake(ctx context.Context, l *loop) {
	l.note("namespace " + l.claim.namespace + " was deleted, and not by this loop; it is made again, and everything is deployed anew")
	switch err := l.claim.makeAgain(ctx); {
	case err == nil:
		l.obey("")
	case ctx.Err() != nil:
	case problem.KindOf(err) == problem.Refused:
		l.ended(err)
	default:
		// The next renewal of the Lease finds it gone as well.
		l.note(err.Error())
	}
}
