package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// deploy puts an object into the cluster that the Applications of the world go to.
func (w *world) deploy(object runtime.Object) {
	w.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err == nil {
		err = w.dynamic.Tracker().Add(&unstructured.Unstructured{Object: content})
	}
	if err != nil {
		w.Fatal(err)
	}
}

func replicaSet(namespace string) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "web-1", UID: "rs-1", Annotations: map[string]string{"deployment.kubernetes.io/revision": "1"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "shop-web"}},
		},
	}
}

// The tree has the shape that clients of Argo CD's API read, and filters name objects of it.
func TestResourceTree(t *testing.T) {
	w := newWorld(t)
	w.deploy(replicaSet("shop"))
	status, answer := w.call("shopper", http.MethodGet, "/api/v1/applications/shop-web/resource-tree", "")
	const want = `{"hosts":[],"nodes":[{"group":"apps","health":{"message":"0 of 1 replicas are updated","status":"Progressing"},"kind":"Deployment","name":"web","namespace":"shop","uid":"shop-web","version":"v1"},` +
		`{"group":"apps","health":{"message":"0 of 1 replicas are available","status":"Progressing"},"info":[{"name":"Revision","value":"Rev:1"}],"kind":"ReplicaSet","name":"web-1","namespace":"shop","parentRefs":[{"group":"apps","kind":"Deployment","name":"web","namespace":"shop","uid":"shop-web"}],"uid":"rs-1","version":"v1"},{"group":"argoproj.io","kind":"Rollout","name":"web","namespace":"shop","version":"v1alpha1"}],"orphanedNodes":[],"shardsCount":1}`
	if got, _ := json.Marshal(answer); status != http.StatusOK || string(got) != want {
		t.Errorf("got %d\n%s\nwant\n%s", status, got, want)
	}
	_, answer = w.call("shopper", http.MethodGet, "/api/v1/applications/shop-web/resource-tree?kind=ReplicaSet&group=apps", "")
	if nodes := answer["nodes"].([]any); len(nodes) != 1 {
		t.Errorf("filtered by kind: %v", nodes)
	}
}

// A place that the project does not permit is not looked at, whatever the status says of it.
func TestTreesKeepToTheirProject(t *testing.T) {
	w := newWorld(t)
	app := w.app("shop-web")
	app.Spec.Destination.Namespace = "bank"
	if err := w.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/applications/shop-web/resource-tree", "/api/v1/stream/applications/shop-web/resource-tree"} {
		_, answer := w.call("shopper", http.MethodGet, path, "")
		if got, _ := json.Marshal(answer); !strings.Contains(string(got), "do not match any of the allowed destinations") {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// A stream sends the tree again when something of it has changed, and ends when who reads it may no longer.
func TestTreeStreams(t *testing.T) {
	w := newWorld(t)
	stream := w.stream("shopper", "/api/v1/stream/applications/shop-web/resource-tree")
	if frame := stream.next(); strings.Contains(frame, "ReplicaSet") {
		t.Fatalf("the first frame is %s", frame)
	}
	w.deploy(replicaSet("shop"))
	for !strings.Contains(stream.next(), `"name":"web-1"`) {
	}
	w.policy("p, admin, *, *, *, allow")
	for {
		frame := stream.next()
		if !strings.Contains(frame, `"error"`) {
			continue
		}
		if want := `{"error":{"grpc_code":7,"http_code":403,"message":"permission denied","http_status":"Forbidden"}}`; frame != want {
			t.Errorf("the last frame is %s, want %s", frame, want)
		}
		return
	}
}
