package rollout

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Decide returns what to do next with a Rollout. now is the time at which it was observed.
func Decide(seen Observation, strategy Strategy, now time.Time) Decision {
	if seen.Rollout.DeletionTimestamp != nil {
		return decideDeletion(seen, now)
	}
	seen, sized := withSize(seen)
	if problems := Problems(seen, strategy); len(problems) > 0 {
		d := refuse(seen, problems, now)
		d.Actions = append(sized.Actions, d.Actions...)
		return d
	}
	s := NewState(seen, strategy.Settings(), now)
	o := strategy.Next(s, now)
	restarting, forgotten := restart(s, now), beyondHistory(s)
	work := Join(
		sized,
		announceRollout(s.Rollout),
		releaseLeft(seen),
		announceRevision(s),
		beginVersion(seen, s),
		announceCompletion(s, o),
		o.Work,
		deleteAll(forgotten),
		syncRoleMetadata(s, forgotten),
		restarting.Work,
		holdDeletion(seen, scaleDownWorkload(s, now)),
		recordStable(s, o, now),
	)
	return report(s, o, restarting.At, work, now)
}

// withSize returns an observation in which the Rollout has a size, and has it written where there is none: autoscalers
// and `kubectl scale` read it there, and a definition of Rollouts that is not Cyan's may have no default.
func withSize(seen Observation) (Observation, Work) {
	if seen.Rollout.Spec.Replicas != nil || seen.Rollout.Spec.Unreadable != "" {
		return seen, Work{}
	}
	seen.Rollout = seen.Rollout.DeepCopy()
	seen.Rollout.Spec.Replicas = ptr.To[int32](defaultReplicas)
	// It is as it will be once that is written, so that the status speaks of it.
	seen.Rollout.Generation++
	return seen, Do(SetReplicas{defaultReplicas})
}

// releaseLeft releases the Services that the spec does not name any more.
func releaseLeft(seen Observation) Work {
	var w Work
	for _, service := range seen.Left {
		w.Actions = append(w.Actions, ReleaseService{service.Name})
	}
	return w
}

// releaseAll releases every Service: the Rollout is being deleted.
func releaseAll(seen Observation) []Action {
	actions := releaseLeft(seen).Actions
	for _, service := range []*corev1.Service{seen.Active, seen.Preview} {
		if service != nil && service.Annotations[v1alpha1.ManagedByRolloutsAnnotation] == seen.Rollout.Name {
			actions = append(actions, ReleaseService{service.Name})
		}
	}
	return actions
}

// beginVersion writes down which ReplicaSet is the desired version: it is created, or marked as the newest revision.
func beginVersion(seen Observation, s State) Work {
	if s.Desired == nil {
		return Work{}
	}
	if s.Beginning == Creation {
		return Do(CreateReplicaSet{s.Desired.DeepCopy()})
	}
	var w Work
	name := s.Desired.Name
	// Note for which template it was adopted, so that the question is not asked again.
	hash := TemplateHash(s.Template, "")
	if s.Desired.Annotations[TemplateHashAnnotation] != hash && s.Desired.DeletionTimestamp == nil {
		w.Actions = append(w.Actions, AnnotateReplicaSet{name, map[string]string{TemplateHashAnnotation: hash}})
	}
	if s.Retried {
		w = Join(w, KeepPods(s.Desired))
	}
	if s.Beginning == Return {
		before := byHash(seen.ReplicaSets, s.CurrentHash)
		w.Actions = append(w.Actions, AnnotateReplicaSet{name, returnAnnotations(before, Revision(s.Desired))})
	}
	if s.Desired.Spec.MinReadySeconds != s.Rollout.Spec.MinReadySeconds {
		w.Actions = append(w.Actions, SetMinReadySeconds{name, s.Rollout.Spec.MinReadySeconds})
	}
	return w
}

// KeepPods takes off a ReplicaSet when its pods would go, and since when they have no traffic.
func KeepPods(rs *appsv1.ReplicaSet) Work {
	return removeAnnotations(rs, v1alpha1.ScaleDownDeadlineAnnotation, TrafficLeftAnnotation)
}

// ForgetTrafficLeft takes off ReplicaSets since when they have no traffic: a Service selects no version, and so all.
func ForgetTrafficLeft(all []*appsv1.ReplicaSet) Work {
	var w Work
	for _, rs := range all {
		w = Join(w, removeAnnotations(rs, TrafficLeftAnnotation))
	}
	return w
}

// removeAnnotations takes those of some annotations off a ReplicaSet that it has.
func removeAnnotations(rs *appsv1.ReplicaSet, keys ...string) Work {
	remove := map[string]string{}
	for _, key := range keys {
		if _, ok := rs.Annotations[key]; ok {
			remove[key] = ""
		}
	}
	if len(remove) == 0 {
		return Work{}
	}
	return Do(AnnotateReplicaSet{rs.Name, remove})
}

// recordStable marks the version that has all the traffic as one that was stable.
func recordStable(s State, o Outcome, now time.Time) Work {
	if o.Settled == nil {
		return Work{}
	}
	var w Work
	if !WasStable(o.Settled) {
		since := s.ConvergedAt.UTC().Format(time.RFC3339)
		w = Do(AnnotateReplicaSet{o.Settled.Name, map[string]string{StableSinceAnnotation: since}})
	}
	if PodHash(o.Settled.Labels) != s.StableHash {
		// The version before is not needed any more: the next decision sets its deadline.
		w = Join(w, RequeueAt(now))
	}
	return w
}
