package view

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// MostManaged bounds the text of all objects that are shown of an Application at a time.
const MostManaged = 32 << 20

// ManagedResource is an object of an Application beside what git has, as clients of Argo CD's API compare the two: as
// JSON in strings, and "null" for what is not there.
type ManagedResource struct {
	Group               string `json:"group,omitempty"`
	Kind                string `json:"kind"`
	Namespace           string `json:"namespace,omitempty"`
	Name                string `json:"name"`
	TargetState         string `json:"targetState" doc:"as git has it, as JSON"`
	LiveState           string `json:"liveState" doc:"as it is, as JSON"`
	NormalizedLiveState string `json:"normalizedLiveState" doc:"as it is, without what the cluster keeps for itself; to be compared with predictedLiveState"`
	PredictedLiveState  string `json:"predictedLiveState" doc:"as it is after a sync"`
	ResourceVersion     string `json:"resourceVersion,omitempty"`
	Modified            bool   `json:"modified,omitempty" doc:"whether the two differ"`
	Hook                bool   `json:"hook,omitempty"`
}

// ManagedOf returns the objects of an Application that are wanted beside what git has. It is not whole where their text
// would be longer than most.
func ManagedOf(c Compared, mask func(*unstructured.Unstructured) *unstructured.Unstructured, wanted func(r plan.Resource) bool, most int) (items []ManagedResource, whole bool) {
	items = []ManagedResource{}
	for _, r := range c.Plan.Resources {
		if !wanted(r) {
			continue
		}
		m := managedOf(c, r, mask)
		if most -= len(m.TargetState) + len(m.LiveState) + len(m.NormalizedLiveState) + len(m.PredictedLiveState); most < 0 {
			return items, false
		}
		items = append(items, m)
	}
	return items, true
}

func managedOf(c Compared, r plan.Resource, mask func(*unstructured.Unstructured) *unstructured.Unstructured) ManagedResource {
	desired, after := c.Desired[r.Key], c.After[r.Key]
	switch {
	case r.RequiresPruning:
		desired, after = nil, nil
	case r.Live == nil || after == nil:
		after = desired
	}
	m := ManagedResource{
		Group: r.Key.Group, Kind: r.Key.Kind, Namespace: r.Key.Namespace, Name: r.Key.Name, Hook: r.Hook, Modified: r.Status == v1alpha1.OutOfSync,
		TargetState: jsonOf(whole(mask, desired)), LiveState: jsonOf(whole(mask, r.Live)), NormalizedLiveState: jsonOf(plain(mask, r.Live)),
	}
	// What counts as alike is the same to who compares the text.
	m.PredictedLiveState = m.NormalizedLiveState
	if m.Modified {
		m.PredictedLiveState = jsonOf(plain(mask, after))
	}
	if r.Live != nil {
		m.ResourceVersion = r.Live.GetResourceVersion()
	}
	return m
}

// whole returns an object as it may be shown, but for the notes of who manages which field.
func whole(mask func(*unstructured.Unstructured) *unstructured.Unstructured, object *unstructured.Unstructured) map[string]any {
	if object == nil {
		return nil
	}
	shown := mask(object).DeepCopy()
	shown.SetManagedFields(nil)
	return shown.Object
}

// jsonOf returns an object as JSON; "null" for none.
func jsonOf(object map[string]any) string {
	text, err := json.Marshal(object)
	if err != nil {
		return "null"
	}
	return string(text)
}

// ManifestsOf returns the objects that git has of an Application, as JSON, in the order of a sync. They are not whole
// where their text would be longer than most.
func ManifestsOf(c Compared, mask func(*unstructured.Unstructured) *unstructured.Unstructured, most int) (manifests []string, all bool) {
	manifests = []string{}
	seen := map[plan.Key]bool{}
	for _, t := range c.Plan.Tasks {
		object := c.Desired[t.Key]
		if object == nil && t.Verb == plan.Hook {
			object = t.Object
		}
		if object == nil || seen[t.Key] {
			continue
		}
		seen[t.Key] = true
		text := jsonOf(whole(mask, object))
		if most -= len(text); most < 0 {
			return manifests, false
		}
		manifests = append(manifests, text)
	}
	return manifests, true
}
