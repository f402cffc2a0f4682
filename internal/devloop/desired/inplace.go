package desired

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// Managing returns the Application whose objects the rendered ones are, by what its status lists; named picks one by
// [NAMESPACE/]NAME. Where several manage some of them, it is the one that runs their pods. here is the API server of
// the loop, by which Applications may name it.
func Managing(objects []render.Rendered, apps []v1alpha1.Application, named, here string) (*v1alpha1.Application, error) {
	var found, elsewhere []*v1alpha1.Application
	for i := range apps {
		app := &apps[i]
		if named != "" && named != app.Name && named != fullName(app) {
			continue
		}
		if !isHere(app.Spec.Destination, here) {
			elsewhere = append(elsewhere, app)
			continue
		}
		found = append(found, app)
	}
	if len(found) == 0 && named != "" {
		return nil, unknownApplication(apps, elsewhere, named)
	}
	matching := keep(found, func(app *v1alpha1.Application) bool { return manages(app, objects, false) })
	if running := keep(matching, func(app *v1alpha1.Application) bool { return manages(app, objects, true) }); len(running) > 0 {
		matching = running
	}
	switch len(matching) {
	case 1:
		return matching[0], nil
	case 0:
		return nil, unmanaged(objects, apps, found, named)
	}
	names := make([]string, 0, len(matching))
	for _, app := range matching {
		names = append(names, fullName(app))
	}
	slices.Sort(names)
	return nil, &problem.Error{Kind: problem.Usage, Object: "--in-place", Cause: "several Applications manage what is rendered: " + strings.Join(names, ", "), Remedy: "name one with --application NAMESPACE/NAME"}
}

func keep(apps []*v1alpha1.Application, when func(*v1alpha1.Application) bool) []*v1alpha1.Application {
	return slices.DeleteFunc(slices.Clone(apps), func(app *v1alpha1.Application) bool { return !when(app) })
}

func fullName(app *v1alpha1.Application) string { return app.Namespace + "/" + app.Name }

// isHere reports whether an Application deploys to the cluster that it is in itself.
func isHere(to v1alpha1.ApplicationDestination, here string) bool {
	switch {
	case to.Name != "":
		return to.Name == v1alpha1.InClusterName
	case to.Server == "", to.Server == v1alpha1.InClusterServer:
		return true
	}
	return strings.TrimSuffix(to.Server, "/") == strings.TrimSuffix(here, "/")
}

// manages reports whether an Application lists one of the rendered objects; with run, one that runs pods.
func manages(app *v1alpha1.Application, objects []render.Rendered, run bool) bool {
	return slices.ContainsFunc(objects, func(r render.Rendered) bool {
		return (!run || templateOf(r.Object) != nil) && Lists(app, r.Object)
	})
}

// Lists reports whether the status of an Application lists an object, which may name no namespace.
func Lists(app *v1alpha1.Application, object *unstructured.Unstructured) bool {
	kind := object.GroupVersionKind()
	return slices.ContainsFunc(app.Status.Resources, func(r v1alpha1.ResourceStatus) bool {
		if r.Group != kind.Group || r.Kind != kind.Kind || r.Name != object.GetName() {
			return false
		}
		namespace := object.GetNamespace()
		return r.Namespace == namespace || namespace == "" && r.Namespace == app.Spec.Destination.Namespace
	})
}

func unknownApplication(apps []v1alpha1.Application, elsewhere []*v1alpha1.Application, named string) error {
	if len(elsewhere) > 0 {
		to := elsewhere[0].Spec.Destination
		return &problem.Error{
			Kind: problem.Refused, Object: fmt.Sprintf("Application %q", named), Cause: "deploys to cluster " + strings.TrimSpace(to.Name+" "+to.Server) + ", and the loop works in the one that the Application is in",
			Remedy: "leave --in-place out, and name that cluster with --context: the loop has a namespace of its own there",
		}
	}
	p := &problem.Error{Kind: problem.Absent, Object: fmt.Sprintf("Application %q", named), Cause: "not found", Remedy: "`cyan app list` lists those that there are"}
	var names []string
	for i := range apps {
		names = append(names, apps[i].Name)
	}
	if near := spelling.Closest(named, names); near != "" {
		p.Remedy = fmt.Sprintf("did you mean %q?", near)
	}
	return p
}

