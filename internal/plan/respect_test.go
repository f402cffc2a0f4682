package plan_test

import (
	"reflect"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// With RespectIgnoreDifferences, a sync writes the live value of whatever an Application ignores, and git's of all
// else.
func TestIgnoredFieldsAreLeftAlone(t *testing.T) {
	const git = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}}"
	const live = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, resourceVersion: '7', managedFields: [{manager: hpa, operation: Update, fieldsType: FieldsV1, fieldsV1: {'f:spec': {'f:replicas': {}}}}]}, " +
		"spec: {replicas: 9, minReadySeconds: 3, template: {spec: {containers: [{name: injected, image: i:1}, {name: side, image: side:9}, {name: web, image: web:9, command: [c]}]}}}}"
	for _, c := range []struct {
		name   string
		ignore v1alpha1.IgnoreDifference
		want   string
	}{
		{"a field", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/replicas"}},
			"{replicas: 9, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}"},
		{"a field that only git has", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/paused"}},
			"{replicas: 2, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}"},
		{"a field that only the live one has", v1alpha1.IgnoreDifference{JSONPointers: []string{"/spec/minReadySeconds"}},
			"{replicas: 2, paused: false, minReadySeconds: 3, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}"},
		{"a field of an element, by its name", v1alpha1.IgnoreDifference{JQPathExpressions: []string{`.spec.template.spec.containers[] | select(.name == "web") | .image`}},
			"{replicas: 2, paused: false, template: {spec: {containers: [{name: web, image: web:9, command: [a, b]}, {name: side, image: side:2}]}}}"},
		{"a whole element", v1alpha1.IgnoreDifference{JQPathExpressions: []string{`.spec.template.spec.containers[] | select(.name == "side")`}},
			"{replicas: 2, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:9}]}}}"},
		{"a list without names", v1alpha1.IgnoreDifference{JQPathExpressions: []string{`.spec.template.spec.containers[].command[0]`}},
			"{replicas: 2, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [c]}, {name: side, image: side:2}]}}}"},
		{"what a manager has set", v1alpha1.IgnoreDifference{ManagedFieldsManagers: []string{"hpa"}},
			"{replicas: 9, paused: false, template: {spec: {containers: [{name: web, image: web:2, command: [a, b]}, {name: side, image: side:2}]}}}"},
	} {
		c.ignore.Group, c.ignore.Kind = "apps", "Deployment"
		policy := plan.Policy{Instance: "x", IgnoreDifferences: []v1alpha1.IgnoreDifference{c.ignore}, Options: plan.ParseOptions([]string{"RespectIgnoreDifferences=true"})}
		desired, there := []plan.Desired{{Object: object(t, git)}}, []plan.Live{{Object: object(t, live)}}
		task := plan.Build(desired, there, policy).Tasks[0]
		want := object(t, "{spec: "+c.want+"}")
		if !reflect.DeepEqual(task.Object.Object["spec"], want.Object["spec"]) || task.Basis != "7" {
			t.Errorf("%s: %v on %q", c.name, task.Object.Object["spec"], task.Basis)
		}
		policy.Options = nil
		if task := plan.Build(desired, there, policy).Tasks[0]; !reflect.DeepEqual(task.Object.Object["spec"], object(t, git).Object["spec"]) || task.Basis != "" {
			t.Errorf("%s: without the option: %v on %q", c.name, task.Object.Object["spec"], task.Basis)
		}
	}
}
