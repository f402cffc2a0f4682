package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Removal is what the deletion of an Application deletes with it.
type Removal struct {
	// Waves are the objects that go, from the highest wave down. A wave is deleted when the one before is gone.
	Waves [][]*unstructured.Unstructured
	// Unconfirmed are the deletions that a person has to confirm before any object is deleted.
	Unconfirmed []Confirmation
}

// Confirmation is a deletion that a person has to confirm.
type Confirmation struct {
	Key Key
	Why string
}

// String is the object and why its deletion has to be confirmed.
func (c Confirmation) String() string { return c.Key.String() + " (" + c.Why + ")" }

// Deletion orders the objects that go with an Application that is being deleted. Objects that are to be kept, or that
// another Application has in git by now, are left out, and so are the hooks that the deletion runs at its end.
func Deletion(live []Live, policy Policy) Removal {
	var removal Removal
	byWave, earliest := map[int][]*unstructured.Unstructured{}, wavesOfRollouts(live)
	var waves []int
	for _, l := range live {
		if policy.Tracking.OwnerOf(l.Object) != policy.Instance || policy.Elsewhere[KeyOf(l.Object)] != "" || isRunIn(l.Object, v1alpha1.HookPostDelete, policy) {
			continue
		}
		consent, why := consentToDelete(l.Object, policy)
		switch {
		case consent == Refused:
			continue
		case consent == AfterConfirmation && !policy.Confirmed && l.Object.GetDeletionTimestamp() == nil:
			removal.Unconfirmed = append(removal.Unconfirmed, Confirmation{KeyOf(l.Object), why})
		}
		wave := waveOf(l.Object)
		if of, taken := earliest[KeyOf(l.Object)]; taken {
			wave = max(wave, of)
		}
		if _, ok := byWave[wave]; !ok {
			waves = append(waves, wave)
		}
		byWave[wave] = append(byWave[wave], l.Object)
	}
	slices.SortFunc(removal.Unconfirmed, func(x, y Confirmation) int { return compareKeys(x.Key, y.Key) })
	slices.Sort(waves)
	slices.Reverse(waves)
	for _, wave := range waves {
		group := byWave[wave]
		slices.SortFunc(group, func(x, y *unstructured.Unstructured) int {
			if d := kindRank(y.GetKind()) - kindRank(x.GetKind()); d != 0 {
				return d
			}
			return compareKeys(KeyOf(x), KeyOf(y))
		})
		removal.Waves = append(removal.Waves, group)
	}
	return removal
}

// wavesOfRollouts are the waves of the Rollouts that have taken over the pods of a Deployment, by the Deployment: it
// goes with the Rollout, which would wait until the Deployment has pods again.
func wavesOfRollouts(live []Live) map[Key]int {
	waves := map[Key]int{}
	for _, l := range live {
		if key, taken := workloadOf(l.Object); taken {
			waves[key] = waveOf(l.Object)
		}
	}
	return waves
}

// workloadOf is the Deployment that a Rollout names as its workload; false when an object is no such Rollout.
func workloadOf(object *unstructured.Unstructured) (Key, bool) {
	if kind := object.GroupVersionKind(); kind.Group != v1alpha1.GroupVersion.Group || kind.Kind != v1alpha1.RolloutKind {
		return Key{}, false
	}
	ref, _, _ := unstructured.NestedStringMap(object.Object, "spec", "workloadRef")
	return Key{Group: "apps", Kind: ref["kind"], Namespace: object.GetNamespace(), Name: ref["name"]}, ref["kind"] == "Deployment"
}

// consentToDelete is whether an object goes with its Application, and why that has to be confirmed: its own option
// counts, else the Application's. A CustomResourceDefinition stays, since every object of its kind in the cluster
// would go with it, whoever made it. A namespace asks when it holds objects of others.
func consentToDelete(object *unstructured.Unstructured, policy Policy) (consent Consent, why string) {
	if keptByHelm(object) || isDefinition(object) {
		return Refused, ""
	}
	consent = policy.OptionsOf(object).Delete()
	held := policy.Occupants[object.GetName()]
	switch {
	case consent == Allowed && isNamespace(object) && len(held) > 0:
		return AfterConfirmation, holding(held)
	case consent == AfterConfirmation:
		return consent, "Delete=confirm"
	}
	return consent, ""
}

