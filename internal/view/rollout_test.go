package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

func owned(kind, name string, uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{Kind: kind, Name: name, UID: uid, Controller: ptr.To(true)}}
}

// replicaSet is a version of the Rollout web.
func replicaSet(revision int64, hash string, size, available int32) *appsv1.ReplicaSet {
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "web-" + hash, UID: types.UID(hash), CreationTimestamp: before(time.Duration(100-revision) * time.Minute), OwnerReferences: owned("Rollout", "web", "web"),
		Labels: map[string]string{v1alpha1.PodHashLabel: hash}, Annotations: map[string]string{v1alpha1.RevisionAnnotation: fmt.Sprint(revision)},
	}}
	rs.Spec.Replicas = ptr.To(size)
	rs.Spec.Template.Labels = map[string]string{"app": "web", v1alpha1.PodHashLabel: hash}
	rs.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:" + hash}}
	rs.Status.Replicas, rs.Status.ReadyReplicas, rs.Status.AvailableReplicas = size, available, available
	return rs
}

func pod(rs *appsv1.ReplicaSet, n int, ready bool) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("%s-%d", rs.Name, n), OwnerReferences: owned("ReplicaSet", rs.Name, rs.UID), Labels: rs.Spec.Template.Labels, CreationTimestamp: before(time.Minute)}}
	p.Spec.Containers = []corev1.Container{{Name: "web"}}
	p.Status.Phase = corev1.PodRunning
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web", Ready: ready}}
	return p
}

func service(name, hash string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Spec: corev1.ServiceSpec{Selector: map[string]string{v1alpha1.PodHashLabel: hash}}}
}

func endpoints(of string, ready ...*bool) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: of + "-x", Labels: map[string]string{discoveryv1.LabelServiceName: of}}}
	for i, r := range ready {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprint(i)}, Conditions: discoveryv1.EndpointConditions{Ready: r}, TargetRef: &corev1.ObjectReference{Name: fmt.Sprint("pod-", i)}})
	}
	return s
}

// waitingRollout is a Rollout whose second version waits to be promoted.
func waitingRollout() RolloutSeen {
	ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "web", Generation: 1, CreationTimestamp: before(time.Hour)}}
	ro.Spec.Replicas = ptr.To(int32(2))
	ro.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	ro.Spec.Template.Labels = map[string]string{"app": "web"}
	ro.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:two"}}
	ro.Spec.Strategy.BlueGreen = &v1alpha1.BlueGreenStrategy{ActiveService: "active", PreviewService: "preview", AutoPromotionEnabled: ptr.To(false)}
	ro.Status = v1alpha1.RolloutStatus{
		Phase: v1alpha1.RolloutPaused, Message: "BlueGreenPause", ObservedGeneration: "1", CurrentPodHash: "two", StableRS: "one", Replicas: 4, UpdatedReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 2,
		PauseConditions: []v1alpha1.PauseCondition{{Reason: v1alpha1.PauseBlueGreen, StartTime: before(time.Minute)}}, ControllerPause: true,
		BlueGreen:  v1alpha1.BlueGreenStatus{ActiveSelector: "one", PreviewSelector: "two", Switch: &v1alpha1.SwitchStatus{To: "one", Time: before(time.Hour)}},
		Conditions: []v1alpha1.RolloutCondition{{Type: v1alpha1.RolloutConditionProgressing, Status: "True", Reason: "ReplicaSetUpdated", Message: "on its way", LastUpdateTime: before(2 * time.Minute), LastTransitionTime: before(3 * time.Minute)}},
	}
	one, two := replicaSet(1, "one", 2, 2), replicaSet(2, "two", 2, 2)
	return RolloutSeen{
		Rollout: ro, ReplicaSets: []*appsv1.ReplicaSet{one, two, replicaSet(0, "foreign", 1, 1)}, Pods: []*corev1.Pod{pod(one, 1, true), pod(one, 2, true), pod(two, 1, true), pod(two, 2, false)},
		Services: []*corev1.Service{service("active", "one"), service("preview", "two"), service("other", "two")},
		Slices:   []*discoveryv1.EndpointSlice{endpoints("active", nil, ptr.To(true), ptr.To(false)), endpoints("active", nil), endpoints("preview", ptr.To(true)), endpoints("other", nil)},
	}
}

