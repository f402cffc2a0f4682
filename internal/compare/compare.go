package compare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/settings"
)

// Cluster is what is known of a destination.
type Cluster interface {
	// Kinds returns what the cluster serves, asked for anew when one of the wanted kinds is missing.
	Kinds(ctx context.Context, wanted []schema.GroupVersionKind) (*live.Kinds, error)
	// Definitions returns the CustomResourceDefinitions of the kinds that have one.
	Definitions(ctx context.Context, wanted []schema.GroupVersionKind) ([]apiextensionsv1.CustomResourceDefinition, error)
	Snapshot(ctx context.Context, want live.Wanted) (live.Snapshot, error)
}

// Input is what is compared with what.
type Input struct {
	App       *v1alpha1.Application
	Rendering *Rendering
	// Instance is the Application in tracking marks.
	Instance string
	// Bounds are the objects that the Application may have to do with.
	Bounds  project.Bounds
	Cluster Cluster
	// Client tries objects.
	Client *apply.Client
	// Settings are those of the control namespace; the zero value for none.
	Settings settings.Settings
	// Health judges live objects.
	Health health.Judge
	// Application returns the Application of an instance, not to be changed; nil when there is none.
	Application func(ctx context.Context, instance string) (*v1alpha1.Application, error)
	// Elsewhere returns which of some objects other Applications have in git by now, with the instance of each. It may be
	// nil.
	Elsewhere func(ctx context.Context, objects []plan.Key) map[plan.Key]string
}

// Comparison is git against the cluster. Where it is not complete, only the problems are filled. Objects that may not
// be applied keep no other from being compared: each is refused by itself, see [plan.Desired].
type Comparison struct {
	Complete bool
	// Findings are what validation found, also where the Application asks not to be stopped by it.
	Findings []*problem.Error
	// Manifests name what git wants: two comparisons with the same name want the same objects. It is "" where that is not
	// known.
	Manifests string
	// Desired are the objects as they will be in the cluster.
	Desired []plan.Desired
	Live    live.Snapshot
	// Predictions are what desired objects that are live would become, by dry run.
	Predictions map[plan.Key]Prediction
	// PendingKinds are those that the objects themselves define and the cluster does not serve yet; true for those that
	// live in namespaces.
	PendingKinds map[schema.GroupKind]bool
	// Pending are the versions of kinds in which objects are written and that the sync itself has to bring.
	Pending  map[schema.GroupVersionKind]bool
	Policy   plan.Policy
	Plan     plan.Plan
	Problems []Problem
}

// Problem is why a Comparison is not complete, or what a person should know of it.
type Problem struct {
	// Condition is the type of the condition that reports it.
	Condition string
	Err       error
	// OfObjects is set where single objects are refused, whose tasks fail.
	OfObjects bool
}

func (c *Comparison) add(condition, text string) {
	c.Problems = append(c.Problems, Problem{Condition: condition, Err: errors.New(text)})
}

// Comparer compares Applications. It remembers what it found of their objects, and is safe for concurrent use on
// different Applications.
type Comparer struct {
	memories *render.Store[types.NamespacedName, *memory]
}

// New returns a Comparer that remembers nothing yet.
func New() *Comparer {
	return &Comparer{memories: render.NewStore[types.NamespacedName, *memory](maxApplications, maxRemembered)}
}

// Forget drops what is remembered of an Application.
func (c *Comparer) Forget(app types.NamespacedName) { c.memories.Remove(app) }

