package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	corefake "k8s.io/client-go/kubernetes/typed/core/v1/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/informer"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/view"
)

const control = "argocd"

// accounts have a token each in a world, by what their role is.
var accounts = map[string]string{
	"admin":    "p, admin, *, *, *, allow",
	"reader":   "g, reader, role:readonly",
	"shopper":  "p, shopper, applications, *, shop/*, allow",
	"deployer": "p, deployer, applications, get, shop/*, allow\np, deployer, applications, sync, shop/*, allow",
	"nobody":   "",
}

// world is an API over objects in memory.
type world struct {
	testing.TB
	client.Client
	options Options
	handler http.Handler
	tokens  map[string]string
	log     *strings.Builder
	dynamic *dynamicfake.FakeDynamicClient
	// writes counts what was written to the cluster.
	writes *atomic.Int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, tokens: map[string]string{}, log: &strings.Builder{}, writes: &atomic.Int64{}}
	settings, policies := map[string]string{}, ""
	for name, lines := range accounts {
		settings["accounts."+name] = "apiKey, login"
		policies += lines + "\n"
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	objects := []client.Object{
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: auth.SecretName}, Data: map[string][]byte{"admin.password": hash}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: auth.ConfigName}, Data: settings},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: access.ConfigMapName}, Data: map[string]string{"policy.csv": policies}},
	}
	var deployed []runtime.Object
	for _, name := range []string{"shop", "bank"} {
		web := &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "web", UID: types.UID(name + "-web")}}
		deployed = append(deployed, web)
		objects = append(objects, web.DeepCopy(),
			&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: name}, Spec: v1alpha1.AppProjectSpec{
				SourceRepos: []string{"https://git.example/" + name}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: name}},
			}},
			&v1alpha1.Application{
				ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: name + "-web", Labels: map[string]string{"of": name}},
				Spec: v1alpha1.ApplicationSpec{
					Project: name, Source: &v1alpha1.ApplicationSource{RepoURL: "https://git.example/" + name, Path: ".", TargetRevision: "main"},
					Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: name},
				},
				Status: v1alpha1.ApplicationStatus{
					Resources: []v1alpha1.ResourceStatus{{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: name, Name: "web", Status: v1alpha1.Synced}, {Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout", Namespace: name, Name: "web", Status: v1alpha1.Synced}},
					Sync:      v1alpha1.SyncStatus{Revision: "two"},
					History:   []v1alpha1.RevisionHistory{{ID: 1, Revision: "one"}, {ID: 2, Revision: "two"}},
				},
			})
	}
	for _, name := range []string{"shop", "bank"} {
		objects = append(objects, rolloutOf(name)...)
	}
	identify(objects...)
	w.Client = fake.NewClientBuilder().WithScheme(testkit.Scheme()).WithRESTMapper(testrestmapper.TestOnlyStaticRESTMapper(testkit.Scheme())).WithObjects(objects...).WithStatusSubresource(&v1alpha1.Rollout{}).
		WithIndex(&corev1.Event{}, "involvedObject.name", func(o client.Object) []string { return []string{o.(*corev1.Event).InvolvedObject.Name} }).
		WithIndex(&corev1.Event{}, "involvedObject.namespace", func(o client.Object) []string { return []string{o.(*corev1.Event).InvolvedObject.Namespace} }).
		WithIndex(&corev1.Event{}, "involvedObject.kind", func(o client.Object) []string { return []string{o.(*corev1.Event).InvolvedObject.Kind} }).
		WithIndex(&corev1.Event{}, "involvedObject.uid", func(o client.Object) []string { return []string{string(o.(*corev1.Event).InvolvedObject.UID)} }).
		WithInterceptorFuncs(countWrites(w.writes)).
		Build()
	w.dynamic = dynamicfake.NewSimpleDynamicClient(testkit.Scheme(), deployed...)
	kept := auth.ClusterObjects{Client: w.Client, Namespace: control}
	a := auth.Accounts{Objects: kept, Now: time.Now}
	if err := a.Ensure(context.Background()); err != nil {
		t.Fatal(err)
	}
	for name := range accounts {
		token, _, err := a.GenerateToken(context.Background(), name, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		w.tokens[name] = token
	}
	clusters := &informer.Clusters{Reader: w.Client, Namespace: control, Home: &rest.Config{}, Connect: w.connect}
	w.options = Options{
		Config: w.Client, Clusters: clusters, Informers: informer.New(ctxOf(t), clusters),
		Auth: auth.New(auth.Options{Objects: kept, Now: time.Now}), Policies: NewPolicies(w.Client, control, slog.New(slog.DiscardHandler)), Reader: w.Client, Writer: w.Client, Namespace: control, Version: "v1.2.3",
		JudgeEvery: 20 * time.Millisecond, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	w.options.Repository = func(_ context.Context, project, repo, revision string) (view.RepositoryTree, error) {
		return view.RepositoryTree{Branches: []string{project}, Tags: []string{repo, revision}, Folders: []view.Folder{}}, nil
	}
	w.options.Names = func(_ context.Context, project, repo string) (source.Names, error) {
		return source.Names{Branches: []string{project}, Tags: []string{repo}}, nil
	}
	w.options.Reach = func(context.Context, string, string, *corev1.Secret) error { return nil }
	w.options.Compare = (&compares{}).compare
	// Streams end as soon as they have begun.
	w.options.Feed = NewFeed()
	w.options.Feed.End()
	w.handler = Handler(w.options)
	return w
}

// counting counts what is written.
func countWrites(writes *atomic.Int64) interceptor.Funcs {
	return interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			writes.Add(1)
			identify(o)
			return c.Create(ctx, o, options...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.UpdateOption) error {
			writes.Add(1)
			return c.Update(ctx, o, options...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, options ...client.PatchOption) error {
			writes.Add(1)
			return c.Patch(ctx, o, patch, options...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.DeleteOption) error {
			writes.Add(1)
			if by := (&client.DeleteOptions{}).ApplyOptions(options).Preconditions; o.GetUID() != "" && (by == nil || by.UID == nil || *by.UID != o.GetUID()) {
				return fmt.Errorf("%T %s is deleted by its name alone, which another may have by now", o, o.GetName())
			}
			return c.Delete(ctx, o, options...)
		},
	}
}

// identify sets the UID of objects that have none, as an API server does and the client in memory doesn't.
func identify(objects ...client.Object) {
	for _, o := range objects {
		if o.GetUID() == "" {
			o.SetUID(types.UID(fmt.Sprintf("%T %s/%s", o, o.GetNamespace(), o.GetName())))
		}
	}
}

// connect reaches a cluster that has the same objects in memory.
func (w *world) connect(spec cluster.Cluster) (*informer.Cluster, error) {
	return &informer.Cluster{Cluster: spec, Client: w.Client, Dynamic: w.dynamic, Core: &corefake.FakeCoreV1{Fake: &clienttesting.Fake{}}}, nil
}

// call makes a call as an account, or without a token, and returns the status and the answer.
func (w *world) call(as, method, path, body string) (int, map[string]any) {
	w.Helper()
	ctx, leave := context.WithTimeout(context.Background(), time.Minute)
	defer leave()
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[as])
	}
	answer := w.serve(r, leave)
	var out map[string]any
	sent := answer.Body.Bytes()
	if strings.Contains(path, "/stream/") {
		sent, _, _ = bytes.Cut(sent, []byte("\n"))
	}
	if len(sent) > 0 && !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/event-stream") && answer.Header().Get("Content-Type") != "image/svg+xml" {
		if err := json.Unmarshal(sent, &out); err != nil {
			w.Fatalf("%s %s as %s: %d %q: %v", method, path, as, answer.Code, answer.Body, err)
		}
	}
	return answer.Code, out
}

