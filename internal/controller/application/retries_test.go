package application_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// refreshing has a sync tried again every second, at the newest commit.
func refreshing(app *v1alpha1.Application) {
	automated(app)
	app.Spec.SyncPolicy.Retry = &v1alpha1.RetryStrategy{Limit: -1, Refresh: true, Backoff: &v1alpha1.RetryBackoff{Duration: "1s", Factor: new(int64(1)), MaxDuration: "1s"}}
}

const refusedMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {colour: not/a/label!}\n"

// movedWhileRetried makes an Application whose sync is refused and tried again, and then has its spec name another
// source.
func (w *world) movedWhileRetried() types.NamespacedName {
	w.Helper()
	w.push(map[string]string{"k8s/a.yaml": refusedMap, "other/b.yaml": configMap("b", "green")})
	app := w.app("shop", refreshing)
	w.eventually(app, "a retry", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && a.Status.OperationState.RetryCount > 0
	})
	move := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"source":{"path":"other"}}}`))
	if err := w.Patch(context.Background(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}, move); err != nil {
		w.Fatal(err)
	}
	return app
}

// A sync that is tried again at what is newest keeps the source with which it began, says so, and is followed by the
// source that the spec names by then.
func TestARetryKeepsItsSource(t *testing.T) {
	w := newWorld(t)
	w.start()
	app := w.movedWhileRetried()
	w.eventually(app, "the message that names the source", func(a *v1alpha1.Application) bool {
		return strings.Contains(a.Status.OperationState.Message, "k8s, with which the operation began: that of the spec is synced after it")
	})
	w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	got := w.eventually(app, "both sources in the history", func(a *v1alpha1.Application) bool { return len(a.Status.History) == 2 })
	if first, second := got.Status.History[0].Source.Path, got.Status.History[1].Source.Path; first != "k8s" || second != "other" {
		t.Errorf("history: got %s, %s; want k8s, other", first, second)
	}
}

// A source that never syncs holds the one up that the spec names by then for a few tries, and no longer.
func TestARetryGivesItsSourceUp(t *testing.T) {
	w := newWorld(t)
	w.start()
	app := w.movedWhileRetried()
	got := w.eventually(app, "the other source", func(a *v1alpha1.Application) bool { return len(a.Status.History) == 1 })
	if path := got.Status.History[0].Source.Path; path != "other" || w.data("a") != nil || w.data("b") == nil {
		t.Errorf("got %s synced, a %v, b %v", path, w.data("a"), w.data("b"))
	}
}

// The namespace that CreateNamespace asks for is made also where objects are refused, and is told of.
func TestTheNamespaceOfARefusedSync(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.to += "-new"
	t.Cleanup(func() {
		_ = w.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.to}})
	})
	w.push(map[string]string{"k8s/a.yaml": refusedMap, "k8s/b.yaml": configMap("b", "green")})
	app := w.app("shop", func(a *v1alpha1.Application) {
		once(a)
		a.Spec.SyncPolicy.SyncOptions = []string{"CreateNamespace=true"}
	})
	got := w.eventually(app, "the failure", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && a.Status.OperationState.Phase == v1alpha1.OperationFailed
	})
	var results []string
	for _, r := range got.Status.OperationState.SyncResult.Resources {
		results = append(results, strings.Join([]string{r.Kind, r.Name, string(r.SyncPhase), string(r.Status)}, " "))
	}
	if text := strings.Join(results, ", "); text != "Namespace "+w.to+" PreSync Synced, ConfigMap a Sync SyncFailed" {
		t.Errorf("results: got %s", text)
	}
	if n := w.namespace(w.to); n == nil || w.data("b") != nil {
		t.Errorf("got namespace %v, b %v; want the namespace alone", n, w.data("b"))
	}
	if m := got.Status.OperationState.Message; !strings.Contains(m, "nothing but the namespace was applied") {
		t.Errorf("message: got %q", m)
	}
}