// Compare validates what was rendered, finds what is live, and has the API server say what would change. An error
// means that the cluster could not be asked.
func (c *Comparer) Compare(ctx context.Context, in Input) (Comparison, error) {
	var result Comparison
	var err error
	name, memory := nameOf(in.App), c.memoryOf(nameOf(in.App))
	defer func() { c.endLook(name, memory, result.Desired) }()
	if result.Findings, err = validated(ctx, in, memory); err != nil {
		return result, err
	}
	kinds, err := in.Cluster.Kinds(ctx, nil)
	if err != nil {
		return result, err
	}
	result.Manifests = memory.manifests.nameOf(in.Rendering.Result)
	objects, asked := in.Rendering.Result.Objects, plan.Policy{Options: plan.ParseOptions(SyncOptions(in.App))}
	desired := in.Rendering.Desired()
	if stop := stopping(result.Findings, objects, kinds, asked); len(stop) > 0 {
		result.Findings = stop
		if rest := refuseInvalid(desired, objects, stop); len(rest) > 0 {
			result.add(v1alpha1.ConditionComparisonError, describeFindings(rest))
			return result, nil
		}
		result.refuse(v1alpha1.ConditionComparisonError, describeFindings(stop))
	}
	if of := memory.kindsOf(in.Rendering.Result); !allServed(of, kinds) {
		result.PendingKinds, result.Pending = pendingKinds(objects, kinds, asked), pendingVersions(objects, kinds, asked)
	}
	result.Policy = policyOf(in, kinds, result.PendingKinds)
	result.Policy.Health, result.Policy.JudgedBy, result.Policy.Memory = in.Health, in.Settings.Customizations, memory.plan
	var warnings []string
	rendered, excluded := withoutExcluded(desired, memory.kindsOf(in.Rendering.Result), in.Bounds)
	for _, e := range excluded {
		result.add(v1alpha1.ConditionExcludedResourceWarning, e)
	}
	result.Desired, warnings = plan.Prepare(rendered, result.Policy)
	for _, w := range warnings {
		result.add(v1alpha1.ConditionRepeatedResourceWarning, w)
	}
	result.refuseForbidden(in.Bounds)
	result.refuseHomeless(kinds)
	if result, err = c.against(ctx, in, result, live.Anytime); err != nil {
		return result, err
	}
	result.warn(in, memory)
	return result, nil
}

// warn reports what people should know of objects that are compared all the same.
func (c *Comparison) warn(in Input, memory *memory) {
	if beside := memory.checked.beside; len(beside) > 0 {
		c.add(v1alpha1.ConditionManifestWarning, strings.Join(linesOf(beside), "\n"))
	}
	for _, u := range unserved(c.Desired, memory.unserved) {
		c.add(v1alpha1.ConditionUnsupportedWarning, u)
	}
	for _, shared := range c.Plan.Shared() {
		c.add(v1alpha1.ConditionSharedResourceWarning, shared)
	}
	if vain := c.Policy.CheckNamespaceMetadata(c.Desired); vain != "" {
		c.add(v1alpha1.ConditionUnsupportedWarning, vain)
	}
	for _, problem := range plan.CheckIgnored(in.App.Spec.IgnoreDifferences, c.Desired) {
		c.add(v1alpha1.ConditionUnsupportedWarning, problem)
	}
	instructed := c.Instructed()
	for _, problem := range append(plan.CheckOptions(SyncOptions(in.App), instructed), plan.CheckMarks(instructed)...) {
		c.add(v1alpha1.ConditionSyncOptionWarning, problem)
	}
}

// Again compares the same objects with the cluster as it is after they were written.
func (c *Comparer) Again(ctx context.Context, in Input, before Comparison) (Comparison, error) {
	return c.against(ctx, in, before, live.AfterWrites)
}

// against compares the same objects with the cluster as it is now.
func (c *Comparer) against(ctx context.Context, in Input, before Comparison, at live.Moment) (Comparison, error) {
	result := before
	result.Complete = false
	var err error
	want := Wanted(in.App, in.Instance, in.Bounds, result.Desired)
	want.At = at
	if result.Live, err = in.Cluster.Snapshot(ctx, want); err != nil {
		return result, err
	}
	kinds := objectKinds(result.Desired)
	result.Policy.IgnoreDifferences, result.Policy.KnownFields = ignoredDifferences(in, kinds), knownFields(in, kinds)
	if err = lookAtOthers(ctx, in, &result); err != nil {
		return result, err
	}
	writes, err := plan.Writes(result.Desired, result.Live.Objects, result.Policy)
	if err != nil {
		result.Problems = append(result.Problems, Problem{Condition: v1alpha1.ConditionComparisonError, Err: err})
		return result, nil
	}
	if result.Predictions, err = c.memoryOf(nameOf(in.App)).predictions.of(ctx, in.Client, writes); err != nil {
		return result, err
	}
	if result = result.Replanned(); result.Plan.Err != nil {
		result.Problems = append(result.Problems, Problem{Condition: v1alpha1.ConditionComparisonError, Err: result.Plan.Err})
		return result, nil
	}
	result.Complete = true
	return result, nil
}

