package application_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit/seed"
)

// hookRuns counts how often each hook was created.
type hookRuns struct {
	mu   sync.Mutex
	runs map[string]map[types.UID]bool
}

// countHooks watches the Jobs of the destination from now on.
func (w *world) countHooks() *hookRuns {
	w.Helper()
	watcher, err := client.NewWithWatch(w.cluster.Config, client.Options{Scheme: w.Scheme()})
	if err != nil {
		w.Fatal(err)
	}
	h := &hookRuns{runs: map[string]map[types.UID]bool{}}
	events, err := watcher.Watch(context.Background(), &batchv1.JobList{}, client.InNamespace(w.to))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(events.Stop)
	go func() {
		for e := range events.ResultChan() {
			if job, ok := e.Object.(*batchv1.Job); ok && e.Type != watch.Error {
				h.saw(job)
			}
		}
	}()
	return h
}

func (h *hookRuns) saw(job *batchv1.Job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.runs[job.Name] == nil {
		h.runs[job.Name] = map[types.UID]bool{}
	}
	h.runs[job.Name][job.UID] = true
}

func (h *hookRuns) of(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.runs[name])
}

// failing is a connection that breaks at one write: before the API server has it, or after, so that the answer is
// lost. From then on nothing gets through, as if the program had been killed at that instant.
type failing struct {
	mu     sync.Mutex
	at     int
	lost   bool
	writes int
	line   string
	broken chan struct{}
}

func (f *failing) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		isWrite := r.Method != http.MethodGet && !strings.Contains(r.URL.RawQuery, "dryRun") && !strings.Contains(r.URL.Path, "/events")
		f.mu.Lock()
		if isWrite {
			f.writes++
		}
		over, breaks := f.writes > f.at, isWrite && f.writes == f.at
		f.mu.Unlock()
		if over {
			return nil, errors.New("the program was killed")
		}
		if breaks {
			if f.lost {
				if answer, err := next.RoundTrip(r); err == nil {
					_ = answer.Body.Close()
				}
			}
			f.mu.Lock()
			f.writes, f.line = f.at+1, r.Method+" "+r.URL.Path
			f.mu.Unlock()
			close(f.broken)
			return nil, errors.New("the program was killed")
		}
		return next.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The controller is killed at every write of a sync, before it is made or after: each hook runs once all the same, and
// the sync ends well.
func TestKilledAtEveryWrite(t *testing.T) {
	random := seed.Random(t)
	for at := 1; ; at++ {
		if !killedAt(t, at, random.IntN(2) == 0) {
			break
		}
		if at > 60 {
			t.Fatal("the sync has no end")
		}
	}
}

// killedAt kills the controller at one write of a sync; false when the sync has fewer.
func killedAt(t *testing.T, at int, lost bool) (killed bool) {
	t.Run(fmt.Sprintf("write %d, answer lost %v", at, lost), func(t *testing.T) {
		w := newWorld(t)
		runs := w.countHooks()
		go w.endJobs(t.Context())
		sha := w.push(map[string]string{
			"k8s/pre.yaml": job("name: migrate", "PreSync", "BeforeHookCreation"), "k8s/a.yaml": configMap("a", "green"),
			"k8s/post.yaml": job("name: smoke", "PostSync", "HookSucceeded"),
		})
		f := &failing{at: at, lost: lost, broken: make(chan struct{})}
		plain := w.config
		w.config = rest.CopyConfig(plain)
		w.config.Wrap(f.wrap)
		stop := w.start()
		app := w.app("shop", automated)
		killed = w.untilKilled(f, app, sha)
		stop()
		if !killed {
			return
		}
		w.config = plain
		w.start()
		w.eventually(app, "the sync", syncedTo(sha))
		for _, name := range []string{"migrate", "smoke"} {
			w.until(name+" to be counted", func(context.Context) (bool, error) { return runs.of(name) > 0, nil })
			if n := runs.of(name); n != 1 {
				t.Errorf("killed at %s: hook %s ran %d times, want once", f.line, name, n)
			}
		}
		w.untilFree("migrate")
		w.until("smoke to be deleted", func(ctx context.Context) (bool, error) {
			job, err := w.hook(ctx, "smoke")
			return job == nil || job.DeletionTimestamp != nil && !isHeld(job), err
		})
	})
	return killed
}

// untilKilled waits until a controller was killed at a write, or has synced, and reports whether it was killed.
func (w *world) untilKilled(f *failing, app types.NamespacedName, sha string) (killed bool) {
	w.Helper()
	w.until("the kill or the end", func(ctx context.Context) (bool, error) {
		seen := &v1alpha1.Application{}
		if err := w.Get(ctx, app, seen); err != nil {
			return false, err
		}
		select {
		case <-f.broken:
			killed = true
			return true, nil
		default:
			return syncedTo(sha)(seen), nil
		}
	})
	return killed
}

