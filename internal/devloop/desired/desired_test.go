package desired_test

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/render"
)

func objects(t *testing.T, text string) []render.Rendered {
	t.Helper()
	var all []render.Rendered
	for i, doc := range strings.Split(text, "---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &object.Object); err != nil {
			t.Fatal(err)
		}
		all = append(all, render.Rendered{Object: object, Origin: render.Origin{File: "k8s/all.yaml", Line: i + 1}})
	}
	return all
}

func place(own bool) desired.Place {
	return desired.Place{Namespace: "dev-ann-shop", Own: own, Loop: "dev-ann-shop", Namespaced: map[schema.GroupVersionKind]bool{
		{Version: "v1", Kind: "Service"}: true, {Version: "v1", Kind: "Namespace"}: false, {Version: "v1", Kind: "ServiceAccount"}: true,
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"}: true, {Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}: false,
		{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}: true,
	}}
}

// names are the objects as KIND NAMESPACE/NAME.
func names(all []*unstructured.Unstructured) []string {
	var list []string
	for _, o := range all {
		list = append(list, o.GetKind()+" "+o.GetNamespace()+"/"+o.GetName())
	}
	return list
}

func TestPlaces(t *testing.T) {
	const service, elsewhere = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", "apiVersion: v1\nkind: Service\nmetadata: {name: b, namespace: shop}\n"
	const namespace, third = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n", "apiVersion: v1\nkind: Service\nmetadata: {name: c, namespace: other}\n"
	const role, unknown = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n", "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: t}\n"
	for _, row := range []struct {
		rule  string
		own   bool
		text  string
		want  []string
		notes []string
		err   string
	}{
		{"an object that names none goes to the loop's namespace", true, service, []string{"Service dev-ann-shop/a"}, nil, ""},
		{"one that names another goes there, too, and that is said", true, service + "---\n" + elsewhere, []string{"Service dev-ann-shop/a", "Service dev-ann-shop/b"}, []string{"namespace shop of the manifests is dev-ann-shop here"}, ""},
		{"the namespace itself is the loop's", true, namespace + "---\n" + elsewhere, []string{"Service dev-ann-shop/b"}, []string{"namespace shop of the manifests is dev-ann-shop here"}, ""},
		{"also where nothing names it", true, namespace + "---\n" + service, []string{"Service dev-ann-shop/a"}, nil, ""},
		{"several namespaces cannot be one", true, elsewhere + "---\n" + third, nil, nil, "objects name several namespaces: other, shop"},
		{"what lives in no namespace stays there", true, role, []string{"ClusterRole /r"}, nil, ""},
		{"a kind that is not known stays as it is", true, unknown, []string{"Thing /t"}, nil, ""},
		{"in a namespace that is somebody's, what names another stays", false, service + "---\n" + elsewhere + "---\n" + third + "---\n" + namespace,
			[]string{"Service dev-ann-shop/a", "Service shop/b", "Service other/c", "Namespace /shop"}, nil, ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			rendered := objects(t, row.text)
			got, err := desired.In(rendered, place(row.own))
			if (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Fatalf("got error %v, want %q", err, row.err)
			}
			if !reflect.DeepEqual(names(got.Objects), row.want) || !reflect.DeepEqual(got.Notes, row.notes) {
				t.Errorf("got %q, %q\nwant %q, %q", names(got.Objects), got.Notes, row.want, row.notes)
			}
			for _, o := range got.Objects {
				if o.GetLabels()[desired.LoopLabel] != "dev-ann-shop" {
					t.Errorf("%s: got labels %v, want that of the loop", o.GetName(), o.GetLabels())
				}
			}
			if !reflect.DeepEqual(rendered, objects(t, row.text)) {
				t.Error("what was rendered has changed")
			}
		})
	}
}

