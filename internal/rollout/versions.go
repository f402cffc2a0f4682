package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Versions are the ReplicaSets that matter. They may be one and the same, and each may be nil.
type Versions struct {
	// Template is what the pods shall be made from.
	Template corev1.PodTemplateSpec
	// Desired is the ReplicaSet of the template, with the revision that it has from now on; it may still have to be
	// created. It is nil when the Rollout is paused and must not begin a version.
	Desired *appsv1.ReplicaSet
	// Stable is the version to go back to. StableHash is its hash, which may be that of a ReplicaSet that is gone.
	Stable     *appsv1.ReplicaSet
	StableHash string
	// Active is the version that the active Service selects.
	Active *appsv1.ReplicaSet
	// CurrentHash is the hash of the desired version. Changed reports whether it is another one than before: what gates
	// and people have said of that one does not hold any more.
	CurrentHash string
	Changed     bool
	// Beginning is how the way of the desired version begins with this decision; empty when it has begun before.
	Beginning Beginning
	// Collisions is how many other templates have had the hash of the desired one; nil when that never was.
	Collisions *int32
}

// Beginning is how the way of a version begins: the reason of the Progressing condition.
type Beginning string

// The ways in which a version begins.
const (
	// Creation makes a ReplicaSet.
	Creation Beginning = "NewReplicaSetCreated"
	// Return goes back to a ReplicaSet of an older revision.
	Return Beginning = "FoundNewReplicaSet"
)

// identify finds the ReplicaSets that matter among those that are there.
func identify(seen Observation) Versions {
	status := seen.Rollout.Status
	v := Versions{
		Template:   desiredTemplate(seen),
		StableHash: status.StableRS,
		Stable:     byHash(seen.ReplicaSets, status.StableRS),
		Active:     byHash(seen.ReplicaSets, SelectedHash(seen.Active)),
		Collisions: status.CollisionCount,
	}
	v.Desired = desiredReplicaSet(seen, v.Template)
	if v.Stable == nil && v.Active != nil && v.Active != v.Desired {
		// The status was lost, or the next version came before the first had converged: what serves is what there is to
		// go back to.
		v.Stable, v.StableHash = v.Active, PodHash(v.Active.Labels)
	}
	return v
}

// desiredReplicaSet finds the ReplicaSet of the template: by status when nothing was written since, else by the meaning
// of its template.
func desiredReplicaSet(seen Observation, template corev1.PodTemplateSpec) *appsv1.ReplicaSet {
	current := byHash(seen.ReplicaSets, seen.Rollout.Status.CurrentPodHash)
	if current != nil && (statusSpeaksOfTemplate(seen) || sameTemplate(template, current)) {
		return current
	}
	var oldest *appsv1.ReplicaSet
	for _, rs := range seen.ReplicaSets {
		if rs.DeletionTimestamp != nil || !sameTemplate(template, rs) {
			continue
		}
		if oldest == nil || rs.CreationTimestamp.Before(&oldest.CreationTimestamp) {
			oldest = rs
		}
	}
	return oldest
}

// statusSpeaksOfTemplate reports whether the status was written for the template as it is now, whichever controller
// wrote it. One that refused the spec is silent about its template; so is one that has no ReplicaSet of it, as the API
// server refused that.
func statusSpeaksOfTemplate(seen Observation) bool {
	status := seen.Rollout.Status
	if !Observed(seen.Rollout) || condition(status.Conditions, v1alpha1.RolloutConditionInvalidSpec) != nil || progressReason(seen.Rollout) == reasonCreate {
		return false
	}
	return seen.Workload == nil || status.WorkloadObservedGeneration == strconv.FormatInt(seen.Workload.Generation, 10)
}

