package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// answered stands for a call that is served.
const answered = ""

// paths are those of Argo CD's REST API, in the words of its document and of who asks for more than that, with what is
// said where one is not served.
var paths = []struct{ method, path, refusal string }{
	{"GET", "/api/v1/account", answered},
	{"GET", "/api/v1/account/can-i/applications/get/shop/shop-web", answered},
	{"PUT", "/api/v1/account/password", answered},
	{"GET", "/api/v1/account/nobody", answered},
	{"POST", "/api/v1/account/nobody/token", answered},
	{"DELETE", "/api/v1/account/nobody/token/some", answered},
	{"GET", "/api/v1/applications", answered},
	{"POST", "/api/v1/applications", answered},
	{"POST", "/api/v1/applications/manifestsWithFiles", "cyan app manifests --local"},
	{"PUT", "/api/v1/applications/shop-web", answered},
	{"GET", "/api/v1/applications/shop-web/managed-resources", answered},
	{"GET", "/api/v1/applications/shop-web/resource-tree", answered},
	{"GET", "/api/v1/applications/shop-web", answered},
	{"PATCH", "/api/v1/applications/shop-web", answered},
	{"GET", "/api/v1/applications/shop-web/events", answered},
	{"GET", "/api/v1/applications/shop-web/links", answered},
	{"GET", "/api/v1/applications/shop-web/logs?podName=web-1", answered},
	{"GET", "/api/v1/applications/shop-web/manifests", answered},
	{"DELETE", "/api/v1/applications/shop-web/operation", answered},
	{"GET", "/api/v1/applications/shop-web/pods/web-1/logs", answered},
	{"GET", "/api/v1/applications/shop-web/resource?OBJECT", answered},
	{"POST", "/api/v1/applications/shop-web/resource?OBJECT", answered},
	{"GET", "/api/v1/applications/shop-web/resource/actions?OBJECT", answered},
	{"POST", "/api/v1/applications/shop-web/resource/actions?OBJECT", answered},
	{"POST", "/api/v1/applications/shop-web/resource/actions/v2", answered},
	{"GET", "/api/v1/applications/shop-web/resource/links?OBJECT", answered},
	{"DELETE", "/api/v1/applications/shop-web/resource?OBJECT", answered},
	{"GET", "/api/v1/applications/shop-web/revisions/1.2.3/chartdetails", "Helm: charts are not served"},
	{"GET", "/api/v1/applications/shop-web/revisions/abcdef0/metadata", answered},
	{"GET", "/api/v1/applications/shop-web/revisions/1.2.3/ocimetadata", "OCI: sources of this type are not served"},
	{"POST", "/api/v1/applications/shop-web/rollback", answered},
	{"GET", "/api/v1/applications/shop-web/server-side-diff", answered},
	{"PUT", "/api/v1/applications/shop-web/spec", answered},
	{"POST", "/api/v1/applications/shop-web/sync", answered},
	{"GET", "/api/v1/applications/shop-web/syncwindows", answered},
	{"DELETE", "/api/v1/applications/shop-web", answered},
	{"GET", "/api/v1/certificates", answered},
	{"POST", "/api/v1/certificates", answered},
	{"DELETE", "/api/v1/certificates", answered},
	{"GET", "/api/v1/applicationsets", "ApplicationSets: not served"},
	{"POST", "/api/v1/applicationsets", "ApplicationSets: not served"},
	{"POST", "/api/v1/applicationsets/generate", "ApplicationSets: not served"},
	{"GET", "/api/v1/applicationsets/some", "ApplicationSets: not served"},
	{"DELETE", "/api/v1/applicationsets/some", "ApplicationSets: not served"},
	{"GET", "/api/v1/applicationsets/some/events", "ApplicationSets: not served"},
	{"GET", "/api/v1/applicationsets/some/resource-tree", "ApplicationSets: not served"},
	{"GET", "/api/v1/stream/applicationsets", "ApplicationSets: not served"},
	{"GET", "/api/v1/clusters", answered},
	{"GET", "/api/v1/clusters/CLUSTER", answered},
	{"POST", "/api/v1/clusters", answered},
	{"PUT", "/api/v1/clusters/CLUSTER", answered},
	{"POST", "/api/v1/clusters/CLUSTER/invalidate-cache", answered},
	{"POST", "/api/v1/clusters/CLUSTER/rotate-auth", answered},
	{"DELETE", "/api/v1/clusters/CLUSTER", answered},
	{"GET", "/api/v1/gpgkeys", answered},
	{"POST", "/api/v1/gpgkeys", answered},
	{"DELETE", "/api/v1/gpgkeys?keyID=4AEE18F83AFDEB23", answered},
	{"GET", "/api/v1/gpgkeys/4AEE18F83AFDEB23", answered},
	{"GET", "/api/v1/notifications/services", "Notifications: not sent"},
	{"GET", "/api/v1/notifications/templates", "Notifications: not sent"},
	{"GET", "/api/v1/notifications/triggers", "Notifications: not sent"},
	{"GET", "/api/v1/projects", answered},
	{"POST", "/api/v1/projects", answered},
	{"GET", "/api/v1/projects/shop", answered},
	{"PUT", "/api/v1/projects/shop", answered},
	{"GET", "/api/v1/projects/shop/detailed", answered},
	{"GET", "/api/v1/projects/shop/events", answered},
	{"GET", "/api/v1/projects/shop/globalprojects", answered},
	{"GET", "/api/v1/projects/shop/links", answered},
	{"GET", "/api/v1/projects/shop/syncwindows", answered},
	{"POST", "/api/v1/projects/shop/roles/ci/token", answered},
	{"DELETE", "/api/v1/projects/shop/roles/ci/token/1", answered},
	{"DELETE", "/api/v1/projects/bank", answered},
	{"GET", "/api/v1/repocreds", answered},
	{"POST", "/api/v1/repocreds", answered},
	{"PUT", "/api/v1/repocreds/REPOSITORY", answered},
	{"DELETE", "/api/v1/repocreds/REPOSITORY", answered},
	{"GET", "/api/v1/repositories", answered},
	{"POST", "/api/v1/repositories", answered},
	{"GET", "/api/v1/repositories/REPOSITORY", answered},
	{"PUT", "/api/v1/repositories/REPOSITORY", answered},
	{"GET", "/api/v1/repositories/REPOSITORY/refs?appProject=shop", answered},
	{"GET", "/api/v1/repositories/REPOSITORY/apps?appProject=shop&revision=main", answered},
	{"POST", "/api/v1/repositories/REPOSITORY/appdetails", answered},
	{"POST", "/api/v1/repositories/REPOSITORY/validate", answered},
	{"GET", "/api/v1/repositories/REPOSITORY/helmcharts", "Helm: charts are not served"},
	{"GET", "/api/v1/repositories/REPOSITORY/oci-tags", "OCI: sources of this type are not served"},
	{"DELETE", "/api/v1/repositories/REPOSITORY", answered},
	{"GET", "/api/v1/write-repositories", "write-repositories: not served"},
	{"GET", "/api/v1/write-repositories/REPOSITORY", "write-repositories: not served"},
	{"GET", "/api/v1/write-repocreds", "write-repositories: not served"},
	{"POST", "/api/v1/session", answered},
	{"GET", "/api/v1/session/userinfo", answered},
	{"DELETE", "/api/v1/session", answered},
	{"GET", "/api/v1/settings", answered},
	{"GET", "/api/v1/settings/plugins", "Plugins: not served"},
	{"GET", "/api/v1/stream/applications", answered},
	{"GET", "/api/v1/stream/applications/shop-web/resource-tree", answered},
	{"GET", "/api/version", answered},
	{"GET", "/api/badge", answered},
	{"GET", "/terminal", "run kubectl exec"},
	{"GET", "/swagger.json", "/api/openapi.json"},
	{"GET", "/swagger-ui", "/api/openapi.json"},
	{"GET", "/download/argocd-linux-amd64", "call cyan by the name argocd"},
}

// Every path of Argo CD's is served, or answered in words of its own: none is taken for one that there is not.
func TestPathsOfArgoCD(t *testing.T) {
	w := newWorld(t)
	for _, c := range paths {
		path := strings.NewReplacer("CLUSTER", url.PathEscape("https://kubernetes.default.svc"), "REPOSITORY", url.PathEscape("https://git.example/shop"),
			"OBJECT", "group=apps&version=v1&kind=Deployment&namespace=shop&resourceName=web").Replace(c.path)
		body := ""
		if c.method != http.MethodGet && c.method != http.MethodDelete {
			body = "{}"
		}
		status, answer := w.call("admin", c.method, path, body)
		text, _ := answer["error"].(string)
		switch {
		case c.refusal == answered && (status >= http.StatusInternalServerError || strings.Contains(text, "see /api/openapi.json for the calls")):
			t.Errorf("%s %s: got %d %q, want an answer", c.method, c.path, status, text)
		case c.refusal != answered && (status != http.StatusNotImplemented || !strings.Contains(text, c.refusal)):
			t.Errorf("%s %s: got %d %q, want 501 with %q", c.method, c.path, status, text, c.refusal)
		}
	}
}
