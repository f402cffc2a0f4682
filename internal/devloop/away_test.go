package devloop

import (
	"errors"
	"slices"
	"testing"
)

// While the cluster is away what is saved is built, and it runs once the cluster is back, without anybody's help.
func TestTheClusterComesBack(t *testing.T) {
	f, way := newTrialBehind(t)
	f.begin()
	f.awaitRunning("first")
	f.await(Ready, 1)
	way.close()
	f.write("src/source", "second")
	f.eventually("the save is built while the cluster is away", func() error {
		if !slices.Contains(f.builds(), "second") {
			return errors.New("not yet")
		}
		return nil
	})
	f.await(DeployFailed, 1)
	way.open()
	f.awaitRunning("second")
	if said := f.texts(DeployFailed, Refused); len(said) != 1 {
		t.Errorf("said %q, want once that the cluster is away", said)
	}
}

// A cluster that is away before anything is deployed keeps no image from being built either.
func TestTheClusterIsAwayBeforeTheFirstDeployment(t *testing.T) {
	f, way := newTrialBehind(t)
	way.close()
	f.begin()
	f.await(DeployFailed, 1)
	if got := f.builds(); !slices.Contains(got, "first") {
		t.Errorf("built %q while the cluster is away, want the first version", got)
	}
	way.open()
	f.awaitRunning("first")
}
