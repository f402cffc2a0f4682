package rollout

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// decideDeletion returns what to do with a Rollout that is being deleted. One that has scaled its workload down keeps
// its pods until those of the workload serve.
func decideDeletion(seen Observation, now time.Time) Decision {
	status := *seen.Rollout.Status.DeepCopy()
	if !slices.Contains(seen.Rollout.Finalizers, v1alpha1.WorkloadFinalizer) {
		return Decision{Actions: releaseAll(seen), Status: status}
	}
	scale := scaleUpWorkload(seen)
	waits := awaitedOfWorkload(seen)
	if len(scale.Actions) == 0 && waits == "" {
		// Until then the Services select the Rollout's pods alone.
		actions := releaseAll(seen)
		if waits = awaitedOfEndpoints(seen); waits == "" {
			return Decision{Actions: append(actions, SetFinalizer{Held: false}), Status: status}
		}
		scale.Actions = actions
	}
	status.ObservedGeneration = strconv.FormatInt(seen.Rollout.Generation, 10)
	status.Phase, status.Message = v1alpha1.RolloutProgressing, waits
	status.Conditions = withHealth(status.Conditions, status.Phase, now)
	return Decision{Actions: scale.Actions, Status: status}
}

// scaleUpWorkload scales a workload that this controller has scaled down to the size of the Rollout.
func scaleUpWorkload(seen Observation) Work {
	w, size := seen.Workload, Replicas(seen.Rollout)
	if !w.isHeld() || w.Deleting || *w.Replicas >= size {
		return Work{}
	}
	return Do(ScaleWorkload{Ref: *seen.Rollout.Spec.WorkloadRef, To: size})
}

// awaitedOfWorkload is why the workload cannot serve in place of the Rollout yet; empty when it can, or is to go too.
func awaitedOfWorkload(seen Observation) string {
	w, size := seen.Workload, Replicas(seen.Rollout)
	if w == nil || w.Replicas == nil || w.Deleting {
		return ""
	}
	if !w.isHeld() {
		// Somebody else has decided how many pods it has since.
		size = *w.Replicas
	}
	size = max(size, *w.Replicas)
	if w.Observed && w.Available >= size {
		return ""
	}
	ref := seen.Rollout.Spec.WorkloadRef
	return fmt.Sprintf("deletion waits: %s %s: %d of %d pods are available; see to them, or delete it as well", ref.Kind, ref.Name, w.Available, size)
}

// awaitedOfEndpoints is why requests do not reach the pods of the workload yet; empty when they do, or never will.
func awaitedOfEndpoints(seen Observation) string {
	service, w := seen.Active, seen.Workload
	if service == nil || w == nil || w.Replicas == nil || w.Deleting || !selectsWithoutHash(service, w.Template.Labels) {
		return ""
	}
	others := readyEndpoints(seen.ActiveSlices)
	for _, pod := range seen.Pods {
		delete(others, pod.Name)
	}
	if len(others) >= int(*w.Replicas) {
		return ""
	}
	ref := seen.Rollout.Spec.WorkloadRef
	return fmt.Sprintf("deletion waits: Service %s: %d of %d pods of %s %s are among its endpoints", service.Name, len(others), *w.Replicas, ref.Kind, ref.Name)
}

// selectsWithoutHash reports whether a Service selects pods with some labels, once it selects no version.
func selectsWithoutHash(service *corev1.Service, of map[string]string) bool {
	selector := map[string]string{}
	for key, value := range service.Spec.Selector {
		if key != v1alpha1.PodHashLabel {
			selector[key] = value
		}
	}
	return len(selector) > 0 && labels.SelectorFromSet(selector).Matches(labels.Set(of))
}

// holdDeletion puts the finalizer on a Rollout before its workload is scaled down, and takes it off when somebody else
// has decided how many pods that has, or the Rollout has no such workload any more.
func holdDeletion(seen Observation, scale Work) Work {
	wanted := len(scale.Actions) > 0 || seen.Workload.isHeld()
	if wanted == slices.Contains(seen.Rollout.Finalizers, v1alpha1.WorkloadFinalizer) {
		return scale
	}
	return Join(Do(SetFinalizer{Held: wanted}), scale)
}
