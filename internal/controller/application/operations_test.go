package application_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// refresh asks for a fresh look.
func (w *world) refresh(name types.NamespacedName) {
	w.Helper()
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{v1alpha1.RefreshAnnotation: "hard"}}})
	if err == nil {
		err = w.Patch(context.Background(), app, client.RawPatch(types.MergePatchType, body))
	}
	if err != nil {
		w.Fatal(err)
	}
}

// operate asks for a sync by hand.
func (w *world) operate(name types.NamespacedName, sync *v1alpha1.SyncOperation) {
	w.Helper()
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	testkit.Edit(w, w.Client, app, func(app *v1alpha1.Application) {
		app.Operation = &v1alpha1.Operation{Sync: sync, InitiatedBy: v1alpha1.OperationInitiator{Username: "ada"}}
	})
}

func TestManualSync(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/b.yaml": configMap("b", "green")})
	app := w.app("shop", nil)
	w.eventually(app, "a look", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.OutOfSync })
	if w.data("a") != nil {
		t.Error("it was synced without being asked")
	}
	w.operate(app, &v1alpha1.SyncOperation{Revision: "main"})
	got := w.eventually(app, "the sync", syncedTo(sha))
	if h := got.Status.History; len(h) != 1 || h[0].InitiatedBy.Username != "ada" || h[0].InitiatedBy.Automated {
		t.Errorf("%+v", h)
	}
	// Without prune, what git no longer has stays, and is told.
	w.push(map[string]string{"k8s/b.yaml": ""})
	w.eventually(app, "a look", func(a *v1alpha1.Application) bool {
		return slices.ContainsFunc(a.Status.Resources, func(r v1alpha1.ResourceStatus) bool { return r.Name == "b" && r.RequiresPruning })
	})
	w.operate(app, &v1alpha1.SyncOperation{DryRun: true, Prune: true})
	w.eventually(app, "the rehearsal", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && strings.Contains(a.Status.OperationState.Message, "dry run")
	})
	if w.data("b") == nil {
		t.Error("a rehearsal deleted something")
	}
	w.operate(app, &v1alpha1.SyncOperation{Prune: true})
	w.until("b to be pruned", func(context.Context) (bool, error) { return w.data("b") == nil, nil })
}

func TestNothingIsPrunedToNothing(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "other/x": "y"})
	app := w.app("shop", automated)
	w.eventually(app, "the sync", syncedTo(sha))
	w.push(map[string]string{"k8s/a.yaml": "", "k8s/readme.txt": "nothing here"})
	w.eventually(app, "a word about it", func(a *v1alpha1.Application) bool { return len(a.Status.Conditions) > 0 })
	if w.data("a") == nil {
		t.Error("everything was pruned without allowEmpty")
	}
}

func TestCreateNamespace(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	w.to += "-made"
	t.Cleanup(func() {
		_ = w.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.to}})
	})
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Spec.SyncPolicy.SyncOptions = []string{"CreateNamespace=true"}
	})
	w.eventually(app, "the sync", syncedTo(sha))
	if w.data("a") == nil {
		t.Error("a is missing")
	}
}

const hook = `apiVersion: batch/v1
kind: Job
metadata:
  NAME
  annotations: {argocd.argoproj.io/hook: PHASE, argocd.argoproj.io/hook-delete-policy: POLICY}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      nodeSelector: {nowhere: here}
      containers:
      - {name: x, image: x}
`

func job(name, phase, policy string) string {
	return strings.NewReplacer("NAME", name, "PHASE", phase, "POLICY", policy).Replace(hook)
}

