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
	// leaseFor is how long a holder is believed that is not heard of, and renewEvery the time between its signs of life.
	leaseFor   = 30 * time.Second
	renewEvery = 10 * time.Second
	// leasePoll is the time between two looks at the Lease of another.
	leasePoll = time.Second
)

// Lease is held by the one server that works in a control namespace.
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

// Keep renews the Lease until ctx ends; then the Lease is let go. Another holder is a refusal.
func (l *Lease) Keep(ctx context.Context) error {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return l.release()
		case <-ticker.C:
		}
		if err := l.renew(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// Take waits until the Lease is free, and takes it. A server that works already, since it gives a sign of life, is a
// refusal; one that is not heard of any more is waited for until its Lease has run out.
func (l *Lease) Take(ctx context.Context) error {
	var first *coordinationv1.Lease
	for {
		seen, err := l.tryTake(ctx)
		if seen == nil || err != nil {
			return err
		}
		if first == nil {
			first = seen
			l.log.Info("waiting for another server, which may have ended", "lease", LeaseName, "holder", holderOf(seen), "at most", leaseFor)
		}
		if seen.Spec.RenewTime != nil && first.Spec.RenewTime != nil && !seen.Spec.RenewTime.Equal(first.Spec.RenewTime) {
			return l.refusal(seen)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(leasePoll):
		}
	}
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
	seconds, at := int32(leaseFor/time.Second), metav1.NewMicroTime(l.now())
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &l.identity, &seconds, &at
}

func holderOf(lease *coordinationv1.Lease) string {
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// isFree reports whether nobody holds a Lease any more: it was let go, has run out, or its holder was a process of this
// machine that has ended.
func (l *Lease) isFree(lease *coordinationv1.Lease) bool {
	holder := holderOf(lease)
	if holder == "" || lease.Spec.RenewTime == nil || l.now().Sub(lease.Spec.RenewTime.Time) > leaseFor {
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

// renew writes a sign of life. Another holder is a refusal; an error that passes is tried again.
func (l *Lease) renew(ctx context.Context) error {
	lease := &coordinationv1.Lease{}
	if err := l.client.Get(ctx, client.ObjectKey{Namespace: l.namespace, Name: LeaseName}, lease); err != nil {
		l.log.Debug("renewing the lease", "err", err)
		return nil
	}
	if holder := holderOf(lease); holder != l.identity && holder != "" {
		return l.refusal(lease)
	}
	l.sign(lease)
	if err := l.client.Update(ctx, lease); err != nil {
		l.log.Debug("renewing the lease", "err", err)
	}
	return nil
}

// releaseTimeout bounds the last write of a server that ends.
const releaseTimeout = 2 * time.Second

// release lets the Lease go, so that another server need not wait.
func (l *Lease) release() error {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	lease := &coordinationv1.Lease{}
	if err := l.client.Get(ctx, client.ObjectKey{Namespace: l.namespace, Name: LeaseName}, lease); err != nil || holderOf(lease) != l.identity {
		return nil //nolint:nilerr // a Lease that is not let go runs out
	}
	nobody := ""
	lease.Spec.HolderIdentity = &nobody
	if err := l.client.Update(ctx, lease); err != nil {
		l.log.Debug("letting the lease go", "err", err)
	}
	return nil
}
