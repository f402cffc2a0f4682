package rollout

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/traffic/service"
)

// countingReader counts the objects that it hands out.
type countingReader struct {
	client.Reader
	objects int
}

func (r *countingReader) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	err := r.Reader.List(ctx, list, opts...)
	r.objects += meta.LenList(list)
	return err
}

// indexes collects what addIndexes adds.
type indexes struct{ *fake.ClientBuilder }

func (i indexes) IndexField(_ context.Context, o client.Object, field string, values client.IndexerFunc) error {
	i.WithIndex(o, field, values)
	return nil
}

// Looking at a Rollout costs the same whatever else its namespace holds.
func TestWhatIsReadDoesNotGrowWithTheNamespace(t *testing.T) {
	read := func(others int) int {
		builder := fake.NewClientBuilder().WithScheme(testkit.Scheme())
		for i := range others + 1 {
			builder.WithObjects(versionOf(fmt.Sprintf("app-%d", i))...)
		}
		if err := addIndexes(indexes{builder}); err != nil {
			t.Fatal(err)
		}
		reader := &countingReader{Reader: builder.Build()}
		o := observer{cache: reader, router: service.Router{Cache: reader, Live: reader}, expectations: newExpectations(time.Now)}
		ro := &v1alpha1.Rollout{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "app-0", UID: "app-0"},
			Spec:       v1alpha1.RolloutSpec{Strategy: v1alpha1.RolloutStrategy{BlueGreen: &v1alpha1.BlueGreenStrategy{ActiveService: "app-0"}}},
			Status:     v1alpha1.RolloutStatus{BlueGreen: v1alpha1.BlueGreenStatus{Switch: &v1alpha1.SwitchStatus{To: "abc", ConvergedAt: &metav1.Time{}}}},
		}
		got, err := o.around(context.Background(), &rollout.Observation{Rollout: ro})
		if err != nil {
			t.Fatal(err)
		}
		sets, pods, routes := got.ReplicaSets, got.Pods, got.Routes
		if len(sets) != 1 || sets[0].Name != "app-0" || len(pods) != 1 || pods[0].Name != "app-0" {
			t.Fatalf("among %d others: ReplicaSets %v, pods %v, want those of app-0", others, sets, pods)
		}
		if routes.Active == nil || len(routes.ActiveSlices) != 1 || routes.ActiveSlices[0].Name != "app-0" || len(routes.Left) != 1 || routes.Left[0].Name != "app-0-left" {
			t.Fatalf("among %d others: %+v, want the Services and the EndpointSlice of app-0", others, routes)
		}
		return reader.objects
	}
	if alone, among := read(0), read(20); among != alone {
		t.Errorf("%d objects were read among 20 other Rollouts, %d where there are none", among, alone)
	}
}

// versionOf returns a ReplicaSet of a Rollout and its pod, its Service with the EndpointSlice, and a Service that it
// names no longer.
func versionOf(ro string) []client.Object {
	owned := func(kind, by string) metav1.ObjectMeta {
		yes := true
		return metav1.ObjectMeta{
			Namespace: "shop", Name: ro, UID: types.UID("of-" + by), Labels: map[string]string{v1alpha1.PodHashLabel: "abc"},
			OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: ro, UID: types.UID(by), Controller: &yes}},
		}
	}
	marked := func(name string) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Annotations: map[string]string{v1alpha1.ManagedByRolloutsAnnotation: ro}},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{v1alpha1.PodHashLabel: "abc"}},
		}
	}
	return []client.Object{
		marked(ro), marked(ro + "-left"),
		&discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: ro, Labels: map[string]string{discoveryv1.LabelServiceName: ro}}},
		&appsv1.ReplicaSet{ObjectMeta: owned(v1alpha1.RolloutKind, ro)},
		&corev1.Pod{ObjectMeta: owned("ReplicaSet", "of-"+ro)},
	}
}
