package informer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/view"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// world is a real API server that is looked at.
type world struct {
	*testing.T
	*testkit.LocalCluster
	namespace string
	*Informers
	clusters *Clusters
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cluster := testkit.Cluster(t)
	w := &world{T: t, LocalCluster: cluster, namespace: cluster.Namespace(t)}
	w.clusters = &Clusters{Reader: cluster.Client, Namespace: w.namespace, Home: cluster.Config, Scheme: testkit.Scheme()}
	life, end := context.WithCancel(t.Context())
	t.Cleanup(end)
	w.Informers = New(life, w.clusters)
	return w
}

func (w *world) app(destination string) *v1alpha1.Application {
	app := &v1alpha1.Application{}
	app.Name, app.Spec.Destination = "shop", v1alpha1.ApplicationDestination{Name: destination, Namespace: w.namespace}
	app.Status.Resources = []v1alpha1.ResourceStatus{{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: w.namespace, Name: "web"}}
	return app
}

func (w *world) look(app *v1alpha1.Application) *Look {
	w.Helper()
	look, err := w.Look(w.Context(), app, func(string) bool { return true })
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(look.Close)
	return look
}

// awaits waits until an object of a kind is seen, told by the changes alone.
func (w *world) awaits(look *Look, app *v1alpha1.Application, kind string) []view.Node {
	w.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		observed, err := look.Objects(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		nodes, _ := view.Tree(app, observed)
		for _, n := range nodes {
			if n.Kind == kind {
				return nodes
			}
		}
		select {
		case <-look.Changed:
		case <-late.C:
			w.Fatalf("no %s for a minute: %v", kind, nodes)
		}
	}
}

func (w *world) deploy() {
	w.Helper()
	labels := map[string]string{"app": "web"}
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "web"}, Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To[int32](1), Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}}},
	}}
	if err := w.Client.Create(w.Context(), web); err != nil {
		w.Fatal(err)
	}
}

// Who looks sees the objects down to the pods as they come, and sees at once what somebody else looks at already.
func TestWhoLooksSeesObjectsAsTheyCome(t *testing.T) {
	w := newWorld(t)
	app := w.app(v1alpha1.InClusterName)
	first := w.look(app)
	if observed, err := first.Objects(t.Context()); err != nil || len(observed) > 0 {
		t.Fatalf("in an empty namespace: %v, %v", observed, err)
	}
	w.deploy()
	w.awaits(first, app, "Pod")
	second := w.look(app)
	if w.Watched() != 1 {
		t.Errorf("%d namespaces are watched by two who look at one", w.Watched())
	}
	observed, err := second.Objects(t.Context())
	if nodes, _ := view.Tree(app, observed); err != nil || len(nodes) < 3 {
		t.Errorf("the second sees %v, %v", nodes, err)
	}
}

// Objects below those that are managed are judged as people want it; who looks after that has changed sees the new
// verdict, though others still look.
func TestObjectsAreJudgedAsPeopleWant(t *testing.T) {
	w := newWorld(t)
	app, said := w.app(v1alpha1.InClusterName), ""
	w.Judge = func(context.Context) (health.Judge, string, error) {
		verdict := said
		return func(o *unstructured.Unstructured) *v1alpha1.HealthStatus {
			if o.GetKind() != "Pod" {
				return health.Of(o)
			}
			return &v1alpha1.HealthStatus{Status: v1alpha1.HealthSuspended, Message: verdict}
		}, verdict, nil
	}
	w.deploy()
	for i, verdict := range []string{"first", "second", "second"} {
		said = verdict
		for _, n := range w.awaits(w.look(app), app, "Pod") {
			if n.Kind == "Pod" && (n.Health != v1alpha1.HealthSuspended || n.Message != verdict) {
				t.Errorf("look %d: pod is %s: %q, want it judged as %q", i, n.Health, n.Message, verdict)
			}
		}
	}
	if w.Watched() != 2 {
		t.Errorf("%d namespaces are watched, want one for each way to judge", w.Watched())
	}
	away := errors.New("the settings are away")
	w.Judge = func(context.Context) (health.Judge, string, error) { return nil, "", away }
	if _, err := w.Look(t.Context(), app, func(string) bool { return true }); !errors.Is(err, away) {
		t.Errorf("without knowing how to judge: got %v, want %v", err, away)
	}
}

