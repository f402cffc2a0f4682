package v1alpha1

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

func TestUnreadableSpecs(t *testing.T) {
	const readable = `{"spec":{"replicas":2,"strategy":{"blueGreen":{"activeService":"a"}},"template":{"spec":{"containers":[{"name":"app","resources":{"limits":{"cpu":0.5}}}]}}}}`
	for _, test := range []struct {
		name, text, unreadable, active string
	}{
		{"all can be read", readable, "", "a"},
		{"a quantity in words", strings.Replace(readable, "0.5", `"half"`, 1), "quantities must match", "a"},
		{"a quantity that is an object", strings.Replace(readable, "0.5", `{}`, 1), "quantities must match", "a"},
		{"a list that is none", strings.Replace(readable, `[{"name":"app","resources":{"limits":{"cpu":0.5}}}]`, `"app"`, 1), "cannot unmarshal", "a"},
		{"a field beside the template", strings.Replace(readable, `"replicas":2`, `"replicas":"two"`, 1), "cannot unmarshal", ""},
		{"no object", `{"spec":"two"}`, "cannot unmarshal", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var all RolloutList
			if err := json.Unmarshal([]byte(`{"items":[`+test.text+`,`+readable+`]}`), &all); err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{test.unreadable, ""} {
				if got := all.Items[i].Spec.Unreadable; (got == "") != (want == "") || !strings.Contains(got, want) {
					t.Errorf("Rollout %d: got %q, want %q", i, got, want)
				}
			}
			if got := all.Items[0].Spec.Strategy.ActiveService(); got != test.active {
				t.Errorf("got activeService %q, want %q", got, test.active)
			}
			u := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(test.text), &u.Object); err != nil {
				t.Fatal(err)
			}
			ro := &Rollout{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, ro); err != nil || !equality.Semantic.DeepEqual(ro.Spec, all.Items[0].Spec) {
				t.Errorf("from an unstructured object: %v\ngot  %+v\nwant %+v", err, ro.Spec, all.Items[0].Spec)
			}
		})
	}
}
