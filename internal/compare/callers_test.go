package compare_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/controller/application"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	testkit.Main(m)
}

// within bounds the wait for an outcome on a busy machine.
const within = time.Minute

// control is where the commands look for Applications.
const control = "argocd"

// callers are a running controller and the commands, on one cluster.
type callers struct {
	*testing.T
	client.Client
	cluster *testkit.LocalCluster
}

func newCallers(t *testing.T) *callers {
	t.Helper()
	cluster := testkit.Cluster(t)
	t.Setenv("KUBECONFIG", cluster.Kubeconfig)
	c := &callers{t, cluster.Client, cluster}
	err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: control}})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	c.start()
	return c
}

// start runs a controller of Applications until the test ends.
func (c *callers) start() {
	c.Helper()
	skip, none := true, time.Duration(0)
	mgr, err := ctrl.NewManager(c.cluster.Config, manager.Options{
		Scheme: testkit.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}, Logger: logr.Discard(), Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{control: {}}},
		Controller: config.Controller{SkipNameValidation: &skip}, GracefulShutdownTimeout: &none,
	})
	if err != nil {
		c.Fatal(err)
	}
	mirrors, err := source.Open(c.TempDir(), source.Options{})
	if err != nil {
		c.Fatal(err)
	}
	refPoller := source.NewRefPoller(mirrors, source.RefPollerOptions{Every: time.Hour})
	err = application.Setup(mgr, application.Options{Mirrors: mirrors, RefPoller: refPoller, ControlNamespace: control, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- refPoller.Run(ctx) }()
	go func() { ended <- mgr.Start(ctx) }()
	c.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				c.Errorf("the controller ended with: %v", err)
			}
		}
		_ = mirrors.Close()
	})
}

// run runs a command line and returns what it printed, and its exit code.
func (c *callers) run(line ...string) (out string, code int) {
	c.Helper()
	var stdout, stderr bytes.Buffer
	command := cli.New("cyan", "v1", kit.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	command.SetArgs(line)
	err := command.ExecuteContext(c.Context())
	if code = problem.ExitCode(err); code > 1 {
		c.Errorf("%s: %v\n%s", strings.Join(line, " "), err, stderr.String())
	}
	return stdout.String(), code
}

func (c *callers) eventually(app, what string, met func(*v1alpha1.Application) bool) *v1alpha1.Application {
	c.Helper()
	seen := &v1alpha1.Application{}
	err := wait.PollUntilContextTimeout(c.Context(), 20*time.Millisecond, within, true, func(ctx context.Context) (bool, error) {
		fresh := &v1alpha1.Application{}
		if err := c.Get(ctx, client.ObjectKey{Namespace: control, Name: app}, fresh); err != nil {
			return false, err
		}
		seen = fresh
		return met(seen), nil
	})
	if err != nil {
		c.Fatalf("waiting for %s: %v: %+v", what, err, seen.Status)
	}
	return seen
}

// apply puts an object into the cluster as another program would.
func (c *callers) apply(text, manager string) {
	c.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		c.Fatal(err)
	}
	if err := c.Create(c.Context(), object, client.FieldOwner(manager)); err != nil {
		c.Fatal(err)
	}
}

// outOfSync are the objects that the controller says are not as git has them.
func outOfSync(app *v1alpha1.Application) []string {
	var all []string
	for _, r := range app.Status.Resources {
		if r.Status == v1alpha1.OutOfSync {
			all = append(all, screens.ObjectName(r.Kind, r.Namespace, r.Name))
		}
	}
	slices.Sort(all)
	return all
}

// differing are the objects that app diff shows.
func differing(out string) []string {
	var all []string
	for line := range strings.Lines(out) {
		if title, ok := strings.CutPrefix(line, "===== "); ok {
			_, name, _ := strings.Cut(strings.TrimSpace(title), "/")
			name, _, _ = strings.Cut(name, " ======")
			all = append(all, strings.Replace(name, " /", " ", 1))
		}
	}
	slices.Sort(all)
	return all
}

// configMap is a manifest in namespace NS.
func configMap(name, data string, annotations ...string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  namespace: NS\n  name: %s\n  annotations: {%s}\ndata: %s\n", name, strings.Join(annotations, ", "), data)
}

const lastApplied = `kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"NS","name":"a"},"data":{"k":"v","gone":"x"}}'`

