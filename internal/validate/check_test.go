package validate

import (
	"slices"
	"strings"
	"sync"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/render"
)

func object(t testing.TB, manifest string) render.Rendered {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := sigsyaml.Unmarshal([]byte(manifest), &u.Object); err != nil {
		t.Fatal(err)
	}
	// As decoded from JSON by the API machinery: whole numbers are int64.
	data, err := u.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := u.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return render.Rendered{Object: u}
}

func gvk(group, version, kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: group, Version: version, Kind: kind}
}

const (
	deploymentYAML = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: shop}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}"
	namespaceYAML  = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"
	widget         = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: shop}, spec: {size: big}}"
	rollout        = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}, strategy: {blueGreen: {activeService: s}}}}"
	cronJobYAML    = "{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: c}, spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}}"
)

func widgets(t testing.TB) apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	var crd apiextensionsv1.CustomResourceDefinition
	if err := sigsyaml.Unmarshal([]byte(`
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
`), &crd); err != nil {
		t.Fatal(err)
	}
	return crd
}

func TestKnown(t *testing.T) {
	served := map[schema.GroupVersionKind]bool{
		gvk("apps", "v1", "Deployment"): true, gvk("", "v1", "Namespace"): false, gvk("example.com", "v1", "Widget"): true, gvk("batch", "v1", "CronJob"): true,
	}
	tests := []struct {
		name    string
		objects []string
		known   *Known
		want    []string // in the findings, one each
	}{
		{"nothing at all", nil, nil, []string{"no objects to validate"}},
		{"nothing at all, with a cluster", nil, &Known{Kinds: served}, []string{"no objects to validate"}},
		{"a custom kind offline", []string{widget}, nil, []string{"unknown kind example.com/v1 Widget: Kubernetes does not have it"}},
		{"a custom kind that is served, schema unknown", []string{widget}, &Known{Kinds: served}, nil},
		{"a custom kind that is served, with its schema", []string{widget}, &Known{Kinds: served, CRDs: []apiextensionsv1.CustomResourceDefinition{widgets(t)}}, []string{"spec.size: must be of type integer, and is of type string"}},
		{"a kind that this cluster does not serve", []string{deploymentYAML}, &Known{Kinds: map[schema.GroupVersionKind]bool{gvk("", "v1", "Namespace"): false}}, []string{`unknown kind apps/v1 Deployment: the cluster does not serve it, and no CustomResourceDefinition among the objects defines it (Deployment.apps "" not found); `}},
		{"a version of a kind that it serves in another", []string{widget}, &Known{Kinds: map[schema.GroupVersionKind]bool{gvk("example.com", "v2", "Widget"): true, gvk("a.example.com", "v1", "Widget"): true}, DefaultNamespace: "shop"},
			[]string{`example.com/v1 Widget is not served (The Kubernetes API could not find version "v1" of example.com/Widget for requested resource shop/w. Version "v2" of example.com/Widget is installed on the destination cluster.); use example.com/v2`}},
		{"a kind that it serves in a group of somebody else", []string{strings.Replace(widget, "example.com/v1", "wrong.example.org/v1alpha1", 1)}, &Known{Kinds: map[schema.GroupVersionKind]bool{gvk("example.com", "v1", "Widget"): false}},
			[]string{`(The Kubernetes API could not find version "v1alpha1" of wrong.example.org/Widget for requested resource w. Version "v1" of example.com/Widget is installed on the destination cluster.); add its CustomResourceDefinition`}},
		{"a kind that it serves in the group without a name", []string{strings.Replace(widget, "example.com/v1", "wrong.example.org/v1alpha1", 1)}, &Known{Kinds: map[schema.GroupVersionKind]bool{gvk("", "v1", "Widget"): false}},
			[]string{`Version "v1" of Widget is installed on the destination cluster.)`}},
		{"our own kind, not installed", []string{rollout}, &Known{Kinds: served}, []string{"the cluster does not serve it"}},
		{"our own kind, installed", []string{rollout}, &Known{Kinds: map[schema.GroupVersionKind]bool{gvk("argoproj.io", "v1alpha1", "Rollout"): true}}, nil},
		{"an old version that an old cluster serves", []string{cronJobYAML}, &Known{Kinds: map[schema.GroupVersionKind]bool{gvk("batch", "v1beta1", "CronJob"): true}}, nil},
		{"an old version that it does not", []string{cronJobYAML}, &Known{Kinds: served}, []string{`Version "v1" of batch/CronJob is installed on the destination cluster.); use batch/v1`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var objects []render.Rendered
			for _, o := range test.objects {
				objects = append(objects, object(t, o))
			}
			findings := Check(objects, test.known)
			if len(findings) != len(test.want) {
				t.Fatalf("found\n%s\nand should find %d", lines(findings), len(test.want))
			}
			for i, want := range test.want {
				if !strings.Contains(findings[i].Error(), want) {
					t.Errorf("found %s\nwithout %s", findings[i], want)
				}
				if findings[i].Remedy == "" {
					t.Errorf("%s has no remedy", findings[i])
				}
			}
		})
	}
}

