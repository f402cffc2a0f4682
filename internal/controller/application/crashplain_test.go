package application_test

import (
	"fmt"
	"testing"

	"k8s.io/client-go/rest"
)

// The controller is killed at every write of a sync without hooks, whose beginning is not on record: before the write
// is made or after. What was deployed is in the history all the same, and the operation has ended well.
func TestKilledAtEveryWriteOfAnUnrecordedSync(t *testing.T) {
	for at := 1; killedAtPlain(t, at, false) && killedAtPlain(t, at, true); at++ {
		if at > 20 {
			t.Fatal("the sync has no end")
		}
	}
}

// killedAtPlain kills the controller at one write of a sync of two ConfigMaps; false when it has fewer.
func killedAtPlain(t *testing.T, at int, lost bool) (killed bool) {
	t.Run(fmt.Sprintf("write %d, answer lost %v", at, lost), func(t *testing.T) {
		w := newWorld(t)
		sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/b.yaml": configMap("b", "blue")})
		f := &failing{at: at, lost: lost, broken: make(chan struct{})}
		plain := w.config
		w.config = rest.CopyConfig(plain)
		w.config.Wrap(f.wrap)
		stop := w.start()
		app := w.app("shop", automated)
		killed = w.untilKilled(f, app, sha)
		stop()
		if !killed {
			return
		}
		w.config = plain
		w.start()
		seen := w.eventually(app, "the sync", syncedTo(sha))
		if h := seen.Status.History; len(h) != 1 || h[0].Revision != sha {
			t.Errorf("killed at %s: the history is %+v, want %s once", f.line, h, sha)
		}
		if s := seen.Status.OperationState; len(s.SyncResult.Resources) != 2 || s.SyncResult.Revision != sha || !s.Operation.InitiatedBy.Automated {
			t.Errorf("killed at %s: the operation is %+v, want the automated sync of two objects", f.line, s)
		}
	})
	return killed
}
