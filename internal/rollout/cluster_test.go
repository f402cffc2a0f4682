package rollout_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// began is when every story begins.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// longAgo is how old the objects are that exist when a story begins.
const longAgo = time.Hour

// cluster is a simulated cluster: ReplicaSets get pods, pods become ready, EndpointSlices follow.
type cluster struct {
	now time.Time

	rollout     *v1alpha1.Rollout
	replicaSets []*appsv1.ReplicaSet
	pods        []*corev1.Pod
	services    map[string]*corev1.Service
	endpoints   map[string]*endpoints
	workload    *workload

	// readyAfter is how long a pod takes to become ready; never holds the versions whose new pods do not.
	readyAfter time.Duration
	never      map[string]bool
	// linger is how long a deleted pod stays on as terminating.
	linger time.Duration
	// lag is how long EndpointSlices take to follow; frozen holds the Services, or SERVICE/FAMILY, whose slices stand
	// still, and "replicasets".
	lag       time.Duration
	frozen    map[string]bool
	families  []discoveryv1.AddressType
	sliceSize int
	// guarded is whether a PodDisruptionBudget refuses every eviction.
	guarded bool
	// proxied are the pods to which nodes send requests for the active Service. Nodes follow EndpointSlices a second
	// late.
	proxied map[string]bool
	// versions has the version of every hash that there ever was.
	versions map[string]string
	serial   int
	moved    bool
}

// workload is the object that spec.workloadRef names.
type workload struct {
	kind, name string
	template   corev1.PodTemplateSpec
	generation int64
	selector   *metav1.LabelSelector
	replicas   *int32
	// scaled is whether the controller was the last to set the size.
	scaled bool
	// deleting is whether it is being deleted.
	deleting bool
}

// endpoints are the EndpointSlices of a Service, and the changes that they have not followed yet.
type endpoints struct {
	slices  []*discoveryv1.EndpointSlice
	pending []endpointChange
}

type endpointChange struct {
	at  time.Time
	all []discoveryv1.Endpoint
	// token is the label of the Service that slices take over.
	token string
}

func newCluster(ro *v1alpha1.Rollout) *cluster {
	c := &cluster{
		now: began, rollout: ro, services: map[string]*corev1.Service{}, endpoints: map[string]*endpoints{}, readyAfter: 2 * time.Second,
		never: map[string]bool{}, frozen: map[string]bool{}, versions: map[string]string{}, sliceSize: 100,
		families: []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4},
	}
	ro.Namespace, ro.UID, ro.Generation = "default", "uid", max(1, ro.Generation)
	return c
}

// addServices creates the Services that the spec names and that are not there.
func (c *cluster) addServices() {
	if bg := c.rollout.Spec.Strategy.BlueGreen; bg != nil {
		for _, name := range []string{bg.ActiveService, bg.PreviewService} {
			if name != "" && c.services[name] == nil {
				c.addService(name)
			}
		}
	}
}

func (c *cluster) addService(name string) {
	c.services[name] = &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "app"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

// addReplicaSet puts a ReplicaSet into the cluster as another controller, or an earlier run of this one, has left it.
func (c *cluster) addReplicaSet(rs *appsv1.ReplicaSet) {
	rs.Namespace, rs.UID, rs.Generation = "default", types.UID(rs.Name), max(1, rs.Generation)
	c.serial++
	if rs.CreationTimestamp.IsZero() {
		rs.CreationTimestamp = metav1.NewTime(began.Add(-longAgo + time.Duration(c.serial)*time.Second))
	}
	yes := true
	rs.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.RolloutKind, Name: c.rollout.Name, UID: c.rollout.UID, Controller: &yes, BlockOwnerDeletion: &yes,
	}}
	if rs.Spec.Replicas == nil {
		rs.Spec.Replicas = new(int32(1))
	}
	c.replicaSets = append(c.replicaSets, rs)
	c.versions[rollout.PodHash(rs.Labels)] = tag(rs.Spec.Template.Spec)
	c.addPods(rs, rs.CreationTimestamp)
	c.runPods()
	for _, pod := range c.podsOf(rollout.PodHash(rs.Labels)) {
		if ready := readyCondition(pod); ready != nil {
			ready.LastTransitionTime = rs.CreationTimestamp
		}
	}
}

func (c *cluster) replicaSet(hash string) *appsv1.ReplicaSet {
	for _, rs := range c.replicaSets {
		if hash != "" && rollout.PodHash(rs.Labels) == hash {
			return rs
		}
	}
	return nil
}

func (c *cluster) named(name string) *appsv1.ReplicaSet {
	for _, rs := range c.replicaSets {
		if rs.Name == name {
			return rs
		}
	}
	return nil
}

// podsOf returns the pods with a hash that are not terminating.
func (c *cluster) podsOf(hash string) []*corev1.Pod {
	var own []*corev1.Pod
	for _, pod := range c.pods {
		if rollout.PodHash(pod.Labels) == hash && pod.DeletionTimestamp == nil {
			own = append(own, pod)
		}
	}
	return own
}

