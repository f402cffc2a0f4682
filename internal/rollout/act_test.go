package rollout_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// failure is how the API server answers an action.
type failure struct {
	err error
	// left is how many times; negative: until the story ends it.
	left int
}

var (
	errUnavailable = errors.New("the API server is not available")
	errConflict    = errors.New("the object has been modified")
)

type errRefused struct{ error }

type errHeld struct{ error }

// fails returns the error that the API server answers to an action of a kind; nil when it does what it is asked for.
func (c *controller) fails(kind string) error {
	f, ok := c.failures[kind]
	if !ok || f.left == 0 {
		return nil
	}
	f.left--
	c.failures[kind] = f
	return f.err
}

// act does what an API server and the checks of the real controller do with an action.
func (c *controller) act(a rollout.Action) error {
	kind, _, _ := strings.Cut(c.describe(a), " ")
	if err := c.check(a); err != nil {
		return errHeld{err}
	}
	if err := c.fails(kind); err != nil {
		return err
	}
	switch a := a.(type) {
	case rollout.CreateReplicaSet:
		c.create(a.ReplicaSet.DeepCopy())
	case rollout.AnnotateReplicaSet:
		rs := c.named(a.Name)
		for key, value := range a.Set {
			rs.Annotations = with(rs.Annotations, key, value)
		}
	case rollout.Scale:
		rs := c.named(a.Name)
		rs.Spec.Replicas = &a.To
		for key, value := range a.Annotations() {
			rs.Annotations = with(rs.Annotations, key, value)
		}
		rs.Generation++
	case rollout.SwitchService:
		service := c.services[a.Service]
		service.Spec.Selector = with(service.Spec.Selector, v1alpha1.PodHashLabel, a.To)
		service.Annotations = with(service.Annotations, v1alpha1.ManagedByRolloutsAnnotation, c.rollout.Name)
		if a.Role == rollout.RoleActive {
			c.switches++
			service.Labels = with(service.Labels, rollout.SwitchLabel, fmt.Sprint(c.switches))
		}
	case rollout.ReleaseService:
		service := c.services[a.Service]
		service.Spec.Selector = with(service.Spec.Selector, v1alpha1.PodHashLabel, "")
		service.Annotations = with(service.Annotations, v1alpha1.ManagedByRolloutsAnnotation, "")
		service.Labels = with(service.Labels, rollout.SwitchLabel, "")
	case rollout.DeleteReplicaSet:
		c.replicaSets = slices.DeleteFunc(c.replicaSets, func(rs *appsv1.ReplicaSet) bool { return rs.Name == a.Name })
	case rollout.EvictPod:
		for _, pod := range slices.Clone(c.pods) {
			if pod.Name == a.Name {
				c.deletePod(pod)
			}
		}
	case rollout.SetRoleMetadata:
		c.setRoleMetadata(a)
	case rollout.SetMinReadySeconds:
		rs := c.named(a.Name)
		rs.Spec.MinReadySeconds = a.Seconds
		rs.Generation++
	case rollout.SetReplicas:
		c.rollout.Spec.Replicas = &a.To
		c.rollout.Generation++
	case rollout.ScaleWorkload:
		c.workload.replicas, c.workload.scaled = &a.To, true
	case rollout.SetFinalizer:
		c.rollout.Finalizers = nil
		if a.Held {
			c.rollout.Finalizers = []string{v1alpha1.WorkloadFinalizer}
		}
		c.collect()
	default:
		c.fatal("unknown action %T", a)
	}
	return nil
}

// check makes the checks that come before the actions that could cost a request.
func (c *controller) check(a rollout.Action) error {
	switch a := a.(type) {
	case rollout.Scale:
		return a.Check(c.live(a.Hash, ""))
	case rollout.SwitchService:
		return a.Check(c.live(a.To, a.Service))
	case rollout.EvictPod:
		if c.guarded {
			return errors.New("a PodDisruptionBudget keeps the pod")
		}
		return a.Check(c.live(a.Hash, ""))
	}
	return nil
}