// lookAtOthers puts into the policy what other Applications have to do with the objects: those that live objects are
// marked with, as far as they exist, and those that have in git what this one no longer has.
func lookAtOthers(ctx context.Context, in Input, c *Comparison) error {
	apps := map[string]*v1alpha1.Application{}
	read := func(instance string) (*v1alpha1.Application, error) {
		if app, known := apps[instance]; known || instance == "" || instance == in.Instance {
			return app, nil
		}
		app, err := in.Application(ctx, instance)
		if err != nil {
			return nil, fmt.Errorf("reading the Application of %s: %w", instance, err)
		}
		apps[instance] = app
		return app, nil
	}
	c.Policy.OtherApps, c.Policy.NamespaceOwners, c.Policy.Elsewhere = map[string]bool{}, map[string]bool{}, nil
	facts := plan.FactsUnder(c.Policy)
	for _, object := range c.Live.Objects {
		owner := facts.OwnerOf(object)
		if _, looked := c.Policy.OtherApps[owner]; looked {
			continue
		}
		app, err := read(owner)
		if err != nil {
			return err
		}
		c.Policy.OtherApps[owner] = app != nil
	}
	if namespace := c.Live.Objects[plan.Key{Kind: "Namespace", Name: c.Policy.Namespace}]; namespace != nil {
		owner := c.Policy.NamespaceOwner(namespace)
		app, err := read(owner)
		if err != nil {
			return err
		}
		c.Policy.NamespaceOwners[owner] = c.Policy.OtherApps[owner] || plan.ManagesNamespace(app, c.Policy.Namespace)
	}
	if lost := plan.Lost(c.Desired, c.Live.Objects, c.Policy); len(lost) > 0 && in.Elsewhere != nil {
		c.Policy.Elsewhere = in.Elsewhere(ctx, lost)
	}
	return nil
}

// Wanted returns what is looked for of an Application: each desired object, and whatever is tracked of the kinds that
// the Application has or had, within its bounds: what is refused for lying outside is not looked for. A status only
// helps to find: what it lists is looked at where it carries the Application's mark.
func Wanted(app *v1alpha1.Application, instance string, bounds project.Bounds, desired []plan.Desired) live.Wanted {
	within := byPlace(bounds, bounds.Hold)
	want := live.Wanted{Instance: instance, Within: within, Objects: make([]apply.Ref, 0, len(desired)), Known: make([]plan.Key, 0, len(app.Status.Resources))}
	kinds := map[schema.GroupKind]bool{}
	for _, d := range desired {
		key, kind := d.Key(), d.GVK()
		if d.Refused != "" && !within(key) {
			continue
		}
		kinds[kind.GroupKind()] = true
		if key.Name != "" {
			want.Objects = append(want.Objects, apply.Ref{Kind: kind, Namespace: key.Namespace, Name: key.Name})
		}
	}
	had := func(key plan.Key) {
		if kind := (schema.GroupKind{Group: key.Group, Kind: key.Kind}); !kinds[kind] && within(key) {
			kinds[kind] = true
		}
	}
	for _, s := range app.Status.Resources {
		key := plan.Key{Group: s.Group, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}
		had(key)
		want.Known = append(want.Known, key)
	}
	if state := app.Status.OperationState; state != nil && state.SyncResult != nil {
		for _, s := range state.SyncResult.Resources {
			had(plan.Key{Group: s.Group, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name})
		}
	}
	maps.DeleteFunc(kinds, func(kind schema.GroupKind, _ bool) bool { return bounds.Exclude(kind) })
	want.Kinds = slices.Collect(maps.Keys(kinds))
	return want
}

// Replanned returns the comparison with the plan that its policy gives now. Who wrote a field is no drift, but the next
// sync takes over the fields that still belong to a former applier.
func (c Comparison) Replanned() Comparison {
	c.Plan = plan.Build(c.Desired, c.lives(), c.Policy)
	for i := range c.Plan.Tasks {
		if t := &c.Plan.Tasks[i]; t.Verb == plan.Apply && t.Unchanged && c.Predictions[t.Key].inherits() && !t.Options.ClientSide() && !t.Options.Replace() {
			t.Unchanged = false
		}
	}
	return c
}

// Instructed returns the desired objects whose annotations say how they are to be synced.
func (c *Comparison) Instructed() []plan.Desired {
	return plan.FactsUnder(c.Policy).Instructed(c.Desired)
}

// lives are the live objects with what the API server predicts for them.
func (c *Comparison) lives() []plan.Live {
	all := make([]plan.Live, 0, len(c.Live.Objects))
	for key, object := range c.Live.Objects {
		all = append(all, plan.Live{Object: object, Predicted: c.Predictions[key].Object})
	}
	return all
}
