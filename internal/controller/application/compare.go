package application

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
)

// comparison is git against the cluster.
type comparison struct {
	// compared says that all that follows is filled.
	compared bool
	desired  []plan.Desired
	live     live.Snapshot
	broken   map[schema.GroupKind]error
	trials   map[live.Key]trial
	// coming are the kinds that the objects themselves define and the cluster does not serve yet.
	coming map[schema.GroupKind]bool
	policy plan.Policy
	plan   plan.Plan
}

// compare judges what was rendered, finds what is live, and has the API server say what would change.
func (r *reconciler) compare(ctx context.Context, o *observation) error {
	err := r.compareWith(ctx, o)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		o.add(v1alpha1.ConditionComparisonError, err)
	}
	return nil
}

func (r *reconciler) compareWith(ctx context.Context, o *observation) error {
	if err := o.cluster.Away(); err != nil {
		// The look is taken all the same: it has this Application told of the cluster's return.
		_, _ = o.cluster.Snapshot(ctx, live.Wanted{Instance: o.instance})
		return err
	}
	findings, err := r.findings(ctx, o)
	if err != nil {
		return err
	}
	if len(findings) > 0 {
		o.add(v1alpha1.ConditionComparisonError, errors.New(findings))
		return nil
	}
	kinds, err := o.cluster.Kinds(ctx, nil)
	if err != nil {
		return err
	}
	o.coming = comingKinds(o.rendered, kinds)
	o.policy = o.policyOf(kinds)
	var warnings []string
	o.desired, warnings = plan.Prepare(o.rendered.desired(), o.policy)
	for _, w := range warnings {
		o.add(v1alpha1.ConditionRepeatedResourceWarning, errors.New(w))
	}
	if !r.checkObjects(o) {
		return nil
	}
	if o.live, err = o.cluster.Snapshot(ctx, o.wanted()); err != nil {
		return err
	}
	o.broken = o.live.Broken
	if o.policy.Neighbours, err = r.neighbours(ctx, o); err != nil {
		return err
	}
	if o.trials, err = r.trials.run(ctx, o.name, o.cluster.Client, o.attempts()); err != nil {
		return err
	}
	o.rebuild()
	o.compared = true
	for _, shared := range o.plan.Shared() {
		o.add(v1alpha1.ConditionSharedResourceWarning, errors.New(shared))
	}
	for _, problem := range plan.CheckOptions(syncOptions(o.app), o.desired) {
		o.add(v1alpha1.ConditionSyncOptionWarning, errors.New(problem))
	}
	return nil
}

// neighbours are the other Applications that live objects are marked with, as far as they exist.
func (r *reconciler) neighbours(ctx context.Context, o *observation) (map[string]bool, error) {
	found := map[string]bool{}
	for _, object := range o.live.Objects {
		owner := plan.Owner(object, o.policy.Tracking)
		if _, known := found[owner]; known || owner == "" || owner == o.instance {
			continue
		}
		err := r.client.Get(ctx, r.appOf(owner), &v1alpha1.Application{})
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading Application %s: %w", r.appOf(owner), err)
		}
		found[owner] = err == nil
	}
	return found, nil
}

// findings validates, unless the Application asks not to; nothing to apply is only taken with allowEmpty.
func (r *reconciler) findings(ctx context.Context, o *observation) (string, error) {
	if len(o.rendered.result.Objects) == 0 && allowsEmpty(o.app) {
		return "", nil
	}
	found, err := judge(ctx, o.cluster, o.rendered, o.app.Spec.Destination.Namespace)
	if err != nil || len(found) == 0 || plan.ParseOptions(syncOptions(o.app)).SkipValidation() {
		return "", err
	}
	return describeFindings(found), nil
}

func allowsEmpty(app *v1alpha1.Application) bool {
	p := app.Spec.SyncPolicy
	return p != nil && p.Automated != nil && p.Automated.AllowEmpty
}

// syncOptions are the Application's and the running operation's.
func syncOptions(app *v1alpha1.Application) []string {
	var all []string
	if app.Spec.SyncPolicy != nil {
		all = append(all, app.Spec.SyncPolicy.SyncOptions...)
	}
	if app.Operation != nil && app.Operation.Sync != nil {
		all = append(all, app.Operation.Sync.SyncOptions...)
	}
	return all
}

// desired are the rendered objects as the plan wants them.
func (r *rendering) desired() []plan.Desired {
	all := make([]plan.Desired, len(r.result.Objects))
	for i, o := range r.result.Objects {
		origin := o.Origin.File
		if origin != "" && o.Origin.Line > 0 {
			origin = fmt.Sprintf("%s:%d", origin, o.Origin.Line)
		}
		all[i] = plan.Desired{Object: o.Object, Origin: origin}
	}
	return all
}

