package devloop

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// scope is what of a namespace is the project's, where others are in it too.
type scope struct {
	// pods are the selectors of workloads.
	pods []labels.Selector
	// services, single and jobs are the names of Services, Pods and Jobs, and crons the beginnings of those of the Jobs
	// that CronJobs make.
	services, single, jobs map[string]bool
	crons                  []string
}

// scopeOf returns the scope of objects in a namespace.
func scopeOf(objects []*unstructured.Unstructured, namespace string) *scope {
	s := &scope{services: map[string]bool{}, single: map[string]bool{}, jobs: map[string]bool{}}
	for _, object := range objects {
		if object.GetNamespace() != namespace {
			continue
		}
		switch object.GetKind() {
		case "Service":
			s.services[object.GetName()] = true
		case "Pod":
			s.single[object.GetName()] = true
		case "Job":
			s.jobs[object.GetName()] = true
		case "CronJob":
			s.crons = append(s.crons, object.GetName()+"-")
		default:
			if selector := selectorOf(object); selector != nil {
				s.pods = append(s.pods, selector)
			}
		}
	}
	return s
}

// selectorOf returns the selector of the pods of a workload; nil when it has none that selects something.
func selectorOf(object *unstructured.Unstructured) labels.Selector {
	written, ok, _ := unstructured.NestedMap(object.Object, "spec", "selector")
	if !ok {
		return nil
	}
	matches, _, _ := unstructured.NestedStringMap(written, "matchLabels")
	chosen := &metav1.LabelSelector{MatchLabels: matches}
	expressions, _, _ := unstructured.NestedSlice(written, "matchExpressions")
	for _, e := range expressions {
		one, ok := e.(map[string]any)
		if !ok {
			return nil
		}
		key, _, _ := unstructured.NestedString(one, "key")
		operator, _, _ := unstructured.NestedString(one, "operator")
		values, _, _ := unstructured.NestedStringSlice(one, "values")
		chosen.MatchExpressions = append(chosen.MatchExpressions, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOperator(operator), Values: values})
	}
	selector, err := metav1.LabelSelectorAsSelector(chosen)
	if err != nil || selector.Empty() {
		return nil
	}
	return selector
}

// hasPod reports whether a pod is the project's; without a scope, each is.
func (s *scope) hasPod(pod *corev1.Pod) bool {
	if s == nil || s.single[pod.Name] {
		return true
	}
	for _, owner := range pod.OwnerReferences {
		if owner.Kind == "Job" && (s.jobs[owner.Name] || slices.ContainsFunc(s.crons, func(begins string) bool { return strings.HasPrefix(owner.Name, begins) })) {
			return true
		}
	}
	return slices.ContainsFunc(s.pods, func(selector labels.Selector) bool { return selector.Matches(labels.Set(pod.Labels)) })
}

// hasService reports whether a Service is the project's.
func (s *scope) hasService(service *corev1.Service) bool { return s == nil || s.services[service.Name] }

// narrow has the pods and Services count alone that are of these objects. Those of the pods that are there already are
// heard of now.
func (s *scene) narrow(objects []*unstructured.Unstructured) {
	s.scope.Store(scopeOf(objects, s.namespace))
	s.mu.Lock()
	defer s.mu.Unlock()
	all, _ := s.pods.List(labels.Everything())
	for _, pod := range all {
		s.hear(pod)
	}
}

// hear has a pod heard of, if it is the project's. The lock is held.
func (s *scene) hear(pod *corev1.Pod) {
	if !s.scope.Load().hasPod(pod) {
		return
	}
	for _, heard := range s.podHeard {
		heard(pod)
	}
}

// projects returns the Services of the project.
func (s *scene) projects() []*corev1.Service {
	scope := s.scope.Load()
	all, _ := s.services.List(labels.Everything())
	return slices.DeleteFunc(slices.Clone(all), func(service *corev1.Service) bool { return !scope.hasService(service) })
}
