package action

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/script"
)

// ResourceAction is what a person may ask of an object of an Application.
type ResourceAction struct {
	// Name is what existing tools call it.
	Name string
	// Available is unset where the object is in no state for it.
	Available bool
	// Request is what it sends. That of a script is made when it is asked for: see [OfResource].
	Request Request

	scripted bool
}

// restartedAt is the annotation by which kubectl has the pods of a workload replaced.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// ResourceActions returns what may be asked of an object, by name: what is built in, and what scripts of its kind
// offer, which count before what is built in. An error is what is wrong with the scripts; what is built in is there
// all the same.
func ResourceActions(o *unstructured.Unstructured, scripts *script.Actions, now time.Time) ([]ResourceAction, error) {
	all, err := builtIn(o, now), error(nil)
	if scripts != nil {
		if scripts.Alone {
			all = nil
		}
		var offered []script.Offered
		offered, err = scripts.Offered(o, now)
		for _, f := range offered {
			all = slices.DeleteFunc(all, func(a ResourceAction) bool { return a.Name == f.Name })
			all = append(all, ResourceAction{Name: f.Name, Available: !f.Disabled, scripted: true})
		}
	}
	slices.SortFunc(all, func(x, y ResourceAction) int { return cmp.Compare(x.Name, y.Name) })
	return all, err
}

// OfResource returns the request of an action on an object. name is the object's, for messages.
func OfResource(name string, o *unstructured.Unstructured, scripts *script.Actions, wanted string, now time.Time) (Request, error) {
	all, err := ResourceActions(o, scripts, now)
	var there []string
	for _, a := range all {
		if a.Name != wanted {
			there = append(there, a.Name)
			continue
		}
		switch {
		case !a.Available:
			return Request{}, &problem.Error{Kind: problem.Refused, Object: name, Cause: "in no state for the action " + wanted}
		case a.scripted:
			return scripted(name, o, scripts, wanted, now)
		}
		return a.Request, nil
	}
	if err != nil {
		return Request{}, &problem.Error{Kind: problem.Refused, Object: name, Cause: "actions of this kind: " + err.Error(), Remedy: "correct the script", Err: err}
	}
	missing := &problem.Error{Kind: problem.Usage, Object: name, Cause: fmt.Sprintf("unknown action %q", wanted)}
	if len(there) > 0 {
		missing.Remedy = "there are: " + strings.Join(there, ", ")
	}
	return Request{}, missing
}

// builtIn are the actions that every installation has.
func builtIn(o *unstructured.Unstructured, now time.Time) []ResourceAction {
	switch o.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: "apps", Kind: "Deployment"}:
		paused := truth(o, "spec", "paused")
		return []ResourceAction{restart(now), setSpec("pause", "paused", "paused", true, !paused), setSpec("resume", "resumed", "paused", false, paused)}
	case schema.GroupKind{Group: "apps", Kind: "StatefulSet"}, schema.GroupKind{Group: "apps", Kind: "DaemonSet"}:
		return []ResourceAction{restart(now)}
	case schema.GroupKind{Group: "batch", Kind: "CronJob"}, schema.GroupKind{Group: "batch", Kind: "Job"}:
		suspended := truth(o, "spec", "suspend")
		return []ResourceAction{setSpec("suspend", "suspended", "suspend", true, !suspended), setSpec("resume", "resumed", "suspend", false, suspended)}
	case schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.RolloutKind}:
		return rolloutActions(o, now)
	}
	return nil
}

func truth(o *unstructured.Unstructured, path ...string) bool {
	value, _, _ := unstructured.NestedBool(o.Object, path...)
	return value
}

func restart(now time.Time) ResourceAction {
	annotations := map[string]any{restartedAt: now.UTC().Format(time.RFC3339)}
	template := map[string]any{"metadata": map[string]any{"annotations": annotations}}
	return ResourceAction{Name: "restart", Available: true, Request: Request{
		Patches: []Patch{merge("", map[string]any{"spec": map[string]any{"template": template}})}, Outcome: "restarted",
	}}
}

func setSpec(name, outcome, field string, value, available bool) ResourceAction {
	return ResourceAction{Name: name, Available: available, Request: Request{Patches: []Patch{merge("", map[string]any{"spec": map[string]any{field: value}})}, Outcome: outcome}}
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
		{Name: "abort", Available: !settled && !ro.Status.Abort, Request: Abort(ro)},
		{Name: "pause", Available: !settled && !ro.Status.Abort && !ro.Spec.Paused, Request: Pause(ro)},
		{Name: "promote-full", Available: !settled, Request: PromoteFully(ro)},
		{Name: "restart", Available: true, Request: Restart(now, now)},
		{Name: "resume", Available: paused, Request: Promote(ro)},
		{Name: "retry", Available: !settled && ro.Status.Abort, Request: Retry(ro)},
	}
}
