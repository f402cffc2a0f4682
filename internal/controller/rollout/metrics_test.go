package rollout_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// series returns the names of the metrics that the controller has of a Rollout.
func (w *world) series(name string) []string {
	w.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.Fatal(err)
	}
	var names []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if label(m, "namespace") == w.namespace && label(m, "name") == name {
				names = append(names, family.GetName())
			}
		}
	}
	return slices.Compact(names)
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// Rollouts come and go, as those of previews do: nothing of them stays in the memory of the controller.
func TestMetricsOfARolloutGoWithIt(t *testing.T) {
	w := newWorld(t)
	w.create(app())
	w.serves("v1")
	has := w.series("app")
	for _, want := range []string{
		"rollout_info", "rollout_phase", "rollout_info_replicas_available", "rollout_info_replicas_unavailable",
		"rollout_info_replicas_desired", "rollout_info_replicas_updated", "rollout_reconcile", "rollout_events_total",
	} {
		if !slices.Contains(has, want) {
			t.Errorf("metrics of a Rollout that serves: got %v, want %s among them", has, want)
		}
	}
	if err := w.client.Delete(context.Background(), &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "app"}}); err != nil {
		t.Fatal(err)
	}
	w.eventually("its Services to be released", func() error {
		if v := w.version("active"); v != "" {
			return fmt.Errorf("active selects %s", v)
		}
		return nil
	})
	w.eventually("its metrics to be gone", func() error {
		if left := w.series("app"); len(left) != 0 {
			return fmt.Errorf("got %v, want none", left)
		}
		return nil
	})
}
