package plan_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

func drift(t *testing.T, desired *unstructured.Unstructured, live plan.Live, ignore []v1alpha1.IgnoreDifference) []plan.Difference {
	t.Helper()
	all, err := plan.Drift(desired, live, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDrift(t *testing.T) {
	const git = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}], selector: {app: web}}}"
	const there = "{apiVersion: v1, kind: Service, metadata: {name: web, uid: u, resourceVersion: '9', managedFields: [{manager: mesh, operation: Update, fieldsType: FieldsV1, fieldsV1: {'f:spec': {'f:selector': {'f:app': {}}}}}]}," +
		" spec: {ports: [{port: 80, protocol: TCP}], selector: {app: web}, type: ClusterIP}, status: {loadBalancer: {}}}"
	changed := func(text, from, to string) string {
		if !strings.Contains(text, from) {
			t.Fatalf("%s isn't in %s", from, text)
		}
		return strings.Replace(text, from, to, 1)
	}
	for _, c := range []struct {
		name                 string
		git, live, predicted string
		ignore               []v1alpha1.IgnoreDifference
		want                 string
	}{
		{name: "defaults, without a prediction", git: git, live: there},
		{name: "defaults, as the server foresees them", git: git, live: there, predicted: there},
		{name: "a value", git: changed(git, "port: 80", "port: 81"), live: there, want: "spec.ports[0].port"},
		{name: "a value, foreseen", git: git, live: changed(there, "port: 80", "port: 81"), predicted: there, want: "spec.ports[0].port"},
		{name: "a field that others added", git: git, live: changed(there, "name: web,", "name: web, labels: {mesh: on},"), predicted: changed(there, "name: web,", "name: web, labels: {mesh: on},")},
		{name: "a field that git no longer has", git: git, live: changed(there, "app: web}, type", "app: web, tier: a}, type"), predicted: there, want: "spec.selector.tier"},
		{name: "a list of another length", git: changed(git, "[{port: 80}]", "[{port: 80}, {port: 90}]"), live: there, want: "spec.ports"},
		{name: "no list, and an empty one", git: changed(git, "selector: {app: web}", "selector: {app: web}, externalIPs: []"), live: there},
		{name: "status and bookkeeping", git: git, live: changed(changed(there, "resourceVersion: '9'", "resourceVersion: '10', generation: 4"), "loadBalancer: {}", "loadBalancer: {ingress: [{ip: 192.0.2.1}]}"), predicted: there},
		{name: "an ignored field", git: changed(git, "app: web", "app: other"), live: there, want: "",
			ignore: []v1alpha1.IgnoreDifference{{Kind: "Service", JSONPointers: []string{"/spec/selector/app"}}}},
		{name: "a field that is ignored elsewhere", git: changed(git, "app: web", "app: other"), live: there, want: "spec.selector.app",
			ignore: []v1alpha1.IgnoreDifference{{Kind: "Service", Name: "api", JSONPointers: []string{"/spec/selector/app"}}}},
		{name: "an ignored expression", git: changed(git, "port: 80", "port: 81"), live: there, want: "",
			ignore: []v1alpha1.IgnoreDifference{{Group: "*", Kind: "*", JQPathExpressions: []string{".spec.ports[].port"}}}},
		{name: "what a trusted manager has set", git: changed(git, "app: web", "app: other"), live: there, want: "",
			ignore: []v1alpha1.IgnoreDifference{{Kind: "Service", ManagedFieldsManagers: []string{"mesh"}}}},
	} {
		live := plan.Live{Object: object(t, c.live)}
		if c.predicted != "" {
			live.Predicted = object(t, c.predicted)
		}
		var got []string
		for _, d := range drift(t, object(t, c.git), live, c.ignore) {
			got = append(got, d.Path)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestDriftSaysWhat: each field that differs, in order, with both values.
func TestDriftSaysWhat(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		name, git, live string
		ignore          v1alpha1.IgnoreDifference
		want            string
	}{
		{"a value", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{}, "spec.a: 2 → 1"},
		{"a number of another form", "{a: 1.0}", "{a: 1}", v1alpha1.IgnoreDifference{}, ""},
		{"a number and a word", "{a: 1}", "{a: '1'}", v1alpha1.IgnoreDifference{}, `spec.a: "1" → 1`},
		{"zero and a word", "{a: 0}", "{a: x}", v1alpha1.IgnoreDifference{}, `spec.a: "x" → 0`},
		{"a word and zero", "{a: x}", "{a: 0}", v1alpha1.IgnoreDifference{}, `spec.a: 0 → "x"`},
		{"two words", "{a: x}", "{a: z}", v1alpha1.IgnoreDifference{}, `spec.a: "z" → "x"`},
		{"a field that is not there", "{a: x}", "{}", v1alpha1.IgnoreDifference{}, `spec.a: none → "x"`},
		{"an empty map is none", "{a: {}}", "{}", v1alpha1.IgnoreDifference{}, ""},
		{"an empty list is none", "{a: []}", "{}", v1alpha1.IgnoreDifference{}, ""},
		{"a map that is not empty is some", "{a: {b: 1}}", "{}", v1alpha1.IgnoreDifference{}, `spec.a: none → {"b":1}`},
		{"a list that is not empty is some", "{a: [1]}", "{}", v1alpha1.IgnoreDifference{}, `spec.a: none → [1]`},
		{"a long value is cut", "{a: " + long + "}", "{}", v1alpha1.IgnoreDifference{}, `spec.a: none → "` + long[:79] + "…"},
		{"a value of just the length is not", "{a: " + long[:78] + "}", "{}", v1alpha1.IgnoreDifference{}, `spec.a: none → "` + long[:78] + `"`},
		{"in order", "{c: 1, a: 1, b: 1}", "{}", v1alpha1.IgnoreDifference{}, "spec.a: none → 1, spec.b: none → 1, spec.c: none → 1"},
		{"a name with dots and slashes", "{a.b/c: 1}", "{}", v1alpha1.IgnoreDifference{}, `spec["a.b/c"]: none → 1`},
		{"ignored in this namespace", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{Namespace: "d", JSONPointers: []string{"/spec/a"}}, ""},
		{"ignored in another namespace", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{Namespace: "x", JSONPointers: []string{"/spec/a"}}, "spec.a: 2 → 1"},
		{"ignored by this name", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{Name: "g", JSONPointers: []string{"/spec/a"}}, ""},
		{"ignored in another group", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{Group: "apps", JSONPointers: []string{"/spec/a"}}, "spec.a: 2 → 1"},
		{"ignored of another kind", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{Kind: "Service", JSONPointers: []string{"/spec/a"}}, "spec.a: 2 → 1"},
		{"of the fields of a pointer the rest counts", "{a: 1, b: 1}", "{a: 2, b: 2}", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/a"}}, "spec.b: 2 → 1"},
		{"a pointer to what is not there", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/x", "nonsense"}}, "spec.a: 2 → 1"},
		{"an expression that can't be read ignores nothing", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{JQPathExpressions: []string{".spec[", "nope(.)"}}, "spec.a: 2 → 1"},
		{"an element that a manager has set, by its name", "{list: [{name: a, v: 1}, {name: b, v: 1}]}", "{list: [{name: a, v: 2}, {name: b, v: 2}]}", v1alpha1.IgnoreDifference{ManagedFieldsManagers: []string{"mesh"}}, "spec.list[1].v: 2 → 1"},
		{"what another manager has set counts", "{list: [{name: a, v: 1}]}", "{list: [{name: a, v: 2}]}", v1alpha1.IgnoreDifference{ManagedFieldsManagers: []string{"other"}}, "spec.list[0].v: 2 → 1"},
		{"a manager's element that git has as something else", "{list: [x]}", "{list: [{name: a, v: 2}]}", v1alpha1.IgnoreDifference{ManagedFieldsManagers: []string{"mesh"}}, `spec.list[0]: {"name":"a"} → "x"`},
		{"a manager's element beside one without keys", "{list: [x, {name: a, v: 1}]}", "{list: [x, {name: a, v: 2}]}", v1alpha1.IgnoreDifference{ManagedFieldsManagers: []string{"mesh"}}, ""},
		{"a manager's element that neither has", "{list: [{name: b, v: 1}]}", "{list: [{name: b, v: 2}]}", v1alpha1.IgnoreDifference{ManagedFieldsManagers: []string{"mesh"}}, "spec.list[0].v: 2 → 1"},
		{"a manager's list that git has as something else", "{list: x}", "{list: [{name: a, v: 2}]}", v1alpha1.IgnoreDifference{ManagedFieldsManagers: []string{"mesh"}}, `spec.list: [{"name":"a"}] → "x"`},
		{"what a manager has set counts on another kind", "{list: [{name: a, v: 1}]}", "{list: [{name: a, v: 2}]}", v1alpha1.IgnoreDifference{Kind: "Service", ManagedFieldsManagers: []string{"mesh"}}, "spec.list[0].v: 2 → 1"},
		{"fields of a manager that can't be read ignore nothing", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{ManagedFieldsManagers: []string{"broken"}}, "spec.a: 2 → 1"},
		{"a whole field of the object", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec"}}, ""},
		{"a whole field of the object, by an expression", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{JQPathExpressions: []string{".spec"}}, ""},
		{"an element by its place", "{list: [1, 2]}", "{list: [1, 3]}", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/list/1"}}, ""},
		{"an element by its place, and no other", "{list: [1, 2]}", "{list: [0, 3]}", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/list/1"}}, "spec.list[0]: 0 → 1"},
		{"a name with a slash, as pointers write it", "{a/b: 1}", "{a/b: 2}", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/a~1b"}}, ""},
		{"any group and any kind", "{a: 1}", "{a: 2}", v1alpha1.IgnoreDifference{Group: "*", Kind: "*", JSONPointers: []string{"/spec/a"}}, ""},
	} {
		of := func(spec string) string {
			return "{apiVersion: x/v1, kind: Gadget, metadata: {name: g, namespace: d}, spec: " + spec + "}"
		}
		live := object(t, of(c.live))
		live.SetManagedFields([]metav1.ManagedFieldsEntry{
			{Manager: "mesh", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:list":{"k:{\"name\":\"a\"}":{"f:v":{}}}}}`)},
			{Manager: "mesh", Operation: metav1.ManagedFieldsOperationApply},
			{Manager: "broken", Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:a":{}},"nonsense":{}}`)},
		})
		if c.ignore.Group == "" {
			c.ignore.Group = "x"
		}
		if c.ignore.Kind == "" {
			c.ignore.Kind = "Gadget"
		}
		var got []string
		for _, d := range drift(t, object(t, of(c.git)), plan.Live{Object: live}, []v1alpha1.IgnoreDifference{c.ignore}) {
			got = append(got, d.String())
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
}

// TestDriftOfPredictedObjects: with the API server's answer every field counts, but for those that are ignored; an
// empty map of annotations is none.
func TestDriftOfPredictedObjects(t *testing.T) {
	git := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
	live := plan.Live{Object: object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {}, labels: {}}, data: {x: '1', z: '1'}}"), Predicted: object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {z: '2'}}")}
	for want, pointers := range map[string][]string{"data.x data.z": nil, "data.x": {"/data/z"}, "": {"/data/z", "/data/x"}} {
		var got []string
		for _, d := range drift(t, git, live, []v1alpha1.IgnoreDifference{{Kind: "ConfigMap", JSONPointers: pointers}}) {
			got = append(got, d.Path)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("without %v: got %q, want %q", pointers, text, want)
		}
	}
}

// TestDriftOfWhatATrustedManagerHasAdded: what a manager has added to lists is no drift, whatever else is in them; what
// it has not, is.
func TestDriftOfWhatATrustedManagerHasAdded(t *testing.T) {
	const (
		sidecar = `{"f:spec":{"f:list":{"k:{\"name\":\"proxy\"}":{".":{},"f:name":{},"f:image":{},"f:env":{".":{},"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}}}}}}`
		image   = `{"f:spec":{"f:list":{"k:{\"name\":\"proxy\"}":{"f:image":{}}}}}`
		member  = `{"f:spec":{"f:list":{"v:\"mesh\"":{}}}}`
	)
	for _, c := range []struct{ name, git, live, fields, want string }{
		{"an element", "[{name: web, image: a}]", "[{name: web, image: a}, {name: proxy, image: m, env: [{name: A, value: '1'}]}]", sidecar, ""},
		{"an element, and another that nobody trusts", "[{name: web}]", "[{name: web}, {name: proxy, image: m}, {name: other}]", sidecar, "spec.list"},
		{"an element that others have added to", "[{name: web}]", "[{name: web}, {name: proxy, image: m, tty: true}]", sidecar, "spec.list"},
		{"a field of an element that git has too", "[{name: web}, {name: proxy, image: a}]", "[{name: web}, {name: proxy, image: m}]", image, ""},
		{"a field of an element that git does not have", "[{name: web}]", "[{name: web}, {name: proxy, image: m}]", image, "spec.list"},
		{"a value", "[web]", "[web, mesh]", member, ""},
		{"a value, and another", "[web]", "[web, mesh, other]", member, "spec.list"},
		{"a value that git has too", "[web, mesh]", "[web]", member, ""},
	} {
		of := func(list string) *unstructured.Unstructured {
			return object(t, "{apiVersion: x/v1, kind: Gadget, metadata: {name: g}, spec: {list: "+list+"}}")
		}
		live := of(c.live)
		live.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "mesh", FieldsV1: metav1.NewFieldsV1(c.fields)}})
		var got []string
		for _, d := range drift(t, of(c.git), plan.Live{Object: live}, []v1alpha1.IgnoreDifference{{Group: "x", Kind: "Gadget", ManagedFieldsManagers: []string{"mesh"}}}) {
			got = append(got, d.Path)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
}

// TestDriftOfEmptyMaps: of what the API server foresees an empty map is a value, since a selector that selects
// everything is another than none. Where a rule has taken out all that a map had, it is none.
func TestDriftOfEmptyMaps(t *testing.T) {
	const left = "/spec/x/p/q"
	for _, c := range []struct{ name, predicted, live, ignored, want string }{
		{"one that git adds", "{from: [{podSelector: {a: b}, namespaceSelector: {}}]}", "{from: [{podSelector: {a: b}}]}", "", "spec.from[0].namespaceSelector: none → {}"},
		{"one that git no longer has", "{from: [{podSelector: {a: b}}]}", "{from: [{podSelector: {a: b}, namespaceSelector: {}}]}", "", "spec.from[0].namespaceSelector: {} → none"},
		{"one in place of one with fields", "{selector: {}}", "{selector: {a: b}}", "", `spec.selector.a: "b" → none`},
		{"one that both have", "{selector: {}}", "{selector: {}}", "", ""},
		{"one in place of null", "{selector: {}}", "{selector: null}", "", "spec.selector: none → {}"},
		{"null and none", "{selector: null}", "{}", "", ""},
		{"an empty list and none", "{ports: []}", "{}", "", ""},
		{"one that a rule has emptied", "{}", "{x: {z: 1}}", "/spec/x/z", ""},
		{"maps that a rule has emptied", "{}", "{x: {p: {q: 1}}}", left, ""},
		{"the other way round", "{x: {p: {q: 1}}}", "{}", left, ""},
		{"what it has left counts", "{}", "{x: {p: {q: 1}, w: 1}}", left, `spec.x: {"p":{},"w":1} → none`},
		{"a list of one that it has emptied counts", "{}", "{x: [{}]}", left, "spec.x: [{}] → none"},
	} {
		of := func(spec string) *unstructured.Unstructured {
			return object(t, "{apiVersion: x/v1, kind: Gadget, metadata: {name: g}, spec: "+spec+"}")
		}
		var ignore []v1alpha1.IgnoreDifference
		if c.ignored != "" {
			ignore = []v1alpha1.IgnoreDifference{{Group: "x", Kind: "Gadget", JSONPointers: []string{c.ignored}}}
		}
		var got []string
		for _, d := range drift(t, of(c.predicted), plan.Live{Object: of(c.live), Predicted: of(c.predicted)}, ignore) {
			got = append(got, d.String())
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
}

// TestDriftOfNumbers: a number is the same however it was read, and in whatever key of a list it stands.
func TestDriftOfNumbers(t *testing.T) {
	of := func(value any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "x/v1", "kind": "Gadget", "spec": map[string]any{"a": value}}}
	}
	for _, c := range []struct {
		name       string
		git, there any
		want       int
	}{
		{"a whole one and a fraction of nothing", int64(3), 3.0, 0},
		{"the other way round", 3.0, int64(3), 0},
		{"two whole ones", int64(3), int64(4), 1},
		{"a whole one and a fraction", int64(3), 3.5, 1},
		{"zero and none", int64(0), nil, 1},
		{"a number and a switch", int64(1), true, 1},
	} {
		if got := drift(t, of(c.git), plan.Live{Object: of(c.there)}, nil); len(got) != c.want {
			t.Errorf("%s: got %v, want %d differences", c.name, got, c.want)
		}
	}
	ports := func(number int64) *unstructured.Unstructured {
		return of([]any{map[string]any{"port": int64(80), "to": number}, map[string]any{"port": int64(90), "to": number}})
	}
	live := ports(2)
	live.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "mesh", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:a":{"k:{\"port\":80}":{"f:to":{}}}}}`)}})
	got := drift(t, ports(1), plan.Live{Object: live}, []v1alpha1.IgnoreDifference{{Group: "x", Kind: "Gadget", ManagedFieldsManagers: []string{"mesh"}}})
	if len(got) != 1 || got[0].Path != "spec.a[1].to" {
		t.Errorf("an element by its number: got %v, want spec.a[1].to alone", got)
	}
}

// TestDriftOfMetadata: what the server and kubectl keep is no drift, and when nothing else is there, nothing is.
func TestDriftOfMetadata(t *testing.T) {
	const record = "kubectl.kubernetes.io/last-applied-configuration: text"
	for _, c := range []struct{ name, git, live, want string }{
		{"kubectl's record", "{name: a}", "{name: a, annotations: {" + record + "}}", ""},
		{"kubectl's record where git has annotations", "{name: a, annotations: {x: y}}", "{name: a, annotations: {" + record + "}}", "metadata.annotations"},
		{"kubectl's record beside another annotation", "{name: a, annotations: {x: y}}", "{name: a, annotations: {x: z, " + record + "}}", "metadata.annotations.x"},
		{"empty labels where git has some", "{name: a, labels: {x: y}}", "{name: a, labels: {}}", "metadata.labels"},
		{"a Deployment's number", "{name: a}", "{name: a, annotations: {deployment.kubernetes.io/revision: '4'}}", ""},
		{"owners, times and numbers", "{name: a}", "{name: a, uid: u, generation: 4, creationTimestamp: '2026-05-01T12:00:00Z', deletionTimestamp: '2026-05-01T12:00:00Z', deletionGracePeriodSeconds: 30, ownerReferences: [{name: x}], selfLink: /x}", ""},
		{"finalizers are wanted, and are drift", "{name: a, finalizers: [x/y]}", "{name: a}", "metadata.finalizers"},
	} {
		of := func(metadata string) *unstructured.Unstructured {
			return object(t, "{apiVersion: v1, kind: ConfigMap, metadata: "+metadata+"}")
		}
		var got []string
		for _, d := range drift(t, of(c.git), plan.Live{Object: of(c.live)}, nil) {
			got = append(got, d.Path)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
}

func TestIgnoredDifferencesThatCantBeRead(t *testing.T) {
	found := plan.CheckIgnore([]v1alpha1.IgnoreDifference{
		{JSONPointers: []string{"/spec/replicas", "spec/replicas"}, JQPathExpressions: []string{".spec.replicas", ".spec[", "nonsense(.)"}},
	})
	if text := strings.Join(found, "\n"); len(found) != 3 || !strings.Contains(text, `".spec["`) || !strings.Contains(text, `"nonsense(.)"`) || !strings.Contains(text, `"spec/replicas" must begin`) {
		t.Error(text)
	}
}

// A stranger's expressions and pointers are named where they can't be evaluated, and few enough to be evaluated.
func TestIgnoredDifferencesAreBounded(t *testing.T) {
	many := slices.Repeat([]string{"/spec/a"}, 1001)
	for _, c := range []struct {
		name   string
		ignore []v1alpha1.IgnoreDifference
		want   string
	}{
		{"an endless recursion", []v1alpha1.IgnoreDifference{{JQPathExpressions: []string{"(def f: f; f)"}}}, `jqPathExpressions "(def f: f; f)": def f: not taken`},
		{"what grows", []v1alpha1.IgnoreDifference{{JQPathExpressions: []string{`.a | select([range(1e9)] == .)`}}}, "not taken"},
		{"a long expression", []v1alpha1.IgnoreDifference{{JQPathExpressions: []string{strings.Repeat(".a|", 2000) + ".a"}}}, `"…: longer than 4096 bytes`},
		{"a long pointer", []v1alpha1.IgnoreDifference{{JSONPointers: []string{strings.Repeat("/a", 3000)}}}, `/a"… is longer than 4096 bytes`},
		{"many pointers", []v1alpha1.IgnoreDifference{{JSONPointers: many}}, "more than 1000 rules"},
		{"many expressions", []v1alpha1.IgnoreDifference{{JQPathExpressions: slices.Repeat([]string{".a"}, 1001)}}, "more than 1000 rules"},
		{"many managers, in two entries", []v1alpha1.IgnoreDifference{{ManagedFieldsManagers: many[:500]}, {ManagedFieldsManagers: many[500:]}}, "more than 1000 rules"},
		{"as many as may be", []v1alpha1.IgnoreDifference{{JSONPointers: many[:1000]}}, ""},
	} {
		if got := strings.Join(plan.CheckIgnore(c.ignore), "\n"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) || len(got) > 500 {
			t.Errorf("%s: got %.600s, want %s", c.name, got, c.want)
		}
	}
}

