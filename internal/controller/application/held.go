package application

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
)

// heldHooks are the hooks that the finalizer holds, by Application. An Application that asks for nothing at its
// deletion is gone when that is heard of, and with it all that its status knew.
type heldHooks struct {
	mu sync.Mutex
	of map[types.NamespacedName]heldIn
}

// heldIn are held hooks and the cluster that they are in.
type heldIn struct {
	cluster *live.Cluster
	writer  *apply.Client
	hooks   []*unstructured.Unstructured
}

func (h *heldHooks) set(app types.NamespacedName, now heldIn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(h.of, app); len(now.hooks) > 0 {
		h.of[app] = now
	}
}

// release lets go of all hooks of an Application.
func (h *heldHooks) release(ctx context.Context, app types.NamespacedName) error {
	h.mu.Lock()
	held := h.of[app]
	h.mu.Unlock()
	if err := held.release(ctx); err != nil {
		return err
	}
	h.set(app, heldIn{})
	return nil
}

func (h heldIn) release(ctx context.Context) error {
	var failed []error
	for _, hook := range h.hooks {
		if err := h.writer.RemoveFinalizer(ctx, hook, v1alpha1.HookFinalizer); err != nil {
			failed = append(failed, err)
			continue
		}
		h.cluster.Wrote(apply.RefOf(hook), nil)
	}
	return errors.Join(failed...)
}
