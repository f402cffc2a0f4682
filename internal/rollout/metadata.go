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

// syncRoleMetadata puts the metadata of their roles on the versions that stay.
func syncRoleMetadata(s State, forgotten []*appsv1.ReplicaSet) Work {
	var w Work
	for _, rs := range s.ReplicaSets {
		if rs.DeletionTimestamp != nil || slices.Contains(forgotten, rs) {
			continue
		}
		want, has := roleMetadataFor(s, rs), roleMetadata(rs)
		if maps.Equal(has.Labels, want.Labels) && maps.Equal(has.Annotations, want.Annotations) {
			continue
		}
		w.Actions = append(w.Actions, SetRoleMetadata{
			ReplicaSet: rs.Name, Hash: PodHash(rs.Labels), Metadata: want,
			Remove: v1alpha1.PodTemplateMetadata{
				Labels: without(has.Labels, want.Labels), Annotations: without(has.Annotations, want.Annotations),
			},
		})
	}
	return w
}

// roleMetadataFor returns the metadata that the role of a ReplicaSet asks for.
func roleMetadataFor(s State, rs *appsv1.ReplicaSet) v1alpha1.PodTemplateMetadata {
	switch {
	case s.Needed(rs), rs == s.Desired && s.Stable == nil:
		// The first version becomes active as soon as it can.
		return s.Settings.ActiveMetadata
	case rs == s.Desired:
		return s.Settings.PreviewMetadata
	}
	return v1alpha1.PodTemplateMetadata{}
}

// roleMetadata returns what the Rollout has put on a ReplicaSet's template for its role.
func roleMetadata(rs *appsv1.ReplicaSet) v1alpha1.PodTemplateMetadata {
	var has v1alpha1.PodTemplateMetadata
	// An annotation that can't be read stands for none: what it named stays on the pods.
	_ = json.Unmarshal([]byte(rs.Annotations[v1alpha1.EphemeralMetadataAnnotation]), &has)
	return has
}

// RoleMetadataAnnotation returns the value of the annotation that remembers what was put on a ReplicaSet for its role.
func RoleMetadataAnnotation(metadata v1alpha1.PodTemplateMetadata) string {
	// Maps of strings always encode.
	data, _ := json.Marshal(metadata)
	return string(data)
}

// addRoleMetadata makes the metadata of a role part of a ReplicaSet that is about to be created.
func addRoleMetadata(rs *appsv1.ReplicaSet, metadata v1alpha1.PodTemplateMetadata) {
	if len(metadata.Labels)+len(metadata.Annotations) == 0 {
		return
	}
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

// addVersionAntiAffinity keeps the pods of a template off the nodes where those of the stable version run.
func addVersionAntiAffinity(want *v1alpha1.AntiAffinity, stable string, template *corev1.PodTemplateSpec) {
	if want == nil || stable == "" {
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
	rules.RequiredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(
		rules.RequiredDuringSchedulingIgnoredDuringExecution, isBetweenVersions)
	rules.PreferredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(
		rules.PreferredDuringSchedulingIgnoredDuringExecution,
		func(w corev1.WeightedPodAffinityTerm) bool { return isBetweenVersions(w.PodAffinityTerm) })
}

func isBetweenVersions(term corev1.PodAffinityTerm) bool {
	return term.LabelSelector != nil && slices.ContainsFunc(term.LabelSelector.MatchExpressions,
		func(r metav1.LabelSelectorRequirement) bool { return r.Key == v1alpha1.PodHashLabel })
}
