package rollout_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

func TestActionsInWords(t *testing.T) {
	metadata := v1alpha1.PodTemplateMetadata{Labels: map[string]string{"a": "b"}}
	actions := []rollout.Action{
		rollout.CreateReplicaSet{ReplicaSet: &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "app-1"}, Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(0))}}},
		rollout.AnnotateReplicaSet{Name: "app-1", Set: map[string]string{"b": "c", "a": ""}},
		rollout.Scale{Name: "app-1", From: 1, To: 2},
		rollout.SwitchService{Role: rollout.RoleActive, Service: "web", To: "1", Why: "why"},
		rollout.SwitchService{Role: rollout.RolePreview, Service: "web", From: "1", To: "2", Why: "why"},
		rollout.ReleaseService{Service: "web"},
		rollout.DeleteReplicaSet{Name: "app-1"},
		rollout.EvictPod{Name: "app-1-x"},
		rollout.SetRoleMetadata{ReplicaSet: "app-1", Metadata: metadata},
		rollout.SetMinReadySeconds{Name: "app-1", Seconds: 5},
		rollout.ScaleWorkload{Ref: v1alpha1.WorkloadRef{Kind: "Deployment", Name: "web"}, To: 0},
		rollout.SetFinalizer{Held: true},
		rollout.SetFinalizer{Held: false},
		rollout.RecordEvent{Event: rollout.Event{Reason: "RolloutUpdated", Message: "m"}},
	}
	want := `create ReplicaSet app-1 with 0
annotate ReplicaSet app-1 a- b=c
scale ReplicaSet app-1 from 1 to 2
switch active Service web from no version to 1 (why)
switch preview Service web from 1 to 2 (why)
release Service web
delete ReplicaSet app-1
evict Pod app-1-x
set metadata of ReplicaSet app-1 to labels map[a:b] annotations map[]
set minReadySeconds of ReplicaSet app-1 to 5
scale Deployment web to 0
add finalizer cyan.dev/workload
remove finalizer cyan.dev/workload
record event RolloutUpdated
`
	if got := (rollout.Decision{Actions: actions}).String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	with := 0
	for _, a := range actions {
		for _, e := range rollout.EventsOf(a) {
			if e.Reason != "" && e.Message != "" {
				with++
			}
		}
	}
	if with != 5 {
		t.Errorf("%d actions have an event, want 5: the new ReplicaSet, the scaling, the two switches, and the event itself", with)
	}
}

// liveState is a ReplicaSet web-new of size 2 with two pods that have been ready for a minute, behind the Services
// web and preview.
func liveState() rollout.LiveState {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	labels := map[string]string{v1alpha1.PodHashLabel: "new"}
	pod := func(name string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 80}}}}},
			Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now.Add(-time.Minute))}}},
		}
	}
	endpoint := func(name string) discoveryv1.Endpoint {
		return discoveryv1.Endpoint{TargetRef: &corev1.ObjectReference{Name: name}}
	}
	return rollout.LiveState{
		Now:        now,
		Service:    &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.ServiceSpec{Selector: map[string]string{v1alpha1.PodHashLabel: "old"}}},
		ReplicaSet: &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "web-new", Labels: labels, Generation: 2}, Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(2))}, Status: appsv1.ReplicaSetStatus{ObservedGeneration: 2}},
		Pods:       []*corev1.Pod{pod("a"), pod("b")},
		Preview:    true, PreviewHash: "new", PreviewSlices: []*discoveryv1.EndpointSlice{{Endpoints: []discoveryv1.Endpoint{endpoint("a"), endpoint("b")}}},
	}
}

