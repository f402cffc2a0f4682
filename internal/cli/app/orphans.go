package app

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// orphan is an object that no Application has, as it is printed.
type orphan struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// showOrphans prints the objects in an Application's namespace that no Application has, but for those that its project
// ignores.
func showOrphans(ctx context.Context, a *kit.Control, app *v1alpha1.Application, as string) error {
	keys, err := orphansOf(ctx, a, app)
	if err != nil {
		return err
	}
	return listOrphans(a, keys, as)
}

// showOrphansBeside prints the orphans that are listed after an Application's own objects, if there are any.
func showOrphansBeside(cmd *cobra.Command, a *kit.Control, app *v1alpha1.Application, as string) error {
	monitored, err := orphansBeside(cmd, a, app)
	if err != nil || len(monitored) == 0 {
		return err
	}
	if err := a.Say(""); err != nil {
		return err
	}
	return listOrphans(a, monitored, as)
}

// orphansBeside are the orphans that are listed after an Application's own objects: those that its project has
// monitored, unless the flag leaves them out. Where they can't be found, that is said, and keeps nobody from the rest.
func orphansBeside(cmd *cobra.Command, a *kit.Control, app *v1alpha1.Application) ([]plan.Key, error) {
	if flag := cmd.Flags().Lookup("orphaned"); flag.Changed || app.Spec.Destination.Namespace == "" {
		return nil, nil
	}
	c, err := a.Connect()
	if err != nil {
		return nil, err
	}
	within, err := projectOf(cmd.Context(), a, c, app)
	if err != nil || within.Spec.OrphanedResources == nil {
		// Who may not read projects sees the Application all the same.
		return nil, nil //nolint:nilerr // as above
	}
	keys, err := orphansOf(cmd.Context(), a, app)
	if err != nil {
		a.Note("the objects that nobody has can't be listed: %s", kit.Message(err))
		return nil, nil
	}
	return keys, nil
}

func listOrphans(a *kit.Control, keys []plan.Key, as string) error {
	all := make([]orphan, len(keys))
	rows := [][]string{{"GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED"}}
	for i, key := range keys {
		all[i] = orphan{key.Group, key.Kind, key.Namespace, key.Name}
		rows = append(rows, []string{key.Group, key.Kind, key.Namespace, key.Name, "Yes"})
	}
	switch as {
	case kit.JSON, kit.YAML:
		return a.Dump(all, as)
	case kit.Name:
		for _, key := range keys {
			if err := a.Say(resourceName(key.Group, key.Kind, key.Name)); err != nil {
				return err
			}
		}
		return nil
	}
	return a.Table(rows, 3)
}

func orphansOf(ctx context.Context, a *kit.Control, app *v1alpha1.Application) ([]plan.Key, error) {
	namespace := app.Spec.Destination.Namespace
	if namespace == "" {
		return nil, kit.Usage(object(app), "spec.destination.namespace is empty, so there is none to look in", "set it with "+a.Command("app set %s --dest-namespace NAMESPACE", app.Name))
	}
	c, err := a.Connect()
	if err != nil {
		return nil, err
	}
	to, config, err := destination(ctx, a, c, app)
	if err != nil {
		return nil, err
	}
	within, err := projectOf(ctx, a, c, app)
	if err != nil {
		return nil, err
	}
	written, err := settingsOf(ctx, a, c)
	if err != nil {
		return nil, err
	}
	reader, err := live.NewReader(config)
	if err != nil {
		return nil, err
	}
	reader.Tracking = compare.TrackingOf(written)
	orphans, _, err := project.OrphansOf(within)
	if err != nil {
		return nil, kit.Usage("", err.Error(), "")
	}
	// What is excluded is not asked for: an API of its own may not even answer.
	objects, err := occupants(ctx, reader, namespace, func(kind schema.GroupKind) bool { return written.Excludes(kind, to.Server) })
	if err != nil {
		return nil, a.Explain(err, "listing the objects in namespace "+namespace)
	}
	objects = slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool {
		return reader.Tracking.OwnerOf(o) != "" || orphans.Ignores(plan.KeyOf(o))
	})
	return withoutOwn(app, objects), nil
}

// withoutOwn returns the objects that occupy a namespace and that the status of an Application does not list, sorted.
func withoutOwn(app *v1alpha1.Application, objects []*unstructured.Unstructured) []plan.Key {
	own := map[plan.Key]bool{}
	for _, r := range app.Status.Resources {
		own[plan.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}] = true
	}
	var found []plan.Key
	for _, o := range objects {
		if key := plan.KeyOf(o); plan.Occupies(o) && !own[key] {
			found = append(found, key)
		}
	}
	slices.SortFunc(found, func(x, y plan.Key) int { return strings.Compare(x.String(), y.String()) })
	return found
}

// occupants lists the objects of a namespace, but for those that come and go by themselves.
func occupants(ctx context.Context, reader *live.Reader, namespace string, excluded func(schema.GroupKind) bool) ([]*unstructured.Unstructured, error) {
	served, err := reader.Kinds(ctx, nil)
	if err != nil {
		return nil, err
	}
	kinds := map[schema.GroupKind]bool{}
	for kind, namespaced := range served.All() {
		if namespaced && !project.ComesByItself(kind.GroupKind()) && !excluded(kind.GroupKind()) {
			kinds[kind.GroupKind()] = true
		}
	}
	return reader.Client.Occupants(ctx, namespace, slices.Collect(maps.Keys(kinds)))
}
