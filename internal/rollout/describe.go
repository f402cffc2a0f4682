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

// View is a Rollout as people look at it: what runs, which Service selects what, and what it waits for. It is what [Describe] returns.
type View struct {
	Namespace string                `json:"namespace"`
	Name      string                `json:"name"`
	Created   time.Time             `json:"created"`
	Phase     v1alpha1.RolloutPhase `json:"phase"`
	Message   string                `json:"message,omitempty"`
	// Strategy is BlueGreen, Canary or empty.
	Strategy string `json:"strategy,omitempty"`
	// Outdated says that the status does not speak of the spec as it is now.
	Outdated bool         `json:"outdated,omitempty"`
	Replicas ReplicasView `json:"replicas"`
	Images   []ImageView  `json:"images,omitempty"`
	// Services are the active one and, when the spec names it, the preview.
	Services []ServiceView `json:"services,omitempty"`
	// Steps are the way of the wanted version to all the traffic, in order.
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

// Tag says what a version is to its Rollout.
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
	// Missing says that there is no such Service.
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

// Describe shows a Rollout with what it owns. ReplicaSets and pods that belong to something else are left out, services may be any; all may come from a cache.
func Describe(ro *v1alpha1.Rollout, replicaSets []*appsv1.ReplicaSet, pods []*corev1.Pod, services []*corev1.Service, now time.Time) View {
	own := ownReplicaSets(ro, replicaSets)
	v := View{
		Namespace: ro.Namespace, Name: ro.Name, Created: ro.CreationTimestamp.Time,
		Phase: ro.Status.Phase, Message: ro.Status.Message,
		Outdated: !Observed(ro),
		Replicas: ReplicasView{
			Desired: Replicas(ro), Current: ro.Status.Replicas, Updated: ro.Status.UpdatedReplicas, Ready: ro.Status.ReadyReplicas, Available: ro.Status.AvailableReplicas,
		},
		Services: viewServices(ro, own, services),
	}
	if v.Outdated && v.Phase == "" {
		v.Phase = v1alpha1.RolloutProgressing
	}
	if bg := ro.Spec.Strategy.BlueGreen; bg != nil {
		v.Strategy = "BlueGreen"
	} else if ro.Spec.Strategy.Canary != nil {
		v.Strategy = "Canary"
	}
	for _, rs := range own {
		v.add(viewReplicaSet(rs, v.tags(ro, PodHash(rs.Labels)), pods, now), Revision(rs))
	}
	v.Images = v.images()
	v.Steps = steps(ro, own, v, now)
	return v
}

// Observed says that the status of a Rollout speaks of its spec as it is now.
func Observed(ro *v1alpha1.Rollout) bool {
	return ro.Status.ObservedGeneration == generation(ro.Generation)
}

// ownReplicaSets are those of a Rollout, newest revision first.
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

// viewServices shows the Services that the spec names. Where the caller has no Services at all, the status tells what they select.
func viewServices(ro *v1alpha1.Rollout, own []*appsv1.ReplicaSet, services []*corev1.Service) []ServiceView {
	bg := ro.Spec.Strategy.BlueGreen
	if bg == nil {
		return nil
	}
	views := []ServiceView{{Role: RoleActive, Name: bg.ActiveService, Hash: ro.Status.BlueGreen.ActiveSelector}}
	if bg.PreviewService != "" {
		views = append(views, ServiceView{Role: RolePreview, Name: bg.PreviewService, Hash: ro.Status.BlueGreen.PreviewSelector})
	}
	for i := range views {
		v := &views[i]
		if services != nil {
			found := slices.IndexFunc(services, func(s *corev1.Service) bool { return s.Namespace == ro.Namespace && s.Name == v.Name })
			v.Missing, v.Hash = found < 0, ""
			if found >= 0 {
				v.Hash = selectedHash(services[found])
			}
		}
		if rs := byHash(own, v.Hash); rs != nil {
			v.Revision = Revision(rs)
		}
	}
	return views
}

// tags says what the version with a hash is. The preview is told only where it is not the active version as well.
func (v *View) tags(ro *v1alpha1.Rollout, hash string) []Tag {
	var tags []Tag
	if hash == "" {
		return nil
	}
	if ro.Status.StableRS == hash {
		tags = append(tags, TagStable)
	}
	switch {
	case v.selected(RoleActive) == hash:
		tags = append(tags, TagActive)
	case v.selected(RolePreview) == hash:
		tags = append(tags, TagPreview)
	}
	return tags
}

func (v *View) selected(role Role) string {
	for _, s := range v.Services {
		if s.Role == role {
			return s.Hash
		}
	}
	return ""
}

func (v *View) add(rs ReplicaSetView, revision int64) {
	if last := len(v.Revisions) - 1; last >= 0 && v.Revisions[last].Number == revision {
		v.Revisions[last].ReplicaSets = append(v.Revisions[last].ReplicaSets, rs)
		return
	}
	v.Revisions = append(v.Revisions, RevisionView{revision, []ReplicaSetView{rs}})
}

// images are those of the versions that have pods, newest first, each once.
func (v *View) images() []ImageView {
	var images []ImageView
	for _, revision := range v.Revisions {
		for _, rs := range revision.ReplicaSets {
			if rs.Size == 0 && len(rs.Pods) == 0 {
				continue
			}
			for _, image := range rs.Images {
				i := slices.IndexFunc(images, func(known ImageView) bool { return known.Image == image })
				if i < 0 {
					images = append(images, ImageView{Image: image})
					i = len(images) - 1
				}
				for _, tag := range rs.Tags {
					if !slices.Contains(images[i].Tags, tag) {
						images[i].Tags = append(images[i].Tags, tag)
					}
				}
			}
		}
	}
	return images
}

func viewReplicaSet(rs *appsv1.ReplicaSet, tags []Tag, pods []*corev1.Pod, now time.Time) ReplicaSetView {
	v := ReplicaSetView{
		Name: rs.Name, Hash: PodHash(rs.Labels), Created: rs.CreationTimestamp.Time, Tags: tags,
		Size: size(rs), Ready: rs.Status.ReadyReplicas, Available: rs.Status.AvailableReplicas,
	}
	for _, c := range rs.Spec.Template.Spec.Containers {
		v.Images = append(v.Images, c.Image)
	}
	if at, ok := scaleDownDeadline(rs); ok && v.Size > 0 {
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
	v := PodView{Name: pod.Name, Created: pod.CreationTimestamp.Time, Containers: len(pod.Spec.Containers), Status: podStatus(pod)}
	for _, c := range pod.Status.ContainerStatuses {
		v.Restarts += c.RestartCount
		if c.Ready {
			v.Ready++
		}
	}
	v.Health = podHealth(pod, v.Status)
	return v
}

// podStatus is the state of a pod in a word, as kubectl prints it: the reason of a container that waits or has ended comes before the phase.
func podStatus(pod *corev1.Pod) string {
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
