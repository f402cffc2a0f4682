package plan_test

import (
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/plan"
)

const (
	appliedDesired = `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {selector: {app: web}, ports: [{port: 80, protocol: TCP, name: http}, {port: 81}], externalIPs: [1.2.3.4], loadBalancerSourceRanges: [a, b]}}`
	appliedLive    = `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop, labels: {app: web, other: x}, uid: u}, spec: {selector: {app: web}, type: ClusterIP, ports: [{port: 80, protocol: TCP, name: http, targetPort: 80}, {port: 79, protocol: TCP}, {port: 81, protocol: TCP, targetPort: 81}], externalIPs: [9.9.9.9, 1.2.3.4], loadBalancerSourceRanges: [a, b]}, status: {x: 1}}`
	appliedOwned   = `{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:selector":{".":{},"f:app":{}},"f:loadBalancerSourceRanges":{},"f:externalIPs":{".":{},"v:\"1.2.3.4\"":{}},"f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:protocol":{},"f:name":{}},"k:{\"port\":81,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}`
)

// TestIsApplied: an apply is only known to change nothing where the fields that are owned are those that are wanted,
// with the values that are wanted.
func TestIsApplied(t *testing.T) {
	entry := func(change func(*metav1.ManagedFieldsEntry)) []metav1.ManagedFieldsEntry {
		e := metav1.ManagedFieldsEntry{Manager: "cyan", Operation: metav1.ManagedFieldsOperationApply, APIVersion: "v1", FieldsV1: metav1.NewFieldsV1(appliedOwned)}
		if change != nil {
			change(&e)
		}
		return []metav1.ManagedFieldsEntry{{Manager: "other", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:type":{}}}`)}, e}
	}
	at := func(path ...string) func(value any) func(*unstructured.Unstructured) {
		return func(value any) func(*unstructured.Unstructured) {
			return func(u *unstructured.Unstructured) {
				if value == nil {
					unstructured.RemoveNestedField(u.Object, path...)
					return
				}
				if err := unstructured.SetNestedField(u.Object, value, path...); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	port := func(u *unstructured.Unstructured, i int) map[string]any {
		return u.Object["spec"].(map[string]any)["ports"].([]any)[i].(map[string]any)
	}
	ports := func(u *unstructured.Unstructured, change func([]any) []any) {
		spec := u.Object["spec"].(map[string]any)
		spec["ports"] = change(spec["ports"].([]any))
	}
	for _, c := range []struct {
		name          string
		desired, live func(*unstructured.Unstructured)
		owned         []metav1.ManagedFieldsEntry
		want          bool
	}{
		{"as it was applied", nil, nil, entry(nil), true},
		{"others have added fields and elements, and the status has changed", nil, at("status", "x")(int64(2)), entry(nil), true},
		{"an owned value was changed", nil, at("spec", "selector", "app")("x"), entry(nil), false},
		{"an owned value is gone", nil, at("metadata", "labels", "app")(nil), entry(nil), false},
		{"a value in an owned element was changed", nil, func(u *unstructured.Unstructured) { port(u, 0)["name"] = "x" }, entry(nil), false},
		{"an owned element is gone", nil, func(u *unstructured.Unstructured) { ports(u, func(p []any) []any { return p[:2] }) }, entry(nil), false},
		{"owned elements changed places", nil, func(u *unstructured.Unstructured) {
			ports(u, func(p []any) []any { return []any{p[2], p[1], p[0]} })
		}, entry(nil), false},
		{"an element is there twice", nil, func(u *unstructured.Unstructured) { ports(u, func(p []any) []any { return append(p, p[0]) }) }, entry(nil), false},
		{"an element of a set is gone", nil, at("spec", "externalIPs")([]any{"9.9.9.9"}), entry(nil), false},
		{"a list that is owned whole was changed", nil, at("spec", "loadBalancerSourceRanges")([]any{"a"}), entry(nil), false},
		{"git wants another value", at("spec", "selector", "app")("x"), nil, entry(nil), false},
		{"git wants one more field", at("metadata", "annotations")(map[string]any{"a": "b"}), at("metadata", "annotations")(map[string]any{"a": "b"}), entry(nil), false},
		{"git wants one field less", at("metadata", "labels")(nil), nil, entry(nil), false},
		{"git wants one element less", func(u *unstructured.Unstructured) { ports(u, func(p []any) []any { return p[:1] }) }, nil, entry(nil), false},
		{"git wants one element more, which is there", func(u *unstructured.Unstructured) {
			ports(u, func(p []any) []any { return append(p, map[string]any{"port": int64(79), "protocol": "TCP"}) })
		}, nil, entry(nil), false},
		{"git wants two elements, of which one may be either", func(u *unstructured.Unstructured) {
			ports(u, func(p []any) []any { delete(p[0].(map[string]any), "port"); return p })
		}, nil, entry(nil), false},
		{"git wants null", func(u *unstructured.Unstructured) {
			u.Object["spec"].(map[string]any)["loadBalancerSourceRanges"] = nil
		}, func(u *unstructured.Unstructured) {
			u.Object["spec"].(map[string]any)["loadBalancerSourceRanges"] = nil
		}, entry(nil), false},
		{"a number is written in another way", func(u *unstructured.Unstructured) { port(u, 0)["port"] = "80" }, nil, entry(nil), false},
		{"it is being deleted", nil, func(u *unstructured.Unstructured) { now := metav1.Now(); u.SetDeletionTimestamp(&now) }, entry(nil), false},
		{"somebody else applied it", nil, nil, entry(func(e *metav1.ManagedFieldsEntry) { e.Manager = "argocd-controller" }), false},
		{"it was updated, not applied", nil, nil, entry(func(e *metav1.ManagedFieldsEntry) { e.Operation = metav1.ManagedFieldsOperationUpdate }), false},
		{"it was applied in another version", nil, nil, entry(func(e *metav1.ManagedFieldsEntry) { e.APIVersion = "v1beta1" }), false},
		{"it was applied to a subresource", nil, nil, entry(func(e *metav1.ManagedFieldsEntry) { e.Subresource = "status" }), false},
		{"it was applied and updated", nil, nil, append(entry(nil), entry(func(e *metav1.ManagedFieldsEntry) { e.Operation = metav1.ManagedFieldsOperationUpdate })...), false},
		{"the fields can't be read", nil, nil, entry(func(e *metav1.ManagedFieldsEntry) { e.FieldsV1.SetRawString("x") }), false},
		{"there are no fields", nil, nil, entry(func(e *metav1.ManagedFieldsEntry) { e.FieldsV1 = nil }), false},
		{"nobody owns anything", nil, nil, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			desired, live := parsed(t, appliedDesired), parsed(t, appliedLive)
			if c.desired != nil {
				c.desired(desired)
			}
			if c.live != nil {
				c.live(live)
			}
			live.SetManagedFields(c.owned)
			if got := plan.IsApplied(desired, live, "cyan"); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if plan.IsApplied(parsed(t, appliedDesired), nil, "cyan") {
		t.Error("an object that is not there: got true")
	}
}

// TestIsAppliedBySmallObjects: what small and odd sets of fields say.
func TestIsAppliedBySmallObjects(t *testing.T) {
	for _, c := range []struct {
		name, desired, live, owned string
		want                       bool
	}{
		{"nothing of the metadata but the name is wanted", "{metadata: {name: a}, data: {a: b}}", "{metadata: {name: a, uid: u}, data: {a: b, c: d}}", `{"f:data":{".":{},"f:a":{}}}`, true},
		{"no metadata are wanted", "{data: {a: b}}", "{data: {a: b}}", `{"f:data":{".":{},"f:a":{}}}`, true},
		{"an empty mapping is wanted, and owned with a field", "{data: {}}", "{data: {}}", `{"f:data":{".":{},"f:a":{}}}`, false},
		{"an empty mapping is wanted and owned", "{data: {}}", "{data: {}}", `{"f:data":{}}`, true},
		{"an empty list is wanted, and owned with an element", "{data: []}", "{data: []}", `{"f:data":{".":{},"v:1":{}}}`, false},
		{"a value is wanted, and owned with a field", "{data: a}", "{data: a}", `{"f:data":{"f:a":{}}}`, false},
		{"a mapping is wanted where a value lives", "{data: {a: b}}", "{data: x}", `{"f:data":{"f:a":{}}}`, false},
		{"a list is wanted where a value lives", "{data: [a]}", "{data: x}", `{"f:data":{"v:\"a\"":{}}}`, false},
		{"a field that is wanted does not live, and is owned", "{data: {a: b}}", "{data: {}}", `{"f:data":{"f:a":{}}}`, false},
		{"a field that is wanted lives, and is not owned", "{data: {a: b}}", "{data: {a: b}}", `{"f:data":{"f:c":{}}}`, false},
		{"the set is of no known form", "{data: {a: b}}", "{data: {a: b}}", `{"f:data":"x"}`, false},
		{"elements are owned by their place", "{data: [a]}", "{data: [a]}", `{"f:data":{"i:0":{}}}`, false},
		{"the name of an element can't be read", "{data: [a]}", "{data: [a]}", `{"f:data":{"v:x":{}}}`, false},
		{"the name of an element is of no known kind", "{data: [{n: a}]}", "{data: [{n: a}]}", `{"f:data":{"x:{\"n\":\"a\"}":{"f:n":{}}}}`, false},
		{"an element of keys is a value", "{data: [a]}", "{data: [a]}", `{"f:data":{"k:{\"n\":\"a\"}":{}}}`, false},
		{"the keys of an element are no mapping", "{data: [{n: a}]}", "{data: [{n: a}]}", `{"f:data":{"k:7":{"f:n":{}}}}`, false},
		{"an element is of no known form", "{data: [a]}", "{data: [a]}", `{"f:data":{"v:\"a\"":7}}`, false},
		{"numbers in a set", "{data: [7, 8]}", "{data: [7, 9, 8]}", `{"f:data":{"v:7":{},"v:8":{}}}`, true},
		{"nothing is wanted or owned", "{}", "{}", `{}`, false},
	} {
		desired, live := parsed(t, "{apiVersion: v1, kind: Thing, "+c.desired[1:]), parsed(t, "{apiVersion: v1, kind: Thing, "+c.live[1:])
		before := desired.DeepCopy()
		live.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "cyan", Operation: metav1.ManagedFieldsOperationApply, APIVersion: "v1", FieldsV1: metav1.NewFieldsV1(c.owned)}})
		if got := plan.IsApplied(desired, live, "cyan"); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
		if !reflect.DeepEqual(desired, before) {
			t.Errorf("%s: the desired object was changed", c.name)
		}
	}
}

func parsed(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := u.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return u
}
