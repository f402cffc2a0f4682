package desired_test

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
)

func TestAddLabels(t *testing.T) {
	const template = "spec: {template: {metadata: {labels: {app: web}}}}\n"
	more := map[string]string{"team": "a"}
	for _, row := range []struct {
		rule, text   string
		labels, pods map[string]string
	}{
		{"an object", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", more, nil},
		{"its pods, too", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: {app: web}}\n" + template, map[string]string{"app": "web", "team": "a"}, map[string]string{"app": "web", "team": "a"}},
		{"not the pods of a Job, which cannot be changed", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\n" + template, more, map[string]string{"app": "web"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			object := objects(t, row.text)[0].Object
			desired.AddLabels(object, more)
			pods, _, _ := unstructured.NestedStringMap(object.Object, "spec", "template", "metadata", "labels")
			if !reflect.DeepEqual(object.GetLabels(), row.labels) || len(pods)+len(row.pods) > 0 && !reflect.DeepEqual(pods, row.pods) {
				t.Errorf("got %v and %v, want %v and %v", object.GetLabels(), pods, row.labels, row.pods)
			}
			before := object.DeepCopy()
			if desired.AddLabels(object, nil); !reflect.DeepEqual(before, object) {
				t.Errorf("no labels: got %v, want it as it was", object)
			}
		})
	}
}

// What somebody else has made keeps its own controller, and has no mark of the loop.
func TestUnmarked(t *testing.T) {
	rollout := objects(t, "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: app, labels: {app: web}}\nspec: {}\n")
	for _, leaves := range []bool{false, true} {
		at := place(false)
		at.Leaves = leaves
		placed, err := desired.In(rollout, at)
		if err != nil {
			t.Fatal(err)
		}
		marked := placed.Objects[0]
		if _, instance := marked.GetLabels()[v1alpha1.RolloutInstanceIDLabel]; instance == leaves || marked.GetLabels()[desired.LoopLabel] == "" {
			t.Errorf("a loop that leaves (%t): got labels %v", leaves, marked.GetLabels())
		}
		if got, want := desired.Unmarked(marked).GetLabels(), map[string]string{"app": "web"}; !reflect.DeepEqual(got, want) || marked.GetLabels()[desired.LoopLabel] == "" {
			t.Errorf("unmarked: got %v, want %v, and the object itself as it was", got, want)
		}
	}
}

func TestLoopFor(t *testing.T) {
	for _, row := range []struct{ namespace, app, want string }{
		{"shop", "Web App", "shop-web-app"},
		{"shop", "", "shop-x"},
		{"a-namespace-of-forty-characters-in-length", "an-app-of-as-many-characters-as-there-may-be", "a-namespace-of-forty-characters-in-length-an-app-of-as-many-cha"},
	} {
		if got := desired.LoopFor(row.namespace, row.app); got != row.want {
			t.Errorf("%s, %s: got %s, want %s", row.namespace, row.app, got, row.want)
		}
	}
}
