package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Problem is something in a Rollout, or in what it names, that keeps it from being carried out.
type Problem struct {
	// Field is the path in the Rollout, such as spec.strategy.blueGreen.activeService.
	Field string
	// Says is what is wrong, and what to do.
	Says string
}

func (p Problem) String() string { return p.Field + ": " + p.Says }

// Number is the value of a field that counts something.
type Number struct {
	Field string
	Value int32
}

// Problems returns what is wrong with a number: one below zero counts nothing.
func (n Number) Problems() []Problem {
	if n.Value >= 0 {
		return nil
	}
	return []Problem{{n.Field, fmt.Sprintf("%d is negative", n.Value)}}
}

// Problems checks a Rollout against what was observed of the cluster.
func Problems(seen Observation, strategy Strategy) []Problem {
	ro := seen.Rollout
	all := append(Lint(ro, strategy), workloadProblems(seen)...)
	if len(all) > 0 {
		return all
	}
	template := desiredTemplate(seen)
	all = selectorProblems(selectorOf(ro, seen.Workload), template)
	for _, ref := range strategy.Settings().Services {
		all = append(all, serviceProblems(ref, seen.Service(ref.Role), ro, template)...)
	}
	return all
}

// Lint checks a Rollout by itself, without a cluster.
func Lint(ro *v1alpha1.Rollout, strategy Strategy) []Problem {
	var all []Problem
	add := func(field, format string, args ...any) {
		all = append(all, Problem{"spec." + field, fmt.Sprintf(format, args...)})
	}
	spec := &ro.Spec
	deadline := ptr.Deref(spec.ProgressDeadlineSeconds, defaultProgressDeadline)
	if deadline <= spec.MinReadySeconds {
		add("progressDeadlineSeconds", "%d must be more than minReadySeconds (%d), or no pod is ever available in time", deadline, spec.MinReadySeconds)
	}
	for _, n := range []Number{
		{"spec.replicas", ptr.Deref(spec.Replicas, 0)},
		{"spec.minReadySeconds", spec.MinReadySeconds},
		{"spec.revisionHistoryLimit", RevisionHistoryLimit(spec)},
		{"spec.rollbackWindow.revisions", ptr.Deref(spec.RollbackWindow, v1alpha1.RollbackWindow{}).Revisions},
	} {
		all = append(all, n.Problems()...)
	}
	if spec.WorkloadRef == nil {
		all = append(all, templateProblems(spec.Template)...)
		if spec.Selector == nil {
			add("selector", "is missing: give the labels of the template that find its pods, as in matchLabels: {app: NAME}")
		} else {
			all = append(all, selectorProblems(spec.Selector, spec.Template)...)
		}
	}
	return append(all, strategy.Lint(spec)...)
}

func templateProblems(template corev1.PodTemplateSpec) []Problem {
	var all []Problem
	if len(template.Spec.Containers) == 0 {
		all = append(all, Problem{"spec.template.spec.containers", "is empty: a pod needs a container (or name a Deployment in workloadRef)"})
	}
	for i, c := range template.Spec.Containers {
		field := fmt.Sprintf("spec.template.spec.containers[%d]", i)
		if c.Name == "" {
			all = append(all, Problem{field + ".name", "is missing"})
		}
		if c.Image == "" {
			all = append(all, Problem{field + ".image", "is missing"})
		}
	}
	if p := template.Spec.RestartPolicy; p != "" && p != corev1.RestartPolicyAlways {
		all = append(all, Problem{"spec.template.spec.restartPolicy", fmt.Sprintf("is %s; pods of a Rollout are always restarted: leave it out", p)})
	}
	return all
}

func selectorProblems(selector *metav1.LabelSelector, template corev1.PodTemplateSpec) []Problem {
	const field = "spec.selector"
	if selector == nil || len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		return []Problem{{field, "is empty, which would select every pod: give the labels of the template"}}
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return []Problem{{field, err.Error()}}
	}
	if !s.Matches(labels.Set(template.Labels)) {
		return []Problem{{field, fmt.Sprintf("%s does not match the labels of the template (%s)", s, labels.Set(template.Labels))}}
	}
	return nil
}

func workloadProblems(seen Observation) []Problem {
	ref := seen.Rollout.Spec.WorkloadRef
	if ref == nil {
		return nil
	}
	const field = "spec.workloadRef"
	var all []Problem
	if len(seen.Rollout.Spec.Template.Spec.Containers) > 0 {
		all = append(all, Problem{field, "stands together with spec.template: keep one"})
	}
	known := map[string]string{"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "PodTemplate": "v1"}
	switch version, ok := known[ref.Kind]; {
	case !ok || ref.APIVersion != version:
		all = append(all, Problem{field, fmt.Sprintf(
			"%s %s can't be used: name a Deployment or ReplicaSet (apps/v1) or a PodTemplate (v1)", ref.APIVersion, ref.Kind)})
	case ref.Name == "":
		all = append(all, Problem{field + ".name", "is missing"})
	case seen.Workload == nil:
		all = append(all, Problem{field, fmt.Sprintf("%s %s does not exist in namespace %s", ref.Kind, ref.Name, seen.Rollout.Namespace)})
	}
	switch ref.ScaleDown {
	case "", v1alpha1.ScaleDownNever, v1alpha1.ScaleDownOnSuccess, v1alpha1.ScaleDownProgressively:
	default:
		all = append(all, Problem{field + ".scaleDown", fmt.Sprintf("%q is none of never, onsuccess, progressively", ref.ScaleDown)})
	}
	return all
}

func serviceProblems(ref ServiceRef, service *corev1.Service, ro *v1alpha1.Rollout, template corev1.PodTemplateSpec) []Problem {
	if service == nil {
		return []Problem{{ref.Field, fmt.Sprintf("Service %s does not exist in namespace %s: create it", ref.Name, ro.Namespace)}}
	}
	if other := service.Annotations[v1alpha1.ManagedByRolloutsAnnotation]; other != "" && other != ro.Name {
		return []Problem{{ref.Field, fmt.Sprintf("Service %s is managed by Rollout %s already: use another Service", ref.Name, other)}}
	}
	var off []string
	for _, key := range slices.Sorted(maps.Keys(service.Spec.Selector)) {
		if value := service.Spec.Selector[key]; key != v1alpha1.PodHashLabel && template.Labels[key] != value {
			off = append(off, key+"="+value)
		}
	}
	if len(off) > 0 {
		return []Problem{{ref.Field, fmt.Sprintf("Service %s selects %s, which the labels of the template do not have",
			ref.Name, strings.Join(off, ","))}}
	}
	return nil
}
