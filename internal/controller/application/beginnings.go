package application

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// beginnings knows when the operations began that this process has begun. Whoever may write an Application can write
// into its status that an operation began before a window denied it; so only what is known here counts for windows.
type beginnings struct {
	mu sync.Mutex
	of map[types.NamespacedName]beginning
}

type beginning struct {
	uid types.UID
	at  time.Time
}

// wrote notes what this process has written of an Application.
func (b *beginnings) wrote(before, after *v1alpha1.Application) {
	name, was, is := client.ObjectKeyFromObject(after), before.Status.OperationState, after.Status.OperationState
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case after.Operation == nil || is == nil:
		delete(b.of, name)
	case was == nil || !was.StartedAt.Equal(&is.StartedAt):
		if b.of == nil {
			b.of = map[types.NamespacedName]beginning{}
		}
		b.of[name] = beginning{after.UID, is.StartedAt.Time}
	}
}

// get returns when the operation of an Application began; zero when that is not known.
func (b *beginnings) get(app *v1alpha1.Application) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, state := b.of[client.ObjectKeyFromObject(app)], app.Status.OperationState
	if state == nil || known.uid != app.UID || !known.at.Equal(state.StartedAt.Time) {
		return time.Time{}
	}
	return known.at
}

func (b *beginnings) forget(name types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.of, name)
}