func TestSwitchIsCheckedOnLiveState(t *testing.T) {
	active := rollout.SwitchService{Role: rollout.RoleActive, Service: "web", From: "old", To: "new", Replicas: 2, MinReadySeconds: 60}
	preview := rollout.SwitchService{Role: rollout.RolePreview, Service: "web", From: "old", To: "new"}
	for _, c := range []struct {
		name   string
		action rollout.SwitchService
		change func(*rollout.LiveState)
		held   string
	}{
		{"all is there", active, func(*rollout.LiveState) {}, ""},
		{"the Service is gone", active, func(l *rollout.LiveState) { l.Service = nil }, "service web: not found"},
		{"the Service selects another version", active, func(l *rollout.LiveState) { l.Service.Spec.Selector[v1alpha1.PodHashLabel] = "third" }, `service web: selects "third" by now`},
		{"the Service selects no version", active, func(l *rollout.LiveState) { l.Service.Spec.Selector = nil }, `service web: selects "" by now`},
		{"the ReplicaSet is gone", active, func(l *rollout.LiveState) { l.ReplicaSet = nil }, "ReplicaSet with hash new: not found"},
		{"the ReplicaSet is being deleted", active, func(l *rollout.LiveState) { l.ReplicaSet.DeletionTimestamp = new(metav1.Time) }, "ReplicaSet with hash new: not found"},
		{"the ReplicaSet was changed just now", active, func(l *rollout.LiveState) { l.ReplicaSet.Generation = 3 }, "ReplicaSet web-new: its controller"},
		{"the ReplicaSet is too small", active, func(l *rollout.LiveState) { l.ReplicaSet.Spec.Replicas = new(int32(1)) }, "ReplicaSet web-new: has a size of 1, 2 are needed"},
		{"the ReplicaSet is larger", active, func(l *rollout.LiveState) { l.ReplicaSet.Spec.Replicas = new(int32(3)) }, ""},
		{"a pod is missing", active, func(l *rollout.LiveState) { l.Pods = l.Pods[:1] }, "ReplicaSet web-new: 1 pods are ready of the 2"},
		{"a pod is being deleted", active, func(l *rollout.LiveState) { l.Pods[0].DeletionTimestamp = new(metav1.Time) }, "ReplicaSet web-new: 1 pods are ready of the 2"},
		{"a pod is of another version", active, func(l *rollout.LiveState) { l.Pods[0].Labels = nil }, "ReplicaSet web-new: 1 pods are ready of the 2"},
		{"a pod is not ready", active, func(l *rollout.LiveState) { l.Pods[0].Status.Conditions[0].Status = corev1.ConditionFalse }, "ReplicaSet web-new: 1 pods are ready of the 2"},
		{"a pod is not ready for long enough", active, func(l *rollout.LiveState) { l.Now = l.Now.Add(-time.Second) }, "ReplicaSet web-new: 0 pods are ready of the 2"},
		{"a numbered port", active, func(l *rollout.LiveState) {
			l.Service.Spec.Ports = []corev1.ServicePort{{TargetPort: intstr.FromInt32(9)}}
		}, ""},
		{"a named port", active, func(l *rollout.LiveState) {
			l.Service.Spec.Ports = []corev1.ServicePort{{TargetPort: intstr.FromString("http")}}
		}, ""},
		{"a port that the pods before name and the new ones do not", active, func(l *rollout.LiveState) {
			l.Service.Spec.Ports = []corev1.ServicePort{{TargetPort: intstr.FromString("http")}, {TargetPort: intstr.FromString("metrics")}}
			l.Serving = []*corev1.Pod{{}, {Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "metrics"}}}}}}}
		}, `service web: forwards to port "metrics"`},
		{"a port that only a pod names which goes", active, func(l *rollout.LiveState) {
			l.Service.Spec.Ports = []corev1.ServicePort{{TargetPort: intstr.FromString("metrics")}}
			l.Serving = []*corev1.Pod{{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: new(metav1.Time)}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "metrics"}}}}}}}
		}, ""},
		{"a port that nobody names, and nobody named", active, func(l *rollout.LiveState) {
			l.Service.Spec.Ports = []corev1.ServicePort{{TargetPort: intstr.FromString("http")}, {TargetPort: intstr.FromString("metrics")}}
			l.Serving = []*corev1.Pod{{}}
		}, ""},
		{"the preview has not followed", active, func(l *rollout.LiveState) {
			l.PreviewSlices[0].Endpoints = l.PreviewSlices[0].Endpoints[:1]
		}, "pod b: not in the EndpointSlices"},
		{"the preview lists a pod as not ready", active, func(l *rollout.LiveState) {
			l.PreviewSlices[0].Endpoints[0].Conditions.Ready = new(false)
		}, "pod a: not in the EndpointSlices"},
		{"the preview lists an address without a pod", active, func(l *rollout.LiveState) { l.PreviewSlices[0].Endpoints[0].TargetRef = nil }, "pod a: not in the EndpointSlices"},
		{"the preview shows another version", active, func(l *rollout.LiveState) { l.PreviewHash, l.PreviewSlices = "old", nil }, ""},
		{"there is no preview", active, func(l *rollout.LiveState) { l.Preview, l.PreviewSlices = false, nil }, ""},
		{"a preview asks for no pods", preview, func(l *rollout.LiveState) { l.ReplicaSet, l.Pods = nil, nil }, ""},
		{"a preview asks for its Service", preview, func(l *rollout.LiveState) { l.Service.Spec.Selector[v1alpha1.PodHashLabel] = "third" }, `service web: selects "third" by now`},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := liveState()
			c.change(&live)
			checkHeld(t, c.action.Check(live), c.held)
		})
	}
}

