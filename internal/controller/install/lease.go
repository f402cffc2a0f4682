package install

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/problem"
)

// LeaseName is the Lease that the server that works holds, with or without leader election.
const LeaseName = "cyan-server"

const (
	// answerWithin is how long a holder that is asked has to give a sign of life: one that works answers sooner.
	answerWithin = 15 * time.Second
	// lookEvery is the time between a holder's looks at its Lease: it has several before its time to answer is over.
	lookEvery = 4 * time.Second
	// leasePoll is the time between two looks at the Lease of another.
	leasePoll = time.Second
	// askedByAnnotation asks the holder of the Lease for a sign of life, in the name of who would take it.
	askedByAnnotation = "cyan.dev/asked-by"
)

// Lease is held by the one server that works in a control namespace. It is not renewed as time goes by: its holder
// gives a sign of life when another server asks for one, so that a server with nothing to do writes nothing.
type Lease struct {
	client    client.Client
	namespace string
	identity  string
	now       func() time.Time
	alive     func(pid int) bool
	log       *slog.Logger
}

// NewLease returns the Lease of a control namespace for this process.
func NewLease(c client.Client, namespace string, log *slog.Logger) *Lease {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	return &Lease{client: c, namespace: namespace, identity: fmt.Sprintf("%s/%d", name, os.Getpid()), now: time.Now, alive: isAlive, log: log}
}

// isAlive reports whether a process of this machine runs.
func isAlive(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = process.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}

// Keep answers those who ask for the Lease until ctx ends; then the Lease is let go. Another holder is a refusal; an
// error that passes is tried again.
func (l *Lease) Keep(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return l.release()
		case <-ticker.C:
		}
		err := l.look(ctx)
		switch {
		case ctx.Err() != nil:
		case problem.KindOf(err) == problem.Refused:
			return err
		case err != nil:
			l.log.Debug("looking at the lease", "err", err)
		}
	}
}

// look reads the Lease, and answers who asks for it. One that is gone is made again.
func (l *Lease) look(ctx context.Context) error {
	lease := &coordinationv1.Lease{}
	err := l.client.Get(ctx, client.ObjectKey{Namespace: l.namespace, Name: LeaseName}, lease)
	switch {
	case apierrors.IsNotFound(err):
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: LeaseName}}
		l.sign(lease)
		return l.explain(l.client.Create(ctx, lease))
	case err != nil:
		return l.explain(err)
	}
	return l.answer(ctx, lease)
}

// answer writes a sign of life where one is asked for. Another holder is a refusal.
func (l *Lease) answer(ctx context.Context, lease *coordinationv1.Lease) error {
	switch holder := holderOf(lease); {
	case holder != l.identity && holder != "":
		return l.refusal(lease)
	case holder == l.identity && lease.Annotations[askedByAnnotation] == "":
		return nil
	}
	l.sign(lease)
	return l.explain(l.client.Update(ctx, lease))
}

// Take waits until the Lease is free, and takes it. A server that works already, since it answers, is a refusal; one
// that does not answer in time has ended.
func (l *Lease) Take(ctx context.Context) error {
	var first *coordinationv1.Lease
	var asked time.Time
	for {
		seen, err := l.tryTake(ctx)
		switch {
		case seen == nil || err != nil:
			return err
		case first == nil || holderOf(first) != holderOf(seen):
			l.log.Info("asking another server, which may have ended, for a sign of life", "lease", LeaseName, "holder", holderOf(seen), "at most", answerWithin)
			first, asked = seen.DeepCopy(), l.now()
		case !seen.Spec.RenewTime.Equal(first.Spec.RenewTime):
			return l.refusal(seen)
		case l.now().Sub(asked) >= answerWithin:
			if err := l.takeOver(ctx, seen); !apierrors.IsConflict(err) {
				return l.explain(err)
			}
			continue
		}
		if err := l.ask(ctx, seen); err != nil && !apierrors.IsConflict(err) {
			return l.explain(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(leasePoll):
		}
	}
}

// ask asks the holder for a sign of life, unless that was done.
func (l *Lease) ask(ctx context.Context, held *coordinationv1.Lease) error {
	if held.Annotations[askedByAnnotation] != "" {
		return nil
	}
	asking := held.DeepCopy()
	metav1.SetMetaDataAnnotation(&asking.ObjectMeta, askedByAnnotation, l.identity)
	return l.client.Update(ctx, asking)
}

// takeOver takes a Lease whose holder has not answered; a conflict means that somebody has written it since.
func (l *Lease) takeOver(ctx context.Context, held *coordinationv1.Lease) error {
	l.sign(held)
	return l.client.Update(ctx, held)
}

// tryTake takes the Lease if it is free; if it is not, the Lease is returned.
func (l *Lease) tryTake(ctx context.Context) (held *coordinationv1.Lease, err error) {
	lease := &coordinationv1.Lease{}
	err = l.client.Get(ctx, client.ObjectKey{Namespace: l.namespace, Name: LeaseName}, lease)
	switch {
	case apierrors.IsNotFound(err):
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: LeaseName}}
		l.sign(lease)
		err = l.client.Create(ctx, lease)
	case err != nil:
		return nil, l.explain(err)
	case !l.isFree(lease):
		return lease, nil
	default:
		l.sign(lease)
		err = l.client.Update(ctx, lease)
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return l.tryTake(ctx)
	}
	return nil, l.explain(err)
}

func (l *Lease) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("holding Lease %s in namespace %s, by which servers notice each other: %w", LeaseName, l.namespace, err)
}

// sign makes a Lease this server's.
func (l *Lease) sign(lease *coordinationv1.Lease) {
	seconds, at := int32(answerWithin/time.Second), metav1.NewMicroTime(l.now())
	delete(lease.Annotations, askedByAnnotation)
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &l.identity, &seconds, &at
}

func holderOf(lease *coordinationv1.Lease) string {
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// isFree reports whether nobody holds a Lease any more: it was let go, or its holder was a process of this machine that
// has ended.
func (l *Lease) isFree(lease *coordinationv1.Lease) bool {
	holder := holderOf(lease)
	if holder == "" || lease.Spec.RenewTime == nil {
		return true
	}
	ours, _, _ := strings.Cut(l.identity, "/")
	theirs, process, _ := strings.Cut(holder, "/")
	pid, err := strconv.Atoi(process)
	return ours == theirs && err == nil && (holder == l.identity || !l.alive(pid))
}

func (l *Lease) refusal(lease *coordinationv1.Lease) error {
	return &problem.Error{
		Kind: problem.Refused, Object: "cyan server", Cause: fmt.Sprintf("another one, %s, works in namespace %s", holderOf(lease), l.namespace),
		Remedy: "stop it, or start each of them with --leader-election, so that they stand by for one another",
	}
}

// releaseTimeout bounds the last write of a server that ends.
const releaseTimeout = 2 * time.Second

// release lets the Lease go, so that another server need not wait.
func (l *Lease) release() error {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	lease := &coordinationv1.Lease{}
	if err := l.client.Get(ctx, client.ObjectKey{Namespace: l.namespace, Name: LeaseName}, lease); err != nil || holderOf(lease) != l.identity {
		return nil //nolint:nilerr // who asks a holder that has ended gets no answer
	}
	nobody := ""
	lease.Spec.HolderIdentity = &nobody
	if err := l.client.Update(ctx, lease); err != nil {
		l.log.Debug("letting the lease go", "err", err)
	}
	return nil
}
