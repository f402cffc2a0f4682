package view

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// What the view of a Rollout shows at most.
const (
	mostPods      = 500
	mostEvents    = 100
	mostRevisions = 50
)

// RolloutSeen is a Rollout with what belongs to it. What does not belong to it is left out of a view.
type RolloutSeen struct {
	Rollout     *v1alpha1.Rollout
	ReplicaSets []*appsv1.ReplicaSet
	Pods        []*corev1.Pod
	Services    []*corev1.Service
	Slices      []*discoveryv1.EndpointSlice
	Events      []*corev1.Event
	// Application is the one that it belongs to; nil for none.
	Application *ApplicationRef
}

// ApplicationRef names an Application.
type ApplicationRef struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// RolloutView is a Rollout as a page shows it.
type RolloutView struct {
	Namespace   string                `json:"namespace"`
	Name        string                `json:"name"`
	Application *ApplicationRef       `json:"application,omitempty"`
	Strategy    v1alpha1.StrategyType `json:"strategy" enum:"BlueGreen,Canary"`
	Phase       string                `json:"phase"`
	Message     string                `json:"message,omitempty"`
	Paused      bool                  `json:"paused"`
	Aborted     bool                  `json:"aborted"`
	Conditions  []Condition           `json:"conditions"`
	Desired     int32                 `json:"desired"`
	Ready       int32                 `json:"ready"`
	Available   int32                 `json:"available"`
	Updated     int32                 `json:"updated"`
	Lanes       []Lane                `json:"lanes" doc:"the versions that have pods or take requests, newest first"`
	Services    []ServiceView         `json:"services"`
	Gates       []Gate                `json:"gates"`
	Actions     []Action              `json:"actions"`
	Revisions   []Revision            `json:"revisions" doc:"newest first; a bounded number"`
	Events      []Event               `json:"events" doc:"newest first; a bounded number"`
	Rights      []string              `json:"rights" doc:"get, and the actions that who asks has a right to"`
}

// Condition is something that holds, or that a person should know of.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	Remedy  string `json:"remedy,omitempty"`
	// RemedySaid is the template of a remedy that is not part of what was found.
	RemedySaid *Said  `json:"remedySaid,omitempty"`
	Since      string `json:"since,omitempty" format:"date-time"`
}

// RoleBoth is that of a lane that is active and preview at once.
const RoleBoth Role = "both"

// Lane is a version with its pods.
type Lane struct {
	Role        Role     `json:"role" enum:"active,preview,both,old"`
	ReplicaSet  string   `json:"replicaSet"`
	Revision    int64    `json:"revision"`
	Hash        string   `json:"hash"`
	Images      []string `json:"images"`
	Desired     int32    `json:"desired"`
	Ready       int32    `json:"ready"`
	Available   int32    `json:"available"`
	Pods        []Pod    `json:"pods"`
	ScaleDownAt string   `json:"scaleDownAt,omitempty" format:"date-time"`
}

// Pod is a pod of a lane.
type Pod struct {
	Name        string `json:"name"`
	Phase       string `json:"phase" doc:"as kubectl prints it"`
	Ready       bool   `json:"ready"`
	Restarts    int32  `json:"restarts"`
	Created     string `json:"created" format:"date-time"`
	Terminating bool   `json:"terminating,omitempty"`
	Message     string `json:"message,omitempty"`
}

// ServiceView is a Service that a Rollout switches.
type ServiceView struct {
	Name       string       `json:"name"`
	Role       rollout.Role `json:"role" enum:"active,preview"`
	Hash       string       `json:"hash"`
	ReplicaSet string       `json:"replicaSet,omitempty"`
	Addresses  int          `json:"addresses" doc:"of pods that are ready"`
	Since      string       `json:"since,omitempty" format:"date-time"`
	Missing    bool         `json:"missing,omitempty"`
}

// Gate is what stands between a version and the traffic.
type Gate struct {
	Name    string `json:"name" enum:"ready,pause,promotion,deadline,scale-down,analysis,abort,restart"`
	State   string `json:"state" enum:"open,waiting,failed"`
	Message string `json:"message"`
	Said    *Said  `json:"said,omitempty" doc:"the template of the message"`
	Until   string `json:"until,omitempty" format:"date-time"`
}