// serve answers a request; of a stream, the first frame is read.
func (w *world) serve(r *http.Request, leave func()) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	if strings.Contains(r.URL.Path, "/stream/") || r.URL.Query().Has("follow") {
		w.handler.ServeHTTP(firstFrame{answer, leave, strings.HasSuffix(r.URL.Path, "/stream/applications")}, r)
	} else {
		w.handler.ServeHTTP(answer, r)
	}
	return answer
}

// firstFrame is a reader of a stream who leaves after the first frame.
type firstFrame struct {
	*httptest.ResponseRecorder
	leave func()
	// early has the reader leave once the stream has begun.
	early bool
}

func (f firstFrame) Flush() {
	if f.early {
		f.leave()
	}
}

func (f firstFrame) Write(data []byte) (int, error) {
	defer f.leave()
	return f.ResponseRecorder.Write(data)
}

// reading is a stream that is read.
type reading struct {
	testing.TB
	lines *bufio.Scanner
}

// stream begins to read a stream over a connection.
func (w *world) stream(as, path string) *reading {
	w.Helper()
	server := httptest.NewServer(w.handler)
	w.Cleanup(server.Close)
	ctx, end := context.WithTimeout(context.Background(), time.Minute)
	w.Cleanup(end)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, http.NoBody)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.tokens[as])
	answer, err := server.Client().Do(r)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = answer.Body.Close() })
	return &reading{w.TB, bufio.NewScanner(answer.Body)}
}

