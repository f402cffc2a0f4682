package rollout

import (
	"context"
	"encoding/json"
	"fmt"

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

// createError is the API server's refusal of a new ReplicaSet, by quota or admission.
type createError struct{ error }

// act carries actions out, in order. When a check speaks against one, it and those after it wait: held says why.
func (r *reconciler) act(ctx context.Context, ro *v1alpha1.Rollout, actions []rollout.Action) (held, err error) {
	for _, a := range actions {
		held, err := r.carryOut(ctx, ro, a)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a, err)
		}
		if held != nil {
			log.FromContext(ctx).Info("waiting", "action", a.String(), "why", held.Error())
			return held, nil
		}
		log.FromContext(ctx).Info("done", "action", a.String())
		if e, ok := rollout.EventOf(a); ok {
			r.tell(ro, e)
		}
	}
	return nil, nil
}

func (r *reconciler) carryOut(ctx context.Context, ro *v1alpha1.Rollout, a rollout.Action) (held, err error) {
	switch a := a.(type) {
	case rollout.CreateReplicaSet:
		return nil, r.create(ctx, a.ReplicaSet.DeepCopy())
	case rollout.AnnotateReplicaSet:
		return nil, r.patchReplicaSet(ctx, ro, a.Name, map[string]any{"metadata": map[string]any{"annotations": nullWhenEmpty(a.Set)}})
	case rollout.Scale:
		return r.scale(ctx, ro, a)
	case rollout.SwitchService:
		return r.switchService(ctx, ro, a)
	case rollout.ReleaseService:
		service := &corev1.Service{}
		if err := r.live.Get(ctx, client.ObjectKey{Namespace: ro.Namespace, Name: a.Service}, service); err != nil {
			return nil, client.IgnoreNotFound(err)
		}
		return nil, r.noted(service, traffic.Release(ctx, r.client, service))
	case rollout.DeleteReplicaSet:
		rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: ro.Namespace, Name: a.Name}}
		return nil, client.IgnoreNotFound(r.client.Delete(ctx, rs, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	case rollout.EvictPod:
		return r.evict(ctx, ro.Namespace, a)
	case rollout.SetRoleMetadata:
		return nil, r.setRoleMetadata(ctx, ro, a)
	case rollout.SetMinReadySeconds:
		return nil, r.patchReplicaSet(ctx, ro, a.Name, map[string]any{"spec": map[string]any{"minReadySeconds": a.Seconds}})
	case rollout.ScaleWorkload:
		return nil, r.scaleWorkload(ctx, ro.Namespace, a)
	}
	return nil, fmt.Errorf("no way to carry out %T", a)
}

// create makes a ReplicaSet; one that this Rollout has made already is as good.
func (r *reconciler) create(ctx context.Context, rs *appsv1.ReplicaSet) error {
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
		r.written.note(there)
		return nil
	}
	if err != nil {
		return &createError{err}
	}
	r.written.note(rs)
	return nil
}

func (r *reconciler) patchReplicaSet(ctx context.Context, ro *v1alpha1.Rollout, name string, patch map[string]any) error {
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: ro.Namespace, Name: name}}
	return r.noted(rs, r.mergePatch(ctx, rs, patch))
}

func (r *reconciler) mergePatch(ctx context.Context, o client.Object, patch map[string]any) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	return r.client.Patch(ctx, o, client.RawPatch(types.MergePatchType, data))
}

// noted remembers what a write returned.
func (r *reconciler) noted(o client.Object, err error) error {
	if err == nil {
		r.written.note(o)
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

func (r *reconciler) scale(ctx context.Context, ro *v1alpha1.Rollout, a rollout.Scale) (held, err error) {
	if a.Drain {
		active, preview := services(ro)
		fresh, err := traffic.ForDrain(ctx, r.live, ro.Namespace, []string{active, preview}, a)
		if err != nil {
			return nil, err
		}
		if held := a.Check(fresh); held != nil {
			return held, nil
		}
	}
	return nil, r.patchReplicaSet(ctx, ro, a.Name, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{v1alpha1.DesiredReplicasAnnotation: fmt.Sprint(a.To)}},
		"spec":     map[string]any{"replicas": a.To},
	})
}

func (r *reconciler) switchService(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService) (held, err error) {
	_, preview := services(ro)
	fresh, err := traffic.ForSwitch(ctx, r.live, ro.Namespace, preview, a)
	if err != nil {
		return nil, err
	}
	fresh.Now = r.now()
	if held := a.Check(fresh); held != nil {
		return held, nil
	}
	return nil, r.noted(fresh.Service, traffic.Switch(ctx, r.client, ro.Name, fresh.Service, a))
}

// evict takes a pod away as a PodDisruptionBudget allows.
func (r *reconciler) evict(ctx context.Context, namespace string, a rollout.EvictPod) (held, err error) {
	fresh, err := traffic.ForEviction(ctx, r.live, namespace, a)
	if err != nil {
		return nil, err
	}
	if held := a.Check(fresh); held != nil {
		return held, nil
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: a.Name}}
	err = r.client.SubResource("eviction").Create(ctx, pod, &policyv1.Eviction{ObjectMeta: pod.ObjectMeta})
	if apierrors.IsTooManyRequests(err) {
		return fmt.Errorf("a PodDisruptionBudget keeps pod %s for now", a.Name), nil
	}
	return nil, client.IgnoreNotFound(err)
}

// setRoleMetadata changes a ReplicaSet's template and its pods in place; that restarts nothing.
func (r *reconciler) setRoleMetadata(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SetRoleMetadata) error {
	metadata := map[string]any{"labels": change(a.Metadata.Labels, a.Remove.Labels), "annotations": change(a.Metadata.Annotations, a.Remove.Annotations)}
	err := r.patchReplicaSet(ctx, ro, a.ReplicaSet, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{v1alpha1.EphemeralMetadataAnnotation: rollout.RoleMetadataAnnotation(a.Metadata)}},
		"spec":     map[string]any{"template": map[string]any{"metadata": metadata}},
	})
	if err != nil {
		return err
	}
	pods := &corev1.PodList{}
	if err := r.live.List(ctx, pods, client.InNamespace(ro.Namespace), client.MatchingLabels{v1alpha1.PodHashLabel: a.Hash}); err != nil {
		return err
	}
	for i := range pods.Items {
		if err := r.mergePatch(ctx, &pods.Items[i], map[string]any{"metadata": metadata}); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}

// change is a merge patch that sets some keys and removes others.
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

func (r *reconciler) scaleWorkload(ctx context.Context, namespace string, a rollout.ScaleWorkload) error {
	workload := &unstructured.Unstructured{}
	workload.SetAPIVersion(a.Ref.APIVersion)
	workload.SetKind(a.Ref.Kind)
	workload.SetNamespace(namespace)
	workload.SetName(a.Ref.Name)
	return r.mergePatch(ctx, workload, map[string]any{"spec": map[string]any{"replicas": a.To}})
}