// endJobs ends every Job, well or badly by its name: there is no node for their pods.
func (w *world) endJobs(ctx context.Context) {
	for ctx.Err() == nil {
		var jobs batchv1.JobList
		_ = w.List(ctx, &jobs, client.InNamespace(w.to))
		for i := range jobs.Items {
			j := &jobs.Items[i]
			if len(j.Status.Conditions) > 0 || j.DeletionTimestamp != nil {
				continue
			}
			now := metav1.Now()
			kinds := []batchv1.JobConditionType{batchv1.JobSuccessCriteriaMet, batchv1.JobComplete}
			if strings.HasPrefix(j.Name, "failing") {
				kinds = []batchv1.JobConditionType{batchv1.JobFailureTarget, batchv1.JobFailed}
			} else {
				j.Status.CompletionTime = &now
			}
			j.Status.Active, j.Status.Ready = 0, nil
			if j.Status.StartTime == nil {
				j.Status.StartTime = &now
			}
			for _, kind := range kinds {
				j.Status.Conditions = append(j.Status.Conditions, batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: "Test", Message: "as the test wants", LastProbeTime: now, LastTransitionTime: now})
			}
			if err := w.Status().Update(ctx, j); err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
				w.Error(err)
			}
		}
		<-time.After(20 * time.Millisecond)
	}
}

func TestHooksAndWaves(t *testing.T) {
	w := newWorld(t)
	w.start()
	go w.endJobs(t.Context())
	sha := w.push(map[string]string{
		"k8s/pre.yaml":  job("generateName: migrate-", "PreSync", "HookSucceeded"),
		"k8s/a.yaml":    configMap("a", "green"),
		"k8s/post.yaml": job("name: smoke", "PostSync", "BeforeHookCreation"),
		"k8s/fail.yaml": job("name: alarm", "SyncFail", "HookSucceeded"),
	})
	got := w.eventually(w.app("shop", automated), "the sync", syncedTo(sha))
	var phases []string
	for _, r := range got.Status.OperationState.SyncResult.Resources {
		phases = append(phases, r.Kind+" "+string(r.HookType)+" "+string(r.HookPhase))
	}
	if text := strings.Join(phases, ", "); !strings.Contains(text, "Job PreSync Succeeded") || !strings.Contains(text, "Job PostSync Succeeded") || strings.Contains(text, "SyncFail") {
		t.Error(text)
	}
	var jobs batchv1.JobList
	if err := w.List(t.Context(), &jobs, client.InNamespace(w.to)); err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs.Items {
		if strings.HasPrefix(j.Name, "migrate-") && j.DeletionTimestamp == nil || j.Name == "alarm" {
			t.Error(j.Name, "is there")
		}
	}
}

func TestFailedHookStopsTheSync(t *testing.T) {
	w := newWorld(t)
	w.start()
	go w.endJobs(t.Context())
	w.push(map[string]string{
		"k8s/pre.yaml":  job("name: failing-migration", "PreSync", "BeforeHookCreation"),
		"k8s/a.yaml":    configMap("a", "green"),
		"k8s/fail.yaml": job("name: alarm", "SyncFail", "BeforeHookCreation"),
	})
	app := w.app("shop", nil)
	w.eventually(app, "a look", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.OutOfSync })
	w.operate(app, &v1alpha1.SyncOperation{})
	got := w.eventually(app, "the failure", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.Phase == v1alpha1.OperationFailed
	})
	if w.data("a") != nil || len(got.Status.History) > 0 {
		t.Error("it went on after its hook had failed")
	}
	alarm := &batchv1.Job{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: w.to, Name: "alarm"}, alarm); err != nil {
		t.Error(err)
	}
}

// A newer commit takes over from a sync that is still waiting.
func TestNewerCommitSupersedes(t *testing.T) {
	w := newWorld(t)
	w.start()
	stuck := strings.Replace(deployment, "metadata: {labels: {app: web}}", "metadata: {labels: {app: web}, annotations: {cyan.dev/simulated-never-ready: \"true\"}}", 1)
	w.push(map[string]string{"k8s/web.yaml": stuck, "k8s/post.yaml": job("name: never", "PostSync", "BeforeHookCreation")})
	app := w.app("shop", automated)
	w.eventually(app, "the first sync to wait", func(a *v1alpha1.Application) bool {
		return a.Operation != nil && a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "waiting")
	})
	sha := w.push(map[string]string{"k8s/web.yaml": "", "k8s/post.yaml": "", "k8s/a.yaml": configMap("a", "blue")})
	w.eventually(app, "the newer commit", syncedTo(sha))
	if w.data("a")["colour"] != "blue" {
		t.Error(w.data("a"))
	}
}

