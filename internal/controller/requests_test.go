package controller

import (
	"net/http"
	"strings"
	"testing"
)

// TestKindOfRequest: by what requests are counted.
func TestKindOfRequest(t *testing.T) {
	for _, c := range []struct{ line, content, want string }{
		{"GET /api/v1/namespaces/shop/configmaps/a", "", "get configmaps false"},
		{"GET /api/v1/namespaces/shop/configmaps", "", "list configmaps false"},
		{"GET /api/v1/configmaps?watch=true&resourceVersion=1", "", "watch configmaps false"},
		{"GET /apis/apps/v1/namespaces/shop/deployments/web/scale", "", "get deployments.apps/scale false"},
		{"GET /apis/argoproj.io/v1alpha1/applications", "", "list applications.argoproj.io false"},
		{"GET /api/v1/namespaces/shop", "", "get namespaces false"},
		{"PUT /api/v1/namespaces/shop/finalize", "", "update namespaces/finalize false"},
		{"POST /api/v1/namespaces/shop/events", "application/json", "create events false"},
		{"PATCH /apis/apps/v1/namespaces/shop/deployments/web?dryRun=All&force=true", "application/apply-patch+yaml", "apply deployments.apps true"},
		{"PATCH /apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop", "application/json-patch+json", "patch applications.argoproj.io false"},
		{"DELETE /api/v1/namespaces/shop/pods/web", "", "delete pods false"},
		{"GET /apis/apps/v1", "", "get other false"},
		{"GET /api/v1", "", "get other false"},
		{"GET /openapi/v3", "", "get other false"},
		{"GET /version", "", "get other false"},
	} {
		method, path, _ := strings.Cut(c.line, " ")
		request, err := http.NewRequestWithContext(t.Context(), method, "https://cluster"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", c.content)
		verb, resource, dry := kindOfRequest(request)
		if got := verb + " " + resource + " " + dry; got != c.want {
			t.Errorf("%s: got %s, want %s", c.line, got, c.want)
		}
	}
}