func TestSubjectsFollow(t *testing.T) {
	const binding = `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: shop}
subjects:
  - {kind: ServiceAccount, name: own, namespace: shop}
  - {kind: ServiceAccount, name: foreign, namespace: monitoring}
`
	got, err := desired.In(objects(t, binding), place(true))
	if err != nil {
		t.Fatal(err)
	}
	subjects, _, _ := unstructured.NestedSlice(got.Objects[0].Object, "subjects")
	if own, foreign := subjects[0].(map[string]any)["namespace"], subjects[1].(map[string]any)["namespace"]; own != "dev-ann-shop" || foreign != "monitoring" {
		t.Errorf("got %v and %v, want dev-ann-shop and monitoring", own, foreign)
	}
}

func TestRollouts(t *testing.T) {
	const rollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app, labels: {app: shop}}
spec:
  strategy:
    blueGreen: {activeService: a, autoPromotionSeconds: 3, previewReplicaCount: 1, scaleDownDelaySeconds: 30}
`
	got, err := desired.In(objects(t, rollout), place(true))
	if err != nil {
		t.Fatal(err)
	}
	strategy, _, _ := unstructured.NestedMap(got.Objects[0].Object, "spec", "strategy", "blueGreen")
	if want := map[string]any{"activeService": "a", "scaleDownDelaySeconds": int64(1)}; !reflect.DeepEqual(strategy, want) {
		t.Errorf("strategy: got %v, want %v", strategy, want)
	}
	if want := []string{"Rollout app takes the traffic as soon as it is ready: autoPromotionSeconds, previewReplicaCount count in GitOps alone"}; !reflect.DeepEqual(got.Notes, want) {
		t.Errorf("notes: got %q, want %q", got.Notes, want)
	}
	if want := map[string]string{"app": "shop", desired.LoopLabel: "dev-ann-shop", "argo-rollouts.argoproj.io/controller-instance-id": "dev-ann-shop"}; !reflect.DeepEqual(got.Objects[0].GetLabels(), want) {
		t.Errorf("labels: got %v, want %v", got.Objects[0].GetLabels(), want)
	}

	got, err = desired.In(objects(t, rollout), place(false))
	if err != nil || len(got.Notes) > 0 {
		t.Fatalf("in somebody's namespace: got %v, %v; want it as it is", got.Notes, err)
	}
	if seconds, _, _ := unstructured.NestedFieldNoCopy(got.Objects[0].Object, "spec", "strategy", "blueGreen", "autoPromotionSeconds"); seconds == nil {
		t.Error("in somebody's namespace: autoPromotionSeconds is gone")
	}
	got, err = desired.In(objects(t, strings.Replace(rollout, "autoPromotionSeconds: 3, previewReplicaCount: 1, ", "", 1)), place(true))
	if err != nil || len(got.Notes) > 0 {
		t.Errorf("without waits: got %v, %v; want no note", got.Notes, err)
	}
	got, err = desired.In(objects(t, "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: app}\nspec: {strategy: {canary: {}}}\n"), place(true))
	if err != nil || len(got.Notes) > 0 {
		t.Errorf("another strategy: got %v, %v; want no note", got.Notes, err)
	}
}

const pod = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  initContainers: [{name: i, image: "docker.io/library/busybox:1.36"}]
  containers:
    - {name: a, image: "request-counter/app:latest", env: [{name: image, value: request-counter/app}]}
    - {name: b, image: "localhost:5000/request-counter/redis@sha256:0000000000000000000000000000000000000000000000000000000000000000"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {image: request-counter/app}
`

