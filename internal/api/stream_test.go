package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/view"
)

// fed is a world whose changes are in the stream.
type fed struct {
	*world
	feed   *Feed
	server *httptest.Server
}

func newFed(t testing.TB) *fed {
	t.Helper()
	w := newWorld(t)
	feed := NewFeed()
	feed.Pace = Pace{Batch: time.Millisecond, Look: 5 * time.Millisecond, Ping: time.Hour}
	w.options.Feed = feed
	w.handler = Handler(w.options)
	f := &fed{w, feed, httptest.NewServer(w.handler)}
	t.Cleanup(f.server.Close)
	return f
}

// change changes an Application, as an informer would hear of it.
func (f *fed) change(name string, how func(*v1alpha1.Application)) {
	f.Helper()
	before := f.app(name)
	after := before.DeepCopy()
	how(after)
	if err := f.Update(context.Background(), after); err != nil {
		f.Fatal(err)
	}
	f.feed.Application(before, after)
}

// policy replaces the policies.
func (f *fed) policy(lines string) {
	f.Helper()
	written := &corev1.ConfigMap{}
	if err := f.Get(context.Background(), client.ObjectKey{Namespace: control, Name: access.ConfigMapName}, written); err != nil {
		f.Fatal(err)
	}
	written.Data["policy.csv"] = lines
	if err := f.Update(context.Background(), written); err != nil {
		f.Fatal(err)
	}
}

// event is one that a page has got.
type event struct{ id, name, data string }

// hangs is after how long a page that hears nothing hangs, on the slowest of machines.
const hangs = 5 * time.Minute

// listener is a page that listens.
type listener struct {
	testing.TB
	lines *bufio.Scanner
	close func()
	id    string
}

func (f *fed) listen(as, topics, after string) *listener {
	f.Helper()
	ctx, end := context.WithTimeout(context.Background(), hangs)
	f.Cleanup(end)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.server.URL+"/api/v1/view/stream?topics="+topics, http.NoBody)
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.tokens[as])
	r.Header.Set("Last-Event-ID", after)
	answer, err := f.server.Client().Do(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = answer.Body.Close() })
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		f.Fatalf("got %d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	l := &listener{f.TB, bufio.NewScanner(answer.Body), end, ""}
	l.lines.Buffer(nil, 1<<20)
	return l
}

// next returns the next event.
func (l *listener) next() event {
	l.Helper()
	e := event{}
	for l.lines.Scan() {
		field, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch {
		case field == "id":
			e.id = value
		case field == "event":
			e.name = value
		case field == "data":
			e.data = value
		case field == "" && e.name != "":
			l.id = e.id
			return e
		}
	}
	l.Fatalf("the stream has ended: %v", l.lines.Err())
	return e
}

// expect reads on until an event comes, of a name and with a text in it, and fails when one comes that must not.
func (l *listener) expect(name, text string, never ...string) event {
	l.Helper()
	for {
		e := l.next()
		for _, n := range never {
			if strings.Contains(e.data, n) {
				l.Fatalf("got %+v, which tells of %s", e, n)
			}
		}
		if e.name == name && strings.Contains(e.data, text) {
			return e
		}
	}
}

// opened waits until a stream has begun.
func (l *listener) opened() *listener {
	l.Helper()
	for l.lines.Scan() {
		if l.lines.Text() == ":" {
			return l
		}
	}
	l.Fatal("the stream has ended")
	return nil
}

func healthy(app *v1alpha1.Application) { app.Status.Health.Status = v1alpha1.HealthHealthy }

