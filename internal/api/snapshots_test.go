package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/view"
)

// pod is one of Deployment web of a namespace, in a phase.
func pod(namespace, name string, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: types.UID(name), Labels: map[string]string{"app": "web", "pod-template-hash": "6d4cf56db6"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: types.UID(namespace + "-web")}},
		},
		Spec:   corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: "web", Image: "registry.example/shop/web:v1.2.3@sha256:" + strings.Repeat("a", 64)}}},
		Status: corev1.PodStatus{Phase: phase},
	}
}

// become has a pod change.
func (w *world) become(p *corev1.Pod) {
	w.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(p)
	if err == nil {
		err = w.dynamic.Tracker().Update(schema.GroupVersionResource{Version: "v1", Resource: "pods"}, &unstructured.Unstructured{Object: content}, p.Namespace)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// told is an event application.
type told struct {
	Namespace, Name, Version, From string
	Manifest                       *string
	Row                            *view.Row
	Nodes                          []view.PlacedNode
	Gone                           []string
}

func updateOf(t testing.TB, e event) told {
	t.Helper()
	u := told{}
	if err := json.Unmarshal([]byte(e.data), &u); err != nil || e.name != "application" {
		t.Fatalf("got %s %s: %v", e.name, e.data, err)
	}
	return u
}

// Of a tree of a thousand objects, a pod that has changed is told alone.
func TestAChangeOfALargeTreeIsSmall(t *testing.T) {
	const pods, most = 1000, 4096
	f := newFed(t)
	for i := range pods {
		f.deploy(pod("shop", fmt.Sprintf("web-6d4cf56db6-%05d", i), corev1.PodPending))
	}
	var d view.Detail
	f.get("shopper", "/api/v1/view/applications/argocd/shop-web", &d)
	if len(d.Nodes) != pods+2 || d.Version == "" {
		t.Fatalf("%d nodes, version %q", len(d.Nodes), d.Version)
	}
	l := f.listen("shopper", "application:argocd/shop-web", "")
	whole := l.next()
	if u := updateOf(t, whole); len(u.Nodes) != pods+2 || u.From != "" || u.Row == nil || len(u.Row.Rights) != 7 {
		t.Errorf("the first event has %d nodes, from %q, row %v", len(u.Nodes), u.From, u.Row)
	}
	f.become(pod("shop", "web-6d4cf56db6-00500", corev1.PodRunning))
	changed := l.next()
	if u := updateOf(t, changed); len(u.Nodes) != 1 || u.Nodes[0].Name != "web-6d4cf56db6-00500" || u.Nodes[0].After != nil || u.From == "" || u.Row != nil || u.Manifest != nil {
		t.Errorf("got %s", changed.data)
	}
	t.Logf("the first event has %d bytes, a pod %d", len(whole.data), len(changed.data))
	if len(changed.data) > most {
		t.Errorf("one pod costs %d bytes: %s", len(changed.data), changed.data)
	}
	// So does a change of the Application.
	f.change("shop-web", healthy)
	changed = l.next()
	if u := updateOf(t, changed); len(u.Nodes) != 0 || u.Row == nil || u.Row.Health != v1alpha1.HealthHealthy || len(u.Row.Rights) != 7 || u.Manifest != nil {
		t.Errorf("got %s", changed.data)
	}
	if len(changed.data) > most {
		t.Errorf("a status costs %d bytes: %s", len(changed.data), changed.data)
	}
}

// A page says which version it has: it is told what has changed since, whether it comes again or for the first time,
// and everything where that version is not known.
func TestStreamsOfApplicationsGoOnFromAVersion(t *testing.T) {
	f := newFed(t)
	var d view.Detail
	f.get("shopper", "/api/v1/view/applications/argocd/shop-web", &d)
	if u := updateOf(t, f.listen("shopper", "application:argocd/shop-web@"+d.Version, "").next()); u.From != d.Version || u.Version != d.Version || u.Nodes != nil || u.Manifest != nil || len(u.Row.Rights) != 7 {
		t.Errorf("who has everything is told %+v", u)
	}
	f.change("shop-web", healthy)
	u := updateOf(t, f.listen("shopper", "application:argocd/shop-web@"+d.Version, "").next())
	if u.From != d.Version || u.Version == d.Version || u.Row.Health != v1alpha1.HealthHealthy || u.Manifest != nil {
		t.Errorf("who has an older one is told %+v", u)
	}
	run, _, _ := strings.Cut(d.Version, ".")
	for _, version := range []string{"", "x", run + ".999", run + ".0", "OTHERRUN.1"} {
		if u := updateOf(t, f.listen("shopper", "application:argocd/shop-web@"+version, "").next()); u.From != "" || u.Manifest == nil || len(u.Nodes) != 2 {
			t.Errorf("%q: got %+v", version, u)
		}
	}
}

// Who sees an Application again is told everything, with the rights of now, and who has other rights than before is
// told these.
func TestUpdatesFollowRights(t *testing.T) {
	f := newFed(t)
	l := f.listen("shopper", "application:argocd/shop-web", "")
	l.expect("application", `"manifest"`)
	f.policy("p, shopper, applications, get, shop/*, allow\n")
	if u := updateOf(t, l.next()); u.Manifest != nil || u.From != u.Version || strings.Join(u.Row.Rights, " ") != "get" {
		t.Errorf("with fewer rights: got %+v", u)
	}
	f.policy("")
	if e := l.next(); e.name != "gone" {
		t.Errorf("without rights: got %+v", e)
	}
	f.deploy(pod("shop", "web-1", corev1.PodPending))
	f.policy("p, shopper, applications, get, shop/*, allow\n")
	if u := updateOf(t, l.next()); u.Manifest == nil || u.From != "" {
		t.Errorf("with rights again: got %+v", u)
	}
}

// What a detail is made of is read once, however many look at it.
func TestDetailsAreMadeOnceForAll(t *testing.T) {
	const pages = 50
	f := newFed(t)
	var made atomic.Int64
	f.options.Commits = func(context.Context, string, string, string) (source.Commit, error) {
		made.Add(1)
		return source.Commit{}, errors.New("not there")
	}
	f.handler = Handler(f.options)
	f.server.Config.Handler = f.handler
	var all []*listener
	for range pages {
		all = append(all, f.listen("shopper", "application:argocd/shop-web", ""))
	}
	for _, l := range all {
		l.expect("application", `"manifest"`)
	}
	// The history has two commits. The objects are listed while the first ones look.
	const each, first = 2, 5
	if n := made.Load(); n > first*each {
		t.Errorf("%d pages: commits were read %d times", pages, n)
	}
	made.Store(0)
	f.change("shop-web", healthy)
	for _, l := range all {
		l.expect("application", `"health":"Healthy"`)
	}
	if n := made.Load(); n > first*each {
		t.Errorf("a change, %d pages: commits were read %d times", pages, n)
	}
}

// A snapshot goes once nobody has looked for a while, and one that is looked at again stays.
func TestSnapshotsAreForgotten(t *testing.T) {
	f := newFed(t)
	s := &snapshots{viewed: viewed{&service{Options: f.options}}, of: map[subject]*snapshot{}}
	of, changed := subject{ofApplication, control, "shop-web"}, make(chan struct{}, 1)
	p := s.open(of, changed)
	if _, err := p.current(t.Context(), f.app("shop-web")); err != nil {
		t.Fatal(err)
	}
	p.forget()
	if s.open(of, nil) != p {
		t.Error("one that somebody looks at is forgotten")
	}
	p.close(changed)
	p.close(nil)
	if p.idle == nil || len(p.readers) != 0 {
		t.Errorf("nobody looks, and %d do", len(p.readers))
	}
	if again := s.open(of, nil); again != p || p.idle != nil {
		t.Error("one that is looked at again is another")
	}
	p.close(nil)
	p.forget()
	if len(s.of) != 0 {
		t.Error("one that nobody looks at is kept")
	}
	other := s.open(of, nil)
	defer other.close(nil)
	if other == p || other.run == p.run {
		t.Error("one that was forgotten is still there")
	}
	p.forget()
	if s.of[of] != other {
		t.Error("another one is forgotten with it")
	}
}

// What was made a while ago is made again: some of it depends on the time alone.
func TestSnapshotsHoldForAWhile(t *testing.T) {
	p, made := &snapshot{generation: 3}, time.Now()
	for _, c := range []struct {
		name       string
		generation uint64
		after      time.Duration
		want       bool
	}{{"just made", 3, 0, false}, {"a while ago", 3, snapshotHolds - 1, false}, {"long ago", 3, snapshotHolds, true}, {"before the objects changed", 2, 0, true}} {
		if got := p.isOld(c.generation, made, made.Add(c.after)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
