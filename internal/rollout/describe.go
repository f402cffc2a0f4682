package rollout

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// View is a Rollout as people look at it: what runs, which Service selects what, and what it waits for. It is what
// [Describe] returns.
type View struct {
	Namespace string                `json:"namespace"`
	Name      string                `json:"name"`
	Created   time.Time             `json:"created"`
	Phase     v1alpha1.RolloutPhase `json:"phase"`
	Message   string                `json:"message,omitempty"`
	// Strategy is BlueGreen, Canary or empty.
	Strategy string `json:"strategy,omitempty"`
	// Outdated reports whether the status does not speak of the spec as it is now.
	Outdated bool         `json:"outdated,omitempty"`
	Replicas ReplicasView `json:"replicas"`
	Images   []ImageView  `json:"images,omitempty"`
	// Services are the active one and, when the spec names it, the preview.
	Services []ServiceView `json:"services,omitempty"`
	// Steps are the way of the desired version to all the traffic, in order.
	Steps []StepView `json:"steps,omitempty"`
	// Revisions are newest first.
	Revisions []RevisionView `json:"revisions,omitempty"`
}

// ReplicasView are the counts of a Rollout's pods.
type ReplicasView struct {
	Desired   int32 `json:"desired"`
	Current   int32 `json:"current"`
	Updated   int32 `json:"updated"`
	Ready     int32 `json:"ready"`
	Available int32 `json:"available"`
}

// ImageView is an image that runs, with the tags of the versions that run it.
type ImageView struct {
	Image string `json:"image"`
	Tags  []Tag  `json:"tags,omitempty"`
}

// StepView is one step of the desired version's way to all the traffic.
type StepView struct {
	Name  string    `json:"name"`
	State StepState `json:"state"`
	// Detail is what the step waits for; empty when there is nothing to tell.
	Detail string `json:"detail,omitempty"`
	// Request is the verb of the command by which a person ends the step; empty when nobody can.
	Request string `json:"request,omitempty"`
	// EndsIn is the time until the step ends by itself; zero when it is not known.
	EndsIn time.Duration `json:"endsIn,omitempty"`
}

// StepState is how far a step is.
type StepState string

// States of a step.
const (
	StepDone    StepState = "done"
	StepCurrent StepState = "current"
	StepAhead   StepState = "ahead"
)

// Tag is what a version is to its Rollout.
type Tag string

// The tags of a version.
const (
	TagStable  Tag = "stable"
	TagActive  Tag = "active"
	TagPreview Tag = "preview"
)

// ServiceView is a Service, and the version that it selects.
type ServiceView struct {
	Role Role   `json:"role"`
	Name string `json:"name"`
	// Missing reports whether there is no such Service.
	Missing bool `json:"missing,omitempty"`
	// Hash is empty when the Service selects no version. Revision is 0 when there is no ReplicaSet with the hash.
	Hash     string `json:"hash,omitempty"`
	Revision int64  `json:"revision,omitempty"`
}

// RevisionView are the ReplicaSets of a revision: one, but for objects that other controllers have left.
type RevisionView struct {
	Number      int64            `json:"number"`
	ReplicaSets []ReplicaSetView `json:"replicaSets"`
}

// Health is the state of a ReplicaSet or a pod in a word.
type Health string

// Healths of ReplicaSets and pods.
const (
	Healthy     Health = "Healthy"
	Progressing Health = "Progressing"
	Degraded    Health = "Degraded"
	ScaledDown  Health = "ScaledDown"
)

// ReplicaSetView is a ReplicaSet with its pods.
type ReplicaSetView struct {
	Name      string    `json:"name"`
	Hash      string    `json:"hash"`
	Created   time.Time `json:"created"`
	Health    Health    `json:"health"`
	Tags      []Tag     `json:"tags,omitempty"`
	Images    []string  `json:"images,omitempty"`
	Size      int32     `json:"size"`
	Ready     int32     `json:"ready"`
	Available int32     `json:"available"`
	// ScaleDownAt is when its pods go; nil when they stay. ScaleDownIn is the time until then, not below zero.
	ScaleDownAt *time.Time    `json:"scaleDownAt,omitempty"`
	ScaleDownIn time.Duration `json:"scaleDownIn,omitempty"`
	Pods        []PodView     `json:"pods,omitempty"`
}

// PodView is a pod.
type PodView struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Health  Health    `json:"health"`
	// Status is what kubectl would print, such as Running, ContainerCreating, CrashLoopBackOff or Terminating.
	Status string `json:"status"`
	// Ready of Containers are ready.
	Ready      int   `json:"ready"`
	Containers int   `json:"containers"`
	Restarts   int32 `json:"restarts"`
}