// A page is told what changes of what its reader may see, and of the rest not even that it is there.
func TestStreamsTellWhatChanges(t *testing.T) {
	f := newFed(t)
	admin, shopper := f.listen("admin", "applications", "").opened(), f.listen("shopper", "applications", "").opened()
	f.change("bank-web", healthy)
	if e := admin.expect("row", `"name":"bank-web"`); !strings.Contains(e.data, `"health":"Healthy"`) || !strings.HasSuffix(e.data, `"rights":["get","sync","override","rollback","update","delete","logs","action"]}`) || !json.Valid([]byte(e.data)) {
		t.Errorf("got %s", e.data)
	}
	f.change("shop-web", healthy)
	if e := shopper.expect("row", `"name":"shop-web"`, "bank"); !strings.HasSuffix(e.data, `"rights":["get","sync","override","rollback","update","delete","action"]}`) {
		t.Errorf("got %s", e.data)
	}
	admin.expect("row", `"name":"shop-web"`)
	// One that moves to a project that the reader does not see is gone for him.
	f.change("shop-web", func(a *v1alpha1.Application) { a.Spec.Project = "bank" })
	shopper.expect("gone", `{"namespace":"argocd","name":"shop-web"}`, "bank")
	f.change("shop-web", func(a *v1alpha1.Application) { a.Spec.Project = "shop" })
	shopper.expect("row", "shop-web")
	for _, name := range []string{"bank-web", "shop-web"} {
		app := f.app(name)
		if err := patch.DeleteSeen(context.Background(), f, app); err != nil {
			t.Fatal(err)
		}
		f.feed.Application(app, nil)
	}
	shopper.expect("gone", "shop-web", "bank")
	admin.expect("gone", "shop-web")
}

// A break loses nothing: who comes again with the last id gets what has changed meanwhile, and who was away for too
// long, or comes with an id that is not known, is told to read the lists again.
func TestStreamsGoOnAfterABreak(t *testing.T) {
	f := newFed(t)
	position := f.get("shopper", "/api/v1/view/applications", nil).Header().Get("Stream-Position")
	f.change("shop-web", healthy)
	l := f.listen("shopper", "applications", position)
	l.expect("row", `"health":"Healthy"`)
	l.close()
	f.change("shop-web", func(a *v1alpha1.Application) { a.Status.Health.Status = v1alpha1.HealthDegraded })
	f.change("bank-web", healthy)
	again := f.listen("shopper", "applications", l.id)
	if e := again.next(); e.name != "row" || !strings.Contains(e.data, "Degraded") {
		t.Errorf("after a break: got %+v", e)
	}
	for name, id := range map[string]string{"nonsense": "x", "another run": "ABCDEFGH-1-" + strings.Split(l.id, "-")[2], "the future": strings.Replace(l.id, "-", "-9", 1), "the rights of others": f.feed.position(1, "else")} {
		l := f.listen("shopper", "applications", id)
		if e := l.next(); e.name != "reset" || e.id == "" {
			t.Errorf("%s: got %+v, want a reset", name, e)
		}
		// Who was told by another run that the cluster does not answer is told that it does.
		if e := l.next(); e.name != "cluster" || e.data != `{"reachable":true}` {
			t.Errorf("%s: got %+v, want the cluster", name, e)
		}
	}
	for range feedSize + 1 {
		f.feed.Rollout("x", "y")
	}
	late := f.listen("shopper", "applications", l.id)
	if e := late.next(); e.name != "reset" {
		t.Errorf("after too long: got %+v, want a reset", e)
	}
	f.change("shop-web", healthy)
	late.expect("row", "Healthy")
}

// Who loses rights while a page is open loses what it shows, and who gets more sees more.
func TestStreamsFollowRights(t *testing.T) {
	f := newFed(t)
	l := f.listen("shopper", "applications,application:argocd/shop-web", "").opened()
	l.expect("application", "shop-web")
	f.policy("p, shopper, applications, get, bank/*, allow\n")
	// What else the pages of Applications tell of meanwhile comes in any order.
	seen := map[string]bool{}
	for !seen["gone"] || !seen["row"] {
		switch e := l.next(); {
		case e.name == "gone" && strings.Contains(e.data, "shop-web"), e.name == "row" && strings.Contains(e.data, `"name":"bank-web"`):
			seen[e.name] = true
		case e.name != "application":
			t.Fatalf("got %+v", e)
		}
	}
	f.change("shop-web", healthy)
	f.change("bank-web", healthy)
	l.expect("row", `"rights":["get"]}`, "shop-web")
	// Where rights and project change together, what was shown goes.
	f.policy("")
	l.expect("gone", "bank-web", "shop-web")
	// An account that is there no more has no session.
	settings := &corev1.ConfigMap{}
	if err := f.Get(context.Background(), client.ObjectKey{Namespace: control, Name: auth.ConfigName}, settings); err != nil {
		t.Fatal(err)
	}
	delete(settings.Data, "accounts.shopper")
	if err := f.Update(context.Background(), settings); err != nil {
		t.Fatal(err)
	}
	if e := l.expect("end", "reason", "shop-web"); !json.Valid([]byte(e.data)) {
		t.Errorf("got %s", e.data)
	}
	if l.lines.Scan() && l.lines.Text() != "" {
		t.Errorf("after the end comes %q", l.lines.Text())
	}
}