// A namespace is watched until a while after the last one has looked.
func TestWatchesEndWithWhoLooks(t *testing.T) {
	w := newWorld(t)
	w.KeepFor = time.Millisecond
	app := w.app(v1alpha1.InClusterName)
	first, second := w.look(app), w.look(app)
	first.Close()
	first.Close()
	if w.Watched() != 1 {
		t.Errorf("%d namespaces are watched while somebody looks", w.Watched())
	}
	second.Close()
	testkit.Eventually(t, time.Minute, "the watches end", func() error {
		if n := w.Watched(); n > 0 {
			return fmt.Errorf("%d namespaces are watched", n)
		}
		return nil
	})
	if third := w.look(app); w.Watched() != 1 {
		t.Errorf("%d namespaces are watched by who looks again: %v", w.Watched(), third)
	}
}

// The namespaces that are watched are bounded: those that nobody looks at make room, and then it is an error.
func TestWatchesAreBounded(t *testing.T) {
	w := newWorld(t)
	w.KeepFor = time.Hour
	app := w.app(v1alpha1.InClusterName)
	for i := range mostNamespaces {
		w.watched[place{server: "x", namespace: fmt.Sprint(i)}] = &namespace{end: func() {}, readers: map[*Look]struct{}{{}: {}}}
	}
	_, err := w.Look(t.Context(), app, func(string) bool { return true })
	if p := problem.Of(err); p == nil || p.Kind != problem.Unreachable {
		t.Errorf("too many: %v", err)
	}
	ended := false
	w.watched[place{server: "x", namespace: "0"}] = &namespace{end: func() { ended = true }, readers: map[*Look]struct{}{}}
	w.look(app)
	if !ended || len(w.watched) != mostNamespaces {
		t.Errorf("one that nobody looks at has ended: %v; %d are watched", ended, len(w.watched))
	}
}

// Namespaces that are not permitted, and those that the cluster is not used for, are not watched.
func TestWhatIsNotPermittedIsNotWatched(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Look(t.Context(), w.app(v1alpha1.InClusterName), func(string) bool { return false }); err != nil || w.Watched() > 0 {
		t.Errorf("%d namespaces are watched: %v", w.Watched(), err)
	}
	w.register("home", map[string]string{"server": v1alpha1.InClusterServer, "name": "home", "namespaces": "elsewhere"})
	if _, err := w.Look(t.Context(), w.app("home"), func(string) bool { return true }); err != nil || w.Watched() > 0 {
		t.Errorf("%d namespaces of a limited cluster are watched: %v", w.Watched(), err)
	}
}

func (w *world) register(name string, data map[string]string) {
	w.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}}, StringData: data}
	if err := w.Client.Create(w.Context(), secret); err != nil {
		w.Fatal(err)
	}
}

// Clusters are found as destinations name them.
func TestClusters(t *testing.T) {
	w := newWorld(t)
	w.register("far", map[string]string{"server": "https://far.example", "name": "far", "config": `{"bearerToken":"x"}`})
	w.register("twin-a", map[string]string{"server": "https://a.example", "name": "twin"})
	w.register("twin-b", map[string]string{"server": "https://b.example", "name": "twin"})
	w.register("broken", map[string]string{"server": "https://broken.example", "name": "broken", "config": `{`})
	for _, c := range []struct{ server, name, want, err string }{
		{server: v1alpha1.InClusterServer, want: v1alpha1.InClusterServer},
		{server: v1alpha1.InClusterServer + "/", want: v1alpha1.InClusterServer},
		{name: v1alpha1.InClusterName, want: v1alpha1.InClusterServer},
		{server: "https://far.example", want: "https://far.example"},
		{name: "far", want: "https://far.example"},
		{name: "twin", err: `cluster "twin" not registered, or not the only one of that name`},
		{name: "missing", err: `cluster "missing" not registered`},
		{name: "far", server: "https://far.example", err: "not registered"},
		{err: "not registered"},
		{name: "broken", err: "config is invalid JSON"},
	} {
		got, err := w.clusters.For(t.Context(), v1alpha1.ApplicationDestination{Server: c.server, Name: c.name})
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q %q: got %v, want %q", c.server, c.name, err, c.err)
			}
		case err != nil || got.Server != c.want:
			t.Errorf("%q %q: got %v, %v, want %s", c.server, c.name, got, err, c.want)
		}
	}
}

