package rollout

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/plan"
)

// findTemplate reads the object whose pod template a Rollout runs.
func findTemplate(ctx context.Context, e *kit.Env, c client.Client, ro *v1alpha1.Rollout) (action.Template, error) {
	t, err := action.TemplateOf(ro)
	if err != nil {
		return t, err
	}
	if err := c.Get(ctx, client.ObjectKey{Namespace: ro.Namespace, Name: t.Object.GetName()}, t.Object); err != nil {
		return t, e.Explain(err, fmt.Sprintf("reading %s %q", t.Object.GetKind(), t.Object.GetName()))
	}
	return t, nil
}

// rewrite changes a template.
func rewrite(ctx context.Context, c client.Client, t action.Template, request action.Request) error {
	err := kit.Send(ctx, c, t.Object, request)
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "test operation") {
		return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("rollouts").GroupResource(), t.Object.GetName(), err)
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
