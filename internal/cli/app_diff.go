package cli

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
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/source"
)

type appDiff struct {
	*apps
	local, revision, refresh string
	exitCode                 bool
}

func newAppDiff(a *apps) *cobra.Command {
	o := &appDiff{apps: a}
	var refresh, hard bool
	cmd := &cobra.Command{
		Use:   "diff NAME",
		Short: "Show what a sync would change, by asking the API server",
		Long: `Show what a sync would change: what git, or a local directory, renders to is applied as a dry run, so that defaults are no difference.
It ends with 1 when there are differences (see --exit-code), with 0 when there are none, and with 2 when it cannot tell.`,
		Example: `  cyan app diff shop
  cyan app diff shop --revision feature
  cyan app diff shop --local k8s/overlays/local`,
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if refresh {
				o.refresh = "normal"
			}
			if hard {
				o.refresh = "hard"
			}
			different, err := o.run(cmd.Context(), args[0])
			if err != nil {
				return &Trouble{Problem: err.Error(), Code: codeUsage, cause: err}
			}
			if different && o.exitCode {
				return &Trouble{Problem: "there are differences", Silent: true, Code: codeNo}
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

func (o *appDiff) run(ctx context.Context, name string) (different bool, err error) {
	c, err := o.connect()
	if err != nil {
		return false, err
	}
	app, err := o.get(ctx, c, name)
	if err != nil {
		return false, err
	}
	if o.refresh != "" {
		if app, err = o.apps.refresh(ctx, c, app, o.refresh, refreshWithin); err != nil {
			return false, err
		}
	}
	rendered, err := o.wantedObjects(ctx, c, app, o.local, o.revision)
	if err != nil {
		return false, err
	}
	at, err := o.destinationClient(ctx, c, app)
	if err != nil {
		return false, err
	}
	desired := o.prepare(at, app, rendered)
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
		if err := o.say(o.page().Theme.Bad(fmt.Sprintf("===== %s: not in git; a sync with --prune deletes it", screens.ObjectName(r.Kind, r.Namespace, r.Name)))); err != nil {
			return different, err
		}
	}
	return different, nil
}

// wantedObjects are what a local directory, a revision, or the target revision renders to.
func (a *apps) wantedObjects(ctx context.Context, c client.Client, app *v1alpha1.Application, local, revision string) ([]render.Rendered, error) {
	if local != "" {
		return renderLocal(local, app)
	}
	if app.Spec.Source == nil {
		return nil, &Trouble{Problem: fmt.Sprintf("Application %q has no single source", app.Name), Remedy: "compare with a directory by --local", Code: codeGeneric}
	}
	book, err := a.book(ctx, c)
	if err != nil {
		return nil, err
	}
	wanted := orWords(revision, app.Spec.Source.TargetRevision)
	var objects []render.Rendered
	err = withMirrors(func(mirrors *source.Mirrors) error {
		repo := book.Repository(app.Spec.Source.RepoURL)
		sha, err := mirrors.Resolve(ctx, repo, wanted)
		if err != nil {
			return err
		}
		tree, err := mirrors.Tree(ctx, repo, sha)
		if err != nil {
			return err
		}
		result, err := renderers.Render(tree, *app.Spec.Source, render.Options{Namespace: app.Spec.Destination.Namespace, Env: buildEnvironment(app, sha)})
		objects = result.Objects
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("rendering Application %q from git: %w", app.Name, err)
	}
	return objects, nil
}

// prepare makes rendered objects what they will be in the cluster: in their namespace, and marked as the Application's. Hooks are left out.
func (a *apps) prepare(at client.Client, app *v1alpha1.Application, rendered []render.Rendered) []plan.Desired {
	policy := plan.Policy{Instance: plan.Instance(app, a.namespace), Namespace: app.Spec.Destination.Namespace, ClusterScoped: map[schema.GroupKind]bool{}}
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
func (o *appDiff) compare(ctx context.Context, at client.Client, app *v1alpha1.Application, desired *unstructured.Unstructured, shared plan.Shared) (bool, error) {
	name := screens.ObjectName(desired.GetKind(), desired.GetNamespace(), desired.GetName())
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(desired.GroupVersionKind())
	err := at.Get(ctx, client.ObjectKeyFromObject(desired), live)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return true, o.unified(name+" (new)", nil, desired)
	case err != nil:
		return false, o.explain(err, "reading "+name)
	}
	desired, _ = shared.Keep(desired, live)
	predicted := desired.DeepCopy()
	err = at.Apply(ctx, client.ApplyConfigurationFromUnstructured(predicted), client.FieldOwner(v1alpha1.FieldManager), client.ForceOwnership, client.DryRunAll)
	if err != nil {
		return false, o.explain(err, "asking what a sync would make of "+name)
	}
	if len(plan.Drift(desired, plan.Live{Object: live, Predicted: predicted}, app.Spec.IgnoreDifferences)) == 0 {
		return false, nil
	}
	return true, o.unified(name, live, predicted)
}

// unified prints a unified diff from one object to another.
func (o *appDiff) unified(title string, from, to *unstructured.Unstructured) error {
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
	theme := o.page().Theme
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
	return o.show(theme.Strong("===== "+title) + "\n" + strings.Join(lines, "\n") + "\n\n")
}

// readable are the lines of an object without bookkeeping. The values of a Secret are told apart, not shown.
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

func newAppManifests(a *apps) *cobra.Command {
	var from, revision, local string
	cmd := &cobra.Command{
		Use:   "manifests NAME",
		Short: "Print an Application's objects as git renders them, or as they are in the cluster",
		Example: `  cyan app manifests shop
  cyan app manifests shop --source live`,
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			app, err := a.get(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			switch from {
			case "git":
				rendered, err := a.wantedObjects(cmd.Context(), c, app, local, revision)
				if err != nil {
					return &Trouble{Problem: err.Error(), Code: codeGeneric, cause: err}
				}
				data, err := render.Encode(rendered)
				if err != nil {
					return err
				}
				return a.show(string(data))
			case "live":
				return a.liveManifests(cmd.Context(), c, app)
			}
			return &Trouble{Problem: fmt.Sprintf("there is no source %q", from), Remedy: "give --source git or live", Code: codeUsage}
		},
	}
	cmd.Flags().StringVar(&from, "source", "git", "git or live")
	cmd.Flags().StringVar(&revision, "revision", "", "render this branch, tag or commit")
	cmd.Flags().StringVar(&local, "local", "", "render this local directory")
	_ = cmd.RegisterFlagCompletionFunc("source", cobra.FixedCompletions([]string{"git", "live"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *apps) liveManifests(ctx context.Context, c client.Client, app *v1alpha1.Application) error {
	at, err := a.destinationClient(ctx, c, app)
	if err != nil {
		return err
	}
	for _, r := range app.Status.Resources {
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind})
		err := at.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: r.Name}, live)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return a.explain(err, "reading "+screens.ObjectName(r.Kind, r.Namespace, r.Name))
		}
		live.SetManagedFields(nil)
		hideSecret(live)
		data, err := yaml.Marshal(live.Object)
		if err != nil {
			return err
		}
		if err := a.show("---\n" + string(data)); err != nil {
			return err
		}
	}
	return nil
}

// hideSecret replaces a Secret's values by a fingerprint that is not reversible in practice without knowing them: enough to see that one changed.
func hideSecret(o *unstructured.Unstructured) {
	if o.GetKind() != "Secret" || o.GroupVersionKind().Group != "" {
		return
	}
	for _, field := range []string{"data", "stringData"} {
		values, found, _ := unstructured.NestedMap(o.Object, field)
		if !found {
			continue
		}
		for key, value := range values {
			values[key] = "hidden, " + fingerprint(fmt.Sprint(value))
		}
		_ = unstructured.SetNestedMap(o.Object, values, field)
	}
	unstructured.RemoveNestedField(o.Object, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
}