func (c *cluster) readyPods(hash string) int {
	n := 0
	for _, pod := range c.podsOf(hash) {
		if readyCondition(pod) != nil {
			n++
		}
	}
	return n
}

// readyCondition returns the Ready condition of a pod that is ready, else nil.
func readyCondition(pod *corev1.Pod) *corev1.PodCondition {
	for i, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// run does what kubelets, the ReplicaSet controller and the EndpointSlice controller do, and reports whether anything
// changed.
func (c *cluster) run() bool {
	c.moved = false
	c.runWorkload()
	if !c.frozen["replicasets"] {
		for _, rs := range c.replicaSets {
			c.addPods(rs, metav1.NewTime(c.now))
			c.removePods(c.podsOf(rollout.PodHash(rs.Labels)), int(*rs.Spec.Replicas))
		}
	}
	c.runPods()
	if !c.frozen["replicasets"] {
		for _, rs := range c.replicaSets {
			c.countReplicaSet(rs)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.services)) {
		c.runEndpoints(c.services[name])
	}
	return c.moved
}

func (c *cluster) addPods(rs *appsv1.ReplicaSet, created metav1.Time) {
	for n := len(c.podsOf(rollout.PodHash(rs.Labels))); n < int(*rs.Spec.Replicas); n++ {
		c.addPod(rs.Name, rs.Spec.Template, created, *metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet")))
	}
}

func (c *cluster) addPod(owner string, template corev1.PodTemplateSpec, created metav1.Time, refs ...metav1.OwnerReference) {
	c.serial++
	c.moved = true
	c.pods = append(c.pods, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s-%d", owner, c.serial), Namespace: "default", Labels: maps.Clone(template.Labels), Annotations: maps.Clone(template.Annotations),
			CreationTimestamp: created, OwnerReferences: refs,
		},
		Spec: template.Spec,
	})
}

// removePods deletes pods until so many are left: those that are not ready first, then the youngest.
func (c *cluster) removePods(own []*corev1.Pod, left int) {
	if len(own) <= left {
		return
	}
	slices.SortStableFunc(own, func(a, b *corev1.Pod) int {
		if ready := readyCondition(a) != nil; ready != (readyCondition(b) != nil) {
			return map[bool]int{true: -1, false: 1}[ready]
		}
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	for _, pod := range own[left:] {
		c.deletePod(pod)
	}
}

func (c *cluster) deletePod(pod *corev1.Pod) {
	c.moved = true
	gone := metav1.NewTime(c.now.Add(c.linger))
	pod.DeletionTimestamp = &gone
	c.removeTerminated()
}

func (c *cluster) removeTerminated() {
	before := len(c.pods)
	c.pods = slices.DeleteFunc(c.pods, func(p *corev1.Pod) bool { return p.DeletionTimestamp != nil && !c.now.Before(p.DeletionTimestamp.Time) })
	c.moved = c.moved || len(c.pods) != before
}

// runWorkload does what the controller of a Deployment does. Its pods have no hash.
func (c *cluster) runWorkload() {
	if c.workload == nil || c.workload.kind == "PodTemplate" {
		return
	}
	for n := len(c.podsOf("")); n < int(*c.workload.replicas); n++ {
		c.addPod(c.workload.name, corev1.PodTemplateSpec{ObjectMeta: c.workload.template.ObjectMeta, Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: "app:workload"}}}}, metav1.NewTime(c.now))
	}
	c.removePods(c.podsOf(""), int(*c.workload.replicas))
}

// collect does what the garbage collector does with a Rollout that is being deleted: its ReplicaSets go once no
// finalizer keeps it.
func (c *cluster) collect() {
	if c.rollout.DeletionTimestamp == nil || len(c.rollout.Finalizers) > 0 {
		return
	}
	for _, rs := range c.replicaSets {
		c.removePods(c.podsOf(rollout.PodHash(rs.Labels)), 0)
	}
	c.replicaSets = nil
}

func (c *cluster) runPods() {
	c.removeTerminated()
	for _, pod := range c.pods {
		if readyCondition(pod) == nil && !c.never[tag(pod.Spec)] && !c.now.Before(pod.CreationTimestamp.Add(c.readyAfter)) {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(c.now)}}
			c.moved = true
		}
	}
}

func (c *cluster) countReplicaSet(rs *appsv1.ReplicaSet) {
	status := appsv1.ReplicaSetStatus{ObservedGeneration: rs.Generation, Conditions: rs.Status.Conditions}
	for _, pod := range c.podsOf(rollout.PodHash(rs.Labels)) {
		status.Replicas++
		if ready := readyCondition(pod); ready != nil {
			status.ReadyReplicas++
			if !c.now.Before(ready.LastTransitionTime.Add(time.Duration(rs.Spec.MinReadySeconds) * time.Second)) {
				status.AvailableReplicas++
			}
		}
	}
	if rs.Status.String() != status.String() {
		rs.Status = status
		c.moved = true
	}
}

