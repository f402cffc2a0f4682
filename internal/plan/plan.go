// Package plan decides what a sync does: which objects are written, in which order, what it waits for, and whether it
// may begin at all.
//
// [Prepare] makes the rendered objects what they will be in the cluster; [Build] compares them with what lives there
// and orders the work in phases and waves; [Plan.Next] says, from how far the work has got, what to do now.
// [Automate] decides whether a sync starts by itself. Nothing here reads or writes anything: what a plan knows of a
// sync that is under way is in the Application's status and in the live objects, so that it goes on after a restart.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
)

// Key names an object, whatever its version. Namespace is empty for kinds without one.
type Key struct{ Group, Kind, Namespace, Name string }

// KeyOf is the key of an object.
func KeyOf(object *unstructured.Unstructured) Key {
	kind := object.GroupVersionKind()
	return Key{kind.Group, kind.Kind, object.GetNamespace(), object.GetName()}
}

// String is how people call the object: "Deployment default/app".
func (k Key) String() string {
	name := k.Name
	if k.Namespace != "" {
		name = k.Namespace + "/" + name
	}
	return k.Kind + " " + name
}

// Desired is an object as git wants it.
type Desired struct {
	Object *unstructured.Unstructured
	// Origin is the file and line that it comes from, for messages; it may be empty.
	Origin string
	// Generated marks the namespace that CreateNamespace adds to what git has.
	Generated bool
	// Run is the phase of a hook that was given its name for that phase; "" for every other object.
	Run v1alpha1.HookType
	// Refused is why the object may not be applied, whatever the API server would say to it; "" when it may.
	Refused string
	// Forbidden is set when it is for the project: the object is not the Application's to know of.
	Forbidden bool

	// named is the object as Prepare has named it; nil for one that is named when that is asked for.
	named *identity
}

// identity is what an object is called.
type identity struct {
	key  Key
	kind schema.GroupVersionKind
}

// identify returns what an object is called.
func identify(object *unstructured.Unstructured) *identity {
	kind := object.GroupVersionKind()
	return &identity{Key{kind.Group, kind.Kind, object.GetNamespace(), object.GetName()}, kind}
}

// Key is the key of the object.
func (d Desired) Key() Key { return d.identity().key }

// GVK is the kind and version of the object.
func (d Desired) GVK() schema.GroupVersionKind { return d.identity().kind }

func (d Desired) identity() *identity {
	if d.named != nil {
		return d.named
	}
	return identify(d.Object)
}

// Live is an object as the cluster has it.
type Live struct {
	Object *unstructured.Unstructured
	// Predicted is what the API server answers to applying the desired object on it, as a dry run. Nil when that was not
	// asked or was refused: then what is desired is compared with the live object field by field.
	Predicted *unstructured.Unstructured
}

// Policy is how a sync goes about it.
type Policy struct {
	// Instance is the Application in tracking marks: its name, or namespace_name outside the control namespace.
	Instance string
	// Tracking is how objects are marked.
	Tracking Tracking
	// Namespace is where objects go that name none.
	Namespace string
	// ClusterScoped are the kinds without a namespace.
	ClusterScoped map[schema.GroupKind]bool
	// Options are the sync options of the Application and of the operation.
	Options Options
	// ManagedNamespace is put on the namespace that CreateNamespace makes; that namespace is then kept in step.
	ManagedNamespace  *v1alpha1.ManagedNamespaceMetadata
	IgnoreDifferences []v1alpha1.IgnoreDifference
	// KnownFields are those of custom kinds that have a type of Kubernetes.
	KnownFields map[schema.GroupKind][]KnownField
	// Health judges live objects, and JudgedBy is all that it goes by besides them; nil for what goes by them alone.
	Health   health.Judge
	JudgedBy any
	// Memory has what was found of single objects before; nil for none.
	Memory *Memory
	// OtherApps are the instances of other Applications that exist.
	OtherApps map[string]bool
	// NamespaceOwners are the instances of other Applications to which the destination's namespace is left.
	NamespaceOwners map[string]bool
	// Elsewhere are objects that other Applications have in git by now, with the instance of each: what is there of them
	// is theirs to take over.
	Elsewhere map[Key]string

	// Prune has objects deleted that git no longer has.
	Prune bool
	// Whole has fields written whose drift does not count, as when a person asks for a sync; one that automation begins
	// has to do with what differs.
	Whole bool
	// SkipHooks leaves hooks out.
	SkipHooks bool
	// Confirmed reports whether a person has confirmed the deletions that have to be confirmed.
	Confirmed bool
	// Occupants are the objects that live in a namespace that is to be deleted, by its name, as far as they have been
	// looked for.
	Occupants map[string][]Key
	// Force deletes and creates again what can't be changed.
	Force bool
	// Selected limits the sync to these objects: no hooks run then. Empty: everything.
	Selected []v1alpha1.SyncOperationResource
	// Revision and StartedAt of the operation give hooks with generateName their names.
	Revision  string
	StartedAt time.Time
}

