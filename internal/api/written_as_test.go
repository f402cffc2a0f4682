package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/informer"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// apiServer serves two kinds of a cluster, notes as whom each object is written and how it is deleted, and permits
// nobody that.
type apiServer struct {
	mu      sync.Mutex
	writers []string
	deleted []metav1.DeletionPropagation
	// finalizers are those of the Rollout.
	finalizers []string
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	group := func(name, version string) metav1.APIGroup {
		v := metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + version, Version: version}
		return metav1.APIGroup{Name: name, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v}
	}
	kind := func(version, kind, plural string, more ...string) *metav1.APIResourceList {
		list := &metav1.APIResourceList{GroupVersion: version, APIResources: []metav1.APIResource{{Name: plural, Kind: kind, Namespaced: true}}}
		for _, name := range more {
			list.APIResources = append(list.APIResources, metav1.APIResource{Name: plural + "/" + name, Kind: kind, Namespaced: true})
		}
		return list
	}
	answers := map[string]any{
		"/api":                       &metav1.APIVersions{Versions: []string{}},
		"/apis":                      &metav1.APIGroupList{Groups: []metav1.APIGroup{group("apps", "v1"), group("argoproj.io", "v1alpha1")}},
		"/apis/apps":                 group("apps", "v1"),
		"/apis/argoproj.io":          group("argoproj.io", "v1alpha1"),
		"/apis/apps/v1":              kind("apps/v1", "Deployment", "deployments"),
		"/apis/argoproj.io/v1alpha1": kind("argoproj.io/v1alpha1", "Rollout", "rollouts", "status"),
		"/apis/apps/v1/namespaces/shop/deployments/web": map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"namespace": "shop", "name": "web", "uid": "shop-web", "resourceVersion": "1", "annotations": map[string]any{v1alpha1.TrackingIDAnnotation: "shop-web:apps/Deployment:shop/web"}},
			"spec": map[string]any{"replicas": 1, "selector": map[string]any{}, "template": map[string]any{"metadata": map[string]any{}, "spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "web"}}}}},
		},
		"/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web": &v1alpha1.Rollout{
			TypeMeta:   metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "shop-rollout", Finalizers: s.finalizers, Annotations: map[string]string{v1alpha1.TrackingIDAnnotation: "shop-web:argoproj.io/Rollout:shop/web"}},
		},
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		answer, known := answers[r.URL.Path]
		if !known {
			w.WriteHeader(http.StatusNotFound)
			answer = metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound}
		}
		_ = json.NewEncoder(w).Encode(answer)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writers = append(s.writers, r.Header.Get("Impersonate-User"))
	if options := (metav1.DeleteOptions{}); r.Method == http.MethodDelete && json.NewDecoder(r.Body).Decode(&options) == nil && options.PropagationPolicy != nil {
		s.deleted = append(s.deleted, *options.PropagationPolicy)
	}
	w.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden, Message: "forbidden: no right to " + r.Method})
}

// reaches has a world's cluster be another one.
func (w *world) reaches(s *apiServer) {
	server := httptest.NewServer(s)
	w.Cleanup(server.Close)
	clusters := &informer.Clusters{Reader: w.Client, Namespace: control, Home: &rest.Config{Host: server.URL}, Scheme: testkit.Scheme()}
	w.options.Clusters, w.options.Informers = clusters, informer.New(ctxOf(w), clusters)
	w.handler = Handler(w.options)
}

// What a caller deletes takes its pods along, but for a Rollout that keeps them until its workload has its own.
func TestDeletionsLeavePodsThatAreWaitedFor(t *testing.T) {
	for _, c := range []struct {
		finalizers []string
		query      string
		want       metav1.DeletionPropagation
	}{
		{nil, "", metav1.DeletePropagationForeground},
		{[]string{v1alpha1.WorkloadFinalizer}, "", metav1.DeletePropagationBackground},
		{[]string{v1alpha1.WorkloadFinalizer}, "&force=true", metav1.DeletePropagationBackground},
		{[]string{v1alpha1.WorkloadFinalizer}, "&orphan=true", metav1.DeletePropagationOrphan},
	} {
		w, cluster := newWorld(t), &apiServer{finalizers: c.finalizers}
		w.reaches(cluster)
		status, answer := w.call("shopper", http.MethodDelete, "/api/v1/applications/shop-web/resource?group=argoproj.io&version=v1alpha1&kind=Rollout&namespace=shop&resourceName=web"+c.query, "")
		if !slices.Equal(cluster.deleted, []metav1.DeletionPropagation{c.want}) {
			t.Errorf("finalizers %v%s: deleted %v, want %s; answered %d %v", c.finalizers, c.query, cluster.deleted, c.want, status, answer)
		}
	}
}

// What a caller has written to the cluster is written as the service account that the project names, whichever call it
// comes by: what that may not do, he may not do by the program. Where the project has none, nothing is written.
func TestObjectsAreWrittenAsTheServiceAccount(t *testing.T) {
	w := newWorld(t)
	w.set("application.sync.impersonation.enabled", "true")
	project := &v1alpha1.AppProject{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: control, Name: "shop"}, project); err != nil {
		t.Fatal(err)
	}
	cluster := &apiServer{}
	w.reaches(cluster)

	const deployment = "?group=apps&version=v1&kind=Deployment&namespace=shop&resourceName=web"
	calls := []struct{ method, path, body string }{
		{http.MethodPost, "/api/v1/rollouts/shop/web/promote", `{}`},
		{http.MethodPost, "/api/v1/rollouts/shop/web/promote", `{"full":true}`},
		{http.MethodPost, "/api/v1/rollouts/shop/web/abort", `{}`},
		{http.MethodPost, "/api/v1/rollouts/shop/web/pause", `{}`},
		{http.MethodPost, "/api/v1/rollouts/shop/web/restart", `{}`},
		{http.MethodPost, "/api/v1/rollouts/shop/web/undo", `{}`},
		{http.MethodPost, "/api/v1/rollouts/shop/web/set-image", `{"image":"registry.example/web:3"}`},
		{http.MethodPost, "/api/v1/applications/shop-web/resource/actions" + deployment, `"restart"`},
		{http.MethodPost, "/api/v1/applications/shop-web/resource" + deployment, `"{\"spec\":{\"replicas\":2}}"`},
		{http.MethodDelete, "/api/v1/applications/shop-web/resource" + deployment, ""},
	}
	for _, accounts := range []string{"", "deployer"} {
		project.Spec.DestinationServiceAccounts = nil
		if accounts != "" {
			project.Spec.DestinationServiceAccounts = []runtime.RawExtension{{Raw: []byte(`{"server":"*","namespace":"*","defaultServiceAccount":"` + accounts + `"}`)}}
		}
		if err := w.Update(context.Background(), project); err != nil {
			t.Fatal(err)
		}
		var want []string
		if accounts != "" {
			want = []string{"system:serviceaccount:shop:" + accounts}
		}
		for _, c := range calls {
			cluster.writers = nil
			before := w.writes.Load()
			status, answer := w.call("shopper", c.method, c.path, c.body)
			cause, _ := answer["message"].(string)
			if status < 400 || !slices.Equal(cluster.writers, want) || w.writes.Load() != before {
				t.Errorf("%s %s, service account %q: %d %v, written as %q and %d times by the program; want %q alone", c.method, c.path, accounts, status, answer, cluster.writers, w.writes.Load()-before, want)
			}
			if accounts == "" && !strings.Contains(cause, "no matching service account found") {
				t.Errorf("%s %s: got %q", c.method, c.path, cause)
			}
		}
	}
}
