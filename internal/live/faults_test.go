package live_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// within bounds the wait for an outcome on a busy machine.
const within = 2 * time.Minute

var gadget = schema.GroupVersionKind{Group: "live.example.com", Version: "v1", Kind: "Gadget"}

// fault answers a request in place of the API server, or reports that it does not.
type fault func(w http.ResponseWriter, r *http.Request) bool

// front is an API server behind a door at which requests can fail.
type front struct {
	*testing.T
	client.Client
	namespace string
	config    *rest.Config
	fault     atomic.Pointer[fault]
}

func newFront(t *testing.T) *front {
	t.Helper()
	kit := testkit.Cluster(t)
	f := &front{T: t, Client: kit.Client, namespace: kit.Namespace(t)}
	f.defineGadgets()
	through, err := rest.TransportFor(kit.Config)
	if err != nil {
		t.Fatal(err)
	}
	behind, err := url.Parse(kit.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	proxy.Transport, proxy.FlushInterval, proxy.ErrorLog = through, -1, slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if now := f.fault.Load(); now == nil || !(*now)(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	f.config = &rest.Config{Host: server.URL}
	return f
}

// defineGadgets makes a kind, and an object of it that is marked as an Application's.
func (f *front) defineGadgets() {
	f.Helper()
	if err := f.Create(f.Context(), definition(gadget, "gadgets")); err != nil && !apierrors.IsAlreadyExists(err) {
		f.Fatal(err)
	}
	f.make(gadget)
}

// definition defines a kind in its version and others, of which none is stored.
func definition(kind schema.GroupVersionKind, plural string, others ...apiextensionsv1.CustomResourceDefinitionVersion) *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: plural + "." + kind.Group}, Spec: apiextensionsv1.CustomResourceDefinitionSpec{
		Group: kind.Group, Scope: apiextensionsv1.NamespaceScoped,
		Names:    apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Singular: strings.ToLower(kind.Kind), Kind: kind.Kind},
		Versions: append([]apiextensionsv1.CustomResourceDefinitionVersion{{Name: kind.Version, Served: true, Storage: true, Schema: anything()}}, others...),
	}}
}

func anything() *apiextensionsv1.CustomResourceValidation {
	yes := true
	return &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &yes}}
}

// make makes an object of a kind that is marked as an Application's.
func (f *front) make(kind schema.GroupVersionKind) {
	f.Helper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	object.SetNamespace(f.namespace)
	object.SetName("g")
	object.SetAnnotations(map[string]string{v1alpha1.TrackingIDAnnotation: plan.TrackingID("shop", plan.KeyOf(object))})
	f.until("an object to be made", func(ctx context.Context) (bool, error) {
		err := f.Create(ctx, object.DeepCopy())
		return err == nil || apierrors.IsAlreadyExists(err), nil
	})
}

func (f *front) until(what string, met func(context.Context) (bool, error)) {
	f.Helper()
	if err := wait.PollUntilContextTimeout(f.Context(), 10*time.Millisecond, within, true, met); err != nil {
		f.Fatalf("waiting for %s: %v", what, err)
	}
}

// notices counts what instances are told.
type notices struct {
	mu sync.Mutex
	of map[string]int
}

func (n *notices) add(instance string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.of[instance]++
}

func (n *notices) count(instance string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.of[instance]
}

// connect knows the cluster behind the front.
func (f *front) connect(told *notices, sweepEvery time.Duration, spec ...*corev1.Secret) (*live.Registry, *live.Cluster) {
	f.Helper()
	registry := live.NewRegistry(f.Context(), f.config, slog.New(slog.DiscardHandler), told.add)
	registry.SweepEvery = sweepEvery
	registry.Update(spec)
	known, err := registry.For(v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer})
	if err != nil {
		f.Fatal(err)
	}
	return registry, known
}

func (f *front) wanted(instance string, kinds ...schema.GroupKind) live.Wanted {
	return live.Wanted{Instance: instance, Kinds: kinds, Within: func(key live.Key) bool { return key.Namespace == f.namespace }}
}

// answer is a Status as API servers send it.
func answer(w http.ResponseWriter, code int, reason metav1.StatusReason) bool {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":"broken on purpose","code":%d}`, reason, code)
	return true
}

