package application

import (
	"context"
	"fmt"
	"log/slog"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/plan"
)

// observeDeletions finds out what has to be known before anything is pruned: whether a person has confirmed it, and
// what lives in the namespaces that would go.
func observeDeletions(ctx context.Context, log *slog.Logger, o *observation, state *v1alpha1.OperationState) error {
	o.comparison.Policy.Confirmed = plan.Confirmed(o.app, state.StartedAt.Time)
	o.comparison.Policy.Occupants = map[string][]plan.Key{}
	for _, namespace := range o.comparison.Plan.NamespacesToPrune() {
		occupants, err := occupantsOf(ctx, o, namespace)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && apply.IsUnreachable(err):
			return err
		case err != nil:
			// Not known is not empty: a person has to confirm it.
			log.Info("looking into a namespace that is to be pruned", "application", o.name, "namespace", namespace, "err", err)
			continue
		}
		o.comparison.Policy.Occupants[namespace] = occupants
	}
	o.comparison = o.comparison.Replanned()
	return nil
}

func occupantsOf(ctx context.Context, o *observation, namespace string) ([]plan.Key, error) {
	served, err := o.cluster.Kinds(ctx, nil)
	if err != nil {
		return nil, err
	}
	var kinds []schema.GroupKind
	seen := map[schema.GroupKind]bool{}
	for kind, namespaced := range served.All() {
		if namespaced && !seen[kind.GroupKind()] {
			seen[kind.GroupKind()] = true
			kinds = append(kinds, kind.GroupKind())
		}
	}
	reader, err := o.cluster.As("")
	if err != nil {
		return nil, err
	}
	objects, err := reader.Occupants(ctx, namespace, kinds)
	if err != nil {
		return nil, err
	}
	occupants := []plan.Key{}
	for _, object := range objects {
		if plan.Occupies(object) {
			occupants = append(occupants, plan.KeyOf(object))
		}
	}
	return occupants, nil
}

// objectsOfOthers are the objects that other Applications have in each of the namespaces that an Application has in its
// cluster, by what their statuses list, as far as their projects permit them.
func objectsOfOthers(ctx context.Context, r *observer, o *observation) (map[string][]plan.Key, error) {
	others := map[string][]plan.Key{}
	for key := range o.comparison.Live.Objects {
		if key.Kind == "Namespace" && key.Group == "" {
			others[key.Name] = nil
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	var apps v1alpha1.ApplicationList
	if err := r.client.List(ctx, &apps); err != nil {
		return nil, fmt.Errorf("listing Applications: %w", err)
	}
	for i := range apps.Items {
		app := &apps.Items[i]
		if app.UID == o.app.UID || app.DeletionTimestamp != nil {
			continue
		}
		if cluster, err := r.clusters.For(app.Spec.Destination); err != nil || cluster != o.cluster {
			continue
		}
		if err := addObjectsOf(ctx, r, o, app, others); err != nil {
			return nil, err
		}
	}
	return others, nil
}

// addObjectsOf adds the objects of one Application to those in the namespaces.
func addObjectsOf(ctx context.Context, r *observer, o *observation, app *v1alpha1.Application, in map[string][]plan.Key) error {
	var listed []plan.Key
	for _, s := range app.Status.Resources {
		if _, searched := in[s.Namespace]; searched && (s.Health == nil || s.Health.Status != v1alpha1.HealthMissing) {
			listed = append(listed, plan.Key{Group: s.Group, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name})
		}
	}
	if len(listed) == 0 {
		return nil
	}
	other := &observation{app: app, settings: o.settings, cluster: o.cluster}
	if err := r.gatherProject(ctx, other); err != nil {
		return err
	}
	bounds := other.bounds()
	for _, key := range listed {
		if bounds.Hold(key) {
			in[key.Namespace] = append(in[key.Namespace], key)
		}
	}
	return nil
}
