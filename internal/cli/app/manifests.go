package app

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newManifests(a *kit.Control) *cobra.Command {
	var from, revision string
	var local localDir
	var revisions revisionFlags
	var reveal kit.Reveal
	cmd := &cobra.Command{
		Use:   "manifests NAME",
		Short: "Print an Application's objects as git renders them and a sync marks them, or as they are in the cluster",
		Example: `  cyan app manifests shop
  cyan app manifests shop --source live`,
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.Connect()
			if err != nil {
				return err
			}
			app, err := get(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			switch from {
			case "git":
				only, err := revisions.of(app)
				if err != nil {
					return err
				}
				rendered, err := renderDesired(cmd.Context(), a, c, app, local, cmp.Or(revision, only))
				if err != nil {
					return &problem.Error{Kind: problem.Refused, Cause: err.Error(), Err: err}
				}
				objects, err := marked(cmd.Context(), a, c, app, rendered)
				if err != nil {
					return err
				}
				return printManifests(cmd.Context(), a, c, objects, reveal)
			case "live":
				objects, err := liveManifests(cmd.Context(), a, c, app)
				if err != nil {
					return err
				}
				return printManifests(cmd.Context(), a, c, objects, reveal)
			}
			return kit.Usage("--source", fmt.Sprintf("unknown source %q", from), "give git or live")
		},
	}
	cmd.Flags().StringVar(&from, "source", "git", "git or live")
	cmd.Flags().StringVar(&revision, "revision", "", "render this branch, tag or commit")
	revisions.bind(cmd)
	cmd.Flags().StringVar(&local.root, "local-repo-root", "", "the directory that nothing outside is read of, where --local is given")
	cmd.Flags().StringVar(&local.path, "local", "", "render this local directory")
	reveal.Bind(cmd)
	_ = cmd.RegisterFlagCompletionFunc("source", cobra.FixedCompletions([]string{"git", "live"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// marked are the objects that were rendered, with the marks by which a sync finds them again: who applies them in its
// place leaves nothing behind that the Application does not know as its own.
func marked(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application, rendered *compare.Rendering) ([]*unstructured.Unstructured, error) {
	written, err := settingsOf(ctx, a, c)
	if err != nil {
		return nil, err
	}
	policy := plan.Policy{Instance: plan.Instance(app, a.Home().Namespace), Tracking: compare.TrackingOf(written), Namespace: app.Spec.Destination.Namespace}
	var objects []*unstructured.Unstructured
	for _, o := range rendered.Result.Objects {
		object := o.Object.DeepCopy()
		plan.Mark(object, policy)
		objects = append(objects, object)
	}
	return objects, nil
}

// printManifests prints objects as a stream of YAML documents.
func printManifests(ctx context.Context, a *kit.Control, c client.Client, objects []*unstructured.Unstructured, reveal kit.Reveal) error {
	written, err := settingsOf(ctx, a, c)
	if err != nil {
		return err
	}
	visible, err := reveal.Visible(a.Env, objects, written.MaskedAnnotations)
	if err != nil {
		return err
	}
	for _, o := range visible {
		data, err := yaml.Marshal(o.Object)
		if err != nil {
			return err
		}
		if err := a.Data("---\n" + string(data)); err != nil {
			return err
		}
	}
	return nil
}

// liveManifests reads an Application's objects from its cluster.
func liveManifests(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) ([]*unstructured.Unstructured, error) {
	at, err := destinationClient(ctx, a, c, app)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, r := range app.Status.Resources {
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind})
		err := at.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: r.Name}, live)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, a.Explain(err, "reading "+screens.ObjectName(r.Kind, r.Namespace, r.Name))
		}
		live.SetManagedFields(nil)
		objects = append(objects, live)
	}
	return objects, nil
}
