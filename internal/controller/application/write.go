package application

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/patch"
)

// write stores what is to be said about an Application in one patch against the object as it was read: status, the
// operation's end, and the annotations that are done with. It returns the object as it is stored then; nil when there
// was nothing to write, or no object any more. A change that came in between is a conflict, after which everything is
// looked at again; but one that concerns nothing that was decided is kept, and what was decided is written beside it.
func write(ctx context.Context, writer client.Client, reader client.Reader, before, after *v1alpha1.Application) (*v1alpha1.Application, error) {
	differ, err := differs(before, after)
	if err != nil || !differ {
		return nil, err
	}
	stored, err := writeOn(ctx, writer, before, after)
	for try := 0; try < writeTries && apierrors.IsConflict(err); try++ {
		now := &v1alpha1.Application{}
		if err := reader.Get(ctx, client.ObjectKeyFromObject(before), now); err != nil {
			return nil, client.IgnoreNotFound(err)
		}
		if !sameForDecisions(before, now) {
			break
		}
		stored, err = writeOn(ctx, writer, now, onTop(now, before, after))
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("writing the status of Application %s/%s: %w", before.Namespace, before.Name, err)
	}
	return stored, nil
}

// writeOn makes the difference between before and after in the stored object, which is as before has it, and returns
// what it is then.
func writeOn(ctx context.Context, writer client.Client, before, after *v1alpha1.Application) (*v1alpha1.Application, error) {
	was, is := differing(before, after)
	stored := is.DeepCopy()
	return stored, patch.Unchanged(ctx, writer, was, stored)
}

// writeTries bounds how often a write is done again that met another one.
const writeTries = 5

// sameForDecisions reports whether two versions of an Application differ in nothing that decisions are made of.
func sameForDecisions(before, now *v1alpha1.Application) bool {
	return before.UID == now.UID && before.DeletionTimestamp.Equal(now.DeletionTimestamp) &&
		equality.Semantic.DeepEqual(before.Finalizers, now.Finalizers) &&
		equality.Semantic.DeepEqual(before.Spec, now.Spec) &&
		equality.Semantic.DeepEqual(before.Operation, now.Operation) &&
		equality.Semantic.DeepEqual(before.Status, now.Status) &&
		equality.Semantic.DeepEqual(ownAnnotations(before), ownAnnotations(now))
}

// ownAnnotations are those that mean something to this program.
func ownAnnotations(app *v1alpha1.Application) map[string]string {
	own := map[string]string{}
	for name, value := range app.Annotations {
		if strings.HasPrefix(name, "argocd.argoproj.io/") || strings.HasPrefix(name, "cyan.dev/") {
			own[name] = value
		}
	}
	return own
}

// onTop is what was decided, made of an Application that others have annotated since.
func onTop(now, before, after *v1alpha1.Application) *v1alpha1.Application {
	merged := now.DeepCopy()
	merged.Operation, merged.Finalizers, merged.Status = after.Operation, after.Finalizers, after.Status
	for name := range ownAnnotations(before) {
		if _, still := after.Annotations[name]; !still {
			delete(merged.Annotations, name)
		}
	}
	for name, value := range ownAnnotations(after) {
		if merged.Annotations == nil {
			merged.Annotations = map[string]string{}
		}
		merged.Annotations[name] = value
	}
	return merged
}

// differs reports whether two Applications differ as JSON, where nothing and empty are the same. They are made JSON
// only where neither is plain before.
func differs(before, after *v1alpha1.Application) (bool, error) {
	switch {
	case plainlyDiffer(&before.Status, &after.Status):
		return true, nil
	case equality.Semantic.DeepEqual(before, after):
		return false, nil
	}
	before, after = differing(before, after)
	was, err := runtime.DefaultUnstructuredConverter.ToUnstructured(before)
	if err != nil {
		return false, err
	}
	is, err := runtime.DefaultUnstructuredConverter.ToUnstructured(after)
	return !reflect.DeepEqual(was, is), err
}

// plainlyDiffer reports whether two statuses differ in one of the values that most changes go with.
func plainlyDiffer(before, after *v1alpha1.ApplicationStatus) bool {
	if was, is := before.ReconciledAt, after.ReconciledAt; (was == nil) != (is == nil) || was != nil && was.Unix() != is.Unix() {
		// Whoever notes the time has found a difference.
		return true
	}
	was, is := before.OperationState, after.OperationState
	return before.Sync.Status != after.Sync.Status || before.Sync.Revision != after.Sync.Revision || before.Health.Status != after.Health.Status ||
		(was == nil) != (is == nil) || was != nil && (was.Phase != is.Phase || was.Message != is.Message)
}

// differing returns two Applications without the large parts that are the same in both: their specs, and what their
// statuses list.
func differing(before, after *v1alpha1.Application) (was, is *v1alpha1.Application) {
	b, a := *before, *after
	if reflect.DeepEqual(b.Spec, a.Spec) {
		b.Spec, a.Spec = v1alpha1.ApplicationSpec{}, v1alpha1.ApplicationSpec{}
	}
	dropSame(&b.Status.Resources, &a.Status.Resources)
	dropSame(&b.Status.History, &a.Status.History)
	if b.Status.OperationState != nil && a.Status.OperationState != nil && b.Status.OperationState.SyncResult != nil && a.Status.OperationState.SyncResult != nil {
		b.Status.OperationState, a.Status.OperationState = withOwnResult(b.Status.OperationState), withOwnResult(a.Status.OperationState)
		dropSame(&b.Status.OperationState.SyncResult.Resources, &a.Status.OperationState.SyncResult.Resources)
	}
	return &b, &a
}

// dropSame empties two lists that are the same.
func dropSame[T any](a, b *[]T) {
	if reflect.DeepEqual(*a, *b) {
		*a, *b = nil, nil
	}
}

// withOwnResult returns a state whose result may be changed without changing the given one.
func withOwnResult(state *v1alpha1.OperationState) *v1alpha1.OperationState {
	own, result := *state, *state.SyncResult
	own.SyncResult = &result
	return &own
}
