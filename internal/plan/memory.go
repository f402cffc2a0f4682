package plan

import (
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
)

// Memory remembers what follows from objects under a policy, by which objects they are: an object is never changed once
// it is made. What is decided is the same with and without it. It serves one Application, and one goroutine at a time.
type Memory struct {
	// placing and judging are what the policies of all that is remembered have in common.
	placing placing
	judging judging
	// prepared has for each rendered object what it will be in the cluster, and about what follows from any.
	prepared map[*unstructured.Unstructured]*placed
	about    map[*unstructured.Unstructured]*about
	// looks counts the looks that have ended.
	looks uint64
}

// NewMemory returns a Memory of nothing.
func NewMemory() *Memory {
	return &Memory{prepared: map[*unstructured.Unstructured]*placed{}, about: map[*unstructured.Unstructured]*about{}}
}

// Len returns the number of objects of which anything is remembered.
func (m *Memory) Len() int { return len(m.prepared) + len(m.about) }

// EndLook forgets the objects that nothing has asked about since the last call.
func (m *Memory) EndLook() {
	maps.DeleteFunc(m.prepared, func(_ *unstructured.Unstructured, p *placed) bool { return p.look != m.looks })
	maps.DeleteFunc(m.about, func(_ *unstructured.Unstructured, a *about) bool { return a.look != m.looks })
	m.looks++
}

// placing is what of a policy decides what rendered objects will be in the cluster.
type placing struct {
	instance, namespace string
	tracking            Tracking
	clusterScoped       map[schema.GroupKind]bool
}

// placed is what a rendered object will be.
type placed struct {
	object *unstructured.Unstructured
	named  *identity
	look   uint64
}

// judging is what of a policy the facts about single objects depend on.
type judging struct {
	instance string
	tracking Tracking
	options  Options
	ignored  []v1alpha1.IgnoreDifference
	known    map[schema.GroupKind][]KnownField
	judgedBy any
}

// about is what follows from one object.
type about struct {
	key     Key
	version string
	wave    int
	phases  []v1alpha1.HookType
	// options are those that hold for the object, and owner is the instance that it is marked with.
	options Options
	owner   string
	// instructed is whether annotations say how the object is to be synced.
	instructed bool

	// What follows is of one kind of object each, and found when it is asked for.
	kept    *kept
	drift   *drifting
	health  *judged
	summary *summary

	look uint64
}

// kept is what is applied of a desired object on a live one.
type kept struct {
	live   *unstructured.Unstructured
	scaled bool

	object *unstructured.Unstructured
	basis  string
}

// drifting is how a live object differs from one that is applied.
type drifting struct {
	applied, live, predicted *unstructured.Unstructured

	all []Difference
}

// judged is the health of a live object; nil for none.
type judged struct{ health *v1alpha1.HealthStatus }

// summary is what people look for in an object.
type summary struct{ images, urls []string }

// place has what was remembered of rendered objects under another policy forgotten.
func (m *Memory) place(p *Policy) {
	now := placing{p.Instance, p.Namespace, p.Tracking, p.ClusterScoped}
	if !reflect.DeepEqual(m.placing, now) {
		clear(m.prepared)
		m.placing = now
	}
}

// judge has what was remembered of objects under another policy forgotten.
func (m *Memory) judge(p *Policy) {
	now := judging{p.Instance, p.Tracking, p.Options, p.IgnoreDifferences, p.KnownFields, p.JudgedBy}
	if !reflect.DeepEqual(m.judging, now) {
		clear(m.about)
		m.judging = now
	}
}

// Facts are what follows from single objects under a policy. They are remembered where the policy has a Memory.
type Facts struct{ policy *Policy }

// FactsUnder returns the facts under a policy.
func FactsUnder(policy Policy) Facts {
	if policy.Memory != nil {
		policy.Memory.judge(&policy)
	}
	return Facts{&policy}
}

