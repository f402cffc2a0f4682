package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Observation is all that a decision is made from. Nothing in it is changed by a decision.
type Observation struct {
	Rollout *v1alpha1.Rollout
	// Unserved is what the Rollout asks for and does not get, a phrase each.
	Unserved []string
	// Misspelt are fields whose names are not those that were meant, where passing them over would be less safe.
	Misspelt []*problem.Error
	// Workload is what spec.workloadRef names; nil without a workloadRef, or when it does not exist.
	Workload *Workload
	// ReplicaSets are those that the Rollout owns.
	ReplicaSets []*appsv1.ReplicaSet
	// Pods are those of the ReplicaSets.
	Pods []*corev1.Pod
	Routes
}

// Routes is what routes the requests.
type Routes struct {
	// Active and Preview are the Services that the spec names; nil when they do not exist.
	Active, Preview *corev1.Service
	// ActiveSlices are the EndpointSlices of the active Service. While a switch has not converged they must be read
	// from the API server, not from a cache.
	ActiveSlices []*discoveryv1.EndpointSlice
	// Left are Services that are marked as managed by this Rollout although its spec does not name them.
	Left []*corev1.Service
}

// Service returns the Service of a role; nil when it does not exist.
func (r Routes) Service(role Role) *corev1.Service {
	if role == RolePreview {
		return r.Preview
	}
	return r.Active
}

// Workload is the object that spec.workloadRef names.
type Workload struct {
	Template   corev1.PodTemplateSpec
	Generation int64
	// Selector of the workload, for a Rollout that has none.
	Selector *metav1.LabelSelector
	// Replicas is the workload's own size; nil for a PodTemplate, which has none.
	Replicas *int32
	// Scaled reports whether a controller of Rollouts was the last to set that size.
	Scaled bool
	// Available is how many of its own pods are available. Observed reports whether that is of its present size.
	Available int32
	Observed  bool
	// Deleting reports whether it is being deleted.
	Deleting bool
}

// isHeld reports whether a workload has the size that a Rollout has given it.
func (w *Workload) isHeld() bool { return w != nil && w.Replicas != nil && w.Scaled }

// desiredTemplate returns the pod template as the user wrote it. What a Rollout adds to a ReplicaSet's template comes
// back when somebody returns to a revision by copying it, and is not meant.
func desiredTemplate(seen Observation) corev1.PodTemplateSpec {
	template := seen.Rollout.Spec.Template
	if seen.Workload != nil {
		template = seen.Workload.Template
	}
	template = *template.DeepCopy()
	delete(template.Labels, v1alpha1.PodHashLabel)
	removeVersionAntiAffinity(&template)
	return template
}

// selectorOf returns what finds the pods of a Rollout; a Rollout with a workloadRef may leave it to the workload.
func selectorOf(ro *v1alpha1.Rollout, workload *Workload) *metav1.LabelSelector {
	if ro.Spec.Selector == nil && workload != nil {
		return workload.Selector
	}
	return ro.Spec.Selector
}