// Kinds that are only asked for, or made by the API server itself, never stand in a manifest.
var notInManifests = map[string]bool{
	"Binding": true, "ComponentStatus": true, "DeleteOptions": true, "Eviction": true, "LocalSubjectAccessReview": true, "NodeProxyOptions": true, "PodAttachOptions": true,
	"PodExecOptions": true, "PodLogOptions": true, "PodPortForwardOptions": true, "PodProxyOptions": true, "PodStatusResult": true, "RangeAllocation": true, "Scale": true,
	"SelfSubjectAccessReview": true, "SelfSubjectReview": true, "SelfSubjectRulesReview": true, "SerializedReference": true, "ServiceProxyOptions": true, "SubjectAccessReview": true,
	"TokenRequest": true, "TokenReview": true, "WatchEvent": true, "APIVersions": true, "APIGroup": true, "Status": true,
}

func TestEveryStableKindHasRules(t *testing.T) {
	for gvk := range legacyscheme.Scheme.AllKnownTypes() {
		if !isStable(gvk.Version) || notInManifests[gvk.Kind] || strings.HasSuffix(gvk.Kind, "List") || strings.HasSuffix(gvk.Kind, "Options") {
			continue
		}
		if _, ok := builtins()[gvk.GroupKind()]; !ok {
			t.Errorf("%s has no rules", gvk)
		}
	}
	for gk, b := range builtins() {
		if len(b.scheme.VersionsForGroupKind(gk)) == 0 {
			t.Errorf("%s is in no scheme", gk)
		}
	}
}

func TestOwnDefinitionsCompile(t *testing.T) {
	for name, read := range vendored() {
		kinds := read()
		if len(kinds) == 0 {
			t.Errorf("%s serves nothing", name)
		}
		for gvk, c := range kinds {
			if _, err := c.rules(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if vendoredKind(gvk) == nil {
				t.Errorf("%s is not found in a file called %s", gvk, name)
			}
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	const hidden = "hunter2"
	for _, manifest := range []string{
		"{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: '" + hidden + "!'}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {'a b': " + hidden + "}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: [" + hidden + "]}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: s}, data: " + hidden + "}",
		"{apiVersion: v1, kind: Secret, metadata: {name: s}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: " + hidden + "}}",
	} {
		findings := Check([]render.Rendered{object(t, manifest)}, nil)
		if len(findings) == 0 {
			t.Errorf("%s passes", manifest)
		}
		if text := lines(findings); strings.Contains(text, hidden) {
			t.Errorf("found %s", text)
		}
	}
}

func TestObjectsStayAsTheyAre(t *testing.T) {
	for _, manifest := range []string{deploymentYAML, rollout, widget, "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {clusterIP: None, unknown: 1, ports: [{port: 80}]}}"} {
		o := object(t, manifest)
		before := o.Object.DeepCopy()
		Check([]render.Rendered{o}, &Known{Kinds: map[schema.GroupVersionKind]bool{gvk("example.com", "v1", "Widget"): true}, CRDs: []apiextensionsv1.CustomResourceDefinition{widgets(t)}})
		Check([]render.Rendered{o}, nil)
		if !slices.Equal([]string{encode(t, before)}, []string{encode(t, o.Object)}) {
			t.Errorf("%s became %s", encode(t, before), encode(t, o.Object))
		}
	}
}

func encode(t testing.TB, u *unstructured.Unstructured) string {
	t.Helper()
	data, err := u.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestChecksAtTheSameTime(t *testing.T) {
	objects := []render.Rendered{object(t, deploymentYAML), object(t, rollout), object(t, widget)}
	want := lines(Check(objects, nil))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if got := lines(Check(objects, nil)); got != want {
				t.Errorf("found\n%s\nand alone\n%s", got, want)
			}
		})
	}
	wait.Wait()
}
