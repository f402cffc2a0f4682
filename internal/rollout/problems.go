package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Invalid returns the problem of a field of a Rollout, such as spec.strategy.blueGreen.activeService, or of what the
// field names, that keeps the Rollout from being carried out. The remedy may be empty.
func Invalid(field, cause, remedy string) *problem.Error {
	return &problem.Error{Kind: problem.Usage, Field: field, Cause: cause, Remedy: remedy}
}

// Number is the value of a field that counts something.
type Number struct {
	Field string
	Value int32
}

// Problems returns what is wrong with a number: one below zero counts nothing.
func (n Number) Problems() []*problem.Error {
	if n.Value >= 0 {
		return nil
	}
	return []*problem.Error{Invalid(n.Field, fmt.Sprintf("%d is negative", n.Value), "")}
}

// Problems checks a Rollout against what was observed of the cluster.
func Problems(seen Observation, strategy Strategy) []*problem.Error {
	ro := seen.Rollout
	all := slices.Concat(seen.Misspelt, Lint(ro, strategy), workloadProblems(seen))
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
func Lint(ro *v1alpha1.Rollout, strategy Strategy) []*problem.Error {
	spec := &ro.Spec
	if spec.Unreadable != "" {
		return []*problem.Error{Invalid("spec", "not all of it can be read: "+spec.Unreadable, "correct the field")}
	}
	var all []*problem.Error
	deadline := ptr.Deref(spec.ProgressDeadlineSeconds, defaultProgressDeadline)
	if deadline <= spec.MinReadySeconds {
		all = append(all, Invalid("spec.progressDeadlineSeconds",
			fmt.Sprintf("%d is not more than minReadySeconds (%d), so that no pod is available in time", deadline, spec.MinReadySeconds),
			"give more than minReadySeconds"))
	}
	for _, n := range []Number{
		{"spec.replicas", ptr.Deref(spec.Replicas, 0)},
		{"spec.minReadySeconds", spec.MinReadySeconds},
		{"spec.revisionHistoryLimit", RevisionHistoryLimit(spec)},
		{"spec.rollbackWindow.revisions", ptr.Deref(spec.RollbackWindow, v1alpha1.RollbackWindow{}).Revisions},
	} {
		all = append(all, n.Problems()...)
	}
	if spec.WorkloadRef != nil && !equality.Semantic.DeepEqual(spec.Template, corev1.PodTemplateSpec{}) {
		all = append(all, Invalid("spec.template", "template must be empty for workload reference rollout", "remove it, or spec.workloadRef"))
	}
	all = append(all, workloadRefProblems(spec.WorkloadRef)...)
	if spec.WorkloadRef == nil {
		all = append(all, templateProblems(spec.Template)...)
		if spec.Selector == nil {
			all = append(all, Invalid("spec.selector", "missing", "give the labels of the template that find its pods, as in matchLabels: {app: NAME}"))
		} else {
			all = append(all, selectorProblems(spec.Selector, spec.Template)...)
		}
	}
	return append(all, strategy.Lint(spec)...)
}

func templateProblems(template corev1.PodTemplateSpec) []*problem.Error {
	var all []*problem.Error
	if len(template.Spec.Containers) == 0 {
		all = append(all, Invalid("spec.template.spec.containers", "empty", "add a container, or name a Deployment in spec.workloadRef"))
	}
	for i, c := range template.Spec.Containers {
		field := fmt.Sprintf("spec.template.spec.containers[%d]", i)
		if c.Name == "" {
			all = append(all, Invalid(field+".name", "missing", "name the container"))
		}
		if c.Image == "" {
			all = append(all, Invalid(field+".image", "missing", "give the image that the container runs"))
		}
	}
	if p := template.Spec.RestartPolicy; p != "" && p != corev1.RestartPolicyAlways {
		all = append(all, Invalid("spec.template.spec.restartPolicy",
			fmt.Sprintf("%s is invalid, because the pods of a Rollout are always restarted", p), "give Always, or leave it out"))
	}
	return all
}

func selectorProblems(selector *metav1.LabelSelector, template corev1.PodTemplateSpec) []*problem.Error {
	const field = "spec.selector"
	if selector == nil || len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		return []*problem.Error{Invalid(field, "empty, which selects every pod", "give the labels of the template that find its pods")}
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return []*problem.Error{Invalid(field, "invalid: "+err.Error(), "")}
	}
	if !s.Matches(labels.Set(template.Labels)) {
		return []*problem.Error{Invalid(field,
			fmt.Sprintf("%s does not match the labels of the template (%s)", s, labels.Set(template.Labels)), "give labels that the template has")}
	}
	return nil
}

// workloadField is where a Rollout names the workload whose template it has.
const workloadField = "spec.workloadRef"

// workloadRefProblems checks what a Rollout names as its workload by itself.
func workloadRefProblems(ref *v1alpha1.WorkloadRef) []*problem.Error {
	if ref == nil {
		return nil
	}
	var all []*problem.Error
	known := map[string]string{"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "PodTemplate": "v1"}
	switch version, ok := known[ref.Kind]; {
	case !ok || ref.APIVersion != version:
		all = append(all, Invalid(workloadField, fmt.Sprintf("%s %s is not supported", ref.APIVersion, ref.Kind),
			"name a Deployment or ReplicaSet (apps/v1) or a PodTemplate (v1)"))
	case ref.Name == "":
		all = append(all, Invalid(workloadField+".name", "missing", "name the "+ref.Kind))
	}
	switch ref.ScaleDown {
	case "", v1alpha1.ScaleDownNever, v1alpha1.ScaleDownOnSuccess, v1alpha1.ScaleDownProgressively:
	default:
		all = append(all, Invalid(workloadField+".scaleDown", fmt.Sprintf("unknown value %q", ref.ScaleDown), "give never, onsuccess or progressively"))
	}
	return all
}

// workloadProblems checks whether the workload is there that a Rollout names.
func workloadProblems(seen Observation) []*problem.Error {
	ref := seen.Rollout.Spec.WorkloadRef
	if ref == nil || seen.Workload != nil || len(workloadRefProblems(ref)) > 0 {
		return nil
	}
	return []*problem.Error{Invalid(workloadField, fmt.Sprintf("%s %s not found in namespace %s", ref.Kind, ref.Name, seen.Rollout.Namespace), "create it, or name another")}
}

func serviceProblems(ref ServiceRef, service *corev1.Service, ro *v1alpha1.Rollout, template corev1.PodTemplateSpec) []*problem.Error {
	if service == nil {
		return []*problem.Error{Invalid(ref.Field, fmt.Sprintf("Service %s not found in namespace %s", ref.Name, ro.Namespace), "create it")}
	}
	if other := service.Annotations[v1alpha1.ManagedByRolloutsAnnotation]; other != "" && other != ro.Name {
		return []*problem.Error{Invalid(ref.Field, fmt.Sprintf("Service %s is managed by Rollout %s already", ref.Name, other), "use another Service")}
	}
	var off []string
	for _, key := range slices.Sorted(maps.Keys(service.Spec.Selector)) {
		if value := service.Spec.Selector[key]; key != v1alpha1.PodHashLabel && template.Labels[key] != value {
			off = append(off, key+"="+value)
		}
	}
	if len(off) > 0 {
		return []*problem.Error{Invalid(ref.Field,
			fmt.Sprintf("Service %s selects %s, which the labels of the template do not have", ref.Name, strings.Join(off, ",")),
			"change the selector of the Service, or the labels")}
	}
	return nil
}
