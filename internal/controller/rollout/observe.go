package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/traffic"
)

// errForeign is the error of a Rollout that another controller looks after.
var errForeign = errors.New("rollout: of another controller instance")

// observer reads what a decision is made from.
type observer struct {
	// instance is the id of the controller.
	instance     string
	cache, live  client.Reader
	router       traffic.Router
	expectations *expectations
	versions     *versions
}

// remembered reads a Rollout and what belongs to it from the cache alone; nil where that does not show the version that
// the API server has shown last. Somebody may have written another one since: it is enough to find that there is
// nothing to do.
func (o observer) remembered(ctx context.Context, key client.ObjectKey) (*rollout.Observation, error) {
	ro := &v1alpha1.Rollout{}
	if err := o.cache.Get(ctx, key, ro); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading Rollout %s: %w", key, err)
	}
	last, ok := o.versions.of(ro)
	if !ok || !isOfInstance(ro, o.instance) || ro.Spec.WorkloadRef != nil {
		return nil, nil
	}
	ro.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind))
	return o.around(ctx, &rollout.Observation{Rollout: ro, Unserved: last.unserved, Misspelt: last.misspelt})
}

// observe reads a Rollout and what belongs to it. The Rollout itself and the object of its workloadRef are read from
// the API server, since people write its status as well; the rest comes from the cache, provided that the cache shows
// what this controller has written: errStale, when it does not. What is remembered, if it is of the same version, was
// read just before and is not read again. errForeign is for the Rollouts of other controllers. Nil means that the
// Rollout is gone.
func (o observer) observe(ctx context.Context, key client.ObjectKey, remembered *rollout.Observation) (*rollout.Observation, error) {
	written := &unstructured.Unstructured{}
	written.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind))
	if err := o.live.Get(ctx, key, written); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading Rollout %s: %w", key, err)
	}
	if remembered != nil && remembered.Rollout.UID == written.GetUID() && remembered.Rollout.ResourceVersion == written.GetResourceVersion() {
		return remembered, nil
	}
	ro := &v1alpha1.Rollout{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(written.Object, ro); err != nil {
		return nil, fmt.Errorf("reading Rollout %s: %w", key, err)
	}
	// Whatever led here, be it a Service or a pod, the Rollout's own label decides.
	if !isOfInstance(ro, o.instance) {
		return nil, errForeign
	}
	observed := &rollout.Observation{Rollout: ro}
	observed.Unserved, observed.Misspelt = unservedOf(written)
	o.versions.read(ro, observed.Unserved, observed.Misspelt)
	var err error
	if observed.Workload, err = o.workload(ctx, ro); err != nil {
		return nil, err
	}
	return o.around(ctx, observed)
}

// around adds what belongs to the Rollout of an observation.
func (o observer) around(ctx context.Context, observed *rollout.Observation) (*rollout.Observation, error) {
	ro := observed.Rollout
	var err error
	if observed.ReplicaSets, err = o.replicaSets(ctx, ro); err != nil {
		return nil, err
	}
	if observed.Pods, err = o.pods(ctx, ro.Namespace, observed.ReplicaSets); err != nil {
		return nil, err
	}
	if observed.Routes, err = o.routes(ctx, ro); err != nil {
		return nil, err
	}
	return observed, nil
}

// unservedOf returns what a Rollout asks for and does not get. A misspelt field of its strategy keeps it from being
// carried out: what was to hold a version back would not.
func unservedOf(written *unstructured.Unstructured) (unserved []string, misspelt []*problem.Error) {
	for _, f := range settings.Unserved(written) {
		switch {
		case f.Verdict == settings.Refused:
			// The strategy refuses these itself.
		case f.Meant != "" && strings.HasPrefix(f.Field, "spec.strategy."):
			misspelt = append(misspelt, rollout.Invalid(f.Field, f.Cause, f.Remedy))
		default:
			unserved = append(unserved, f.String())
		}
	}
	return unserved, misspelt
}