// gate returns a gate with a sentence by its template.
func gate(name, state, code string, args ...string) *Gate {
	s := say(code, args...)
	return &Gate{Name: name, State: state, Message: s.Text, Said: s.Said}
}

// Revision is a version that is kept.
type Revision struct {
	Revision   int64    `json:"revision"`
	ReplicaSet string   `json:"replicaSet"`
	Images     []string `json:"images"`
	Created    string   `json:"created" format:"date-time"`
	Role       Role     `json:"role,omitempty"`
}

// Event is an event of the cluster.
type Event struct {
	Time    string `json:"time" format:"date-time"`
	Type    string `json:"type"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// RolloutOf returns the view of a Rollout, without rights.
func RolloutOf(seen RolloutSeen, now time.Time) RolloutView {
	ro := seen.Rollout
	d := strategy.Describe(ro, seen.ReplicaSets, seen.Pods, nonNil(seen.Services), now)
	v := RolloutView{
		Namespace: ro.Namespace, Name: ro.Name, Application: seen.Application, Strategy: cmp.Or(ro.Spec.Strategy.Type(), v1alpha1.StrategyBlueGreen),
		Phase: string(d.Phase), Message: shortened(d.Message), Paused: ro.Spec.Paused || len(ro.Status.PauseConditions) > 0, Aborted: ro.Status.Abort,
		Conditions: []Condition{}, Desired: d.Replicas.Desired, Ready: d.Replicas.Ready, Available: d.Replicas.Available, Updated: d.Replicas.Updated,
		Lanes: []Lane{}, Services: []ServiceView{}, Revisions: []Revision{}, Events: eventsOf(seen), Rights: []string{},
	}
	for _, c := range ro.Status.Conditions {
		v.Conditions = append(v.Conditions, Condition{Type: string(c.Type), Status: string(c.Status), Message: shortened(c.Message), Since: stamp(&c.LastTransitionTime)})
	}
	roles := rolesOf(d)
	pods := podsByName(seen.Pods)
	for _, revision := range d.Revisions {
		for _, rs := range revision.ReplicaSets {
			role := roles[rs.Hash]
			if len(v.Revisions) < mostRevisions {
				v.Revisions = append(v.Revisions, Revision{revision.Number, rs.Name, firstOf(rs.Images, mostImages), stampOf(rs.Created), role})
			}
			if role != "" || rs.Size > 0 || len(rs.Pods) > 0 {
				v.Lanes = append(v.Lanes, laneOf(revision.Number, rs, cmp.Or(role, RoleOld), pods))
			}
		}
	}
	for _, s := range d.Services {
		v.Services = append(v.Services, serviceOf(s, seen, v.Revisions))
	}
	v.Gates = gatesOf(ro, d, now)
	v.Actions = ActionsOf(ro, d)
	return v
}

func nonNil[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

func stampOf(t time.Time) string { return stamp(&metav1.Time{Time: t}) }

// rolesOf returns what versions do, by their hash. Without a preview Service the newest version is the preview all the
// same until it takes the traffic.
func rolesOf(d rollout.View) map[string]Role {
	roles := map[string]Role{}
	for _, s := range d.Services {
		if s.Hash == "" {
			continue
		}
		switch {
		case s.Role == rollout.RoleActive && roles[s.Hash] == RolePreview, s.Role == rollout.RolePreview && roles[s.Hash] == RoleActive:
			roles[s.Hash] = RoleBoth
		case s.Role == rollout.RoleActive:
			roles[s.Hash] = RoleActive
		default:
			roles[s.Hash] = RolePreview
		}
	}
	if len(d.Services) < 2 && len(d.Revisions) > 0 {
		if newest := d.Revisions[0].ReplicaSets[0]; roles[newest.Hash] == "" && newest.Size > 0 {
			roles[newest.Hash] = RolePreview
		}
	}
	return roles
}

func podsByName(pods []*corev1.Pod) map[string]*corev1.Pod {
	byName := make(map[string]*corev1.Pod, len(pods))
	for _, p := range pods {
		byName[p.Name] = p
	}
	return byName
}

func laneOf(revision int64, rs rollout.ReplicaSetView, role Role, pods map[string]*corev1.Pod) Lane {
	l := Lane{
		Role: role, ReplicaSet: rs.Name, Revision: revision, Hash: rs.Hash, Images: firstOf(rs.Images, mostImages), Desired: rs.Size, Ready: rs.Ready, Available: rs.Available, Pods: []Pod{},
	}
	if rs.ScaleDownAt != nil {
		l.ScaleDownAt = stampOf(*rs.ScaleDownAt)
	}
	for _, p := range firstOf(rs.Pods, mostPods) {
		pod := Pod{Name: p.Name, Phase: p.Status, Ready: p.Containers > 0 && p.Ready == p.Containers, Restarts: p.Restarts, Created: stampOf(p.Created)}
		if whole := pods[p.Name]; whole != nil {
			pod.Terminating, pod.Message = whole.DeletionTimestamp != nil, shortened(troubleOf(whole))
		}
		l.Pods = append(l.Pods, pod)
	}
	return l
}

// troubleOf returns why a pod does not run; empty when nothing is known.
func troubleOf(pod *corev1.Pod) string {
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Message != "":
			return c.State.Waiting.Message
		case c.State.Terminated != nil && c.State.Terminated.ExitCode != 0:
			return fmt.Sprintf("container %s ended with exit code %d", c.Name, c.State.Terminated.ExitCode)
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c.Message
		}
	}
	return pod.Status.Message
}

func serviceOf(s rollout.ServiceView, seen RolloutSeen, revisions []Revision) ServiceView {
	v := ServiceView{Name: s.Name, Role: s.Role, Hash: s.Hash, Missing: s.Missing, Addresses: addressesOf(s.Name, seen)}
	for _, rs := range seen.ReplicaSets {
		if s.Hash != "" && rollout.PodHash(rs.Labels) == s.Hash && slices.ContainsFunc(revisions, func(r Revision) bool { return r.ReplicaSet == rs.Name }) {
			v.ReplicaSet = rs.Name
		}
	}
	if last := seen.Rollout.Status.BlueGreen.Switch; s.Role == rollout.RoleActive && last != nil && last.To == s.Hash {
		v.Since = stamp(&last.Time)
	}
	return v
}

// addressesOf returns how many pods a Service sends requests to.
func addressesOf(service string, seen RolloutSeen) int {
	pods := map[string]bool{}
	for _, slice := range seen.Slices {
		if slice.Namespace != seen.Rollout.Namespace || slice.Labels[discoveryv1.LabelServiceName] != service {
			continue
		}
		for _, e := range slice.Endpoints {
			if (e.Conditions.Ready == nil || *e.Conditions.Ready) && len(e.Addresses) > 0 {
				// A pod has an address of each family.
				name := e.Addresses[0]
				if e.TargetRef != nil {
					name = e.TargetRef.Name
				}
				pods[name] = true
			}
		}
	}
	return len(pods)
}

// eventsOf returns the events of a Rollout, newest first. Those of one second are in the order of their names, which
// end with when they were made.
func eventsOf(seen RolloutSeen) []Event {
	events := []Event{}
	for _, e := range slices.SortedFunc(slices.Values(seen.Events), func(a, b *corev1.Event) int {
		return cmp.Or(cmp.Compare(eventTime(b), eventTime(a)), cmp.Compare(b.Name, a.Name))
	}) {
		if of := e.InvolvedObject; of.Kind == v1alpha1.RolloutKind && of.Namespace == seen.Rollout.Namespace && of.Name == seen.Rollout.Name && (of.UID == "" || of.UID == seen.Rollout.UID) {
			events = append(events, Event{eventTime(e), e.Type, e.Reason, shortened(e.Message)})
		}
	}
	return events[:min(len(events), mostEvents)]
}

// eventTime returns when an event last happened.
func eventTime(e *corev1.Event) string {
	switch {
	case e.Series != nil && !e.Series.LastObservedTime.IsZero():
		return stampOf(e.Series.LastObservedTime.Time)
	case !e.LastTimestamp.IsZero():
		return stamp(&e.LastTimestamp)
	case !e.EventTime.IsZero():
		return stampOf(e.EventTime.Time)
	}
	return stamp(&e.CreationTimestamp)
}
