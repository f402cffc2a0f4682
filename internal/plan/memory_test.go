package plan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestMemory: whatever changes from look to look, of git, of the cluster and of the policy, a Memory makes nothing
// different, and forgets what has no use any more.
func TestMemory(t *testing.T) {
	for seed := range uint64(15) {
		life := newLife(seed)
		for look := range 40 {
			life.change(t)
			with, without := life.policy, life.policy
			with.Memory = life.memory
			got, want := lookOnce(t, life, with), lookOnce(t, life, without)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, look %d: with a Memory: got\n%s\nwant\n%s", seed, look, asText(got), asText(want))
			}
			life.memory.EndLook()
			// A rendered object, what it will be, and what is there.
			if most := 4*len(life.rendered) + len(life.live) + 2; life.memory.Len() > most {
				t.Fatalf("seed %d, look %d: %d objects remembered, want at most %d", seed, look, life.memory.Len(), most)
			}
		}
		for object, text := range life.made {
			if now := asText(object.Object); now != text {
				t.Fatalf("seed %d: an object was changed: got\n%s\nwant\n%s", seed, now, text)
			}
		}
	}
}

// looked is what a look finds.
type looked struct {
	Prepared           []plan.Desired
	Warnings, Problems []string
	Writes             []plan.Write
	Lost               []string
	Tasks              []plan.Task
	Resources          []plan.Resource
	Healths            []*v1alpha1.HealthStatus
	Status             v1alpha1.SyncStatusCode
	Leaves             bool
	Told               []string
	Summary            v1alpha1.ApplicationSummary
	Health             v1alpha1.HealthStatusCode
	Statuses           []v1alpha1.ResourceStatus
	Owners             []string
}

func lookOnce(t *testing.T, l *life, policy plan.Policy) looked {
	t.Helper()
	var found looked
	found.Prepared, found.Warnings = plan.Prepare(l.rendered, policy)
	for _, d := range found.Prepared {
		if l.made[d.Object] == "" {
			l.note(d.Object)
		}
	}
	byKey := map[plan.Key]*unstructured.Unstructured{}
	for _, o := range l.live {
		byKey[plan.KeyOf(o.Object)] = o.Object
	}
	var err error
	if found.Writes, err = plan.Writes(found.Prepared, byKey, policy); err != nil {
		t.Fatal(err)
	}
	for _, key := range plan.Lost(found.Prepared, byKey, policy) {
		found.Lost = append(found.Lost, key.String())
	}
	slices.Sort(found.Lost)
	facts := plan.FactsUnder(policy)
	instructed := facts.Instructed(found.Prepared)
	found.Problems = append(plan.CheckOptions(nil, instructed), plan.CheckMarks(instructed)...)
	if all := append(plan.CheckOptions(nil, found.Prepared), plan.CheckMarks(found.Prepared)...); !slices.Equal(found.Problems, all) {
		t.Fatalf("problems of what is instructed: got %q, want %q", found.Problems, all)
	}
	for _, o := range l.live {
		found.Owners = append(found.Owners, facts.OwnerOf(o.Object))
	}
	p := plan.Build(found.Prepared, l.live, policy)
	if p.Err != nil {
		t.Fatal(p.Err)
	}
	found.Tasks, found.Status, found.Leaves, found.Told = p.Tasks, p.Status, p.LeavesNothing, p.Shared()
	for _, r := range p.Resources {
		found.Healths = append(found.Healths, r.Health())
		// How health is judged is no value.
		found.Resources = append(found.Resources, plan.Resource{Key: r.Key, Version: r.Version, Status: r.Status, Drift: r.Drift, RequiresPruning: r.RequiresPruning, Ignored: r.Ignored,
			RequiresConfirmation: r.RequiresConfirmation, Hook: r.Hook, Wave: r.Wave, Live: r.Live, SharedWith: r.SharedWith})
	}
	found.Summary, found.Health, found.Statuses = p.Summary(), p.Health(), p.ResourceStatuses()
	return found
}