// Verb is what a task does.
type Verb string

// The verbs.
const (
	Apply Verb = "apply"
	// Delete takes an object away that git no longer has.
	Delete Verb = "prune"
	// Hook creates an object that runs to its end.
	Hook Verb = "hook"
)

// RequiresPruning is why a deletion is skipped in a sync that does not prune.
const RequiresPruning = "ignored (requires pruning)"

// Task is one object's part in a sync.
type Task struct {
	Key   Key
	Verb  Verb
	Phase v1alpha1.HookType
	Wave  int
	// Object is what is written, or what is deleted.
	Object *unstructured.Unstructured
	// Live is the object as it was before; nil when there was none.
	Live    *unstructured.Unstructured
	Origin  string
	Options Options
	// Force deletes the object and creates it again where it can't be changed.
	Force bool
	// DeletePolicies say when a hook is taken away again.
	DeletePolicies []HookDeletePolicy
	// Refused is why the task must not be carried out, so that it fails; empty when it may.
	Refused string
	// Occupied is set for a hook whose name an object has that no sync has made, and that no policy has deleted.
	Occupied bool
	// Skip is why the task is not carried out; empty when it is.
	Skip string
	// Confirm is why a person has to confirm the deletion before it is carried out; empty when it needs no confirmation,
	// or has it.
	Confirm string
	// Last puts a deletion after everything else of its phase.
	Last bool
	// Unchanged is set when the live object is as desired already, so that there is nothing to write.
	Unchanged bool
	// Overwrites is set when it differs all the same, in fields whose drift does not count, and these are written.
	Overwrites bool
	// Generated marks the namespace that CreateNamespace adds to what git has.
	Generated bool
	// Basis is the resourceVersion that Live must still have when the task is carried out, since Object holds values of
	// it; "" for any.
	Basis string
}

// ID is what tells tasks apart: an object can be a hook of several phases.
type ID struct {
	Key
	Phase v1alpha1.HookType
}

// ID of the task.
func (t Task) ID() ID { return ID{t.Key, t.Phase} }

// Resource is how one object of the Application stands.
type Resource struct {
	Key     Key
	Version string
	Status  v1alpha1.SyncStatusCode
	// Drift is how the live object differs; empty when it does not, or when one of the two is missing.
	Drift           []Difference
	RequiresPruning bool
	// Ignored is set for what git no longer has and does not make the Application OutOfSync, as its compare options say.
	Ignored bool
	// RequiresConfirmation is set when a person has to confirm that the object is deleted.
	RequiresConfirmation bool
	Hook                 bool
	Wave                 int
	Live                 *unstructured.Unstructured
	// SharedWith is the instance of another Application that has marked the object as its own, or has it in git where this
	// one no longer does; empty when there is none.
	SharedWith string

	judge health.Judge
}

// Plan is all that a sync has to do, and how the objects stand before it.
type Plan struct {
	// Tasks in the order in which they are done.
	Tasks []Task
	// Resources of the Application, sorted by key. Of hooks those are among them that are there.
	Resources []Resource
	// Status is OutOfSync when any resource is, unless it is one that does not count.
	Status v1alpha1.SyncStatusCode
	// LeavesNothing is set when everything that the Application has would be pruned.
	LeavesNothing bool
	// Warnings are what people should know of how objects are shared with other Applications.
	Warnings []string
	// Err is why it is not known how the objects stand. Nothing is to be carried out then.
	Err error

	judge health.Judge
	// summarize returns what people look for in an object; nil for what finds it anew.
	summarize func(*unstructured.Unstructured) *summary
}

// Build compares prepared objects with what lives in the cluster, and orders the work. live holds every object that
// is desired and there, and every object that is tracked as the Application's own.
func Build(desired []Desired, live []Live, policy Policy) Plan {
	of := FactsUnder(policy)
	judge := of.judge()
	b := builder{
		policy: policy, facts: of, judge: judge, ignore: &ignoring{owner: policy.Instance, rules: policy.IgnoreDifferences, known: policy.KnownFields}, live: make(map[Key]Live, len(live)), shared: SharedWith(desired, policy),
		inGit: make(map[Key]bool, len(desired)), goes: map[Key]bool{}, plan: Plan{judge: judge, summarize: of.summarize, Tasks: make([]Task, 0, len(desired)), Resources: make([]Resource, 0, len(desired))},
	}
	for _, l := range live {
		b.live[of.of(l.Object).key] = l
	}
	kept := b.planDesired(desired)
	b.planOthers(live)
	b.plan.LeavesNothing = kept == 0 && len(b.goes) > 0
	b.finish()
	b.plan.Err = cmp.Or(b.ignore.err, b.shared.respected.err)
	return b.plan
}