// workload reads the object that spec.workloadRef names; nil when there is none.
func (o observer) workload(ctx context.Context, ro *v1alpha1.Rollout) (*rollout.Workload, error) {
	ref := ro.Spec.WorkloadRef
	if ref == nil {
		return nil, nil
	}
	var object client.Object
	var workload func() *rollout.Workload
	switch ref.Kind {
	case "Deployment":
		d := &appsv1.Deployment{}
		object, workload = d, func() *rollout.Workload {
			return &rollout.Workload{
				Template: d.Spec.Template, Generation: d.Generation, Selector: d.Spec.Selector, Replicas: d.Spec.Replicas,
				Available: d.Status.AvailableReplicas, Observed: d.Status.ObservedGeneration >= d.Generation,
			}
		}
	case "ReplicaSet":
		rs := &appsv1.ReplicaSet{}
		object, workload = rs, func() *rollout.Workload {
			return &rollout.Workload{
				Template: rs.Spec.Template, Generation: rs.Generation, Selector: rs.Spec.Selector, Replicas: rs.Spec.Replicas,
				Available: rs.Status.AvailableReplicas, Observed: rs.Status.ObservedGeneration >= rs.Generation,
			}
		}
	case "PodTemplate":
		t := &corev1.PodTemplate{}
		object, workload = t, func() *rollout.Workload {
			return &rollout.Workload{Template: t.Template, Generation: t.Generation, Selector: &metav1.LabelSelector{MatchLabels: t.Template.Labels}}
		}
	default:
		return nil, nil
	}
	err := o.live.Get(ctx, client.ObjectKey{Namespace: ro.Namespace, Name: ref.Name}, object)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s/%s: %w", ref.Kind, ro.Namespace, ref.Name, err)
	}
	seen := workload()
	seen.Scaled, seen.Deleting = isScaledByRollout(object), object.GetDeletionTimestamp() != nil
	return seen, nil
}

// scalers are the field managers of controllers of Rollouts: this one, and that which may have looked after a Rollout
// before.
var scalers = []string{v1alpha1.RolloutFieldManager, "rollouts-controller"}

// isScaledByRollout reports whether a controller of Rollouts was the last to set the size of an object.
func isScaledByRollout(object client.Object) bool {
	for _, entry := range object.GetManagedFields() {
		if !slices.Contains(scalers, entry.Manager) || entry.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Spec struct {
				Replicas *struct{} `json:"f:replicas"`
			} `json:"f:spec"`
		}
		if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) == nil && fields.Spec.Replicas != nil {
			return true
		}
	}
	return false
}

// replicaSets reads those that a Rollout owns.
func (o observer) replicaSets(ctx context.Context, ro *v1alpha1.Rollout) ([]*appsv1.ReplicaSet, error) {
	list := &appsv1.ReplicaSetList{}
	if err := o.cache.List(ctx, list, client.InNamespace(ro.Namespace), controlledBy(ro.UID)); err != nil {
		return nil, fmt.Errorf("listing ReplicaSets: %w", err)
	}
	var own []*appsv1.ReplicaSet
	present := map[types.UID]bool{}
	for i := range list.Items {
		rs := &list.Items[i]
		if !metav1.IsControlledBy(rs, ro) {
			continue
		}
		if o.expectations.isBehind(rs) {
			return nil, errStale
		}
		present[rs.UID] = true
		own = append(own, rs)
	}
	if o.expectations.isMissing(ro.UID, present) {
		return nil, errStale
	}
	return own, nil
}

// pods reads those of some ReplicaSets.
func (o observer) pods(ctx context.Context, namespace string, of []*appsv1.ReplicaSet) ([]*corev1.Pod, error) {
	var own []*corev1.Pod
	for _, rs := range of {
		list := &corev1.PodList{}
		if err := o.cache.List(ctx, list, client.InNamespace(namespace), client.HasLabels{v1alpha1.PodHashLabel}, controlledBy(rs.UID)); err != nil {
			return nil, fmt.Errorf("listing pods: %w", err)
		}
		for i := range list.Items {
			own = append(own, &list.Items[i])
		}
	}
	return own, nil
}

// controlledBy limits a list to the objects that have a controller.
func controlledBy(uid types.UID) client.MatchingFields {
	return client.MatchingFields{byController: string(uid)}
}

// routes reads what routes the requests.
func (o observer) routes(ctx context.Context, ro *v1alpha1.Rollout) (rollout.Routes, error) {
	routes, err := o.router.Observe(ctx, ro)
	if err != nil {
		return routes, err
	}
	for _, service := range append([]*corev1.Service{routes.Active, routes.Preview}, routes.Left...) {
		if service != nil && o.expectations.isBehind(service) {
			return routes, errStale
		}
	}
	return routes, nil
}
