package rollout

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Problem is something in a Rollout, or in what it names, that keeps it from being carried out.
type Problem struct {
	// Field is the path in the Rollout, such as spec.strategy.blueGreen.activeService.
	Field string
	// Says what is wrong, and what to do.
	Says string
}

func (p Problem) String() string { return p.Field + ": " + p.Says }

// Problems checks a Rollout against what was seen of the cluster.
func Problems(seen Observation) []Problem {
	ro := seen.Rollout
	all := Lint(ro)
	all = append(all, workloadProblems(seen)...)
	if len(all) > 0 || ro.Spec.Strategy.BlueGreen == nil {
		return all
	}
	all = append(all, selectorProblems(Selector(seen), wantedTemplate(seen))...)
	bg := ro.Spec.Strategy.BlueGreen
	all = append(all, serviceProblems("spec.strategy.blueGreen.activeService", bg.ActiveService, seen.Active, seen)...)
	if bg.PreviewService != "" {
		all = append(all, serviceProblems("spec.strategy.blueGreen.previewService", bg.PreviewService, seen.Preview, seen)...)
	}
	return all
}

// Lint checks a Rollout by itself, without a cluster.
func Lint(ro *v1alpha1.Rollout) []Problem {
	var all []Problem
	add := func(field, format string, args ...any) {
		all = append(all, Problem{"spec." + field, fmt.Sprintf(format, args...)})
	}
	spec := &ro.Spec
	deadline := valueOr(spec.ProgressDeadlineSeconds, defaultProgressDeadline)
	if deadline <= spec.MinReadySeconds {
		add("progressDeadlineSeconds", "%d must be more than minReadySeconds (%d), or no pod is ever available in time", deadline, spec.MinReadySeconds)
	}
	if valueOr(spec.Replicas, 0) < 0 {
		add("replicas", "%d is negative", *spec.Replicas)
	}
	if spec.WorkloadRef == nil {
		all = append(all, templateProblems(spec.Template)...)
		if spec.Selector == nil {
			add("selector", "is missing: give the labels of the template that find its pods, as in matchLabels: {app: NAME}")
		} else {
			all = append(all, selectorProblems(spec.Selector, spec.Template)...)
		}
	}
	return append(all, strategyProblems(spec)...)
}

func strategyProblems(spec *v1alpha1.RolloutSpec) []Problem {
	bg := spec.Strategy.BlueGreen
	field := "spec.strategy"
	switch {
	case bg != nil && spec.Strategy.Canary != nil:
		return []Problem{{field, "has both blueGreen and canary: keep one"}}
	case spec.Strategy.Canary != nil:
		return []Problem{{field + ".canary", "canary is not served by this version of Cyan: use blueGreen"}}
	case bg == nil:
		return []Problem{{field, "is missing: give blueGreen with an activeService"}}
	}
	var all []Problem
	add := func(name, format string, args ...any) {
		all = append(all, Problem{field + ".blueGreen." + name, fmt.Sprintf(format, args...)})
	}
	if bg.ActiveService == "" {
		add("activeService", "is missing: name the Service that takes the traffic")
	}
	if bg.ActiveService != "" && bg.ActiveService == bg.PreviewService {
		add("previewService", "is the same as activeService (%s): the preview needs a Service of its own", bg.ActiveService)
	}
	if limit := bg.ScaleDownDelayRevisionLimit; limit != nil && *limit > valueOr(spec.RevisionHistoryLimit, defaultRevisionHistoryLimit) {
		add("scaleDownDelayRevisionLimit", "%d is more than revisionHistoryLimit (%d)", *limit, valueOr(spec.RevisionHistoryLimit, defaultRevisionHistoryLimit))
	}
	if a := bg.AntiAffinity; a != nil && (a.PreferredDuringSchedulingIgnoredDuringExecution == nil) == (a.RequiredDuringSchedulingIgnoredDuringExecution == nil) {
		add("antiAffinity", "needs exactly one of preferredDuringSchedulingIgnoredDuringExecution and requiredDuringSchedulingIgnoredDuringExecution")
	}
	if bg.PrePromotionAnalysis != nil {
		add("prePromotionAnalysis", "analysis is not served by this version of Cyan: remove it, or gate by autoPromotionEnabled: false")
	}
	if bg.PostPromotionAnalysis != nil {
		add("postPromotionAnalysis", "analysis is not served by this version of Cyan: remove it")
	}
	return all
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
		all = append(all, Problem{field, fmt.Sprintf("%s %s can't lend its template: name a Deployment or ReplicaSet (apps/v1) or a PodTemplate (v1)", ref.APIVersion, ref.Kind)})
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

func serviceProblems(field, name string, service *corev1.Service, seen Observation) []Problem {
	if service == nil {
		return []Problem{{field, fmt.Sprintf("Service %s does not exist in namespace %s: create it", name, seen.Rollout.Namespace)}}
	}
	if other := service.Annotations[v1alpha1.ManagedByRolloutsAnnotation]; other != "" && other != seen.Rollout.Name {
		return []Problem{{field, fmt.Sprintf("Service %s is managed by Rollout %s already: use another Service", name, other)}}
	}
	template := wantedTemplate(seen)
	var off []string
	for key, value := range service.Spec.Selector {
		if key != v1alpha1.PodHashLabel && template.Labels[key] != value {
			off = append(off, key+"="+value)
		}
	}
	if len(off) > 0 {
		return []Problem{{field, fmt.Sprintf("Service %s selects %s, which the labels of the template do not have", name, strings.Join(off, ","))}}
	}
	return nil
}
