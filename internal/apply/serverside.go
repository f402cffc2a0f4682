package apply

import (
	"context"
	"encoding/json"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// serverSide applies. What the server does not take of an apply, and would of an update, is updated: lists that repeat
// an element, and lists in which somebody else's elements stand in the way of git's.
func serverSide(ctx context.Context, resource dynamic.ResourceInterface, desired, live *unstructured.Unstructured, how How) (*unstructured.Unstructured, error) {
	inherits := live != nil && len(Inherited(live)) > 0
	if how.Trial == Real && inherits {
		trial := how
		trial.Trial = DryRun
		if _, err := patch(ctx, resource, desired, trial); err != nil && needsUpdate(err, how) {
			// There is nothing that fields could be taken over for.
			return put(ctx, resource, desired, live, nil, how, err)
		}
		taken, err := takeOver(ctx, resource, live, how)
		if err != nil {
			return nil, err
		}
		if how.Basis != "" {
			how.Basis = taken.GetResourceVersion()
		}
		live = taken
	}
	after, err := patch(ctx, resource, desired, how)
	switch {
	case err == nil && how.Trial == DryRun && inherits:
		return foreseeTakeOver(ctx, resource, desired, live, after, how)
	case err == nil:
		return after, nil
	case needsUpdate(err, how):
		return put(ctx, resource, desired, live, nil, how, err)
	case live == nil:
		return nil, err
	case isStale(err):
		return resetOwn(ctx, resource, desired, live, how, err)
	}
	return makeRoom(ctx, resource, desired, live, how, err)
}

// makeRoom applies where somebody else's elements stand in the way of git's in a list: without them first.
func makeRoom(ctx context.Context, resource dynamic.ResourceInterface, desired, live *unstructured.Unstructured, how How, why error) (*unstructured.Unstructured, error) {
	lists := crowded(why)
	if len(lists) == 0 {
		return nil, why
	}
	after, failure := put(ctx, resource, desired, live, lists, how, why)
	if failure != nil || how.Trial == DryRun {
		return after, failure
	}
	// With nothing in its way, what is git's is applied and owned as ever.
	how.Basis = ""
	if _, err := takeOver(ctx, resource, after, how); err != nil {
		return nil, err
	}
	return patch(ctx, resource, desired, how)
}

// needsUpdate reports whether the server takes an object by an update alone.
func needsUpdate(err error, how How) bool { return repeats(err) || (how.Lax && isUndeclared(err)) }

func patch(ctx context.Context, resource dynamic.ResourceInterface, desired *unstructured.Unstructured, how How) (*unstructured.Unstructured, error) {
	clean := forApply(desired)
	if how.Basis != "" {
		clean.SetResourceVersion(how.Basis)
	}
	body, err := json.Marshal(clean)
	if err != nil {
		return nil, err
	}
	force := true
	return resource.Patch(ctx, desired.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{
		FieldManager: v1alpha1.FieldManager, Force: &force, DryRun: dryRun(how), FieldValidation: how.validation(),
	})
}

// put updates an object to what an apply would have made of it, or creates it. What the update is refused for counts
// less than why there was no apply.
func put(ctx context.Context, resource dynamic.ResourceInterface, desired, live *unstructured.Unstructured, gitsAlone map[string]bool, how How, why error) (*unstructured.Unstructured, error) {
	if live == nil {
		return resource.Create(ctx, forApply(desired), metav1.CreateOptions{FieldManager: v1alpha1.FieldManager, DryRun: dryRun(how), FieldValidation: how.validation()})
	}
	var after *unstructured.Unstructured
	err := onLatest(ctx, resource, live, how, func(live *unstructured.Unstructured) error {
		base, _ := withoutLeaving(live, live, desired, func(entry metav1.ManagedFieldsEntry) bool { return ownEntry(entry) || isFormer(entry) })
		merged, _ := overlay(base.Object, forApply(desired).Object, "", gitsAlone).(map[string]any)
		body := &unstructured.Unstructured{Object: merged}
		if body.SetManagedFields(nil); isStale(why) {
			body.SetManagedFields([]metav1.ManagedFieldsEntry{{}})
		}
		body.SetResourceVersion(live.GetResourceVersion())
		var err error
		after, err = resource.Update(ctx, body, metav1.UpdateOptions{FieldManager: v1alpha1.FieldManager, DryRun: dryRun(how), FieldValidation: how.validation()})
		return err
	})
	if apierrors.IsInvalid(err) && !cannotChange(err) {
		return nil, why
	}
	return after, err
}

// triesOnLatest bounds the tries of a write that others, such as those of a status, come between.
const triesOnLatest = 5

// onLatest writes on the object as it was read, and, where no basis is asked for, on what has become of it if that was
// changed in between.
func onLatest(ctx context.Context, resource dynamic.ResourceInterface, live *unstructured.Unstructured, how How, write func(*unstructured.Unstructured) error) error {
	for try := 1; ; try++ {
		err := write(live)
		if !apierrors.IsConflict(err) || how.Basis != "" || try == triesOnLatest {
			return err
		}
		latest, failure := resource.Get(ctx, live.GetName(), metav1.GetOptions{})
		if failure != nil || latest.GetUID() != live.GetUID() {
			return err
		}
		live = latest
	}
}

// foreseeTakeOver returns what becomes of an object of which former appliers own fields. Those that git does not have
// go with the apply that takes them over, which a dry run of it alone does not show.
func foreseeTakeOver(ctx context.Context, resource dynamic.ResourceInterface, desired, live, after *unstructured.Unstructured, how How) (*unstructured.Unstructured, error) {
	for try := 1; ; try++ {
		without, some := withoutLeaving(after, live, desired, isFormer)
		if !some {
			return after, nil
		}
		// What the server fills in itself comes back.
		without.SetManagedFields(nil)
		foreseen, err := resource.Update(ctx, without, metav1.UpdateOptions{FieldManager: v1alpha1.FieldManager, DryRun: dryRun(how)})
		switch {
		case apierrors.IsInvalid(err) && !cannotChange(err):
			return after, nil
		case !apierrors.IsConflict(err) || try == triesOnLatest:
			return foreseen, err
		}
		if after, err = patch(ctx, resource, desired, how); err != nil {
			return nil, err
		}
	}
}

// resetOwn drops what is recorded of former applies of Cyan's own in a version that the server can't convert, and
// applies again.
func resetOwn(ctx context.Context, resource dynamic.ResourceInterface, desired, live *unstructured.Unstructured, how How, why error) (*unstructured.Unstructured, error) {
	kept := slices.DeleteFunc(live.GetManagedFields(), ownEntry)
	if len(kept) == len(live.GetManagedFields()) {
		return nil, why
	}
	if how.Trial == DryRun {
		return put(ctx, resource, desired, live, nil, how, why)
	}
	err := onLatest(ctx, resource, live, how, func(live *unstructured.Unstructured) error {
		return replaceManagedFields(ctx, resource, live, slices.DeleteFunc(live.GetManagedFields(), ownEntry), &live)
	})
	if err != nil {
		return nil, err
	}
	how.Basis = ""
	return patch(ctx, resource, desired, how)
}