// The controller stops in the middle of a sync; the next one brings it to its end.
func TestControllerStopsMidSync(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	sha := w.push(map[string]string{"k8s/pre.yaml": job("name: slow", "PreSync", "BeforeHookCreation"), "k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the hook to run", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && a.Status.OperationState.SyncResult != nil && len(a.Status.OperationState.SyncResult.Resources) > 0
	})
	stop()
	w.start()
	go w.endJobs(t.Context())
	w.eventually(app, "the sync", syncedTo(sha))
	if w.data("a") == nil {
		t.Error("a is missing")
	}
}

func TestGitGoesAwayAndComesBack(t *testing.T) {
	w := newWorld(t)
	w.poll = 200 * time.Millisecond
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the sync", syncedTo(sha))
	address := w.repo.Server.Listener.Addr().String()
	w.repo.Server.CloseClientConnections()
	w.repo.Server.Close()
	got := w.eventually(app, "a word about it", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionComparisonError) != "" })
	if message := condition(got, v1alpha1.ConditionComparisonError); !strings.Contains(message, w.repo.URL) {
		t.Error(message)
	}
	// Meanwhile the cluster is held to the commit that was seen last.
	if err := w.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "a"}}); err != nil {
		t.Fatal(err)
	}
	w.until("the cluster to be healed", func(context.Context) (bool, error) { return w.data("a")["colour"] == "green", nil })
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	back := httptest.NewUnstartedServer(w.repo.Server.Config.Handler)
	back.Listener.Close()
	back.Listener = listener
	back.Start()
	t.Cleanup(back.Close)
	sha = w.repo.Commit(map[string]string{"k8s/a.yaml": configMap("a", "blue")})
	got = w.eventually(app, "what was pushed meanwhile", syncedTo(sha))
	if condition(got, v1alpha1.ConditionComparisonError) != "" || w.data("a")["colour"] != "blue" {
		t.Errorf("%v %v", got.Status.Conditions, w.data("a"))
	}
}

// A cluster that is registered by a Secret is a destination by its name.
func TestRegisteredCluster(t *testing.T) {
	w := newWorld(t)
	w.start()
	tls, err := json.Marshal(map[string]any{"tlsClientConfig": map[string]any{"caData": w.config.CAData, "certData": w.config.CertData, "keyData": w.config.KeyData}})
	if err != nil {
		t.Fatal(err)
	}
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Spec.Destination = v1alpha1.ApplicationDestination{Name: "elsewhere", Namespace: w.to}
	})
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	got := w.eventually(app, "a refusal", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionInvalidSpecError) != "" })
	if !strings.Contains(condition(got, v1alpha1.ConditionInvalidSpecError), "elsewhere") {
		t.Error(got.Status.Conditions)
	}
	err = w.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "elsewhere", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}},
		StringData: map[string]string{"name": "elsewhere", "server": w.config.Host, "config": string(tls)},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.eventually(app, "the sync", syncedTo(sha))
	if w.data("a") == nil {
		t.Error("a is missing")
	}
}