func TestImages(t *testing.T) {
	rendered := objects(t, pod)
	if got, want := desired.Uses(rendered[0].Object), []string{"busybox", "localhost:5000/request-counter/redis", "request-counter/app"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Uses: got %q, want %q", got, want)
	}
	if got := desired.Uses(rendered[1].Object); got != nil {
		t.Errorf("Uses of a ConfigMap: got %q, want none", got)
	}
	all := []*unstructured.Unstructured{rendered[0].Object, rendered[1].Object}
	desired.SetImages(all, map[string]string{"request-counter/app": "r/app@sha256:1", "localhost:5000/request-counter/redis": "r/redis@sha256:2"})
	if got, want := desired.Uses(rendered[0].Object), []string{"busybox", "r/app", "r/redis"}; !reflect.DeepEqual(got, want) {
		t.Errorf("after SetImages: got %q, want %q", got, want)
	}
	delivered := objects(t, pod)[0].Object
	desired.SetImages([]*unstructured.Unstructured{delivered}, map[string]string{"request-counter/redis": "r/redis@sha256:3", "redis": "r/other@sha256:4"})
	if got, want := desired.Uses(delivered), []string{"busybox", "r/redis", "request-counter/app"}; !reflect.DeepEqual(got, want) {
		t.Errorf("a name without a registry: got %q, want %q", got, want)
	}
	containers, _, _ := unstructured.NestedSlice(rendered[0].Object.Object, "spec", "containers")
	if got := containers[0].(map[string]any)["image"]; got != "r/app@sha256:1" {
		t.Errorf("image: got %v, want r/app@sha256:1", got)
	}
	if text, _, _ := unstructured.NestedString(rendered[1].Object.Object, "data", "image"); text != "request-counter/app" {
		t.Errorf("a ConfigMap: got %q, want it as it was", text)
	}
}

func TestUnused(t *testing.T) {
	rendered := objects(t, pod)
	for _, row := range []struct {
		rule  string
		built []desired.Built
		want  []string
	}{
		{"a name without a registry is the same in any", []desired.Built{{Name: "busybox"}, {Name: "request-counter/redis"}}, nil},
		{"a name with another registry is another one", []desired.Built{{Name: "busybox"}, {Name: "registry.example/request-counter/redis"}, {Name: "request-counter/app"}},
			[]string{"image registry.example/request-counter/redis: built, and no object runs it; what they run and is not built: localhost:5000/request-counter/redis; give it the name that the manifests have, or leave it out"}},
		{"what runs is no problem", []desired.Built{{Name: "request-counter/app:x"}, {Name: "docker.io/busybox"}}, nil},
		{"a name that is nearly right is shown with the other, and both places", []desired.Built{{Name: "request-conuter/app", File: "skaffold.yaml", Line: 7}},
			[]string{"skaffold.yaml:7: image request-conuter/app: built, and no object runs it; Pod p (k8s/all.yaml:1) runs request-counter/app; write the same name in both places"}},
		{"another name is shown with what runs and is not built", []desired.Built{{Name: "shop"}, {Name: "busybox"}},
			[]string{"image shop: built, and no object runs it; what they run and is not built: localhost:5000/request-counter/redis, request-counter/app; give it the name that the manifests have, or leave it out"}},
	} {
		var got []string
		for _, p := range desired.Unused(rendered, row.built) {
			got = append(got, p.Error())
		}
		if !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", row.rule, got, row.want)
		}
	}
	if found := desired.Unused(nil, []desired.Built{{Name: "shop"}}); len(found) != 1 || strings.Contains(found[0].Error(), "what they run") {
		t.Errorf("without objects: got %v, want one problem that lists nothing", found)
	}
}

func TestNamespaceFor(t *testing.T) {
	for _, row := range []struct{ user, app, want string }{
		{"ann", "shop", "dev-ann-shop"},
		{"Ann.Lee@Example", "Shop_Front", "dev-ann-lee-example-shop-front"},
		{`CORP\ann`, "--", "dev-corp-ann-x"},
		{"", "é", "dev-x-x"},
		{"a0z9", "09az", "dev-a0z9-09az"},
		{"ann  lee", "a__b", "dev-ann-lee-a-b"},
		{"ann", strings.Repeat("a", 54) + "-b", "dev-ann-" + strings.Repeat("a", 54)},
		{"ann", strings.Repeat("a", 80), "dev-ann-" + strings.Repeat("a", 55)},
	} {
		if got := desired.NamespaceFor(row.user, row.app); got != row.want {
			t.Errorf("%q %q: got %s, want %s", row.user, row.app, got, row.want)
		}
	}
}
