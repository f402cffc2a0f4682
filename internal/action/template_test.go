package action_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
)

// holding returns a template as it was read.
func holding(t *testing.T, ref *v1alpha1.WorkloadRef) action.Template {
	t.Helper()
	ro := &v1alpha1.Rollout{}
	ro.Namespace, ro.Name, ro.Spec.WorkloadRef = "shop", "web", ref
	held, err := action.TemplateOf(ro)
	if err != nil {
		t.Fatal(err)
	}
	container := func(name, image string) any { return map[string]any{"name": name, "image": image} }
	spec := map[string]any{"initContainers": []any{container("init", "init:1")}, "containers": []any{container("web", "web:1"), container("log", "log:1")}}
	held.Object.SetResourceVersion("7")
	path := []string{"spec", "template", "spec"}
	if ref != nil && ref.Kind == "PodTemplate" {
		path = []string{"template", "spec"}
	}
	if err := unstructured.SetNestedMap(held.Object.Object, spec, path...); err != nil {
		t.Fatal(err)
	}
	return held
}

// Images are set where their containers are, and only if nobody has changed the object meanwhile.
func TestImagesAreSet(t *testing.T) {
	const asRead = `{"op":"test","path":"/metadata/resourceVersion","value":"7"}`
	set := func(path, image string) string { return `,{"op":"add","path":"` + path + `","value":"` + image + `"}` }
	for _, c := range []struct {
		name   string
		ref    *v1alpha1.WorkloadRef
		images map[string]string
		want   string
	}{
		{"one", nil, map[string]string{"log": "log:2"}, set("/spec/template/spec/containers/1/image", "log:2")},
		{"an init container", nil, map[string]string{"init": "init:2"}, set("/spec/template/spec/initContainers/0/image", "init:2")},
		{"all", nil, map[string]string{"*": "x"}, set("/spec/template/spec/containers/0/image", "x") + set("/spec/template/spec/containers/1/image", "x")},
		{"all but one", nil, map[string]string{"*": "x", "log": "y"}, set("/spec/template/spec/containers/0/image", "x") + set("/spec/template/spec/containers/1/image", "y")},
		{"that of a PodTemplate", &v1alpha1.WorkloadRef{APIVersion: "v1", Kind: "PodTemplate", Name: "t"}, map[string]string{"web": "x"}, set("/template/spec/containers/0/image", "x")},
		{"that of a Deployment", &v1alpha1.WorkloadRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "d"}, map[string]string{"web": "x"}, set("/spec/template/spec/containers/0/image", "x")},
	} {
		request, err := holding(t, c.ref).SetImages(c.images)
		if err != nil || len(request.Patches) != 1 || string(request.Patches[0].Body) != "["+asRead+c.want+"]" || request.Outcome != "image updated" {
			t.Errorf("%s: got %v, %v", c.name, request.Patches, err)
		}
	}
	_, err := holding(t, nil).SetImages(map[string]string{"web": "x", "other": "x"})
	if err == nil || err.Error() != `Rollout "web": container "other" not found; there are: init, web, log` {
		t.Errorf("got %v", err)
	}
}

// A template goes back as a whole.
func TestTemplatesAreReplaced(t *testing.T) {
	request := holding(t, nil).Replace(map[string]any{"spec": "x"}, 3)
	want := `[{"op":"test","path":"/metadata/resourceVersion","value":"7"},{"op":"replace","path":"/spec/template","value":{"spec":"x"}}]`
	if got := string(request.Patches[0].Body); got != want || request.Outcome != "undo: goes back to revision 3" {
		t.Errorf("got %s (%s)", got, request.Outcome)
	}
	held := holding(t, nil)
	if got := strings.Join(held.Containers(), " "); got != "web log" || held.Images()["log"] != "log:1" || len(held.Images()) != 2 {
		t.Errorf("got %s %v", got, held.Images())
	}
}

// Whatever else a workloadRef names is not changed.
func TestOnlyWorkloadsAreChanged(t *testing.T) {
	for name, ref := range map[string]v1alpha1.WorkloadRef{
		"a Secret": {APIVersion: "v1", Kind: "Secret", Name: "x"}, "a Deployment of another group": {APIVersion: "evil/v1", Kind: "Deployment", Name: "x"}, "nothing": {},
	} {
		ro := &v1alpha1.Rollout{}
		ro.Spec.WorkloadRef = &ref
		if _, err := action.TemplateOf(ro); err == nil {
			t.Errorf("%s is changed", name)
		}
	}
}

// A pause by hand is taken back, and nothing else with it.
func TestResume(t *testing.T) {
	ro := &v1alpha1.Rollout{}
	if r := action.Resume(ro); len(r.Patches) != 0 || r.Outcome != "was not paused" {
		t.Errorf("got %+v", r)
	}
	ro.Spec.Paused = true
	if r := action.Resume(ro); len(r.Patches) != 1 || string(r.Patches[0].Body) != `{"spec":{"paused":false}}` || r.Outcome != "resumed" {
		t.Errorf("got %+v", r)
	}
}
