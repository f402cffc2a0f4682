package e2e

import (
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"
)

// newInPlaceWorld is the example as GitOps has deployed it, with requests going to it, and a working copy of it.
func newInPlaceWorld(t *testing.T) (w *world, d *devWorld, sha string) {
	t.Helper()
	w = newWorld(t)
	files := w.files()
	sha = w.repo.Commit(files)
	startServer(t, w.cluster.Kubeconfig, w.mirrors).awaitReady(t)
	w.logOnFailure()
	d = newDevWorld(t)
	d.namespace = w.namespace
	d.write(kustomization, files[kustomization])
	d.write(rolloutFile, files[rolloutFile])
	// Redis has no preview: what is built anew of it is replaced as it serves, and requests wait for it.
	d.write("skaffold.yaml", strings.Replace(d.read("skaffold.yaml"), "    - image: request-counter/redis\n      docker:\n        dockerfile: redis.Dockerfile\n", "", 1))
	return w, d, sha
}

// awaitPrintedTimes waits until the loop has printed something a number of times.
func (w *devWorld) awaitPrintedTimes(text string, times int) {
	w.t.Helper()
	eventually(w.t, 2*time.Minute, "the loop prints "+text, func() (bool, string) {
		out := w.out.String()
		return strings.Count(out, text) >= times, out
	})
}

// awaitBack waits until git's state is back, and nothing of the loop is left.
func (w *world) awaitBack(sha string) {
	w.t.Helper()
	w.awaitDeployed(sha, w.images.v1, 3*time.Minute)
	eventually(w.t, 2*time.Minute, "nothing of the loop is left", func() (bool, string) {
		app, bg := w.application(), w.rollout().Spec.Strategy.BlueGreen
		for _, c := range app.Status.Conditions {
			if c.Type == "HandedOver" {
				return false, c.Message
			}
		}
		return bg != nil && bg.AutoPromotionEnabled == nil, "the Rollout has autoPromotionEnabled"
	})
}

// GitOps runs, then a loop: the Application hands its objects over, what serves goes on serving, and whatever becomes
// of the loop, git's state comes back.
func TestDevLoopInPlace(t *testing.T) {
	w, d, sha := newInPlaceWorld(t)
	w.create()
	w.awaitDeployed(sha, w.images.v1, 3*time.Minute)
	load := w.load()

	d.setVersion("saved")
	d.start("--in-place", "--plain", "--application", w.app())
	d.awaitPrinted("✓ ready")
	if ro := w.rollout(); ro.Status.StableRS == ro.Status.CurrentPodHash || ro.Status.BlueGreen.ActiveSelector != ro.Status.StableRS || ptr.Deref(ro.Spec.Strategy.BlueGreen.AutoPromotionEnabled, true) {
		t.Errorf("got %+v; want a preview of what was saved, and the stable version serving", ro.Status)
	}
	if out := w.run("cyan", "app", "get", w.app()); !strings.Contains(out, "handed over to root@") {
		t.Errorf("app get: got\n%s\nwant who has the objects", out)
	}

	second := d.command("dev", "--in-place", "--plain", "--application", w.app())
	second.Env = append(second.Env, "XDG_DATA_HOME="+t.TempDir())
	refused := &output{}
	second.Stdout, second.Stderr = refused, refused
	if err := second.Run(); err == nil || !strings.Contains(refused.String(), "handed over to root@") || !strings.Contains(refused.String(), "cyan app reclaim "+w.app()) {
		t.Errorf("a second loop: got %v\n%s\nwant who has the objects, and what to do", err, refused)
	}

	// Killed, it is taken up by the next start.
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
	d.start("--in-place", "--plain", "--application", w.app())
	d.awaitPrintedTimes("✓ ready", 2)
	d.end()
	d.awaitPrinted("is given back")
	w.awaitBack(sha)

	// Taken back, it ends, and says by whom.
	d.start("--in-place", "--plain", "--application", w.app())
	d.awaitPrintedTimes("✓ ready", 3)
	w.run("cyan", "app", "reclaim", w.app())
	if err := d.cmd.Wait(); err == nil {
		t.Error("the loop ended without an error, though it was taken back")
	}
	d.awaitPrinted("taken back by")
	w.awaitBack(sha)

	// Killed, it is given back when that is asked for.
	d.start("--in-place", "--plain", "--application", w.app())
	d.awaitPrintedTimes("✓ ready", 4)
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
	if err := d.command("dev", "--cleanup").Run(); err != nil {
		t.Error(err)
	}
	d.awaitPrinted("removed the hold on Application argocd/" + w.app())
	w.awaitBack(sha)
	noneFailed(t, load)
}

// A loop runs in a namespace, then GitOps deploys there: the loop leaves alone what is the Application's by then, and
// deletes nothing of it.
func TestGitOpsAfterDevLoop(t *testing.T) {
	w, d, sha := newInPlaceWorld(t)
	d.setVersion("before")
	d.start("--namespace", w.namespace, "--plain")
	d.awaitPrinted("✓ ready")
	w.create()
	w.awaitDeployed(sha, w.images.v1, 3*time.Minute)
	d.setVersion("after")
	d.awaitPrinted("Application " + w.app() + " deploys it")
	d.end()
	w.awaitDeployed(sha, w.images.v1, time.Minute)
	if w.rollout().DeletionTimestamp != nil {
		t.Error("the loop has deleted the Rollout, which is the Application's")
	}
}
