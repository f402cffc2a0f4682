package cli_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// What lies in an Application's namespace and is nobody's is listed, but for what the Application has.
func TestOrphanedResources(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("orphans")
	namespace := s.cluster.Namespace(t)
	for name, annotations := range map[string]map[string]string{
		"stray": nil, "own": nil, "other": {v1alpha1.TrackingIDAnnotation: "someone:/ConfigMap:" + namespace + "/other"},
	} {
		if err := s.cluster.Client.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: annotations}}); err != nil {
			t.Fatal(err)
		}
	}
	s.run("cyan", "app", "create", "orphans", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", namespace)
	app := s.app("orphans")
	app.Status.Resources = []v1alpha1.ResourceStatus{{Version: "v1", Kind: "ConfigMap", Namespace: namespace, Name: "own"}}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	if got, want := s.run("argocd", "app", "resources", "orphans", "--orphaned", "-o", "name"), "configmap/stray\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
