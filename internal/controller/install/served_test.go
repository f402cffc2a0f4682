package install_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/install"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// lateDiscovery answers the first requests for Cyan's group as an API server does whose discovery is behind.
type lateDiscovery struct {
	next http.RoundTripper
	left *atomic.Int32
}

func (d lateDiscovery) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/apis/"+v1alpha1.GroupVersion.String()) && d.left.Add(-1) >= 0 {
		return &http.Response{
			StatusCode: http.StatusNotFound, Header: http.Header{"Content-Type": {"text/plain"}}, Body: http.NoBody, Request: r,
		}, nil
	}
	return d.next.RoundTrip(r)
}

// A definition is served when discovery has it, which is a little after it is established: who comes then finds every
// kind.
func TestDefinitionsAreWaitedForUntilTheyAreDiscovered(t *testing.T) {
	cluster := testkit.Cluster(t)
	var left atomic.Int32
	left.Store(3)
	config := rest.CopyConfig(cluster.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return lateDiscovery{next, &left} })
	if err := install.CRDs(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if n := left.Load(); n >= 0 {
		t.Errorf("discovery was asked %d times; want until it knew the kinds", 3-n)
	}
	c, err := client.New(config, client.Options{Scheme: testkit.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.List(t.Context(), &v1alpha1.RolloutList{}); err != nil {
		t.Errorf("listing Rollouts: %v", err)
	}
}
