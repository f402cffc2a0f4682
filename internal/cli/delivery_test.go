package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/view"
)

// deliveredApp is an Application in a namespace that has deployed a commit of a repository, and syncs another.
func deliveredApp(t *testing.T, namespace, name string) *v1alpha1.Application {
	t.Helper()
	repo := shopRepo(t)
	first := repo.Git("rev-parse", "HEAD")
	second := repo.Commit(map[string]string{"k8s/deployment.yaml": deployment("shop", "registry.example/shop:v2")})
	began, deployed := metav1.NewTime(time.Now().Add(-2*time.Hour)), metav1.NewTime(time.Now().Add(-119*time.Minute))
	return &v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.ApplicationSpec{Project: "default", Source: &v1alpha1.ApplicationSource{RepoURL: repo.URL, Path: "k8s"}, Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: "default"}},
		Status: v1alpha1.ApplicationStatus{
			Health:  v1alpha1.AppHealthStatus{Status: v1alpha1.HealthHealthy},
			History: []v1alpha1.RevisionHistory{{ID: 1, Revision: strings.TrimSpace(first), DeployStartedAt: &began, DeployedAt: deployed}},
			OperationState: &v1alpha1.OperationState{
				Phase: v1alpha1.OperationRunning, StartedAt: metav1.NewTime(time.Now().Add(-3 * time.Second)), Message: "waiting for Deployment shop",
				Operation: v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: second}},
			},
		},
	}
}

// succeed ends the sync of an Application.
func succeed(t *testing.T, c client.Client, app *v1alpha1.Application) {
	t.Helper()
	now := metav1.Now()
	app.Status.History = append(app.Status.History, v1alpha1.RevisionHistory{ID: 2, Revision: app.Status.OperationState.Operation.Sync.Revision, DeployStartedAt: &app.Status.OperationState.StartedAt, DeployedAt: now})
	app.Status.OperationState.Phase, app.Status.OperationState.FinishedAt = v1alpha1.OperationSucceeded, &now
	if err := c.Update(context.WithoutCancel(t.Context()), app); err != nil {
		t.Fatal(err)
	}
}

// Deliveries are seen in the cluster, without a server: with the commits that git has, in every form.
func TestDeliveriesOfTheCluster(t *testing.T) {
	s := newShell(t)
	app := deliveredApp(t, "argocd", "delivered")
	if err := s.cluster.Client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	s.forget("delivered")
	s.says([]string{"cyan", "delivery", "list"}, "APPLICATION", "delivered", "Running", "sync ", "Done")
	s.says([]string{"cyan", "delivery", "list", "delivered", "-o", "wide"}, "AUTHOR", "STAGES")
	s.says([]string{"cyan", "delivery", "list", "argocd/delivered", "--limit", "1", "-o", "name"}, "argocd/delivered/sync-")
	s.says([]string{"cyan", "delivery", "get", "delivered", "1"}, "argocd/delivered", "STAGE", "healthy", "TOOK", " by ", "1m00s")
	s.says([]string{"cyan", "delivery", "get", "delivered"}, "running", "waiting for Deployment shop")
	s.says([]string{"kubectl-cyan", "delivery", "get", "delivered", "--core", "-o", "yaml"}, "application: delivered", "state: Running")
	var d view.Delivery
	if err := json.Unmarshal([]byte(s.run("cyan", "delivery", "get", "delivered", "1", "-o", "json")), &d); err != nil || d.Commit.Author == "" || d.State != view.DeliveryDone {
		t.Errorf("got %+v, %v", d, err)
	}
	for line, want := range map[string]string{
		"delivery get delivred":                        `did you mean "delivered"?`,
		"delivery get delivered 7":                     `delivery "7" not found; there are: sync-`,
		"delivery list --limit 0":                      "--limit: invalid number",
		"delivery get delivered -o wide":               "unknown format",
		"delivery list -o json --watch":                "--watch: given with --output json",
		"delivery get":                                 "the Application's name is missing",
		"delivery list delivered --server cd.example":  "not logged in",
		"delivery list --app-namespace nowhere-at-all": "",
	} {
		out, note, err := s.try(append([]string{"cyan"}, strings.Fields(line)...)...)
		if want == "" && (err != nil || !strings.Contains(note, "no deliveries found")) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %s%s%v, want %q", line, out, note, err, want)
		}
	}
}

// lineBuffer is what a command prints while it runs.
type lineBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lineBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// until waits for a text in what is printed.
func (b *lineBuffer) until(t *testing.T, text string) {
	t.Helper()
	has := func(context.Context) (bool, error) { return strings.Contains(b.String(), text), nil }
	if err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, has); err != nil {
		t.Fatalf("no %q within a minute in %s", text, b)
	}
}

// A watch into a pipe has a line for each change, in the cluster and through a server; it ends with its context.
func TestDeliveriesAreWatched(t *testing.T) {
	for name, line := range map[string][]string{"list": {"delivery", "list"}, "get": {"delivery", "get", "watched"}} {
		for _, through := range []string{"cluster", "server"} {
			t.Run(name+" through the "+through, func(t *testing.T) {
				var sh *shell
				namespace := "argocd"
				if through == "server" {
					served := newServedShell(t)
					served.login(t)
					sh, namespace = served.shell, served.namespace
				} else {
					sh = newShell(t)
				}
				app := deliveredApp(t, namespace, "watched")
				if err := sh.cluster.Client.Create(t.Context(), app); err != nil {
					t.Fatal(err)
				}
				if through == "cluster" {
					sh.forget("watched")
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				out, done := &lineBuffer{}, make(chan error, 1)
				command := cli.New("cyan", "v1.2.3", kit.Streams{In: strings.NewReader(""), Out: out, Err: &lineBuffer{}})
				command.SetArgs(append(line, "--watch"))
				go func() { done <- command.ExecuteContext(ctx) }()
				out.until(t, "/watched sync-")
				out.until(t, " sync running: waiting for Deployment shop\n")
				succeed(t, sh.cluster.Client, app)
				out.until(t, "/watched 2 sync done")
				out.until(t, "/watched 2 Done")
				cancel()
				if err := <-done; err != nil {
					t.Errorf("it ends with %v", err)
				}
				for text := range strings.Lines(out.String()) {
					if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+/\S+ \S+ \S`).MatchString(text) {
						t.Errorf("not a line of a change: %q", text)
					}
				}
			})
		}
	}
}

// Through a server the same is shown, to who may see it, with no kubeconfig.
func TestDeliveriesThroughAServer(t *testing.T) {
	s := newServedShell(t)
	s.login(t)
	if err := s.cluster.Client.Create(t.Context(), deliveredApp(t, s.namespace, "delivered")); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("KUBECONFIG") != os.DevNull {
		t.Fatal("there is a kubeconfig")
	}
	s.says([]string{"cyan", "delivery", "list"}, s.namespace+"/delivered", "Running", "Done", "shop")
	s.says([]string{"cyan", "delivery", "list", "delivered", "-o", "json"}, `"items"`, `"application": "delivered"`)
	s.says([]string{"cyan", "delivery", "get", "delivered", "1"}, s.namespace+"/delivered", "healthy", "Done")
	for line, want := range map[string]string{"delivery get delivred": `did you mean "delivered"?`, "delivery get delivered 9": `delivery "9" not found`, "delivery list elsewhere/delivered": "not found"} {
		if out, note, err := s.try(append([]string{"cyan"}, strings.Fields(line)...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %s%s%v, want %q", line, out, note, err, want)
		}
	}
}
