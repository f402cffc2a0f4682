package api

import "net/http"

// seers may see Applications of their own project, and others those of another.
var (
	seers  = []string{"admin", "reader", "shopper", "deployer"}
	others = []string{"admin", "reader"}
)

// looks are the calls that look at what Applications have.
var looks = []tabled{
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
	{"badge", http.MethodGet, "/api/badge?name=PROJECT-web", "", []string{"*"}, []string{"*"}},
	{"listProjects", http.MethodGet, "/api/v1/projects", "", everyone, everyone},
	{"createProject", http.MethodPost, "/api/v1/projects", `{"project":{"metadata":{"name":"new"},"spec":{}}}`, []string{"admin"}, []string{"admin"}},
	{"getProject", http.MethodGet, "/api/v1/projects/PROJECT", "", others, others},
	{"updateProject", http.MethodPut, "/api/v1/projects/PROJECT", `{"project":{"spec":{}}}`, []string{"admin"}, []string{"admin"}},
	{"deleteProject", http.MethodDelete, "/api/v1/projects/PROJECT", "", []string{"admin"}, []string{"admin"}},
	{"getDetailedProject", http.MethodGet, "/api/v1/projects/PROJECT/detailed", "", others, others},
	{"listProjectEvents", http.MethodGet, "/api/v1/projects/PROJECT/events", "", others, others},
	{"getProjectSyncWindows", http.MethodGet, "/api/v1/projects/PROJECT/syncwindows", "", others, others},
	{"getGlobalProjects", http.MethodGet, "/api/v1/projects/PROJECT/globalprojects", "", others, others},
	{"listProjectLinks", http.MethodGet, "/api/v1/projects/PROJECT/links", "", others, others},
	{"createProjectToken", http.MethodPost, "/api/v1/projects/PROJECT/roles/ci/token", `{"expiresIn":"3600"}`, []string{"admin"}, []string{"admin"}},
	{"deleteProjectToken", http.MethodDelete, "/api/v1/projects/PROJECT/roles/ci/token/1", "", []string{"admin"}, []string{"admin"}},
	{"listClusters", http.MethodGet, "/api/v1/clusters", "", everyone, everyone},
	{"getCluster", http.MethodGet, "/api/v1/clusters/https%3A%2F%2Fkubernetes.default.svc", "", others, others},
	{"invalidateClusterCache", http.MethodPost, "/api/v1/clusters/in-cluster/invalidate-cache?id.type=name", "", []string{"admin"}, []string{"admin"}},
	{"createCluster", http.MethodPost, "/api/v1/clusters", `{"server":"https://new.example","project":"PROJECT"}`, []string{"admin"}, []string{"admin"}},
	{"updateCluster", http.MethodPut, "/api/v1/clusters/in-cluster?id.type=name", `{"name":"home"}`, []string{"admin"}, []string{"admin"}},
	{"deleteCluster", http.MethodDelete, "/api/v1/clusters/in-cluster?id.type=name", "", []string{"admin"}, []string{"admin"}},
	{"listRepositories", http.MethodGet, "/api/v1/repositories", "", everyone, everyone},
	{"createRepository", http.MethodPost, "/api/v1/repositories", `{"repo":"https://git.example/new","project":"PROJECT"}`, []string{"admin"}, []string{"admin"}},
	{"getRepository", http.MethodGet, "/api/v1/repositories/https%3A%2F%2Fgit.example%2Fshop", "", others, others},
	{"updateRepository", http.MethodPut, "/api/v1/repositories/https%3A%2F%2Fgit.example%2Fshop", `{"username":"a"}`, []string{"admin"}, []string{"admin"}},
	{"deleteRepository", http.MethodDelete, "/api/v1/repositories/https%3A%2F%2Fgit.example%2Fshop", "", []string{"admin"}, []string{"admin"}},
	{"listRefs", http.MethodGet, "/api/v1/repositories/https%3A%2F%2Fgit.example%2FPROJECT/refs?appProject=PROJECT", "", []string{"admin", "shopper"}, []string{"admin"}},
	{"listApps", http.MethodGet, "/api/v1/repositories/https%3A%2F%2Fgit.example%2FPROJECT/apps?appProject=PROJECT", "", []string{"admin", "shopper"}, []string{"admin"}},
	{"getAppDetails", http.MethodPost, "/api/v1/repositories/https%3A%2F%2Fgit.example%2FPROJECT/appdetails", `{"source":{"path":"k8s"},"appProject":"PROJECT"}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"validateRepository", http.MethodPost, "/api/v1/repositories/https%3A%2F%2Fgit.example%2FPROJECT/validate", `"https://git.example/PROJECT"`, []string{"admin"}, []string{"admin"}},
	{"listCertificates", http.MethodGet, "/api/v1/certificates", "", everyone, everyone},
	{"createCertificates", http.MethodPost, "/api/v1/certificates", `{"items":[{"serverName":"git.example","certType":"ssh","certSubType":"ssh-ed25519","certData":"x"}]}`, []string{"admin"}, []string{"admin"}},
	{"deleteCertificates", http.MethodDelete, "/api/v1/certificates?hostNamePattern=git.example", "", []string{"admin"}, []string{"admin"}},
	{"listGPGKeys", http.MethodGet, "/api/v1/gpgkeys", "", everyone, everyone},
	{"getGPGKey", http.MethodGet, "/api/v1/gpgkeys/4AEE18F83AFDEB23", "", others, others},
	{"createGPGKeys", http.MethodPost, "/api/v1/gpgkeys", `{"keyData":"x"}`, []string{"admin"}, []string{"admin"}},
	{"deleteGPGKey", http.MethodDelete, "/api/v1/gpgkeys?keyID=4AEE18F83AFDEB23", "", []string{"admin"}, []string{"admin"}},
	{"listAllRepositoryCredentials", http.MethodGet, "/api/v1/repocreds", "", everyone, everyone},
	{"createRepositoryCredentials", http.MethodPost, "/api/v1/repocreds", `{"url":"https://git.example/new"}`, []string{"admin"}, []string{"admin"}},
	{"getRepositoryCredentials", http.MethodGet, "/api/v1/repocreds/https%3A%2F%2Fgit.example", "", others, others},
	{"updateRepositoryCredentials", http.MethodPut, "/api/v1/repocreds/https%3A%2F%2Fgit.example", `{"username":"a"}`, []string{"admin"}, []string{"admin"}},
	{"deleteRepositoryCredentials", http.MethodDelete, "/api/v1/repocreds/https%3A%2F%2Fgit.example", "", []string{"admin"}, []string{"admin"}},
	{"getApplicationSyncWindows", http.MethodGet, "/api/v1/applications/PROJECT-web/syncwindows", "", seers, others},
	{"revisionMetadata", http.MethodGet, "/api/v1/applications/PROJECT-web/revisions/abcdef0/metadata?sourceIndex=1", "", seers, others},
	{"managedResources", http.MethodGet, "/api/v1/applications/PROJECT-web/managed-resources", "", seers, others},
	{"serverSideDiff", http.MethodGet, "/api/v1/applications/PROJECT-web/server-side-diff", "", seers, others},
	{"getManifests", http.MethodGet, "/api/v1/applications/PROJECT-web/manifests", "", seers, others},
	{"listLinks", http.MethodGet, "/api/v1/applications/PROJECT-web/links", "", seers, others},
	{"listResourceLinks", http.MethodGet, "/api/v1/applications/PROJECT-web/resource/links?group=apps&version=v1&kind=Deployment&namespace=PROJECT&resourceName=web", "", seers, others},
}

func init() { calls = append(calls, looks...) }
