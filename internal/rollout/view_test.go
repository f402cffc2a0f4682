package rollout_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestViewOfObjectsFromACache holds a whole View: of a Rollout whose spec is newer than its status, where the caller
// has no Services, two ReplicaSets share a revision, and pods come in any order.
func TestViewOfObjectsFromACache(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ro := &v1alpha1.Rollout{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "shops", UID: "ro", Generation: 2, CreationTimestamp: metav1.NewTime(at)},
		Spec: v1alpha1.RolloutSpec{
			Replicas: ptr.To(int32(2)),
			Strategy: v1alpha1.RolloutStrategy{BlueGreen: &v1alpha1.BlueGreenStrategy{ActiveService: "active", PreviewService: "preview"}},
		},
		Status: v1alpha1.RolloutStatus{
			ObservedGeneration: "1", CurrentPodHash: "next", StableRS: "old", Replicas: 3, UpdatedReplicas: 1, ReadyReplicas: 2, AvailableReplicas: 2,
			BlueGreen: v1alpha1.BlueGreenStatus{ActiveSelector: "old", PreviewSelector: "next"},
		},
	}
	set := func(hash string, revision int, size int32, age time.Duration, deadline string) *appsv1.ReplicaSet {
		rs := ownedReplicaSet(ro, hash, revision)
		rs.CreationTimestamp = metav1.NewTime(at.Add(age))
		rs.Spec.Replicas = ptr.To(size)
		rs.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "app:" + hash}}
		rs.Status = appsv1.ReplicaSetStatus{Replicas: size, ReadyReplicas: size, AvailableReplicas: size}
		if deadline != "" {
			rs.Annotations[v1alpha1.ScaleDownDeadlineAnnotation] = deadline
		}
		return rs
	}
	old, next := set("old", 1, 2, time.Minute, "2026-03-01T12:05:30Z"), set("next", 2, 1, 2*time.Minute, "")
	beside, gone := set("beside", 1, 0, time.Second, "2026-03-01T12:05:30Z"), set("gone", 0, 0, 0, "")
	foreign := set("foreign", 9, 1, 0, "")
	foreign.OwnerReferences = nil
	pod := func(rs *appsv1.ReplicaSet, name string, age time.Duration) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: "shops", CreationTimestamp: metav1.NewTime(at.Add(age)),
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
			},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
				ContainerStatuses: []corev1.ContainerStatus{{Ready: true}},
			},
		}
	}
	pods := []*corev1.Pod{pod(old, "old-c", 2*time.Minute), pod(old, "old-b", time.Minute), pod(old, "old-a", 2*time.Minute), pod(next, "next-a", 3*time.Minute)}
	view := strategy.Describe(ro, []*appsv1.ReplicaSet{gone, beside, old, next, foreign}, pods, nil, at.Add(5*time.Minute))
	got, err := json.MarshalIndent(view, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", "view", "from-a-cache.json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
