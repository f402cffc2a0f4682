package cli_test

import (
	"context"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/testkit"
)

// Objects as another program left them: fields named x are those that Cyan's types do not have.
const appFromElsewhere = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {namespace: argocd, name: elsewhere, finalizers: [resources-finalizer.argocd.argoproj.io]}
x: kept
spec:
  x: {a: [{b: c}]}
  project: default
  source: {repoURL: %[1]s, path: k8s, targetRevision: main, x: kept, kustomize: {x: kept, replicas: [{name: shop, count: 2, x: kept}, {name: other, count: 1, x: kept}]}}
  destination: {server: https://kubernetes.default.svc, namespace: default, x: kept}
  syncPolicy: {x: kept, automated: {prune: true, x: kept}}
  info: [{name: a, value: b, x: kept}]
status:
  x: kept
  sync: {status: OutOfSync, x: kept}
  history: [{id: 0, revision: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, deployedAt: 2026-01-02T03:04:05Z, x: kept}]
`

const projectFromElsewhere = `
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {namespace: argocd, name: elsewhere}
spec:
  x: kept
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: a, x: kept}, {server: "*", namespace: b, x: kept}]
  clusterResourceWhitelist: [{group: "", kind: Namespace, x: kept}]
`

func (s *shell) stored(text string, args ...any) (before *unstructured.Unstructured, lost func() []string) {
	s.t.Helper()
	before = &unstructured.Unstructured{}
	if err := yaml.Unmarshal(fmt.Appendf(nil, text, args...), &before.Object); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cluster.Client.Create(s.t.Context(), before.DeepCopy()); err != nil {
		s.t.Fatal(err)
	}
	return before, func() []string {
		s.t.Helper()
		after := &unstructured.Unstructured{}
		after.SetGroupVersionKind(before.GroupVersionKind())
		s.get(after, before.GetNamespace(), before.GetName())
		return testkit.MissingFields(before.Object, after.Object)
	}
}

func TestCommandsKeepFieldsOfOtherPrograms(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("elsewhere")
	_, lost := s.stored(appFromElsewhere, repo.URL)
	for _, line := range [][]string{
		{"cyan", "app", "set", "elsewhere", "--kustomize-replica", "shop=3", "--self-heal", "--validate=false"},
		{"cyan", "app", "set", "elsewhere", "--path", "k8s/other", "--validate=false"},
		{"cyan", "app", "set", "elsewhere", "--sync-option", "CreateNamespace=true"},
		{"cyan", "app", "unset", "elsewhere", "--sync-option", "CreateNamespace"},
		{"cyan", "app", "create", "elsewhere", "--repo", repo.URL, "--path", "k8s", "--revision", "main", "--dest-namespace", "other", "--sync-policy", "automated", "--kustomize-replica", "shop=4", "--kustomize-replica", "other=1", "--upsert", "--validate=false"},
		{"cyan", "app", "sync", "elsewhere", "--async"},
		{"cyan", "app", "terminate-op", "elsewhere"},
	} {
		if out, note, err := s.try(line...); err != nil {
			t.Errorf("%v: %v\n%s%s", line, err, out, note)
		}
		for _, field := range lost() {
			switch field {
			// What a line names, it may remove.
			case ".spec.info", ".spec.syncPolicy.automated.prune":
			default:
				t.Errorf("%v: the Application has no %s", line, field)
			}
		}
	}
	project, lost := s.stored(projectFromElsewhere)
	t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), project) })
	s.run("cyan", "proj", "create", "elsewhere", "--src", "*", "--dest", "*,a", "--dest", "*,b", "--dest", "*,c", "--allow-cluster-resource", "/Namespace", "--upsert")
	if lost := lost(); len(lost) > 0 {
		t.Errorf("the AppProject has no %v", lost)
	}
}