// planDesired plans what git has, and returns how many objects of it stay. An object that git has is never pruned,
// whether or not this sync applies it: hooks of any phase and skipped objects are in git too.
func (b *builder) planDesired(desired []Desired) (kept int) {
	for _, d := range desired {
		about := b.facts.of(d.Object)
		b.inGit[about.key] = true
		if phases := about.phasesOf(d); len(phases) > 0 {
			b.hooks(d, phases)
			continue
		}
		if live := b.live[about.key].Object; b.policy.leavesNamespace(d, live) {
			if misses := b.policy.missesMetadata(d, live); misses != "" {
				b.plan.Warnings = append(b.plan.Warnings, misses)
			}
			continue
		}
		if about.key.Name == "" && d.Object.GetGenerateName() != "" {
			continue
		}
		if !d.Generated {
			kept++
		}
		b.planApply(about, d)
	}
	return kept
}

// planOthers plans what is the Application's own and git does not have. The destination's namespace stays where the
// spec gives it metadata: it is managed, whether or not a manifest of it is in git.
func (b *builder) planOthers(live []Live) {
	managed := Key{Kind: "Namespace", Name: b.policy.Namespace}
	if l := b.live[managed]; b.policy.ManagedNamespace != nil && !b.inGit[managed] && l.Object != nil && b.owns(l.Object) {
		b.inGit[managed] = true
		b.plan.Resources = append(b.plan.Resources, Resource{Key: managed, Version: "v1", Status: v1alpha1.Synced, Wave: waveOf(l.Object), Live: l.Object, judge: b.judge})
	}
	b.findGoing(live)
	for _, l := range live {
		about := b.facts.of(l.Object)
		switch {
		case b.goes[about.key]:
			b.planPrune(l)
		case len(about.phases) > 0 && about.owner == b.policy.Instance && isRunHook(l.Object):
			b.plan.Resources = append(b.plan.Resources, Resource{Key: KeyOf(l.Object), Version: l.Object.GroupVersionKind().Version, Hook: true, Wave: waveOf(l.Object), Live: l.Object, judge: b.judge})
		}
	}
}

// findGoing finds the live objects that git no longer has; those of another Application go by its leave.
func (b *builder) findGoing(live []Live) {
	for _, l := range live {
		about := b.facts.of(l.Object)
		key := about.key
		switch {
		case b.inGit[key] || about.owner != b.policy.Instance || len(about.phases) > 0:
		case b.policy.Elsewhere[key] != "":
			b.planPrune(l)
		default:
			b.goes[key] = true
		}
	}
}

type builder struct {
	policy Policy
	facts  Facts
	judge  health.Judge
	ignore *ignoring
	live   map[Key]Live
	shared Shared
	// inGit are the keys of all that is desired, applied or not; goes are those of the live objects that git no longer
	// has.
	inGit, goes map[Key]bool
	plan        Plan
}

// planApply plans an object that git has.
func (b *builder) planApply(about *about, d Desired) {
	key := about.key
	live := b.live[key]
	w := writeOf(about, d, live.Object, b.shared, b.policy.Force)
	r := Resource{Key: key, Version: about.version, Status: v1alpha1.OutOfSync, Wave: about.wave, Live: live.Object, judge: b.judge}
	if live.Object != nil {
		r.Drift = about.drifted(w.Object, live, b.ignore)
		if len(r.Drift) == 0 && d.Refused == "" {
			r.Status = v1alpha1.Synced
		}
		if owner := b.facts.OwnerOf(live.Object); owner != b.policy.Instance && b.policy.OtherApps[owner] {
			r.SharedWith = owner
		}
	}
	if d.Forbidden {
		r.Status = v1alpha1.SyncUnknown
	}
	b.plan.Resources = append(b.plan.Resources, r)
	if !b.selected(key) {
		return
	}
	phase := v1alpha1.HookSync
	if d.Generated {
		phase = v1alpha1.HookPreSync
	}
	b.plan.Tasks = append(b.plan.Tasks, Task{
		Key: key, Verb: Apply, Phase: phase, Wave: r.Wave, Object: w.Object, Live: live.Object, Origin: d.Origin, Basis: w.Basis, Generated: d.Generated,
		Options: w.Options, Force: w.Force, Unchanged: r.Status == v1alpha1.Synced, Overwrites: r.Status == v1alpha1.Synced && b.overwrites(w.Object, live), Refused: d.Refused,
	})
}