// The rights that an id was given to are part of it: with fewer, nothing is gone on from there.
func TestStreamsBeginAnewWithOtherRights(t *testing.T) {
	f := newFed(t)
	l := f.listen("shopper", "applications", "").opened()
	f.change("shop-web", healthy)
	l.expect("row", "shop-web")
	l.close()
	f.policy("")
	if e := f.listen("shopper", "applications", l.id).next(); e.name != "reset" {
		t.Errorf("got %+v, want a reset", e)
	}
}

// The overview and the state of the cluster are told to all who ask for them.
func TestStreamsTellHowEverythingIs(t *testing.T) {
	f := newFed(t)
	l := f.listen("shopper", "overview", "").opened()
	f.change("shop-web", healthy)
	l.expect("overview", `"total":1`, "bank-web")
	f.feed.Reached(view.Reachability{Since: "2026-11-26T12:00:00Z", Message: "no answer"})
	f.feed.Reached(view.Reachability{Since: "2026-11-26T12:00:00Z", Message: "no answer"})
	l.expect("cluster", `{"reachable":false,"since":"2026-11-26T12:00:00Z","message":"no answer"}`)
	if e := f.listen("shopper", "overview", "").next(); e.name != "cluster" {
		t.Errorf("who comes then is told %+v", e)
	}
	f.feed.Reached(view.Reachability{Reachable: true})
	if e := l.expect("cluster", "reachable"); !strings.Contains(e.data, "true") {
		t.Errorf("got %+v", e)
	}
}

// A topic that there is not is an error, not silence.
func TestTopics(t *testing.T) {
	w := newWorld(t)
	for topics, want := range map[string]int{"": 200, "applications": 200, "overview,application:a/b,rollout:a/b": 200, "application:a": 400, "logs": 400, "rollout": 400, "application": 400} {
		if answer := w.get("admin", "/api/v1/view/stream?topics="+topics, nil); answer.Code != want {
			t.Errorf("%q: %d, want %d", topics, answer.Code, want)
		}
	}
}

// The streams of an account, and those of all, are bounded.
func TestStreamsAreBounded(t *testing.T) {
	r := &readers{of: map[string]int{}}
	var leave func()
	for i := range mostReadersOfOne {
		var err error
		if leave, err = r.enter("ann"); err != nil {
			t.Fatalf("stream %d: %v", i, err)
		}
	}
	for range 10_000 {
		if _, err := r.enter("ann"); err == nil {
			t.Fatal("one account has as many as it likes")
		}
	}
	if _, err := r.enter("ann"); err == nil || !strings.HasPrefix(err.Error(), `account "ann": 300 streams are open`) {
		t.Errorf("one account has as many as it likes: %v", err)
	}
	if _, err := r.enter("bob"); err != nil {
		t.Errorf("one account keeps others out: %v", err)
	}
	if leave(); len(r.of) != 2 {
		t.Errorf("got %v", r.of)
	}
	if _, err := r.enter("ann"); err != nil {
		t.Errorf("a stream that was left counts still: %v", err)
	}
	for i := 0; ; i++ {
		if _, err := r.enter(fmt.Sprint(i)); err != nil {
			if !strings.HasPrefix(err.Error(), "server: 1000 streams are open") {
				t.Errorf("got %v", err)
			}
			break
		} else if i > mostReaders {
			t.Fatal("there is no bound")
		}
	}
	if leave(); r.all != mostReaders-1 {
		t.Errorf("%d streams count, want %d", r.all, mostReaders-1)
	}
	if _, err := r.enter("cid"); err != nil {
		t.Errorf("a stream that was left counts still, of all: %v", err)
	}
}

