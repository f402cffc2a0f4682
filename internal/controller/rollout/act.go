package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/traffic"
)

// actor carries decisions out.
type actor struct {
	client       client.Client
	live         client.Reader
	router       traffic.Router
	expectations *expectations
	now          func() time.Time
	record       func(*v1alpha1.Rollout, ...rollout.Event)
}

// createError is the API server's refusal of a new ReplicaSet, by quota or admission.
type createError struct{ error }

// heldAction is an action that something spoke against.
type heldAction struct {
	action rollout.Action
	why    error
}

// act carries actions out, in order, and records their events. When something speaks against one, it and those after
// it wait.
func (r actor) act(ctx context.Context, ro *v1alpha1.Rollout, actions []rollout.Action) (*heldAction, error) {
	for _, a := range actions {
		err := r.carryOut(ctx, ro, a)
		var held *traffic.HeldError
		if errors.As(err, &held) {
			return &heldAction{a, held}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a, err)
		}
		log.FromContext(ctx).Info("done", "action", a.String())
		r.record(ro, rollout.EventsOf(a)...)
	}
	return nil, nil
}

func (r actor) carryOut(ctx context.Context, ro *v1alpha1.Rollout, a rollout.Action) error {
	switch a := a.(type) {
	case rollout.CreateReplicaSet:
		return r.create(ctx, a.ReplicaSet.DeepCopy())
	case rollout.AnnotateReplicaSet:
		return r.patchReplicaSet(ctx, ro, a.Name, map[string]any{"metadata": map[string]any{"annotations": nullWhenEmpty(a.Set)}})
	case rollout.Scale:
		return r.scale(ctx, ro, a)
	case rollout.SwitchService:
		return r.expected(r.router.Switch(ctx, ro, a, r.now()))
	case rollout.ReleaseService:
		return r.expected(r.router.Release(ctx, client.ObjectKeyFromObject(ro), a.Service))
	case rollout.DeleteReplicaSet:
		rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: ro.Namespace, Name: a.Name}}
		return client.IgnoreNotFound(r.client.Delete(ctx, rs, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	case rollout.EvictPod:
		return r.evict(ctx, ro.Namespace, a)
	case rollout.SetRoleMetadata:
		return r.setRoleMetadata(ctx, ro, a)
	case rollout.SetMinReadySeconds:
		return r.patchReplicaSet(ctx, ro, a.Name, map[string]any{"spec": map[string]any{"minReadySeconds": a.Seconds}})
	case rollout.ScaleWorkload:
		return r.scaleWorkload(ctx, ro.Namespace, a)
	case rollout.SetReplicas:
		return r.setReplicas(ctx, ro, a)
	case rollout.SetFinalizer:
		return r.setFinalizer(ctx, ro, a)
	case rollout.RecordEvent:
		return nil
	}
	return fmt.Errorf("unknown action %T", a)
}

// create makes a ReplicaSet; one that this Rollout has made already is as good.
func (r actor) create(ctx context.Context, rs *appsv1.ReplicaSet) error {
	owner := metav1.GetControllerOf(rs)
	err := r.client.Create(ctx, rs)
	if apierrors.IsAlreadyExists(err) {
		there := &appsv1.ReplicaSet{}
		if err := r.live.Get(ctx, client.ObjectKeyFromObject(rs), there); err != nil {
			return err
		}
		if by := metav1.GetControllerOf(there); by == nil || by.UID != owner.UID {
			return &createError{fmt.Errorf("ReplicaSet %s exists already and belongs to something else: delete or rename it", rs.Name)}
		}
		r.expectations.expect(there)
		return nil
	}
	if err != nil {
		return &createError{err}
	}
	r.expectations.expect(rs)
	return nil
}

func (r actor) patchReplicaSet(ctx context.Context, ro *v1alpha1.Rollout, name string, patch map[string]any) error {
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: ro.Namespace, Name: name}}
	return r.expected(rs, r.mergePatch(ctx, rs, patch))
}

func (r actor) mergePatch(ctx context.Context, o client.Object, patch map[string]any) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	return r.client.Patch(ctx, o, client.RawPatch(types.MergePatchType, data))
}

// expected remembers what a write returned.
func (r actor) expected(o client.Object, err error) error {
	if err == nil {
		r.expectations.expect(o)
	}
	return err
}

func nullWhenEmpty(set map[string]string) map[string]any {
	all := map[string]any{}
	for key, value := range set {
		all[key] = value
		if value == "" {
			all[key] = nil
		}
	}
	return all
}

