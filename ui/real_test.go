package ui_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/controller"
	"github.com/cyan-cd/cyan/internal/controller/install"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// manifests are a Rollout that waits for somebody before it switches, its Services, and a ConfigMap.
const manifests = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {version: VERSION}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: IMAGE
          env: [{name: NAME, value: web}, {name: ASKS, value: web/things}]
          readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
  strategy:
    blueGreen: {activeService: web, previewService: web-preview, autoPromotionEnabled: false}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web-preview}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: greeting}
data: {text: "hello from VERSION"}
`

// real is the program on a real API server, with two Applications in a repository: shop is synced by itself, bank by
// hand. A third, made, is there to be made.
type real struct {
	testing.TB
	cluster *testkit.LocalCluster
	repo    *testkit.Repo
	control string
	// image is what the pods run.
	image string
	// namespaces are where the Applications deploy to, by name.
	namespaces map[string]string
}

// realCluster is a cluster with real pods, where these can be, and what they run; elsewhere one whose pods are
// simulated.
func realCluster(t *testing.T) (cluster *testkit.LocalCluster, image string) {
	t.Helper()
	if !canHaveRealPods() {
		return testkit.Cluster(t), "registry.example/web:1.0"
	}
	cluster = startRealCluster(t)
	if err := install.CRDs(t.Context(), cluster.Config); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	copyShop(t, dir)
	return cluster, buildService(t, dir, cluster.Registry+"/web").Ref()
}

// TestRealProgram has a browser work with the page of the real program, as people do.
func TestRealProgram(t *testing.T) {
	needPage(t)
	log, err := os.Create(filepath.Join(t.TempDir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	handler := slog.NewTextHandler(log, nil)
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	cluster, image := realCluster(t)
	w := &real{TB: t, cluster: cluster, image: image, repo: testkit.GitRepo(t), control: cluster.Namespace(t), namespaces: map[string]string{}}
	for _, app := range []string{"shop", "bank", "made"} {
		w.namespaces[app] = cluster.Namespace(t)
		w.commit(app, "v1")
	}
	w.accounts()
	t.Cleanup(func() { w.showLog(log) })
	address := w.start(slog.New(handler))
	password, err := w.auth().InitialPassword(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.auth().SetPassword(t.Context(), "viewer", viewerPassword); err != nil {
		t.Fatal(err)
	}
	w.apply("shop", &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{}})
	w.apply("bank", nil)
	between := newWire(t, address)
	hooks := httptest.NewServer(w.hooks(between))
	t.Cleanup(hooks.Close)
	simulated := ""
	if !canHaveRealPods() {
		simulated = "real pods need root on Linux"
	}
	runNode(t, filepath.Join("test", "real.test.mjs"), "PAGE="+between.address(), "HOOKS="+hooks.URL, "CONTROL="+w.control, "SHOP="+w.namespaces["shop"], "BANK="+w.namespaces["bank"], "MADE="+w.namespaces["made"], "REPO="+w.repo.URL,
		"PASSWORD="+password, "VIEWER="+viewerPassword, "SIMULATED="+simulated)
}

const viewerPassword = "may-look-and-nothing-else"

// start runs the program until the test ends, and returns where the page is.
func (w *real) start(log *slog.Logger) string {
	w.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	serving, ended := make(chan string, 1), make(chan error, 1)
	mirrors := w.TempDir()
	go func() {
		ended <- controller.Run(ctx, w.cluster.Config, controller.Options{
			MirrorDir: mirrors, ControlNamespace: w.control, SkipInstall: true, BesideOthers: true, PollEvery: time.Second, Log: log,
			API: controller.API{Listener: listener, Version: "v1.2.3", Serving: func(at string, _ bool) { serving <- at }},
		})
	}()
	w.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
	select {
	case address := <-serving:
		return strings.TrimSuffix(address, "/")
	case err := <-ended:
		ended <- err
		w.Fatalf("the program has ended: %v", err)
		return ""
	}
}

// showLog shows what the program wrote last where a test failed.
func (w *real) showLog(log *os.File) {
	_ = log.Close()
	if !w.Failed() {
		return
	}
	if text, err := os.ReadFile(log.Name()); err == nil {
		w.Logf("what the program wrote:\n%s", text[max(0, len(text)-8000):])
	}
}

func (w *real) auth() auth.Accounts {
	return auth.Accounts{Objects: auth.ClusterObjects{Client: w.cluster.Client, Namespace: w.control}, Now: time.Now}
}

// accounts makes an account that may look at Applications.
func (w *real) accounts() {
	w.Helper()
	for name, data := range map[string]map[string]string{
		"argocd-cm":      {"accounts.viewer": "login"},
		"argocd-rbac-cm": {"policy.csv": "p, viewer, applications, get, */*, allow\n"},
	} {
		if err := w.cluster.Client.Create(w.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: name}, Data: data}); err != nil {
			w.Fatal(err)
		}
	}
}

// apply makes an Application.
func (w *real) apply(name string, policy *v1alpha1.SyncPolicy) {
	w.Helper()
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: name}}
	app.Spec.Project = "default"
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: w.repo.URL, Path: name, TargetRevision: "HEAD"}
	app.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: w.namespaces[name]}
	app.Spec.SyncPolicy = policy
	if err := w.cluster.Client.Create(w.Context(), app); err != nil {
		w.Fatal(err)
	}
}

// commit pushes a version of an Application, and returns the commit.
func (w *real) commit(app, version string) string {
	w.Helper()
	return w.repo.Commit(map[string]string{app + "/app.yaml": strings.NewReplacer("VERSION", version, "IMAGE", w.image).Replace(manifests)})
}

// hooks is what happens beside the page, for the test in the browser to ask for.
func (w *real) hooks(between *wire) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cut", func(http.ResponseWriter, *http.Request) { between.cut() })
	mux.HandleFunc("POST /mend", func(http.ResponseWriter, *http.Request) { between.mend() })
	mux.HandleFunc("POST /commit/{app}/{version}", func(out http.ResponseWriter, r *http.Request) {
		fmt.Fprint(out, w.commit(r.PathValue("app"), r.PathValue("version")))
	})
	mux.HandleFunc("GET /selector/{app}/{service}", func(out http.ResponseWriter, r *http.Request) {
		service := &corev1.Service{}
		if err := w.cluster.Client.Get(r.Context(), client.ObjectKey{Namespace: w.namespaces[r.PathValue("app")], Name: r.PathValue("service")}, service); err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(out, service.Spec.Selector[v1alpha1.PodHashLabel])
	})
	mux.HandleFunc("POST /deny", func(out http.ResponseWriter, r *http.Request) {
		policy := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "argocd-rbac-cm"}}
		if err := w.cluster.Client.Patch(r.Context(), policy, client.RawPatch("application/merge-patch+json", []byte(`{"data":{"policy.csv":"p, viewer, applications, get, */bank, allow\n"}}`))); err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}