// An expression that takes long ends, and leaves it unknown how the objects stand; one Application is not another's
// fault.
func TestAnExpressionThatTakesLong(t *testing.T) {
	const slow = `.. | .. | .. | .. | .. | select(false)`
	deep := strings.Repeat("{d: ", 200) + "1" + strings.Repeat("}", 200)
	of := func(kind, spec string) *unstructured.Unstructured {
		return object(t, "{apiVersion: x/v1, kind: "+kind+", metadata: {name: g}, spec: "+spec+"}")
	}
	build := func(instance, kind, spec string, options plan.Options) plan.Plan {
		desired, live := []plan.Desired{{Object: of(kind, spec)}}, []plan.Live{{Object: of(kind, spec)}}
		return plan.Build(desired, live, plan.Policy{Instance: instance, Options: options, IgnoreDifferences: []v1alpha1.IgnoreDifference{{Group: "x", Kind: "Gadget", JQPathExpressions: []string{slow}}}})
	}
	for _, respected := range []string{"false", "true"} {
		p := build("slow", "Gadget", deep, plan.Options{"RespectIgnoreDifferences": respected})
		if p.Err == nil || !strings.Contains(p.Err.Error(), strconv.Quote(slow)) || !strings.Contains(p.Err.Error(), "takes longer than 1s") {
			t.Errorf("RespectIgnoreDifferences=%s: got %v; want the expression and the limit", respected, p.Err)
		}
	}
	if p := build("slow", "Gizmo", deep, nil); p.Err != nil {
		t.Errorf("of a kind that it is not about: %v", p.Err)
	}
	if p := build("other", "Gadget", "{a: 1}", nil); p.Err != nil {
		t.Errorf("of another Application: %v", p.Err)
	}
	_, err := plan.Drift(of("Gadget", deep), plan.Live{Object: of("Gadget", deep)}, []v1alpha1.IgnoreDifference{{Group: "x", Kind: "Gadget", JQPathExpressions: []string{slow}}})
	if err == nil {
		t.Error("the drift is known")
	}
	key := plan.KeyOf(of("Gadget", deep))
	_, err = plan.Writes([]plan.Desired{{Object: of("Gadget", deep)}}, map[plan.Key]*unstructured.Unstructured{key: of("Gadget", deep)},
		plan.Policy{Instance: "slow", Options: plan.Options{"RespectIgnoreDifferences": "true"}, IgnoreDifferences: []v1alpha1.IgnoreDifference{{Group: "x", Kind: "Gadget", JQPathExpressions: []string{slow}}}})
	if err == nil {
		t.Error("what to write is known")
	}
}

