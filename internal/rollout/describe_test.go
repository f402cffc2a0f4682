package rollout_test

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// ownedReplicaSet is a ReplicaSet of a Rollout.
func ownedReplicaSet(ro *v1alpha1.Rollout, name string, revision int) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
		Name: name, UID: types.UID(name), Labels: map[string]string{v1alpha1.PodHashLabel: name}, Annotations: map[string]string{v1alpha1.RevisionAnnotation: fmt.Sprint(revision)},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(ro, v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind))},
	}}
}

func TestDescribePod(t *testing.T) {
	waiting := func(reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{RestartCount: 3, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}
	}
	ended := func(reason string, code int32) corev1.ContainerStatus {
		return corev1.ContainerStatus{RestartCount: 1, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason, ExitCode: code}}}
	}
	running := corev1.ContainerStatus{Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	starting := corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	ready := []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	now := metav1.Now()
	statuses := func(all ...corev1.ContainerStatus) []corev1.ContainerStatus { return all }
	for _, c := range []struct {
		name string
		pod  corev1.Pod
		want string
	}{
		{"new", corev1.Pod{}, "Pending Progressing 0/1 restarts=0"},
		{"its image is pulled", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: statuses(waiting("ContainerCreating"))}}, "ContainerCreating Progressing 0/1 restarts=3"},
		{"crashes", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: statuses(waiting("CrashLoopBackOff"))}}, "CrashLoopBackOff Degraded 0/1 restarts=3"},
		{"waits without a reason", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: statuses(waiting(""))}}, "Running Progressing 0/1 restarts=3"},
		{"restarts of all containers count", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: statuses(waiting("X"), ended("", 0))}}, "X Progressing 0/1 restarts=4"},
		{"the first container with a reason is told", corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: statuses(waiting("ErrImagePull"), waiting("ContainerCreating"))}}, "ErrImagePull Degraded 0/1 restarts=6"},
		{"has ended", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: statuses(ended("OOMKilled", 137))}}, "OOMKilled Degraded 0/1 restarts=1"},
		{"has ended without a reason", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: statuses(ended("", 1))}}, "Failed Degraded 0/1 restarts=1"},
		{"no image for the init container", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: statuses(waiting("ImagePullBackOff"))}}, "Init:ImagePullBackOff Degraded 0/1 restarts=0"},
		{"the init container fails", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: statuses(ended("", 1))}}, "Init:Error Degraded 0/1 restarts=0"},
		{"the init container fails for a reason", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: statuses(ended("OOMKilled", 1))}}, "Init:OOMKilled Degraded 0/1 restarts=0"},
		{"the init container has ended well", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: statuses(ended("Completed", 0))}}, "Pending Progressing 0/1 restarts=0"},
		{"the init container waits for its turn", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: statuses(waiting("PodInitializing"), waiting(""))}}, "Pending Progressing 0/1 restarts=0"},
		{"is ready", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: ready, ContainerStatuses: statuses(running)}}, "Running Healthy 1/1 restarts=0"},
		{"terminates", corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &now}, Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: ready}}, "Terminating Progressing 0/1 restarts=0"},
		{"evicted", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}}, "Evicted Degraded 0/1 restarts=0"},
		{"runs and is not ready yet", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: statuses(starting)}}, "Running Progressing 0/1 restarts=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ro := exampleRollout()
			ro.UID = "uid"
			rs := ownedReplicaSet(ro, "app-1", 1)
			c.pod.Spec.Containers = []corev1.Container{{Name: "app"}}
			c.pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
			v := strategy.Describe(ro, []*appsv1.ReplicaSet{rs}, []*corev1.Pod{&c.pod}, nil, time.Now()).Revisions[0].ReplicaSets[0].Pods[0]
			if got := fmt.Sprintf("%s %s %d/%d restarts=%d", v.Status, v.Health, v.Ready, v.Containers, v.Restarts); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
