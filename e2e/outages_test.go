package e2e

import (
	"encoding/json"
	"net"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"
)

// part returns the process of a part of the cluster.
func (w *world) part(name string) int {
	w.t.Helper()
	out, err := w.cluster.Local("status", "--dir", w.cluster.Dir, "-o", "json")
	if err != nil {
		w.t.Fatal(err)
	}
	var status struct {
		Parts []struct {
			Name string
			PID  int
		}
	}
	if err := json.Unmarshal(out, &status); err != nil {
		w.t.Fatal(err)
	}
	for _, p := range status.Parts {
		if p.Name == name {
			return p.PID
		}
	}
	w.t.Fatalf("the cluster has no part %s", name)
	return 0
}

func (w *world) signal(part string, s syscall.Signal) {
	w.t.Helper()
	if err := syscall.Kill(w.part(part), s); err != nil {
		w.t.Fatalf("signalling %s: %v", part, err)
	}
}

// The git server, the registry and the API server go away and come back: no request fails meanwhile, and what was
// pushed is delivered afterwards.
func TestOutages(t *testing.T) {
	w := newWorld(t)
	w.logOnFailure()
	startServer(t, w.cluster.Kubeconfig, w.mirrors).awaitReady(t)
	sha := w.repo.Commit(w.files())
	w.create()
	w.awaitDeployed(sha, w.images.v1, time.Minute)
	load := w.load()

	// Git is away: the Application says so, and takes up what was pushed meanwhile.
	address := w.repo.Server.Listener.Addr().String()
	w.repo.Server.CloseClientConnections()
	w.repo.Server.Close()
	eventually(t, 30*time.Second, "the Application says that git is away", func() (bool, string) {
		conditions := w.application().Status.Conditions
		return len(conditions) > 0, "no condition"
	})
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	back := httptest.NewUnstartedServer(w.repo.Server.Config.Handler)
	back.Listener.Close()
	back.Listener = listener
	back.Start()
	t.Cleanup(back.Close)
	w.awaitDeployed(w.deployAnew(w.images.v2, 1), w.images.v2, time.Minute)

	// The registry is away while new pods are wanted.
	w.signal("registry", syscall.SIGSTOP)
	sha = w.deployAnew(w.images.v1, 2)
	eventually(t, 30*time.Second, "new pods are asked for", func() (bool, string) {
		ro := w.rollout()
		return ro.Status.CurrentPodHash != ro.Status.StableRS, string(ro.Status.Phase)
	})
	w.signal("registry", syscall.SIGCONT)
	w.awaitDeployed(sha, w.images.v1, 2*time.Minute)

	// The API server dies in the middle of a rollout, and is started again.
	sha = w.deployAnew(w.images.v2, 3)
	eventually(t, 30*time.Second, "the rollout is under way", func() (bool, string) {
		ro := w.rollout()
		return ro.Status.CurrentPodHash != ro.Status.StableRS, string(ro.Status.Phase)
	})
	w.signal("kube-apiserver", syscall.SIGKILL)
	w.awaitDeployed(sha, w.images.v2, 2*time.Minute)
	noneFailed(t, load)
}
