package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/view"
)

// compares is an Application whose Secret differs from git, and remembers what was asked.
type compares struct{ asked []*v1alpha1.Application }

func (c *compares) compare(_ context.Context, app *v1alpha1.Application) (view.Compared, error) {
	c.asked = append(c.asked, app)
	key := plan.Key{Kind: "Secret", Namespace: "shop", Name: "password"}
	object := func(value string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "password"}, "stringData": map[string]any{"word": value}}}
	}
	return view.Compared{
		Revision: "two", Complete: true, Desired: map[plan.Key]*unstructured.Unstructured{key: object("of-git")},
		Plan: plan.Plan{
			Resources: []plan.Resource{{Key: key, Status: v1alpha1.OutOfSync, Live: object("of-life")}},
			Tasks:     []plan.Task{{Key: key, Verb: plan.Apply, Object: object("of-git"), Live: object("of-life")}},
		},
	}, nil
}

// What differs is shown without the values of Secrets, but that they differ.
func TestChangesOfSecrets(t *testing.T) {
	w := newWorld(t)
	for method, path := range map[string]string{http.MethodGet: "/changes", http.MethodPost: "/plan"} {
		body := ""
		if method == http.MethodPost {
			body = "{}"
		}
		status, answer := w.call("shopper", method, "/api/v1/view/applications/argocd/shop-web"+path, body)
		text, _ := json.Marshal(answer)
		if status != http.StatusOK || strings.Contains(string(text), "of-git") || strings.Contains(string(text), "of-life") || strings.Count(string(text), "fingerprint") < 2 || !strings.Contains(string(text), "data.word") {
			t.Errorf("%s: got %d %s", path, status, text)
		}
	}
}

// What an Application would have is shown to who may create it in that project, or may update it, and creates nothing.
func TestPreviews(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/view/preview"
	of := func(name, project string) string {
		return `{"metadata":{"name":"` + name + `"},"spec":{"project":"` + project + `","source":{"repoURL":"https://git.example/` + project + `","path":"."},"destination":{"server":"https://kubernetes.default.svc","namespace":"` + project + `"}}}`
	}
	status, answer := w.call("admin", http.MethodPost, path, of("fresh", "shop"))
	text, _ := json.Marshal(answer)
	if status != http.StatusOK || !strings.Contains(string(text), `"kind":"Secret"`) || strings.Contains(string(text), "of-git") {
		t.Errorf("got %d %s", status, text)
	}
	var all v1alpha1.ApplicationList
	if err := w.List(t.Context(), &all); err != nil || len(all.Items) != 2 {
		t.Errorf("a preview has left %d Applications, %v", len(all.Items), err)
	}
	for _, as := range []string{"reader", "nobody"} {
		for _, body := range []string{of("fresh", "shop"), of("shop-web", "shop"), of("fresh", "bank")} {
			if status, answer := w.call(as, http.MethodPost, path, body); status != http.StatusForbidden {
				t.Errorf("as %s, %s: got %d %v", as, body, status, answer)
			}
		}
	}
}

// What a repository has is shown to who may make an Application of it, in a project that permits it.
func TestRepositoryTrees(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/view/repositories/tree?revision=main&project=shop&repo=https://git.example/"
	if status, answer := w.call("shopper", http.MethodGet, path+"shop", ""); status != http.StatusOK || answer["branches"].([]any)[0] != "shop" {
		t.Errorf("got %d %v", status, answer)
	}
	if status, answer := w.call("admin", http.MethodGet, path+"bank", ""); status != http.StatusBadRequest || !strings.Contains(answer["error"].(string), "sourceRepos") {
		t.Errorf("one that the project does not permit: got %d %v", status, answer)
	}
}

// A plan is that of the sync that was asked for, changes nothing, and shows no revision that who asks may not sync.
func TestPlans(t *testing.T) {
	w := newWorld(t)
	asked := &compares{}
	w.options.Compare = asked.compare
	w.handler = Handler(w.options)
	const path = "/api/v1/view/applications/argocd/shop-web/plan"
	if status, answer := w.call("shopper", http.MethodPost, path, `{"prune":true,"resources":[{"kind":"Secret","name":"password"}]}`); status != http.StatusOK {
		t.Fatalf("got %d %v", status, answer)
	}
	sync := asked.asked[0].Operation.Sync
	if !sync.Prune || !sync.DryRun || len(sync.Resources) != 1 {
		t.Errorf("compared with %+v", sync)
	}
	if w.app("shop-web").Operation != nil {
		t.Error("a plan has begun a sync")
	}
	if status, _ := w.call("reader", http.MethodPost, path, `{"revision":"secret-branch"}`); status != http.StatusForbidden || len(asked.asked) != 1 {
		t.Errorf("another revision, by who may only read: got %d", status)
	}
}