// switched is the same after the switch, with the old pods in their delay.
func switched(s RolloutSeen) {
	s.Rollout.Status.BlueGreen = v1alpha1.BlueGreenStatus{ActiveSelector: "two", PreviewSelector: "two", Switch: &v1alpha1.SwitchStatus{From: "one", To: "two", Time: before(10 * time.Second)}}
	s.Rollout.Status.PauseConditions, s.Rollout.Status.ControllerPause = nil, false
	s.Services[0].Spec.Selector[v1alpha1.PodHashLabel] = "two"
	s.ReplicaSets[0].Annotations[v1alpha1.ScaleDownDeadlineAnnotation] = noon.Add(20 * time.Second).Format(time.RFC3339)
}

// resting is the same at rest.
func resting(s RolloutSeen) {
	switched(s)
	s.Rollout.Status.StableRS, s.Rollout.Status.Phase = "two", v1alpha1.RolloutHealthy
	s.ReplicaSets[0].Spec.Replicas, s.ReplicaSets[0].Status = ptr.To(int32(0)), appsv1.ReplicaSetStatus{}
	delete(s.ReplicaSets[0].Annotations, v1alpha1.ScaleDownDeadlineAnnotation)
	s.Pods[0].OwnerReferences, s.Pods[1].OwnerReferences = nil, nil
}

func aborted(s RolloutSeen) {
	s.Rollout.Status.Abort, s.Rollout.Status.AbortedAt, s.Rollout.Status.PauseConditions = true, at(time.Minute), nil
}

func lanes(v RolloutView) string {
	var all []string
	for _, l := range v.Lanes {
		all = append(all, fmt.Sprintf("%s %d %s %d/%d %d pods%s", l.Role, l.Revision, l.ReplicaSet, l.Available, l.Desired, len(l.Pods), strings.TrimPrefix(" until "+l.ScaleDownAt, " until \x00")))
	}
	return strings.ReplaceAll(strings.Join(all, "; "), " until ;", ";")
}