func (c *controller) live(hash, service string) rollout.LiveState {
	f := rollout.LiveState{Now: c.now, Service: c.services[service], ReplicaSet: c.replicaSet(hash)}
	for _, pod := range c.pods {
		if rollout.PodHash(pod.Labels) == hash {
			f.Pods = append(f.Pods, pod)
		}
	}
	for _, pod := range c.pods {
		if f.Service != nil && len(f.Service.Spec.Selector) > 0 && labels.SelectorFromSet(f.Service.Spec.Selector).Matches(labels.Set(pod.Labels)) {
			f.Serving = append(f.Serving, pod)
		}
	}
	bg := c.rollout.Spec.Strategy.BlueGreen
	for _, name := range slices.Sorted(maps.Keys(c.services)) {
		f.Services = append(f.Services, c.services[name])
		if e := c.endpoints[name]; e != nil && (name == bg.ActiveService || name == bg.PreviewService) {
			f.Slices = append(f.Slices, e.slices...)
		}
	}
	if shown := c.services[bg.PreviewService]; bg.PreviewService != "" && shown != nil {
		f.Preview, f.PreviewHash = true, rollout.PodHash(shown.Spec.Selector)
		if e := c.endpoints[bg.PreviewService]; e != nil {
			f.PreviewSlices = e.slices
		}
	}
	return f
}

// create makes a ReplicaSet; one that the Rollout has made already is as good.
func (c *controller) create(rs *appsv1.ReplicaSet) {
	if c.named(rs.Name) != nil {
		return
	}
	c.serial++
	rs.UID, rs.Generation, rs.CreationTimestamp = types.UID(rs.Name), 1, metav1.NewTime(c.now.Add(time.Duration(c.serial)*time.Millisecond))
	c.replicaSets = append(c.replicaSets, rs)
	c.versions[rollout.PodHash(rs.Labels)] = tag(rs.Spec.Template.Spec)
}

func (c *controller) setRoleMetadata(a rollout.SetRoleMetadata) {
	rs := c.named(a.ReplicaSet)
	rs.Annotations = with(rs.Annotations, v1alpha1.EphemeralMetadataAnnotation, rollout.RoleMetadataAnnotation(a.Metadata))
	rs.Generation++
	metadata := []*metav1.ObjectMeta{&rs.Spec.Template.ObjectMeta}
	for _, pod := range c.pods {
		if rollout.PodHash(pod.Labels) == a.Hash {
			metadata = append(metadata, &pod.ObjectMeta)
		}
	}
	for _, m := range metadata {
		m.Labels = merged(m.Labels, a.Metadata.Labels, a.Remove.Labels)
		m.Annotations = merged(m.Annotations, a.Metadata.Annotations, a.Remove.Annotations)
	}
}

func merged(all, set, remove map[string]string) map[string]string {
	all = maps.Clone(all)
	for key := range remove {
		delete(all, key)
	}
	for key, value := range set {
		all = with(all, key, value)
	}
	return all
}

// invariants hold after every action of every story.
func (c *controller) invariants(a rollout.Action) {
	bg := c.rollout.Spec.Strategy.BlueGreen
	if bg == nil || c.services[bg.ActiveService] == nil {
		return
	}
	violated := func(format string, args ...any) {
		c.fatal("at %s: after %q %s", c.now.Sub(began), c.describe(a), c.text(fmt.Sprintf(format, args...)))
	}
	hash := rollout.PodHash(c.services[bg.ActiveService].Spec.Selector)
	switch a := a.(type) {
	case rollout.SwitchService:
		rs := c.replicaSet(a.To)
		if a.Role == rollout.RoleActive && (rs == nil || c.readyPods(a.To) == 0) && rollout.Replicas(c.rollout) > 0 {
			violated("the active Service selects %s, which has no ready pod", a.To)
		}
	case rollout.Scale:
		if a.To == 0 && a.Hash == hash && rollout.Replicas(c.rollout) > 0 {
			violated("the version that takes the traffic has no pods")
		}
		for name := range c.proxied {
			if a.To == 0 && strings.HasPrefix(name, a.Name+"-") && rollout.Replicas(c.rollout) > 0 {
				violated("nodes still send requests to %s", name)
			}
		}
	case rollout.EvictPod:
		if a.Hash == hash && c.readyPods(hash) == 0 && c.served && rollout.Replicas(c.rollout) > 1 {
			violated("no pod of the active version is ready")
		}
	case rollout.DeleteReplicaSet:
		if hash != "" && c.replicaSet(hash) == nil {
			violated("the active Service selects a version that is gone")
		}
	}
	c.served = c.served || c.readyPods(hash) > 0
}