// Whole numbers are compared exactly, also beyond those that a float holds.
func TestLargeNumbers(t *testing.T) {
	of := func(value any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "x/v1", "kind": "Gadget", "spec": map[string]any{"n": value, "other": "x"}}}
	}
	ignore := []v1alpha1.IgnoreDifference{{Group: "x", Kind: "Gadget", JSONPointers: []string{"/spec/other"}, JQPathExpressions: []string{".spec.other"}}}
	for _, c := range []struct {
		git, live any
		same      bool
	}{
		{int64(9007199254740992), int64(9007199254740993), false},
		{int64(9007199254740993), int64(9007199254740993), true},
		{int64(9007199254740993), float64(9007199254740992), false},
		{float64(9007199254740992), int64(9007199254740992), true},
		{int64(9223372036854775807), float64(9223372036854775807), false},
		{int64(1), 1.0, true},
		{1.5, int64(1), false},
		{1.5, 1.5, true},
		{int64(1), math.Inf(1), false},
	} {
		if got := drift(t, of(c.git), plan.Live{Object: of(c.live)}, ignore); (len(got) == 0) != c.same {
			t.Errorf("%v and %v: got %v, want the same %v", c.git, c.live, got, c.same)
		}
	}
}

// Which fields of a Secret differ is told, and no value of them.
func TestDriftOfASecretShowsNoValue(t *testing.T) {
	git := object(t, "{apiVersion: v1, kind: Secret, metadata: {name: s, labels: {a: b}}, data: {p: c2VzYW1l}, stringData: {q: sesame}, type: Opaque}")
	live := object(t, "{apiVersion: v1, kind: Secret, metadata: {name: s, labels: {a: c}}, data: {p: b3Blbg==, r: b3Blbg==}, type: x}")
	for _, predicted := range []*unstructured.Unstructured{nil, git} {
		var lines []string
		for _, d := range drift(t, git, plan.Live{Object: live, Predicted: predicted}, nil) {
			lines = append(lines, d.String())
		}
		want := `data.p: "***" → "***"; metadata.labels.a: "c" → "b"; stringData: none → "***"; type: "x" → "Opaque"`
		if predicted != nil {
			want = `data.p: "***" → "***"; data.r: "***" → none; metadata.labels.a: "c" → "b"; stringData: none → "***"; type: "x" → "Opaque"`
		}
		if got := strings.Join(lines, "; "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestRulesThatTakeNothingOut: a rule that is about no object is named where one of nearly its kind is there, and so is
// a pointer that can lead nowhere.
func TestRulesThatTakeNothingOut(t *testing.T) {
	web := []plan.Desired{{Object: object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}")}, {Object: object(t, named("Secret", "s", ""))}}
	for _, c := range []struct {
		name string
		rule v1alpha1.IgnoreDifference
		want string
	}{
		{"of the kind", v1alpha1.IgnoreDifference{Group: "apps", Kind: "Deployment", JSONPointers: []string{"/spec/replicas", "/metadata/annotations/a.example~1b", "/metadata/labels"}}, ""},
		{"of any kind of the group", v1alpha1.IgnoreDifference{Group: "apps", Kind: "*"}, ""},
		{"of the kind of any group", v1alpha1.IgnoreDifference{Group: "*", Kind: "Deployment"}, ""},
		{"of a kind that is not there", v1alpha1.IgnoreDifference{Kind: "Service"}, ""},
		{"without the group", v1alpha1.IgnoreDifference{Kind: "Deployment"}, `spec.ignoreDifferences[0]: no object has group "" and kind Deployment; did you mean group "apps"?`},
		{"of another group", v1alpha1.IgnoreDifference{Group: "extensions", Kind: "Deployment"}, `spec.ignoreDifferences[0]: no object has group "extensions" and kind Deployment; did you mean group "apps"?`},
		{"with a group where there is none", v1alpha1.IgnoreDifference{Group: "core", Kind: "Secret"}, `spec.ignoreDifferences[0]: no object has group "core" and kind Secret; did you mean group ""?`},
		{"in small letters", v1alpha1.IgnoreDifference{Group: "apps", Kind: "deployment"}, `spec.ignoreDifferences[0]: no object has group "apps" and kind deployment; did you mean kind Deployment of group "apps"?`},
		{"below an annotation", v1alpha1.IgnoreDifference{Group: "*", Kind: "*", JSONPointers: []string{"/metadata/annotations/a.example/b"}},
			`spec.ignoreDifferences[0]: jsonPointers "/metadata/annotations/a.example/b" leads below a label or annotation; write a slash in a name as ~1: "/metadata/annotations/a.example~1b"`},
		{"below a label of a template", v1alpha1.IgnoreDifference{Group: "*", Kind: "*", JSONPointers: []string{"/spec/template/metadata/labels/a/b/c"}},
			`spec.ignoreDifferences[0]: jsonPointers "/spec/template/metadata/labels/a/b/c" leads below a label or annotation; write a slash in a name as ~1: "/spec/template/metadata/labels/a~1b~1c"`},
		{"data that is called like it", v1alpha1.IgnoreDifference{Group: "*", Kind: "*", JSONPointers: []string{"/spec/labels/a/b"}}, ""},
	} {
		if got := strings.Join(plan.CheckIgnored([]v1alpha1.IgnoreDifference{c.rule}, web), "\n"); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// A mark is read back as it was written; one on a copy of the object is none.
func FuzzTracking(f *testing.F) {
	f.Add("shop", "apps", "Deployment", "d", "web")
	f.Add("team_shop", "", "Namespace", "", "d")
	f.Add("", ":", "/", "x:y", "a/b")
	f.Fuzz(func(t *testing.T, instance, group, kind, namespace, name string) {
		key := plan.Key{Group: group, Kind: kind, Namespace: namespace, Name: name}
		id := plan.TrackingID(instance, key)
		gotInstance, got, ok := plan.ParseTrackingID(id)
		if !ok {
			return
		}
		if plan.TrackingID(gotInstance, got) != id {
			t.Errorf("%q is read as %q of %v", id, gotInstance, got)
		}
		if !strings.ContainsAny(instance+group+kind+namespace+name, ":/") && (gotInstance != instance || got != key) {
			t.Errorf("%q is read as %q of %v", id, gotInstance, got)
		}
	})
}

func TestOwner(t *testing.T) {
	web := object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d}}")
	plan.Mark(web, plan.Policy{Instance: "shop"})
	if got := (plan.Tracking{}).OwnerOf(web); got != "shop" {
		t.Error(got)
	}
	copied := web.DeepCopy()
	copied.SetName("web-copy")
	if got := (plan.Tracking{}).OwnerOf(copied); got != "" {
		t.Errorf("a copy is %q's", got)
	}
}
