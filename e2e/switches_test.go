package e2e

import (
	"testing"
	"time"
)

// Twenty versions replace one another under constant load, and not one request fails.
func TestTwentySwitches(t *testing.T) {
	w := newWorld(t)
	w.logOnFailure()
	startServer(t, w.cluster.Kubeconfig, w.mirrors).awaitReady(t)
	sha := w.repo.Commit(w.files())
	w.create()
	w.awaitDeployed(sha, w.images.v1, time.Minute)
	load := w.load()
	digest := w.images.v1
	for turn := range 20 {
		if digest == w.images.v1 {
			digest = w.images.v2
		} else {
			digest = w.images.v1
		}
		w.awaitDeployed(w.deployAnew(digest, turn), digest, time.Minute)
	}
	tally := noneFailed(t, load)
	if tally.Versions["v1"] == 0 || tally.Versions["v2"] == 0 {
		t.Error("both versions should have answered:", tally.Versions)
	}
}
