package validate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// Whatever is refused here is refused by a real API server, and whatever is not is taken; but for fields that Cyan's
// own kinds do not list.
func TestAgreesWithTheAPIServer(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an API server")
	}
	cluster := testkit.Cluster(t)
	ctx := t.Context()
	for _, name := range []string{"shop", "argocd"} {
		err := cluster.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, time.Minute, "the service account of the namespace default", func() error {
		return cluster.Client.Get(ctx, client.ObjectKey{Namespace: "default", Name: "default"}, &corev1.ServiceAccount{})
	})
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			objects, _ := unpack(t, txtar.Parse(data))
			installDefinitions(t, cluster, objects)
			findings := Check(objects, knownOf(t, cluster))
			for _, o := range objects {
				refused := ""
				for _, f := range findings {
					if f.Object == ObjectName(o.Object) && f.File == o.Origin.File {
						refused = f.Error()
					}
				}
				err := dryRun(ctx, cluster.Client, o)
				switch {
				case err == nil && isOwn(o.Object.GroupVersionKind()) && strings.Contains(refused, " has no field "):
				case err == nil && refused != "":
					t.Errorf("the API server takes %s, and here it is refused: %s", ObjectName(o.Object), refused)
				case err != nil && refused == "":
					t.Errorf("here %s passes, and the API server says: %v", ObjectName(o.Object), err)
				}
			}
		})
	}
}

func dryRun(ctx context.Context, c client.Client, o render.Rendered) error {
	object := o.Object.DeepCopy()
	mapping, err := c.RESTMapper().RESTMapping(object.GroupVersionKind().GroupKind(), object.GroupVersionKind().Version)
	if err != nil {
		return err
	}
	object.SetNamespace(o.Object.GetNamespace())
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace && object.GetNamespace() == "" {
		object.SetNamespace("default")
	}
	err = c.Create(ctx, object, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// installDefinitions creates the definitions that an API server takes, so that it knows their kinds.
func installDefinitions(t *testing.T, cluster *testkit.LocalCluster, objects []render.Rendered) {
	t.Helper()
	for _, o := range objects {
		if o.Object.GroupVersionKind() != crdKind {
			continue
		}
		definition := o.Object.DeepCopy()
		if err := cluster.Client.Create(t.Context(), definition); err != nil {
			continue
		}
		testkit.Eventually(t, time.Minute, "serving "+definition.GetName(), func() error {
			crd := &apiextensionsv1.CustomResourceDefinition{}
			if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(definition), crd); err != nil {
				return err
			}
			for _, c := range crd.Status.Conditions {
				if c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue {
					return nil
				}
			}
			return errors.New("it is not established")
		})
	}
}

// knownOf gathers what Check wants to know of a cluster.
func knownOf(t *testing.T, cluster *testkit.LocalCluster) *Known {
	t.Helper()
	d, err := discovery.NewDiscoveryClientForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	known := &Known{Kinds: map[schema.GroupVersionKind]bool{}}
	_, lists, err := d.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") {
				known.Kinds[gv.WithKind(r.Kind)] = r.Namespaced
			}
		}
	}
	var crds apiextensionsv1.CustomResourceDefinitionList
	if err := cluster.Client.List(t.Context(), &crds); err != nil {
		t.Fatal(err)
	}
	known.CRDs = crds.Items
	return known
}
