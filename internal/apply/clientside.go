package apply

import (
	"context"
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// clientSide does what kubectl apply does without --server-side: a patch of what changed between the last applied
// configuration, the live object and the desired one.
func (c *Client) clientSide(ctx context.Context, resource dynamic.ResourceInterface, desired, live *unstructured.Unstructured, how How) (*unstructured.Unstructured, error) {
	modified, err := withLastApplied(forApply(desired))
	if err != nil {
		return nil, err
	}
	if live == nil {
		return resource.Create(ctx, modified, metav1.CreateOptions{FieldManager: v1alpha1.FieldManager, DryRun: dryRun(how), FieldValidation: how.validation()})
	}
	kind, patch, err := threeWay(modified, live)
	if err != nil {
		return nil, err
	}
	if string(patch) == "{}" {
		return live, nil
	}
	if patch, err = onBasis(patch, how.Basis); err != nil {
		return nil, err
	}
	return resource.Patch(ctx, desired.GetName(), kind, patch, metav1.PatchOptions{FieldManager: v1alpha1.FieldManager, DryRun: dryRun(how), FieldValidation: how.validation()})
}

// onBasis has the server refuse a patch of an object that has another resourceVersion by now; "" for any.
func onBasis(patch []byte, basis string) ([]byte, error) {
	if basis == "" {
		return patch, nil
	}
	bound, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": basis}})
	if err != nil {
		return nil, err
	}
	return jsonpatch.MergeMergePatches(patch, bound)
}

func withLastApplied(desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	unstructured.RemoveNestedField(desired.Object, "metadata", "annotations", corev1.LastAppliedConfigAnnotation)
	text, err := json.Marshal(desired)
	if err != nil {
		return nil, err
	}
	annotations := desired.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[corev1.LastAppliedConfigAnnotation] = string(text) + "\n"
	desired.SetAnnotations(annotations)
	return desired, nil
}

func threeWay(modified, live *unstructured.Unstructured) (types.PatchType, []byte, error) {
	original := []byte(live.GetAnnotations()[corev1.LastAppliedConfigAnnotation])
	wanted, err := json.Marshal(modified)
	if err != nil {
		return "", nil, err
	}
	current, err := json.Marshal(live)
	if err != nil {
		return "", nil, err
	}
	typed, err := scheme.Scheme.New(modified.GroupVersionKind())
	if err != nil {
		patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(original, wanted, current)
		if err != nil {
			return "", nil, fmt.Errorf("comparing with the last applied configuration: %w", err)
		}
		return types.MergePatchType, patch, nil
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return "", nil, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(original, wanted, current, meta, true)
	if err != nil {
		return "", nil, fmt.Errorf("comparing with the last applied configuration: %w", err)
	}
	return types.StrategicMergePatchType, patch, nil
}
