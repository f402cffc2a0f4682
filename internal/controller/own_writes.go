package controller

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

const (
	// seenEvery is the time between two looks at whether a cache has what was written, which is in memory.
	seenEvery = 2 * time.Millisecond
	// seenWithin bounds how long that is waited for: a watch that the API server has ended delays an answer, and no more.
	seenWithin = 2 * time.Second
)

// ownWrites is a client whose writes return once the caches that calls are answered from have them, so that whoever has
// been answered finds what they did at the next call: a sync that was begun, a token that was made or revoked.
type ownWrites struct {
	client.Client
	// applications has Applications, AppProjects and Rollouts; kept has what is in the control namespace.
	applications, kept client.Reader
	namespace          string
}

// caches returns the caches that have an object, however it is written, and what it is read into.
func (w ownWrites) caches(o client.Object) ([]client.Reader, client.Object) {
	kind, err := apiutil.GVKForObject(o, w.Scheme())
	if err != nil {
		return nil, nil
	}
	here := o.GetNamespace() == w.namespace
	switch g := kind.GroupKind(); {
	case g == v1alpha1.GroupVersion.WithKind(v1alpha1.ApplicationKind).GroupKind():
		return []client.Reader{w.applications}, &v1alpha1.Application{}
	case g == v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind).GroupKind():
		return []client.Reader{w.applications}, &v1alpha1.Rollout{}
	case g == v1alpha1.GroupVersion.WithKind(v1alpha1.AppProjectKind).GroupKind() && here:
		return []client.Reader{w.applications, w.kept}, &v1alpha1.AppProject{}
	case g.Group == corev1.GroupName && g.Kind == "ConfigMap" && here:
		return []client.Reader{w.kept}, &corev1.ConfigMap{}
	case g.Group == corev1.GroupName && g.Kind == "Secret" && here:
		return []client.Reader{w.kept}, &corev1.Secret{}
	}
	return nil, nil
}

// seen waits until the caches have an object at a state that is reached.
func (w ownWrites) seen(ctx context.Context, o client.Object, reached func(found client.Object, missing bool) bool) {
	ctx, leave := context.WithTimeout(ctx, seenWithin)
	defer leave()
	caches, found := w.caches(o)
	for _, cache := range caches {
		// An error changes nothing: it is written, whether a cache has it or not.
		_ = wait.PollUntilContextCancel(ctx, seenEvery, true, func(ctx context.Context) (bool, error) {
			err := cache.Get(ctx, client.ObjectKeyFromObject(o), found, client.UnsafeDisableDeepCopy)
			if err != nil && !apierrors.IsNotFound(err) {
				return false, err
			}
			return reached(found, err != nil), nil
		})
	}
}

// written waits until the caches have an object as it was written, or newer.
func (w ownWrites) written(ctx context.Context, o client.Object, err error) error {
	if err != nil {
		return err
	}
	w.seen(ctx, o, func(found client.Object, missing bool) bool {
		order, err := resourceversion.CompareResourceVersion(found.GetResourceVersion(), o.GetResourceVersion())
		return !missing && (err != nil || order >= 0)
	})
	return nil
}

// Create creates an object.
func (w ownWrites) Create(ctx context.Context, o client.Object, options ...client.CreateOption) error {
	return w.written(ctx, o, w.Client.Create(ctx, o, options...))
}

// Update replaces an object.
func (w ownWrites) Update(ctx context.Context, o client.Object, options ...client.UpdateOption) error {
	return w.written(ctx, o, w.Client.Update(ctx, o, options...))
}

// Patch changes an object.
func (w ownWrites) Patch(ctx context.Context, o client.Object, patch client.Patch, options ...client.PatchOption) error {
	return w.written(ctx, o, w.Client.Patch(ctx, o, patch, options...))
}

// Delete deletes an object, which finalizers may hold.
func (w ownWrites) Delete(ctx context.Context, o client.Object, options ...client.DeleteOption) error {
	if err := w.Client.Delete(ctx, o, options...); err != nil {
		return err
	}
	w.seen(ctx, o, func(found client.Object, missing bool) bool {
		return missing || found.GetDeletionTimestamp() != nil || o.GetUID() != "" && found.GetUID() != o.GetUID()
	})
	return nil
}

// Status writes statuses.
func (w ownWrites) Status() client.SubResourceWriter { return w.SubResource("status") }

// SubResource writes a subresource.
func (w ownWrites) SubResource(name string) client.SubResourceClient {
	return ownParts{w.Client.SubResource(name), w}
}

// ownParts is the client of a subresource whose patches and updates return once the caches have them.
type ownParts struct {
	client.SubResourceClient
	whole ownWrites
}

// Update replaces a subresource.
func (p ownParts) Update(ctx context.Context, o client.Object, options ...client.SubResourceUpdateOption) error {
	return p.whole.written(ctx, o, p.SubResourceClient.Update(ctx, o, options...))
}

// Patch changes a subresource.
func (p ownParts) Patch(ctx context.Context, o client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
	return p.whole.written(ctx, o, p.SubResourceClient.Patch(ctx, o, patch, options...))
}