// The versions that have pods or take requests are lanes, newest first, with what they do.
func TestLanes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(RolloutSeen)
		want   string
	}{
		{"before the switch", func(RolloutSeen) {}, "preview 2 web-two 2/2 2 pods; active 1 web-one 2/2 2 pods"},
		{"after the switch", switched, "both 2 web-two 2/2 2 pods; old 1 web-one 2/2 2 pods until 2026-11-26T12:00:20Z"},
		{"at rest", resting, "both 2 web-two 2/2 2 pods"},
		{"without a preview Service", func(s RolloutSeen) { s.Rollout.Spec.Strategy.BlueGreen.PreviewService = "" }, "preview 2 web-two 2/2 2 pods; active 1 web-one 2/2 2 pods"},
		{"without a preview Service, at rest", func(s RolloutSeen) { resting(s); s.Rollout.Spec.Strategy.BlueGreen.PreviewService = "" }, "active 2 web-two 2/2 2 pods"},
		{"without Services", func(s RolloutSeen) { s.Services[0], s.Services[1] = s.Services[2], s.Services[2] }, "old 2 web-two 2/2 2 pods; old 1 web-one 2/2 2 pods"},
	} {
		seen := waitingRollout()
		seen.ReplicaSets[2].OwnerReferences = nil
		c.change(seen)
		if got := strings.TrimSuffix(lanes(told(t, RolloutOf(seen, noon))), " until "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// The rest of what a view has.
func TestRolloutViews(t *testing.T) {
	seen := waitingRollout()
	seen.Application = &ApplicationRef{"argocd", "shop"}
	seen.Pods[3].Status.ContainerStatuses[0] = corev1.ContainerStatus{Name: "web", RestartCount: 4, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 10s"}}}
	seen.Pods[2].DeletionTimestamp = at(0)
	event := func(name, reason string, at time.Duration) *corev1.Event {
		return &corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: "Rollout", Namespace: "shop", Name: name}, Type: "Normal", Reason: reason, Message: "m", LastTimestamp: before(at)}
	}
	seen.Events = []*corev1.Event{event("web", "first", time.Hour), event("web", "last", time.Minute), event("other", "x", 0)}
	v := told(t, RolloutOf(seen, noon))
	pods := v.Lanes[0].Pods
	for name, got := range map[string][2]any{
		"what it is":             {fmt.Sprint(v.Namespace, v.Name, *v.Application, v.Strategy), "shopweb{argocd shop}BlueGreen"},
		"how it is":              {fmt.Sprint(v.Phase, v.Message, v.Paused, v.Aborted), "PausedBlueGreenPausetrue false"},
		"how many":               {fmt.Sprint(v.Desired, v.Ready, v.Available, v.Updated), "2 2 2 2"},
		"its conditions":         {fmt.Sprint(v.Conditions), "[{Progressing True on its way  <nil> 2026-11-26T11:57:00Z}]"},
		"a pod that goes":        {fmt.Sprint(pods[0].Phase, pods[0].Terminating, pods[0].Ready), "Terminatingtrue true"},
		"a pod that crashes":     {fmt.Sprint(pods[1].Phase, pods[1].Restarts, pods[1].Message, pods[1].Ready), "CrashLoopBackOff4back-off 10sfalse"},
		"the active Service":     {fmt.Sprint(v.Services[0]), "{active active one web-one 2 2026-11-26T11:00:00Z false}"},
		"the preview Service":    {fmt.Sprint(v.Services[1]), "{preview preview two web-two 1  false}"},
		"the revisions":          {fmt.Sprint(v.Revisions), "[{2 web-two [web:two] 2026-11-26T10:22:00Z preview} {1 web-one [web:one] 2026-11-26T10:21:00Z active} {0 web-foreign [web:foreign] 2026-11-26T10:20:00Z }]"},
		"the events, last first": {v.Events[0].Reason + v.Events[1].Reason + fmt.Sprint(len(v.Events)), "lastfirst2"},
	} {
		if fmt.Sprint(got[0]) != got[1] {
			t.Errorf("%s: got %v, want %v", name, got[0], got[1])
		}
	}
}

// Why a pod does not run, in the words of the cluster.
func TestTroubleOfPods(t *testing.T) {
	for want, status := range map[string]corev1.PodStatus{
		"pull failed":                           {ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Message: "pull failed"}}}}},
		"container init ended with exit code 3": {InitContainerStatuses: []corev1.ContainerStatus{{Name: "init", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}}}}},
		"no node fits":                          {Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: "False", Message: "x"}, {Type: corev1.PodScheduled, Status: "False", Message: "no node fits"}}},
		"evicted":                               {Message: "evicted", ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}}},
		"":                                      {Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: "True", Message: "x"}}},
	} {
		if got := troubleOf(&corev1.Pod{Status: status}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// When an event last happened, in whichever field it says so.
func TestTimesOfEvents(t *testing.T) {
	micro := metav1.NewMicroTime(noon.Add(-time.Minute))
	for name, e := range map[string]*corev1.Event{
		"of a series": {Series: &corev1.EventSeries{LastObservedTime: micro}, LastTimestamp: before(time.Hour)}, "the last time": {LastTimestamp: before(time.Minute), EventTime: metav1.NewMicroTime(noon)},
		"the only time": {EventTime: micro, ObjectMeta: metav1.ObjectMeta{CreationTimestamp: before(time.Hour)}}, "when it was made": {ObjectMeta: metav1.ObjectMeta{CreationTimestamp: before(time.Minute)}},
	} {
		if got := eventTime(e); got != "2026-11-26T11:59:00Z" {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func gates(v RolloutView) string {
	var all []string
	for _, g := range v.Gates {
		all = append(all, strings.TrimSpace(g.Name+" "+g.State+": "+g.Message+" "+g.Until))
	}
	return strings.Join(all, "\n")
}

// What stands between a version and the traffic.
func TestGates(t *testing.T) {
	const ready = "ready open: 2 of 2 pods of revision 2 are available\n"
	bySelf := func(s RolloutSeen) {
		s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled = nil
		s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionSeconds = 90
	}
	const deadlineText = "deadline open: progress has to be made every 600 s 2026-11-26T12:08:00Z"
	for _, c := range []struct {
		name   string
		change func(RolloutSeen)
		want   string
	}{
		{"waits for somebody", func(RolloutSeen) {}, ready + "promotion waiting: waits for somebody; look at the preview, then promote or abort"},
		{"goes on by itself", bySelf, ready + "promotion waiting: promotes itself 90 s after its pods are available 2026-11-26T12:00:30Z"},
		{"goes on by itself once it is ready", func(s RolloutSeen) {
			bySelf(s)
			s.Rollout.Status.PauseConditions, s.ReplicaSets[1].Status.AvailableReplicas = nil, 1
		}, "ready waiting: 1 of 2 pods of revision 2 are available\n" + deadlineText + "\npromotion waiting: promotes itself 90 s after its pods are available"},
		{"is not ready", func(s RolloutSeen) {
			s.Rollout.Status.PauseConditions, s.ReplicaSets[1].Status.AvailableReplicas = nil, 1
		}, "ready waiting: 1 of 2 pods of revision 2 are available\n" + deadlineText + "\npromotion waiting: waits for somebody once its pods are available"},
		{"waits for nobody", func(s RolloutSeen) {
			s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled, s.Rollout.Status.PauseConditions = nil, nil
		}, ready + deadlineText},
		{"has no ReplicaSet yet", func(s RolloutSeen) { s.Rollout.Status.CurrentPodHash = "three" }, "ready waiting: the ReplicaSet of the new version is being made\npromotion waiting: waits for somebody; look at the preview, then promote or abort"},
		{"has no pods yet", func(s RolloutSeen) {
			s.ReplicaSets[1].Spec.Replicas, s.ReplicaSets[1].Status = ptr.To(int32(0)), appsv1.ReplicaSetStatus{}
		},
			"ready waiting: 0 of 0 pods of revision 2 are available\npromotion waiting: waits for somebody; look at the preview, then promote or abort"},
		{"the first version", func(s RolloutSeen) { s.Rollout.Status.StableRS, s.Rollout.Status.PauseConditions = "", nil }, ready + deadlineText},
		{"paused by hand", func(s RolloutSeen) { s.Rollout.Spec.Paused, s.Rollout.Status.PauseConditions = true, nil },
			ready + "pause waiting: paused by spec.paused; resume it\npromotion waiting: waits for somebody once its pods are available"},
		{"makes no progress", func(s RolloutSeen) {
			s.Rollout.Status.Conditions[0].Reason, s.Rollout.Spec.ProgressDeadlineSeconds, s.Rollout.Status.PauseConditions = "ProgressDeadlineExceeded", ptr.To(int32(60)), nil
			s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled = nil
		}, ready + "deadline failed: no progress for 60 s; see why its pods do not become available"},
		{"no progress was seen yet", func(s RolloutSeen) {
			s.Rollout.Status.Conditions[0].LastUpdateTime, s.Rollout.Status.PauseConditions, s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled = metav1.Time{}, nil, nil
		}, strings.TrimSuffix(ready, "\n")},
		{"analysed", func(s RolloutSeen) {
			s.Rollout.Status.PauseConditions, s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled, s.Rollout.Status.Conditions = nil, nil, nil
			s.Rollout.Status.BlueGreen.PrePromotionAnalysisRunStatus = &v1alpha1.AnalysisRunReference{Name: "a", Status: "Running"}
		}, ready + "analysis waiting: AnalysisRun a: Running"},
		{"analysed, and failed", func(s RolloutSeen) {
			s.Rollout.Status.PauseConditions, s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled, s.Rollout.Status.Conditions = nil, nil, nil
			s.Rollout.Status.BlueGreen.PrePromotionAnalysisRunStatus = &v1alpha1.AnalysisRunReference{Name: "a", Status: "Successful"}
			s.Rollout.Status.BlueGreen.PostPromotionAnalysisRunStatus = &v1alpha1.AnalysisRunReference{Name: "b", Status: "Failed"}
		}, ready + "analysis failed: AnalysisRun b: Failed"},
		{"analysed, and an error", func(s RolloutSeen) {
			s.Rollout.Status.PauseConditions, s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled, s.Rollout.Status.Conditions = nil, nil, nil
			s.Rollout.Status.BlueGreen.PrePromotionAnalysisRunStatus = &v1alpha1.AnalysisRunReference{Name: "a", Status: "Error"}
		}, ready + "analysis failed: AnalysisRun a: Error"},
		{"analysed, and good", func(s RolloutSeen) {
			s.Rollout.Status.PauseConditions, s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled, s.Rollout.Status.Conditions = nil, nil, nil
			s.Rollout.Status.BlueGreen.PrePromotionAnalysisRunStatus = &v1alpha1.AnalysisRunReference{Name: "a", Status: "Successful"}
		}, ready + "analysis open: AnalysisRun a: Successful"},
		{"after the switch", switched, ready + "promotion open: promoted\nscale-down waiting: the pods of revision 1 stay for an instant way back 2026-11-26T12:00:20Z"},
		{"after the delay", func(s RolloutSeen) {
			switched(s)
			s.ReplicaSets[0].Annotations[v1alpha1.ScaleDownDeadlineAnnotation] = noon.Format(time.RFC3339)
		}, ready + "promotion open: promoted\nscale-down waiting: the pods of revision 1 go"},
		{"the last of several delays", func(s RolloutSeen) {
			resting(s)
			s.ReplicaSets[0].Spec.Replicas = ptr.To(int32(1))
			s.ReplicaSets[0].Annotations[v1alpha1.ScaleDownDeadlineAnnotation] = noon.Add(time.Minute).Format(time.RFC3339)
			s.ReplicaSets[2].Annotations[v1alpha1.ScaleDownDeadlineAnnotation] = noon.Add(time.Second).Format(time.RFC3339)
		}, "scale-down waiting: the pods of revision 1 stay for an instant way back 2026-11-26T12:01:00Z"},
		{"nobody has looked at it yet", func(s RolloutSeen) { s.Rollout.Status = v1alpha1.RolloutStatus{StableRS: "one"} }, ""},
		{"no blue-green", func(s RolloutSeen) {
			s.Rollout.Spec.Strategy, s.Rollout.Status.Conditions = v1alpha1.RolloutStrategy{}, nil
		}, "ready open: 2 of 2 pods of revision 2 are available"},
		{"another condition beside", func(s RolloutSeen) {
			s.Rollout.Status.PauseConditions, s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled = nil, nil
			s.Rollout.Status.Conditions = append([]v1alpha1.RolloutCondition{{Type: v1alpha1.RolloutConditionAvailable, Status: "True", Reason: "ProgressDeadlineExceeded", LastUpdateTime: before(time.Hour)}}, s.Rollout.Status.Conditions...)
		}, ready + deadlineText},
		{"no progress, and the deadline has not passed", func(s RolloutSeen) {
			s.Rollout.Status.PauseConditions, s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled, s.Rollout.Status.Conditions[0].Status = nil, nil, "False"
		}, strings.TrimSuffix(ready, "\n")},
		{"a deadline of its own", func(s RolloutSeen) {
			s.Rollout.Status.PauseConditions, s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled, s.Rollout.Spec.ProgressDeadlineSeconds = nil, nil, ptr.To(int32(150))
		}, ready + "deadline open: progress has to be made every 150 s 2026-11-26T12:00:30Z"},
		{"analysed, and nobody knows", func(s RolloutSeen) {
			s.Rollout.Status.PauseConditions, s.Rollout.Spec.Strategy.BlueGreen.AutoPromotionEnabled, s.Rollout.Status.Conditions = nil, nil, nil
			s.Rollout.Status.BlueGreen.PostPromotionAnalysisRunStatus = &v1alpha1.AnalysisRunReference{Name: "b", Status: "Inconclusive"}
		}, ready + "analysis waiting: AnalysisRun b: Inconclusive"},
		{"what serves has a delay of before", func(s RolloutSeen) {
			resting(s)
			s.ReplicaSets[1].Annotations[v1alpha1.ScaleDownDeadlineAnnotation] = noon.Add(time.Minute).Format(time.RFC3339)
		}, ""},
		{"restarts now", func(s RolloutSeen) { resting(s); s.Rollout.Spec.RestartAt = at(0) }, "restart waiting: the pods are being replaced"},
		{"aborted", aborted, "abort failed: aborted; the traffic stays on the stable version until a new one comes or this one is retried"},
		{"at rest", resting, ""},
		{"restarts", func(s RolloutSeen) { resting(s); s.Rollout.Spec.RestartAt = at(time.Minute) }, "restart waiting: the pods are being replaced"},
		{"restarts later", func(s RolloutSeen) { resting(s); s.Rollout.Spec.RestartAt = at(-time.Minute) }, "restart waiting: all pods are replaced then 2026-11-26T12:01:00Z"},
		{"has restarted", func(s RolloutSeen) {
			resting(s)
			s.Rollout.Spec.RestartAt, s.Rollout.Status.RestartedAt = at(time.Minute), at(time.Minute)
		}, ""},
		{"has restarted before", func(s RolloutSeen) {
			resting(s)
			s.Rollout.Spec.RestartAt, s.Rollout.Status.RestartedAt = at(time.Minute), at(time.Hour)
		}, "restart waiting: the pods are being replaced"},
	} {
		seen := waitingRollout()
		c.change(seen)
		if got := gates(told(t, RolloutOf(seen, noon))); got != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got, c.want)
		}
	}
}

func possible(v RolloutView) string {
	var all []string
	for _, a := range v.Actions {
		if a.Enabled {
			all = append(all, a.Name)
		}
	}
	return strings.Join(all, " ")
}

func actionOf(v RolloutView, name string) Action {
	for _, a := range v.Actions {
		if a.Name == name {
			return a
		}
	}
	return Action{}
}

// Which actions are possible when, and why the others are not.
func TestActions(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(RolloutSeen)
		possible string
		// reasons are those of some that are not, by name.
		reasons map[string]string
	}{
		{"waits", func(RolloutSeen) {}, "promote promote-full abort undo pause restart set-image", map[string]string{Retry: "Rollout web: not aborted: there is nothing to try again", Resume: "Rollout web: not paused by spec.paused"}},
		{"on its way", func(s RolloutSeen) { s.Rollout.Status.PauseConditions = nil }, "promote-full abort undo pause restart set-image", map[string]string{Promote: "Rollout web: not waiting for a promotion"}},
		{"switched", switched, "promote-full abort undo pause restart set-image", nil},
		{"at rest", resting, "undo pause restart set-image", map[string]string{Abort: "Rollout web: nothing is on its way", PromoteFull: "Rollout web: revision 2 has all the traffic already"}},
		{"paused by hand", func(s RolloutSeen) { s.Rollout.Spec.Paused, s.Rollout.Status.PauseConditions = true, nil }, "promote promote-full abort undo resume restart set-image", map[string]string{Pause: "Rollout web: paused already"}},
		{"aborted", aborted, "retry undo pause restart set-image", map[string]string{Abort: "Rollout web: aborted already", Promote: "Rollout web: aborted; retry it first", PromoteFull: "Rollout web: aborted; retry it first"}},
		{"the first version", func(s RolloutSeen) { s.Rollout.Status.StableRS = "" }, "promote promote-full undo pause restart set-image", map[string]string{Abort: "Rollout web: no stable version to go back to yet"}},
		{"the only version", func(s RolloutSeen) { s.ReplicaSets[0].OwnerReferences, s.ReplicaSets[2].OwnerReferences = nil, nil }, "promote promote-full abort pause restart set-image",
			map[string]string{Undo: "Rollout web: no earlier revision is kept; raise spec.revisionHistoryLimit to keep some"}},
		{"without pods", func(s RolloutSeen) { s.Rollout.Spec.Replicas = ptr.To(int32(0)) }, "promote promote-full abort undo pause set-image", map[string]string{Restart: "Rollout web: scaled to 0: there are no pods"}},
		{"one pod that nobody wrote", func(s RolloutSeen) { s.Rollout.Spec.Replicas = nil }, "promote promote-full abort undo pause restart set-image", nil},
		{"invalid", func(s RolloutSeen) {
			s.Rollout.Status.Conditions = []v1alpha1.RolloutCondition{{Type: v1alpha1.RolloutConditionInvalidSpec, Status: "True", Message: "spec.selector: missing"}}
		}, "undo set-image", map[string]string{Promote: "Rollout web: not carried out: spec.selector: missing"}},
		{"being deleted", func(s RolloutSeen) { s.Rollout.DeletionTimestamp = at(0) }, "", map[string]string{SetImage: "Rollout web: being deleted"}},
	} {
		seen := waitingRollout()
		c.change(seen)
		v := told(t, RolloutOf(seen, noon))
		if got := possible(v); got != c.possible || len(v.Actions) != 9 {
			t.Errorf("%s: got %q, want %q", c.name, got, c.possible)
		}
		for name, want := range c.reasons {
			if got := actionOf(v, name).Reason; got != want {
				t.Errorf("%s: %s is not possible because of %q, want %q", c.name, name, got, want)
			}
		}
	}
}

// What each action would do.
func TestEffects(t *testing.T) {
	seen := waitingRollout()
	v := told(t, RolloutOf(seen, noon))
	for name, want := range map[string]string{
		Promote:     "Service active is switched to revision 2 as soon as all its pods are available.",
		PromoteFull: "Service active is switched to revision 2 without waiting for pauses and analyses; its pods have to be available all the same.",
		Abort:       "Service active stays with revision 1; revision 2 is scaled down.",
		Retry:       "Revision 2 is tried again from the beginning, through all its gates.",
		Undo:        "The pods of revision 1 come back as a new version, which is rolled out as any other.",
		Pause:       "It stops where it is, until it is resumed or promoted; what takes the traffic keeps it.",
		Resume:      "It goes on from where it was paused; a wait for a promotion goes on too.",
		Restart:     "All pods of all versions are replaced, a few at a time, so that the rest take the requests.",
		SetImage:    "A new version with the image is rolled out.",
	} {
		if got := actionOf(v, name).Effect; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	switched(seen)
	seen.Rollout.Annotations = map[string]string{v1alpha1.TrackingIDAnnotation: "x"}
	v = told(t, RolloutOf(seen, noon))
	for name, want := range map[string]string{
		Abort:    "Service active goes back to revision 1 as soon as that has all its pods; revision 2 is scaled down.",
		SetImage: "A new version with the image is rolled out; its Application brings back what git has with the next sync.",
	} {
		if got := actionOf(v, name).Effect; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	ro := &v1alpha1.Rollout{}
	d := strategy.Describe(ro, nil, nil, nil, noon)
	for name, want := range map[string]string{
		Promote: "The active Service is switched to the new version as soon as all its pods are available.",
		Abort:   "The active Service stays with the stable version; the new version is scaled down.",
		Retry:   "The new version is tried again from the beginning, through all its gates.",
		Undo:    "The pods of the version before come back as a new version, which is rolled out as any other.",
	} {
		if got := actionOf(RolloutView{Actions: ActionsOf(ro, d)}, name).Effect; got != want {
			t.Errorf("%s of a Rollout that has nothing: got %q, want %q", name, got, want)
		}
	}
}

// The version to go back to.
func TestEarlierVersions(t *testing.T) {
	own := []*appsv1.ReplicaSet{replicaSet(1, "one", 0, 0), replicaSet(3, "three", 0, 0), replicaSet(2, "two", 0, 0), replicaSet(0, "none", 0, 0)}
	for revision, want := range map[int64]string{0: "web-two", 1: "web-one", 3: "web-three"} {
		if got, err := Earlier("web", own, revision); err != nil || got.Name != want {
			t.Errorf("%d: got %v, %v, want %s", revision, got, err, want)
		}
	}
	if got, err := Earlier("web", own[:2], 0); err != nil || got.Name != "web-one" {
		t.Errorf("of two: got %v, %v", got, err)
	}
	if _, err := Earlier("web", own, 7); err == nil || problem.KindOf(err) != problem.Absent || err.Error() != "Rollout web: revision 7 not found; there are: 3, 2, 1" {
		t.Errorf("got %v", err)
	}
	if _, err := Earlier("web", own[:1], 0); err == nil || problem.KindOf(err) != problem.Absent || err.Error() != "Rollout web: no earlier revision is kept; raise spec.revisionHistoryLimit to keep some" {
		t.Errorf("got %v", err)
	}
}

// Which containers run an image.
func TestWhichContainersRunAnImage(t *testing.T) {
	have := map[string]string{"web": "registry:5000/web:1", "log": "log@sha256:1", "again": "registry:5000/web"}
	for _, c := range []struct{ container, image, want string }{
		{"log", "x:1", "map[log:x:1]"}, {"", "registry:5000/web:2", "map[again:registry:5000/web:2 web:registry:5000/web:2]"}, {"", "log@sha256:2", "map[log:log@sha256:2]"}, {"", "log:2", "map[log:log:2]"},
	} {
		if got, err := ImagesFor("web", have, c.container, c.image); err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%+v: got %v, %v", c, got, err)
		}
	}
	if got, err := ImagesFor("web", map[string]string{"one": "x"}, "", "y:2"); err != nil || fmt.Sprint(got) != "map[*:y:2]" {
		t.Errorf("a single container: got %v, %v", got, err)
	}
	if _, err := ImagesFor("web", have, "", "other:1"); err == nil || problem.KindOf(err) != problem.Usage || err.Error() != "Rollout web: container: no container runs an image called other; name one of again, log, web" {
		t.Errorf("got %v", err)
	}
}

// What a lane and its pods are called, and how a Rollout is that is aborted, paused or rests.
func TestWholeLanes(t *testing.T) {
	seen := waitingRollout()
	seen.Services = seen.Services[1:]
	v := told(t, RolloutOf(seen, noon))
	lane := v.Lanes[0]
	if got := fmt.Sprint(lane.Hash, lane.Images, lane.Ready, lane.Pods[0].Name, lane.Pods[0].Created); got != "two[web:two] 2web-two-12026-11-26T11:59:00Z" {
		t.Errorf("got %s", got)
	}
	if s := v.Services[0]; !s.Missing || s.Hash != "" || s.ReplicaSet != "" || s.Since != "" {
		t.Errorf("a Service that is missing: %+v", s)
	}
	for _, c := range []struct {
		name            string
		change          func(RolloutSeen)
		paused, aborted bool
	}{
		{"paused by hand", func(s RolloutSeen) { s.Rollout.Status.PauseConditions, s.Rollout.Spec.Paused = nil, true }, true, false},
		{"aborted", aborted, false, true}, {"at rest", resting, false, false},
	} {
		seen := waitingRollout()
		c.change(seen)
		if v := told(t, RolloutOf(seen, noon)); v.Paused != c.paused || v.Aborted != c.aborted {
			t.Errorf("%s: paused %v, aborted %v", c.name, v.Paused, v.Aborted)
		}
	}
}

// A pod that has an address of each family counts once; one without an address does not count.
func TestAddresses(t *testing.T) {
	seen := waitingRollout()
	without := endpoints("active", nil, nil)
	without.Endpoints[0].Addresses = nil
	without.Endpoints[1].TargetRef = nil
	without.Endpoints[1].Addresses = []string{"10.0.0.9"}
	again := endpoints("active", nil)
	again.Endpoints[0].Addresses = []string{"fd00::1"}
	elsewhere := endpoints("active", nil, nil, nil, nil, nil)
	elsewhere.Namespace = "other"
	seen.Slices = []*discoveryv1.EndpointSlice{endpoints("active", nil, nil), again, without, elsewhere}
	if got := addressesOf("active", seen); got != 3 {
		t.Errorf("got %d, want 3", got)
	}
}