// planPrune plans an object that git no longer has.
func (b *builder) planPrune(l Live) {
	key := KeyOf(l.Object)
	r := Resource{Key: key, Version: l.Object.GroupVersionKind().Version, Status: v1alpha1.OutOfSync, RequiresPruning: true, Wave: waveOf(l.Object), Live: l.Object, judge: b.judge}
	r.SharedWith = b.policy.Elsewhere[key]
	r.Ignored = ignoresExtraneous(l.Object) || r.SharedWith != ""
	r.RequiresConfirmation = b.policy.OptionsOf(l.Object).Prune() == AfterConfirmation
	b.plan.Resources = append(b.plan.Resources, r)
	if !b.selected(key) {
		return
	}
	options := b.policy.OptionsOf(l.Object)
	t := Task{Key: key, Verb: Delete, Phase: v1alpha1.HookSync, Wave: r.Wave, Object: l.Object, Live: l.Object, Options: options, Last: options.PruneLast()}
	switch {
	case r.SharedWith != "":
		t.Skip = "left to Application " + r.SharedWith + ", which has it in git"
	case !b.policy.Prune:
		t.Skip = RequiresPruning
	case keptByHelm(l.Object):
		t.Skip = "ignored (helm.sh/resource-policy: keep)"
	case options.Prune() == Refused:
		t.Skip = "ignored (no prune)"
	case l.Object.GetDeletionTimestamp() != nil:
		t.Unchanged = true
	default:
		t.Last, t.Confirm = b.confirmation(l.Object, options)
	}
	b.plan.Tasks = append(b.plan.Tasks, t)
}

func (b *builder) owns(object *unstructured.Unstructured) bool {
	return b.facts.OwnerOf(object) == b.policy.Instance
}

// selected reports whether a sync that is limited to some objects includes this one.
func (b *builder) selected(key Key) bool {
	if len(b.policy.Selected) == 0 {
		return true
	}
	return slices.ContainsFunc(b.policy.Selected, func(r v1alpha1.SyncOperationResource) bool {
		return r.Group == key.Group && r.Kind == key.Kind && r.Name == key.Name && (r.Namespace == "" || r.Namespace == key.Namespace)
	})
}

// finish orders the tasks and sums the status up.
func (b *builder) finish() {
	reversePruneWaves(b.plan.Tasks)
	namespacesFirst(b.plan.Tasks)
	if !slices.IsSortedFunc(b.plan.Tasks, compareTasks) {
		slices.SortStableFunc(b.plan.Tasks, compareTasks)
	}
	for i := range b.plan.Resources {
		r := &b.plan.Resources[i]
		if r.Live != nil && b.facts.of(r.Live).options.Delete() == AfterConfirmation {
			r.RequiresConfirmation = true
		}
	}
	slices.SortFunc(b.plan.Resources, func(x, y Resource) int { return compareKeys(x.Key, y.Key) })
	b.plan.Status = v1alpha1.Synced
	for _, r := range b.plan.Resources {
		if (r.Status == v1alpha1.OutOfSync || r.Status == v1alpha1.SyncUnknown) && !r.Ignored {
			b.plan.Status = v1alpha1.OutOfSync
		}
	}
}

func compareKeys(x, y Key) int {
	for _, pair := range [][2]string{{x.Group, y.Group}, {x.Kind, y.Kind}, {x.Namespace, y.Namespace}} {
		if pair[0] != pair[1] {
			return strings.Compare(pair[0], pair[1])
		}
	}
	return strings.Compare(x.Name, y.Name)
}

// GVK is the kind and version of the task's object.
func (t Task) GVK() schema.GroupVersionKind { return t.Object.GroupVersionKind() }

// Propagation is how the objects that a pruned one owns go.
func (t Task) Propagation() metav1.DeletionPropagation { return t.Options.Propagation() }

// String is the plan as a table: what is done, when, to what, and why not.
func (p Plan) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, t := range p.Tasks {
		note := t.Skip
		if t.Unchanged {
			note = "as desired"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", t.Phase, t.Wave, t.Verb, t.Key, note)
	}
	// A strings.Builder takes everything.
	_ = w.Flush()
	return b.String()
}