// comingKinds are defined by CustomResourceDefinitions among the objects; the value says whether they live in namespaces.
func comingKinds(r *rendering, kinds *live.Kinds) map[schema.GroupKind]bool {
	coming := map[schema.GroupKind]bool{}
	for _, o := range r.result.Objects {
		if o.Object.GroupVersionKind().GroupKind() != (schema.GroupKind{Group: apiextensionsv1.GroupName, Kind: "CustomResourceDefinition"}) {
			continue
		}
		group, _, _ := unstructured.NestedString(o.Object.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(o.Object.Object, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(o.Object.Object, "spec", "scope")
		gk := schema.GroupKind{Group: group, Kind: kind}
		if len(kinds.Served(gk)) == 0 {
			coming[gk] = scope == string(apiextensionsv1.NamespaceScoped)
		}
	}
	return coming
}

// policyOf is how a sync would go about it: the running operation's way, or the Application's.
func (o *observation) policyOf(kinds *live.Kinds) plan.Policy {
	p := plan.Policy{
		Instance: o.instance, Namespace: o.app.Spec.Destination.Namespace, ClusterScoped: map[schema.GroupKind]bool{},
		Options: plan.ParseOptions(syncOptions(o.app)), IgnoreDifferences: o.app.Spec.IgnoreDifferences, Revision: o.revision,
	}
	for kind, namespaced := range kinds.All() {
		if !namespaced {
			p.ClusterScoped[kind.GroupKind()] = true
		}
	}
	for kind, namespaced := range o.coming {
		p.ClusterScoped[kind] = !namespaced
	}
	if o.app.Spec.SyncPolicy != nil {
		p.ManagedNamespace = o.app.Spec.SyncPolicy.ManagedNamespaceMetadata
	}
	if state := o.app.Status.OperationState; state != nil && o.app.Operation != nil {
		p.StartedAt = state.StartedAt.Time
	}
	return forOperation(p, o.app.Operation)
}

// forOperation is a policy as the running operation changes it.
func forOperation(p plan.Policy, op *v1alpha1.Operation) plan.Policy {
	if op == nil || op.Sync == nil {
		return p
	}
	if op.Sync.Prune {
		p.Prune = plan.PruneGone
	}
	p.Only = op.Sync.Resources
	if s := op.Sync.SyncStrategy; s != nil {
		switch {
		case s.Apply != nil:
			p.Hooks = plan.SkipHooks
			if s.Apply.Force {
				p.Force = plan.ByForce
			}
		case s.Hook != nil && s.Hook.Force:
			p.Force = plan.ByForce
		}
	}
	return p
}

// wanted is what to look for: each desired object, and whatever is tracked of the kinds that the Application has or had.
func (o *observation) wanted() live.Wanted {
	want := live.Wanted{Instance: o.instance}
	kinds := map[schema.GroupKind]bool{}
	for _, d := range o.desired {
		ref := apply.RefOf(d.Object)
		kinds[ref.Kind.GroupKind()] = true
		if ref.Name != "" {
			want.Objects = append(want.Objects, ref)
		}
	}
	for _, s := range o.app.Status.Resources {
		kinds[schema.GroupKind{Group: s.Group, Kind: s.Kind}] = true
	}
	if state := o.app.Status.OperationState; state != nil && state.SyncResult != nil {
		for _, s := range state.SyncResult.Resources {
			kinds[schema.GroupKind{Group: s.Group, Kind: s.Kind}] = true
		}
	}
	want.Kinds = slices.Collect(maps.Keys(kinds))
	return want
}

// attempts are the objects that are live: what would applying them change?
func (o *observation) attempts() []attempt {
	whole := o.policy
	whole.Only = nil
	var all []attempt
	for _, t := range plan.Build(o.desired, o.lives(nil), whole).Tasks {
		if t.Verb == plan.Apply && t.Live != nil {
			all = append(all, attempt{t.Key, t.Object, t.Live, howFor(t)})
		}
	}
	return all
}

// howFor is the manner in which a task is written.
func howFor(t plan.Task) apply.How {
	var how apply.How
	switch {
	case t.Options.Replace():
		how.Method = apply.Replace
	case t.Options.ClientSide():
		how.Method = apply.ClientSide
	}
	if t.Force == plan.ByForce {
		how.Strength = apply.Forced
	}
	return how
}

// lives are the live objects with what the API server foresees for them.
func (o *observation) lives(trials map[live.Key]trial) []plan.Live {
	all := make([]plan.Live, 0, len(o.live.Objects))
	for key, object := range o.live.Objects {
		all = append(all, plan.Live{Object: object, Predicted: trials[key].result})
	}
	return all
}

// rebuild makes the plan of what is known now.
func (o *observation) rebuild() {
	o.plan = plan.Build(o.desired, o.lives(o.trials), o.policy)
	for i := range o.plan.Resources {
		o.inherit(&o.plan.Resources[i])
	}
	for i := range o.plan.Tasks {
		if t := &o.plan.Tasks[i]; t.Live != nil && t.Verb == plan.Apply && !t.Options.ClientSide() && !t.Options.Replace() && len(apply.Inherited(t.Live)) > 0 {
			t.Unchanged = false
		}
	}
}

// inherit marks an object whose fields still belong to a former applier: until it is applied once more, what git drops would stay.
func (o *observation) inherit(res *plan.Resource) {
	if res.Live == nil || res.RequiresPruning || o.policy.Options.ClientSide() || o.policy.Options.Replace() {
		return
	}
	if len(apply.Inherited(res.Live)) > 0 && res.Status == v1alpha1.Synced {
		res.Status = v1alpha1.OutOfSync
		o.plan.Status = v1alpha1.OutOfSync
	}
}
