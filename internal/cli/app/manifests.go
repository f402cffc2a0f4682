package app

import (
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
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

func newManifests(a *kit.Control) *cobra.Command {
	var from, revision, local string
	cmd := &cobra.Command{
		Use:   "manifests NAME",
		Short: "Print an Application's objects as git renders them, or as they are in the cluster",
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
				rendered, err := renderDesired(cmd.Context(), a, c, app, local, revision)
				if err != nil {
					return &problem.Error{Kind: problem.Refused, Cause: err.Error(), Err: err}
				}
				data, err := render.Encode(rendered.Result.Objects)
				if err != nil {
					return err
				}
				return a.Show(string(data))
			case "live":
				return liveManifests(cmd.Context(), a, c, app)
			}
			return kit.Usage("--source", fmt.Sprintf("unknown source %q", from), "give git or live")
		},
	}
	cmd.Flags().StringVar(&from, "source", "git", "git or live")
	cmd.Flags().StringVar(&revision, "revision", "", "render this branch, tag or commit")
	cmd.Flags().StringVar(&local, "local", "", "render this local directory")
	_ = cmd.RegisterFlagCompletionFunc("source", cobra.FixedCompletions([]string{"git", "live"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func liveManifests(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) error {
	at, err := destinationClient(ctx, a, c, app)
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
			return a.Explain(err, "reading "+screens.ObjectName(r.Kind, r.Namespace, r.Name))
		}
		live.SetManagedFields(nil)
		hideSecret(live)
		data, err := yaml.Marshal(live.Object)
		if err != nil {
			return err
		}
		if err := a.Show("---\n" + string(data)); err != nil {
			return err
		}
	}
	return nil
}
