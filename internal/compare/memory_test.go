package compare_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// still is a cluster whose objects are as a test says.
type still struct {
	*live.Reader
	objects map[plan.Key]*unstructured.Unstructured
}

func (s *still) Snapshot(context.Context, live.Wanted) (live.Snapshot, error) {
	return live.Snapshot{Objects: maps.Clone(s.objects)}, nil
}

// trials returns a client whose dry runs answer with what was applied and a default, and counts them.
func trials(kinds apply.Kinds) (client *apply.Client, asked *int) {
	asked = new(int)
	fake := dynamicfake.NewSimpleDynamicClient(runtime.NewScheme())
	fake.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		*asked++
		patch, ok := action.(clienttesting.PatchAction)
		if !ok {
			return true, nil, fmt.Errorf("%s was not expected", action.GetVerb())
		}
		o := &unstructured.Unstructured{}
		if err := json.Unmarshal(patch.GetPatch(), &o.Object); err != nil {
			return true, nil, err
		}
		return true, o, unstructured.SetNestedField(o.Object, "default", "data", "defaulted")
	})
	return apply.NewClient(fake, kinds), asked
}

// randomApp is an Application whose git, cluster and settings change at random.
type randomApp struct {
	*rand.Rand
	cluster *still
	objects []render.Rendered
	in      compare.Input
}

func newRandomApp(seed uint64, reader *live.Reader) *randomApp {
	a := &randomApp{Rand: rand.New(rand.NewPCG(seed, 4)), cluster: &still{reader, map[plan.Key]*unstructured.Unstructured{}}}
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: "shop"}}
	app.Spec.Destination.Namespace = "d"
	a.in = compare.Input{
		App: app, Instance: "shop", Bounds: project.Unbounded(), Cluster: a.cluster, Rendering: &compare.Rendering{Result: &render.Result{}},
		Application: func(context.Context, string) (*v1alpha1.Application, error) { return nil, nil },
	}
	return a
}

func (a *randomApp) one(of ...string) string { return of[a.IntN(len(of))] }

// object is one of git, of a few names; not all are valid.
func (a *randomApp) object() render.Rendered {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": a.one("a", "b", "c")}, "data": map[string]any{"k": a.one("1", "2")}}}
	switch a.IntN(8) {
	case 0:
		o.Object["unknown"] = "x"
	case 1:
		o.SetAnnotations(map[string]string{v1alpha1.SyncOptionsAnnotation: a.one("Replace=true", "Validate=false", "Nonsense=true", "ServerSideApply=false")})
	case 2:
		o.SetAnnotations(map[string]string{"argocd.argoproj.io/nonsense": "x"})
	case 3:
		o.SetKind("Secret")
		delete(o.Object, "data")
	}
	return render.Rendered{Object: o, Origin: render.Origin{File: a.one("a.yaml", "b.yaml"), Line: a.IntN(9)}}
}

// change changes a few things of git, of the cluster, and of the settings.
func (a *randomApp) change() {
	for range 1 + a.IntN(3) {
		switch a.IntN(6) {
		case 0, 1:
			a.changeGit()
		case 2:
			for _, d := range a.in.Rendering.Desired() {
				if a.IntN(2) == 0 {
					a.write(d.Object)
				}
			}
		case 3:
			for _, key := range slices.SortedFunc(maps.Keys(a.cluster.objects), func(x, y plan.Key) int { return strings.Compare(x.String(), y.String()) }) {
				a.changeLive(key)
			}
		case 4:
			a.in.App = a.in.App.DeepCopy()
			a.in.App.Spec.SyncPolicy = &v1alpha1.SyncPolicy{SyncOptions: []string{a.one("Replace=true", "RespectIgnoreDifferences=true", "Prune=confirm", "Validate=false")}}
			a.in.App.Spec.IgnoreDifferences = []v1alpha1.IgnoreDifference{{Kind: "ConfigMap", JSONPointers: []string{a.one("/data/k", "/data/x")}}}
		default:
			script := "return {status = '" + a.one("Healthy", "Degraded") + "'}"
			a.in = a.in.With(settings.Settings{Customizations: []settings.Customization{{Kind: "ConfigMap", HealthLua: script, IgnoreDifferences: settings.IgnoredFields{JSONPointers: []string{a.one("/data/k", "/data/y")}}}}}, nil, "")
			a.in.Health = a.in.Settings.Judge()
		}
	}
}

func (a *randomApp) changeGit() {
	if n := len(a.objects); n > 0 && a.IntN(3) == 0 {
		a.objects = slices.Delete(slices.Clone(a.objects), 0, 1)
	} else {
		a.objects = append(slices.Clone(a.objects), a.object())
	}
	a.in.Rendering = &compare.Rendering{Result: &render.Result{Objects: a.objects}}
}

