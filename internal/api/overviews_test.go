package api

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// counting counts how often all Applications are listed.
type counting struct {
	client.Reader
	lists atomic.Int64
}

func (c *counting) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if _, ok := into.(*v1alpha1.ApplicationList); ok {
		c.lists.Add(1)
	}
	return c.Reader.List(ctx, into, options...)
}

// The overview is made once for all who have the same rights, and each sees his own; the last change is shown in the
// end.
func TestOverviewsAreMadeOnceForAll(t *testing.T) {
	const pages = 50
	f := newFed(t)
	reader := &counting{Reader: f.Client}
	f.options.Reader = reader
	f.handler = Handler(f.options)
	f.server.Config.Handler = f.handler
	var all []*listener
	for range pages {
		all = append(all, f.listen("shopper", "overview", "").opened())
	}
	admin := f.listen("admin", "overview", "").opened()
	f.change("shop-web", healthy)
	for _, l := range all {
		l.expect("overview", `"total":1,`)
	}
	admin.expect("overview", `"total":2,`)
	f.change("shop-web", func(a *v1alpha1.Application) { a.Status.Health.Status = v1alpha1.HealthSuspended })
	for _, l := range all {
		if e := l.expect("overview", "Suspended"); strings.Contains(e.data, "bank-web") {
			t.Errorf("got %s", e.data)
		}
	}
	// Each takes two lists, and they are made for two kinds of rights, a few times.
	if n := reader.lists.Load(); n > pages {
		t.Errorf("%d pages: all Applications were listed %d times", pages, n)
	}
}
