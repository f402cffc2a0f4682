package rollout

import (
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errStale is the error of a cache that does not show yet what this controller has written.
var errStale = errors.New("cache: behind this controller's own writes")

// expectations are what this controller has written and a cache has to show, so that one that is behind is not taken
// for the truth.
type expectations struct {
	mu   sync.Mutex
	now  func() time.Time
	last map[types.UID]write
	// sweepAt is how many writes may be remembered before those that are not waited for any more are dropped.
	sweepAt int
}

type write struct {
	version uint64
	owner   types.UID
	at      time.Time
}

// expectTimeout bounds how long a write is waited for: somebody else may have deleted the object.
const expectTimeout = 10 * time.Second

// sweepEvery is how many more writes than those that are waited for are remembered at most.
const sweepEvery = 1024

func newExpectations(now func() time.Time) *expectations {
	return &expectations{now: now, last: map[types.UID]write{}, sweepAt: sweepEvery}
}

// expect remembers an object as a write returned it; nil is none. Resource versions of one kind are numbers that
// grow; one that is not a number is not waited for.
func (e *expectations) expect(o client.Object) {
	if o == nil {
		return
	}
	version, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err != nil {
		return
	}
	written := write{version: version, at: e.now()}
	if owner := metav1.GetControllerOf(o); owner != nil {
		written.owner = owner.UID
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last[o.GetUID()] = written
	e.sweep()
}

// sweep drops what is not waited for any more, such as the last writes to objects that are gone, when there is much.
func (e *expectations) sweep() {
	if len(e.last) < e.sweepAt {
		return
	}
	maps.DeleteFunc(e.last, func(_ types.UID, w write) bool { return e.now().Sub(w.at) >= expectTimeout })
	e.sweepAt = len(e.last) + sweepEvery
}

// isBehind reports whether this controller has written a newer version of an object than this one.
func (e *expectations) isBehind(o client.Object) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	last, ok := e.last[o.GetUID()]
	if !ok {
		return false
	}
	version, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err == nil && version < last.version && e.now().Sub(last.at) < expectTimeout {
		return true
	}
	delete(e.last, o.GetUID())
	return false
}

// isMissing reports whether an object that this controller wrote for an owner is not among those present.
func (e *expectations) isMissing(owner types.UID, present map[types.UID]bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for uid, last := range e.last {
		if last.owner != owner || present[uid] {
			continue
		}
		if e.now().Sub(last.at) < expectTimeout {
			return true
		}
		delete(e.last, uid)
	}
	return false
}