// The controller, app diff and app manifests see the same objects and the same differences.
func TestAllCallersSeeTheSame(t *testing.T) {
	c := newCallers(t)
	options := func(all ...string) func(*v1alpha1.Application) {
		return func(app *v1alpha1.Application) { app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{SyncOptions: all} }
	}
	for i, test := range []struct {
		name string
		// live is what another program, manager, put into the cluster before.
		live, manager string
		git           map[string]string
		change        func(*v1alpha1.Application)
		// want are the names of the objects that differ before the sync.
		want []string
		// rendered are parts of what git renders to.
		rendered []string
	}{
		{name: "new objects", git: map[string]string{"a.yaml": configMap("a", "{k: v}")}, want: []string{"a"}},
		{name: "the same, by nobody who applies", live: configMap("a", "{k: v}"), manager: "editor", git: map[string]string{"a.yaml": configMap("a", "{k: v}")}, want: []string{"a"}},
		{name: "fields of a former applier are taken over", live: configMap("a", "{k: v, gone: x}", "argocd.argoproj.io/tracking-id: 'APP:/ConfigMap:NS/a'"), manager: "kubectl-client-side-apply",
			git: map[string]string{"a.yaml": configMap("a", "{k: v}")}, want: []string{"a"}},
		{name: "what differs in nothing but who wrote it", live: configMap("a", "{k: v}", "argocd.argoproj.io/tracking-id: 'APP:/ConfigMap:NS/a'"), manager: "argocd-controller",
			git: map[string]string{"a.yaml": configMap("a", "{k: v}")}},
		{name: "a Secret of plain text", live: "{apiVersion: v1, kind: Secret, metadata: {namespace: NS, name: a, annotations: {argocd.argoproj.io/tracking-id: 'APP:/Secret:NS/a'}}, stringData: {k: v, gone: x}}", manager: "argocd-controller",
			git: map[string]string{"a.yaml": "{apiVersion: v1, kind: Secret, metadata: {namespace: NS, name: a}, stringData: {k: v}}"}, want: []string{"a"}},
		{name: "rules that a controller adds up", git: map[string]string{
			"a.yaml": "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: APP}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {part-of: APP}}]}, rules: []}",
			"b.yaml": "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: APP-part, labels: {part-of: APP}}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}",
		}, want: []string{"APP", "APP-part"}},
		{name: "client-side apply removes what was applied last", live: configMap("a", "{k: v, gone: x}", lastApplied, "argocd.argoproj.io/tracking-id: 'APP:/ConfigMap:NS/a'"), manager: "editor",
			git: map[string]string{"a.yaml": configMap("a", "{k: v}")}, change: options("ServerSideApply=false"), want: []string{"a"}},
		{name: "client-side apply of one object", live: configMap("a", "{k: v, gone: x}", lastApplied, "argocd.argoproj.io/tracking-id: 'APP:/ConfigMap:NS/a'"), manager: "editor",
			git: map[string]string{"a.yaml": configMap("a", "{k: v}", "argocd.argoproj.io/sync-options: ServerSideApply=false")}, want: []string{"a"}},
		{name: "replacing", live: configMap("a", "{k: v, other: x}", "argocd.argoproj.io/tracking-id: 'APP:/ConfigMap:NS/a'"), manager: "kubectl-client-side-apply",
			git: map[string]string{"a.yaml": configMap("a", "{k: v}")}, change: options("Replace=true"), want: []string{"a"}},
		{name: "replacing one object", live: configMap("a", "{k: v, other: x}", "argocd.argoproj.io/tracking-id: 'APP:/ConfigMap:NS/a'"), manager: "kubectl-client-side-apply",
			git: map[string]string{"a.yaml": configMap("a", "{k: v}", "argocd.argoproj.io/sync-options: Replace=true")}, want: []string{"a"}},
		{name: "a namespace that is made", git: map[string]string{"a.yaml": strings.ReplaceAll(configMap("a", "{k: v}"), "  namespace: NS\n", "")},
			change: func(app *v1alpha1.Application) {
				options("CreateNamespace=true")(app)
				app.Spec.Destination.Namespace += "-made"
			}, want: []string{"NS-made", "a"}},
		{name: "fields whose drift does not count", live: configMap("a", "{k: else}", "argocd.argoproj.io/tracking-id: 'APP:/ConfigMap:NS/a'"), manager: "editor", git: map[string]string{"a.yaml": configMap("a", "{k: v}")},
			change: func(app *v1alpha1.Application) {
				options("RespectIgnoreDifferences=true")(app)
				app.Spec.IgnoreDifferences = []v1alpha1.IgnoreDifference{{Kind: "ConfigMap", JSONPointers: []string{"/data/k"}}}
			}},
		{name: "an object that git no longer has", live: configMap("gone", "{k: v}", "argocd.argoproj.io/tracking-id: 'APP:/ConfigMap:NS/gone'"), manager: "cyan",
			git: map[string]string{"a.yaml": configMap("a", "{k: v}")}, want: []string{"a", "gone"}},
		{name: "variables of the Application", git: map[string]string{"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": configMap("a", "{k: v}")},
			change: func(app *v1alpha1.Application) {
				app.Spec.Source.Kustomize = &v1alpha1.KustomizeSource{
					CommonAnnotations:         map[string]string{"project": "p-$ARGOCD_APP_PROJECT_NAME", "short": "s-$ARGOCD_APP_REVISION_SHORT", "path": "$ARGOCD_APP_SOURCE_PATH"},
					CommonAnnotationsEnvsubst: true,
				}
			}, want: []string{"a"}, rendered: []string{"project: p-default", "short: s-SHORT", "path: k8s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &callers{t, c.Client, c.cluster}
			namespace, name := c.cluster.Namespace(t), fmt.Sprintf("same-%d", i)
			fill := strings.NewReplacer("NS", namespace, "APP", name)
			if test.live != "" {
				c.apply(fill.Replace(test.live), test.manager)
			}
			repo := testkit.GitRepo(t)
			files := map[string]string{}
			for path, text := range test.git {
				files["k8s/"+path] = fill.Replace(text)
			}
			sha := repo.Commit(files)
			app := &v1alpha1.Application{
				ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: name},
				Spec: v1alpha1.ApplicationSpec{
					Project: "default", Source: &v1alpha1.ApplicationSource{RepoURL: repo.URL, Path: "k8s", TargetRevision: "main"},
					Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: namespace},
				},
			}
			if test.change != nil {
				test.change(app)
			}
			if err := c.Create(t.Context(), app); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Delete(context.Background(), app) })
			seen := c.eventually(name, "the comparison", func(a *v1alpha1.Application) bool {
				return a.Status.Sync.Revision == sha && a.Status.Sync.Status != v1alpha1.SyncUnknown
			})
			if got := baseNames(outOfSync(seen)); !slices.Equal(got, sorted(fill, test.want)) {
				t.Errorf("the controller says that %q differ, want %q", got, sorted(fill, test.want))
			}
			c.sameDiff(seen)
			manifests, _ := c.run("app", "manifests", name)
			for _, part := range test.rendered {
				if part = strings.ReplaceAll(part, "SHORT", sha[:7]); !strings.Contains(manifests, part) {
					t.Errorf("app manifests has no %q:\n%s", part, manifests)
				}
			}
			c.run("app", "sync", name, "--prune")
			seen = c.eventually(name, "the sync", func(a *v1alpha1.Application) bool {
				return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.Phase == v1alpha1.OperationSucceeded && a.Status.Sync.Status == v1alpha1.Synced
			})
			c.sameDiff(seen)
			c.sameObjects(manifests, seen)
		})
	}
}

