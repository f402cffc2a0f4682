package apply

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/csaupgrade"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/jsonpatch"
)

// formerManagers applied the same manifests before: kubectl's client-side apply, and the GitOps controller that
// people come from. Whatever they own and git no longer has must go, which the server only does for fields that the
// applying manager owns.
var formerManagers = sets.New("kubectl-client-side-apply", "kubectl-create", "kubectl-replace", "argocd-controller", "argocd-application-controller")

// Inherited names the former appliers that still own fields of an object: its fields don't follow git until it is
// applied once more.
func Inherited(live *unstructured.Unstructured) []string {
	var names []string
	for _, entry := range live.GetManagedFields() {
		if isFormer(entry) && !slices.Contains(names, entry.Manager) {
			names = append(names, entry.Manager)
		}
	}
	return names
}

// takenOver names the former appliers, other than Cyan itself, that own nothing of an object any more.
func takenOver(before, after *unstructured.Unstructured) []string {
	if before == nil {
		return nil
	}
	left := append(Inherited(after), v1alpha1.FieldManager)
	return slices.DeleteFunc(Inherited(before), func(name string) bool { return slices.Contains(left, name) })
}

func isFormer(entry metav1.ManagedFieldsEntry) bool {
	if entry.Subresource != "" {
		return false
	}
	// An Update by this very manager is an earlier replacement or creation, whose fields must follow git too.
	own := entry.Manager == v1alpha1.FieldManager && entry.Operation == metav1.ManagedFieldsOperationUpdate
	return own || formerManagers.Has(entry.Manager)
}

// takeOver makes the fields of former appliers Cyan's own, so that the apply that follows removes what git no longer
// has. It returns the object as it is then.
func takeOver(ctx context.Context, resource dynamic.ResourceInterface, live *unstructured.Unstructured, how How) (*unstructured.Unstructured, error) {
	after := live
	err := onLatest(ctx, resource, live, how, func(live *unstructured.Unstructured) error {
		after = live
		names := Inherited(live)
		if len(names) == 0 {
			return nil
		}
		mine := live.DeepCopy()
		entries := mine.GetManagedFields()
		for i := range entries {
			if isFormer(entries[i]) {
				entries[i].Operation = metav1.ManagedFieldsOperationUpdate
			}
		}
		mine.SetManagedFields(entries)
		if err := csaupgrade.UpgradeManagedFields(mine, sets.New(names...), v1alpha1.FieldManager); err != nil {
			return err
		}
		return replaceManagedFields(ctx, resource, live, mine.GetManagedFields(), &after)
	})
	return after, err
}

// replaceManagedFields writes who owns which fields of the object that was read, and into after what it is then.
func replaceManagedFields(ctx context.Context, resource dynamic.ResourceInterface, live *unstructured.Unstructured, entries []metav1.ManagedFieldsEntry, after **unstructured.Unstructured) error {
	if len(entries) == 0 {
		// The server takes a list without entries for none that was given; one of an empty entry empties it.
		entries = []metav1.ManagedFieldsEntry{{}}
	}
	body, err := jsonpatch.AsRead(live.GetResourceVersion()).Replace(entries, "metadata", "managedFields").Data()
	if err != nil {
		return err
	}
	written, err := resource.Patch(ctx, live.GetName(), types.JSONPatchType, body, metav1.PatchOptions{FieldManager: v1alpha1.FieldManager})
	if apierrors.IsInvalid(err) {
		// That is how the server says that the test failed: the object has changed since it was seen.
		return apierrors.NewConflict(schema.GroupResource{Group: live.GroupVersionKind().Group, Resource: live.GetKind()}, live.GetName(), err)
	}
	if err == nil {
		*after = written
	}
	return err
}
