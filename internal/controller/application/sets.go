package application

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/settings"
)

// setsEvery is the time between two looks for ApplicationSets.
const setsEvery = time.Minute

// setWatcher writes on each ApplicationSet that nothing is generated from it, in the conditions of its own status. It
// says so once for each generation: whoever serves ApplicationSets beside Cyan has the last word.
type setWatcher struct {
	client dynamic.NamespaceableResourceInterface
	now    func() time.Time
	log    *slog.Logger
	told   map[types.UID]int64
}

func newSetWatcher(client dynamic.Interface, now func() time.Time, log *slog.Logger) *setWatcher {
	return &setWatcher{client: client.Resource(v1alpha1.GroupVersion.WithResource("applicationsets")), now: now, log: log, told: map[types.UID]int64{}}
}

// run looks until ctx ends.
func (s *setWatcher) run(ctx context.Context) error {
	ticker := time.NewTicker(setsEvery)
	defer ticker.Stop()
	for {
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.log.Debug("looking for ApplicationSets", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// look writes to the ApplicationSets that have no word of it yet. A cluster without the kind has none.
func (s *setWatcher) look(ctx context.Context) error {
	sets, err := s.client.List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range sets.Items {
		set := &sets.Items[i]
		if told, ok := s.told[set.GetUID()]; ok && told == set.GetGeneration() {
			continue
		}
		if err := s.tell(ctx, set); err != nil {
			return err
		}
		s.told[set.GetUID()] = set.GetGeneration()
	}
	return nil
}

// setCondition is a condition in the status of an ApplicationSet.
type setCondition struct {
	Type               string `json:"type"`
	Status             string `json:"status"`
	Reason             string `json:"reason"`
	Message            string `json:"message"`
	LastTransitionTime string `json:"lastTransitionTime"`
}

func (s *setWatcher) tell(ctx context.Context, set *unstructured.Unstructured) error {
	var message string
	for _, f := range settings.Unserved(set) {
		if f.Verdict == settings.Refused {
			message = f.Problem().Error()
		}
	}
	if message == "" || hasSetCondition(set, message) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []setCondition{
		{"ErrorOccurred", "True", "Unsupported", message, s.now().UTC().Format(time.RFC3339)},
	}}})
	if err != nil {
		return err
	}
	s.log.Warn("not served", "object", "ApplicationSet "+set.GetNamespace()+"/"+set.GetName(), "cause", message)
	in := s.client.Namespace(set.GetNamespace())
	_, err = in.Patch(ctx, set.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: v1alpha1.ApplicationFieldManager}, "status")
	if apierrors.IsNotFound(err) {
		// The definition has no status of its own, or the object is gone.
		_, err = in.Patch(ctx, set.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: v1alpha1.ApplicationFieldManager})
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func hasSetCondition(set *unstructured.Unstructured, message string) bool {
	conditions, _, _ := unstructured.NestedSlice(set.Object, "status", "conditions")
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["message"] == message {
			return true
		}
	}
	return false
}
