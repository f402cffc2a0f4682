package rollout_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// simulation is a cluster small enough to run a story in: ReplicaSets get pods, pods become ready, EndpointSlices follow, and decisions are carried out.
type simulation struct {
	t   testing.TB
	now time.Time

	ro       *v1alpha1.Rollout
	sets     []*appsv1.ReplicaSet
	pods     []*corev1.Pod
	services map[string]*corev1.Service
	slices   map[string]*discoveryv1.EndpointSlice
	workload *rollout.Workload

	// readyAfter is how long a pod takes; never holds the image tags whose pods never become ready.
	readyAfter time.Duration
	never      map[string]bool
	// frozen keeps EndpointSlices as they are.
	frozen bool
	// guarded says that a PodDisruptionBudget keeps every pod.
	guarded bool
	// crash, when not nil, is asked before every write: true loses that write and everything after it in the same decision.
	crash func() bool
	// stale, when not nil, is asked before every decision: true makes it from an older look at the cluster, unless the controller has written since.
	stale func() bool
	last  *rollout.Observation
	// proxied are the pods to which nodes send requests for the active Service. Nodes follow EndpointSlices a second late.
	proxied map[string]bool
	events  []rollout.Event
	log     []string
	serial  int
	served  bool
}

// began is when every story begins.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newSimulation(t testing.TB, ro *v1alpha1.Rollout) *simulation {
	s := &simulation{t: t, now: began, ro: ro, services: map[string]*corev1.Service{}, slices: map[string]*discoveryv1.EndpointSlice{}, readyAfter: 2 * time.Second, never: map[string]bool{}}
	ro.Namespace, ro.UID, ro.Generation = "default", "uid", 1
	if bg := ro.Spec.Strategy.BlueGreen; bg != nil {
		for _, name := range []string{bg.ActiveService, bg.PreviewService} {
			if name != "" {
				s.addService(name)
			}
		}
	}
	return s
}