// One kind that cannot be read is the matter of those who have objects of it: the cluster does not count as away,
// everybody else is left in peace, and it is told once, however often it breaks.
func TestABrokenKindConcernsOnlyThoseWhoHaveIt(t *testing.T) {
	configMaps := schema.GroupKind{Kind: "ConfigMap"}
	onGadgets := func(code int, reason metav1.StatusReason) fault {
		return func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/"+gadget.Group+"/v1/gadgets") && answer(w, code, reason)
		}
	}
	for name, c := range map[string]struct {
		fault fault
		// unknown is set when nothing at all is known of the kind.
		unknown bool
	}{
		"503":                         {fault: onGadgets(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable)},
		"429":                         {fault: onGadgets(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests)},
		"504":                         {fault: onGadgets(http.StatusGatewayTimeout, metav1.StatusReasonTimeout)},
		"a broken conversion webhook": {fault: onGadgets(http.StatusInternalServerError, metav1.StatusReasonInternalError)},
		"cut connections": {fault: func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/"+gadget.Group+"/v1/gadgets") {
				panic(http.ErrAbortHandler)
			}
			return false
		}},
		"watches that die again and again": {fault: func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/gadgets") && r.URL.Query().Get("watch") != "" && answer(w, http.StatusInternalServerError, metav1.StatusReasonInternalError)
		}},
		"a group that is not discovered": {unknown: true, fault: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/apis" || r.URL.Path == "/api" {
				r.Header.Set("Accept", "application/json")
			}
			return r.URL.Path == "/apis/"+gadget.Group+"/v1" && answer(w, http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			f.fault.Store(&c.fault)
			told := &notices{of: map[string]int{}}
			_, known := f.connect(told, time.Hour)
			f.until("the kind to be given up for now", func(ctx context.Context) (bool, error) {
				shop, err := known.Snapshot(ctx, f.wanted("shop", gadget.GroupKind()))
				return len(shop.Broken) == 1 || c.unknown && len(shop.Objects) == 0, err
			})
			// Nobody else hears of it, whoever looks and however often the kind fails.
			for range 50 {
				blog, err := known.Snapshot(t.Context(), f.wanted("blog", configMaps))
				if err != nil || len(blog.Broken) > 0 {
					t.Fatalf("blog, which has none of the kind: %v, %v", blog.Broken, err)
				}
				if err := known.Away(); err != nil {
					t.Fatalf("the cluster counts as away: %v", err)
				}
			}
			if n := told.count("blog"); n > 0 {
				t.Errorf("blog was told %d times", n)
			}
			if n := told.count("shop"); n > 3 {
				t.Errorf("shop was told %d times, want once for each time the kind broke or could be read again", n)
			}
			f.fault.Store(nil)
			known.Forget()
			f.until("the kind to be read again", func(ctx context.Context) (bool, error) {
				shop, err := known.Snapshot(ctx, f.wanted("shop", gadget.GroupKind()))
				return len(shop.Broken) == 0 && len(shop.Objects) == 1, err
			})
		})
	}
}

// A kind that goes is watched no more, and one that comes back, or in another version, is like a new one: nothing of
// the time in which it could not be read is held against it.
func TestAKindThatGoesAndComesBack(t *testing.T) {
	f := newFront(t)
	registry, known := f.connect(&notices{of: map[string]int{}}, time.Hour)
	widget := schema.GroupVersionKind{Group: gadget.Group, Version: "v1", Kind: "Widget"}
	const plural = "widgets"
	t.Cleanup(func() { _ = f.Delete(context.Background(), definition(widget, plural)) })
	watched := func() int { return registry.States()[0].Kinds }
	seen := func(ctx context.Context) int {
		shop, err := known.Snapshot(ctx, f.wanted("shop", widget.GroupKind()))
		if err != nil || len(shop.Broken) > 0 {
			return -1
		}
		found := 0
		for key := range shop.Objects {
			if key.Kind == widget.Kind {
				found++
			}
		}
		return found
	}
	find := func(what string, count int) {
		t.Helper()
		f.until(what, func(ctx context.Context) (bool, error) { return seen(ctx) == count, nil })
	}
	// These are 16 that are always watched, and the gadgets.
	f.until("the first sweep", func(ctx context.Context) (bool, error) { return seen(ctx) == 0 && watched() >= 17, nil })
	for round := range 3 {
		if err := f.Create(t.Context(), definition(widget, plural)); err != nil {
			t.Fatal(err)
		}
		known.Forget()
		f.make(widget)
		find(fmt.Sprintf("round %d: the object to be found", round), 1)
		before := watched()
		if err := f.Delete(t.Context(), definition(widget, plural)); err != nil {
			t.Fatal(err)
		}
		f.until("the kind to be watched no more", func(ctx context.Context) (bool, error) {
			return seen(ctx) == 0 && watched() == before-1, nil
		})
		f.until("the definition to be gone", func(ctx context.Context) (bool, error) {
			return apierrors.IsNotFound(f.Get(ctx, client.ObjectKeyFromObject(definition(widget, plural)), &apiextensionsv1.CustomResourceDefinition{})), nil
		})
	}
	defined := definition(widget, plural, apiextensionsv1.CustomResourceDefinitionVersion{Name: "v1beta1", Served: true, Schema: anything()})
	defined.Spec.Versions[0].Served = false
	if err := f.Create(t.Context(), defined); err != nil {
		t.Fatal(err)
	}
	known.Forget()
	beta := widget
	beta.Version = "v1beta1"
	f.make(beta)
	find("the object to be found in the only version that is served", 1)
	f.until("the definition to be changed", func(ctx context.Context) (bool, error) {
		if err := f.Get(ctx, client.ObjectKeyFromObject(defined), defined); err != nil {
			return false, err
		}
		defined.Spec.Versions[0].Served, defined.Spec.Versions[1].Served = true, false
		err := f.Update(ctx, defined)
		if apierrors.IsConflict(err) {
			return false, nil
		}
		return err == nil, err
	})
	f.until("the version to be served no more", func(ctx context.Context) (bool, error) {
		old := &unstructured.Unstructured{}
		old.SetGroupVersionKind(beta)
		err := f.Get(ctx, client.ObjectKey{Namespace: f.namespace, Name: "g"}, old)
		return meta.IsNoMatchError(err) || apierrors.IsNotFound(err), nil
	})
	late := &unstructured.Unstructured{}
	late.SetGroupVersionKind(widget)
	late.SetNamespace(f.namespace)
	late.SetName("late")
	late.SetAnnotations(map[string]string{v1alpha1.TrackingIDAnnotation: "shop:" + widget.Group + "/Widget:" + f.namespace + "/late"})
	f.until("an object to be made in the other version", func(ctx context.Context) (bool, error) { return f.Create(ctx, late.DeepCopy()) == nil, nil })
	find("both objects to be found in the other version", 2)
}

