package apply_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// kinds are those that the tests use.
type kinds struct{}

func (kinds) Resource(kind schema.GroupVersionKind) (schema.GroupVersionResource, bool, bool) {
	switch kind {
	case schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}:
		return kind.GroupVersion().WithResource("configmaps"), true, true
	case schema.GroupVersionKind{Version: "v1", Kind: "Secret"}:
		return kind.GroupVersion().WithResource("secrets"), true, true
	case schema.GroupVersionKind{Version: "v1", Kind: "Service"}:
		return kind.GroupVersion().WithResource("services"), true, true
	case schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}:
		return kind.GroupVersion().WithResource("deployments"), true, true
	case schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}:
		return kind.GroupVersion().WithResource("jobs"), true, true
	}
	return schema.GroupVersionResource{}, false, false
}

func (kinds) Served(kind schema.GroupKind) []string {
	if kind.Group == "networking.k8s.io" && kind.Kind == "Ingress" {
		return []string{"v1"}
	}
	return nil
}

func setup(t *testing.T) (*apply.Client, client.Client, string) {
	t.Helper()
	cluster := testkit.Cluster(t)
	connection, err := dynamic.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	return apply.NewClient(connection, kinds{}), cluster.Client, cluster.Namespace(t)
}

func object(t *testing.T, namespace, manifest string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &u.Object); err != nil {
		t.Fatal(err)
	}
	u.SetNamespace(namespace)
	return u
}

func read(t *testing.T, c *apply.Client, like *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	live, err := c.Get(t.Context(), like.GroupVersionKind(), like.GetNamespace(), like.GetName())
	if err != nil {
		t.Fatal(err)
	}
	return live
}

// awaitGone waits for the end of an object that is being deleted.
func awaitGone(t *testing.T, c *apply.Client, like *unstructured.Unstructured) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) { return read(t, c, like) == nil, nil })
	if err != nil {
		t.Fatalf("waiting for the end of %s: %v", apply.RefOf(like), err)
	}
}

const configMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {colour: green}}`

func TestApplyCreatesChangesAndLeavesAlone(t *testing.T) {
	c, _, namespace := setup(t)
	desired := object(t, namespace, configMap)
	for _, step := range []struct {
		data map[string]any
		want apply.Change
	}{
		{map[string]any{"colour": "green", "size": "1"}, apply.Created},
		{map[string]any{"colour": "green", "size": "1"}, apply.Unchanged},
		{map[string]any{"colour": "blue"}, apply.Configured},
	} {
		desired.Object["data"] = step.data
		live := read(t, c, desired)
		tried, err := c.Apply(t.Context(), desired, live, apply.How{Trial: apply.DryRun})
		if err != nil {
			t.Fatal(err)
		}
		if after := read(t, c, desired); (after == nil) != (live == nil) || (live != nil && after.GetResourceVersion() != live.GetResourceVersion()) {
			t.Errorf("a dry run changed the object: %v", after)
		}
		done, err := c.Apply(t.Context(), desired, live, apply.How{})
		if err != nil || done.Change != step.want {
			t.Errorf("applying %v: %s, %v; want %s", step.data, done.Change, err, step.want)
		}
		if got, _, _ := unstructured.NestedMap(read(t, c, desired).Object, "data"); len(got) != len(step.data) {
			t.Errorf("data is %v; want %v", got, step.data)
		}
		if predicted, _, _ := unstructured.NestedMap(tried.Object.Object, "data"); len(predicted) != len(step.data) {
			t.Errorf("the dry run foresaw %v; want %v", predicted, step.data)
		}
	}
}

// What the server keeps itself, as an object has it that was read from a cluster, is applied as often as any other.
func TestWhatTheServerKeepsIsLeftOut(t *testing.T) {
	c, _, namespace := setup(t)
	desired := object(t, namespace, `{apiVersion: v1, kind: ConfigMap, metadata: {name: read, uid: 12345678-1234-1234-1234-123456789012, resourceVersion: "7", generation: 3,
		creationTimestamp: "2024-01-01T00:00:00Z", deletionTimestamp: "2024-01-02T00:00:00Z", deletionGracePeriodSeconds: 30, selfLink: /api/v1/x, managedFields: [{manager: kubectl}]}, data: {a: b}}`)
	for _, want := range []apply.Change{apply.Created, apply.Unchanged} {
		done, err := c.Apply(t.Context(), desired, read(t, c, desired), apply.How{})
		if err != nil || done.Change != want {
			t.Errorf("%s, %v; want %s", done.Change, err, want)
		}
	}
}

func TestFieldsOfFormerAppliersFollowGit(t *testing.T) {
	for _, former := range []string{"kubectl-client-side-apply", "argocd-controller"} {
		t.Run(former, func(t *testing.T) {
			c, kube, namespace := setup(t)
			old := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"}, Data: map[string]string{"colour": "red", "removed": "yes"}}
			if err := kube.Create(t.Context(), old, client.FieldOwner(former)); err != nil {
				t.Fatal(err)
			}
			desired := object(t, namespace, configMap)
			live := read(t, c, desired)
			if got := apply.Inherited(live); len(got) != 1 || got[0] != former {
				t.Errorf("Inherited = %v; want %s", got, former)
			}
			if _, err := c.Apply(t.Context(), desired, live, apply.How{}); err != nil {
				t.Fatal(err)
			}
			after := read(t, c, desired)
			data, _, _ := unstructured.NestedStringMap(after.Object, "data")
			if len(data) != 1 || data["colour"] != "green" {
				t.Errorf("data is %v; want only colour green: what %s applied and git no longer has must go", data, former)
			}
			if left := apply.Inherited(after); len(left) != 0 {
				t.Errorf("%v still own fields", left)
			}
		})
	}
}

func TestFieldsOfOthersStay(t *testing.T) {
	c, kube, namespace := setup(t)
	other := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"}, Data: map[string]string{"theirs": "yes"}}
	if err := kube.Create(t.Context(), other, client.FieldOwner("some-operator")); err != nil {
		t.Fatal(err)
	}
	desired := object(t, namespace, configMap)
	if _, err := c.Apply(t.Context(), desired, read(t, c, desired), apply.How{}); err != nil {
		t.Fatal(err)
	}
	data, _, _ := unstructured.NestedStringMap(read(t, c, desired).Object, "data")
	if data["theirs"] != "yes" || data["colour"] != "green" {
		t.Errorf("data is %v; want theirs and colour", data)
	}
}

const job = `{apiVersion: batch/v1, kind: Job, metadata: {name: work}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "one:1"}]}}}}`

func TestImmutableFields(t *testing.T) {
	c, _, namespace := setup(t)
	desired := object(t, namespace, job)
	first, err := c.Apply(t.Context(), desired, nil, apply.How{})
	if err != nil {
		t.Fatal(err)
	}
	changed := object(t, namespace, strings.Replace(job, "one:1", "two:2", 1))
	_, err = c.Apply(t.Context(), changed, read(t, c, desired), apply.How{})
	if apply.ReasonOf(err) != apply.ReasonImmutable || !strings.Contains(err.Error(), `Job "work" is invalid: `) || !strings.Contains(err.Error(), "Force=true") {
		t.Errorf("changing an immutable field: %v; want the object, the cause and the way out", err)
	}
	done, err := c.Apply(t.Context(), changed, read(t, c, desired), apply.How{Force: true})
	if err != nil || done.Change != apply.Deleting {
		t.Fatalf("by force: %s, %v; want it deleted, to be created again", done.Change, err)
	}
	awaitGone(t, c, desired)
	if done, err = c.Apply(t.Context(), changed, nil, apply.How{Force: true}); err != nil || done.Change != apply.Created {
		t.Fatalf("once it is gone: %s, %v; want it created", done.Change, err)
	}
	if after := read(t, c, desired); after.GetUID() == first.Object.GetUID() {
		t.Error("it is still the same Job")
	}
}

// What waits for its workload keeps what it owns until then, also where it is deleted to be created again.
func TestWhatWaitsForItsWorkloadIsDeletedInTheBackground(t *testing.T) {
	deletions := []struct {
		name   string
		delete func(c *apply.Client, changed, live *unstructured.Unstructured) error
	}{
		{"by force", func(c *apply.Client, changed, live *unstructured.Unstructured) error {
			_, err := c.Apply(t.Context(), changed, live, apply.How{Force: true})
			return err
		}},
		{"replaced by force", func(c *apply.Client, changed, live *unstructured.Unstructured) error {
			_, err := c.Apply(t.Context(), changed, live, apply.How{Force: true, Method: apply.Replace})
			return err
		}},
		{"in the foreground", func(c *apply.Client, _, live *unstructured.Unstructured) error {
			_, err := c.Delete(t.Context(), live, metav1.DeletePropagationForeground, apply.Real)
			return err
		}},
		{"without a policy", func(c *apply.Client, _, live *unstructured.Unstructured) error {
			_, err := c.Delete(t.Context(), live, "", apply.Real)
			return err
		}},
	}
	for _, d := range deletions {
		for _, waits := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, waits %t", d.name, waits), func(t *testing.T) {
				c, kube, namespace := setup(t)
				desired := object(t, namespace, job)
				// Another finalizer shows what is left of a deletion.
				desired.SetFinalizers([]string{"example.com/seen"})
				if waits {
					desired.SetFinalizers([]string{"example.com/seen", v1alpha1.WorkloadFinalizer})
				}
				if _, err := c.Apply(t.Context(), desired, nil, apply.How{}); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := kube.Patch(context.Background(), desired, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))); err != nil {
						t.Error(err)
					}
				})
				live := read(t, c, desired)
				marked := deletionOf(t, live)
				if err := d.delete(c, object(t, namespace, strings.Replace(job, "one:1", "two:2", 1)), live); err != nil {
					t.Fatal(err)
				}
				if of := marked(); slices.Contains(of, metav1.FinalizerDeleteDependents) == waits {
					t.Errorf("finalizers %v; want it deleted in the foreground: %t", of, !waits)
				}
			})
		}
	}
}

// deletionOf returns what waits for the deletion of a Job that was seen, and returns its finalizers as it begins: the
// garbage collector takes those of deletions in the foreground away once there is nothing to wait for.
func deletionOf(t *testing.T, seen *unstructured.Unstructured) func() []string {
	t.Helper()
	connection, err := dynamic.NewForConfig(testkit.Cluster(t).Config)
	if err != nil {
		t.Fatal(err)
	}
	resource, _, _ := kinds{}.Resource(seen.GroupVersionKind())
	changes, err := connection.Resource(resource).Namespace(seen.GetNamespace()).Watch(t.Context(), metav1.ListOptions{ResourceVersion: seen.GetResourceVersion()})
	if err != nil {
		t.Fatal(err)
	}
	return func() []string {
		defer changes.Stop()
		for change := range changes.ResultChan() {
			if o, is := change.Object.(*unstructured.Unstructured); is && o.GetUID() == seen.GetUID() && o.GetDeletionTimestamp() != nil {
				return o.GetFinalizers()
			}
		}
		t.Fatal("the watch ended before the deletion")
		return nil
	}
}

// Where no basis is asked for, a write goes over what others have changed since the object was read, such as its
// status.
func TestWhatOthersHaveChangedSince(t *testing.T) {
	for _, method := range []apply.Method{apply.ServerSide, apply.Replace, apply.ClientSide} {
		for _, trial := range []apply.Trial{apply.Real, apply.DryRun} {
			for _, bound := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, trial %v, bound %t", method, trial, bound), func(t *testing.T) {
					c, kube, namespace := setup(t)
					how := apply.How{Method: method}
					if _, err := c.Apply(t.Context(), object(t, namespace, configMap), nil, how); err != nil {
						t.Fatal(err)
					}
					desired := object(t, namespace, configMap)
					live := read(t, c, desired)
					if err := kube.Patch(t.Context(), live.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"theirs":"yes"}}}`)), client.FieldOwner("theirs")); err != nil {
						t.Fatal(err)
					}
					desired.Object["data"] = map[string]any{"colour": "blue"}
					how.Trial = trial
					if bound {
						how.Basis = live.GetResourceVersion()
					}
					done, err := c.Apply(t.Context(), desired, live, how)
					if bound {
						if apply.ReasonOf(err) != apply.ReasonConflict {
							t.Errorf("%s, %v; want a conflict", done, err)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					checkAt(t, "what was written", done.Object, []string{"data", "colour"}, `"blue"`)
				})
			}
		}
	}
}

