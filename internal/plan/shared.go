package plan

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Shared knows the fields of objects from git that are not git's to decide: Rollouts do, or whoever the Application
// says.
type Shared struct {
	// respected are rules for fields that stay as they are.
	respected *ignoring
	// scaled are the workloads that a Rollout has taken the pods of, and scales down itself.
	scaled map[Key]bool
}

// SharedWith finds the Rollouts among all that an Application wants.
func SharedWith(desired []Desired, policy Policy) Shared {
	s := Shared{respected: &ignoring{owner: policy.Instance, rules: policy.Respected()}, scaled: map[Key]bool{}}
	for _, d := range desired {
		if gk := d.GVK().GroupKind(); gk.Group != v1alpha1.GroupVersion.Group || gk.Kind != v1alpha1.RolloutKind {
			continue
		}
		ref, _, _ := unstructured.NestedStringMap(d.Object.Object, "spec", "workloadRef")
		if ref["kind"] == "Deployment" && ref["scaleDown"] != "" && ref["scaleDown"] != v1alpha1.ScaleDownNever {
			s.scaled[Key{Group: "apps", Kind: ref["kind"], Namespace: d.Object.GetNamespace(), Name: ref["name"]}] = true
		}
	}
	return s
}

// Keep returns what to apply of a desired object: git's, with the values of the live one where others decide. Since
// those may change at any moment, it may only be applied on basis, unless that is "".
func (s Shared) Keep(desired, live *unstructured.Unstructured) (object *unstructured.Unstructured, basis string) {
	if live == nil {
		return desired, ""
	}
	object = respect(desired, live, s.respected)
	switch {
	case desired.GetKind() == "Service" && live.GetAnnotations()[v1alpha1.ManagedByRolloutsAnnotation] != "":
		object = keepField(object, live, "spec", "selector", v1alpha1.PodHashLabel)
	case s.scaled[KeyOf(desired)]:
		object = keepField(object, live, "spec", "replicas")
	}
	if object == desired {
		return desired, ""
	}
	return object, live.GetResourceVersion()
}

func keepField(desired, live *unstructured.Unstructured, path ...string) *unstructured.Unstructured {
	value, found, err := unstructured.NestedFieldCopy(live.Object, path...)
	if !found || err != nil {
		return desired
	}
	object := desired.DeepCopy()
	if err := unstructured.SetNestedField(object.Object, value, path...); err != nil {
		return desired
	}
	return object
}
