package application

import (
	"context"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// newest reads Applications from the cache, but never an older one than this controller has written: a decision on what
// was before its own last write would be made twice.
type newest struct {
	// cache is behind the API server by as long as a watch takes; server is not.
	cache, server client.Reader

	mu      sync.Mutex
	written map[types.NamespacedName]*v1alpha1.Application
}

func newNewest(cache, server client.Reader) *newest {
	return &newest{cache: cache, server: server, written: map[types.NamespacedName]*v1alpha1.Application{}}
}

// get returns an Application, not to be changed. The error is NotFound when there is none.
func (n *newest) get(ctx context.Context, name types.NamespacedName) (*v1alpha1.Application, error) {
	n.mu.Lock()
	written := n.written[name]
	n.mu.Unlock()
	cached := &v1alpha1.Application{}
	if err := n.cache.Get(ctx, name, cached); err != nil {
		n.forget(name)
		return nil, err
	}
	if written == nil {
		return cached, nil
	}
	order, known := compareVersions(cached.ResourceVersion, written.ResourceVersion)
	switch {
	case !known:
		return cached, n.server.Get(ctx, name, cached)
	case order < 0 && cached.UID == written.UID:
		return written, nil
	}
	n.forget(name)
	return cached, nil
}

// wrote notes what the API server has answered to a write.
func (n *newest) wrote(app *v1alpha1.Application) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.written[client.ObjectKeyFromObject(app)] = app
}

// forget drops what was written.
func (n *newest) forget(name types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.written, name)
}

// compareVersions orders two resourceVersions of one object, which are numbers that grow. It reports false for others.
func compareVersions(a, b string) (order int, known bool) {
	const decimal, bits = 10, 64
	x, err := strconv.ParseUint(a, decimal, bits)
	if err != nil {
		return 0, false
	}
	y, err := strconv.ParseUint(b, decimal, bits)
	switch {
	case err != nil:
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}
