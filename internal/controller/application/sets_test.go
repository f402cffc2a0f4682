package application

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

func TestApplicationSetsAreToldThatTheyAreNotServed(t *testing.T) {
	resource := v1alpha1.GroupVersion.WithResource("applicationsets")
	set := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "ApplicationSet", "metadata": map[string]any{"namespace": "argocd", "name": "all", "uid": "u", "generation": int64(1)},
		"spec":   map[string]any{"generators": []any{map[string]any{"list": map[string]any{}}}},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "ResourcesUpToDate", "status": "True"}}},
	}}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{resource: "ApplicationSetList"}, set)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s := newSetWatcher(client, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	read := func() []any {
		t.Helper()
		got, err := client.Resource(resource).Namespace("argocd").Get(t.Context(), "all", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		conditions, _, _ := unstructured.NestedSlice(got.Object, "status", "conditions")
		return conditions
	}
	look := func() {
		t.Helper()
		if err := s.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	conditions := read()
	if len(conditions) != 1 {
		t.Fatalf("conditions %v, want one", conditions)
	}
	got := conditions[0].(map[string]any)
	if got["type"] != "ErrorOccurred" || got["status"] != "True" || got["lastTransitionTime"] != "2026-05-01T12:00:00Z" || !strings.Contains(got["message"].(string), "ApplicationSet all: spec: no Application is generated from it") {
		t.Errorf("condition %v, want an error that says that nothing is generated", got)
	}
	// Another controller has the last word.
	set.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "ResourcesUpToDate", "status": "True"}}}
	if _, err := client.Resource(resource).Namespace("argocd").Update(t.Context(), set, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	look()
	if got := read()[0].(map[string]any)["type"]; got != "ResourcesUpToDate" {
		t.Errorf("condition %v was written over what another controller wrote", got)
	}
	set.SetGeneration(2)
	if _, err := client.Resource(resource).Namespace("argocd").Update(t.Context(), set, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	look()
	if got := read()[0].(map[string]any)["type"]; got != "ErrorOccurred" {
		t.Errorf("condition %v of a new generation, want an error", got)
	}
}

func TestConditionsAreCountedByType(t *testing.T) {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop"}}
	app.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: "SyncError", Message: "a"}, {Type: "SyncError", Message: "b"}, {Type: "UnsupportedWarning"}}
	got := map[string]float64{}
	for _, m := range conditions(app) {
		var written dto.Metric
		if err := m.Write(&written); err != nil {
			t.Fatal(err)
		}
		for _, l := range written.GetLabel() {
			if l.GetName() == "condition" {
				got[l.GetValue()] = written.GetGauge().GetValue()
			}
		}
	}
	if len(got) != 2 || got["SyncError"] != 2 || got["UnsupportedWarning"] != 1 {
		t.Errorf("got %v, want 2 of SyncError and 1 of UnsupportedWarning", got)
	}
}
