package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

const baseOfApp = "k8s/kustomize/base/app/"

// referring is a Rollout that takes over the pods of a Deployment.
const referring = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: app
spec:
  replicas: 2
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: app, scaleDown: onsuccess}
  strategy:
    blueGreen:
      activeService: active-service
      previewService: preview-service
      scaleDownDelaySeconds: 1
`

// asDeployment returns the example with a Deployment in the place of its Rollout. Its size is not in git.
func (w *world) asDeployment() map[string]string {
	all := w.files()
	text, _, _ := strings.Cut(all[rolloutFile], "  strategy:\n")
	text = strings.NewReplacer("argoproj.io/v1alpha1", "apps/v1", "kind: Rollout", "kind: Deployment", "  replicas: 2\n", "", "app-image", w.cluster.Registry+"/"+appName+"/app@"+w.images.v1).Replace(text)
	delete(all, rolloutFile)
	all[baseOfApp+"deployment.yml"] = text
	all[baseOfApp+"kustomization.yml"] = "resources: [deployment.yml, service.yml]\n"
	return all
}

// awaitSizes waits until a commit is synced, and the Deployment and the Rollout have as many available pods; nil for an
// object that is not there.
func (w *world) awaitSizes(sha string, deployment, rollout *int32) {
	w.t.Helper()
	eventually(w.t, time.Minute, sha[:7]+" is deployed", func() (bool, string) {
		app, d, ro := w.application(), &appsv1.Deployment{}, w.rollout()
		err := w.cluster.Client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: "app"}, d)
		state := fmt.Sprintf("Application %s %s %.7s; Deployment %v of %v %v; Rollout %q %s %s, %d available, deleted at %v", app.Status.Sync.Status, app.Status.Health.Status, app.Status.Sync.Revision,
			d.Status.AvailableReplicas, ptr.Deref(d.Spec.Replicas, -1), err, ro.Name, ro.Status.Phase, ro.Status.Message, ro.Status.AvailableReplicas, ro.DeletionTimestamp)
		if app.Status.OperationState != nil {
			state += "; " + app.Status.OperationState.Message
		}
		has := deployment == nil && err != nil
		if deployment != nil {
			has = err == nil && *d.Spec.Replicas == *deployment && d.Status.AvailableReplicas == *deployment && d.Status.Replicas == *deployment
		}
		if rollout == nil {
			has = has && ro.Name == ""
		} else {
			has = has && ro.DeletionTimestamp == nil && ro.Status.Phase == v1alpha1.RolloutHealthy && ro.Status.AvailableReplicas == *rollout
		}
		return has && app.Status.Sync.Status == v1alpha1.Synced && app.Status.Sync.Revision == sha && app.Status.Health.Status == v1alpha1.HealthHealthy, state
	})
}

// A Deployment whose size is not in git gets a Rollout that takes over its pods, loses it again by git and by hand, and
// no request is lost: it has its pods before the Rollout's go.
func TestRolloutComesAndGoes(t *testing.T) {
	w := newWorld(t)
	w.logOnFailure()
	startServer(t, w.cluster.Kubeconfig, w.mirrors).awaitReady(t)
	sha := w.repo.Commit(w.asDeployment())
	w.create()
	w.awaitSizes(sha, ptr.To[int32](1), nil)
	load := w.load()
	with := map[string]string{rolloutFile: referring, baseOfApp + "kustomization.yml": "resources: [deployment.yml, rollout.yml, service.yml]\n"}
	without := map[string]string{baseOfApp + "kustomization.yml": "resources: [deployment.yml, service.yml]\n"}

	w.awaitSizes(w.repo.Commit(with), ptr.To[int32](0), ptr.To[int32](2))
	if got := w.rollout().Finalizers; !slices.Equal(got, []string{v1alpha1.WorkloadFinalizer}) {
		t.Errorf("finalizers %v", got)
	}
	w.awaitSizes(w.repo.Commit(without), ptr.To[int32](2), nil)
	sha = w.repo.Commit(with)
	w.awaitSizes(sha, ptr.To[int32](0), ptr.To[int32](2))

	ro := w.rollout()
	if err := w.cluster.Client.Delete(context.Background(), ro, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the Rollout is made anew", func() (bool, string) {
		now := w.rollout()
		return now.UID != "" && now.UID != ro.UID, now.Status.Message
	})
	w.awaitSizes(sha, ptr.To[int32](0), ptr.To[int32](2))
	noneFailed(t, load)

	w.run("argocd", "app", "delete", w.app(), "--cascade", "--yes")
	eventually(t, time.Minute, "everything is deleted", func() (bool, string) {
		pods := &appsv1.ReplicaSetList{}
		err := w.cluster.Client.List(context.Background(), pods, client.InNamespace(w.namespace))
		app, ro := w.application(), w.rollout()
		return err == nil && app.Name == "" && ro.Name == "" && len(pods.Items) == 0, fmt.Sprintf("Application %q, Rollout %q %s, %d ReplicaSets, %v", app.Name, ro.Name, ro.Status.Message, len(pods.Items), err)
	})
}
