package application

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// write stores what is to be said about an Application in one patch against the object as it was read: status, the operation's end, and the annotations that are done with.
// It reports whether there was anything to write. A change that came in between is a conflict, after which everything is looked at again.
func (r *reconciler) write(ctx context.Context, before, after *v1alpha1.Application) (written bool, err error) {
	operations, err := difference(before, after)
	if err != nil || len(operations) == 0 {
		return false, err
	}
	operations = append([]operation{{Op: "test", Path: "/metadata/resourceVersion", Value: before.ResourceVersion}}, operations...)
	body, err := json.Marshal(operations)
	if err != nil {
		return false, err
	}
	target := &v1alpha1.Application{}
	target.Name, target.Namespace = before.Name, before.Namespace
	err = r.client.Patch(ctx, target, client.RawPatch(types.JSONPatchType, body), client.FieldOwner(v1alpha1.ApplicationFieldManager))
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("writing the status of Application %s/%s: %w", before.Namespace, before.Name, err)
	}
	return true, nil
}

// operation is one of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// difference lists what is to be patched, field by field of the status, so that what other tools write beside them stays.
func difference(before, after *v1alpha1.Application) ([]operation, error) {
	was, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&before.Status)
	if err != nil {
		return nil, err
	}
	is, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&after.Status)
	if err != nil {
		return nil, err
	}
	// The stored object may lack what the typed one always shows, and a patch of a member needs the whole.
	fields := statusOperations(was, is)
	if len(fields) > 0 && reflect.DeepEqual(before.Status, v1alpha1.ApplicationStatus{}) {
		fields = []operation{{Op: "add", Path: "/status", Value: is}}
	}
	switch {
	case reflect.DeepEqual(before.Operation, after.Operation):
	case after.Operation == nil:
		fields = append(fields, operation{Op: "remove", Path: "/operation"})
	default:
		fields = append(fields, operation{Op: "add", Path: "/operation", Value: after.Operation})
	}
	for _, name := range []string{v1alpha1.RefreshAnnotation, plan.RollbackPinAnnotation} {
		_, was := before.Annotations[name]
		if _, still := after.Annotations[name]; was && !still {
			fields = append(fields, operation{Op: "remove", Path: "/metadata/annotations/" + strings.ReplaceAll(name, "/", "~1")})
		}
	}
	if !reflect.DeepEqual(before.Finalizers, after.Finalizers) {
		fields = append(fields, operation{Op: "replace", Path: "/metadata/finalizers", Value: append([]string{}, after.Finalizers...)})
	}
	return fields, nil
}

func statusOperations(was, is map[string]any) []operation {
	var all []operation
	for name, value := range is {
		if !reflect.DeepEqual(was[name], value) {
			all = append(all, operation{Op: "add", Path: "/status/" + name, Value: value})
		}
	}
	for name := range was {
		if _, still := is[name]; !still {
			all = append(all, operation{Op: "remove", Path: "/status/" + name})
		}
	}
	return all
}
