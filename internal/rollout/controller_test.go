package rollout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// controller observes the cluster, decides, acts and reports. It decides only when something that it watches has
// changed, when the time of the last decision's RequeueAt has come, and a second after a check or an error has held
// an action.
type controller struct {
	*cluster
	// fatal ends the story.
	fatal func(format string, args ...any)
	// strict is whether every decision is made twice, to compare.
	strict bool

	changed            bool
	requeueAt, retryAt time.Time
	stopped            bool
	// cache is what the controller sees, when that is not the cluster as it is; waiting is whether it has written since.
	cache   *rollout.Observation
	waiting bool
	// failures are the errors that the API server answers to the actions of a kind.
	failures map[string]failure
	// crash, when not nil, is asked before every write: true loses that write and everything after it in the same
	// decision.
	crash func() bool
	// stale, when not nil, is asked before every decision: true makes it from the observation before, unless the
	// controller has written since.
	stale  func() bool
	behind bool
	last   *rollout.Observation

	// switches is how many switches of the active Service there were.
	switches int
	// heldSince is since when an action waits.
	heldSince time.Time
	served    bool
	held      string
	completed time.Duration
	actions   []string
	events    []rollout.Event
	log       []string
}

// note adds a line to the log; one that repeats the last is left out.
func (c *controller) note(format string, args ...any) {
	line := c.text(fmt.Sprintf(format, args...))
	if len(c.log) == 0 || !strings.HasSuffix(c.log[len(c.log)-1], " "+line) {
		c.log = append(c.log, fmt.Sprintf("%-5s %s", c.now.Sub(began), line))
	}
}

// runUntil lets the cluster and the controller run.
func (c *controller) runUntil(end time.Time) {
	for c.now.Before(end) {
		c.settle()
		c.advance(end)
	}
	c.settle()
}

// settle lets the cluster and the controller act on each other until nothing changes.
func (c *controller) settle() {
	for round := 0; ; round++ {
		if round > 100 {
			c.fatal("at %s: the controller never comes to rest", c.now.Sub(began))
		}
		if c.run() {
			c.changed = true
		}
		if c.stopped || !c.due() {
			return
		}
		c.reconcile()
	}
}

func (c *controller) due() bool {
	passed := func(at time.Time) bool { return !at.IsZero() && !c.now.Before(at) }
	return c.changed || passed(c.requeueAt) || passed(c.retryAt)
}

func (c *controller) restart() {
	c.cache, c.waiting, c.last, c.changed = nil, false, nil, true
	c.note("the controller is started again")
}

// reconcile makes one decision and carries it out.
func (c *controller) reconcile() {
	if c.waiting {
		c.changed, c.requeueAt, c.retryAt = false, time.Time{}, time.Time{}
		return
	}
	seen := c.observe()
	d := c.decide(seen)
	// Of what the cache did not show yet the controller hears soon.
	c.changed, c.behind = c.behind, false
	c.requeueAt, c.retryAt, c.held = d.RequeueAt, time.Time{}, ""
	brief := false
	for _, a := range d.Actions {
		if c.crash != nil && c.crash() {
			c.restart()
			return
		}
		if told, ok := a.(rollout.RecordEvent); ok {
			c.record(told.Event)
			continue
		}
		err := c.act(a)
		var held errHeld
		var refused errRefused
		switch {
		case errors.As(err, &held):
			c.held = c.text(a.String() + ": " + err.Error())
			c.note("held: %s: %v", c.describe(a), err)
			c.retryAt = c.now.Add(time.Second)
			if c.heldSince.IsZero() {
				c.heldSince = c.now
			}
			brief = rollout.IsBrief(seen.Rollout.Status, d, a, c.now.Sub(c.heldSince))
			d = rollout.Waiting(d, a, errors.New(c.text(err.Error())), c.now.Sub(c.heldSince))
		case errors.Is(err, errConflict):
			c.note("conflict: %s", c.describe(a))
			c.changed = true
			return
		case errors.As(err, &refused):
			c.note("refused: %s: %v", c.describe(a), err)
			c.retry()
			c.report(rollout.Decision{Status: rollout.CreateFailed(seen.Rollout, err, c.now)})
			return
		case err != nil:
			c.note("failed: %s: %v", c.describe(a), err)
			c.retry()
			return
		default:
			c.done(a)
			continue
		}
		break
	}
	if c.held == "" {
		c.heldSince = time.Time{}
	}
	if c.crash != nil && c.crash() {
		c.restart()
		return
	}
	if !brief {
		c.report(d)
	}
}

// retry comes again after an error: then RequeueAt does not count.
func (c *controller) retry() { c.requeueAt, c.retryAt = time.Time{}, c.now.Add(time.Second) }

// decide asks for a decision, and holds it to what is true of each: it leaves the observation alone, and depends on
// nothing else.
func (c *controller) decide(seen rollout.Observation) rollout.Decision {
	if !c.strict {
		return strategy.Decide(seen, c.now)
	}
	before := copyOf(seen)
	d := strategy.Decide(seen, c.now)
	if !equality.Semantic.DeepEqual(seen, before) {
		c.fatal("at %s: the decision has changed its observation", c.now.Sub(began))
	}
	if again := strategy.Decide(seen, c.now); again.String() != d.String() || !equality.Semantic.DeepEqual(again.Status, d.Status) {
		c.fatal("at %s: two decisions from one observation differ:\n%s\n%s", c.now.Sub(began), d, again)
	}
	return d
}

