package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Withdraw takes the fields away from the object that was seen which a field manager has applied and nobody else has.
// An object of the same name that came since stays as it is.
func (c *Client) Withdraw(ctx context.Context, seen *unstructured.Unstructured, manager string) error {
	if !slices.ContainsFunc(seen.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == manager && f.Operation == metav1.ManagedFieldsOperationApply
	}) {
		return nil
	}
	ref := RefOf(seen)
	resource, err := c.resource(ref)
	if err != nil {
		return err
	}
	// With a UID nothing is created where the object is gone.
	body, err := json.Marshal(map[string]any{
		"apiVersion": seen.GetAPIVersion(), "kind": seen.GetKind(), "metadata": map[string]any{"name": seen.GetName(), "namespace": seen.GetNamespace(), "uid": seen.GetUID()},
	})
	if err != nil {
		return fmt.Errorf("withdrawing the fields of %s: %w", manager, err)
	}
	force := true
	_, err = resource.Patch(ctx, ref.Name, types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: manager, Force: &force})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return explain(ref, err)
	}
	return nil
}