// What a person rolled back is not brought again by itself, until a commit comes that
// changes it: one elsewhere in the repository does not.
func TestRollbackHolds(t *testing.T) {
	w := newWorld(t)
	w.start()
	good := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the sync", syncedTo(good))
	bad := w.push(map[string]string{"k8s/a.yaml": configMap("a", "red")})
	got := w.eventually(app, "the bad commit", syncedTo(bad))
	testkit.Edit(t, w.Client, got, func(got *v1alpha1.Application) {
		got.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: bad}
		got.Operation, got.Status.OperationState = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: good}}, nil
	})
	got = w.eventually(app, "the rollback", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && strings.Contains(condition(a, v1alpha1.ConditionSyncError), "rolled back")
	})
	if w.data("a")["colour"] != "green" || got.Annotations[v1alpha1.RollbackPinAnnotation] != bad || got.Status.Sync.Status != v1alpha1.OutOfSync {
		t.Errorf("%v, %v, %s", w.data("a"), got.Annotations, got.Status.Sync.Status)
	}
	w.refresh(app)
	w.eventually(app, "a fresh look", func(a *v1alpha1.Application) bool { return a.Annotations[v1alpha1.RefreshAnnotation] == "" })
	if w.data("a")["colour"] != "green" {
		t.Error("the rollback did not hold")
	}
	elsewhere := w.push(map[string]string{"other/b.yaml": configMap("b", "pink")})
	got = w.eventually(app, "the commit elsewhere", func(a *v1alpha1.Application) bool {
		return a.Status.Sync.Revision == elsewhere && strings.Contains(condition(a, v1alpha1.ConditionSyncError), "changes nothing of commit "+bad[:7])
	})
	if w.data("a")["colour"] != "green" || got.Annotations[v1alpha1.RollbackPinAnnotation] != bad || got.Operation != nil {
		t.Errorf("after a commit elsewhere: %v, %v, operation %v", w.data("a"), got.Annotations, got.Operation)
	}
	if found := w.compared(got); !found.Comparison.Complete || found.Revision != elsewhere {
		t.Errorf("a look at what was rolled back: got %+v", found)
	}
	mended := w.push(map[string]string{"k8s/a.yaml": configMap("a", "blue")})
	got = w.eventually(app, "the next commit", syncedTo(mended))
	if _, still := got.Annotations[v1alpha1.RollbackPinAnnotation]; still || condition(got, v1alpha1.ConditionSyncError) != "" || w.data("a")["colour"] != "blue" {
		t.Errorf("%v, %v", got.Annotations, got.Status.Conditions)
	}
}

// What git has is never pruned, though a sync does not apply it: skipped, a hook of another phase, or refused by the
// project.
func TestWhatGitHasIsNotPruned(t *testing.T) {
	w := newWorld(t)
	w.start()
	go w.endJobs(t.Context())
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/b.yaml": configMap("b", "green"), "k8s/c.yaml": configMap("c", "green"), "k8s/d.yaml": configMap("d", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the first sync", syncedTo(sha))
	sha = w.push(map[string]string{
		"k8s/a.yaml": configMap("a", "blue", "argocd.argoproj.io/hook: Skip"), "k8s/b.yaml": configMap("b", "blue", "argocd.argoproj.io/hook: PostDelete"),
		"k8s/c.yaml": configMap("c", "blue", "helm.sh/hook: test"), "k8s/d.yaml": "", "k8s/e.yaml": configMap("e", "blue"),
	})
	w.eventually(app, "the second sync", syncedTo(sha))
	for _, name := range []string{"a", "b", "c"} {
		if w.data(name)["colour"] != "green" {
			t.Errorf("%s is %v; want it left as it was", name, w.data(name))
		}
	}
	if w.data("d") != nil {
		t.Error("d is still there; want it pruned")
	}
	project := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: v1alpha1.DefaultProject}}
	testkit.Edit(t, w.Client, project, func(project *v1alpha1.AppProject) {
		project.Spec.NamespaceResourceBlacklist = []v1alpha1.GroupKindPattern{{Kind: "ConfigMap"}}
	})
	w.push(map[string]string{"k8s/a.yaml": "", "k8s/b.yaml": configMap("b", "red")})
	w.eventually(app, "a refusal", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionInvalidSpecError), "ConfigMap")
	})
	if w.data("e") == nil || w.data("b") == nil {
		t.Errorf("e is %v, b is %v; want both left where the project refuses them", w.data("e"), w.data("b"))
	}
}
