package rollout_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/testkit"
)

// calls are what a controller has asked of the API server, in order.
type calls struct {
	mu  sync.Mutex
	all []string
}

// of returns a configuration whose clients note what they ask for.
func (c *calls) of(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return noting{next, c} })
	return config
}

type noting struct {
	next  http.RoundTripper
	calls *calls
}

func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	n.calls.mu.Lock()
	n.calls.all = append(n.calls.all, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery)
	n.calls.mu.Unlock()
	return n.next.RoundTrip(r)
}

// since returns what was asked for after the first calls.
func (c *calls) since(first int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all[first:])
}

// Until the Service is switched, no list is asked of the API server: each waits there until the server has seen all
// that was written before. And whatever waits for the EndpointSlice of the preview is found in the cache.
func TestASwitchAsksForNoList(t *testing.T) {
	cluster, asked := testkit.Cluster(t), &calls{}
	observed := *cluster
	observed.Config = asked.of(cluster.Config)
	w := &world{TB: t, client: cluster.Client, namespace: cluster.Namespace(t), cluster: &observed}
	w.start()
	t.Cleanup(func() { w.stop() })
	w.create(service("active"))
	w.create(service("preview"))
	w.create(app())
	w.allHealthy([]string{"app"})
	before := len(asked.since(0))
	w.patch(`{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:v2"}]}}}}`)
	w.allHealthy([]string{"app"})
	all := asked.since(before)
	in := "/namespaces/" + w.namespace + "/"
	switched := slices.IndexFunc(all, func(call string) bool {
		return strings.HasPrefix(call, "PATCH") && strings.Contains(call, in+"services/active?")
	})
	if switched < 0 {
		t.Fatalf("the Service was not switched: %q", all)
	}
	read := 0
	for _, call := range all[:switched] {
		for _, kind := range []string{"pods", "replicasets", "endpointslices", "services"} {
			if strings.HasPrefix(call, "GET") && strings.Contains(call, in+kind+"?") {
				t.Errorf("before the switch: %s, want no list", call)
			}
		}
		if strings.HasPrefix(call, "GET") && strings.Contains(call, in+"services/active?") {
			read++
		}
	}
	// One more attempt is made where the API server shows less than the cache did, or somebody else has written.
	if read < 1 || read > 2 {
		t.Errorf("the switch was attempted %d times, want once: %q", read, all[:switched])
	}
}