// A connection is kept while its Secret stays as it is, and its answer is believed for a while.
func TestConnectionsAreKept(t *testing.T) {
	w := newWorld(t)
	d := v1alpha1.ApplicationDestination{Name: v1alpha1.InClusterName}
	first, err := w.clusters.For(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.clusters.For(t.Context(), d); again != first || err != nil {
		t.Errorf("connected anew: %v", err)
	}
	answer := first.Answer(t.Context())
	if answer.Err != nil || answer.Version == "" || first.Answer(t.Context()) != answer {
		t.Errorf("the cluster answers %+v, and then %+v", answer, first.Answer(t.Context()))
	}
	if as, err := first.As("nobody"); err != nil {
		t.Error(err)
	} else if err := as.List(t.Context(), &corev1.SecretList{}); err == nil {
		t.Error("a user without rights lists Secrets")
	}
	if own, err := first.As(""); own != first.Client || err != nil {
		t.Errorf("as itself: %v", err)
	}
	w.clusters.Forget(first.Server)
	if again, err := w.clusters.For(t.Context(), d); again == first || err != nil {
		t.Errorf("not connected anew: %v", err)
	}
}

// What is in a cluster that does not answer is not known, and that is an error.
func TestObjectsOfAClusterThatIsAway(t *testing.T) {
	w := newWorld(t)
	w.register("away", map[string]string{"server": "http://127.0.0.1:1", "name": "away"})
	look := w.look(w.app("away"))
	observed, err := look.Objects(t.Context())
	if problem.KindOf(err) != problem.Unreachable || len(observed) > 0 {
		t.Errorf("got %v, %v", observed, err)
	}
	if !utilnet.IsConnectionRefused(err) {
		t.Errorf("the reason is not that of the cluster: %v", err)
	}
}

// silent is a cluster that takes requests and answers none, until its test ends.
func (w *world) silent() string {
	w.Helper()
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	}))
	w.Cleanup(func() {
		close(ended)
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// Who looks at a cluster that does not answer holds up nobody who looks at another.
func TestAClusterThatIsSilentHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	w.register("silent", map[string]string{"server": w.silent(), "name": "silent"})
	w.look(w.app("silent"))
	if observed, err := w.look(w.app(v1alpha1.InClusterName)).Objects(t.Context()); err != nil {
		t.Errorf("got %v, %v", observed, err)
	}
	if w.Watched() != 2 {
		t.Errorf("%d namespaces are watched", w.Watched())
	}
}

// A cluster that is tried, and one that is registered, is connected to but at the addresses at which clouds keep
// credentials.
func TestTry(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"major":"1","minor":"30"}`))
	}))
	defer server.Close()
	c := &Clusters{}
	spec := func(host string) cluster.Cluster {
		found, err := cluster.FromSecret(&corev1.Secret{Data: map[string][]byte{"server": []byte(host)}}, cluster.Programs{})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := c.Try(t.Context(), spec(server.URL)); got.Err != nil || got.Version != "1.30" {
		t.Errorf("got %+v", got)
	}
	for _, host := range []string{"http://169.254.169.254", "http://[fe80::1]", "http://[::ffff:169.254.169.254]"} {
		if got := c.Try(t.Context(), spec(host)); !errors.Is(got.Err, cluster.ErrLinkLocal) {
			t.Errorf("%s: got %v", host, got.Err)
		}
		reached, err := new(Clusters).Reach(Registered{Cluster: spec(host)})
		if err != nil {
			t.Fatal(err)
		}
		if got := reached.Answer(t.Context()); !errors.Is(got.Err, cluster.ErrLinkLocal) {
			t.Errorf("%s, registered: got %v", host, got.Err)
		}
	}
	if len(c.open) > 0 {
		t.Error("it is kept")
	}
}