func (r actor) scale(ctx context.Context, ro *v1alpha1.Rollout, a rollout.Scale) error {
	if a.Drain {
		if err := r.router.Converged(ctx, ro, a); err != nil {
			return err
		}
	}
	return r.patchReplicaSet(ctx, ro, a.Name, map[string]any{
		"metadata": map[string]any{"annotations": nullWhenEmpty(a.Annotations())},
		"spec":     map[string]any{"replicas": a.To},
	})
}

// setReplicas writes the size of a Rollout, provided that nobody else has written to it.
func (r actor) setReplicas(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SetReplicas) error {
	after := ro.DeepCopy()
	err := r.mergePatch(ctx, after, map[string]any{
		"metadata": map[string]any{"resourceVersion": ro.ResourceVersion}, "spec": map[string]any{"replicas": a.To},
	})
	if err == nil {
		ro.ResourceVersion = after.ResourceVersion
	}
	return err
}

// setFinalizer puts the finalizer of the workload on a Rollout or takes it off, provided that nobody else has written
// to the Rollout.
func (r actor) setFinalizer(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SetFinalizer) error {
	finalizers := slices.DeleteFunc(slices.Clone(ro.Finalizers), func(f string) bool { return f == v1alpha1.WorkloadFinalizer })
	if a.Held {
		finalizers = append(finalizers, v1alpha1.WorkloadFinalizer)
	}
	after := ro.DeepCopy()
	err := r.mergePatch(ctx, after, map[string]any{
		"metadata": map[string]any{"resourceVersion": ro.ResourceVersion, "finalizers": finalizers},
	})
	if err == nil {
		ro.ResourceVersion, ro.Finalizers = after.ResourceVersion, after.Finalizers
	}
	return err
}

// evict takes a pod away as a PodDisruptionBudget allows.
func (r actor) evict(ctx context.Context, namespace string, a rollout.EvictPod) error {
	others, err := r.livePods(ctx, namespace, a.Hash)
	if err != nil {
		return err
	}
	if err := a.Check(rollout.LiveState{Pods: others}); err != nil {
		return traffic.Held(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: a.Name}}
	err = r.client.SubResource("eviction").Create(ctx, pod, &policyv1.Eviction{ObjectMeta: pod.ObjectMeta})
	if apierrors.IsTooManyRequests(err) {
		return traffic.Held(fmt.Errorf("pod %s: a PodDisruptionBudget keeps it for now", a.Name))
	}
	return client.IgnoreNotFound(err)
}

// livePods reads the pods with a hash from the API server.
func (r actor) livePods(ctx context.Context, namespace, hash string) ([]*corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := r.live.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.PodHashLabel: hash}); err != nil {
		return nil, fmt.Errorf("listing the pods with hash %s: %w", hash, err)
	}
	pods := make([]*corev1.Pod, len(list.Items))
	for i := range list.Items {
		pods[i] = &list.Items[i]
	}
	return pods, nil
}

// setRoleMetadata changes a ReplicaSet's template and its pods in place; that restarts nothing.
func (r actor) setRoleMetadata(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SetRoleMetadata) error {
	metadata := map[string]any{"labels": change(a.Metadata.Labels, a.Remove.Labels), "annotations": change(a.Metadata.Annotations, a.Remove.Annotations)}
	err := r.patchReplicaSet(ctx, ro, a.ReplicaSet, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{v1alpha1.EphemeralMetadataAnnotation: rollout.RoleMetadataAnnotation(a.Metadata)}},
		"spec":     map[string]any{"template": map[string]any{"metadata": metadata}},
	})
	if err != nil {
		return err
	}
	pods, err := r.livePods(ctx, ro.Namespace, a.Hash)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if err := r.mergePatch(ctx, pod, map[string]any{"metadata": metadata}); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}

// change returns a merge patch that sets some keys and removes others.
func change(set, remove map[string]string) map[string]any {
	all := map[string]any{}
	for key := range remove {
		all[key] = nil
	}
	for key, value := range set {
		all[key] = value
	}
	return all
}

func (r actor) scaleWorkload(ctx context.Context, namespace string, a rollout.ScaleWorkload) error {
	workload := &unstructured.Unstructured{}
	workload.SetAPIVersion(a.Ref.APIVersion)
	workload.SetKind(a.Ref.Kind)
	workload.SetNamespace(namespace)
	workload.SetName(a.Ref.Name)
	return r.mergePatch(ctx, workload, map[string]any{"spec": map[string]any{"replicas": a.To}})
}
