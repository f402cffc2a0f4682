package application

import (
	"context"
	"fmt"
	"log/slog"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
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

// objectsOfOthers are the objects that other Applications have in each namespace of this one's cluster, by what their
// statuses list.
func objectsOfOthers(ctx context.Context, reader client.Reader, clusters *live.Registry, o *observation) (map[string][]plan.Key, error) {
	var apps v1alpha1.ApplicationList
	if err := reader.List(ctx, &apps); err != nil {
		return nil, fmt.Errorf("listing Applications: %w", err)
	}
	others := map[string][]plan.Key{}
	for i := range apps.Items {
		app := &apps.Items[i]
		if app.UID == o.app.UID || app.DeletionTimestamp != nil {
			continue
		}
		if cluster, err := clusters.For(app.Spec.Destination); err != nil || cluster != o.cluster {
			continue
		}
		for _, s := range app.Status.Resources {
			if s.Namespace != "" && (s.Health == nil || s.Health.Status != v1alpha1.HealthMissing) {
				others[s.Namespace] = append(others[s.Namespace], plan.Key{Group: s.Group, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name})
			}
		}
	}
	return others, nil
}
