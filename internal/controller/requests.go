package controller

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// requests counts what this process asks of the API server of the control plane, by what is done to which resource.
var requests = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "cyan_api_requests_total", Help: "Requests to the Kubernetes API server, by verb, resource with its subresource, and whether they were dry runs.",
}, []string{"verb", "resource", "dry_run"})

func init() { metrics.Registry.MustRegister(requests) }

// counted returns a config whose requests are counted.
func counted(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &counting{next} })
	return config
}

// counting counts requests on their way.
type counting struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	verb, resource, dry := kindOfRequest(request)
	requests.WithLabelValues(verb, resource, dry).Inc()
	return c.next.RoundTrip(request)
}

// WrappedRoundTripper has client-go find what it wraps.
func (c *counting) WrappedRoundTripper() http.RoundTripper { return c.next }

// otherPaths is the resource of requests for none, such as discovery.
const otherPaths = "other"

// kindOfRequest returns what a request does, to which resource with its group and subresource, and whether it only
// tries.
func kindOfRequest(request *http.Request) (verb, resource, dry string) {
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	group := ""
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		group, parts = "."+parts[1], parts[3:]
	default:
		return strings.ToLower(request.Method), otherPaths, "false"
	}
	if len(parts) > 2 && parts[0] == "namespaces" && !isSubresourceOfNamespaces(parts[2]) {
		parts = parts[2:]
	}
	resource = parts[0] + group
	if len(parts) > 2 {
		resource += "/" + parts[2]
	}
	query := request.URL.Query()
	dry = "false"
	if query.Has("dryRun") {
		dry = "true"
	}
	return verbOf(request, len(parts) > 1, query.Get("watch") == "true"), resource, dry
}

func isSubresourceOfNamespaces(name string) bool { return name == "status" || name == "finalize" }

// verbOf is the verb of a request, as roles name it; that of a server-side apply is apply.
func verbOf(request *http.Request, named, watches bool) string {
	switch request.Method {
	case http.MethodGet:
		switch {
		case watches:
			return "watch"
		case named:
			return "get"
		}
		return "list"
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		if strings.HasPrefix(request.Header.Get("Content-Type"), string(types.ApplyYAMLPatchType)) {
			return "apply"
		}
	}
	return strings.ToLower(request.Method)
}