func (c *controller) done(a rollout.Action) {
	c.last, c.changed = nil, true
	if c.cache != nil {
		c.waiting = true
	}
	c.actions = append(c.actions, c.describe(a))
	c.note("%s", c.describe(a))
	for _, e := range rollout.EventsOf(a) {
		c.record(e)
	}
	c.invariants(a)
}

func (c *controller) record(e rollout.Event) {
	e.Message = c.text(e.Message)
	if !e.Once || !slices.Contains(c.events, e) {
		c.events = append(c.events, e)
	}
}

// report writes annotations and status as an API server stores them, and records the events.
func (c *controller) report(d rollout.Decision) {
	for key, value := range d.Annotations {
		if c.rollout.Annotations[key] != value {
			c.rollout.Annotations = with(c.rollout.Annotations, key, value)
			c.changed = true
		}
	}
	status := stored(d.Status)
	if problem := unreadable(c.rollout, status); problem != "" {
		c.fatal("at %s: %s", c.now.Sub(began), problem)
	}
	if !equality.Semantic.DeepEqual(status, c.rollout.Status) {
		if err := c.fails("status"); err != nil {
			c.note("failed: status: %v", err)
			c.retry()
			c.changed = c.changed || errors.Is(err, errConflict)
			return
		}
		if status.Phase != c.rollout.Status.Phase || status.Message != c.rollout.Status.Message {
			c.note("%s %s", status.Phase, status.Message)
		}
		c.rollout.Status = status
		c.changed = true
	}
	for _, e := range d.Events {
		c.record(e)
	}
	if d.Completed > 0 {
		c.completed = d.Completed
	}
}

// stored is a status as it comes back from the API server: times are cut to seconds.
func stored(status v1alpha1.RolloutStatus) v1alpha1.RolloutStatus {
	data, err := json.Marshal(status)
	if err != nil {
		panic(err)
	}
	var back v1alpha1.RolloutStatus
	if err := json.Unmarshal(data, &back); err != nil {
		panic(err)
	}
	return back
}

func with(annotations map[string]string, key, value string) map[string]string {
	after := maps.Clone(annotations)
	if after == nil {
		after = map[string]string{}
	}
	if value == "" {
		delete(after, key)
	} else {
		after[key] = value
	}
	return after
}

// observe returns what the controller sees: the Rollout and, until a switch has converged, the EndpointSlices as they
// are, the rest as its cache has it.
func (c *controller) observe() rollout.Observation {
	live := c.observation()
	seen := live
	if c.cache != nil {
		seen = copyOf(*c.cache)
	} else if c.stale != nil && c.last != nil && c.stale() {
		seen, c.behind = copyOf(*c.last), true
	} else {
		c.last = &live
	}
	seen.Rollout, seen.Workload = live.Rollout, live.Workload
	if last := live.Rollout.Status.BlueGreen.Switch; seen.Active != nil && (last == nil || last.ConvergedAt == nil || last.To != rollout.PodHash(seen.Active.Spec.Selector)) {
		seen.ActiveSlices = live.ActiveSlices
	}
	return seen
}

func (c *controller) observation() rollout.Observation {
	seen := rollout.Observation{Rollout: c.rollout, ReplicaSets: c.replicaSets}
	for _, pod := range c.pods {
		if rollout.PodHash(pod.Labels) != "" {
			seen.Pods = append(seen.Pods, pod)
		}
	}
	if w := c.workload; w != nil && c.rollout.Spec.WorkloadRef != nil && c.rollout.Spec.WorkloadRef.Name == w.name {
		seen.Workload = &rollout.Workload{Template: w.template, Generation: w.generation, Selector: w.selector, Replicas: w.replicas, Scaled: w.scaled, Available: int32(c.readyPods("")), Observed: true, Deleting: w.deleting}
	}
	active, preview := "", ""
	if bg := c.rollout.Spec.Strategy.BlueGreen; bg != nil {
		active, preview = bg.ActiveService, bg.PreviewService
	}
	for _, name := range slices.Sorted(maps.Keys(c.services)) {
		service := c.services[name]
		switch {
		case name == active:
			seen.Active = service
			if e := c.endpoints[name]; e != nil {
				seen.ActiveSlices = e.slices
			}
		case name == preview:
			seen.Preview = service
		case service.Annotations[v1alpha1.ManagedByRolloutsAnnotation] == c.rollout.Name:
			seen.Left = append(seen.Left, service)
		}
	}
	return copyOf(seen)
}

func copyOf(o rollout.Observation) rollout.Observation {
	o.Rollout = o.Rollout.DeepCopy()
	o.ReplicaSets = copies(o.ReplicaSets, (*appsv1.ReplicaSet).DeepCopy)
	o.Pods = copies(o.Pods, (*corev1.Pod).DeepCopy)
	o.Active, o.Preview = o.Active.DeepCopy(), o.Preview.DeepCopy()
	o.ActiveSlices = copies(o.ActiveSlices, (*discoveryv1.EndpointSlice).DeepCopy)
	o.Left = copies(o.Left, (*corev1.Service).DeepCopy)
	if o.Workload != nil {
		w := *o.Workload
		w.Template, w.Selector = *w.Template.DeepCopy(), w.Selector.DeepCopy()
		o.Workload = &w
	}
	return o
}

func copies[T any](all []*T, deepCopy func(*T) *T) []*T {
	var copied []*T
	for _, o := range all {
		copied = append(copied, deepCopy(o))
	}
	return copied
}
