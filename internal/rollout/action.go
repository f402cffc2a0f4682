package rollout

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Decision is what to do next with a Rollout.
type Decision struct {
	// Actions in the order in which they are carried out. When one can't be, those after it wait for the next decision.
	Actions []Action
	// Status is written after the actions.
	Status v1alpha1.RolloutStatus
	// Annotations to set on the Rollout; an empty value removes one.
	Annotations map[string]string
	// Events to record once the status is written. Those of actions are made by [EventsOf], once the action is done.
	Events []Event
	// Completed is how long the desired version took from its ReplicaSet to all the traffic, in the decision that finds
	// it there; else zero.
	Completed time.Duration
	// RequeueAt is when time alone will change the decision; zero when only the cluster can.
	RequeueAt time.Time
}

// Action is one write to the cluster.
type Action interface {
	fmt.Stringer
	action()
}

// CreateReplicaSet makes the ReplicaSet of a new template. One that exists already under the name is success if it is
// the Rollout's own.
type CreateReplicaSet struct{ ReplicaSet *appsv1.ReplicaSet }

// AnnotateReplicaSet sets annotations; an empty value removes one.
type AnnotateReplicaSet struct {
	Name string
	Set  map[string]string
}

// Scale sets the size of a ReplicaSet. When Drain is set, [Scale.Check] has to agree first.
type Scale struct {
	Name, Hash string
	From, To   int32
	// Drain reports whether pods go that may have served traffic.
	Drain bool
	// Revision of the ReplicaSet, for the event.
	Revision int64
}

// Annotations returns those that the ReplicaSet gets with its size; an empty value removes one. Without pods there is
// no time at which they go.
func (a Scale) Annotations() map[string]string {
	set := map[string]string{v1alpha1.DesiredReplicasAnnotation: strconv.Itoa(int(a.To))}
	if a.To == 0 {
		set[v1alpha1.ScaleDownDeadlineAnnotation], set[TrafficLeftAnnotation] = "", ""
	}
	return set
}

// SwitchService makes a Service select the pods with a hash. [SwitchService.Check] has to agree first.
type SwitchService struct {
	Role    Role
	Service string
	// From is the hash that the Service must still select; empty when it selects none.
	From, To string
	// Replicas is how many ready pods the target must have.
	Replicas int32
	// MinReadySeconds is how long each of them must have been ready.
	MinReadySeconds int32
	// Why is a few words for the event and the log.
	Why string
	// Completes is the event that comes before the one of the switch; nil when the switch completes nothing.
	Completes *Event
}

// Role is what a Service is to a Rollout.
type Role string

// The roles of a Service.
const (
	RoleActive  Role = "active"
	RolePreview Role = "preview"
)

// ReleaseService takes the hash and the mark of the Rollout off a Service.
type ReleaseService struct{ Service string }

// DeleteReplicaSet removes an empty ReplicaSet that is beyond the history limit.
type DeleteReplicaSet struct{ Name string }

// EvictPod takes a pod away, honouring PodDisruptionBudgets. [EvictPod.Check] has to agree first.
type EvictPod struct {
	Name, Hash string
	// Keep is how many ready pods with the hash must be left.
	Keep int32
}

// SetRoleMetadata puts the metadata of a role on a ReplicaSet's template and its pods, and takes that of another role
// off.
type SetRoleMetadata struct {
	ReplicaSet string
	Hash       string
	Metadata   v1alpha1.PodTemplateMetadata
	// Remove names what an earlier role has put there.
	Remove v1alpha1.PodTemplateMetadata
}

// SetMinReadySeconds follows the Rollout's own field of that name.
type SetMinReadySeconds struct {
	Name    string
	Seconds int32
}

// SetReplicas writes the size of a Rollout that has none.
type SetReplicas struct{ To int32 }

// SetFinalizer puts the finalizer on the Rollout that keeps its pods until those of its workload serve, or takes it
// off.
type SetFinalizer struct{ Held bool }

// RecordEvent records what follows, before it is done: whatever interrupts that, the event is recorded a single time.
type RecordEvent struct{ Event Event }

// ScaleWorkload sets the size of the object that workloadRef names.
type ScaleWorkload struct {
	Ref v1alpha1.WorkloadRef
	To  int32
}

func (CreateReplicaSet) action()   {}
func (AnnotateReplicaSet) action() {}
func (Scale) action()              {}
func (SwitchService) action()      {}
func (ReleaseService) action()     {}
func (DeleteReplicaSet) action()   {}
func (EvictPod) action()           {}
func (SetRoleMetadata) action()    {}
func (SetMinReadySeconds) action() {}
func (ScaleWorkload) action()      {}
func (SetReplicas) action()        {}
func (SetFinalizer) action()       {}
func (RecordEvent) action()        {}

func (a CreateReplicaSet) String() string {
	return fmt.Sprintf("create ReplicaSet %s with %d", a.ReplicaSet.Name, Size(a.ReplicaSet))
}

func (a AnnotateReplicaSet) String() string {
	var parts []string
	for key, value := range a.Set {
		if value == "" {
			parts = append(parts, key+"-")
		} else {
			parts = append(parts, key+"="+value)
		}
	}
	sort.Strings(parts)
	return fmt.Sprintf("annotate ReplicaSet %s %s", a.Name, strings.Join(parts, " "))
}

func (a Scale) String() string {
	return fmt.Sprintf("scale ReplicaSet %s from %d to %d", a.Name, a.From, a.To)
}

func (a SwitchService) String() string {
	from := a.From
	if from == "" {
		from = "no version"
	}
	return fmt.Sprintf("switch %s Service %s from %s to %s (%s)", a.Role, a.Service, from, a.To, a.Why)
}

func (a ReleaseService) String() string   { return "release Service " + a.Service }
func (a DeleteReplicaSet) String() string { return "delete ReplicaSet " + a.Name }
func (a EvictPod) String() string         { return "evict Pod " + a.Name }

func (a SetRoleMetadata) String() string {
	return fmt.Sprintf("set metadata of ReplicaSet %s to labels %v annotations %v",
		a.ReplicaSet, a.Metadata.Labels, a.Metadata.Annotations)
}

func (a SetMinReadySeconds) String() string {
	return fmt.Sprintf("set minReadySeconds of ReplicaSet %s to %d", a.Name, a.Seconds)
}

func (a ScaleWorkload) String() string {
	return fmt.Sprintf("scale %s %s to %d", a.Ref.Kind, a.Ref.Name, a.To)
}

func (a SetReplicas) String() string { return fmt.Sprintf("set spec.replicas to %d", a.To) }

func (a SetFinalizer) String() string {
	if a.Held {
		return "add finalizer " + v1alpha1.WorkloadFinalizer
	}
	return "remove finalizer " + v1alpha1.WorkloadFinalizer
}

func (a RecordEvent) String() string { return "record event " + a.Event.Reason }

// String lists the actions, a line each.
func (d Decision) String() string {
	var b strings.Builder
	for _, a := range d.Actions {
		fmt.Fprintln(&b, a)
	}
	return b.String()
}
