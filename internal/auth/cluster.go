package auth

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// PartOfLabel is how existing tools find the objects of an installation; a Secret that settings refer to has to have
// it.
const (
	PartOfLabel = "app.kubernetes.io/part-of"
	partOf      = "argocd"
)

// ClusterObjects are the [Objects] of a namespace in a cluster.
type ClusterObjects struct {
	// Client reads what there is before it is changed, and writes. Cache answers reads; nil has Client answer them.
	Client    client.Client
	Cache     client.Reader
	Namespace string
}

func (o ClusterObjects) get(ctx context.Context, name string, into client.Object) error {
	reader := o.Cache
	if reader == nil {
		reader = o.Client
	}
	// What a cache has is shared, and read for each call: nobody changes it.
	return client.IgnoreNotFound(reader.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: name}, into, client.UnsafeDisableDeepCopy))
}

// ConfigMap returns the data of a ConfigMap.
func (o ClusterObjects) ConfigMap(ctx context.Context, name string) (map[string]string, error) {
	found := &corev1.ConfigMap{}
	err := o.get(ctx, name, found)
	return found.Data, err
}

// Secret returns the labels and the data of a Secret.
func (o ClusterObjects) Secret(ctx context.Context, name string) (Secret, error) {
	found := &corev1.Secret{}
	err := o.get(ctx, name, found)
	return Secret{found.Labels, found.Data}, err
}

// Project returns an AppProject, or nil.
func (o ClusterObjects) Project(ctx context.Context, name string) (*v1alpha1.AppProject, error) {
	found := &v1alpha1.AppProject{}
	if err := o.get(ctx, name, found); err != nil || found.Name == "" {
		return nil, err
	}
	return found, nil
}

// UpdateConfigMap has the data of a ConfigMap changed.
func (o ClusterObjects) UpdateConfigMap(ctx context.Context, name string, change func(map[string]string) error) error {
	m := &corev1.ConfigMap{}
	return o.update(ctx, name, m, func() error {
		if m.Data == nil {
			m.Data = map[string]string{}
		}
		return change(m.Data)
	})
}

// UpdateSecret has the data of a Secret changed.
func (o ClusterObjects) UpdateSecret(ctx context.Context, name string, change func(map[string][]byte) error) error {
	s := &corev1.Secret{}
	return o.update(ctx, name, s, func() error {
		if s.Data == nil {
			s.Data = map[string][]byte{}
		}
		return change(s.Data)
	})
}

// update reads an object, has it changed, and writes it if nobody else has meanwhile; else it begins anew.
func (o ClusterObjects) update(ctx context.Context, name string, object client.Object, change func() error) error {
	return retry.OnError(retry.DefaultBackoff, func(err error) bool { return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) }, func() error {
		empty(object)
		err := o.Client.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: name}, object)
		missing := apierrors.IsNotFound(err)
		if err != nil && !missing {
			return err
		}
		before := object.DeepCopyObject().(client.Object)
		if err := change(); err != nil {
			return err
		}
		if missing {
			object.SetNamespace(o.Namespace)
			object.SetName(name)
			object.SetLabels(map[string]string{PartOfLabel: partOf})
			return o.Client.Create(ctx, object)
		}
		return o.Client.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
}

// empty forgets what a read before has left.
func empty(object client.Object) {
	switch o := object.(type) {
	case *corev1.ConfigMap:
		*o = corev1.ConfigMap{}
	case *corev1.Secret:
		*o = corev1.Secret{}
	}
}

// UpdateProject has an AppProject changed; only what has changed is written.
func (o ClusterObjects) UpdateProject(ctx context.Context, name string, change func(*v1alpha1.AppProject) error) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		project := &v1alpha1.AppProject{}
		if err := o.Client.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: name}, project); err != nil {
			return err
		}
		before := project.DeepCopy()
		if err := change(project); err != nil {
			return err
		}
		return o.Client.Patch(ctx, project, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
}

// DeleteSecret deletes a Secret.
func (o ClusterObjects) DeleteSecret(ctx context.Context, name string) error {
	return client.IgnoreNotFound(o.Client.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: name}}))
}
