package application_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/go-logr/logr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/application"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	testkit.Main(m)
}

// within bounds the wait for an outcome on a busy machine.
const within = 30 * time.Second

// world is a control namespace with a controller, a namespace to deploy to, and a git repository.
type world struct {
	looks application.Looks
	testing.TB
	client.Client
	cluster *testkit.LocalCluster
	// control is where the Applications are, to where they deploy.
	control, to string
	repo        *testkit.Repo
	metrics     *prometheus.Registry
	mirrors     string
	config      *rest.Config
	refPoller   *source.RefPoller
	poll        time.Duration
	// clock is time.Now when nil.
	clock func() time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cluster := testkit.Cluster(t)
	w := &world{TB: t, Client: cluster.Client, cluster: cluster, control: cluster.Namespace(t), to: cluster.Namespace(t), repo: testkit.GitRepo(t),
		mirrors: t.TempDir(), config: cluster.Config, poll: time.Hour}
	t.Cleanup(func() { w.freeApps() })
	// What other tests leave behind on the shared cluster carries the marks of Applications of the same names.
	mine := project.Default(w.control)
	mine.Spec.Destinations = []v1alpha1.ApplicationDestination{{Server: "*", Namespace: w.to + "*"}, {Server: "*", Namespace: w.control + "*"}}
	if err := w.Create(context.Background(), mine); err != nil {
		t.Fatal(err)
	}
	return w
}

// freeApps removes finalizers, which nobody serves once the controller has stopped.
func (w *world) freeApps() {
	var apps v1alpha1.ApplicationList
	if err := w.List(context.Background(), &apps, client.InNamespace(w.control)); err != nil {
		w.Error(err)
	}
	for i := range apps.Items {
		patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
		if err := w.Patch(context.Background(), &apps.Items[i], patch); client.IgnoreNotFound(err) != nil {
			w.Error(err)
		}
	}
}

// start runs a controller until the returned function is called, or the test ends.
func (w *world) start() (stop func()) {
	w.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("CYAN_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	w.metrics = prometheus.NewRegistry()
	skip, none := true, time.Duration(0)
	mgr, err := ctrl.NewManager(rest.CopyConfig(w.config), manager.Options{
		Scheme: testkit.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}, Logger: logr.FromSlogHandler(log.Handler()),
		Cache:                   cache.Options{DefaultNamespaces: map[string]cache.Config{w.control: {}}},
		Controller:              config.Controller{SkipNameValidation: &skip},
		GracefulShutdownTimeout: &none,
	})
	if err != nil {
		w.Fatal(err)
	}
	git := application.NewGitMeters()
	mirrors, err := source.Open(w.mirrors, source.Options{Asked: git.Asked})
	if err != nil {
		w.Fatal(err)
	}
	labels, err := application.NewMetricLabels([]string{"team"})
	if err != nil {
		w.Fatal(err)
	}
	w.refPoller = source.NewRefPoller(mirrors, source.RefPollerOptions{Every: w.poll, MaxBackoff: time.Second})
	if err := application.Setup(mgr, application.Options{Mirrors: mirrors, Git: git, MetricLabels: labels, RefPoller: w.refPoller, ControlNamespace: w.control, Metrics: w.metrics, Now: w.clock, Looks: &w.looks, Log: log}); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- w.refPoller.Run(ctx) }()
	go func() { ended <- mgr.Start(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				w.Errorf("the controller ended with: %v", err)
			}
		}
		_ = mirrors.Close()
	}
	w.Cleanup(stop)
	return stop
}

// push commits files and tells the controller, as a webhook would.
func (w *world) push(files map[string]string) string {
	w.Helper()
	sha := w.repo.Commit(files)
	if w.refPoller != nil {
		w.refPoller.PollNow(w.repo.URL)
	}
	return sha
}

// app makes an Application of the repository's folder k8s.
func (w *world) app(name string, change func(*v1alpha1.Application)) types.NamespacedName {
	w.Helper()
	app := &v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: name},
		Spec: v1alpha1.ApplicationSpec{
			Project: "default", Source: &v1alpha1.ApplicationSource{RepoURL: w.repo.URL, Path: "k8s", TargetRevision: "main"},
			Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: w.to},
		},
	}
	if change != nil {
		change(app)
	}
	if err := w.Create(context.Background(), app); err != nil {
		w.Fatal(err)
	}
	return client.ObjectKeyFromObject(app)
}

func automated(app *v1alpha1.Application) {
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{Prune: new(true), SelfHeal: new(true)}}
}

// eventually waits for a condition and gives the Application that met it.
func (w *world) eventually(name types.NamespacedName, what string, met func(*v1alpha1.Application) bool) *v1alpha1.Application {
	w.Helper()
	app := &v1alpha1.Application{}
	err := wait.PollUntilContextTimeout(context.Background(), 10*time.Millisecond, within, true, func(ctx context.Context) (bool, error) {
		seen := &v1alpha1.Application{}
		if err := w.Get(ctx, name, seen); err != nil {
			return false, err
		}
		app = seen
		return met(app), nil
	})
	if err != nil {
		status, _ := json.MarshalIndent(app.Status, "", " ")
		w.Fatalf("waiting for %s: %v\n%s", what, err, status)
	}
	return app
}

// until waits for something in the cluster.
func (w *world) until(what string, met func(context.Context) (bool, error)) {
	w.Helper()
	if err := wait.PollUntilContextTimeout(context.Background(), 10*time.Millisecond, within, true, met); err != nil {
		w.Fatalf("waiting for %s: %v", what, err)
	}
}

func syncedTo(sha string) func(*v1alpha1.Application) bool {
	return func(app *v1alpha1.Application) bool {
		s := app.Status
		return s.Sync.Status == v1alpha1.Synced && s.Sync.Revision == sha && app.Operation == nil && s.OperationState != nil && s.OperationState.Phase == v1alpha1.OperationSucceeded
	}
}

func condition(app *v1alpha1.Application, kind string) string {
	for _, c := range app.Status.Conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

// data reads a ConfigMap of the destination; nil when it isn't there.
func (w *world) data(name string) map[string]string {
	w.Helper()
	found := &corev1.ConfigMap{}
	err := w.Get(context.Background(), client.ObjectKey{Namespace: w.to, Name: name}, found)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.Fatal(err)
	}
	if found.Data == nil {
		return map[string]string{}
	}
	return found.Data
}

// configMap is a manifest.
func configMap(name, colour string, annotations ...string) string {
	text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n", name)
	if len(annotations) > 0 {
		text += "  annotations:\n"
		for _, a := range annotations {
			text += "    " + a + "\n"
		}
	}
	return text + "data:\n  colour: " + colour + "\n"
}
