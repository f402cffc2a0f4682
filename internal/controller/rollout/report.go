package rollout

import (
	"context"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/recorder"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// reporter writes what was decided where people and programs look for it.
type reporter struct {
	client   client.Client
	versions *versions
	recorder *recorder.Recorder
	metrics  *metrics
}

// report writes the annotations and the status if they changed, and records the events.
func (r reporter) report(ctx context.Context, ro *v1alpha1.Rollout, decision rollout.Decision) error {
	if err := r.annotate(ctx, ro, decision.Annotations); err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(ro.Status, decision.Status) {
		after := ro.DeepCopy()
		after.Status = decision.Status
		if err := patch.UnchangedStatus(ctx, r.client, ro, after); err != nil {
			return fmt.Errorf("writing the status of Rollout %s/%s: %w", ro.Namespace, ro.Name, err)
		}
		r.versions.wrote(ro.ResourceVersion, after)
	}
	r.record(ro, decision.Events...)
	if decision.Completed > 0 {
		r.metrics.finished(ro.Namespace, ro.Name, decision.Completed)
	}
	return nil
}

// annotate sets annotations of a Rollout where they differ, in the one at hand as well; an empty value removes one.
func (r reporter) annotate(ctx context.Context, ro *v1alpha1.Rollout, set map[string]string) error {
	after := ro.DeepCopy()
	if after.Annotations == nil {
		after.Annotations = map[string]string{}
	}
	maps.Copy(after.Annotations, set)
	maps.DeleteFunc(after.Annotations, func(key, value string) bool { _, ours := set[key]; return ours && value == "" })
	if len(set) == 0 || maps.Equal(ro.Annotations, after.Annotations) {
		return nil
	}
	if err := r.client.Patch(ctx, after, client.MergeFrom(ro)); err != nil {
		return fmt.Errorf("annotating Rollout %s/%s: %w", ro.Namespace, ro.Name, err)
	}
	ro.Annotations, ro.ResourceVersion = after.Annotations, after.ResourceVersion
	return nil
}

func (r reporter) record(ro *v1alpha1.Rollout, events ...rollout.Event) {
	for _, e := range events {
		r.metrics.recorded(ro.Namespace, ro.Name, e)
		r.recorder.Record(ro, recorder.Event{Type: e.Type, Reason: e.Reason, Message: e.Message, Once: e.Once})
	}
}
