package plan

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
)

// ResourceStatuses are the resources of a plan as an Application's status lists them.
func (p Plan) ResourceStatuses() []v1alpha1.ResourceStatus {
	all := make([]v1alpha1.ResourceStatus, 0, len(p.Resources))
	for _, r := range p.Resources {
		s := v1alpha1.ResourceStatus{
			Group: r.Key.Group, Version: r.Version, Kind: r.Key.Kind, Namespace: r.Key.Namespace, Name: r.Key.Name,
			Status: r.Status, RequiresPruning: r.RequiresPruning, RequiresDeletionConfirmation: r.RequiresConfirmation, Hook: r.Hook, SyncWave: int64(r.Wave), Health: r.Health(),
		}
		all = append(all, s)
	}
	return all
}

// Health of the resource: missing when it is not there, nil for kinds without health.
func (r Resource) Health() *v1alpha1.HealthStatus {
	if r.Live == nil {
		return &v1alpha1.HealthStatus{Status: v1alpha1.HealthMissing}
	}
	return r.judge.Of(r.Live)
}

// Health of the Application: the worst of its resources'. Resources that would be pruned, and those that say so
// themselves, do not count; missing ones only where nothing else is there, since OutOfSync says that they are missing.
func (p Plan) Health() v1alpha1.HealthStatusCode {
	worst := v1alpha1.HealthHealthy
	var missing, present bool
	for _, r := range p.Resources {
		if r.RequiresPruning || r.Hook {
			continue
		}
		if r.Live == nil {
			missing = true
			continue
		}
		present = true
		if h := r.Health(); h != nil && h.Status != v1alpha1.HealthHealthy && r.Live.GetAnnotations()[health.IgnoreAnnotation] != "true" {
			worst = health.Worse(worst, h.Status)
		}
	}
	if missing && !present {
		return v1alpha1.HealthMissing
	}
	return worst
}

// Shared names the objects that belong to another Application as well.
func (p Plan) Shared() []string {
	all := slices.Clone(p.Warnings)
	for _, r := range p.Resources {
		switch {
		case r.SharedWith != "" && r.RequiresPruning:
			all = append(all, fmt.Sprintf("%s: not pruned, since Application %s has it in git by now; sync that one, or remove it there", r.Key, r.SharedWith))
		case r.SharedWith != "":
			all = append(all, fmt.Sprintf("%s: belongs to Application %s as well; remove it from one of the two", r.Key, r.SharedWith))
		}
	}
	return all
}

// Summary lists the images and URLs that people look for.
func (p Plan) Summary() v1alpha1.ApplicationSummary {
	var s v1alpha1.ApplicationSummary
	for _, r := range p.Resources {
		if r.Live == nil {
			continue
		}
		if p.summarize != nil {
			found := p.summarize(r.Live)
			s.Images, s.ExternalURLs = append(s.Images, found.images...), append(s.ExternalURLs, found.urls...)
			continue
		}
		s.Images = append(s.Images, ImagesOf(r.Live)...)
		s.ExternalURLs = append(s.ExternalURLs, URLsOf(r.Live)...)
	}
	slices.Sort(s.Images)
	s.Images = slices.Compact(s.Images)
	slices.Sort(s.ExternalURLs)
	s.ExternalURLs = slices.Compact(s.ExternalURLs)
	return s
}

// ImagesOf returns the images of an object's pod template, or of a pod.
func ImagesOf(object *unstructured.Unstructured) []string {
	var all []string
	for _, path := range [][]string{{"spec"}, {"spec", "template", "spec"}, {"spec", "jobTemplate", "spec", "template", "spec"}} {
		found, _, _ := unstructured.NestedFieldNoCopy(object.Object, path...)
		spec, _ := found.(map[string]any)
		for _, field := range []string{"initContainers", "containers"} {
			containers, _ := spec[field].([]any)
			for _, c := range containers {
				if m, ok := c.(map[string]any); ok {
					if image, ok := m["image"].(string); ok && image != "" {
						all = append(all, image)
					}
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// MergeConditions are the conditions that hold now; those that held before with the same message keep their time.
func MergeConditions(before, now []v1alpha1.ApplicationCondition, at metav1.Time) []v1alpha1.ApplicationCondition {
	all := make([]v1alpha1.ApplicationCondition, 0, len(now))
	for _, c := range now {
		c.LastTransitionTime = at.DeepCopy()
		for _, b := range before {
			if b.Type == c.Type && b.Message == c.Message && b.LastTransitionTime != nil {
				c.LastTransitionTime = b.LastTransitionTime
			}
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(x, y v1alpha1.ApplicationCondition) int {
		return strings.Compare(x.Type+"\x00"+x.Message, y.Type+"\x00"+y.Message)
	})
	return all
}
