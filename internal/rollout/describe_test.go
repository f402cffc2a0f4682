package rollout_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

func (s *simulation) view() rollout.View {
	return strategy.Describe(s.ro, s.sets, s.pods, slices.Collect(maps.Values(s.services)), s.now)
}

// lines is a view in a few lines, without what differs from run to run.
func (s *simulation) lines(v rollout.View) string {
	var b strings.Builder
	fmt.Fprintln(&b, v.Phase, v.Message)
	for _, service := range v.Services {
		fmt.Fprintln(&b, service.Role, service.Name, service.Revision)
	}
	for _, image := range v.Images {
		fmt.Fprintln(&b, image.Image, image.Tags)
	}
	for _, revision := range v.Revisions {
		for _, rs := range revision.ReplicaSets {
			fmt.Fprintln(&b, revision.Number, s.version(rs.Hash), rs.Health, rs.Tags, rs.Size, len(rs.Pods), rs.ScaleDownIn)
		}
	}
	for _, step := range v.Steps {
		fmt.Fprintln(&b, step.State, step.Name, step.EndsIn)
	}
	return b.String()
}

func TestDescribe(t *testing.T) {
	ro := exampleRollout()
	ro.Spec.Strategy.BlueGreen.AutoPromotionSeconds = 10
	s := newSimulation(t, ro)
	moments := []struct {
		at      time.Duration
		command string
		want    string
	}{
		{5 * time.Second, "image v2", `Progressing updated replicas are still becoming available
active active 1
preview preview 2
app:v2 [preview]
app:v1 [stable active]
2 v2 Progressing [preview] 2 2 0s
1 v1 Healthy [stable active] 2 2 0s
current Start new pods 0s
ahead Wait for promotion 0s
ahead Switch active 0s
ahead Wait until active has followed 0s
ahead Take old pods away 0s
`},
		{9 * time.Second, "", `Paused BlueGreenPause
active active 1
preview preview 2
app:v2 [preview]
app:v1 [stable active]
2 v2 Healthy [preview] 2 2 0s
1 v1 Healthy [stable active] 2 2 0s
done Start new pods 0s
current Wait for promotion 8s
ahead Switch active 0s
ahead Wait until active has followed 0s
ahead Take old pods away 0s
`},
		{20 * time.Second, "", `Healthy 
active active 2
preview preview 2
app:v2 [stable active]
app:v1 []
2 v2 Healthy [stable active] 2 2 0s
1 v1 Healthy [] 2 2 27s
done Start new pods 0s
done Wait for promotion 0s
done Switch active 0s
done Wait until active has followed 0s
current Take old pods away 27s
`},
		{60 * time.Second, "", `Healthy 
active active 2
preview preview 2
app:v2 [stable active]
2 v2 Healthy [stable active] 2 2 0s
1 v1 ScaledDown [] 0 0 0s
done Start new pods 0s
done Wait for promotion 0s
done Switch active 0s
done Wait until active has followed 0s
done Take old pods away 0s
`},
	}
	for _, m := range moments {
		s.runUntil(began.Add(m.at))
		if words := strings.Fields(m.command); len(words) > 0 {
			s.command(words[0], words[1:])
		}
		if got := s.lines(s.view()); got != m.want {
			t.Errorf("at %s: got\n%swant\n%s", m.at, got, m.want)
		}
	}
}

func TestDescribeAPod(t *testing.T) {
	waiting := func(reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{RestartCount: 3, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}
	}
	running := corev1.ContainerStatus{Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	ready := []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	now := metav1.Now()
	for name, c := range map[string]struct {
		pod    corev1.Pod
		status string
		health rollout.Health
		ready  string
	}{
		"new":         {corev1.Pod{}, "Pending", rollout.Progressing, "0/1"},
		"starting":    {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{waiting("ContainerCreating")}}}, "ContainerCreating", rollout.Progressing, "0/1"},
		"crashing":    {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{waiting("CrashLoopBackOff")}}}, "CrashLoopBackOff", rollout.Degraded, "0/1"},
		"no image":    {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: []corev1.ContainerStatus{waiting("ImagePullBackOff")}}}, "Init:ImagePullBackOff", rollout.Degraded, "0/1"},
		"ready":       {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: ready, ContainerStatuses: []corev1.ContainerStatus{running}}}, "Running", rollout.Healthy, "1/1"},
		"on its way":  {corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &now}, Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: ready}}, "Terminating", rollout.Progressing, "0/1"},
		"evicted":     {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}}, "Evicted", rollout.Degraded, "0/1"},
		"not yet run": {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}}}, "Running", rollout.Progressing, "0/1"},
	} {
		c.pod.Spec.Containers = []corev1.Container{{Name: "app"}}
		v := viewPod(&c.pod)
		if v.Status != c.status || v.Health != c.health || fmt.Sprintf("%d/%d", v.Ready, v.Containers) != c.ready {
			t.Errorf("%s: %+v, want %s %s %s", name, v, c.status, c.health, c.ready)
		}
	}
}

// viewPod returns what a person sees of a pod.
func viewPod(pod *corev1.Pod) rollout.PodView {
	ro := exampleRollout()
	ro.UID = "rollout"
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "app-1", UID: "rs", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(ro, v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind))}}}
	pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
	return strategy.Describe(ro, []*appsv1.ReplicaSet{rs}, []*corev1.Pod{pod}, nil, began).Revisions[0].ReplicaSets[0].Pods[0]
}
