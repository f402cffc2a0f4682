package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
)

// steps makes calls one after another, each with its status and a text of its answer.
type steps []struct {
	name, as, method, path, body string
	status                       int
	text                         string
}

func (w *world) run(t *testing.T, all steps) {
	t.Helper()
	for _, c := range all {
		status, answer := w.call(c.as, c.method, c.path, c.body)
		text, _ := json.Marshal(answer)
		if status != c.status || !strings.Contains(string(text), c.text) {
			t.Errorf("%s: got %d %s, want %d with %q", c.name, status, text, c.status, c.text)
		}
		if strings.Contains(string(text), "hunter2") {
			t.Errorf("%s: a secret is in %s", c.name, text)
		}
	}
}

// The life of a project: its tokens stay when its spec is replaced, and hold until they are deleted.
func TestProjects(t *testing.T) {
	w := newWorld(t)
	const role = `{"name":"ci","policies":["p, proj:new:ci, applications, get, new/*, allow"]}`
	w.run(t, steps{
		{"created", "admin", http.MethodPost, "/api/v1/projects", `{"project":{"metadata":{"name":"new"},"spec":{"sourceRepos":["*"],"roles":[` + role + `]}}}`, 200, `"name":"new"`},
		{"the same again", "admin", http.MethodPost, "/api/v1/projects", `{"project":{"metadata":{"name":"new"},"spec":{"sourceRepos":["*"],"roles":[` + role + `]}}}`, 200, `"name":"new"`},
		{"another of that name", "admin", http.MethodPost, "/api/v1/projects", `{"project":{"metadata":{"name":"new"},"spec":{}}}`, 400, "use upsert flag"},
		{"a field that there is not", "admin", http.MethodPost, "/api/v1/projects", `{"project":{"metadata":{"name":"x"},"speck":{}}}`, 400, "speck"},
		{"without a name", "admin", http.MethodPost, "/api/v1/projects", `{"project":{"spec":{}}}`, 400, "project.metadata.name: missing"},
		{"listed", "reader", http.MethodGet, "/api/v1/projects?name=new", "", 200, `"sourceRepos":["*"]`},
		{"the default, which is there by itself", "reader", http.MethodGet, "/api/v1/projects/default", "", 200, `"name":"default"`},
		{"not listed to who may not see it", "nobody", http.MethodGet, "/api/v1/projects", "", 200, `"items":[]`},
		{"missing", "admin", http.MethodGet, "/api/v1/projects/missing", "", 404, "not found"},
		{"another name than that of the path", "admin", http.MethodPut, "/api/v1/projects/new", `{"project":{"metadata":{"name":"shop"},"spec":{}}}`, 400, "is not the AppProject of the path"},
		{"in use", "admin", http.MethodDelete, "/api/v1/projects/shop", "", 400, "project is referenced by 1 applications"},
		{"a token of a role that there is not", "admin", http.MethodPost, "/api/v1/projects/new/roles/missing/token", `{}`, 404, "missing"},
		{"detailed", "reader", http.MethodGet, "/api/v1/projects/new/detailed", "", 200, `"globalProjects":[]`},
		{"windows", "reader", http.MethodGet, "/api/v1/projects/new/syncwindows", "", 200, `"windows":[]`},
	})
	_, answer := w.call("admin", http.MethodPost, "/api/v1/projects/new/roles/ci/token", `{"id":"t1","expiresIn":"3600"}`)
	w.tokens["ci"], _ = answer["token"].(string)
	w.run(t, steps{
		{"its own project", "ci", http.MethodGet, "/api/v1/projects/new", "", 200, `"name":"new"`},
		{"another project", "ci", http.MethodGet, "/api/v1/projects/shop", "", 403, "permission denied"},
		{"no more than that", "ci", http.MethodPut, "/api/v1/projects/new", `{"project":{"spec":{}}}`, 403, "permission denied"},
		{"deleted token", "admin", http.MethodDelete, "/api/v1/projects/new/roles/ci/token/0?id=t1", "", 200, ""},
		{"by a token that was deleted", "ci", http.MethodGet, "/api/v1/projects/new", "", 401, ""},
		{"deleted", "admin", http.MethodDelete, "/api/v1/projects/new", "", 200, ""},
		{"gone", "admin", http.MethodGet, "/api/v1/projects/new", "", 404, "not found"},
	})
}

