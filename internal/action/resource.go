package action

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// ResourceAction is what a person may ask of an object of an Application.
type ResourceAction struct {
	// Name is what existing tools call it.
	Name string
	// Available is unset where the object is in no state for it.
	Available bool
	Request   Request
}

// restartedAt is the annotation by which kubectl has the pods of a workload replaced.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// ResourceActions returns what may be asked of an object, by name; nothing for a kind that has no actions.
func ResourceActions(o *unstructured.Unstructured, now time.Time) []ResourceAction {
	var all []ResourceAction
	switch o.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: "apps", Kind: "Deployment"}:
		paused := truth(o, "spec", "paused")
		all = []ResourceAction{restart(now), setSpec("pause", "paused", "paused", true, !paused), setSpec("resume", "resumed", "paused", false, paused)}
	case schema.GroupKind{Group: "apps", Kind: "StatefulSet"}, schema.GroupKind{Group: "apps", Kind: "DaemonSet"}:
		all = []ResourceAction{restart(now)}
	case schema.GroupKind{Group: "batch", Kind: "CronJob"}, schema.GroupKind{Group: "batch", Kind: "Job"}:
		suspended := truth(o, "spec", "suspend")
		all = []ResourceAction{setSpec("suspend", "suspended", "suspend", true, !suspended), setSpec("resume", "resumed", "suspend", false, suspended)}
	case schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.RolloutKind}:
		all = rolloutActions(o, now)
	}
	slices.SortFunc(all, func(x, y ResourceAction) int {
		if x.Name < y.Name {
			return -1
		}
		return 1
	})
	return all
}

func truth(o *unstructured.Unstructured, path ...string) bool {
	value, _, _ := unstructured.NestedBool(o.Object, path...)
	return value
}

func restart(now time.Time) ResourceAction {
	annotations := map[string]any{restartedAt: now.UTC().Format(time.RFC3339)}
	template := map[string]any{"metadata": map[string]any{"annotations": annotations}}
	return ResourceAction{"restart", true, Request{
		Patches: []Patch{merge("", map[string]any{"spec": map[string]any{"template": template}})}, Outcome: "restarted",
	}}
}

func setSpec(name, outcome, field string, value, available bool) ResourceAction {
	return ResourceAction{name, available, Request{Patches: []Patch{merge("", map[string]any{"spec": map[string]any{field: value}})}, Outcome: outcome}}
}

func rolloutActions(o *unstructured.Unstructured, now time.Time) []ResourceAction {
	ro := &v1alpha1.Rollout{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, ro); err != nil {
		// What cannot be read is asked for nothing.
		return nil
	}
	settled := ro.Status.CurrentPodHash == ro.Status.StableRS
	paused := len(ro.Status.PauseConditions) > 0 || ro.Spec.Paused
	return []ResourceAction{
		{"abort", !settled && !ro.Status.Abort, Abort(ro)},
		{"pause", !settled && !ro.Status.Abort && !ro.Spec.Paused, Pause(ro)},
		{"promote-full", !settled, PromoteFully(ro)},
		{"restart", true, Restart(now, now)},
		{"resume", paused, Promote(ro)},
		{"retry", !settled && ro.Status.Abort, Retry(ro)},
	}
}