func asText(value any) string {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// life is an Application whose git, cluster and policy change at random.
type life struct {
	*rand.Rand
	rendered []plan.Desired
	live     []plan.Live
	policy   plan.Policy
	memory   *plan.Memory
	// made has the text of every object that was made.
	made map[*unstructured.Unstructured]string
}

func newLife(seed uint64) *life {
	return &life{Rand: rand.New(rand.NewPCG(seed, 1)), memory: plan.NewMemory(), made: map[*unstructured.Unstructured]string{}, policy: plan.Policy{
		Instance: "shop", Namespace: "d", StartedAt: time.Unix(1, 0), Options: plan.Options{}, ClusterScoped: map[schema.GroupKind]bool{{Kind: "Namespace"}: true},
	}}
}

func (l *life) one(of ...string) string { return of[l.IntN(len(of))] }

// kinds of what a life has.
var kinds = []string{
	"v1 ConfigMap", "v1 Secret", "v1 Service", "apps/v1 Deployment", "batch/v1 Job", "argoproj.io/v1alpha1 Rollout", "rbac.authorization.k8s.io/v1 ClusterRole",
	"v1 Namespace", "networking.k8s.io/v1 Ingress", "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration",
}

// object makes an object of git at random, of a few names.
func (l *life) object(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	version, kind, _ := strings.Cut(l.one(kinds...), " ")
	metadata := map[string]any{"name": l.one("a", "b")}
	if kind == "Job" && l.IntN(3) == 0 {
		metadata = map[string]any{"generateName": "job-"}
	}
	annotations := map[string]any{}
	values := map[string][]string{
		v1alpha1.SyncOptionsAnnotation: {"Replace=true", "Prune=confirm", "Delete=confirm", "Prune=false,Force=true", "Nonsense=true"}, v1alpha1.SyncWaveAnnotation: {"1", "-2", "x"},
		v1alpha1.HookAnnotation: {"PreSync", "Sync,PostSync", "Skip", "Never"}, v1alpha1.CompareOptionsAnnotation: {"IgnoreExtraneous"}, "helm.sh/hook-weight": {"3"}, "helm.sh/hook": {"pre-install"},
		"link.argocd.argoproj.io/a": {"https://a", "https://b"}, "note": {"x"},
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if l.IntN(8) == 0 || name == v1alpha1.HookAnnotation && metadata["name"] == nil {
			annotations[name] = l.one(values[name]...)
		}
	}
	if len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	if l.IntN(4) == 0 {
		metadata["namespace"] = l.one("d", "e")
	}
	o := map[string]any{
		"apiVersion": version, "kind": kind, "metadata": metadata, "data": map[string]any{"k": l.one("1", "2", "3")},
		"spec": map[string]any{
			"replicas": int64(l.IntN(3)), "selector": map[string]any{"app": l.one("x", "y")}, "workloadRef": map[string]any{"kind": "Deployment", "name": l.one("a", "b"), "scaleDown": l.one("never", "onsuccess")},
			"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": l.one("one", "two")}}}},
			"rules":    []any{map[string]any{"host": l.one("one", "two")}},
		},
		"webhooks": []any{map[string]any{"clientConfig": map[string]any{"caBundle": ""}}},
	}
	return l.note(&unstructured.Unstructured{Object: o})
}

func (l *life) note(o *unstructured.Unstructured) *unstructured.Unstructured {
	l.made[o] = asText(o.Object)
	return o
}

