// Package traffic is the contract of what moves requests from one version of a Rollout to another.
//
// A [Router] is carried out by a package of its own, and has to pass the suite in routertest.
package traffic

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// Router moves requests between the versions of a Rollout. Versions go by their pod hash.
//
// What loses no request: a router moves requests only as long as they are where they were thought to be, and only to
// pods that take them, both read from the API server just before; and it does not report pods as free while a request
// may still come to them. A write that something speaks against is not made, and its error is a [HeldError]. A write
// that another one came before is a conflict by the words of the API server.
type Router interface {
	// Capabilities returns what the router can do.
	Capabilities() Capabilities
	// Observe returns what routes the requests of a Rollout. Until a switch has converged, what proves it is read
	// from the API server, not from a cache.
	Observe(ctx context.Context, ro *v1alpha1.Rollout) (rollout.Routes, error)
	// SetWeight divides the requests among versions, in percent. A router that can't returns [ErrNoWeights]. The object
	// that was written is returned.
	SetWeight(ctx context.Context, ro *v1alpha1.Rollout, shares map[string]int32) (client.Object, error)
	// MaySwitch returns a [HeldError] of what is known already to speak against a switch, without asking the API server;
	// nil when nothing is, and Switch has to find out.
	MaySwitch(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService, now time.Time) error
	// Switch moves all requests to a version, as [rollout.SwitchService.Check] allows. The object that was written is
	// returned.
	Switch(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService, now time.Time) (client.Object, error)
	// Converged returns nil once no request can come to the pods that an action takes away, as [rollout.Scale.Check]
	// does.
	Converged(ctx context.Context, ro *v1alpha1.Rollout, a rollout.Scale) error
	// Release leaves a Service, and what routes to it, to others: what the router has put on them is taken off. The
	// object that was written is returned, nil when there was nothing to write.
	Release(ctx context.Context, owner client.ObjectKey, service string) (client.Object, error)
	// ReleaseAll releases every Service that is marked as managed by a Rollout, which may be gone.
	ReleaseAll(ctx context.Context, owner client.ObjectKey) error
}

// Capabilities are what a router can do besides moving all requests at once.
type Capabilities struct {
	// Weights reports whether it divides requests by [Router.SetWeight].
	Weights bool
}

// ErrNoWeights is the error of a router that moves all requests or none.
var ErrNoWeights = errors.New("weights: plain Services send all requests to one version; name a router that divides them")

// HeldError is why a write has to wait. Nothing was written.
type HeldError struct{ Err error }

func (e *HeldError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *HeldError) Unwrap() error { return e.Err }

// Held returns a [HeldError] of a reason; nil when there is none.
func Held(reason error) error {
	if reason == nil {
		return nil
	}
	return &HeldError{reason}
}
