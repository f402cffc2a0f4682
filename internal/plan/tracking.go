package plan

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Instance is what an Application is called in tracking marks.
func Instance(app *v1alpha1.Application, controlNamespace string) string {
	if app.Namespace == controlNamespace || app.Namespace == "" {
		return app.Name
	}
	return app.Namespace + "_" + app.Name
}

// ApplicationOf returns which Application an instance is: the inverse of [Instance].
func ApplicationOf(instance, controlNamespace string) types.NamespacedName {
	if namespace, name, ok := strings.Cut(instance, "_"); ok {
		return types.NamespacedName{Namespace: namespace, Name: name}
	}
	return types.NamespacedName{Namespace: controlNamespace, Name: instance}
}

// TrackingID is the mark of an object: instance:group/Kind:namespace/name.
func TrackingID(instance string, key Key) string {
	return fmt.Sprintf("%s:%s/%s:%s/%s", instance, key.Group, key.Kind, key.Namespace, key.Name)
}

// ParseTrackingID takes a mark apart. One that lacks a separator lacks the part behind it.
func ParseTrackingID(id string) (instance string, key Key, ok bool) {
	instance, rest, _ := strings.Cut(id, ":")
	kind, object, _ := strings.Cut(rest, ":")
	group, kindName, _ := strings.Cut(kind, "/")
	namespace, name, _ := strings.Cut(object, "/")
	if instance == "" || kindName == "" || name == "" {
		return "", Key{}, false
	}
	return instance, Key{group, kindName, namespace, name}, true
}

// Owner is the instance that an object is marked with; empty when it carries no mark, or one that names another
// object: a copy.
func Owner(object *unstructured.Unstructured) string {
	instance, key, ok := ParseTrackingID(object.GetAnnotations()[v1alpha1.TrackingIDAnnotation])
	own := KeyOf(object)
	// An object without a namespace may carry the one of its destination in the mark.
	if !ok || key.Group != own.Group || key.Kind != own.Kind || key.Name != own.Name || (own.Namespace != "" && key.Namespace != own.Namespace) {
		return ""
	}
	return instance
}

// Mark puts an Application's mark on an object; without an instance there is none to put.
func Mark(object *unstructured.Unstructured, policy Policy) {
	if policy.Instance == "" {
		return
	}
	key := KeyOf(object)
	if key.Namespace == "" {
		key.Namespace = policy.Namespace
	}
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[v1alpha1.TrackingIDAnnotation] = TrackingID(policy.Instance, key)
	object.SetAnnotations(annotations)
}
