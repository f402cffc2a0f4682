package app

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/spec"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newAddSource(a *kit.Control) *cobra.Command {
	var flags *spec.Flags
	var validate bool
	cmd := &cobra.Command{
		Use: "add-source NAME", Short: "Add a source to those of an Application", Example: "  cyan app add-source shop --repo https://git.example/base --path k8s --source-name base",
		Args: kit.Exactly("the Application's name"), ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), a, args[0], func(c client.Client, app *v1alpha1.Application) error {
				if len(app.Spec.Sources) == 0 {
					return &problem.Error{Kind: problem.Refused, Object: object(app), Field: "spec.sources", Cause: "not used", Remedy: "move spec.source into it with " + a.Command("app edit")}
				}
				if err := flags.Append(app); err != nil {
					return err
				}
				if validate {
					if err := checkPlace(cmd.Context(), a, c, app); err != nil {
						return err
					}
				}
				noteSources(a, app)
				return nil
			})
		},
	}
	flags = spec.New(cmd)
	cmd.Flags().BoolVar(&validate, "validate", true, "refuse a destination or project that does not exist")
	return cmd
}

// noteSources prints that what is written is not synced.
func noteSources(a *kit.Control, app *v1alpha1.Application) {
	if _, single := app.SyncSource(); !single {
		a.Note("warning: spec.sources has %d entries, and several sources are not synced yet", len(app.Spec.Sources))
	}
}

func newRemoveSource(a *kit.Control) *cobra.Command {
	var which spec.Which
	cmd := &cobra.Command{
		Use: "remove-source NAME", Short: "Remove a source from those of an Application", Example: "  cyan app remove-source shop --source-position 2",
		Args: kit.Exactly("the Application's name"), ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), a, args[0], func(_ client.Client, app *v1alpha1.Application) error {
				at, given, err := which.Of(app)
				if err != nil {
					return err
				}
				if !given {
					return kit.Usage(cmd.CommandPath(), "which source is meant is missing", "add --source-position or --source-name")
				}
				if len(app.Spec.Sources) == 1 {
					return &problem.Error{Kind: problem.Refused, Object: object(app), Field: "spec.sources", Cause: "the only source cannot be removed"}
				}
				app.Spec.Sources = slices.Delete(app.Spec.Sources, at, at+1)
				return nil
			})
		},
	}
	which.Bind(cmd)
	return cmd
}

// revisionFlags name revisions of single sources.
type revisionFlags struct {
	revisions, names []string
	positions        []int64
}

func (f *revisionFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.revisions, "revisions", nil, "revision of the source that --source-positions or --source-names names")
	cmd.Flags().Int64SliceVar(&f.positions, "source-positions", nil, "places of sources in spec.sources, counted from 1")
	cmd.Flags().StringArrayVar(&f.names, "source-names", nil, "names of sources in spec.sources")
}

// of returns the revision of the one source that an Application has; empty where none was given.
func (f *revisionFlags) of(app *v1alpha1.Application) (string, error) {
	src, single := app.SyncSource()
	switch {
	case len(f.revisions)+len(f.positions)+len(f.names) == 0:
		return "", nil
	case !single || len(f.revisions) > 1:
		return "", &problem.Error{Kind: problem.Usage, Object: "--revisions", Cause: "several sources are not synced yet", Remedy: "give --revision for an Application with one source"}
	case len(f.revisions) == 0:
		return "", kit.Usage("--source-positions, --source-names", "given without --revisions", "")
	case len(f.positions) > 0 && f.positions[0] != 1 || len(f.names) > 0 && f.names[0] != src.Name:
		return "", &problem.Error{Kind: problem.Absent, Object: object(app), Cause: "source " + fmt.Sprint(f.positions, f.names) + " not found", Remedy: "give --revision alone"}
	}
	return f.revisions[0], nil
}
