package plan

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Removal is what the deletion of an Application deletes with it.
type Removal struct {
	// Waves are the objects that go, from the highest wave down. A wave is deleted when the one before is gone.
	Waves [][]*unstructured.Unstructured
	// Unconfirmed are the objects whose deletion a person has to confirm before any object is deleted.
	Unconfirmed []Key
}

// Left is the number of objects that are not gone yet.
func (r Removal) Left() int {
	left := 0
	for _, wave := range r.Waves {
		left += len(wave)
	}
	return left
}

// Deletion orders the objects that go with an Application that is being deleted. Objects that are to be kept are left out.
func Deletion(live []Live, policy Policy) Removal {
	var removal Removal
	byWave := map[int][]*unstructured.Unstructured{}
	var waves []int
	for _, l := range live {
		if Owner(l.Object, policy.Tracking) != policy.Instance {
			continue
		}
		switch consentToDelete(l.Object, policy.Options) {
		case Refused:
			continue
		case AfterConfirmation:
			if !policy.Confirmed && l.Object.GetDeletionTimestamp() == nil {
				removal.Unconfirmed = append(removal.Unconfirmed, KeyOf(l.Object))
			}
		case Allowed:
		}
		wave := waveOf(l.Object)
		if _, ok := byWave[wave]; !ok {
			waves = append(waves, wave)
		}
		byWave[wave] = append(byWave[wave], l.Object)
	}
	slices.SortFunc(removal.Unconfirmed, compareKeys)
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

// consentToDelete is whether an object goes with its Application: its own option counts, else the Application's.
// A CustomResourceDefinition stays, since every object of its kind in the cluster would go with it, whoever made it.
func consentToDelete(object *unstructured.Unstructured, ofApplication Options) Consent {
	if keptByHelm(object) || isDefinition(object) {
		return Refused
	}
	return ofApplication.With(optionsOf(object)).Delete()
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