// runEndpoints lets the EndpointSlices of a Service follow its selector and the pods.
func (c *cluster) runEndpoints(service *corev1.Service) {
	e := c.endpoints[service.Name]
	if e == nil {
		e = &endpoints{}
		c.endpoints[service.Name] = e
	}
	change := endpointChange{c.now, c.selected(service), service.Labels[rollout.SwitchLabel]}
	if len(e.pending) == 0 || change.describe() != e.pending[len(e.pending)-1].describe() {
		e.pending = append(e.pending, change)
	}
	for len(e.pending) > 1 && !c.now.Before(e.pending[1].at.Add(c.lag)) {
		e.pending = e.pending[1:]
	}
	if c.now.Before(e.pending[0].at.Add(c.lag)) {
		return
	}
	var slices []*discoveryv1.EndpointSlice
	for _, family := range c.families {
		if c.frozen[service.Name] || c.frozen[service.Name+"/"+string(family)] {
			slices = append(slices, e.of(family)...)
		} else {
			slices = append(slices, c.divide(service.Name, family, e.pending[0])...)
		}
	}
	if describeSlices(slices) != describeSlices(e.slices) {
		e.slices = slices
		c.moved = true
	}
}

func (e *endpoints) of(family discoveryv1.AddressType) []*discoveryv1.EndpointSlice {
	var own []*discoveryv1.EndpointSlice
	for _, slice := range e.slices {
		if slice.AddressType == family {
			own = append(own, slice)
		}
	}
	return own
}

// divide puts endpoints into slices of at most sliceSize; there is always one.
func (c *cluster) divide(name string, family discoveryv1.AddressType, as endpointChange) []*discoveryv1.EndpointSlice {
	var divided []*discoveryv1.EndpointSlice
	all := as.all
	labels := map[string]string{discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"}
	if as.token != "" {
		labels[rollout.SwitchLabel] = as.token
	}
	for first := 0; first == 0 || first < len(all); first += c.sliceSize {
		divided = append(divided, &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%s-%d", name, family, first), Labels: labels}, AddressType: family, Endpoints: all[first:min(len(all), first+c.sliceSize)],
		})
	}
	return divided
}

func (c *cluster) selected(service *corev1.Service) []discoveryv1.Endpoint {
	var all []discoveryv1.Endpoint
	for _, pod := range c.pods {
		selects := true
		for key, value := range service.Spec.Selector {
			selects = selects && pod.Labels[key] == value
		}
		if selects {
			ready := readyCondition(pod) != nil && pod.DeletionTimestamp == nil
			all = append(all, discoveryv1.Endpoint{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod.Name}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}})
		}
	}
	slices.SortFunc(all, func(a, b discoveryv1.Endpoint) int { return cmp.Compare(a.TargetRef.Name, b.TargetRef.Name) })
	return all
}

func (e endpointChange) describe() string { return e.token + " " + describeEndpoints(e.all) }

func describeEndpoints(all []discoveryv1.Endpoint) string {
	var b strings.Builder
	for _, e := range all {
		fmt.Fprint(&b, e.TargetRef.Name, *e.Conditions.Ready, " ")
	}
	return b.String()
}

func describeSlices(all []*discoveryv1.EndpointSlice) string {
	var b strings.Builder
	for _, slice := range all {
		fmt.Fprintln(&b, slice.Name, slice.Labels[rollout.SwitchLabel], describeEndpoints(slice.Endpoints))
	}
	return b.String()
}

// readyEndpoints are the pods that the EndpointSlices of a Service list as ready.
func (c *cluster) readyEndpoints(service string) map[string]bool {
	names := map[string]bool{}
	if e := c.endpoints[service]; e != nil {
		for _, slice := range e.slices {
			for _, endpoint := range slice.Endpoints {
				if *endpoint.Conditions.Ready {
					names[endpoint.TargetRef.Name] = true
				}
			}
		}
	}
	return names
}

// advance lets time pass, at most to the next whole second.
func (c *cluster) advance(end time.Time) {
	if bg := c.rollout.Spec.Strategy.BlueGreen; bg != nil {
		c.proxied = c.readyEndpoints(bg.ActiveService)
	}
	next := c.now.Truncate(time.Second).Add(time.Second)
	if end.Before(next) {
		next = end
	}
	c.now = next
}

// tag is the tag of a pod's image: the name that a story gives to a version.
func tag(spec corev1.PodSpec) string {
	if len(spec.Containers) == 0 {
		return ""
	}
	_, after, _ := strings.Cut(spec.Containers[0].Image, ":")
	return after
}

// hash returns the hash of the newest ReplicaSet of a version.
func (c *cluster) hash(version string) string {
	for _, rs := range slices.Backward(c.replicaSets) {
		if tag(rs.Spec.Template.Spec) == version || rollout.PodHash(rs.Labels) == version {
			return rollout.PodHash(rs.Labels)
		}
	}
	return "no-such-version"
}

// version returns the name of a hash: its image tag, the hash itself where two share the tag, or none.
func (c *cluster) version(hash string) string {
	if hash == "" {
		return "none"
	}
	version, ok := c.versions[hash]
	if !ok {
		return "unknown"
	}
	for other, same := range c.versions {
		if same == version && other != hash && c.replicaSet(other) != nil {
			return hash
		}
	}
	return version
}