func (s *simulation) addService(name string) {
	s.services[name] = &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "app"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	s.slices[name] = &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// edit changes the Rollout's spec as a user does.
func (s *simulation) edit(change func(*v1alpha1.RolloutSpec)) {
	change(&s.ro.Spec)
	s.ro.Generation++
}

func (s *simulation) observation() rollout.Observation {
	seen := rollout.Observation{Rollout: s.ro.DeepCopy(), Workload: s.workload}
	for _, rs := range s.sets {
		seen.ReplicaSets = append(seen.ReplicaSets, rs.DeepCopy())
	}
	for _, pod := range s.pods {
		seen.Pods = append(seen.Pods, pod.DeepCopy())
	}
	bg := s.ro.Spec.Strategy.BlueGreen
	if bg == nil {
		return seen
	}
	for name, service := range s.services {
		switch {
		case name == bg.ActiveService:
			seen.Active = service.DeepCopy()
			seen.ActiveSlices = []*discoveryv1.EndpointSlice{s.slices[name].DeepCopy()}
		case name == bg.PreviewService:
			seen.Preview = service.DeepCopy()
		case service.Annotations[v1alpha1.ManagedByRolloutsAnnotation] == s.ro.Name:
			seen.Left = append(seen.Left, service.DeepCopy())
		}
	}
	return seen
}

// settle lets the cluster and the controller act on each other until nothing changes.
func (s *simulation) settle() {
	for round := 0; ; round++ {
		if round > 60 {
			s.t.Fatalf("at %s: it never settles:\n%s", s.clock(), strings.Join(s.log[max(0, len(s.log)-20):], "\n"))
		}
		moved := s.runCluster()
		s.invariants()
		if !s.decide() && !moved {
			return
		}
		s.invariants()
	}
}

func (s *simulation) clock() string { return s.now.Sub(began).String() }

// decide makes one decision and carries it out; it says whether anything changed.
func (s *simulation) decide() bool {
	d := strategy.Decide(s.look(), s.now)
	changed := false
	for _, a := range d.Actions {
		if s.crash != nil && s.crash() {
			return true
		}
		if !s.carryOut(a) {
			break
		}
		s.last = nil
		changed = true
		if e, ok := rollout.EventOf(a); ok {
			s.events = append(s.events, e)
		}
		s.log = append(s.log, s.clock()+" "+a.String())
	}
	if s.crash != nil && s.crash() {
		return true
	}
	s.events = append(s.events, d.Events...)
	changed = changed || !equality.Semantic.DeepEqual(d.Status, s.ro.Status)
	s.ro.Status = *d.Status.DeepCopy()
	return changed
}

// look is what the controller sees: the Rollout as it is, and the rest as its cache has it.
func (s *simulation) look() rollout.Observation {
	now := s.observation()
	if s.stale != nil && s.last != nil && s.stale() {
		before := *s.last
		// These are read from the API server.
		before.Rollout, before.ActiveSlices = now.Rollout, now.ActiveSlices
		return before
	}
	s.last = &now
	return now
}

// carryOut does what an API server and the controller's checks do with an action. False stops the rest of the decision.
func (s *simulation) carryOut(a rollout.Action) bool {
	switch a := a.(type) {
	case rollout.CreateReplicaSet:
		if s.set(a.ReplicaSet.Name) == nil {
			rs := a.ReplicaSet.DeepCopy()
			s.serial++
			rs.UID, rs.CreationTimestamp, rs.Generation = types.UID(rs.Name), metav1.NewTime(s.now.Add(time.Duration(s.serial)*time.Millisecond)), 1
			s.sets = append(s.sets, rs)
		}
	case rollout.AnnotateReplicaSet:
		rs := s.set(a.Name)
		rs.Annotations = maps.Clone(rs.Annotations)
		for key, value := range a.Set {
			if value == "" {
				delete(rs.Annotations, key)
			} else {
				rs.Annotations[key] = value
			}
		}
	case rollout.Scale:
		if err := a.Check(s.live(a.Hash, "")); err != nil {
			s.log = append(s.log, s.clock()+" not yet: "+a.String()+": "+err.Error())
			return false
		}
		rs := s.set(a.Name)
		to := a.To
		rs.Spec.Replicas = &to
		rs.Generation++
	case rollout.SwitchService:
		if err := a.Check(s.live(a.To, a.Service)); err != nil {
			s.log = append(s.log, s.clock()+" not yet: "+a.String()+": "+err.Error())
			return false
		}
		service := s.services[a.Service]
		service.Spec.Selector[v1alpha1.PodHashLabel] = a.To
		service.Annotations = map[string]string{v1alpha1.ManagedByRolloutsAnnotation: s.ro.Name}
	case rollout.ReleaseService:
		delete(s.services[a.Service].Spec.Selector, v1alpha1.PodHashLabel)
		s.services[a.Service].Annotations = nil
	case rollout.DeleteReplicaSet:
		s.sets = slices.DeleteFunc(s.sets, func(rs *appsv1.ReplicaSet) bool { return rs.Name == a.Name })
	case rollout.EvictPod:
		if err := a.Check(s.live(a.Hash, "")); err != nil || s.guarded {
			s.log = append(s.log, fmt.Sprintf("%s not yet: %s: %v", s.clock(), a, err))
			return false
		}
		s.pods = slices.DeleteFunc(s.pods, func(p *corev1.Pod) bool { return p.Name == a.Name })
	case rollout.SetRoleMetadata:
		s.setRoleMetadata(a)
	case rollout.SetMinReadySeconds:
		rs := s.set(a.Name)
		rs.Spec.MinReadySeconds = a.Seconds
		rs.Generation++
	case rollout.ScaleWorkload:
		s.workload.Replicas = &a.To
	default:
		s.t.Fatalf("unknown action %T", a)
	}
	return true
}

func (s *simulation) setRoleMetadata(a rollout.SetRoleMetadata) {
	rs := s.set(a.ReplicaSet)
	labels := maps.Clone(rs.Spec.Template.Labels)
	for key := range a.Remove.Labels {
		delete(labels, key)
	}
	maps.Copy(labels, a.Metadata.Labels)
	rs.Spec.Template.Labels = labels
	rs.Annotations = maps.Clone(rs.Annotations)
	rs.Annotations[v1alpha1.EphemeralMetadataAnnotation] = rollout.RoleMetadataAnnotation(a.Metadata)
	for _, pod := range s.pods {
		if rollout.PodHash(pod.Labels) == a.Hash {
			pod.Labels = maps.Clone(labels)
		}
	}
}

func (s *simulation) live(hash, service string) rollout.LiveState {
	f := rollout.LiveState{Now: s.now, Service: s.services[service], ReplicaSet: byHash(s.sets, hash), Pods: s.pods}
	for name, service := range s.services {
		f.Services = append(f.Services, service)
		f.Slices = append(f.Slices, s.slices[name])
	}
	if bg := s.ro.Spec.Strategy.BlueGreen; bg.PreviewService != "" && s.services[bg.PreviewService] != nil {
		f.Preview, f.PreviewHash = true, selectedHash(s.services[bg.PreviewService])
		f.PreviewSlices = []*discoveryv1.EndpointSlice{s.slices[bg.PreviewService]}
	}
	return f
}

func (s *simulation) set(name string) *appsv1.ReplicaSet {
	for _, rs := range s.sets {
		if rs.Name == name {
			return rs
		}
	}
	return nil
}

// runCluster does what kubelet, the ReplicaSet controller and the EndpointSlice controller do.
func (s *simulation) runCluster() bool {
	before := s.picture()
	for _, rs := range s.sets {
		s.runReplicaSet(rs)
	}
	s.runWorkload()
	for _, pod := range s.pods {
		ready := !s.never[tag(pod.Spec)] && !s.now.Before(pod.CreationTimestamp.Add(s.readyAfter))
		if ready && readyCondition(pod) == nil {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(s.now)}}
		}
	}
	for _, rs := range s.sets {
		s.countReplicaSet(rs)
	}
	if !s.frozen {
		for name, service := range s.services {
			s.slices[name].Endpoints = s.endpoints(service)
		}
	}
	return s.picture() != before
}

