package application_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// A window that lets a sync go on that began before it is not passed by a status that tells of such a beginning; one
// that has begun before goes on.
func TestABeginningInTheStatusPassesNoWindow(t *testing.T) {
	w := newWorld(t)
	var ahead atomic.Int64
	w.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	w.start()
	soon := time.Now().UTC().Add(2 * time.Hour)
	w.teamProject(func(p *v1alpha1.AppProject) {
		p.Spec.SyncWindows = []v1alpha1.SyncWindow{{Kind: "deny", Schedule: soon.Format("4 15 * * *"), Duration: "1h", Applications: []string{"*"}, SyncOverrun: true}}
	})
	w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/job.yaml": job("name: migrate", "PreSync", "HookSucceeded")})
	app := w.app("shop", func(a *v1alpha1.Application) { a.Spec.Project = "team" })
	w.askOnce(app)
	w.untilHeld("migrate")
	ahead.Store(int64(2*time.Hour + 5*time.Minute))
	w.refresh(app)
	go w.endJobs(t.Context())
	w.eventually(app, "the sync that began before the window", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.Phase == v1alpha1.OperationSucceeded
	})

	w.push(map[string]string{"k8s/a.yaml": configMap("a", "blue"), "k8s/job.yaml": ""})
	forged := `{"operation":{"sync":{}},"status":{"operationState":{"phase":"Running","startedAt":"2020-01-01T00:00:00Z","finishedAt":null,"operation":{"sync":{}},"message":"forged"}}}`
	if err := w.Patch(t.Context(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}, client.RawPatch(types.MergePatchType, []byte(forged))); err != nil {
		t.Fatal(err)
	}
	w.eventually(app, "the forged sync to wait", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "a deny window is open")
	})
	w.refresh(app)
	w.eventually(app, "another look", func(a *v1alpha1.Application) bool { return a.Annotations[v1alpha1.RefreshAnnotation] == "" })
	if got := w.data("a")["colour"]; got != "green" {
		t.Errorf("a is %s; want nothing synced in the window", got)
	}
	ahead.Store(int64(4 * time.Hour))
	w.refresh(app)
	w.until("the sync after the window", func(context.Context) (bool, error) { return w.data("a")["colour"] == "blue", nil })
}