func TestPodsNameThePortsOfAService(t *testing.T) {
	naming := func(names ...string) *corev1.Pod {
		pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{}}}}
		for _, name := range names {
			pod.Spec.Containers[0].Ports = append(pod.Spec.Containers[0].Ports, corev1.ContainerPort{Name: name})
		}
		return pod
	}
	forwarding := func(to ...intstr.IntOrString) *corev1.Service {
		service := &corev1.Service{}
		for _, port := range to {
			service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{TargetPort: port})
		}
		return service
	}
	http, metrics, number := intstr.FromString("http"), intstr.FromString("metrics"), intstr.FromInt32(80)
	for _, c := range []struct {
		name    string
		pods    []*corev1.Pod
		service *corev1.Service
		want    bool
	}{
		{"no ports", []*corev1.Pod{naming()}, forwarding(), true},
		{"a number", []*corev1.Pod{naming()}, forwarding(number), true},
		{"a name", []*corev1.Pod{naming("http")}, forwarding(http), true},
		{"another name", []*corev1.Pod{naming("web")}, forwarding(http), false},
		{"one of two names", []*corev1.Pod{naming("http")}, forwarding(http, metrics), false},
		{"both names", []*corev1.Pod{naming("http", "metrics")}, forwarding(number, http, metrics), true},
		{"one of two pods", []*corev1.Pod{naming("http"), naming()}, forwarding(http), false},
		{"no pods", nil, forwarding(http), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := rollout.NamePorts(c.pods, c.service); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

func checkHeld(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || (err != nil && !strings.HasPrefix(err.Error(), want)) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestScaleDownIsCheckedOnLiveState(t *testing.T) {
	for _, c := range []struct {
		name   string
		drain  bool
		change func(*rollout.LiveState)
		held   string
	}{
		{"nobody needs the pods", true, func(*rollout.LiveState) {}, ""},
		{"a Service selects them", true, func(l *rollout.LiveState) {
			l.Service.Spec.Selector[v1alpha1.PodHashLabel] = "new"
			l.Services = []*corev1.Service{{}, l.Service}
		}, "ReplicaSet web-new: Service web selects it"},
		{"EndpointSlices list one", true, func(l *rollout.LiveState) { l.Slices = l.PreviewSlices }, "ReplicaSet web-new: EndpointSlices still list its pod a"},
		{"EndpointSlices list them as not ready", true, func(l *rollout.LiveState) {
			l.Slices = l.PreviewSlices
			for i := range l.Slices[0].Endpoints {
				l.Slices[0].Endpoints[i].Conditions.Ready = new(false)
			}
		}, ""},
		{"EndpointSlices list pods of another version", true, func(l *rollout.LiveState) {
			l.Slices = l.PreviewSlices
			l.Pods[0].Labels, l.Pods[1].Labels = nil, nil
		}, ""},
		{"a change of size that takes nobody's traffic", false, func(l *rollout.LiveState) { l.Slices = l.PreviewSlices }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := liveState()
			c.change(&live)
			checkHeld(t, rollout.Scale{Name: "web-new", Hash: "new", From: 2, Drain: c.drain}.Check(live), c.held)
		})
	}
}

func TestEvictionIsCheckedOnLiveState(t *testing.T) {
	for _, c := range []struct {
		name string
		keep int32
		held string
	}{
		{"enough others are ready", 1, ""},
		{"too few others are ready", 2, "pod a: 1 others are ready of the 2"},
		{"no other is needed", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkHeld(t, rollout.EvictPod{Name: "a", Hash: "new", Keep: c.keep}.Check(liveState()), c.held)
		})
	}
}

// TestWrittenTemplate takes what a Rollout adds to a ReplicaSet's template out of it again.
func TestWrittenTemplate(t *testing.T) {
	made, written := corev1.PodTemplateSpec{}, corev1.PodTemplateSpec{}
	for text, into := range map[string]*corev1.PodTemplateSpec{`
metadata:
  labels: {app: app, role: active, rollouts-pod-template-hash: new}
  annotations: {note: mine, who: users}
spec:
  containers: [{name: app, image: "app:v1"}]
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - {topologyKey: zone, labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}
      - {topologyKey: host, labelSelector: {matchExpressions: [{key: rollouts-pod-template-hash, operator: In, values: [old]}]}}
      - {topologyKey: rack}
      preferredDuringSchedulingIgnoredDuringExecution:
      - {weight: 1, podAffinityTerm: {topologyKey: host, labelSelector: {matchExpressions: [{key: rollouts-pod-template-hash, operator: In, values: [old]}]}}}
      - {weight: 2, podAffinityTerm: {topologyKey: zone, labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}}
`: &made, `
metadata:
  labels: {app: app}
  annotations: {note: mine}
spec:
  containers: [{name: app, image: "app:v1"}]
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - {topologyKey: zone, labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}
      - {topologyKey: rack}
      preferredDuringSchedulingIgnoredDuringExecution:
      - {weight: 2, podAffinityTerm: {topologyKey: zone, labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}}
`: &written} {
		if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	rs := &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Template: made}}
	rs.Annotations = map[string]string{v1alpha1.EphemeralMetadataAnnotation: `{"labels":{"role":"active"},"annotations":{"who":"users"}}`}
	before := rs.DeepCopy()
	if got := rollout.WrittenTemplate(rs); !reflect.DeepEqual(got, written) {
		t.Errorf("got  %+v\nwant %+v", got, written)
	}
	if !reflect.DeepEqual(rs, before) {
		t.Error("the ReplicaSet was changed")
	}
}