// changed returns another object, which is one as it is after a change at random.
func (l *life) changed(o *unstructured.Unstructured) *unstructured.Unstructured {
	o = o.DeepCopy()
	annotations := o.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	switch l.IntN(10) {
	case 0:
		_ = unstructured.SetNestedField(o.Object, l.one("1", "2", "3"), "data", "k")
	case 1:
		_ = unstructured.SetNestedField(o.Object, int64(l.IntN(4)), "spec", "replicas")
	case 2:
		_ = unstructured.SetNestedField(o.Object, l.one("h1", "h2"), "spec", "selector", v1alpha1.PodHashLabel)
	case 3:
		annotations[v1alpha1.SyncOptionsAnnotation] = l.one("Prune=confirm", "Delete=confirm", "Replace=true")
	case 4:
		annotations[v1alpha1.ManagedByRolloutsAnnotation] = "x"
	case 5:
		annotations[v1alpha1.TrackingIDAnnotation] = plan.TrackingID(l.one("shop", "other"), plan.KeyOf(o))
	case 6:
		o.SetLabels(map[string]string{v1alpha1.InstanceLabel: l.one("shop", "other")})
		o.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: l.one("argocd-controller", "me"), FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{"f:labels":{"f:app.kubernetes.io/instance":{}}},"f:data":{"f:k":{}}}`)}})
	case 7:
		at := metav1.NewTime(time.Unix(2, 0))
		o.SetDeletionTimestamp(&at)
	case 8:
		_ = unstructured.SetNestedField(o.Object, int64(l.IntN(3)), "status", "replicas")
	default:
		o.SetResourceVersion(l.one("1", "2", "3"))
	}
	o.SetAnnotations(annotations)
	return l.note(o)
}

// change changes a few things.
func (l *life) change(t *testing.T) {
	t.Helper()
	for range 1 + l.IntN(4) {
		switch l.IntN(8) {
		case 0, 1:
			l.rendered = append(slices.Clone(l.rendered), plan.Desired{Object: l.object(t), Origin: "a.yaml:" + l.one("1", "2")})
		case 2:
			if n := len(l.rendered); n > 0 {
				i := l.IntN(n)
				l.rendered = slices.Clone(l.rendered)
				if l.IntN(2) == 0 {
					l.rendered[i].Object = l.changed(l.rendered[i].Object)
				} else {
					l.rendered = slices.Delete(l.rendered, i, i+1)
				}
			}
		case 3, 4:
			l.changeLive()
		case 5:
			l.changePolicy()
		default:
			l.write()
		}
	}
}

// write brings what git has into the cluster, as a sync would.
func (l *life) write() {
	desired, _ := plan.Prepare(l.rendered, l.policy)
	if len(desired) == 0 {
		return
	}
	d := desired[l.IntN(len(desired))].Object
	if l.made[d] == "" {
		l.note(d)
	}
	after := plan.Live{Object: l.note(d.DeepCopy())}
	if l.IntN(2) == 0 {
		after.Predicted = after.Object
	}
	l.live = append(slices.DeleteFunc(slices.Clone(l.live), func(o plan.Live) bool { return plan.KeyOf(o.Object) == plan.KeyOf(d) }), after)
}

func (l *life) changeLive() {
	n := len(l.live)
	if n == 0 {
		return
	}
	i := l.IntN(n)
	l.live = slices.Clone(l.live)
	switch l.IntN(4) {
	case 0:
		l.live = slices.Delete(l.live, i, i+1)
	case 1:
		l.live[i].Predicted = l.changed(l.live[i].Object)
	case 2:
		l.live[i].Predicted = nil
	default:
		before := plan.KeyOf(l.live[i].Object)
		if after := l.changed(l.live[i].Object); plan.KeyOf(after) == before {
			l.live[i].Object = after
		}
	}
}

func (l *life) changePolicy() {
	p := &l.policy
	switch l.IntN(13) {
	case 0:
		p.Instance = l.one("shop", "other")
	case 1:
		p.Namespace = l.one("d", "e")
	case 2:
		p.Tracking = plan.Tracking{Method: plan.TrackingMethod(l.one("", "label", "annotation+label")), InstallationID: l.one("", "eu")}
	case 3:
		p.ClusterScoped = maps.Clone(p.ClusterScoped)
		p.ClusterScoped[schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}] = l.IntN(2) == 0
	case 4:
		p.Options = plan.ParseOptions([]string{l.one("RespectIgnoreDifferences=true", "Replace=true", "ServerSideApply=false", "CreateNamespace=true", "Prune=confirm")})
	case 5:
		p.IgnoreDifferences = []v1alpha1.IgnoreDifference{{Group: "*", Kind: "*", JSONPointers: []string{l.one("/data/k", "/spec/replicas", "/none")}, JQPathExpressions: []string{l.one(".spec.selector", ".data.none")}}}
	case 6:
		p.IgnoreDifferences = nil
	case 7:
		says := l.one("good", "bad")
		p.JudgedBy, p.Health = says, func(o *unstructured.Unstructured) *v1alpha1.HealthStatus {
			return &v1alpha1.HealthStatus{Status: map[string]v1alpha1.HealthStatusCode{"good": v1alpha1.HealthHealthy, "bad": v1alpha1.HealthDegraded}[says], Message: o.GetName() + " is " + says}
		}
	case 8:
		p.Prune, p.Force = l.IntN(2) == 0, l.IntN(2) == 0
	case 9:
		p.OtherApps = map[string]bool{"other": l.IntN(2) == 0, "shop": true}
	case 10:
		p.Revision, p.StartedAt = l.one("1111111", "2222222"), time.Unix(int64(l.IntN(3)), 0)
	case 11:
		p.KnownFields = map[schema.GroupKind][]plan.KnownField{{Kind: "ConfigMap"}: {{Path: "data", Type: l.one("core/v1/ResourceList", "meta/v1/duration")}}}
	default:
		p.ManagedNamespace = nil
		if l.IntN(2) == 0 {
			p.ManagedNamespace = &v1alpha1.ManagedNamespaceMetadata{Labels: map[string]string{"a": l.one("1", "2")}}
		}
	}
}

// BenchmarkLook is one look at an Application of which one object has changed since the last.
func BenchmarkLook(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		for _, memory := range []*plan.Memory{nil, plan.NewMemory()} {
			b.Run(fmt.Sprintf("objects=%d/memory=%v", n, memory != nil), func(b *testing.B) {
				policy := plan.Policy{Instance: "shop", Namespace: "d", Options: plan.Options{}, Memory: memory}
				var rendered []plan.Desired
				for i := range n {
					rendered = append(rendered, plan.Desired{Object: configMap(i, "first")})
				}
				prepared, _ := plan.Prepare(rendered, policy)
				var live []plan.Live
				byKey := map[plan.Key]*unstructured.Unstructured{}
				for _, d := range prepared {
					live = append(live, plan.Live{Object: d.Object.DeepCopy()})
					byKey[plan.KeyOf(d.Object)] = live[len(live)-1].Object
				}
				look := func() {
					desired, _ := plan.Prepare(rendered, policy)
					if _, err := plan.Writes(desired, byKey, policy); err != nil {
						b.Fatal(err)
					}
					if p := plan.Build(desired, live, policy); len(p.ResourceStatuses()) != n {
						b.Fatalf("%d resources, want %d", len(p.ResourceStatuses()), n)
					}
					if memory != nil {
						memory.EndLook()
					}
				}
				look()
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					rendered[i%n].Object = configMap(i%n, fmt.Sprint("value ", i))
					look()
				}
			})
		}
	}
}

func configMap(i int, value string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": fmt.Sprintf("part-%05d", i)}, "data": map[string]any{"own": value},
	}}
}
