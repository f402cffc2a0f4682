// Package desired is what rendered objects become in a dev loop: with the images that were built, and in the namespace
// of the developer's own. It takes values and returns values.
package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// LoopLabel marks what a dev loop made; its value is the loop's name.
const LoopLabel = "cyan.dev/dev-loop"

// Place is where objects go.
type Place struct {
	// Namespace is where they go; with Own it is the loop's own, and objects that name another go there as well.
	Namespace string
	Own       bool
	// Loop is the name of the loop, which its objects are marked with; "" for a loop in place, whose objects are an
	// Application's.
	Loop string
	// Leaves is set when the loop ends as soon as they run: Rollouts are then for whoever carries out those of others.
	Leaves bool
	// Labels are added to all objects and to the pods that they make.
	Labels map[string]string
	// Namespaced has the kinds that the cluster serves, and whether they live in namespaces.
	Namespaced map[schema.GroupVersionKind]bool
}

// Placed are objects as they are to be in the cluster.
type Placed struct {
	Objects []*unstructured.Unstructured
	// Notes are what is done in another way than it is written, a line each.
	Notes []string
}

// In returns the objects in their place. What was rendered is not changed.
func In(objects []render.Rendered, place Place) (Placed, error) {
	var out Placed
	named := place.named(objects)
	if place.Own && len(named) > 1 {
		return out, &problem.Error{
			Kind: problem.Usage, Object: "manifests", Cause: "objects name several namespaces: " + strings.Join(named, ", "),
			Remedy: "leave metadata.namespace out, so that all of them go to the namespace of the loop, or name one with --namespace",
		}
	}
	if place.Own && len(named) == 1 && named[0] != place.Namespace {
		out.Notes = append(out.Notes, fmt.Sprintf("namespace %s of the manifests is %s here", named[0], place.Namespace))
	}
	for _, r := range objects {
		object := r.Object.DeepCopy()
		if place.isOwnNamespace(object, named) {
			continue
		}
		if hook := hookOf(object); hook != "" && place.Loop == "" {
			out.Notes = append(out.Notes, fmt.Sprintf("%s %s is left out: a hook (%s) runs when the Application is synced", object.GetKind(), object.GetName(), hook))
			continue
		}
		place.put(object, named)
		AddLabels(object, place.Labels)
		place.mark(object)
		if note := shortenRollout(object, place); note != "" {
			out.Notes = append(out.Notes, note)
		}
		out.Objects = append(out.Objects, object)
	}
	return out, nil
}

// put has an object go to its namespace.
func (p Place) put(object *unstructured.Unstructured, named []string) {
	lives := p.Namespaced[object.GroupVersionKind()] || !p.knows(object) && object.GetNamespace() != ""
	if lives && (p.Own || object.GetNamespace() == "") {
		object.SetNamespace(p.Namespace)
	}
	if p.Own && len(named) == 1 {
		moveSubjects(object, named[0], p.Namespace)
	}
}

func (p Place) knows(object *unstructured.Unstructured) bool {
	_, known := p.Namespaced[object.GroupVersionKind()]
	return known
}

// named are the namespaces that objects name.
func (p Place) named(objects []render.Rendered) []string {
	all := map[string]bool{}
	for _, r := range objects {
		if n := r.Object.GetNamespace(); n != "" {
			all[n] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// isOwnNamespace reports whether an object is the namespace that the loop's own stands for.
func (p Place) isOwnNamespace(object *unstructured.Unstructured, named []string) bool {
	if !p.Own || object.GroupVersionKind().GroupKind() != (schema.GroupKind{Kind: "Namespace"}) {
		return false
	}
	return object.GetName() == p.Namespace || len(named) == 0 || slices.Contains(named, object.GetName())
}

// moveSubjects has the bindings of ServiceAccounts follow these into the loop's namespace.
func moveSubjects(object *unstructured.Unstructured, from, to string) {
	subjects, _, _ := unstructured.NestedSlice(object.Object, "subjects")
	if len(subjects) == 0 {
		return
	}
	for _, s := range subjects {
		if subject, ok := s.(map[string]any); ok && subject["namespace"] == from {
			subject["namespace"] = to
		}
	}
	_ = unstructured.SetNestedSlice(object.Object, subjects, "subjects")
}

func (p Place) mark(object *unstructured.Unstructured) {
	if p.Loop == "" {
		return
	}
	labels := object.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[LoopLabel] = p.Loop
	if IsRollout(object) && !p.Leaves {
		// The loop carries out its own Rollouts, so that no other controller does.
		labels[v1alpha1.RolloutInstanceIDLabel] = p.Loop
	}
	object.SetLabels(labels)
}

// Unmarked returns an object without the marks of the loop, as it is applied where somebody else has made it: they are
// on what the loop has made alone.
func Unmarked(object *unstructured.Unstructured) *unstructured.Unstructured {
	object = object.DeepCopy()
	labels := object.GetLabels()
	if IsRollout(object) && labels[v1alpha1.RolloutInstanceIDLabel] == labels[LoopLabel] {
		delete(labels, v1alpha1.RolloutInstanceIDLabel)
	}
	delete(labels, LoopLabel)
	object.SetLabels(labels)
	return object
}

// IsRollout reports whether an object is a Rollout.
func IsRollout(object *unstructured.Unstructured) bool {
	return object.GroupVersionKind().GroupKind() == schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.RolloutKind}
}

// shortenRollout takes the waits out of a Rollout that nobody but its developer uses, and returns a line about it.
func shortenRollout(object *unstructured.Unstructured, place Place) string {
	if !place.Own || !IsRollout(object) {
		return ""
	}
	blueGreen, ok, _ := unstructured.NestedMap(object.Object, "spec", "strategy", "blueGreen")
	if !ok {
		return ""
	}
	var gone []string
	for _, field := range []string{"autoPromotionEnabled", "autoPromotionSeconds", "previewReplicaCount", "prePromotionAnalysis", "postPromotionAnalysis"} {
		if _, there := blueGreen[field]; there {
			delete(blueGreen, field)
			gone = append(gone, field)
		}
	}
	blueGreen["scaleDownDelaySeconds"] = int64(1)
	_ = unstructured.SetNestedMap(object.Object, blueGreen, "spec", "strategy", "blueGreen")
	if len(gone) == 0 {
		return ""
	}
	return fmt.Sprintf("Rollout %s takes the traffic as soon as it is ready: %s count in GitOps alone", object.GetName(), strings.Join(gone, ", "))
}