// However many streams of all kinds one account asks for, they are refused beyond its bound, and others go on.
func TestStreamsOfOneAccountKeepNobodyOut(t *testing.T) {
	const asked = mostReadersOfOne + 50
	f := newFed(t)
	f.feed.Pace.Look = time.Minute
	paths := []string{"/api/v1/view/stream?topics=applications", "/api/v1/stream/applications", "/api/v1/stream/applications/shop-web/resource-tree"}
	for i := range mostReadersOfOne {
		// Streams are read to their beginning.
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.server.URL+paths[i%len(paths)], http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+f.tokens["shopper"])
		answer, err := f.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("stream %d, %s: %s", i, r.URL.Path, answer.Status)
		}
	}
	for i := mostReadersOfOne; i < asked; i++ {
		answer := f.get("shopper", paths[i%len(paths)], nil)
		if answer.Code != http.StatusTooManyRequests || !strings.Contains(answer.Body.String(), `account \"shopper\": 300 streams are open`) {
			t.Fatalf("stream %d: %d %s", i, answer.Code, answer.Body)
		}
	}
	other := f.listen("admin", "applications", "").opened()
	f.change("shop-web", healthy)
	other.expect("row", "shop-web")
	var rows shownRows
	if f.get("shopper", "/api/v1/view/applications", &rows); rows.Total != 1 {
		t.Errorf("who has too many streams reads %d rows", rows.Total)
	}
}

// A stream ends with the server, and shows that it lives.
func TestStreamsEndWithTheServer(t *testing.T) {
	f := newFed(t)
	f.feed.Pace.Ping = 10 * time.Millisecond
	l := f.listen("admin", "applications", "").opened()
	l.opened()
	l.opened()
	f.feed.End()
	for l.lines.Scan() {
		if text := l.lines.Text(); text != ":" && text != "" {
			t.Errorf("got %q", text)
		}
	}
}

// Several changes of an object between two sendings are told once, with all projects that it was in.
func TestChangesAreToldOnce(t *testing.T) {
	a, b := subject{ofApplication, "n", "a"}, subject{ofApplication, "n", "b"}
	got := latest([]change{{a, "x"}, {b, ""}, {a, "y"}, {a, "x"}, {subject{ofRollout, "n", "a"}, ""}})
	if want := "[{{0 n a} [x y]} {{0 n b} []} {{1 n a} []}]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// Hundreds of pages over a thousand Applications that change cost little memory, and one that does not read holds up
// nobody.
func TestManyPages(t *testing.T) {
	const pages, applications, rounds = 200, 1000, 2
	f := newFed(t)
	f.feed.Pace.Batch = 200 * time.Millisecond
	list := &v1alpha1.ApplicationList{}
	for i := range applications {
		app := f.app("shop-web")
		app.Name = fmt.Sprintf("shop-%04d", i)
		list.Items = append(list.Items, *app)
	}
	f.options.Reader = &shelved{listed: listed{f.Client, list}}
	f.handler = Handler(f.options)
	f.server.Config.Handler = f.handler
	stuck := f.listen("admin", "applications", "").opened()
	_ = stuck // it reads no more
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var done sync.WaitGroup
	listeners := make([]*listener, pages)
	for i := range listeners {
		listeners[i] = f.listen("shopper", "applications", "").opened()
	}
	for _, l := range listeners {
		done.Go(func() {
			for {
				if e := l.next(); e.name == "row" && strings.Contains(e.data, `"name":"shop-last"`) {
					return
				} else if e.name == "reset" {
					t.Error("a page that reads is reset")
					return
				}
			}
		})
	}
	for range rounds {
		for i := range list.Items {
			f.feed.Application(&list.Items[i], &list.Items[i])
		}
	}
	last := f.app("shop-web")
	last.Name = "shop-last"
	f.feed.Application(last, last)
	done.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 100<<20 {
		t.Errorf("%d pages hold %d MB", pages, grown>>20)
	}
}

// shelved is a cache of Applications that differ in their names.
type shelved struct{ listed }

func (s *shelved) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	app, ok := into.(*v1alpha1.Application)
	if !ok {
		return s.listed.Get(ctx, key, into, options...)
	}
	s.all.Items[0].DeepCopyInto(app)
	app.Name = key.Name
	return nil
}
