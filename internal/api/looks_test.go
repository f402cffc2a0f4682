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
}

func init() { calls = append(calls, looks...) }
