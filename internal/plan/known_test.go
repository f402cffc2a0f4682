package plan_test

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/plan"
)

// TestKnownFields: fields that are said to have a type of Kubernetes are compared by value.
func TestKnownFields(t *testing.T) {
	for _, c := range []struct {
		name, field, of string
		git, live       string
		// want are the fields that differ.
		want string
	}{
		{"resources", "spec", "core/v1/ResourceList", "{cpu: 2000m, memory: 32Mi}", "{cpu: '2', memory: 32Mi}", ""},
		{"resources that differ", "spec", "core/v1/ResourceList", "{cpu: 2000m, memory: 32Mi}", "{cpu: '3', memory: 64Mi}", "spec.cpu spec.memory"},
		{"resources as numbers", "spec", "core/v1/ResourceList", "{cpu: 2}", "{cpu: 2000m}", ""},
		{"resources that are none", "spec", "core/v1/ResourceList", "{cpu: much}", "{cpu: more}", "spec.cpu"},
		{"one that is not there", "spec", "core/v1/ResourceList", "{cpu: '2'}", "{}", "spec.cpu"},
		{"a quantity", "spec.size", "core/Quantity", "{size: 1024Mi}", "{size: 1Gi}", ""},
		{"another field is compared as it is written", "spec.size", "core/Quantity", "{size: 1Gi, cpu: '2'}", "{size: 1Gi, cpu: 2000m}", "spec.cpu"},
		{"a quantity in a list", "spec.disks.size", "core/Quantity", "{disks: [{size: 1024Mi}, {size: 1}]}", "{disks: [{size: 1Gi}, {size: '1'}]}", ""},
		{"quantities in a list", "spec.sizes", "core/Quantity", "{sizes: [1024Mi]}", "{sizes: [1Gi]}", ""},
		{"lists that differ otherwise", "spec.disks.size", "core/Quantity", "{disks: [{size: 1024Mi, name: a}]}", "{disks: [{size: 1Gi, name: b}]}", "spec.disks[0].name"},
		{"a mapping where a quantity is meant", "spec.size", "core/Quantity", "{size: {a: 1}}", "{size: {a: 2}}", "spec.size.a"},
		{"a value where a mapping is meant", "spec.size.more", "core/Quantity", "{size: 1}", "{size: 2}", "spec.size"},
		{"times that differ", "spec.wait", "meta/v1/duration", "{wait: 60s}", "{wait: 2m}", "spec.wait"},
		{"numbers where times are meant", "spec.wait", "meta/v1/duration", "{wait: 60}", "{wait: 61}", "spec.wait"},
		{"a time", "spec.wait", "meta/v1/duration", "{wait: 60s}", "{wait: 1m0s}", ""},
		{"a time that is none", "spec.wait", "meta/v1/Duration", "{wait: 60}", "{wait: 1m}", "spec.wait"},
		{"a time that is no text", "spec.wait", "meta/v1/Duration", "{wait: soon}", "{wait: late}", "spec.wait"},
		{"requirements", "spec.resources", "core/v1/ResourceRequirements", "{resources: {limits: {cpu: 1000m}, requests: {cpu: '0.5'}}}", "{resources: {limits: {cpu: 1}, requests: {cpu: 500m}}}", ""},
		{"a container", "spec", "core/v1/Container", "{image: a, resources: {limits: {cpu: 1000m}}}", "{image: b, resources: {limits: {cpu: 1}}}", "spec.image"},
		{"pods", "spec", "core/v1/PodSpec", "{overhead: {cpu: 1000m}, containers: [{resources: {limits: {cpu: 1000m}}}], initContainers: [{resources: {requests: {cpu: 1000m}}}], volumes: [{emptyDir: {sizeLimit: 1024Mi}}]}",
			"{overhead: {cpu: 1}, containers: [{resources: {limits: {cpu: 1}}}], initContainers: [{resources: {requests: {cpu: 1}}}], volumes: [{emptyDir: {sizeLimit: 1Gi}}]}", ""},
		{"a template of pods", "spec.template", "core/v1/PodTemplateSpec", "{template: {spec: {containers: [{resources: {limits: {cpu: 1000m}}}]}}}", "{template: {spec: {containers: [{resources: {limits: {cpu: 1}}}]}}}", ""},
		{"an unknown type", "spec", "core/v1/Nothing", "{cpu: 2000m}", "{cpu: '2'}", "spec.cpu"},
		{"a quantity that is too long", "spec.size", "core/Quantity", "{size: '1" + strings.Repeat("0", 100) + "'}", "{size: '1" + strings.Repeat("0", 100) + ".0'}", "spec.size"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := func(spec string) string {
				return "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: d}, spec: " + spec + "}"
			}
			kind := schema.GroupKind{Group: "example.com", Kind: "Widget"}
			policy := plan.Policy{Instance: "shop", KnownFields: map[schema.GroupKind][]plan.KnownField{kind: {{Path: c.field, Type: c.of}}}}
			live := object(t, text(c.live))
			built := plan.Build([]plan.Desired{{Object: object(t, text(c.git))}}, []plan.Live{{Object: live, Predicted: object(t, text(c.git))}}, policy)
			var got []string
			for _, d := range built.Resources[0].Drift {
				got = append(got, d.Path)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %q", got, c.want)
			}
			if again := object(t, text(c.live)); !reflect.DeepEqual(live, again) {
				t.Errorf("the live object has changed: %v", live)
			}
			policy.KnownFields = map[schema.GroupKind][]plan.KnownField{{Kind: "Widget"}: {{Path: c.field, Type: c.of}}}
			if c.want == "" && len(plan.Build([]plan.Desired{{Object: object(t, text(c.git))}}, []plan.Live{{Object: live, Predicted: object(t, text(c.git))}}, policy).Resources[0].Drift) == 0 {
				t.Error("a claim about another kind counts")
			}
		})
	}
}

// TestCheckKnown: types that are not known are named.
func TestCheckKnown(t *testing.T) {
	got := plan.CheckKnown([]plan.KnownField{{Path: "spec", Type: "core/v1/ResourceList"}, {Path: "spec.a", Type: "core/v1/Nothing"}, {Path: "b", Type: "meta/v1/duration"}})
	if len(got) != 1 || got[0] != `knownTypeFields: type "core/v1/Nothing" of field "spec.a": unknown; its values are compared as they are written` {
		t.Errorf("got %q", got)
	}
}
