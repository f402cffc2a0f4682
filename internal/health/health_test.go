package health_test

import (
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
)

// kindCases are the cases of one kind in testdata/kinds.yaml.
type kindCases struct {
	// Kind is apiVersion and kind.
	Kind  string
	Cases []struct {
		Rule    string
		Object  map[string]any
		Health  v1alpha1.HealthStatusCode
		Message string
	}
}

func TestOf(t *testing.T) {
	data, err := os.ReadFile("testdata/kinds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []kindCases
	if err := yaml.UnmarshalStrict(data, &kinds); err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		version, kind, _ := strings.Cut(k.Kind, " ")
		for _, c := range k.Cases {
			t.Run(kind+"/"+c.Rule, func(t *testing.T) {
				object := &unstructured.Unstructured{Object: map[string]any{}}
				text, err := json.Marshal(c.Object)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(text, &object.Object); err != nil {
					t.Fatal(err)
				}
				object.SetAPIVersion(version)
				object.SetKind(kind)
				got := v1alpha1.HealthStatus{}
				if h := health.Of(object); h != nil {
					got = *h
				}
				if got.Status != c.Health || got.Message != c.Message {
					t.Errorf("%q %q, want %q %q", got.Status, got.Message, c.Health, c.Message)
				}
			})
		}
	}
}

// Kinds that are as good as they are written have no health, even if something writes a status into them.
func TestOfKindsWithoutHealth(t *testing.T) {
	for _, name := range []string{
		"v1 ConfigMap", "v1 Secret", "v1 ServiceAccount", "v1 LimitRange", "v1 ResourceQuota", "v1 Endpoints", "v1 PodTemplate",
		"v1 Event", "rbac.authorization.k8s.io/v1 Role", "rbac.authorization.k8s.io/v1 RoleBinding",
		"rbac.authorization.k8s.io/v1 ClusterRole", "rbac.authorization.k8s.io/v1 ClusterRoleBinding",
		"networking.k8s.io/v1 NetworkPolicy", "networking.k8s.io/v1 IngressClass", "storage.k8s.io/v1 StorageClass",
		"scheduling.k8s.io/v1 PriorityClass", "coordination.k8s.io/v1 Lease", "discovery.k8s.io/v1 EndpointSlice",
		"argoproj.io/v1alpha1 AppProject",
	} {
		version, kind, _ := strings.Cut(name, " ")
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": version, "kind": kind, "status": map[string]any{"observedGeneration": int64(1)},
		}}
		if got := health.Of(object); got != nil {
			t.Errorf("%s: %s %q, want no health", name, got.Status, got.Message)
		}
		object.SetAPIVersion("example.com/v1")
		if got := health.Of(object); got == nil {
			t.Errorf("%s of another group: no health, want one by convention", kind)
		}
	}
}

func TestWorse(t *testing.T) {
	order := []v1alpha1.HealthStatusCode{"", v1alpha1.HealthHealthy, v1alpha1.HealthSuspended, v1alpha1.HealthProgressing, v1alpha1.HealthMissing, v1alpha1.HealthDegraded, v1alpha1.HealthUnknown}
	for i, x := range order {
		for j, y := range order {
			if got := health.Worse(x, y); got != order[max(i, j)] {
				t.Errorf("of %q and %q, %q is said to be worse", x, y, got)
			}
		}
	}
}
