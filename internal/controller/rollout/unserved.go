package rollout

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// unservedKind is a kind whose objects ask for work that Cyan does not do.
type unservedKind interface {
	client.Object
	Outcome() v1alpha1.AnalysisPhase
}

// unserved answers the objects of such a kind, so that who waits for one does not wait for ever.
type unserved[T unservedKind] struct {
	client  client.Client
	empty   func() T
	message string
}

// setupUnserved adds the answers to a manager, for the kinds that the cluster has.
func setupUnserved(mgr ctrl.Manager, instance string) error {
	writer := client.WithFieldOwner(mgr.GetClient(), v1alpha1.RolloutFieldManager)
	runs := unserved[*v1alpha1.AnalysisRun]{writer, func() *v1alpha1.AnalysisRun { return &v1alpha1.AnalysisRun{} },
		"analyses: not served by this version of Cyan; nothing was measured: gate by autoPromotionEnabled: false"}
	experiments := unserved[*v1alpha1.Experiment]{writer, func() *v1alpha1.Experiment { return &v1alpha1.Experiment{} },
		"experiments: not served by this version of Cyan; nothing was run: give each version a Rollout of its own"}
	if err := runs.setup(mgr, "AnalysisRun", instance); err != nil {
		return err
	}
	return experiments.setup(mgr, "Experiment", instance)
}

func (u unserved[T]) setup(mgr ctrl.Manager, kind, instance string) error {
	_, err := mgr.GetRESTMapper().RESTMapping(v1alpha1.GroupVersion.WithKind(kind).GroupKind(), v1alpha1.GroupVersion.Version)
	if meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking up kind %s: %w", kind, err)
	}
	return ctrl.NewControllerManagedBy(mgr).For(u.empty(), builder.WithPredicates(ofInstance(instance))).Complete(u)
}

// Reconcile sets the outcome of an object that has none: that of work that could not be done.
func (u unserved[T]) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	o := u.empty()
	if err := u.client.Get(ctx, request.NamespacedName, o); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if o.Outcome().Completed() || o.GetDeletionTimestamp() != nil {
		return reconcile.Result{}, nil
	}
	// A map of strings always encodes.
	data, _ := json.Marshal(map[string]any{"status": map[string]string{"phase": string(v1alpha1.AnalysisError), "message": u.message}})
	patch := client.RawPatch(types.MergePatchType, data)
	err := u.client.Status().Patch(ctx, o, patch)
	if apierrors.IsNotFound(err) {
		// The definition has no subresource for the status.
		err = u.client.Patch(ctx, o, patch)
	}
	return reconcile.Result{}, client.IgnoreNotFound(err)
}