func TestReplaceAndClientSide(t *testing.T) {
	for _, method := range []apply.Method{apply.Replace, apply.ClientSide} {
		t.Run(string(method), func(t *testing.T) {
			c, _, namespace := setup(t)
			desired := object(t, namespace, configMap)
			how := apply.How{Method: method}
			desired.Object["data"] = map[string]any{"colour": "green", "size": "1"}
			if _, err := c.Apply(t.Context(), desired, nil, how); err != nil {
				t.Fatal(err)
			}
			desired.Object["data"] = map[string]any{"colour": "blue"}
			if _, err := c.Apply(t.Context(), desired, read(t, c, desired), how); err != nil {
				t.Fatal(err)
			}
			data, _, _ := unstructured.NestedStringMap(read(t, c, desired).Object, "data")
			if len(data) != 1 || data["colour"] != "blue" {
				t.Errorf("data is %v; want only colour blue", data)
			}
		})
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	c, _, namespace := setup(t)
	for _, c2 := range []struct {
		name, manifest string
		reason         apply.Reason
		says           []string
	}{
		{"unserved version", `{apiVersion: networking.k8s.io/v1beta1, kind: Ingress, metadata: {name: web}}`, apply.ReasonUnserved, []string{"Ingress", "networking.k8s.io/v1beta1", "use apiVersion networking.k8s.io/v1"}},
		{"unknown kind", `{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}`, apply.ReasonUnserved, []string{"Widget", "CustomResourceDefinition"}},
		{"unknown field", `{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, dota: {}}`, apply.ReasonInvalid, []string{"ConfigMap", "dota"}},
		{"invalid value", `{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 99999}]}}`, apply.ReasonInvalid, []string{"spec.ports[0].port"}},
	} {
		t.Run(c2.name, func(t *testing.T) {
			_, err := c.Apply(t.Context(), object(t, namespace, c2.manifest), nil, apply.How{})
			if apply.ReasonOf(err) != c2.reason {
				t.Errorf("reason %s; want %s: %v", apply.ReasonOf(err), c2.reason, err)
			}
			for _, part := range c2.says {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not say %q", err, part)
				}
			}
		})
	}
	_, err := c.Apply(t.Context(), object(t, "no-such-namespace", configMap), nil, apply.How{})
	if apply.ReasonOf(err) != apply.ReasonNoNamespace || !strings.Contains(err.Error(), "CreateNamespace=true") {
		t.Errorf("in a namespace that is not there: %v", err)
	}
}

