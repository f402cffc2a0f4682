package api

import "net/http"

// seers may see Applications of their own project, and others those of another.
var (
	seers  = []string{"admin", "reader", "shopper", "deployer"}
	others = []string{"admin", "reader"}
)

// looks are the calls that look at what Applications have.
var looks = []struct {
	id, method, path, body string
	own, other             []string
}{
	{"resourceTree", http.MethodGet, "/api/v1/applications/PROJECT-web/resource-tree", "", seers, others},
	{"watchResourceTree", http.MethodGet, "/api/v1/stream/applications/PROJECT-web/resource-tree", "", seers, others},
	{"getResource", http.MethodGet, "/api/v1/applications/PROJECT-web/resource?group=apps&version=v1&kind=Deployment&namespace=PROJECT&resourceName=web", "", seers, others},
	{"patchResource", http.MethodPost, "/api/v1/applications/PROJECT-web/resource?group=apps&version=v1&kind=Deployment&namespace=PROJECT&resourceName=web", `"{\"spec\":{\"replicas\":2}}"`, []string{"admin", "shopper"}, []string{"admin"}},
	{"deleteResource", http.MethodDelete, "/api/v1/applications/PROJECT-web/resource?group=apps&version=v1&kind=Deployment&namespace=PROJECT&resourceName=web", "", []string{"admin", "shopper"}, []string{"admin"}},
	{"listResourceActions", http.MethodGet, "/api/v1/applications/PROJECT-web/resource/actions?group=apps&version=v1&kind=Deployment&namespace=PROJECT&resourceName=web", "", seers, others},
	{"runResourceAction", http.MethodPost, "/api/v1/applications/PROJECT-web/resource/actions?group=apps&version=v1&kind=Deployment&namespace=PROJECT&resourceName=web", `"restart"`, []string{"admin", "shopper"}, []string{"admin"}},
	{"runResourceActionV2", http.MethodPost, "/api/v1/applications/PROJECT-web/resource/actions/v2", `{"action":"restart","group":"apps","kind":"Deployment","namespace":"PROJECT","resourceName":"web"}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"listResourceEvents", http.MethodGet, "/api/v1/applications/PROJECT-web/events", "", seers, others},
	{"applicationLogs", http.MethodGet, "/api/v1/applications/PROJECT-web/logs", "", []string{"admin", "reader"}, others},
	{"podLogs", http.MethodGet, "/api/v1/applications/PROJECT-web/pods/web-1/logs", "", []string{"admin", "reader"}, others},
	{"createApplication", http.MethodPost, "/api/v1/applications", `{"metadata":{"name":"new"},"spec":{"project":"PROJECT","source":{"repoURL":"https://git.example/PROJECT","path":"."},"destination":{"server":"https://kubernetes.default.svc","namespace":"PROJECT"}}}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"updateApplication", http.MethodPut, "/api/v1/applications/PROJECT-web", `{"spec":{"project":"PROJECT","source":{"repoURL":"https://git.example/PROJECT","path":"."},"destination":{"server":"https://kubernetes.default.svc","namespace":"PROJECT"}}}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"updateApplicationSpec", http.MethodPut, "/api/v1/applications/PROJECT-web/spec", `{"project":"PROJECT","source":{"repoURL":"https://git.example/PROJECT","path":"."},"destination":{"server":"https://kubernetes.default.svc","namespace":"PROJECT"}}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"patchApplication", http.MethodPatch, "/api/v1/applications/PROJECT-web", `{"patch":"{\"spec\":{\"source\":{\"path\":\"k8s\"}}}","patchType":"merge"}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"deleteApplication", http.MethodDelete, "/api/v1/applications/PROJECT-web", "", []string{"admin", "shopper"}, []string{"admin"}},
	{"watchApplications", http.MethodGet, "/api/v1/stream/applications", "", everyone, everyone},
}

func init() { calls = append(calls, looks...) }
