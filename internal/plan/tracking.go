package plan

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
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

// TrackingMethod is how an object is marked as an Application's.
type TrackingMethod string

// The values of TrackingMethod.
const (
	TrackByAnnotation TrackingMethod = "annotation"
	TrackByLabel      TrackingMethod = "label"
	// TrackByAnnotationAndLabel finds objects by the annotation, and writes the label as well.
	TrackByAnnotationAndLabel TrackingMethod = "annotation+label"
)

// Tracking is how the objects of Applications are told from others. The zero value tracks by annotation.
type Tracking struct {
	Method TrackingMethod
	// LabelKey is the label of the methods that write one: app.kubernetes.io/instance when empty.
	LabelKey string
	// InstallationID distinguishes several installations on one cluster; "" for one.
	InstallationID string
}

func (t Tracking) labelKey() string { return cmp.Or(t.LabelKey, v1alpha1.InstanceLabel) }

// Owner returns the instance that an object of a kind is marked with, as far as its metadata says; empty when it
// carries no mark, the mark of another installation, or a copied one. Where the method has changed, the marks of the
// other method count until an object has one of the new.
func (t Tracking) Owner(kind schema.GroupKind, o metav1.Object) string {
	annotations := o.GetAnnotations()
	id, marked := annotations[v1alpha1.InstallationIDAnnotation], annotations[v1alpha1.TrackingIDAnnotation] != ""
	if id != t.InstallationID && (id != "" || t.InstallationID != "" && marked) {
		return ""
	}
	if t.Method != TrackByLabel {
		if marked {
			return annotatedOwner(kind, o)
		}
		// Charts and people give this label to what no Application has.
		if labelled := t.labelledOwner(kind, o); labelled != "" && t.labelledByFormer(o) {
			return labelled
		}
		return ""
	}
	if labelled := t.labelledOwner(kind, o); labelled != "" {
		return labelled
	}
	// Who copies an object, or writes one by hand, copies a mark that this installation does not go by.
	if !marked || !t.annotatedBefore(o) {
		return ""
	}
	return annotatedOwner(kind, o)
}

// OwnerOf returns the instance that an object is marked with; empty when it is nobody's.
func (t Tracking) OwnerOf(object *unstructured.Unstructured) string {
	return t.Owner(object.GroupVersionKind().GroupKind(), object)
}

// annotatedOwner is the instance that the annotation of an object names; empty when it names another object: a copy.
func annotatedOwner(kind schema.GroupKind, o metav1.Object) string {
	instance, key, ok := ParseTrackingID(o.GetAnnotations()[v1alpha1.TrackingIDAnnotation])
	// An object without a namespace may carry the one of its destination in the mark.
	if !ok || key.Group != kind.Group || key.Kind != kind.Kind || key.Name != o.GetName() || (o.GetNamespace() != "" && key.Namespace != o.GetNamespace()) {
		return ""
	}
	return instance
}

// labelledOwner is the instance that the label of an object names; empty when the object, or the label, was made by a
// controller of the cluster that copies labels: of a template, as for pods, or of a Service.
func (t Tracking) labelledOwner(kind schema.GroupKind, o metav1.Object) string {
	label := o.GetLabels()[t.labelKey()]
	if label == "" || len(o.GetOwnerReferences()) > 0 || slices.Contains(copiesLabels, kind) {
		return ""
	}
	if managers := t.managersOfLabel(o); len(managers) > 0 && !slices.ContainsFunc(managers, func(m string) bool { return !strings.HasPrefix(m, "kube-") }) {
		return ""
	}
	return label
}

// copiesLabels are kinds of objects that controllers make and label without owning them by reference.
var copiesLabels = []schema.GroupKind{{Kind: "Endpoints"}, {Group: "discovery.k8s.io", Kind: "EndpointSlice"}}

// formerTrackers are the field managers of the controllers that tracked by label before.
var formerTrackers = []string{"argocd-controller", "argocd-application-controller"}

// labelledByFormer reports whether the label was put on by a controller that tracked by it.
func (t Tracking) labelledByFormer(o metav1.Object) bool {
	return slices.ContainsFunc(t.managersOfLabel(o), func(m string) bool { return slices.Contains(formerTrackers, m) })
}

// managersOfLabel are those that have set the label, as far as the API server knows.
func (t Tracking) managersOfLabel(o metav1.Object) []string { return managersOf(o, t.labelKey()) }

// managersOf are the field managers of a label or an annotation.
func managersOf(o metav1.Object, key string) []string {
	var all []string
	for _, entry := range o.GetManagedFields() {
		if entry.FieldsV1 != nil && bytes.Contains(entry.FieldsV1.GetRawBytes(), []byte(`"f:`+key+`"`)) {
			all = append(all, entry.Manager)
		}
	}
	return all
}

// annotatedBefore reports whether the annotation was put on by a controller that tracked by it.
func (t Tracking) annotatedBefore(o metav1.Object) bool {
	return slices.ContainsFunc(managersOf(o, v1alpha1.TrackingIDAnnotation), func(m string) bool {
		return m == v1alpha1.FieldManager || slices.Contains(formerTrackers, m)
	})
}

// maxLabel is the longest value of a label.
const maxLabel = 63

// Mark puts an Application's marks on an object; without an instance there are none to put, and on an object that no
// sync applies none belong.
func Mark(object *unstructured.Unstructured, policy Policy) {
	if policy.Instance == "" || skipped(object) {
		return
	}
	how := policy.Tracking
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	if how.InstallationID != "" {
		annotations[v1alpha1.InstallationIDAnnotation] = how.InstallationID
	}
	if how.Method != TrackByLabel {
		key := KeyOf(object)
		if key.Namespace == "" {
			key.Namespace = policy.Namespace
		}
		annotations[v1alpha1.TrackingIDAnnotation] = TrackingID(policy.Instance, key)
	}
	if len(annotations) > 0 {
		object.SetAnnotations(annotations)
	}
	if how.Method == TrackByLabel || how.Method == TrackByAnnotationAndLabel {
		value := policy.Instance
		if how.Method == TrackByAnnotationAndLabel {
			value = strings.TrimRight(value[:min(maxLabel, len(value))], "-_.")
		}
		labels := object.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[how.labelKey()] = value
		object.SetLabels(labels)
	}
}
