package rollout

import (
	"encoding/json"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// dress puts the metadata of their roles on the active and the preview version.
func (d *deciding) dress() {
	for _, rs := range d.seen.ReplicaSets {
		if rs.DeletionTimestamp != nil {
			continue
		}
		var want v1alpha1.PodTemplateMetadata
		switch {
		case d.needed(rs):
			want = valueOr(d.blueGreen().ActiveMetadata, want)
		case rs == d.fresh:
			want = valueOr(d.blueGreen().PreviewMetadata, want)
		}
		has := roleMetadata(rs)
		if !maps.Equal(has.Labels, want.Labels) || !maps.Equal(has.Annotations, want.Annotations) {
			d.do(SetRoleMetadata{
				ReplicaSet: rs.Name, Hash: PodHash(rs.Labels), Metadata: want,
				Remove: v1alpha1.PodTemplateMetadata{Labels: without(has.Labels, want.Labels), Annotations: without(has.Annotations, want.Annotations)},
			})
		}
	}
}

// roleMetadata is what the Rollout has put on a ReplicaSet's template for its role.
func roleMetadata(rs *appsv1.ReplicaSet) v1alpha1.PodTemplateMetadata {
	var has v1alpha1.PodTemplateMetadata
	// An annotation that can't be read stands for none: what it named stays on the pods.
	_ = json.Unmarshal([]byte(rs.Annotations[v1alpha1.EphemeralMetadataAnnotation]), &has)
	return has
}

// putOn makes metadata of a role part of a ReplicaSet that is about to be made.
func putOn(rs *appsv1.ReplicaSet, metadata v1alpha1.PodTemplateMetadata) {
	rs.Annotations[v1alpha1.EphemeralMetadataAnnotation] = RoleMetadataAnnotation(metadata)
	template := &rs.Spec.Template
	maps.Copy(template.Labels, metadata.Labels)
	if template.Annotations == nil {
		template.Annotations = map[string]string{}
	}
	maps.Copy(template.Annotations, metadata.Annotations)
}

// without returns the entries of has whose key want does not have.
func without(has, want map[string]string) map[string]string {
	rest := maps.Clone(has)
	maps.DeleteFunc(rest, func(key, _ string) bool { _, ok := want[key]; return ok })
	return rest
}

// addVersionAntiAffinity keeps the pods of a new version off the nodes where other versions of the Rollout run.
func addVersionAntiAffinity(want *v1alpha1.AntiAffinity, stable, hash string, template *corev1.PodTemplateSpec) {
	if want == nil || stable == "" || stable == hash {
		return
	}
	term := corev1.PodAffinityTerm{
		LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: v1alpha1.PodHashLabel, Operator: metav1.LabelSelectorOpIn, Values: []string{stable}},
		}},
		TopologyKey: corev1.LabelHostname,
	}
	if template.Spec.Affinity == nil {
		template.Spec.Affinity = &corev1.Affinity{}
	}
	if template.Spec.Affinity.PodAntiAffinity == nil {
		template.Spec.Affinity.PodAntiAffinity = &corev1.PodAntiAffinity{}
	}
	rules := template.Spec.Affinity.PodAntiAffinity
	if preferred := want.PreferredDuringSchedulingIgnoredDuringExecution; preferred != nil {
		rules.PreferredDuringSchedulingIgnoredDuringExecution = append(rules.PreferredDuringSchedulingIgnoredDuringExecution,
			corev1.WeightedPodAffinityTerm{Weight: preferred.Weight, PodAffinityTerm: term})
		return
	}
	rules.RequiredDuringSchedulingIgnoredDuringExecution = append(rules.RequiredDuringSchedulingIgnoredDuringExecution, term)
}

// removeVersionAntiAffinity takes the rules between versions out of a template again.
func removeVersionAntiAffinity(template *corev1.PodTemplateSpec) {
	if template.Spec.Affinity == nil || template.Spec.Affinity.PodAntiAffinity == nil {
		return
	}
	rules := template.Spec.Affinity.PodAntiAffinity
	rules.RequiredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(rules.RequiredDuringSchedulingIgnoredDuringExecution, betweenVersions)
	rules.PreferredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(rules.PreferredDuringSchedulingIgnoredDuringExecution,
		func(w corev1.WeightedPodAffinityTerm) bool { return betweenVersions(w.PodAffinityTerm) })
}

func betweenVersions(term corev1.PodAffinityTerm) bool {
	return term.LabelSelector != nil && slices.ContainsFunc(term.LabelSelector.MatchExpressions,
		func(r metav1.LabelSelectorRequirement) bool { return r.Key == v1alpha1.PodHashLabel })
}

// RoleMetadataAnnotation is the value of the annotation that remembers what was put on a ReplicaSet for its role.
func RoleMetadataAnnotation(metadata v1alpha1.PodTemplateMetadata) string {
	// Maps of strings always encode.
	data, _ := json.Marshal(metadata)
	return string(data)
}
