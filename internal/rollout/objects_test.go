package rollout_test

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// What the simulation asks of objects is asked in its own words, so that it does not err with the code that it tests.

func byHash(all []*appsv1.ReplicaSet, hash string) *appsv1.ReplicaSet {
	i := slices.IndexFunc(all, func(rs *appsv1.ReplicaSet) bool { return rs.Labels[v1alpha1.PodHashLabel] == hash })
	if hash == "" || i < 0 {
		return nil
	}
	return all[i]
}

func selectedHash(service *corev1.Service) string {
	if service == nil {
		return ""
	}
	return service.Spec.Selector[v1alpha1.PodHashLabel]
}

// podsOf returns the pods with a hash that are not being deleted.
func podsOf(pods []*corev1.Pod, hash string) []*corev1.Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(pod *corev1.Pod) bool {
		return pod.Labels[v1alpha1.PodHashLabel] != hash || pod.DeletionTimestamp != nil
	})
}

// readyCondition returns the Ready condition of a pod that is ready, else nil.
func readyCondition(pod *corev1.Pod) *corev1.PodCondition {
	i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
	if i < 0 {
		return nil
	}
	return &pod.Status.Conditions[i]
}

func readyPods(pods []*corev1.Pod, hash string) int {
	n := 0
	for _, pod := range podsOf(pods, hash) {
		if readyCondition(pod) != nil {
			n++
		}
	}
	return n
}

// readyEndpoints returns the names of the pods that EndpointSlices list as ready.
func readyEndpoints(all []*discoveryv1.EndpointSlice) map[string]bool {
	names := map[string]bool{}
	for _, slice := range all {
		for _, endpoint := range slice.Endpoints {
			if ready := endpoint.Conditions.Ready; endpoint.TargetRef != nil && (ready == nil || *ready) {
				names[endpoint.TargetRef.Name] = true
			}
		}
	}
	return names
}

func condition(all []v1alpha1.RolloutCondition, kind v1alpha1.RolloutConditionType) *v1alpha1.RolloutCondition {
	i := slices.IndexFunc(all, func(c v1alpha1.RolloutCondition) bool { return c.Type == kind })
	if i < 0 {
		return nil
	}
	return &all[i]
}
