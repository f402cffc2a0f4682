package rollout

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
)

// beyondHistory returns the empty ReplicaSets beyond the history limit, oldest first.
func beyondHistory(s State) []*appsv1.ReplicaSet {
	if s.Desired == nil {
		return nil
	}
	var idle []*appsv1.ReplicaSet
	for _, rs := range s.ReplicaSets {
		if rs != s.Desired && !s.Needed(rs) && PodHash(rs.Labels) != SelectedHash(s.PreviewService) && isIdle(rs) {
			idle = append(idle, rs)
		}
	}
	slices.SortStableFunc(idle, func(a, b *appsv1.ReplicaSet) int { return cmp.Compare(Revision(a), Revision(b)) })
	limit := max(0, int(RevisionHistoryLimit(&s.Rollout.Spec)))
	return idle[:max(0, len(idle)-limit)]
}

// isIdle reports whether a ReplicaSet has no pods, wants none, and is not being deleted.
func isIdle(rs *appsv1.ReplicaSet) bool {
	return Size(rs) == 0 && rs.Status.Replicas == 0 && rs.DeletionTimestamp == nil &&
		rs.Status.ObservedGeneration >= rs.Generation
}

func deleteAll(all []*appsv1.ReplicaSet) Work {
	var w Work
	for _, rs := range all {
		w.Actions = append(w.Actions, DeleteReplicaSet{rs.Name})
	}
	return w
}