// unmanaged is the error of objects that no Application has.
func unmanaged(objects []render.Rendered, apps []v1alpha1.Application, found []*v1alpha1.Application, named string) error {
	const instead = "leave --in-place out, so that the loop has a namespace of its own"
	rendered := namesOf(objects)
	switch {
	case len(apps) == 0:
		return &problem.Error{Kind: problem.Absent, Object: "--in-place", Cause: "no Application found in the cluster", Remedy: instead}
	case named != "":
		return &problem.Error{Kind: problem.Usage, Object: fmt.Sprintf("Application %q", found[0].Name), Cause: "manages none of what is rendered: " + rendered, Remedy: "render what the Application deploys, or " + instead}
	}
	return &problem.Error{Kind: problem.Absent, Object: "--in-place", Cause: "no Application manages what is rendered: " + rendered, Remedy: "sync the Application once, or " + instead}
}

// namesOf names objects, as far as a line has room.
func namesOf(objects []render.Rendered) string {
	var names []string
	for _, r := range objects[:min(len(objects), mostNamed)] {
		names = append(names, r.Object.GetKind()+" "+r.Object.GetName())
	}
	if more := len(objects) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// hookOf returns which hook an object is: one runs in a sync alone.
func hookOf(object *unstructured.Unstructured) string {
	return object.GetAnnotations()[v1alpha1.HookAnnotation]
}

// Switching is when a Rollout in place switches to what a save brings.
type Switching string

// The values of Switching.
const (
	// SwitchAsked leaves the switch to a person.
	SwitchAsked Switching = ""
	// SwitchEach switches at each save, as soon as its pods are available.
	SwitchEach Switching = "each"
)

// IsBlueGreen reports whether an object is a Rollout that brings a version up beside the one that serves.
func IsBlueGreen(object *unstructured.Unstructured) bool {
	_, is, _ := unstructured.NestedMap(object.Object, "spec", "strategy", "blueGreen")
	return is && IsRollout(object)
}

// blueGreenFields decide when a Rollout switches by itself.
const (
	promotionEnabled = "autoPromotionEnabled"
	promotionSeconds = "autoPromotionSeconds"
)

// WayBack returns what a person has to do before what git wants takes the traffic again from a save that a Rollout has
// switched to; "" where it does so by itself.
func WayBack(object *unstructured.Unstructured) string {
	enabled, written, _ := unstructured.NestedBool(object.Object, "spec", "strategy", "blueGreen", promotionEnabled)
	if !IsBlueGreen(object) || !written || enabled {
		return ""
	}
	return fmt.Sprintf("Rollout %s: waits for a person on the way back as well, as git has it; git's version takes the traffic with `cyan rollout promote %s -n %s`",
		object.GetName(), object.GetName(), object.GetNamespace())
}

// Preview returns what a loop in place applies of a Rollout that serves already: the pod template, which comes up
// beside what serves, and when the traffic goes over to it. All else is git's.
func Preview(object *unstructured.Unstructured, switching Switching) *unstructured.Unstructured {
	part := &unstructured.Unstructured{Object: map[string]any{}}
	part.SetGroupVersionKind(object.GroupVersionKind())
	part.SetNamespace(object.GetNamespace())
	part.SetName(object.GetName())
	spec := map[string]any{"strategy": map[string]any{"blueGreen": map[string]any{promotionEnabled: switching == SwitchEach, promotionSeconds: int64(0)}}}
	if template, is, _ := unstructured.NestedMap(object.Object, "spec", "template"); is {
		spec["template"] = template
	}
	part.Object["spec"] = spec
	return part
}

// Part returns what a loop in place applies of an object of git's: what others decide is left to them, such as where a
// Rollout has a Service lead, and how many pods it leaves to a workload that it runs itself.
func Part(object, live *unstructured.Unstructured, workloads []string, switching Switching) *unstructured.Unstructured {
	var theirs []string
	switch kind := object.GroupVersionKind().GroupKind(); {
	case IsBlueGreen(live):
		return Preview(object, switching)
	case kind == schema.GroupKind{Kind: "Service"} && live.GetAnnotations()[v1alpha1.ManagedByRolloutsAnnotation] != "":
		theirs = []string{"spec", "selector"}
	case kind == schema.GroupKind{Group: "apps", Kind: "Deployment"} && slices.Contains(workloads, object.GetName()):
		theirs = []string{"spec", "replicas"}
	default:
		return object
	}
	part := object.DeepCopy()
	unstructured.RemoveNestedField(part.Object, theirs...)
	return part
}

// Workloads are the Deployments whose pods Rollouts run.
func Workloads(objects []*unstructured.Unstructured) []string {
	var all []string
	for _, object := range objects {
		if name, is, _ := unstructured.NestedString(object.Object, "spec", "workloadRef", "name"); is && IsRollout(object) {
			all = append(all, name)
		}
	}
	return all
}

// LeftToGit returns the fields of a Rollout that [Preview] leaves out and that are not live as they are rendered.
func LeftToGit(object, live *unstructured.Unstructured) []string {
	wanted, _, _ := unstructured.NestedMap(object.Object, "spec")
	have, _, _ := unstructured.NestedMap(live.Object, "spec")
	delete(wanted, "template")
	for _, spec := range []map[string]any{wanted, have} {
		for _, field := range []string{promotionEnabled, promotionSeconds} {
			unstructured.RemoveNestedField(spec, "strategy", "blueGreen", field)
		}
	}
	var names []string
	for name, value := range wanted {
		if !holds(have[name], value) {
			names = append(names, "spec."+name)
		}
	}
	slices.Sort(names)
	return names
}

// holds reports whether a value has all that another one asks for: what is there by default is more.
func holds(have, wanted any) bool {
	asked, is := wanted.(map[string]any)
	if !is {
		return equal(have, wanted)
	}
	there, is := have.(map[string]any)
	if !is {
		return false
	}
	for name, value := range asked {
		if !holds(there[name], value) {
			return false
		}
	}
	return true
}

// equal reports whether two values of JSON are the same: numbers are whole ones or not, by who has read them.
func equal(a, b any) bool {
	return reflect.DeepEqual(a, b) || a != nil && b != nil && isNumber(a) && isNumber(b) && fmt.Sprint(a) == fmt.Sprint(b)
}

func isNumber(v any) bool {
	switch v.(type) {
	case int64, float64:
		return true
	}
	return false
}

// Affects returns a line about an object of git's that a loop in place changes where it serves; "" for one that has a
// preview, or that nothing runs by.
func Affects(object *unstructured.Unstructured) string {
	switch {
	case IsBlueGreen(object):
		return ""
	case templateOf(object) != nil:
		return fmt.Sprintf("%s %s has no preview: it is changed as it serves", object.GetKind(), object.GetName())
	}
	switch object.GetKind() {
	case "ConfigMap", "Secret", "Service", "Ingress":
		return fmt.Sprintf("%s %s has no preview: what serves has the change as well", object.GetKind(), object.GetName())
	}
	return ""
}

// Previews are the Services that show what a Rollout brings before it switches.
func Previews(objects []*unstructured.Unstructured) []string {
	var all []string
	for _, object := range objects {
		if name, is, _ := unstructured.NestedString(object.Object, "spec", "strategy", "blueGreen", "previewService"); is && name != "" && IsRollout(object) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// templateOf returns the metadata and spec of the pods that an object makes; nil when it makes none.
func templateOf(object *unstructured.Unstructured) map[string]any {
	fields := []string{"spec", "template"}
	switch object.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Kind: "Pod"}:
		return object.Object
	case schema.GroupKind{Group: "batch", Kind: "CronJob"}:
		fields = []string{"spec", "jobTemplate", "spec", "template"}
	case schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.RolloutKind}:
		if template, is, _ := unstructured.NestedMap(object.Object, fields...); is {
			return template
		}
		return map[string]any{}
	}
	template, is, _ := unstructured.NestedMap(object.Object, fields...)
	if _, pods := template["spec"]; !is || !pods {
		return nil
	}
	return template
}