// next returns the next line; it fails when there is none in a minute.
func (r *reading) next() string {
	r.Helper()
	if !r.lines.Scan() {
		r.Fatalf("the stream has ended: %v", r.lines.Err())
	}
	return r.lines.Text()
}

// policy replaces the policies.
func (w *world) policy(lines string) {
	w.Helper()
	policies := &corev1.ConfigMap{}
	if err := w.Get(context.Background(), client.ObjectKey{Namespace: control, Name: access.ConfigMapName}, policies); err != nil {
		w.Fatal(err)
	}
	policies.Data["policy.csv"] = lines
	if err := w.Update(context.Background(), policies); err != nil {
		w.Fatal(err)
	}
}

// ctxOf returns a context that ends with a test.
func ctxOf(t testing.TB) context.Context {
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	return ctx
}

func (w *world) app(name string) *v1alpha1.Application {
	w.Helper()
	app := &v1alpha1.Application{}
	if err := w.Get(context.Background(), client.ObjectKey{Namespace: control, Name: name}, app); err != nil {
		w.Fatal(err)
	}
	return app
}

// rolloutOf returns Rollout web of the Application of a project, of which a second version waits to be promoted.
func rolloutOf(project string) []client.Object {
	ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{
		Namespace: project, Name: "web", UID: types.UID(project), Generation: 1,
		Annotations: map[string]string{v1alpha1.TrackingIDAnnotation: project + "-web:argoproj.io/Rollout:" + project + "/web"},
	}}
	ro.Spec.Strategy.BlueGreen = &v1alpha1.BlueGreenStrategy{ActiveService: "active", AutoPromotionEnabled: ptr.To(false)}
	ro.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	ro.Spec.Template.Labels = ro.Spec.Selector.MatchLabels
	ro.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "registry.example/web:2"}}
	ro.Status = v1alpha1.RolloutStatus{
		Phase: v1alpha1.RolloutPaused, ObservedGeneration: "1", CurrentPodHash: "two", StableRS: "one", PauseConditions: []v1alpha1.PauseCondition{{Reason: v1alpha1.PauseBlueGreen}},
		BlueGreen: v1alpha1.BlueGreenStatus{ActiveSelector: "one"},
	}
	objects := []client.Object{ro, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: project, Name: "active"}, Spec: corev1.ServiceSpec{Selector: map[string]string{v1alpha1.PodHashLabel: "one"}}}}
	for i, hash := range []string{"one", "two"} {
		rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
			Namespace: project, Name: "web-" + hash, UID: types.UID(project + hash), Labels: map[string]string{v1alpha1.PodHashLabel: hash}, Annotations: map[string]string{v1alpha1.RevisionAnnotation: strconv.Itoa(i + 1)},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Name: "web", UID: ro.UID, Controller: ptr.To(true)}},
		}}
		rs.Spec.Replicas = ptr.To(int32(1))
		rs.Spec.Template.Labels = map[string]string{"app": "web", v1alpha1.PodHashLabel: hash}
		rs.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "registry.example/web:" + strconv.Itoa(i+1)}}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: project, Name: rs.Name + "-1", Labels: rs.Spec.Template.Labels, OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: rs.Name, UID: rs.UID, Controller: ptr.To(true)}},
		}}
		objects = append(objects, rs, pod)
	}
	return objects
}