// confirmation is why a person has to confirm that an object is pruned; empty when nobody has to, or somebody has.
// Such a deletion comes last, so that it holds nothing else up, and so does that of a Rollout whose pods another object
// takes over. A namespace always asks, unless it is known to hold nothing that stays: everything in it would go with
// it.
func (b *builder) confirmation(object *unstructured.Unstructured, options Options) (last bool, why string) {
	switch {
	case options.Prune() == AfterConfirmation:
		why = "Prune=confirm"
	case isNamespace(object):
		why = b.holds(object.GetName())
	}
	last = why != "" || options.PruneLast() || b.isSucceeded(object)
	if b.policy.Confirmed {
		why = ""
	}
	return last, why
}

// isSucceeded reports whether a live object is a Rollout that had taken over the pods of a Deployment which git keeps:
// these have to be there again before the Rollout's go.
func (b *builder) isSucceeded(object *unstructured.Unstructured) bool {
	key, taken := workloadOf(object)
	return taken && b.inGit[key]
}

// holds is what would be lost with a namespace besides what the same sync prunes in it; empty when that is nothing.
func (b *builder) holds(namespace string) string {
	var held []Key
	for key := range b.inGit {
		if key.Namespace == namespace {
			held = append(held, key)
		}
	}
	occupants, looked := b.policy.Occupants[namespace]
	if len(held) == 0 && !looked {
		return "contents unknown"
	}
	for _, key := range occupants {
		if !b.goes[key] && !slices.Contains(held, key) {
			held = append(held, key)
		}
	}
	if len(held) == 0 {
		return ""
	}
	slices.SortFunc(held, compareKeys)
	return holding(held)
}

// holding names the first objects of a namespace.
func holding(held []Key) string {
	const most = 3
	var names []string
	for _, key := range held[:min(most, len(held))] {
		names = append(names, key.Kind+" "+key.Name)
	}
	text := "holds " + strings.Join(names, ", ")
	if more := len(held) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func isNamespace(object *unstructured.Unstructured) bool {
	return object.GetKind() == "Namespace" && object.GroupVersionKind().Group == ""
}

// Occupies reports whether a live object would be lost with its namespace. What Kubernetes itself puts into each
// namespace, what an owner takes with it, and what is going already would not.
func Occupies(object *unstructured.Unstructured) bool {
	kind := object.GroupVersionKind().GroupKind()
	switch {
	case len(object.GetOwnerReferences()) > 0, object.GetDeletionTimestamp() != nil:
		return false
	case kind.Kind == "Event", kind.Group == "metrics.k8s.io", kind.Group == "" && kind.Kind == "Endpoints":
		return false
	case kind == schema.GroupKind{Kind: "ServiceAccount"} && object.GetName() == "default":
		return false
	case kind == schema.GroupKind{Kind: "ConfigMap"} && object.GetName() == "kube-root-ca.crt":
		return false
	}
	return true
}

// NamespacesToPrune are the namespaces that a plan prunes once it is known, or confirmed, what goes with them.
func (p Plan) NamespacesToPrune() []string {
	var names []string
	for _, t := range p.Tasks {
		if t.Verb == Delete && t.Skip == "" && isNamespace(t.Object) {
			names = append(names, t.Key.Name)
		}
	}
	return names
}

func isDefinition(object *unstructured.Unstructured) bool {
	return object.GetKind() == "CustomResourceDefinition" && object.GroupVersionKind().Group == "apiextensions.k8s.io"
}

// keptByHelm reports whether an object carries Helm's policy to outlive its release.
func keptByHelm(object *unstructured.Unstructured) bool {
	return object.GetAnnotations()["helm.sh/resource-policy"] == "keep"
}

// Confirmed reports whether a person has confirmed, at or after a time, that objects of an Application may be deleted.
func Confirmed(app *v1alpha1.Application, since time.Time) bool {
	at, err := time.Parse(time.RFC3339, app.Annotations[v1alpha1.DeletionApprovedAnnotation])
	return err == nil && !at.Before(since)
}
