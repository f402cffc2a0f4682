package cli_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// The article's line makes the very Application that the article's manifest does.
func TestArticlesApplication(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("k8s-request-counter-emitter")
	s.says([]string{
		"argocd", "app", "create", "k8s-request-counter-emitter", "--repo", repo.URL, "--path", "k8s", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", "default",
		"--sync-policy", "automated", "--auto-prune", "--self-heal",
	}, "application 'k8s-request-counter-emitter' created")
	spec := s.app("k8s-request-counter-emitter").Spec
	if spec.Project != "default" || spec.Source.RepoURL != repo.URL || spec.Source.Path != "k8s" || spec.Destination.Server != "https://kubernetes.default.svc" || spec.Destination.Namespace != "default" {
		t.Errorf("%+v %+v", spec, spec.Source)
	}
	if a := spec.Automation(); a == nil || !a.Prune || !a.SelfHeal || a.AllowEmpty {
		t.Errorf("%+v", a)
	}
	s.says([]string{"argocd", "app", "list"}, "k8s-request-counter-emitter", "Auto-Prune-SelfHeal")
	s.says([]string{"argocd", "app", "get", "k8s-request-counter-emitter"}, repo.URL, "k8s", "Auto-Prune-SelfHeal")
}

func TestAppCreateTwice(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	repo.Git("branch", "release")
	repo.Push("release")
	s.forget("twice")
	create := []string{"cyan", "app", "create", "twice", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default"}
	s.run(create...)
	s.run(create...) // the same again changes nothing
	_, _, err := s.try(append(create, "--revision", "release")...)
	if err == nil || !strings.Contains(err.Error(), "twice") || !strings.Contains(err.Error(), "--upsert") {
		t.Error(err)
	}
	s.run(append(create, "--revision", "release", "--upsert")...)
	if got := s.app("twice").Spec.Source.TargetRevision; got != "release" {
		t.Error(got)
	}
	s.run("cyan", "app", "set", "twice", "--sync-policy", "automated", "--self-heal", "--sync-option", "CreateNamespace=true", "--kustomize-image", "shop=registry.example/shop:v2")
	spec := s.app("twice").Spec
	if a := spec.Automation(); a == nil || !a.SelfHeal || len(spec.SyncPolicy.SyncOptions) != 1 || len(spec.Source.Kustomize.Images) != 1 || spec.Source.TargetRevision != "release" {
		t.Errorf("%+v", spec)
	}
	s.run("cyan", "app", "set", "twice", "--auto-prune=false", "--self-heal=false", "--allow-empty=false")
	if a := s.app("twice").Spec.SyncPolicy.Automated; a.Prune == nil || *a.Prune || a.SelfHeal == nil || *a.SelfHeal || a.AllowEmpty == nil || *a.AllowEmpty {
		t.Errorf("got %+v, want what is false as it was written", a)
	}
}

// An Application is made in the namespace that stands before its name, as all other commands find it there.
func TestAppCreateInANamespace(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	namespace := s.cluster.Namespace(t)
	project := &v1alpha1.AppProject{}
	s.get(project, "argocd", "default")
	before := project.DeepCopy()
	project.Spec.SourceNamespaces = []string{namespace}
	if err := s.cluster.Client.Patch(t.Context(), project, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cluster.Client.Patch(context.Background(), before, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"sourceNamespaces":null}}`)))
	})
	create := []string{"argocd", "app", "create", namespace + "/far", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default"}
	s.run(create...)
	app := &v1alpha1.Application{}
	s.get(app, namespace, "far")
	t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), app) })
	create[3] = "elsewhere/far"
	if got := s.ends(create...); got.code != 20 || !strings.Contains(got.stderr, "namespace 'elsewhere' is not permitted to use project 'default'") {
		t.Errorf("in a namespace that the project does not permit: got %+v", got)
	}
}

func TestAppOutputs(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("outputs")
	s.run("cyan", "app", "create", "outputs", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	var one struct {
		Kind     string
		Metadata metav1.ObjectMeta
	}
	if err := json.Unmarshal([]byte(s.run("cyan", "app", "get", "outputs", "-o", "json")), &one); err != nil || one.Kind != "Application" || one.Metadata.Name != "outputs" || one.Metadata.ManagedFields != nil {
		t.Errorf("%+v, %v", one, err)
	}
	s.says([]string{"cyan", "app", "get", "outputs", "-o", "yaml"}, "kind: Application", "path: k8s")
	var many struct{ Items []json.RawMessage }
	if err := json.Unmarshal([]byte(s.run("cyan", "app", "list", "-o", "json")), &many); err == nil && len(many.Items) == 0 {
		t.Error("an empty list")
	}
	if out := s.run("cyan", "app", "list", "-o", "name"); !strings.Contains(out, "outputs\n") {
		t.Error(out)
	}
	if out := s.run("cyan", "app", "list", "-o", "wide"); !strings.Contains(out, repo.URL) {
		t.Error(out)
	}
	s.says([]string{"cyan", "app", "manifests", "outputs"}, "kind: Deployment", "registry.example/shop:v1", "    argocd.argoproj.io/tracking-id: outputs:apps/Deployment:default/shop\n")
	s.says([]string{"cyan", "render", repo.Dir + "/k8s"}, "kind: Deployment")
}

func TestAppDiff(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("different")
	namespace := s.cluster.Namespace(t)
	s.run("cyan", "app", "create", "different", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", namespace)
	out, _, err := s.try("cyan", "app", "diff", "different")
	if err == nil || !strings.Contains(out, "===== apps/Deployment "+namespace+"/shop ====== new") || !strings.Contains(out, "registry.example/shop:v1") {
		t.Errorf("%s\n%v", out, err)
	}
}

// A sync is asked for by an operation; the outcome is waited for, and told.
func TestAppSyncAsksAndWaits(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("synced")
	s.run("cyan", "app", "create", "synced", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	for _, c := range []struct {
		phase   v1alpha1.OperationPhase
		message string
		ok      bool
	}{{v1alpha1.OperationSucceeded, "successfully synced", true}, {v1alpha1.OperationFailed, "the quota is used up", false}} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		asked := make(chan *v1alpha1.Application, 1)
		go func() { asked <- s.carryOut(ctx, "synced", c.phase, c.message) }()
		out, note, err := s.tryWith(ctx, "", "cyan", "app", "sync", "synced", "--prune", "--revision", "main")
		app := <-asked
		cancel()
		if (err == nil) != c.ok || !c.ok && !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v\n%s%s", c.phase, err, out, note)
		}
		if app == nil || !app.Operation.Sync.Prune || app.Operation.Sync.Revision != "main" {
			t.Errorf("asked for %+v", app)
		}
	}
}

// carryOut does what the controller would: it takes the operation and writes how it ended.
func (s *shell) carryOut(ctx context.Context, name string, phase v1alpha1.OperationPhase, message string) *v1alpha1.Application {
	var asked *v1alpha1.Application
	_ = wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		app := &v1alpha1.Application{}
		if err := s.cluster.Client.Get(ctx, client.ObjectKey{Namespace: "argocd", Name: name}, app); err != nil || app.Operation == nil {
			return false, nil //nolint:nilerr // it is tried again until ctx ends
		}
		seen := app.DeepCopy()
		now := metav1.Now()
		app.Status.OperationState = &v1alpha1.OperationState{Operation: *app.Operation, Phase: phase, Message: message, StartedAt: now, FinishedAt: &now}
		app.Operation = nil
		if err := s.cluster.Client.Update(ctx, app); err != nil {
			return false, nil //nolint:nilerr // somebody else has written it; it is read again
		}
		asked = seen
		return true, nil
	})
	return asked
}

func TestAppRollback(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("back")
	s.run("cyan", "app", "create", "back", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default", "--sync-policy", "automated")
	app := s.app("back")
	old := strings.Repeat("a", 40)
	for i, revision := range []string{old, strings.Repeat("b", 40)} {
		app.Status.History = append(app.Status.History, v1alpha1.RevisionHistory{ID: int64(i), Revision: revision, DeployedAt: metav1.Now(), Source: app.Spec.Source})
	}
	app.Status.Sync.Revision = strings.Repeat("b", 40)
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	s.says([]string{"cyan", "app", "history", "back"}, old, repo.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	asked := make(chan *v1alpha1.Application, 1)
	go func() { asked <- s.carryOut(ctx, "back", v1alpha1.OperationSucceeded, "done") }()
	if _, _, err := s.tryWith(ctx, "", "cyan", "app", "rollback", "back", "0"); err != nil {
		t.Error(err)
	}
	if app := <-asked; app == nil || app.Operation.Sync.Revision != old || app.Annotations[v1alpha1.RollbackPinAnnotation] != strings.Repeat("b", 40) {
		t.Errorf("asked for %+v", app)
	}
}

func TestAppDelete(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("cascading", "sparing")
	for _, name := range []string{"cascading", "sparing"} {
		s.run("cyan", "app", "create", name, "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	}
	s.run("argocd", "app", "delete", "cascading", "--yes", "--wait=false")
	app := s.app("cascading")
	if app.DeletionTimestamp == nil || len(app.Finalizers) != 1 || app.Finalizers[0] != v1alpha1.ResourcesFinalizer {
		t.Errorf("%v %v", app.DeletionTimestamp, app.Finalizers)
	}
	s.run("argocd", "app", "confirm-deletion", "cascading")
	if app := s.app("cascading"); !plan.Confirmed(app, app.DeletionTimestamp.Time) {
		t.Errorf("annotations are %v; want the deletion confirmed", app.Annotations)
	}
	s.run("argocd", "app", "delete", "sparing", "--cascade=false", "--yes")
	if err := s.cluster.Client.Get(t.Context(), client.ObjectKey{Namespace: "argocd", Name: "sparing"}, app); client.IgnoreNotFound(err) != nil || err == nil {
		t.Error("it is still there:", err)
	}
}