// Others write annotations all the time, as notifiers do: no hook is killed for it, and none runs again.
func TestOthersWriteDuringASync(t *testing.T) {
	w := newWorld(t)
	runs := w.countHooks()
	sha := w.push(map[string]string{
		"k8s/pre.yaml": job("name: migrate", "PreSync", "BeforeHookCreation"), "k8s/second.yaml": job("name: again", "Sync", "BeforeHookCreation"),
		"k8s/a.yaml": configMap("a", "green"), "k8s/post.yaml": job("name: smoke", "PostSync", "BeforeHookCreation"),
	})
	app := w.app("shop", automated)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		named := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}
		for i := 0; ctx.Err() == nil; i++ {
			body := fmt.Appendf(nil, `{"metadata":{"annotations":{"notified.example.com/last":"%d"}}}`, i)
			if err := w.Patch(ctx, named, client.RawPatch(types.MergePatchType, body)); err != nil && ctx.Err() == nil {
				w.Error(err)
			}
		}
	}()
	w.start()
	go w.endJobs(t.Context())
	w.eventually(app, "the sync", syncedTo(sha))
	end()
	<-ended
	for _, name := range []string{"migrate", "again", "smoke"} {
		if n := runs.of(name); n != 1 {
			t.Errorf("hook %s ran %d times, want once", name, n)
		}
	}
}

// A commit that changes nothing of an Application leaves its running hook alone; one that changes something else waits
// for the hook's end, and one that changes the hook does not.
func TestNewerCommitsAndRunningHooks(t *testing.T) {
	const pre = "k8s/pre.yaml"
	running := job("name: migrate", "PreSync", "BeforeHookCreation")
	for _, c := range []struct {
		name   string
		change map[string]string
		// lives is whether the hook that ran is let finish, and runs how often it ran in the end.
		lives bool
		runs  int
	}{
		{"a file that the Application does not read", map[string]string{"readme.md": "new"}, true, 1},
		{"another object", map[string]string{"k8s/a.yaml": configMap("a", "blue")}, true, 2},
		{"the hook itself", map[string]string{pre: strings.Replace(running, "image: x", "image: other", 1)}, false, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			runs := w.countHooks()
			w.start()
			w.push(map[string]string{pre: running, "k8s/a.yaml": configMap("a", "green")})
			app := w.app("shop", automated)
			w.eventually(app, "the hook to be recorded", waitsForHook)
			first, err := w.hook(t.Context(), "migrate")
			if err != nil || first == nil {
				t.Fatal("the hook is missing", err)
			}
			sha := w.push(c.change)
			w.eventually(app, "a look at the commit", func(a *v1alpha1.Application) bool { return a.Status.Sync.Revision == sha })
			if !c.lives {
				w.until("the hook to run as git has it now", func(ctx context.Context) (bool, error) {
					job, err := w.hook(ctx, "migrate")
					return job != nil && job.UID != first.UID, err
				})
			} else if now, err := w.hook(t.Context(), "migrate"); err != nil || now == nil || now.UID != first.UID || now.DeletionTimestamp != nil {
				t.Errorf("the hook was not let finish: %v, %v", now, err)
			}
			go w.endJobs(t.Context())
			w.eventually(app, "the sync", func(a *v1alpha1.Application) bool {
				s := a.Status
				return s.Sync.Status == v1alpha1.Synced && s.Sync.Revision == sha && a.Operation == nil && s.OperationState.Phase == v1alpha1.OperationSucceeded
			})
			if n := runs.of("migrate"); n != c.runs {
				t.Errorf("the hook ran %d times, want %d", n, c.runs)
			}
		})
	}
}

func waitsForHook(a *v1alpha1.Application) bool {
	return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "waiting for completion of hook")
}

// An object that can't be changed, is to be replaced by force and does not go, holds no worker: a newer commit and the
// deletion of the Application are seen meanwhile.
func TestReplacedByForceAndHeld(t *testing.T) {
	w := newWorld(t)
	w.start()
	fixed := func(colour string) string {
		return configMap("fixed", colour, "argocd.argoproj.io/sync-options: Force=true") + "immutable: true\n"
	}
	sha := w.push(map[string]string{"k8s/a.yaml": fixed("red")})
	app := w.app("shop", automated)
	w.eventually(app, "the first sync", syncedTo(sha))
	w.patchMap("fixed", `{"metadata":{"finalizers":["example.com/busy"]}}`)
	t.Cleanup(func() { w.patchMap("fixed", `{"metadata":{"finalizers":null}}`) })
	w.push(map[string]string{"k8s/a.yaml": fixed("green")})
	w.eventually(app, "the wait to be named", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "waiting for deletion of /ConfigMap/fixed (held by the finalizers example.com/busy")
	})
	blue := w.push(map[string]string{"k8s/a.yaml": fixed("blue"), "k8s/b.yaml": configMap("b", "blue")})
	w.until("what the newer commit brings", func(context.Context) (bool, error) { return w.data("b") != nil, nil })
	w.patchMap("fixed", `{"metadata":{"finalizers":null}}`)
	w.eventually(app, "the second sync", syncedTo(blue))
	if got := w.data("fixed")["colour"]; got != "blue" {
		t.Errorf("fixed is %q, want blue", got)
	}
}

func (w *world) patchMap(name, body string) {
	w.Helper()
	patchAny(w, &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: name}}, body)
}

func patchAny(w *world, object client.Object, body string) {
	w.Helper()
	err := w.Patch(context.Background(), object, client.RawPatch(types.MergePatchType, []byte(body)))
	if client.IgnoreNotFound(err) != nil {
		w.Fatal(err)
	}
}
