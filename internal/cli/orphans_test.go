package cli_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
	project := &v1alpha1.AppProject{}
	s.get(project, "argocd", "default")
	before := project.DeepCopy()
	project.Spec.OrphanedResources = &runtime.RawExtension{Raw: []byte("{}")}
	if err := s.cluster.Client.Patch(t.Context(), project, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cluster.Client.Patch(context.Background(), before, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"orphanedResources":null}}`)))
	})
	// Where the project has them monitored, they follow the Application's own, unless a flag says which are meant.
	for flag, want := range map[string]struct{ own, stray bool }{"": {true, true}, "--orphaned=true": {false, true}, "--orphaned=false": {true, false}} {
		got := s.run(slices.DeleteFunc([]string{"argocd", "app", "resources", "orphans", flag}, func(word string) bool { return word == "" })...)
		if strings.Contains(got, "own") != want.own || strings.Contains(got, "stray") != want.stray {
			t.Errorf("%s: got %q, want %+v", flag, got, want)
		}
	}
}