// Describe returns a Rollout with what it owns. ReplicaSets and pods that belong to something else are left out,
// services may be any; all may come from a cache. Where the caller has no Services at all, the status stands for them.
func Describe(
	ro *v1alpha1.Rollout, strategy Strategy, replicaSets []*appsv1.ReplicaSet, pods []*corev1.Pod, services []*corev1.Service, now time.Time,
) View {
	settings := strategy.Settings()
	seen := Observation{Rollout: ro, ReplicaSets: ownReplicaSets(ro, replicaSets), Pods: pods}
	seen.Active, seen.Preview = serviceOf(ro, settings, RoleActive, services), serviceOf(ro, settings, RolePreview, services)
	v := View{
		Namespace: ro.Namespace, Name: ro.Name, Created: ro.CreationTimestamp.Time,
		Phase: ro.Status.Phase, Message: ro.Status.Message,
		Strategy: string(ro.Spec.Strategy.Type()),
		Outdated: !Observed(ro),
		Replicas: ReplicasView{
			Desired: Replicas(ro), Current: ro.Status.Replicas, Updated: ro.Status.UpdatedReplicas,
			Ready: ro.Status.ReadyReplicas, Available: ro.Status.AvailableReplicas,
		},
		Services:  viewServices(seen, settings),
		Revisions: viewRevisions(seen, now),
		Steps:     viewSteps(seen, strategy, now),
	}
	v.Images = imagesOf(v.Revisions)
	if v.Outdated && v.Phase == "" {
		v.Phase = v1alpha1.RolloutProgressing
	}
	return v
}

// ownReplicaSets returns those of a Rollout, newest revision first.
func ownReplicaSets(ro *v1alpha1.Rollout, all []*appsv1.ReplicaSet) []*appsv1.ReplicaSet {
	var own []*appsv1.ReplicaSet
	for _, rs := range all {
		if metav1.IsControlledBy(rs, ro) {
			own = append(own, rs)
		}
	}
	slices.SortStableFunc(own, func(a, b *appsv1.ReplicaSet) int {
		return cmp.Or(cmp.Compare(Revision(b), Revision(a)), b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return own
}

// serviceOf returns the Service of a role; nil when the strategy names none, or it does not exist.
func serviceOf(ro *v1alpha1.Rollout, settings Settings, role Role, services []*corev1.Service) *corev1.Service {
	i := slices.IndexFunc(settings.Services, func(ref ServiceRef) bool { return ref.Role == role })
	if i < 0 {
		return nil
	}
	name := settings.Services[i].Name
	if services == nil {
		return serviceInStatus(ro, role, name)
	}
	i = slices.IndexFunc(services, func(s *corev1.Service) bool { return s.Namespace == ro.Namespace && s.Name == name })
	if i < 0 {
		return nil
	}
	return services[i]
}

// serviceInStatus returns a Service that selects what the status tells of it.
func serviceInStatus(ro *v1alpha1.Rollout, role Role, name string) *corev1.Service {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ro.Namespace, Name: name}}
	hash := ro.Status.BlueGreen.ActiveSelector
	if role == RolePreview {
		hash = ro.Status.BlueGreen.PreviewSelector
	}
	service.Spec.Selector = map[string]string{v1alpha1.PodHashLabel: hash}
	return service
}

func viewServices(seen Observation, settings Settings) []ServiceView {
	var views []ServiceView
	for _, ref := range settings.Services {
		service := seen.Service(ref.Role)
		v := ServiceView{Role: ref.Role, Name: ref.Name, Missing: service == nil, Hash: SelectedHash(service)}
		if rs := byHash(seen.ReplicaSets, v.Hash); rs != nil {
			v.Revision = Revision(rs)
		}
		views = append(views, v)
	}
	return views
}

// viewSteps returns the way of the desired version. There is none for a Rollout that can't be carried out or has been
// aborted: its message is why.
func viewSteps(seen Observation, strategy Strategy, now time.Time) []StepView {
	status := seen.Rollout.Status
	invalid := condition(status.Conditions, v1alpha1.RolloutConditionInvalidSpec) != nil
	if byHash(seen.ReplicaSets, status.CurrentPodHash) == nil || !Observed(seen.Rollout) || status.Abort || invalid {
		return nil
	}
	s := NewState(seen, strategy.Settings(), now)
	var views []StepView
	current := false
	for _, step := range strategy.Steps(s, strategy.Next(s, now)) {
		v := StepView{Name: step.Name, State: StepDone}
		switch {
		case current:
			v.State = StepAhead
		case !step.Done:
			current = true
			v.State, v.Detail, v.Request = StepCurrent, step.Detail, step.Request
			if !step.Until.IsZero() {
				v.EndsIn = max(0, step.Until.Sub(now))
			}
		}
		views = append(views, v)
	}
	return views
}

// viewRevisions returns the versions, newest first.
func viewRevisions(seen Observation, now time.Time) []RevisionView {
	var views []RevisionView
	for _, rs := range seen.ReplicaSets {
		v := viewReplicaSet(rs, tagsOf(seen, PodHash(rs.Labels)), seen.Pods, now)
		if last := len(views) - 1; last >= 0 && views[last].Number == Revision(rs) {
			views[last].ReplicaSets = append(views[last].ReplicaSets, v)
		} else {
			views = append(views, RevisionView{Revision(rs), []ReplicaSetView{v}})
		}
	}
	return views
}

// tagsOf returns what the version with a hash is. It is the preview only where it is not the active version as well.
func tagsOf(seen Observation, hash string) []Tag {
	var tags []Tag
	if hash == "" {
		return nil
	}
	if seen.Rollout.Status.StableRS == hash {
		tags = append(tags, TagStable)
	}
	switch hash {
	case SelectedHash(seen.Active):
		tags = append(tags, TagActive)
	case SelectedHash(seen.Preview):
		tags = append(tags, TagPreview)
	}
	return tags
}

// imagesOf returns the images of the versions that have pods, newest first, each once.
func imagesOf(revisions []RevisionView) []ImageView {
	var images []ImageView
	for _, revision := range revisions {
		for _, rs := range revision.ReplicaSets {
			if rs.Size == 0 && len(rs.Pods) == 0 {
				continue
			}
			for _, image := range rs.Images {
				images = withTags(images, image, rs.Tags)
			}
		}
	}
	return images
}

func withTags(images []ImageView, image string, tags []Tag) []ImageView {
	i := slices.IndexFunc(images, func(known ImageView) bool { return known.Image == image })
	if i < 0 {
		images = append(images, ImageView{Image: image})
		i = len(images) - 1
	}
	for _, tag := range tags {
		if !slices.Contains(images[i].Tags, tag) {
			images[i].Tags = append(images[i].Tags, tag)
		}
	}
	return images
}

func viewReplicaSet(rs *appsv1.ReplicaSet, tags []Tag, pods []*corev1.Pod, now time.Time) ReplicaSetView {
	v := ReplicaSetView{
		Name: rs.Name, Hash: PodHash(rs.Labels), Created: rs.CreationTimestamp.Time, Tags: tags,
		Size: Size(rs), Ready: rs.Status.ReadyReplicas, Available: rs.Status.AvailableReplicas,
	}
	for _, c := range rs.Spec.Template.Spec.Containers {
		v.Images = append(v.Images, c.Image)
	}
	if at, ok := ScaleDownDeadline(rs); ok && v.Size > 0 {
		v.ScaleDownAt, v.ScaleDownIn = &at, max(0, at.Sub(now))
	}
	for _, pod := range pods {
		if metav1.IsControlledBy(pod, rs) {
			v.Pods = append(v.Pods, viewPod(pod))
		}
	}
	slices.SortStableFunc(v.Pods, func(a, b PodView) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name)) })
	v.Health = v.health()
	return v
}

