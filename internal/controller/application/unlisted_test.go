package application_test

import (
	"context"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// An Application as another program left it: fields named x are those that Cyan's types do not have.
const fromElsewhere = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {namespace: %[1]s, name: elsewhere}
x: kept
spec:
  project: default
  source: {repoURL: %[2]s, path: k8s, targetRevision: main, x: {a: [{b: c}]}, directory: {x: kept}}
  destination: {server: https://kubernetes.default.svc, namespace: %[3]s, x: kept}
  syncPolicy: {x: kept, automated: {prune: true, selfHeal: true, x: kept}, retry: {limit: 2, x: kept, backoff: {duration: 1s, x: kept}}}
  ignoreDifferences: [{kind: Deployment, group: apps, jsonPointers: [/spec/replicas], x: kept}]
  info: [{name: a, value: b, x: kept}]
  x: {a: [{b: c}]}
status:
  x: {a: [{b: c}]}
  sync: {status: OutOfSync, x: kept, comparedTo: {x: kept, destination: {x: kept}}}
  health: {status: Healthy, x: kept}
  history: [{id: 0, revision: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, deployedAt: 2026-01-02T03:04:05Z, x: kept}]
  resources: [{version: v1, kind: ConfigMap, namespace: %[3]s, name: a, status: OutOfSync, x: kept}]
  summary: {x: kept}
`

func TestSyncKeepsFieldsOfOtherPrograms(t *testing.T) {
	w := newWorld(t)
	before := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(fmt.Appendf(nil, fromElsewhere, w.control, w.repo.URL, w.to), &before.Object); err != nil {
		t.Fatal(err)
	}
	if err := w.Create(context.Background(), before.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	name := types.NamespacedName{Namespace: w.control, Name: "elsewhere"}
	w.start()
	for _, colour := range []string{"green", "blue"} {
		sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", colour)})
		w.eventually(name, "the sync to "+colour, func(app *v1alpha1.Application) bool {
			return syncedTo(sha)(app) && app.Status.Health.Status == v1alpha1.HealthHealthy && len(app.Status.Resources) == 1
		})
		after := &unstructured.Unstructured{}
		after.SetGroupVersionKind(before.GroupVersionKind())
		if err := w.Get(context.Background(), name, after); err != nil {
			t.Fatal(err)
		}
		for _, lost := range testkit.MissingFields(before.Object, after.Object) {
			t.Errorf("after the sync to %s the Application has no %s", colour, lost)
		}
	}
}
