package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The lines of a well-known article run as they stand, apart from host names: with argocd and the kubectl plugin being
// this program under other names.
func TestTheArticlesLines(t *testing.T) {
	w := newWorld(t)
	w.logOnFailure()
	startServer(t, w.cluster.Kubeconfig, w.mirrors).awaitReady(t)
	sha := w.repo.Commit(w.files())

	w.run("argocd", "cluster", "add", contextOf(t, w.cluster), "--yes")
	if out := w.run("argocd", "cluster", "list"); !strings.Contains(out, "https://kubernetes.default.svc") || !strings.Contains(out, contextOf(t, w.cluster)) {
		t.Error(out)
	}
	w.create()
	w.awaitDeployed(sha, w.images.v1, time.Minute)
	if out := w.run("argocd", "app", "get", w.app()); !strings.Contains(out, "Synced") || !strings.Contains(out, "Healthy") || !strings.Contains(out, "active-service") {
		t.Error(out)
	}

	// The tree is watched while a new version comes up. When it is no terminal, each state is printed below the last.
	watch := exec.CommandContext(t.Context(), program("kubectl-argo-rollouts"), "get", "rollout", "app", "--watch", "--namespace", w.namespace, "--kubeconfig", w.cluster.Kubeconfig)
	var seen strings.Builder
	watch.Stdout, watch.Stderr = &seen, &seen
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	w.awaitDeployed(w.deployAnew(w.images.v2, 1), w.images.v2, time.Minute)
	w.run("argocd", "app", "sync", w.app())
	_ = watch.Process.Kill()
	_ = watch.Wait()
	for _, part := range []string{`revision:2`, `app-[0-9a-f]+-\w+ +Pod +\S+ (Running|ContainerCreating|Pending)`, `active-service +→ +revision:1|active-service → revision:1`, `preview-service → revision:2`, `stable`} {
		if !regexp.MustCompile(part).MatchString(seen.String()) {
			t.Errorf("the watched tree never showed %s", part)
		}
	}
	if t.Failed() {
		t.Log(seen.String())
	}

	w.run("argocd", "app", "delete", w.app(), "--yes")
	eventually(t, time.Minute, "what the Application deployed is gone", func() (bool, string) {
		ro := w.rollout()
		return ro.Name == "" && w.application().Name == "", ro.Name + " " + w.application().Name
	})
	w.run("argocd", "cluster", "rm", contextOf(t, w.cluster), "--yes")
}
