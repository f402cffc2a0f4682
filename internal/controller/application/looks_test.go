package application_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/application"
	"github.com/cyan-cd/cyan/internal/problem"
)

// compared waits until the controller that was started can be asked, and asks.
func (w *world) compared(app *v1alpha1.Application) (found application.Look) {
	w.Helper()
	w.until("the controller can be asked", func(ctx context.Context) (bool, error) {
		var err error
		found, err = w.looks.Compare(ctx, app)
		if problem.KindOf(err) == problem.Unreachable {
			return false, nil
		}
		return true, err
	})
	return found
}

const lookedAt = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: looked}\ndata: {colour: "

// A look is what the controller would find, of the revision that is asked for, and changes nothing.
func TestLooks(t *testing.T) {
	w := newWorld(t)
	blue := w.push(map[string]string{"k8s/a.yaml": lookedAt + "blue}\n"})
	w.start()
	name := w.app("looked", nil)
	app := w.eventually(name, "compared", func(app *v1alpha1.Application) bool { return app.Status.Sync.Revision == blue })

	found := w.compared(app)
	if !found.Comparison.Complete || found.Revision != blue || len(found.Comparison.Plan.Tasks) != 1 || found.Comparison.Plan.Tasks[0].Live != nil || len(found.Problems) != 0 {
		t.Errorf("what is not there yet: got %+v", found)
	}
	other := w.repo.Commit(map[string]string{"k8s/a.yaml": lookedAt + "green}\n"})
	asks := app.DeepCopy()
	asks.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: other, DryRun: true}}
	if found = w.compared(asks); found.Revision != other || found.Comparison.Plan.Tasks[0].Object.Object["data"].(map[string]any)["colour"] != "green" { //nolint:forcetypeassert // the manifest of this test
		t.Errorf("another revision: got %+v", found)
	}
	asks.Operation.Sync.Revision = blue
	if found = w.compared(asks); found.Revision != blue {
		t.Errorf("a look at another revision stays: got %s", found.Revision)
	}
	// One that is not there yet, and asks for what its project does not permit.
	fresh := app.DeepCopy()
	fresh.Name, fresh.Spec.Source.RepoURL = "fresh", w.repo.URL
	if found = w.compared(fresh); !found.Comparison.Complete {
		t.Errorf("one that is not there: got %+v", found.Problems)
	}
	fresh.Spec.Destination.Namespace = "kube-system"
	if found = w.compared(fresh); found.Comparison.Complete || found.Rendering != nil || !strings.Contains(found.Problems[0].Error(), "destinations") {
		t.Errorf("where its project does not permit: got %v", found.Problems)
	}
	if data := w.data("looked"); data != nil {
		t.Errorf("a look has applied %v", data)
	}
	if now := w.eventually(name, "is there", func(*v1alpha1.Application) bool { return true }); now.Operation != nil || now.Status.OperationState != nil {
		t.Errorf("a look has begun an operation: %+v", now.Status.OperationState)
	}
}

// Many looks at once end, one at a time of each Application, and one that gives up leaves nothing behind.
func TestLooksAtOnce(t *testing.T) {
	w := newWorld(t)
	w.push(map[string]string{"k8s/a.yaml": lookedAt + "blue}\n"})
	w.start()
	app := w.eventually(w.app("looked", nil), "compared", func(app *v1alpha1.Application) bool { return app.Status.Sync.Revision != "" })
	w.compared(app)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			ctx := context.Background()
			if i%4 == 0 {
				ctx = ended
			}
			if found, err := w.looks.Compare(ctx, app); err == nil && !found.Comparison.Complete && ctx.Err() == nil {
				t.Errorf("look %d: %v", i, found.Problems)
			}
		})
	}
	all.Wait()
	w.compared(app)
}

// Before the controller runs there is nobody to ask.
func TestLooksBeforeTheController(t *testing.T) {
	if _, err := new(application.Looks).Compare(t.Context(), &v1alpha1.Application{}); problem.KindOf(err) != problem.Unreachable {
		t.Errorf("got %v", err)
	}
}