// sameDiff holds app diff to what the controller said.
func (c *callers) sameDiff(app *v1alpha1.Application) {
	c.Helper()
	out, code := c.run("app", "diff", app.Name)
	want := outOfSync(app)
	if got := differing(out); !slices.Equal(got, want) {
		c.Errorf("app diff says that %q differ, and the controller %q:\n%s", got, want, out)
	}
	if differs := len(want) > 0; differs != (code == 1) {
		c.Errorf("app diff ends with %d, and the controller says that %q differ", code, want)
	}
}

// sameObjects holds what app manifests printed to what the controller applied.
func (c *callers) sameObjects(manifests string, app *v1alpha1.Application) {
	c.Helper()
	for document := range strings.SplitSeq(manifests, "\n---\n") {
		rendered := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &rendered.Object); err != nil {
			c.Fatal(err)
		}
		applied := rendered.DeepCopy()
		if applied.GetNamespace() == "" {
			applied.SetNamespace(app.Spec.Destination.Namespace)
		}
		if err := c.Get(c.Context(), client.ObjectKeyFromObject(applied), applied); err != nil {
			c.Fatal(err)
		}
		have := applied.GetAnnotations()
		maps.DeleteFunc(have, func(key, _ string) bool { _, want := rendered.GetAnnotations()[key]; return !want })
		if want := rendered.GetAnnotations(); !maps.Equal(have, want) {
			c.Errorf("the controller applied %s with %v, and app manifests prints %v", rendered.GetName(), have, want)
		}
	}
}

func baseNames(names []string) []string {
	all := []string{}
	for _, name := range names {
		all = append(all, name[strings.LastIndexAny(name, "/ ")+1:])
	}
	slices.Sort(all)
	return all
}

func sorted(fill *strings.Replacer, names []string) []string {
	all := []string{}
	for _, name := range names {
		all = append(all, fill.Replace(name))
	}
	slices.Sort(all)
	return all
}