// write brings an object into the cluster.
func (a *randomApp) write(o *unstructured.Unstructured) {
	o = o.DeepCopy()
	o.SetNamespace("d")
	plan.Mark(o, plan.Policy{Instance: a.one("shop", "shop", "other")})
	o.SetUID(types.UID(a.one("1", "2")))
	a.cluster.objects[plan.KeyOf(o)] = o
}

func (a *randomApp) changeLive(key plan.Key) {
	o := a.cluster.objects[key].DeepCopy()
	switch a.IntN(7) {
	case 0:
		delete(a.cluster.objects, key)
		return
	case 1:
		o.Object["status"] = map[string]any{"seen": a.one("1", "2")}
	case 2:
		o.Object["data"] = map[string]any{"k": a.one("1", "2", "3"), "defaulted": "default"}
	case 3:
		at := metav1.Now()
		o.SetDeletionTimestamp(&at)
	case 4:
		o.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: a.one("kubectl-create", "me"), Operation: "Update", APIVersion: "v1", FieldsV1: metav1.NewFieldsV1(`{"f:data":{}}`)}})
	case 5:
		o.SetLabels(map[string]string{"l": a.one("1", "2")})
	default:
		return
	}
	a.cluster.objects[key] = o
}

// outcome is what a comparison finds, as values.
type outcome struct {
	Problems, Findings []string
	Desired            []plan.Desired
	Plan, Manifests    string
	Status             v1alpha1.SyncStatusCode
	Statuses           []v1alpha1.ResourceStatus
	Drift              map[string][]plan.Difference
	Unchanged          map[string]bool
	Predicted          map[string]any
	Complete           bool
	Pending            map[schema.GroupVersionKind]bool
}

func outcomeOf(c compare.Comparison) outcome {
	o := outcome{Desired: c.Desired, Plan: c.Plan.String(), Manifests: c.Manifests, Status: c.Plan.Status, Statuses: c.Plan.ResourceStatuses(), Complete: c.Complete, Pending: c.Pending,
		Drift: map[string][]plan.Difference{}, Unchanged: map[string]bool{}, Predicted: map[string]any{}}
	for _, p := range c.Problems {
		o.Problems = append(o.Problems, fmt.Sprint(p.Condition, p.OfObjects, p.Err))
	}
	for _, f := range c.Findings {
		o.Findings = append(o.Findings, f.Error())
	}
	for _, r := range c.Plan.Resources {
		o.Drift[r.Key.String()] = r.Drift
	}
	for _, t := range c.Plan.Tasks {
		o.Unchanged[t.Key.String()] = t.Unchanged
	}
	for key, p := range c.Predictions {
		o.Predicted[key.String()] = fmt.Sprint(p.Err)
		if p.Object != nil {
			// A prediction stands while a status changes.
			fields := maps.Clone(p.Object.Object)
			delete(fields, "status")
			o.Predicted[key.String()] = fields
		}
	}
	return o
}

// TestMemoryMakesNoDifference: whatever changes of git, of the cluster and of the settings, a Comparer that remembers
// finds what one does that knows nothing yet.
func TestMemoryMakesNoDifference(t *testing.T) {
	reader, err := live.NewReader(testkit.Cluster(t).Config)
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := reader.Kinds(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	askedWith, askedWithout := 0, 0
	for seed := range uint64(15) {
		a, comparer := newRandomApp(seed, reader), compare.New()
		for look := range 30 {
			a.change()
			found := map[*compare.Comparer]outcome{}
			fresh := compare.New()
			for _, by := range []*compare.Comparer{comparer, fresh} {
				client, asked := trials(kinds)
				a.in.Client = client
				c, err := by.Compare(t.Context(), a.in)
				if err != nil {
					t.Fatalf("seed %d, look %d: %v", seed, look, err)
				}
				if found[by] = outcomeOf(c); by == comparer {
					askedWith += *asked
				} else {
					askedWithout += *asked
				}
			}
			if !reflect.DeepEqual(found[comparer], found[fresh]) {
				t.Fatalf("seed %d, look %d: got\n%+v\nwant\n%+v", seed, look, found[comparer], found[fresh])
			}
			if a.IntN(20) == 0 {
				comparer.Forget(types.NamespacedName{Namespace: control, Name: "shop"})
			}
		}
	}
	if askedWith == 0 || askedWith >= askedWithout {
		t.Errorf("dry runs: %d of one that remembers, %d of one that does not; want fewer", askedWith, askedWithout)
	}
}
