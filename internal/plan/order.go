package plan

import (
	"cmp"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// waveOf is an object's wave: 0 when it names none.
func waveOf(object *unstructured.Unstructured) int {
	annotations := object.GetAnnotations()
	for _, name := range []string{v1alpha1.SyncWaveAnnotation, helmHookWeight} {
		if wave, err := strconv.Atoi(annotations[name]); err == nil {
			return wave
		}
	}
	return 0
}

var phaseOrder = map[v1alpha1.HookType]int{v1alpha1.HookPreSync: 0, v1alpha1.HookSync: 1, v1alpha1.HookPostSync: 2, v1alpha1.HookSyncFail: 3}

// verbOrder within a wave: what goes goes first.
var verbOrder = map[Verb]int{Delete: 0, Hook: 1, Apply: 1}

// kindOrder is what others lean on first. Kinds that are not listed come after those that are, by name.
var kindOrder = func() map[string]int {
	order := map[string]int{}
	for i, kind := range []string{
		"Namespace", "CustomResourceDefinition", "PriorityClass", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget", "ServiceAccount",
		"Secret", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim", "ClusterRole", "ClusterRoleBinding", "Role",
		"RoleBinding", "Service", "DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment", "Rollout", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob",
		"IngressClass", "Ingress", "APIService",
	} {
		order[kind] = i
	}
	return order
}()

// kindRank is the place of a kind among those that are listed, or the one after them.
func kindRank(kind string) int {
	if rank, ok := kindOrder[kind]; ok {
		return rank
	}
	return len(kindOrder)
}

// compareTasks orders by phase, wave, what goes before what comes, kind, and name. Kinds go in the opposite order
// from that in which they come.
func compareTasks(x, y Task) int {
	if order := compareGroups(groupOf(x), groupOf(y)); order != 0 {
		return order
	}
	if x.Verb != y.Verb {
		if order := cmp.Compare(verbOrder[x.Verb], verbOrder[y.Verb]); order != 0 {
			return order
		}
	}
	if x.Key.Kind != y.Key.Kind {
		byKind := cmp.Compare(kindRank(x.Key.Kind), kindRank(y.Key.Kind))
		if x.Verb == Delete {
			byKind = -byKind
		}
		if byKind != 0 {
			return byKind
		}
	}
	return compareKeys(x.Key, y.Key)
}

// namespacesFirst brings each namespace before whatever lives in it, hooks included.
func namespacesFirst(tasks []Task) {
	first := map[string]groupName{}
	for _, t := range tasks {
		if before, ok := first[t.Key.Namespace]; t.Verb != Delete && t.Key.Namespace != "" && (!ok || compareGroups(groupOf(t), before) < 0) {
			first[t.Key.Namespace] = groupOf(t)
		}
	}
	for i := range tasks {
		t := &tasks[i]
		if group, ok := first[t.Key.Name]; ok && t.Verb == Apply && isNamespace(t.Object) && compareGroups(group, groupOf(*t)) < 0 {
			t.Phase, t.Wave = group.phase, group.wave
		}
	}
}

func compareGroups(x, y groupName) int {
	if x.phase != y.phase {
		if order := cmp.Compare(phaseOrder[x.phase], phaseOrder[y.phase]); order != 0 {
			return order
		}
	}
	return cmp.Compare(x.wave, y.wave)
}

// reversePruneWaves lets objects go in the opposite order of waves from that in which they came, and the last ones
// after everything.
func reversePruneWaves(tasks []Task) {
	var waves []int
	last := 0
	for _, t := range tasks {
		last = max(last, t.Wave)
		if t.Verb == Delete && !slices.Contains(waves, t.Wave) {
			waves = append(waves, t.Wave)
		}
	}
	slices.Sort(waves)
	for i := range tasks {
		t := &tasks[i]
		if t.Verb != Delete {
			continue
		}
		if t.Last {
			t.Wave = last + 1
			continue
		}
		t.Wave = waves[len(waves)-1-slices.Index(waves, t.Wave)]
	}
}
