package application

import (
	"context"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/patch"
)

// write stores what is to be said about an Application in one patch against the object as it was read: status, the
// operation's end, and the annotations that are done with. It returns the object as it is stored then; nil when there
// was nothing to write, or no object any more. A change that came in between is a conflict, after which everything is
// looked at again.
func write(ctx context.Context, writer client.Client, before, after *v1alpha1.Application) (*v1alpha1.Application, error) {
	differ, err := differs(before, after)
	if err != nil || !differ {
		return nil, err
	}
	stored := after.DeepCopy()
	err = patch.Unchanged(ctx, writer, before, stored)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("writing the status of Application %s/%s: %w", before.Namespace, before.Name, err)
	}
	return stored, nil
}

// differs reports whether two Applications differ as JSON, where nothing and empty are the same.
func differs(before, after *v1alpha1.Application) (bool, error) {
	was, err := runtime.DefaultUnstructuredConverter.ToUnstructured(before)
	if err != nil {
		return false, err
	}
	is, err := runtime.DefaultUnstructuredConverter.ToUnstructured(after)
	return !reflect.DeepEqual(was, is), err
}