// Repositories and clusters are shown without what is secret, also to who may see a project alone.
func TestRepositoriesAndClusters(t *testing.T) {
	w := newWorld(t)
	if err := w.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: "far", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}},
		Data:       map[string][]byte{"server": []byte("https://far.example"), "name": []byte("far"), "project": []byte("shop"), "config": []byte(`{"bearerToken":"hunter2"}`)},
	}); err != nil {
		t.Fatal(err)
	}
	const shop = "/api/v1/repositories/https%3A%2F%2Fgit.example%2Fshop"
	w.run(t, steps{
		{"added", "admin", http.MethodPost, "/api/v1/repositories", `{"repo":"https://git.example/shop","username":"me","password":"hunter2","project":"shop","githubAppID":7}`, 200, `"username":"me"`},
		{"added again", "admin", http.MethodPost, "/api/v1/repositories", `{"repo":"https://git.example/shop.git","project":"shop"}`, 400, "use upsert flag"},
		{"changed", "admin", http.MethodPost, "/api/v1/repositories?upsert=true", `{"repo":"https://git.example/shop","username":"you","password":"hunter2","project":"shop"}`, 200, `"username":"you"`},
		{"a field that there is not", "admin", http.MethodPost, "/api/v1/repositories", `{"repo":"https://git.example/x","passwort":"hunter3"}`, 400, "passwort"},
		{"listed", "reader", http.MethodGet, "/api/v1/repositories", "", 200, `"repo":"https://git.example/shop"`},
		{"not listed to who may not see it", "shopper", http.MethodGet, "/api/v1/repositories", "", 200, `"items":[]`},
		{"got", "reader", http.MethodGet, shop, "", 200, `"type":"git"`},
		{"hidden", "shopper", http.MethodGet, shop, "", 403, "permission denied"},
		{"missing", "reader", http.MethodGet, "/api/v1/repositories/https%3A%2F%2Fgit.example%2Fmissing", "", 404, "not found"},
		{"replaced", "admin", http.MethodPut, shop, `{"username":"they"}`, 200, `"username":"they"`},
		{"of a project", "reader", http.MethodGet, "/api/v1/projects/shop/detailed", "", 200, `"repo":"https://git.example/shop"`},
		{"cluster of a project", "reader", http.MethodGet, "/api/v1/projects/shop/detailed", "", 200, `"server":"https://far.example"`},
		{"removed", "admin", http.MethodDelete, shop, "", 200, ""},
		{"credentials added", "admin", http.MethodPost, "/api/v1/repocreds", `{"url":"https://git.example","password":"hunter2"}`, 200, `"url":"https://git.example"`},
		{"credentials listed", "reader", http.MethodGet, "/api/v1/repocreds", "", 200, `"url":"https://git.example"`},
		{"clusters listed", "reader", http.MethodGet, "/api/v1/clusters", "", 200, `"applicationsCount":2`},
		{"clusters not listed to who may not see them", "shopper", http.MethodGet, "/api/v1/clusters", "", 200, `"items":[]`},
		{"cluster by its name", "reader", http.MethodGet, "/api/v1/clusters/far?id.type=name", "", 200, `"project":"shop"`},
		{"cluster that there is not", "reader", http.MethodGet, "/api/v1/clusters/x?id.type=name", "", 404, "not registered"},
		{"connected anew", "admin", http.MethodPost, "/api/v1/clusters/far/invalidate-cache?id.type=name", "", 200, `"name":"far"`},
	})
}

// Programs that speak gRPC are told in one sentence that it is not served, without an account.
func TestGRPC(t *testing.T) {
	w := newWorld(t)
	for sent, want := range map[string]string{"application/grpc-web+proto": "application/grpc-web+proto", "application/grpc": "application/grpc"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/application.ApplicationService/List", strings.NewReader("\x00\x00\x00\x00\x00"))
		r.Header.Set("Content-Type", sent)
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		h := answer.Header()
		if answer.Code != http.StatusOK || h.Get("Content-Type") != want || h.Get("Grpc-Status") != "12" || !strings.HasPrefix(h.Get("Grpc-Message"), "gRPC%3A%20not%20served") || answer.Body.Len() > 0 {
			t.Errorf("%s: got %d %v %q", sent, answer.Code, h, answer.Body)
		}
	}
}

// ApplicationSets are not served, and that is told.
func TestApplicationSetsAreNotServed(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/api/v1/applicationsets", "/api/v1/applicationsets/x", "/api/v1/stream/applicationsets"} {
		if status, answer := w.call("admin", http.MethodGet, path, ""); status != http.StatusNotImplemented || answer["code"] != float64(codeUnimplemented) {
			t.Errorf("%s: %d %v", path, status, answer)
		}
	}
}

// A badge is drawn where settings ask for badges, and says nothing of what there is elsewhere.
func TestBadge(t *testing.T) {
	w := newWorld(t)
	app := w.app("shop-web")
	app.Status.Health.Status, app.Status.Sync.Status = v1alpha1.HealthHealthy, v1alpha1.Synced
	if err := w.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	draw := func(query string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/badge?"+query, http.NoBody)
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		if h := answer.Header(); answer.Code != http.StatusOK || h.Get("Content-Type") != "image/svg+xml" || h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s: %d %v %s", query, answer.Code, h, answer.Body)
		}
		text := answer.Body.String()
		_, label, _ := strings.Cut(text, `aria-label="`)
		label, _, _ = strings.Cut(label, `"`)
		return label
	}
	if got := draw("name=shop-web"); got != "Not Found Unknown" {
		t.Errorf("where badges are off: %s", got)
	}
	written := &corev1.ConfigMap{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: control, Name: auth.ConfigName}, written); err != nil {
		t.Fatal(err)
	}
	written.Data["statusbadge.enabled"] = "true"
	if err := w.Update(t.Context(), written); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"name=shop-web": "Healthy Synced", "name=shop-web&showAppName=true&revision=true": "shop-web Healthy Synced two", "name=%3Cscript%3E&showAppName=true": "Not Found Unknown", "name=missing": "Not Found Unknown",
		"project=shop": "Healthy Synced", "project=shop&project=bank": "Healthy OutOfSync", "project=missing": "Not Found Unknown", "": "Not Found Unknown",
	} {
		if got := draw(query); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}