// describe is an action in a few words, with versions instead of hashes.
func (c *controller) describe(a rollout.Action) string {
	switch a := a.(type) {
	case rollout.CreateReplicaSet:
		return fmt.Sprintf("create %s revision=%d size=%d", tag(a.ReplicaSet.Spec.Template.Spec), rollout.Revision(a.ReplicaSet), *a.ReplicaSet.Spec.Replicas)
	case rollout.AnnotateReplicaSet:
		return "annotate " + c.text(strings.TrimPrefix(a.Name, c.rollout.Name+"-")) + c.describeAnnotations(a.Set)
	case rollout.Scale:
		kind := "scale"
		if a.Drain {
			kind = "drain"
		}
		return fmt.Sprintf("%s %s %d->%d", kind, c.version(a.Hash), a.From, a.To)
	case rollout.SwitchService:
		text := fmt.Sprintf("switch %s %s->%s", a.Service, c.version(a.From), c.version(a.To))
		if a.Role == rollout.RoleActive {
			text += fmt.Sprintf(" needs=%d", a.Replicas)
		}
		if a.MinReadySeconds > 0 {
			text += fmt.Sprintf(" ready=%ds", a.MinReadySeconds)
		}
		return text
	case rollout.ReleaseService:
		return "release " + a.Service
	case rollout.DeleteReplicaSet:
		return "delete " + c.text(strings.TrimPrefix(a.Name, c.rollout.Name+"-"))
	case rollout.EvictPod:
		return fmt.Sprintf("evict %s keep=%d", c.version(a.Hash), a.Keep)
	case rollout.SetRoleMetadata:
		return "metadata " + c.version(a.Hash) + pairs("", a.Metadata.Labels) + pairs("@", a.Metadata.Annotations) + keys("", a.Remove.Labels) + keys("@", a.Remove.Annotations)
	case rollout.SetMinReadySeconds:
		return fmt.Sprintf("minReadySeconds %s %d", c.text(strings.TrimPrefix(a.Name, c.rollout.Name+"-")), a.Seconds)
	case rollout.ScaleWorkload:
		return fmt.Sprintf("workload %s/%s %d", a.Ref.Kind, a.Ref.Name, a.To)
	case rollout.SetFinalizer:
		return fmt.Sprintf("finalizer %t", a.Held)
	case rollout.SetReplicas:
		return fmt.Sprintf("size %d", a.To)
	}
	return fmt.Sprintf("%T", a)
}

func (c *controller) describeAnnotations(set map[string]string) string {
	var parts []string
	for key, value := range set {
		key = key[strings.LastIndex(key, "/")+1:]
		switch {
		case value == "":
			parts = append(parts, key+"-")
		case key == "template-hash":
			parts = append(parts, key)
		default:
			parts = append(parts, key+"="+c.text(value))
		}
	}
	sort.Strings(parts)
	return " " + strings.Join(parts, " ")
}

func pairs(prefix string, set map[string]string) string {
	text := ""
	for _, key := range slices.Sorted(maps.Keys(set)) {
		text += " " + prefix + key + "=" + set[key]
	}
	return text
}

func keys(prefix string, set map[string]string) string {
	text := ""
	for _, key := range slices.Sorted(maps.Keys(set)) {
		text += " " + prefix + key + "-"
	}
	return text
}