func TestDeleteTakesOnlyWhatWasSeen(t *testing.T) {
	c, _, namespace := setup(t)
	desired := object(t, namespace, configMap)
	first, err := c.Apply(t.Context(), desired, nil, apply.How{})
	if err != nil {
		t.Fatal(err)
	}
	stranger := first.Object.DeepCopy()
	stranger.SetUID("another")
	if done, err := c.Delete(t.Context(), stranger, "", apply.Real); err != nil || done.Change != apply.Absent || read(t, c, desired) == nil {
		t.Errorf("deleting one that has another uid: %s, %v; want it left", done.Change, err)
	}
	if done, err := c.Delete(t.Context(), first.Object, metav1.DeletePropagationBackground, apply.Real); err != nil || done.Change != apply.Deleted || read(t, c, desired) != nil {
		t.Errorf("deleting: %s, %v", done.Change, err)
	}
	if done, err := c.Delete(t.Context(), first.Object, "", apply.Real); err != nil || done.Change != apply.Absent {
		t.Errorf("deleting again: %s, %v; want that it was gone", done.Change, err)
	}
}

func TestCreateIsIdempotent(t *testing.T) {
	c, _, namespace := setup(t)
	hook := object(t, namespace, job)
	first, err := c.Create(t.Context(), hook, apply.How{})
	if err != nil || first.Change != apply.Created {
		t.Fatal(first.Change, err)
	}
	again, err := c.Create(t.Context(), hook, apply.How{})
	if err != nil || again.Change != apply.Unchanged || again.Object.GetUID() != first.Object.GetUID() {
		t.Errorf("creating again: %s, %v; want the one that is there", again.Change, err)
	}
}
