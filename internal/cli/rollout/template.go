package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/jsonpatch"
	"github.com/cyan-cd/cyan/internal/plan"
)

// templateHolder is the object whose pod template a Rollout runs: itself, or what its workloadRef names. It is
// handled without a type, so that nothing of it is lost.
type templateHolder struct {
	object *unstructured.Unstructured
	// path leads to the template.
	path []string
}

func (h templateHolder) name() string {
	return fmt.Sprintf("%s %q", h.object.GetKind(), h.object.GetName())
}

func findTemplate(ctx context.Context, e *kit.Env, c client.Client, ro *v1alpha1.Rollout) (templateHolder, error) {
	h := templateHolder{object: &unstructured.Unstructured{}, path: []string{"spec", "template"}}
	h.object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind))
	h.object.SetName(ro.Name)
	if ref := ro.Spec.WorkloadRef; ref != nil {
		h.object.SetAPIVersion(ref.APIVersion)
		h.object.SetKind(ref.Kind)
		h.object.SetName(ref.Name)
		if ref.Kind == "PodTemplate" {
			h.path = []string{"template"}
		}
	}
	if err := c.Get(ctx, client.ObjectKey{Namespace: ro.Namespace, Name: h.object.GetName()}, h.object); err != nil {
		return h, e.Explain(err, "reading "+h.name())
	}
	return h, nil
}

// asRead begins a patch of the object as it was read.
func (h templateHolder) asRead() jsonpatch.Patch {
	return jsonpatch.AsRead(h.object.GetResourceVersion())
}

// in is a path below the template.
func (h templateHolder) in(keys ...string) []string { return append(slices.Clone(h.path), keys...) }

// rewrite patches the object.
func (h templateHolder) rewrite(ctx context.Context, c client.Client, patch jsonpatch.Patch) error {
	data, err := patch.Data()
	if err != nil {
		return err
	}
	err = c.Patch(ctx, h.object, client.RawPatch(types.JSONPatchType, data))
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "test operation") {
		return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("rollouts").GroupResource(), h.object.GetName(), err)
	}
	return err
}

// warnManaged notes that git has the last word.
func warnManaged(e *kit.Env, ro *v1alpha1.Rollout) {
	instance, _, ok := plan.ParseTrackingID(ro.Annotations[v1alpha1.TrackingIDAnnotation])
	if ok {
		e.Note("note: Application %q keeps this Rollout as git has it: with self-heal this is undone at once; commit the change to keep it", instance)
	}
}