func (s *simulation) runReplicaSet(rs *appsv1.ReplicaSet) {
	own := podsOf(s.pods, rollout.PodHash(rs.Labels))
	for n := len(own); n < int(*rs.Spec.Replicas); n++ {
		s.serial++
		s.pods = append(s.pods, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("%s-%d", rs.Name, s.serial), Namespace: rs.Namespace, Labels: maps.Clone(rs.Spec.Template.Labels), CreationTimestamp: metav1.NewTime(s.now),
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
			},
			Spec: rs.Spec.Template.Spec,
		})
	}
	for _, pod := range own[min(len(own), int(*rs.Spec.Replicas)):] {
		s.pods = slices.DeleteFunc(s.pods, func(p *corev1.Pod) bool { return p.Name == pod.Name })
	}
}

// lend makes a Deployment that lends its template.
func (s *simulation) lend(version, replicas string) {
	n, _ := strconv.Atoi(replicas)
	size := int32(n)
	template := exampleRollout().Spec.Template
	template.Spec.Containers[0].Image = "app:" + version
	if s.workload == nil {
		s.workload = &rollout.Workload{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "app"}}, Replicas: &size}
	}
	s.workload.Template = template
	s.workload.Generation++
}

// runWorkload does what the Deployment controller does. The pods of the Deployment go by the tag deployment.
func (s *simulation) runWorkload() {
	if s.workload == nil {
		return
	}
	own := podsOf(s.pods, "")
	for n := len(own); n < int(*s.workload.Replicas); n++ {
		s.serial++
		s.pods = append(s.pods, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("deployment-%d", s.serial), Labels: map[string]string{"app": "app"}, CreationTimestamp: metav1.NewTime(s.now)},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Image: "app:deployment"}}},
		})
	}
	for _, pod := range own[min(len(own), int(*s.workload.Replicas)):] {
		s.pods = slices.DeleteFunc(s.pods, func(p *corev1.Pod) bool { return p.Name == pod.Name })
	}
}