// OwnerOf returns the instance that an object is marked with; empty when it is nobody's.
func (f Facts) OwnerOf(object *unstructured.Unstructured) string { return f.of(object).owner }

// Instructed returns the desired objects whose annotations say how they are to be synced.
func (f Facts) Instructed(desired []Desired) []Desired {
	var all []Desired
	for _, d := range desired {
		if f.of(d.Object).instructed {
			all = append(all, d)
		}
	}
	return all
}

// of returns what follows from an object.
func (f Facts) of(object *unstructured.Unstructured) *about {
	memory := f.policy.Memory
	if memory == nil {
		return f.learn(object)
	}
	known := memory.about[object]
	if known == nil {
		known = f.learn(object)
		memory.about[object] = known
	}
	known.look = memory.looks
	return known
}

// instructions are the annotations that say how an object is to be synced.
var instructions = []string{
	v1alpha1.SyncOptionsAnnotation, v1alpha1.CompareOptionsAnnotation, v1alpha1.SyncWaveAnnotation, v1alpha1.HookAnnotation, v1alpha1.HookDeletePolicyAnnotation,
	helmHook, helmHookDelete, helmHookWeight,
}

func (f Facts) learn(object *unstructured.Unstructured) *about {
	kind := object.GroupVersionKind()
	a := &about{
		key: Key{kind.Group, kind.Kind, object.GetNamespace(), object.GetName()}, version: kind.Version,
		owner: f.policy.Tracking.Owner(kind.GroupKind(), object), options: f.policy.Options,
	}
	annotations := object.GetAnnotations()
	a.instructed = slices.ContainsFunc(instructions, func(name string) bool { _, says := annotations[name]; return says })
	if a.instructed {
		a.wave, a.phases, a.options = waveOf(object), hookPhases(object), f.policy.OptionsOf(object)
	}
	return a
}

// keep returns what to apply of a desired object, which the facts are about, on a live one: see [Shared.Keep].
func (a *about) keep(shared Shared, desired, live *unstructured.Unstructured) (object *unstructured.Unstructured, basis string) {
	if live == nil {
		return desired, ""
	}
	scaled := shared.scaled[a.key]
	if known := a.kept; known != nil && known.live == live && known.scaled == scaled {
		return known.object, known.basis
	}
	object, basis = shared.Keep(desired, live)
	if shared.respected.err == nil {
		a.kept = &kept{live, scaled, object, basis}
	}
	return object, basis
}

// drifted returns how a live object differs from what is applied of a desired one, which the facts are about.
func (a *about) drifted(applied *unstructured.Unstructured, live Live, ignore *ignoring) []Difference {
	if known := a.drift; known != nil && known.applied == applied && known.live == live.Object && known.predicted == live.Predicted {
		return known.all
	}
	all := drift(applied, live, ignore)
	if ignore.err == nil {
		a.drift = &drifting{applied, live.Object, live.Predicted, all}
	}
	return all
}

// judge returns the health by which the policy goes.
func (f Facts) judge() health.Judge {
	if f.policy.Memory == nil {
		return f.policy.Health
	}
	return func(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
		about := f.of(object)
		if about.health == nil {
			about.health = &judged{f.policy.Health.Of(object)}
		}
		return about.health.health
	}
}

// summarize returns the images and addresses of a live object.
func (f Facts) summarize(live *unstructured.Unstructured) *summary {
	about := f.of(live)
	if about.summary == nil {
		about.summary = &summary{ImagesOf(live), URLsOf(live)}
	}
	return about.summary
}

// prepare returns what a rendered object will be in the cluster, remembered where the policy has a Memory. A hook
// without a name is another one in each operation.
func (p *Policy) prepare(d Desired, names hookNames) *placed {
	if p.Memory == nil || d.Run != "" {
		return p.placed(d, names)
	}
	known := p.Memory.prepared[d.Object]
	if known == nil {
		known = p.placed(d, names)
		p.Memory.prepared[d.Object] = known
	}
	known.look = p.Memory.looks
	return known
}
