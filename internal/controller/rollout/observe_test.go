package rollout

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
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
		o := observer{cache: reader, expectations: newExpectations(time.Now)}
		ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "app-0", UID: "app-0"}}
		sets, err := o.replicaSets(context.Background(), ro)
		if err != nil {
			t.Fatal(err)
		}
		pods, err := o.pods(context.Background(), "shop", sets)
		if err != nil {
			t.Fatal(err)
		}
		if len(sets) != 1 || sets[0].Name != "app-0" || len(pods) != 1 || pods[0].Name != "app-0" {
			t.Fatalf("among %d others: ReplicaSets %v, pods %v, want those of app-0", others, sets, pods)
		}
		return reader.objects
	}
	if alone, among := read(0), read(20); among != alone {
		t.Errorf("%d objects were read among 20 other Rollouts, %d where there are none", among, alone)
	}
}

// versionOf returns a ReplicaSet of a Rollout and its pod.
func versionOf(ro string) []client.Object {
	owned := func(kind, by string) metav1.ObjectMeta {
		yes := true
		return metav1.ObjectMeta{
			Namespace: "shop", Name: ro, UID: types.UID("of-" + by), Labels: map[string]string{v1alpha1.PodHashLabel: "abc"},
			OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: ro, UID: types.UID(by), Controller: &yes}},
		}
	}
	return []client.Object{
		&appsv1.ReplicaSet{ObjectMeta: owned(v1alpha1.RolloutKind, ro)},
		&corev1.Pod{ObjectMeta: owned("ReplicaSet", "of-"+ro)},
	}
}