// Objects of a kind that neither git nor a status names are found by their marks, by whichever method.
func TestSweepFindsMarkedObjectsOfAnyKind(t *testing.T) {
	f := newFront(t)
	told := &notices{of: map[string]int{}}
	registry, known := f.connect(told, 100*time.Millisecond)
	look := func(instance string) live.Snapshot {
		t.Helper()
		found, err := known.Snapshot(t.Context(), f.wanted(instance))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	look("shop")
	f.until("the gadget to be found", func(context.Context) (bool, error) { return len(look("shop").Objects) == 1, nil })
	if told.count("shop") == 0 {
		t.Error("shop was not told of the gadget")
	}
	labelled := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "robot", Labels: map[string]string{"example.com/app": "robots"}}}
	if err := f.Create(t.Context(), labelled); err != nil {
		t.Fatal(err)
	}
	if n := len(look("robots").Objects); n != 0 {
		t.Errorf("%d objects are found by a label that nobody tracks by", n)
	}
	registry.Track(plan.Tracking{Method: plan.TrackByLabel, LabelKey: "example.com/app"})
	f.until("the account to be found by its label", func(context.Context) (bool, error) { return len(look("robots").Objects) == 1, nil })
}

// A marked object of a kind that most Applications have is found at once, also by one that has none of its kind, and
// after the marks have become others.
func TestMarkedObjectsOfCommonKindsAreFoundAtOnce(t *testing.T) {
	f := newFront(t)
	told := &notices{of: map[string]int{}}
	registry, known := f.connect(told, time.Hour)
	found := func(instance string) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			seen, err := known.Snapshot(ctx, f.wanted(instance))
			return len(seen.Objects) == 1, err
		}
	}
	for _, step := range []struct {
		name, instance string
		tracking       plan.Tracking
		made           *corev1.ConfigMap
	}{
		{"by annotation", "late", plan.Tracking{}, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "first", Annotations: map[string]string{v1alpha1.TrackingIDAnnotation: "late:/ConfigMap:" + f.namespace + "/first"}}}},
		{"by label", "later", plan.Tracking{Method: plan.TrackByLabel, LabelKey: "example.com/app"}, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "second", Labels: map[string]string{"example.com/app": "later"}}}},
	} {
		registry.Track(step.tracking)
		if _, err := known.Snapshot(t.Context(), f.wanted(step.instance)); err != nil {
			t.Fatal(err)
		}
		if err := f.Create(t.Context(), step.made); err != nil {
			t.Fatal(err)
		}
		f.until(step.name+": the object to be found", found(step.instance))
		f.until(step.name+": the instance to be told", func(context.Context) (bool, error) { return told.count(step.instance) > 0, nil })
	}
}

// What a cluster's Secret limits is kept to by whatever writes, too.
func TestALimitedCluster(t *testing.T) {
	f := newFront(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "home", ResourceVersion: "1"}, Data: map[string][]byte{
		"name": []byte("home"), "server": []byte(v1alpha1.InClusterServer), "namespaces": []byte(f.namespace),
	}}
	_, known := f.connect(&notices{of: map[string]int{}}, time.Hour, secret)
	if _, err := known.Kinds(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	writer, err := known.As("")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind            schema.GroupVersionKind
		namespace, says string
	}{
		"within":              {schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, f.namespace, ""},
		"another namespace":   {schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, "default", "cluster home is limited to namespaces " + f.namespace},
		"without a namespace": {schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "", "cluster home is limited to namespaces " + f.namespace},
		"the same, with one":  {schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, f.namespace, "cluster home is limited to namespaces " + f.namespace},
	} {
		_, err := writer.Get(t.Context(), c.kind, c.namespace, "nothing")
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
	if spec := known.Spec(); !spec.Limits() || spec.Uses("") {
		t.Errorf("the cluster is registered as %+v", cluster.Cluster{Namespaces: spec.Namespaces})
	}
}
