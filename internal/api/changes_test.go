package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

const shopSpec = `{"project":"shop","source":{"repoURL":"https://git.example/shop","path":"."},"destination":{"server":"https://kubernetes.default.svc","namespace":"shop"}}`

// Applications are created and changed in what is people's to change, by who may, within their projects.
func TestChangesOfApplications(t *testing.T) {
	const all, one = "/api/v1/applications", "/api/v1/applications/shop-web"
	elsewhere := strings.ReplaceAll(shopSpec, `"namespace":"shop"`, `"namespace":"bank"`)
	of := func(name, spec string) string { return `{"metadata":{"name":"` + name + `"},"spec":` + spec + `}` }
	for _, c := range []struct {
		name, as, method, path, body string
		status                       int
		// text is in the answer; name of the Application and check of it afterwards.
		text, app string
		check     func(*v1alpha1.Application) bool
	}{
		{"created", "shopper", http.MethodPost, all, of("new", shopSpec), 200, `"name":"new"`, "new", func(a *v1alpha1.Application) bool { return a.Spec.Source.Path == "." }},
		{"created with an operation, which is dropped", "shopper", http.MethodPost, all, `{"metadata":{"name":"new"},"operation":{"sync":{"manifests":["x"]}},"spec":` + shopSpec + `}`, 200, "", "new", func(a *v1alpha1.Application) bool { return a.Operation == nil }},
		{"created with a field that there is not", "shopper", http.MethodPost, all, `{"metadata":{"name":"new"},"speck":{},"spec":` + shopSpec + `}`, 400, "speck", "", nil},
		{"created in another project", "shopper", http.MethodPost, all, of("new", strings.ReplaceAll(shopSpec, "shop", "bank")), 403, "permission denied", "", nil},
		{"created for a place that the project does not permit", "shopper", http.MethodPost, all, of("new", elsewhere), 400, "do not match any of the allowed destinations", "", nil},
		{"created all the same without validation", "shopper", http.MethodPost, all + "?validate=false", of("new", elsewhere), 200, "", "new", func(a *v1alpha1.Application) bool { return a.Spec.Destination.Namespace == "bank" }},
		{"created from a source that the project does not permit", "shopper", http.MethodPost, all, of("new", strings.ReplaceAll(shopSpec, "git.example/shop", "git.example/bank")), 400, "not permitted", "", nil},
		{"created in a namespace that is not served", "admin", http.MethodPost, all, `{"metadata":{"name":"new","namespace":"elsewhere"},"spec":` + shopSpec + `}`, 400, "namespace 'elsewhere' is not permitted", "", nil},
		{"created in a project that there is not", "admin", http.MethodPost, all, of("new", strings.ReplaceAll(shopSpec, `"project":"shop"`, `"project":"missing"`)), 400, "project missing which does not exist", "", nil},
		{"there already, and different", "shopper", http.MethodPost, all, of("shop-web", shopSpec), 400, "use upsert flag to force update", "shop-web", func(a *v1alpha1.Application) bool { return a.Spec.Source.TargetRevision == "main" }},
		{"there already, and changed", "shopper", http.MethodPost, all + "?upsert=true", of("shop-web", shopSpec), 200, "", "shop-web", func(a *v1alpha1.Application) bool {
			return a.Spec.Source.TargetRevision == "" && a.Labels["of"] == "shop"
		}},
		{"another's, by its name", "shopper", http.MethodPost, all + "?upsert=true", of("bank-web", shopSpec), 403, "permission denied", "bank-web", func(a *v1alpha1.Application) bool { return a.Spec.Project == "bank" }},
		{"replaced", "shopper", http.MethodPut, one, `{"metadata":{"name":"shop-web","labels":{"a":"b"}},"spec":` + shopSpec + `}`, 200, "", "shop-web", func(a *v1alpha1.Application) bool {
			return a.Spec.Source.TargetRevision == "" && a.Labels["of"] == "" && a.Labels["a"] == "b" && len(a.Status.History) == 2
		}},
		{"replaced by another name", "shopper", http.MethodPut, one, of("other", shopSpec), 400, "is not the Application of the path", "", nil},
		{"moved to another project", "shopper", http.MethodPut, one + "/spec", strings.ReplaceAll(shopSpec, "shop", "bank"), 403, "permission denied", "shop-web", func(a *v1alpha1.Application) bool { return a.Spec.Project == "shop" }},
		{"its spec replaced", "shopper", http.MethodPut, one + "/spec", shopSpec, 200, `"project":"shop"`, "shop-web", func(a *v1alpha1.Application) bool {
			return a.Spec.Source.TargetRevision == "" && a.Labels["of"] == "shop"
		}},
		{"merged", "shopper", http.MethodPatch, one, `{"patch":"{\"spec\":{\"source\":{\"path\":\"k8s\"}}}","patchType":"merge"}`, 200, "", "shop-web", func(a *v1alpha1.Application) bool { return a.Spec.Source.Path == "k8s" }},
		{"patched", "shopper", http.MethodPatch, one, `{"patch":"[{\"op\":\"replace\",\"path\":\"/spec/source/path\",\"value\":\"k8s\"}]"}`, 200, "", "shop-web", func(a *v1alpha1.Application) bool { return a.Spec.Source.Path == "k8s" }},
		{"patched to sync", "shopper", http.MethodPatch, one, `{"patch":"{\"operation\":{\"sync\":{}}}","patchType":"merge"}`, 400, "patch: changes operation", "shop-web", func(a *v1alpha1.Application) bool { return a.Operation == nil }},
		{"patched in its status", "shopper", http.MethodPatch, one, `{"patch":"{\"status\":{\"sync\":{\"status\":\"Synced\"}}}","patchType":"merge"}`, 400, "patch: changes status", "shop-web", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == "" }},
		{"patched to another project", "shopper", http.MethodPatch, one, `{"patch":"{\"spec\":{\"project\":\"bank\"}}","patchType":"merge"}`, 403, "permission denied", "shop-web", func(a *v1alpha1.Application) bool { return a.Spec.Project == "shop" }},
		{"patched by what is no patch", "shopper", http.MethodPatch, one, `{"patch":"x"}`, 400, "", "", nil},
		{"deleted by a policy, without its objects", "shopper", http.MethodDelete, one + "?cascade=false&propagationPolicy=background", "", 400, "cannot set propagation policy when cascading is disabled", "shop-web", func(a *v1alpha1.Application) bool { return a.DeletionTimestamp == nil }},
		{"deleted", "shopper", http.MethodDelete, one, "", 200, "", "shop-web", func(a *v1alpha1.Application) bool {
			return a.DeletionTimestamp != nil && slices.Equal(a.Finalizers, []string{v1alpha1.ResourcesFinalizer})
		}},
		{"deleted in the background", "shopper", http.MethodDelete, one + "?propagationPolicy=background", "", 200, "", "shop-web", func(a *v1alpha1.Application) bool {
			return a.DeletionTimestamp != nil && slices.Equal(a.Finalizers, []string{v1alpha1.ResourcesFinalizerBackground})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			status, answer := w.call(c.as, c.method, c.path, c.body)
			text, _ := json.Marshal(answer)
			if status != c.status || !strings.Contains(strings.ReplaceAll(string(text), `\u0027`, "'"), c.text) {
				t.Errorf("got %d %s, want %d with %q", status, text, c.status, c.text)
			}
			if c.app != "" && !c.check(w.app(c.app)) {
				t.Errorf("the Application is %+v", w.app(c.app))
			}
		})
	}
}

