package validate

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// The manifests that Kubernetes tests itself with have the verdict of a real API server: nobody here wrote them.
func TestManifestsOfKubernetes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an API server")
	}
	cluster := testkit.Cluster(t)
	testkit.Eventually(t, time.Minute, "the service account of the namespace default", func() error {
		return cluster.Client.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "default"}, &corev1.ServiceAccount{})
	})
	known := knownOf(t, cluster)
	compared := 0
	for file, objects := range manifestsOfKubernetes(t) {
		for _, o := range objects {
			if namespace := o.Object.GetNamespace(); namespace != "" {
				err := cluster.Client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
				if err != nil && !apierrors.IsAlreadyExists(err) {
					continue
				}
			}
			err := dryRun(t.Context(), cluster.Client, o)
			if dependsOnOthers(err) {
				continue
			}
			compared++
			if found := lines(Check([]render.Rendered{o}, known)); (found == "") != (err == nil) {
				t.Errorf("%s: %s: the API server says %v, and here is found %q", file, ObjectName(o.Object), err, found)
			}
		}
	}
	if compared < 250 {
		t.Errorf("%d objects were compared, want at least 250", compared)
	}
}

// dependsOnOthers reports whether an API server refuses an object for others, which may be there.
func dependsOnOthers(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsForbidden(err) &&
		(strings.Contains(err.Error(), "error looking up service account") || strings.Contains(err.Error(), "priority admission controller"))
}

// manifestsOfKubernetes are the objects of its files by name, of those that are whole manifests and no templates.
func manifestsOfKubernetes(t *testing.T) map[string][]render.Rendered {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes").Output()
	if err != nil {
		t.Fatal(err)
	}
	module := os.DirFS(strings.TrimSpace(string(out)))
	all := map[string][]render.Rendered{}
	for _, folder := range []string{"cluster", "test"} {
		err := fs.WalkDir(module, folder, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !render.IsManifest(name) {
				return err
			}
			data, err := fs.ReadFile(module, name)
			if err != nil {
				return err
			}
			tree := fstest.MapFS{path.Base(name): {Data: data, Mode: 0o644}}
			if result, err := renderers.Render(tree, v1alpha1.ApplicationSource{}, render.Options{}); err == nil {
				all[name] = result.Objects
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
