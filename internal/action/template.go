package action

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/jsonpatch"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Template is the object whose pod template a Rollout runs: itself, or what its workloadRef names. It is handled
// without a type, so that nothing of it is lost.
type Template struct {
	Object *unstructured.Unstructured
	// path leads to the template.
	path []string
}

// workloads are the kinds that a workloadRef may name.
var workloads = map[string]string{"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "PodTemplate": "v1"}

// TemplateOf returns the object whose pod template a Rollout runs, with the names to read it by.
func TemplateOf(ro *v1alpha1.Rollout) (Template, error) {
	t := Template{&unstructured.Unstructured{}, []string{"spec", "template"}}
	t.Object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind))
	t.Object.SetNamespace(ro.Namespace)
	t.Object.SetName(ro.Name)
	ref := ro.Spec.WorkloadRef
	if ref == nil {
		return t, nil
	}
	if version, known := workloads[ref.Kind]; !known || version != ref.APIVersion {
		return t, &problem.Error{
			Kind: problem.Refused, Object: "Rollout " + ro.Name, Field: "spec.workloadRef", Cause: fmt.Sprintf("%s of %s has no pod template that a Rollout can run", ref.Kind, ref.APIVersion),
			Remedy: "name a Deployment or a ReplicaSet of apps/v1, or a PodTemplate of v1",
		}
	}
	t.Object.SetAPIVersion(ref.APIVersion)
	t.Object.SetKind(ref.Kind)
	t.Object.SetName(ref.Name)
	if ref.Kind == "PodTemplate" {
		t.path = []string{"template"}
	}
	return t, nil
}

// in is a path below the template.
func (t Template) in(keys ...string) []string { return append(slices.Clone(t.path), keys...) }

func (t Template) request(outcome string, patch jsonpatch.Patch) Request {
	return Request{Patches: []Patch{{Type: types.JSONPatchType, Body: encode(patch)}}, Outcome: outcome}
}

// Replace puts another template in the place of the one that was read: that of a revision from before.
func (t Template) Replace(template any, revision int64) Request {
	return t.request(fmt.Sprintf("undo: goes back to revision %d", revision), jsonpatch.AsRead(t.Object.GetResourceVersion()).Replace(template, t.in()...))
}

// SetImages has containers run other images: those of a name, or all but init containers for *.
func (t Template) SetImages(images map[string]string) (Request, error) {
	patch := jsonpatch.AsRead(t.Object.GetResourceVersion())
	var there []string
	found := map[string]bool{}
	for _, list := range []string{"initContainers", "containers"} {
		for i, name := range t.containers(list) {
			there = append(there, name)
			image, ok := images[name]
			if all, any := images["*"]; any && !ok && list == "containers" {
				image, ok, found["*"] = all, true, true
			}
			if ok {
				found[name] = true
				patch = patch.Add(image, t.in("spec", list, strconv.Itoa(i), "image")...)
			}
		}
	}
	for name := range images {
		if !found[name] {
			return Request{}, &problem.Error{
				Kind: problem.Absent, Object: fmt.Sprintf("%s %q", t.Object.GetKind(), t.Object.GetName()), Cause: fmt.Sprintf("container %q not found", name), Remedy: "there are: " + strings.Join(there, ", "),
			}
		}
	}
	return t.request("image updated", patch), nil
}

// Containers returns the names of the containers that are not init containers.
func (t Template) Containers() []string { return t.containers("containers") }

// containers returns the names of the containers of a list.
func (t Template) containers(list string) []string {
	written, _, _ := unstructured.NestedSlice(t.Object.Object, t.in("spec", list)...)
	names := make([]string, len(written))
	for i, value := range written {
		container, _ := value.(map[string]any)
		names[i], _ = container["name"].(string)
	}
	return names
}

// Images returns the image of each container that is not an init container, by name.
func (t Template) Images() map[string]string {
	written, _, _ := unstructured.NestedSlice(t.Object.Object, t.in("spec", "containers")...)
	images := map[string]string{}
	for _, value := range written {
		container, _ := value.(map[string]any)
		name, _ := container["name"].(string)
		images[name], _ = container["image"].(string)
	}
	return images
}
