package desired

import (
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// AddLabels adds labels to an object and to the pods that it makes, but for those of a Job, which cannot be changed.
func AddLabels(object *unstructured.Unstructured, labels map[string]string) {
	if len(labels) == 0 {
		return
	}
	all := object.GetLabels()
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, labels)
	object.SetLabels(all)
	metadata, ok, _ := unstructured.NestedMap(object.Object, "spec", "template", "metadata")
	if !ok || object.GroupVersionKind().GroupKind() == (schema.GroupKind{Group: "batch", Kind: "Job"}) {
		return
	}
	pods, _, _ := unstructured.NestedStringMap(metadata, "labels")
	if pods == nil {
		pods = map[string]string{}
	}
	maps.Copy(pods, labels)
	_ = unstructured.SetNestedStringMap(object.Object, pods, "spec", "template", "metadata", "labels")
}
