package application_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Expressions of strangers that go on for ever are named, hold up no other Application, and no deletion.
func TestEndlessExpressions(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	for i, expression := range []string{"(def f: f; f)", "[range(1e12)]", "repeat(.)"} {
		name := w.app(fmt.Sprintf("endless-%d", i), func(app *v1alpha1.Application) {
			app.Finalizers = []string{v1alpha1.ResourcesFinalizer}
			app.Spec.IgnoreDifferences = []v1alpha1.IgnoreDifference{{Group: "*", Kind: "*", JQPathExpressions: []string{expression}}}
		})
		w.eventually(name, "the expression to be named", func(a *v1alpha1.Application) bool {
			return strings.Contains(condition(a, v1alpha1.ConditionInvalidSpecError), expression)
		})
		if err := w.Delete(t.Context(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}); err != nil {
			t.Fatal(err)
		}
	}
	good := w.app("good", automated)
	w.eventually(good, "the sync", syncedTo(sha))
	var left v1alpha1.ApplicationList
	w.until("the deletions", func(ctx context.Context) (bool, error) {
		err := w.List(ctx, &left, client.InNamespace(w.control))
		return len(left.Items) == 1, err
	})
}