// withDesired makes sure that the template has a ReplicaSet, and that its revision is the newest; it returns the
// observed ReplicaSets with that revision as well. A paused Rollout begins no version.
func withDesired(seen Observation, v Versions, settings Settings) (Versions, []*appsv1.ReplicaSet) {
	all := seen.ReplicaSets
	newest := newestRevision(all)
	switch {
	case v.Desired == nil && seen.Rollout.Spec.Paused:
		v.CurrentHash = TemplateHash(v.Template, seen.Rollout.Name)
	case v.Desired == nil:
		v = created(seen, v, settings, newest+1)
	case Revision(v.Desired) < newest || Revision(v.Desired) == 0:
		v, all = returned(v, all, newest+1)
	default:
		v.CurrentHash = PodHash(v.Desired.Labels)
	}
	v.Changed = v.CurrentHash != seen.Rollout.Status.CurrentPodHash
	return v, all
}

func created(seen Observation, v Versions, settings Settings, revision int64) Versions {
	v.Beginning = Creation
	// The name is part of the hash, so that two Rollouts with the same template never share one.
	v.CurrentHash = TemplateHash(v.Template, seen.Rollout.Name)
	for n := int32(1); byHash(seen.ReplicaSets, v.CurrentHash) != nil; n++ {
		// The hash belongs to another template.
		v.Collisions = ptr.To(n)
		v.CurrentHash = TemplateHash(v.Template, fmt.Sprint(seen.Rollout.Name, "#", n))
	}
	v.Desired = newReplicaSet(seen, v, settings, revision)
	return v
}

// returned makes an older ReplicaSet the newest: somebody went back to its template.
func returned(v Versions, all []*appsv1.ReplicaSet, revision int64) (Versions, []*appsv1.ReplicaSet) {
	before, after := v.Desired, v.Desired.DeepCopy()
	if after.Annotations == nil {
		after.Annotations = map[string]string{}
	}
	maps.Copy(after.Annotations, returnAnnotations(before, revision))
	all = slices.Clone(all)
	all[slices.Index(all, before)] = after
	for _, role := range []**appsv1.ReplicaSet{&v.Desired, &v.Stable, &v.Active} {
		if *role == before {
			*role = after
		}
	}
	v.Beginning, v.CurrentHash = Return, PodHash(after.Labels)
	return v, all
}

// returnAnnotations are those that make an older ReplicaSet the newest revision.
func returnAnnotations(rs *appsv1.ReplicaSet, revision int64) map[string]string {
	set := map[string]string{v1alpha1.RevisionAnnotation: strconv.FormatInt(revision, 10)}
	if before := rs.Annotations[v1alpha1.RevisionAnnotation]; before != "" {
		history := rs.Annotations[v1alpha1.RevisionHistoryAnnotation]
		if history != "" {
			history += ","
		}
		set[v1alpha1.RevisionHistoryAnnotation] = history + before
	}
	return set
}

func newReplicaSet(seen Observation, v Versions, settings Settings, revision int64) *appsv1.ReplicaSet {
	ro, hash := seen.Rollout, v.CurrentHash
	template := *v.Template.DeepCopy()
	if template.Labels == nil {
		template.Labels = map[string]string{}
	}
	template.Labels[v1alpha1.PodHashLabel] = hash
	if v.StableHash != hash {
		addVersionAntiAffinity(settings.AntiAffinity, v.StableHash, &template)
	}
	selector := selectorOf(ro, seen.Workload).DeepCopy()
	if selector.MatchLabels == nil {
		selector.MatchLabels = map[string]string{}
	}
	selector.MatchLabels[v1alpha1.PodHashLabel] = hash
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:      ro.Name + "-" + hash,
			Namespace: ro.Namespace,
			Labels:    maps.Clone(template.Labels),
			Annotations: map[string]string{
				v1alpha1.RevisionAnnotation: strconv.FormatInt(revision, 10),
				TemplateHashAnnotation:      TemplateHash(v.Template, ""),
			},
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(ro, v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind)),
			},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas:        ptr.To(int32(0)),
			MinReadySeconds: ro.Spec.MinReadySeconds,
			Selector:        selector,
			Template:        template,
		},
	}
	if v.Stable == nil {
		addRoleMetadata(rs, settings.ActiveMetadata)
	} else {
		addRoleMetadata(rs, settings.PreviewMetadata)
	}
	return rs
}
