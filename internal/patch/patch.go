// Package patch writes a change that was made to a typed object without losing what the Go type does not know: fields
// that another program, or a later version, stored beside the known ones. It deletes no object but the one that was
// read.
package patch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Object makes the difference between before and after in the stored object, whatever became of its other fields
// since before was read; another object that has come by its name since is a conflict. Afterwards, after is the object
// as the API server returned it.
func Object(ctx context.Context, c client.Client, before, after client.Object, options ...client.PatchOption) error {
	wanted := after.DeepCopyObject().(client.Object)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		stored, err := read(ctx, c, before)
		if err != nil {
			return err
		}
		if uid := before.GetUID(); uid != "" && stored.GetUID() != uid {
			return conflict(stored, errors.New("another object was created by its name"))
		}
		return write(stored, before, wanted, after, func(merged *unstructured.Unstructured, patch client.Patch) error {
			return c.Patch(ctx, merged, patch, options...)
		})
	})
}

// Unchanged is Object for an object that is still as before has it; another version of it is a conflict. Where before
// tells enough, the object is not read again.
func Unchanged(ctx context.Context, c client.Client, before, after client.Object, options ...client.PatchOption) error {
	return unchanged(ctx, c, before, after, func(object client.Object, patch client.Patch) error {
		return c.Patch(ctx, object, patch, options...)
	})
}

// UnchangedStatus is Unchanged for the status subresource.
func UnchangedStatus(ctx context.Context, c client.Client, before, after client.Object, options ...client.SubResourcePatchOption) error {
	return unchanged(ctx, c, before, after, func(object client.Object, patch client.Patch) error {
		return c.Status().Patch(ctx, object, patch, options...)
	})
}

func unchanged(ctx context.Context, c client.Client, before, after client.Object, send func(client.Object, client.Patch) error) error {
	was, is, err := asJSON(before, after)
	if err != nil {
		return err
	}
	if patch := unread(before.GetResourceVersion(), was, is); patch != nil {
		err := sendUnread(patch, after, send)
		if !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
			return err
		}
		// The object is not as its Go type shows it, or is refused for good, which comes out below.
	}
	stored, err := readUnchanged(ctx, c, before)
	if err != nil {
		return err
	}
	return write(stored, before, after, after, func(merged *unstructured.Unstructured, patch client.Patch) error { return send(merged, patch) })
}

func asJSON(before, after client.Object) (was, is map[string]any, err error) {
	if was, err = runtime.DefaultUnstructuredConverter.ToUnstructured(before); err != nil {
		return nil, nil, err
	}
	is, err = runtime.DefaultUnstructuredConverter.ToUnstructured(after)
	return was, is, err
}

// unread returns the patch that makes the difference between before and after without what is stored at hand, which the
// API server refuses where that is not as before has it; nil where before does not tell enough.
func unread(resourceVersion string, before, after map[string]any) client.Patch {
	if patch, ok := operations(resourceVersion, before, after); ok {
		return raw(types.JSONPatchType, patch)
	}
	if patch, ok := merging(resourceVersion, before, after); ok {
		return raw(types.MergePatchType, patch)
	}
	if patch, ok := probableOperations(resourceVersion, before, after); ok {
		return raw(types.JSONPatchType, patch)
	}
	return nil
}

// raw returns a patch of JSON; nil for what can't be written as such, which objects of the API never are.
func raw(kind types.PatchType, patch any) client.Patch {
	data, err := json.Marshal(patch)
	if err != nil {
		return nil
	}
	return client.RawPatch(kind, data)
}

// sendUnread sends a patch, and puts the answer into result.
func sendUnread(patch client.Patch, result client.Object, send func(client.Object, client.Patch) error) error {
	answer := reflect.New(reflect.TypeOf(result).Elem())
	object := answer.Interface().(client.Object)
	object.SetNamespace(result.GetNamespace())
	object.SetName(result.GetName())
	if err := send(object, patch); err != nil {
		return err
	}
	reflect.ValueOf(result).Elem().Set(answer.Elem())
	return nil
}

func read(ctx context.Context, c client.Client, object client.Object) (*unstructured.Unstructured, error) {
	kind, err := apiutil.GVKForObject(object, c.Scheme())
	if err != nil {
		return nil, err
	}
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(kind)
	return stored, c.Get(ctx, client.ObjectKeyFromObject(object), stored)
}

func readUnchanged(ctx context.Context, c client.Client, before client.Object) (*unstructured.Unstructured, error) {
	stored, err := read(ctx, c, before)
	if err != nil {
		return nil, err
	}
	if stored.GetResourceVersion() != before.GetResourceVersion() {
		return nil, conflict(stored, errors.New("the object has been changed"))
	}
	return stored, nil
}

func conflict(stored *unstructured.Unstructured, why error) error {
	kind := stored.GroupVersionKind()
	return apierrors.NewConflict(schema.GroupResource{Group: kind.Group, Resource: kind.Kind}, stored.GetName(), why)
}

// write sends what differs between stored and stored with the change, and puts the answer into result.
func write(stored *unstructured.Unstructured, before, after, result client.Object, send func(*unstructured.Unstructured, client.Patch) error) error {
	was, is, err := asJSON(before, after)
	if err != nil {
		return err
	}
	merged := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(Merge(stored.Object, was, is))}
	merged.SetGroupVersionKind(stored.GroupVersionKind())
	merged.SetResourceVersion(stored.GetResourceVersion())
	if err := send(merged, client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{})); err != nil {
		return err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(merged.Object, result); err != nil {
		return fmt.Errorf("reading %s %s as it was written: %w", merged.GetKind(), merged.GetName(), err)
	}
	return nil
}
