package rollout

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/traffic/service"
)

// What is remembered of a Rollout is as good as what the API server says only where the cache shows the very version
// that was read or written last.
func TestRemembered(t *testing.T) {
	at := func(version string) *v1alpha1.Rollout {
		return &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", ResourceVersion: version}}
	}
	for _, test := range []struct {
		name  string
		shown func(*v1alpha1.Rollout)
		known func(*versions)
		want  bool
	}{
		{"nothing was read", nil, func(*versions) {}, false},
		{"the version that was read", nil, func(v *versions) { v.read(at("7"), []string{"spec.x"}, nil) }, true},
		{"one before the version that was read", nil, func(v *versions) { v.read(at("8"), nil, nil) }, false},
		{"one after the version that was read", nil, func(v *versions) { v.read(at("6"), nil, nil) }, false},
		{"the version that was written", nil, func(v *versions) { v.read(at("6"), []string{"spec.x"}, nil); v.wrote("6", at("7")) }, true},
		{"one before the version that was written", nil, func(v *versions) { v.read(at("7"), nil, nil); v.wrote("7", at("8")) }, false},
		{"written after a version that was not read", nil, func(v *versions) { v.read(at("5"), nil, nil); v.wrote("6", at("7")) }, false},
		{"written, but never read", nil, func(v *versions) { v.wrote("6", at("7")) }, false},
		{"forgotten", nil, func(v *versions) { v.read(at("7"), nil, nil); v.forget(client.ObjectKeyFromObject(at("7"))) }, false},
		{"another controller's by now", func(ro *v1alpha1.Rollout) { ro.Labels = map[string]string{v1alpha1.RolloutInstanceIDLabel: "other"} },
			func(v *versions) { v.read(at("7"), nil, nil) }, false},
		{"with a workload, which is read from the API server", func(ro *v1alpha1.Rollout) {
			ro.Spec.WorkloadRef = &v1alpha1.WorkloadRef{Kind: "Deployment", Name: "web"}
		},
			func(v *versions) { v.read(at("7"), nil, nil) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			shown := at("7")
			if test.shown != nil {
				test.shown(shown)
			}
			builder := fake.NewClientBuilder().WithScheme(testkit.Scheme()).WithObjects(shown)
			if err := addIndexes(indexes{builder}); err != nil {
				t.Fatal(err)
			}
			cache := builder.Build()
			o := observer{cache: cache, router: service.Router{Client: cache, Cache: cache, Live: cache}, expectations: newExpectations(time.Now), versions: newVersions()}
			test.known(o.versions)
			got, err := o.remembered(t.Context(), client.ObjectKeyFromObject(shown))
			if err != nil {
				t.Fatal(err)
			}
			if (got != nil) != test.want {
				t.Fatalf("got %v, want one: %v", got, test.want)
			}
			if got != nil && (len(got.Unserved) != 1 || got.Rollout.Kind != v1alpha1.RolloutKind) {
				t.Errorf("unserved are %v, the kind is %q; want what was found when it was read, and Rollout", got.Unserved, got.Rollout.Kind)
			}
		})
	}
}
