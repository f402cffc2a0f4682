package rollout

import (
	"errors"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errStale says that the cache does not show yet what this controller has written.
var errStale = errors.New("the cache is behind this controller's own writes")

// written remembers what this controller wrote last, so that a cache that is behind is not taken for the truth.
type written struct {
	mu   sync.Mutex
	now  func() time.Time
	last map[types.UID]write
}

type write struct {
	version uint64
	owner   types.UID
	at      time.Time
}

// forgetAfter bounds how long a write is waited for: somebody else may have deleted the object.
const forgetAfter = 10 * time.Second

func newWritten(now func() time.Time) *written {
	return &written{now: now, last: map[types.UID]write{}}
}

// note remembers an object as a write returned it. Resource versions of one kind are numbers that grow; one that is not a number is not waited for.
func (w *written) note(o client.Object) {
	version, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err != nil {
		return
	}
	noted := write{version: version, at: w.now()}
	if owner := metav1.GetControllerOf(o); owner != nil {
		noted.owner = owner.UID
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[o.GetUID()] = noted
}

// ahead says that this controller has written a newer version of the object than this one.
func (w *written) ahead(o client.Object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, ok := w.last[o.GetUID()]
	if !ok {
		return false
	}
	version, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err == nil && version < last.version && w.now().Sub(last.at) < forgetAfter {
		return true
	}
	delete(w.last, o.GetUID())
	return false
}

// missing says that an object that this controller wrote for an owner is not among those present.
func (w *written) missing(owner types.UID, present map[types.UID]bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for uid, last := range w.last {
		if last.owner != owner || present[uid] {
			continue
		}
		if w.now().Sub(last.at) < forgetAfter {
			return true
		}
		delete(w.last, uid)
	}
	return false
}
