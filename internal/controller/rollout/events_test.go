package rollout_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// told are the events about the Rollout, in the order in which they were recorded.
func (w *world) told(ro *v1alpha1.Rollout) []corev1.Event {
	w.Helper()
	list := &corev1.EventList{}
	if err := w.client.List(context.Background(), list, client.InNamespace(w.namespace)); err != nil {
		w.Fatal(err)
	}
	own := slices.DeleteFunc(list.Items, func(e corev1.Event) bool { return e.InvolvedObject.UID != ro.UID })
	slices.SortFunc(own, func(a, b corev1.Event) int {
		first, _ := strconv.Atoi(a.ResourceVersion)
		second, _ := strconv.Atoi(b.ResourceVersion)
		return first - second
	})
	return own
}

// Tools read events in their order, and each with its text: none is counted up into another.
func TestEventsInTheirOrder(t *testing.T) {
	w := newWorld(t)
	ro := app()
	ro.Spec.Strategy.BlueGreen.PreviewService = ""
	w.create(ro)
	w.serves("v1")
	w.image("v2")
	w.serves("v2")
	want := []string{
		"RolloutAddedToInformer", "RolloutUpdated", "NewReplicaSetCreated", "ScalingReplicaSet", "RolloutCompleted", "SwitchService",
		"RolloutUpdated", "NewReplicaSetCreated", "RolloutNotCompleted", "ScalingReplicaSet", "SwitchService", "RolloutCompleted",
	}
	w.eventually("the events of two versions", func() error {
		var reasons, texts []string
		for _, e := range w.told(w.rollout()) {
			reasons, texts = append(reasons, e.Reason), append(texts, e.Reason+": "+e.Message)
			if e.Count != 1 || e.Series != nil || e.Message == "" {
				return fmt.Errorf("%s %q is counted %d times", e.Reason, e.Message, e.Count)
			}
		}
		// The old pods may have gone by now.
		if len(reasons) < len(want) || !slices.Equal(reasons[:len(want)], want) {
			return fmt.Errorf("got\n%s\nwant\n%s", strings.Join(texts, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})
}
