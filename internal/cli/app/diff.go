package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

type diffCommand struct {
	*kit.Control
	local, revision, refresh string
	exitCode                 bool
}

func newDiff(a *kit.Control) *cobra.Command {
	o := &diffCommand{Control: a}
	var refresh, hard bool
	cmd := &cobra.Command{
		Use:   "diff NAME",
		Short: "Show what a sync would change, by asking the API server",
		Long: `Show what a sync would change: what git, or a local directory, renders to is applied as a dry run, so that defaults are no difference.
It ends with 1 when there are differences (see --exit-code), with 0 when there are none, and with 2 when it cannot tell.`,
		Example: `  cyan app diff shop
  cyan app diff shop --revision feature
  cyan app diff shop --local k8s/overlays/local`,
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if refresh {
				o.refresh = action.RefreshNormal
			}
			if hard {
				o.refresh = action.RefreshHard
			}
			different, err := o.run(cmd.Context(), args[0])
			if err != nil {
				return &problem.Error{Kind: problem.Usage, Cause: err.Error(), Err: err}
			}
			if different && o.exitCode {
				return &problem.Error{Kind: problem.Negative, Object: args[0], Cause: "differs", Reported: true}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.local, "local", "", "compare with what this local directory renders to")
	f.StringVar(&o.revision, "revision", "", "compare with this branch, tag or commit")
	f.BoolVar(&o.exitCode, "exit-code", true, "end with 1 when there are differences")
	f.BoolVar(&refresh, "refresh", false, "have the controller look at git first")
	f.BoolVar(&hard, "hard-refresh", false, "the same, past every cache")
	return cmd
}

func (o *diffCommand) run(ctx context.Context, name string) (different bool, err error) {
	c, err := o.Connect()
	if err != nil {
		return false, err
	}
	app, err := get(ctx, o.Control, c, name)
	if err != nil {
		return false, err
	}
	if o.refresh != "" {
		if app, err = refresh(ctx, o.Control, c, app, o.refresh, refreshTimeout); err != nil {
			return false, err
		}
	}
	rendered, err := renderDesired(ctx, o.Control, c, app, o.local, o.revision)
	if err != nil {
		return false, err
	}
	at, err := destinationClient(ctx, o.Control, c, app)
	if err != nil {
		return false, err
	}
	desired := prepare(o.Control, at, app, rendered)
	shared := plan.SharedWith(desired, plan.Policy{Options: syncOptionsOf(app), IgnoreDifferences: app.Spec.IgnoreDifferences})
	for _, d := range desired {
		changed, err := o.compare(ctx, at, app, d.Object, shared)
		if err != nil {
			return different, err
		}
		different = different || changed
	}
	for _, r := range superfluous(app, desired) {
		different = true
		if err := o.Say(o.Page().Theme.Bad(fmt.Sprintf("===== %s: not in git; a sync with --prune deletes it", screens.ObjectName(r.Kind, r.Namespace, r.Name)))); err != nil {
			return different, err
		}
	}
	return different, nil
}

// prepare makes rendered objects what they will be in the cluster: in their namespace, and marked as the
// Application's. Hooks are left out.
func prepare(a *kit.Control, at client.Client, app *v1alpha1.Application, rendered []render.Rendered) []plan.Desired {
	policy := plan.Policy{Instance: plan.Instance(app, a.Namespace), Namespace: app.Spec.Destination.Namespace, ClusterScoped: map[schema.GroupKind]bool{}}
	var desired []plan.Desired
	for _, r := range rendered {
		if plan.IsHook(r.Object) {
			continue
		}
		gvk := r.Object.GroupVersionKind()
		if mapping, err := at.RESTMapper().RESTMapping(gvk.GroupKind(), gvk.Version); err == nil && mapping.Scope.Name() == meta.RESTScopeNameRoot {
			policy.ClusterScoped[gvk.GroupKind()] = true
		}
		desired = append(desired, plan.Desired{Object: r.Object, Origin: r.Origin.File})
	}
	prepared, _ := plan.Prepare(desired, policy)
	return prepared
}

func syncOptionsOf(app *v1alpha1.Application) plan.Options {
	if app.Spec.SyncPolicy == nil {
		return nil
	}
	return plan.ParseOptions(app.Spec.SyncPolicy.SyncOptions)
}

// compare prints how a live object differs from what a sync would make of it.
func (o *diffCommand) compare(ctx context.Context, at client.Client, app *v1alpha1.Application, desired *unstructured.Unstructured, shared plan.Shared) (bool, error) {
	name := screens.ObjectName(desired.GetKind(), desired.GetNamespace(), desired.GetName())
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(desired.GroupVersionKind())
	err := at.Get(ctx, client.ObjectKeyFromObject(desired), live)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return true, o.unified(name+" (new)", nil, desired)
	case err != nil:
		return false, o.Explain(err, "reading "+name)
	}
	desired, _ = shared.Keep(desired, live)
	predicted := desired.DeepCopy()
	err = at.Apply(ctx, client.ApplyConfigurationFromUnstructured(predicted), client.FieldOwner(v1alpha1.FieldManager), client.ForceOwnership, client.DryRunAll)
	if err != nil {
		return false, o.Explain(err, "asking what a sync would make of "+name)
	}
	if len(plan.Drift(desired, plan.Live{Object: live, Predicted: predicted}, app.Spec.IgnoreDifferences)) == 0 {
		return false, nil
	}
	return true, o.unified(name, live, predicted)
}

// unified prints a unified diff from one object to another.
func (o *diffCommand) unified(title string, from, to *unstructured.Unstructured) error {
	before, err := readable(from)
	if err != nil {
		return err
	}
	after, err := readable(to)
	if err != nil {
		return err
	}
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: before, B: after, FromFile: "live", ToFile: "git", Context: 3})
	if err != nil {
		return err
	}
	theme := o.Page().Theme
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "+"):
			lines[i] = theme.Good(line)
		case strings.HasPrefix(line, "-"):
			lines[i] = theme.Bad(line)
		case strings.HasPrefix(line, "@@"):
			lines[i] = theme.Quiet(line)
		}
	}
	return o.Show(theme.Strong("===== "+title) + "\n" + strings.Join(lines, "\n") + "\n\n")
}

// readable are the lines of an object without bookkeeping. The values of a Secret are distinguished, not shown.
func readable(object *unstructured.Unstructured) ([]string, error) {
	if object == nil {
		return nil, nil
	}
	o := object.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(o.Object, "status")
	hideSecret(o)
	data, err := yaml.Marshal(o.Object)
	if err != nil {
		return nil, err
	}
	return difflib.SplitLines(string(data)), nil
}

// superfluous are the objects that an Application has in the cluster and no longer in git.
func superfluous(app *v1alpha1.Application, desired []plan.Desired) []v1alpha1.ResourceStatus {
	var all []v1alpha1.ResourceStatus
	for _, r := range app.Status.Resources {
		wanted := slices.ContainsFunc(desired, func(d plan.Desired) bool {
			return plan.KeyOf(d.Object) == plan.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		})
		if !wanted && !r.Hook {
			all = append(all, r)
		}
	}
	return all
}
