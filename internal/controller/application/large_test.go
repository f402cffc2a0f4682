package application_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// An Application of which not all objects can be listed is synced, healed and pruned like any other, and its status
// stays small.
func TestLargeApplication(t *testing.T) {
	const many, statusBound = 900, 300 << 10
	w := newWorld(t)
	w.start()
	name := func(i int) string { return fmt.Sprintf("part-%04d-%s", i, strings.Repeat("n", 240)) }
	files := map[string]string{}
	for i := range many {
		files[fmt.Sprintf("k8s/%d.yaml", i/100)] += "---\n" + configMap(name(i), "green")
	}
	first := w.push(files)
	app := w.app("large", func(app *v1alpha1.Application) {
		automated(app)
		app.Spec.SyncPolicy.Automated.SelfHeal = nil
	})
	checked := func(got *v1alpha1.Application) *v1alpha1.Application {
		t.Helper()
		status, err := json.Marshal(got.Status)
		if err != nil {
			t.Fatal(err)
		}
		if len(status) > statusBound {
			t.Errorf("the status takes %d bytes, want at most %d", len(status), statusBound)
		}
		if got := condition(got, v1alpha1.ConditionOmittedResourceWarning); !strings.HasPrefix(got, fmt.Sprint(many, " resources, of which the status lists ")) {
			t.Errorf("the condition is %q", got)
		}
		return got
	}
	listed := func(got *v1alpha1.Application, object string) *v1alpha1.ResourceStatus {
		i := slices.IndexFunc(got.Status.Resources, func(r v1alpha1.ResourceStatus) bool { return r.Name == object })
		if i < 0 {
			return nil
		}
		return &got.Status.Resources[i]
	}
	count := func() int {
		t.Helper()
		var all corev1.ConfigMapList
		if err := w.List(context.Background(), &all, client.InNamespace(w.to)); err != nil {
			t.Fatal(err)
		}
		return len(slices.DeleteFunc(all.Items, func(m corev1.ConfigMap) bool { return !strings.HasPrefix(m.Name, "part-") }))
	}

	synced := checked(w.eventually(app, "the first sync", syncedTo(first)))
	if n := count(); n != many {
		t.Errorf("%d objects are there, want %d", n, many)
	}
	last := name(many - 1)
	if listed(synced, last) != nil {
		t.Errorf("the last object is listed although nothing is to be done about it")
	}

	edited := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: last}}
	if err := w.Patch(context.Background(), edited, client.RawPatch("application/merge-patch+json", []byte(`{"data":{"colour":"red"}}`))); err != nil {
		t.Fatal(err)
	}
	checked(w.eventually(app, "the edited object, listed as OutOfSync", func(a *v1alpha1.Application) bool {
		r := listed(a, last)
		return r != nil && r.Status == v1alpha1.OutOfSync
	}))

	files["k8s/8.yaml"] = strings.Replace(files["k8s/8.yaml"], "---\n"+configMap(name(many-2), "green"), "", 1)
	second := w.push(files)
	w.eventually(app, "the second sync", syncedTo(second))
	if n := count(); n != many-1 {
		t.Errorf("%d objects are there after one is gone from git, want %d", n, many-1)
	}
	if got := w.data(last)["colour"]; got != "green" {
		t.Errorf("the edited object is %q after the next sync, want it green", got)
	}
}
