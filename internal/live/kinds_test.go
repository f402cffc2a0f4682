package live

import (
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What all Applications ask of the kinds of a cluster is made once, and is the same for all of them.
func TestKindsAreSummarizedOnce(t *testing.T) {
	k := &Kinds{byKind: map[schema.GroupVersionKind]served{}}
	k.add(&metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "pods", Kind: "Pod", Namespaced: true}, {Name: "nodes", Kind: "Node"}}})
	if got, want := k.All(), map[schema.GroupVersionKind]bool{{Version: "v1", Kind: "Pod"}: true, {Version: "v1", Kind: "Node"}: false}; !reflect.DeepEqual(got, want) {
		t.Errorf("all: got %v, want %v", got, want)
	}
	if got, want := k.ClusterScoped(), map[schema.GroupKind]bool{{Kind: "Node"}: true}; !reflect.DeepEqual(got, want) {
		t.Errorf("without a namespace: got %v, want %v", got, want)
	}
	for name, twice := range map[string][2]any{"all": {k.All(), k.All()}, "without a namespace": {k.ClusterScoped(), k.ClusterScoped()}} {
		if reflect.ValueOf(twice[0]).Pointer() != reflect.ValueOf(twice[1]).Pointer() {
			t.Errorf("%s: made twice", name)
		}
	}
}