func (s *simulation) countReplicaSet(rs *appsv1.ReplicaSet) {
	own := podsOf(s.pods, rollout.PodHash(rs.Labels))
	rs.Status = appsv1.ReplicaSetStatus{Replicas: int32(len(own)), ObservedGeneration: rs.Generation}
	for _, pod := range own {
		if c := readyCondition(pod); c != nil {
			rs.Status.ReadyReplicas++
			if !s.now.Before(c.LastTransitionTime.Add(time.Duration(rs.Spec.MinReadySeconds) * time.Second)) {
				rs.Status.AvailableReplicas++
			}
		}
	}
}

func (s *simulation) endpoints(service *corev1.Service) []discoveryv1.Endpoint {
	var all []discoveryv1.Endpoint
	for _, pod := range s.pods {
		selects := true
		for key, value := range service.Spec.Selector {
			selects = selects && pod.Labels[key] == value
		}
		if selects {
			ready := readyCondition(pod) != nil
			all = append(all, discoveryv1.Endpoint{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod.Name}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}})
		}
	}
	return all
}

// picture is the cluster in a string, to see whether it changed.
func (s *simulation) picture() string {
	var b strings.Builder
	for _, rs := range s.sets {
		fmt.Fprintln(&b, rs.Name, *rs.Spec.Replicas, rs.Generation, rs.Status.String())
	}
	for _, pod := range s.pods {
		fmt.Fprintln(&b, pod.Name, readyCondition(pod) != nil)
	}
	for _, name := range slices.Sorted(maps.Keys(s.slices)) {
		fmt.Fprintln(&b, name, readyEndpoints([]*discoveryv1.EndpointSlice{s.slices[name]}))
	}
	return b.String()
}

// invariants hold at every instant of every story, once the active Service has served a version.
func (s *simulation) invariants() {
	bg := s.ro.Spec.Strategy.BlueGreen
	if bg == nil || s.services[bg.ActiveService] == nil || rollout.Replicas(s.ro) == 0 {
		return
	}
	hash := selectedHash(s.services[bg.ActiveService])
	if hash == "" {
		return
	}
	rs := byHash(s.sets, hash)
	switch {
	case rs == nil:
		s.t.Fatalf("at %s: the active Service selects %s, which has no ReplicaSet\n%s", s.clock(), hash, strings.Join(s.log, "\n"))
	case *rs.Spec.Replicas == 0:
		s.t.Fatalf("at %s: the active Service selects %s, which is scaled to zero\n%s", s.clock(), rs.Name, strings.Join(s.log, "\n"))
	case readyPods(s.pods, hash) == 0 && s.served:
		s.t.Fatalf("at %s: the active Service selects %s, which has no ready pod\n%s", s.clock(), rs.Name, strings.Join(s.log, "\n"))
	}
	s.served = s.served || readyPods(s.pods, hash) > 0
	for name := range s.proxied {
		if rs := s.ownerOf(name); rs != nil && *rs.Spec.Replicas == 0 && rollout.Replicas(s.ro) > 0 {
			s.t.Fatalf("at %s: %s was scaled to zero while nodes still sent requests to %s\n%s", s.clock(), rs.Name, name, strings.Join(s.log, "\n"))
		}
	}
}

// ownerOf is the ReplicaSet that made a pod, which may be gone.
func (s *simulation) ownerOf(pod string) *appsv1.ReplicaSet {
	for _, rs := range s.sets {
		if strings.HasPrefix(pod, rs.Name+"-") {
			return rs
		}
	}
	return nil
}

// tick lets a second pass.
func (s *simulation) tick() {
	if bg := s.ro.Spec.Strategy.BlueGreen; bg != nil && s.slices[bg.ActiveService] != nil {
		s.proxied = readyEndpoints([]*discoveryv1.EndpointSlice{s.slices[bg.ActiveService]})
	}
	s.now = s.now.Add(time.Second)
}

// tag is the tag of a pod's image: the name that a story gives to a version.
func tag(spec corev1.PodSpec) string {
	if len(spec.Containers) == 0 {
		return ""
	}
	_, after, _ := strings.Cut(spec.Containers[0].Image, ":")
	return after
}