// What is sent of Applications is what is asked for.
func TestProjections(t *testing.T) {
	w := newWorld(t)
	for fields, want := range map[string]string{
		"items.metadata.name,items.spec.source.path,metadata.resourceVersion": `[{"metadata":{"name":"shop-web"},"spec":{"source":{"path":"."}}}]`,
		"items.status.history.revision":                                       `[{"status":{"history":[{"revision":"one"},{"revision":"two"}]}}]`,
		"-items.metadata,items.status,items.spec.destination":                 `[{"spec":{"project":"shop","source":{"path":".","repoURL":"https://git.example/shop","targetRevision":"main"}}}]`,
		"items.missing": `[{}]`,
	} {
		_, answer := w.call("shopper", http.MethodGet, "/api/v1/applications?fields="+fields, "")
		if got, _ := json.Marshal(answer["items"]); string(got) != want {
			t.Errorf("%s: got %s, want %s", fields, got, want)
		}
	}
}

// A stream begins with the Applications that who reads it may see, and sends what becomes of them; one that he may
// see no more is deleted to him.
func TestApplicationStreams(t *testing.T) {
	w := newWorld(t)
	stream := w.stream("shopper", "/api/v1/stream/applications?fields=result.type,result.application.metadata.name,result.application.spec.source.path")
	if got, want := stream.next(), `{"result":{"type":"ADDED","application":{"metadata":{"name":"shop-web"},"spec":{"source":{"path":"."}}}}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	app := w.app("shop-web")
	app.Spec.Source.Path = "k8s"
	if err := w.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.options.Feed.Application(app, app)
	if got, want := stream.next(), `{"result":{"type":"MODIFIED","application":{"metadata":{"name":"shop-web"},"spec":{"source":{"path":"k8s"}}}}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	w.policy("p, admin, *, *, *, allow")
	w.options.Feed.Application(app, app)
	if got, want := stream.next(), `{"result":{"type":"DELETED","application":{"metadata":{"name":"shop-web"},"spec":{}}}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
