package api

import "net/http"

// refused are patterns of calls that clients of Argo CD know and that are not served, by what is said to them.
type refused map[string][]string

// unserved are the calls below /api that are not served.
var unserved = refused{
	"ApplicationSets: not served; write the Applications themselves, or make them by an app of apps": {
		"/api/v1/applicationsets", "/api/v1/applicationsets/", "/api/v1/stream/applicationsets",
	},
	"manifestsWithFiles: not served; render a local folder with cyan app manifests --local, or compare it with cyan app diff --local": {
		"POST /api/v1/applications/manifestsWithFiles",
	},
	"Helm: charts are not served; render the chart into the repository, and name its folder as path": {
		"GET /api/v1/applications/{name}/revisions/{revision}/chartdetails", "GET /api/v1/repositories/{repo}/helmcharts",
	},
	"OCI: sources of this type are not served; keep the manifests in a git repository": {
		"GET /api/v1/applications/{name}/revisions/{revision}/ocimetadata", "GET /api/v1/repositories/{repo}/oci-tags",
	},
	"Notifications: not sent; keep argocd-notifications running, which reads the same Applications, or alert on GET /metrics": {
		"/api/v1/notifications/",
	},
	"Plugins: not served; render what they make into the repository": {
		"GET /api/v1/settings/plugins",
	},
	"write-repositories: not served; credentials to write rendered manifests with are not used, use those of repositories": {
		"/api/v1/write-repositories", "/api/v1/write-repositories/", "/api/v1/write-repocreds", "/api/v1/write-repocreds/",
	},
}

// unservedPaths are those beside the API, which browsers and scripts open.
var unservedPaths = refused{
	"Terminal: not served; run kubectl exec":                               {"/terminal"},
	"Swagger: not served; /api/openapi.json has the calls, by OpenAPI 3.1": {"/swagger.json", "/swagger-ui", "/swagger-ui/"},
	"Programs: not kept here; call cyan by the name argocd":                {"/download/"},
}

// refuse answers calls that are not served.
func refuse(calls *http.ServeMux, all refused) {
	for text, patterns := range all {
		for _, pattern := range patterns {
			calls.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
				writeError(w, newError(http.StatusNotImplemented, codeUnimplemented, text))
			})
		}
	}
}