func (v *ReplicaSetView) health() Health {
	switch {
	case v.Size == 0 && len(v.Pods) == 0:
		return ScaledDown
	case slices.ContainsFunc(v.Pods, func(p PodView) bool { return p.Health == Degraded }):
		return Degraded
	case v.Size > 0 && v.Available >= v.Size:
		return Healthy
	}
	return Progressing
}

func viewPod(pod *corev1.Pod) PodView {
	v := PodView{Name: pod.Name, Created: pod.CreationTimestamp.Time, Containers: len(pod.Spec.Containers), Status: PodStatus(pod)}
	for _, c := range pod.Status.ContainerStatuses {
		v.Restarts += c.RestartCount
		if c.Ready {
			v.Ready++
		}
	}
	v.Health = podHealth(pod, v.Status)
	return v
}

// PodStatus returns the state of a pod in a word, as kubectl prints it: the reason of a container that waits or has
// ended comes before the phase.
func PodStatus(pod *corev1.Pod) string {
	if pod.DeletionTimestamp != nil {
		return "Terminating"
	}
	for _, c := range pod.Status.InitContainerStatuses {
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "" && c.State.Waiting.Reason != "PodInitializing":
			return "Init:" + c.State.Waiting.Reason
		case c.State.Terminated != nil && c.State.Terminated.ExitCode != 0:
			return "Init:" + cmp.Or(c.State.Terminated.Reason, "Error")
		}
	}
	status := cmp.Or(pod.Status.Reason, string(pod.Status.Phase), string(corev1.PodPending))
	for _, c := range slices.Backward(pod.Status.ContainerStatuses) {
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "":
			status = c.State.Waiting.Reason
		case c.State.Terminated != nil && c.State.Terminated.Reason != "":
			status = c.State.Terminated.Reason
		}
	}
	return status
}

// stuck are the states of a pod that need a person.
var stuck = []string{
	"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError",
	"Error", "OOMKilled", "Evicted", "Failed", "ContainerCannotRun", "DeadlineExceeded",
	"Init:CrashLoopBackOff", "Init:ImagePullBackOff", "Init:ErrImagePull", "Init:Error", "Init:OOMKilled", "Init:CreateContainerConfigError", "Init:CreateContainerError",
}

func podHealth(pod *corev1.Pod, status string) Health {
	switch {
	case pod.DeletionTimestamp != nil:
		return Progressing
	case slices.Contains(stuck, status):
		return Degraded
	case readyCondition(pod) != nil:
		return Healthy
	}
	return Progressing
}
