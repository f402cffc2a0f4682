package validate

import (
	"maps"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/internal/render"
)

// What is said of a kind that is not served: since when, and what to use instead.
func TestMissingKinds(t *testing.T) {
	cluster := func(served ...schema.GroupVersionKind) *Known {
		k := &Known{Kinds: map[schema.GroupVersionKind]bool{}}
		for _, gvk := range served {
			k.Kinds[gvk] = true
		}
		return k
	}
	for _, c := range []struct {
		rule  string
		kind  schema.GroupVersionKind
		known *Known
		want  string
	}{
		{"removed without a successor", gvk("policy", "v1beta1", "PodSecurityPolicy"), nil, "apiVersion: policy/v1beta1 PodSecurityPolicy is not served since v1.25; remove it: nothing replaces it; then label the namespaces with pod-security.kubernetes.io/enforce, or write a ValidatingAdmissionPolicy"},
		{"removed without a successor, older", gvk("extensions", "v1beta1", "PodSecurityPolicy"), nil, "apiVersion: extensions/v1beta1 PodSecurityPolicy is not served since v1.16; remove it: nothing replaces it; then label the namespaces with pod-security.kubernetes.io/enforce, or write a ValidatingAdmissionPolicy"},
		{"types that are gone: definitions", gvk("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition"), nil, "apiVersion: apiextensions.k8s.io/v1beta1 CustomResourceDefinition is not served since v1.22; use apiextensions.k8s.io/v1" + alsoChanges(gvk("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition"))},
		{"types that are gone: services of APIs", gvk("apiregistration.k8s.io", "v1beta1", "APIService"), nil, "apiVersion: apiregistration.k8s.io/v1beta1 APIService is not served since v1.22; use apiregistration.k8s.io/v1; no field changes"},
		{"types that are gone: autoscalers", gvk("autoscaling", "v2beta1", "HorizontalPodAutoscaler"), nil, "apiVersion: autoscaling/v2beta1 HorizontalPodAutoscaler is not served since v1.25; use autoscaling/v2; then metrics[].resource.targetAverageUtilization is metrics[].resource.target.averageUtilization with type: Utilization, and so for the other targets"},
		{"a version that never was", gvk("certificates.k8s.io", "v1alpha9", "CertificateSigningRequest"), nil, "apiVersion: certificates.k8s.io/v1alpha9 CertificateSigningRequest is not served; use certificates.k8s.io/v1"},
		{"types that are gone: flows", gvk("flowcontrol.apiserver.k8s.io", "v1alpha1", "FlowSchema"), nil, "apiVersion: flowcontrol.apiserver.k8s.io/v1alpha1 FlowSchema is not served since v1.21; use flowcontrol.apiserver.k8s.io/v1; no field changes"},
		{"types that are gone: levels of priority", gvk("flowcontrol.apiserver.k8s.io", "v1alpha1", "PriorityLevelConfiguration"), nil, "apiVersion: flowcontrol.apiserver.k8s.io/v1alpha1 PriorityLevelConfiguration is not served since v1.21; use flowcontrol.apiserver.k8s.io/v1; then spec.limited.assuredConcurrencyShares is spec.limited.nominalConcurrencyShares"},
		{"a version of webhooks that never was", gvk("admissionregistration.k8s.io", "v1alpha9", "MutatingWebhookConfiguration"), nil, "apiVersion: admissionregistration.k8s.io/v1alpha9 MutatingWebhookConfiguration is not served; use admissionregistration.k8s.io/v1"},
		{"a stable version that never was", gvk("apiextensions.k8s.io", "v2", "CustomResourceDefinition"), nil, "apiVersion: apiextensions.k8s.io/v2 CustomResourceDefinition is not served; use apiextensions.k8s.io/v1"},
		{"an old version, of which the types know the successor", gvk("networking.k8s.io", "v1beta1", "Ingress"), nil, "apiVersion: networking.k8s.io/v1beta1 Ingress is not served since v1.22; use networking.k8s.io/v1" + alsoChanges(gvk("networking.k8s.io", "v1beta1", "Ingress"))},
		{"a group that was left", gvk("extensions", "v1beta1", "DaemonSet"), nil, "apiVersion: extensions/v1beta1 DaemonSet is not served since v1.16; use apps/v1" + alsoChanges(gvk("extensions", "v1beta1", "DaemonSet"))},
		{"an old version without a successor in the types", gvk("policy", "v1beta1", "Eviction"), nil, "apiVersion: policy/v1beta1 Eviction is not served since v1.25; use policy/v1; no field changes"},
		{"the wrong group", gvk("", "v1", "Deployment"), nil, "apiVersion: v1 Deployment is not served; use apps/v1"},
		{"a version that a kind does not have", gvk("apps", "v9", "Deployment"), nil, "apiVersion: apps/v9 Deployment is not served; use apps/v1"},
		{"an alpha version of the built-in types", gvk("storagemigration.k8s.io", "v1alpha1", "StorageVersionMigration"), nil, "apiVersion: storagemigration.k8s.io/v1alpha1 StorageVersionMigration is not served since v1.35; use storagemigration.k8s.io/v1"},
		{"several groups with the kind", gvk("wrong", "v1", "Event"), nil, "apiVersion: wrong/v1 Event is not served; use events.k8s.io/v1 or v1"},
		{"a kind misspelt, of a group and version that are there", gvk("apps", "v1", "Deploymnt"), nil, "kind: unknown kind apps/v1 Deploymnt: Kubernetes does not have it, and no CustomResourceDefinition among the objects defines it; did you mean Deployment?"},
		{"ApplicationSets", gvk("argoproj.io", "v1alpha1", "ApplicationSet"), nil, "kind: argoproj.io/v1alpha1 ApplicationSet is not served: no Application is generated from it; write the Applications themselves, or keep argocd-applicationset-controller running beside Cyan"},
		{"only kinds of the same group and version are likely", gvk("apps", "v1", "Ingres"), nil, "kind: unknown kind apps/v1 Ingres: Kubernetes does not have it, and no CustomResourceDefinition among the objects defines it; add its CustomResourceDefinition, or correct apiVersion and kind"},
		{"any kind is likely where the group is unknown", gvk("network.k8s.io", "v1", "Ingres"), nil, "kind: unknown kind network.k8s.io/v1 Ingres: Kubernetes does not have it, and no CustomResourceDefinition among the objects defines it; did you mean Ingress?"},
		{"one of Cyan's own, misspelt", gvk("argoproj.io", "v1alpha1", "Rolout"), nil, "kind: unknown kind argoproj.io/v1alpha1 Rolout: Kubernetes does not have it, and no CustomResourceDefinition among the objects defines it; did you mean Rollout?"},
		{"a version that the cluster does not serve", gvk("example.com", "v2", "Widget"), cluster(gvk("example.com", "v1", "Widget")), "apiVersion: example.com/v2 Widget is not served; use example.com/v1"},
		{"several versions that it does, in order", gvk("example.com", "v4", "Widget"), cluster(gvk("example.com", "v3", "Widget"), gvk("example.com", "v1", "Widget"), gvk("example.com", "v2", "Widget")), "apiVersion: example.com/v4 Widget is not served; use example.com/v1 or example.com/v2 or example.com/v3"},
		{"a kind that the cluster has in another group", gvk("", "v1", "Widget"), cluster(gvk("example.com", "v1", "Widget")), "apiVersion: v1 Widget is not served; use example.com/v1"},
		{"a kind of the cluster, misspelt", gvk("example.com", "v1", "Wigdet"), cluster(gvk("example.com", "v1", "Widget")), "kind: unknown kind example.com/v1 Wigdet: the cluster does not serve it, and no CustomResourceDefinition among the objects defines it; did you mean Widget?"},
		{"a built-in version that the cluster has switched off", gvk("apps", "v1", "Deployment"), cluster(gvk("apps", "v2", "Deployment")), "apiVersion: apps/v1 Deployment is not served; use apps/v2"},
		{"nothing is served", gvk("apps", "v1", "Deployment"), cluster(), "kind: unknown kind apps/v1 Deployment: the cluster does not serve it, and no CustomResourceDefinition among the objects defines it; add its CustomResourceDefinition, or correct apiVersion and kind"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			found := newKinds(c.known).find(c.kind)
			if got := found.field + ": " + found.problem + "; " + found.remedy; got != c.want {
				t.Errorf("found\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestReplacement(t *testing.T) {
	for _, c := range []struct {
		rule   string
		kind   schema.GroupVersionKind
		served []string
		want   string
	}{
		{"known to the types", gvk("networking.k8s.io", "v1beta1", "Ingress"), []string{"x/v1"}, "networking.k8s.io/v1"},
		{"of another name", gvk("", "v1", "Endpoints"), nil, "discovery.k8s.io/v1 EndpointSlice"},
		{"gone with the types", gvk("autoscaling", "v2beta2", "HorizontalPodAutoscaler"), []string{"x/v1"}, "autoscaling/v2"},
		{"what is served", gvk("example.com", "v1", "Widget"), []string{"example.com/v2", "example.com/v3"}, "example.com/v2 or example.com/v3"},
		{"without a successor in the types", gvk("apps", "v1", "Deployment"), []string{"apps/v2"}, "apps/v2"},
		{"nothing", gvk("example.com", "v1", "Widget"), nil, ""},
	} {
		if got := replacement(c.kind, c.served, NewestMinor); got != c.want {
			t.Errorf("%s: %q, want %q", c.rule, got, c.want)
		}
	}
}

// The types of Kubernetes that have a life of their own are those whose end is known.
func TestRemovedSince(t *testing.T) {
	for kind, want := range map[schema.GroupVersionKind]string{
		gvk("networking.k8s.io", "v1beta1", "Ingress"): "1.22", gvk("apps", "v1", "Deployment"): "", gvk("policy", "v1beta1", "PodSecurityPolicy"): "1.25",
		gvk("policy", "v1", "PodSecurityPolicy"): "", gvk("example.com", "v1", "Widget"): "", gvk("example.com", "v1beta1", "Widget"): "",
		gvk("autoscaling", "v2beta2", "HorizontalPodAutoscaler"): "1.26",
	} {
		if got := newKinds(nil).removedSince(kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}

// Which rules an object meets: those of its own rendering before Cyan's own, those of the cluster before Cyan's own.
func TestDefinitions(t *testing.T) {
	const ownRollout = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: rollouts.argoproj.io}, spec: {group: argoproj.io, scope: Namespaced,
		names: {kind: Rollout, plural: rollouts, singular: rollout, listKind: RolloutList}, versions: [{name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, required: [mine]}}}}},
		{name: v1beta1, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}]}}`
	const plain = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r}, spec: {selector: {matchLabels: {a: b}}}}"
	definition := func(versions string) apiextensionsv1.CustomResourceDefinition {
		crd := widgets(t)
		r := object(t, "{kind: CustomResourceDefinition, spec: {versions: "+versions+"}}")
		list := &apiextensionsv1.CustomResourceDefinition{}
		convert(t, r, list)
		crd.Spec.Versions = list.Spec.Versions
		return crd
	}
	serving := func(crd apiextensionsv1.CustomResourceDefinition) *Known {
		return &Known{Kinds: map[schema.GroupVersionKind]bool{gvk("example.com", "v1", "Widget"): true}, CRDs: []apiextensionsv1.CustomResourceDefinition{crd}}
	}
	schemaOf := func(properties string) apiextensionsv1.CustomResourceDefinition {
		return definition("[{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: " + properties + "}}}}}]")
	}
	widgetOf := func(spec string) string {
		return "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}, spec: " + spec + "}"
	}
	for _, c := range []struct {
		rule    string
		objects []string
		known   *Known
		want    string
	}{
		{"of the same rendering", []string{ownRollout, plain}, nil, "Rollout r: spec.mine: the field is missing; add it\nRollout r: spec.selector: spec has no field \"selector\"; remove it\n"},
		{"of the same rendering, given later", []string{plain, ownRollout}, nil, "Rollout r: spec.mine: the field is missing; add it\nRollout r: spec.selector: spec has no field \"selector\"; remove it\n"},
		{"a version that it does not serve", []string{ownRollout, strings.Replace(plain, "v1alpha1", "v1beta1", 1)}, nil, "Rollout r: apiVersion: argoproj.io/v1beta1 Rollout is not served; use argoproj.io/v1alpha1\n"},
		{"of the cluster, without a schema", []string{widgetOf("{size: big}")}, serving(definition("[{name: v1, served: true, storage: true}]")), ""},
		{"of the cluster, with an empty schema", []string{widgetOf("{size: big}")}, serving(definition("[{name: v1, served: true, storage: true, schema: {}}]")), ""},
		{"of the cluster, broken", []string{widgetOf("{}")}, serving(schemaOf("{size: {type: integer, $ref: '#/x'}}")), "Widget w: invalid schema in the CustomResourceDefinition"},
		{"a default fills in what is required", []string{widgetOf("{}")}, serving(definition("[{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, required: [size], properties: {size: {type: integer, default: 1}}}}}}}]")), ""},
		{"null takes the default where null is not allowed", []string{widgetOf("{size: null}")}, serving(schemaOf("{size: {type: integer, default: 1}}")), ""},
		{"null where it is allowed", []string{widgetOf("{size: null}")}, serving(schemaOf("{size: {type: integer, nullable: true}}")), ""},
		{"an unknown field in a list", []string{widgetOf("{doors: [{name: a}, {nme: b}]}")}, serving(schemaOf("{doors: {type: array, items: {type: object, properties: {name: {type: string}}}}}")), "Widget w: spec.doors[1].nme: spec.doors[1] has no field \"nme\"; did you mean name?\n"},
		{"an unknown field below any key", []string{widgetOf("{doors: {front: {nme: b}}}")}, serving(schemaOf("{doors: {type: object, additionalProperties: {type: object, properties: {name: {type: string}}}}}")), "Widget w: spec.doors.front.nme: spec.doors.front has no field \"nme\"; did you mean name?\n"},
		{"an unknown field, like no other", []string{widgetOf("{zzzzzz: 1}")}, serving(schemaOf("{size: {type: integer}}")), "Widget w: spec.zzzzzz: spec has no field \"zzzzzz\"; remove it\n"},
		{"an unknown field at the top", []string{strings.Replace(widgetOf("{}"), "spec:", "spek:", 1)}, serving(schemaOf("{size: {type: integer}}")), "Widget w: spek: Widget has no field \"spek\"; did you mean spec?\n"},
		{"a field that is kept unknown", []string{widgetOf("{any: {x: 1}}")}, serving(schemaOf("{any: {type: object, x-kubernetes-preserve-unknown-fields: true}}")), ""},
		{"metadata of an embedded object", []string{widgetOf("{pod: {apiVersion: v1, kind: Pod, metadata: {name: 1}}}")}, serving(schemaOf("{pod: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}}")), "Widget w: spec.pod.metadata"},
		{"metadata of a wrong type", []string{"{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, labels: [a]}, spec: {size: 1}}"}, serving(schemaOf("{size: {type: integer}}")), "Widget w: metadata.labels: must be a mapping, and is a list; write key: value pairs\n"},
		{"another kind of the group of Rollouts", []string{"{apiVersion: argoproj.io/v1alpha1, kind: AppProject, metadata: {name: p}, spec: {template: {spec: {containers: [{name: a, imge: b}]}}}}"}, nil, "AppProject p: spec.template: spec has no field \"template\"; remove it\n"},
		{"a Rollout of another group", []string{strings.NewReplacer("Widget", "Rollout").Replace(widgetOf("{template: {spec: {containers: [{nme: a}]}}}"))},
			&Known{Kinds: map[schema.GroupVersionKind]bool{gvk("example.com", "v1", "Rollout"): true}, CRDs: []apiextensionsv1.CustomResourceDefinition{rolloutOfAnotherGroup(schemaOf("{template: {type: object, x-kubernetes-preserve-unknown-fields: true}}"))}}, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var objects []render.Rendered
			for _, o := range c.objects {
				objects = append(objects, object(t, o))
			}
			got := lines(Check(objects, c.known))
			if got != c.want && (strings.HasSuffix(c.want, "\n") || c.want == "" || !strings.HasPrefix(got, c.want)) {
				t.Errorf("found\n%swant\n%s", got, c.want)
			}
		})
	}
}

func rolloutOfAnotherGroup(crd apiextensionsv1.CustomResourceDefinition) apiextensionsv1.CustomResourceDefinition {
	crd.Spec.Names = apiextensionsv1.CustomResourceDefinitionNames{Kind: "Rollout", Plural: "rollouts"}
	return crd
}

// The rules of a schema are compiled once for all definitions that have it, and a cluster-scoped kind has others.
func TestCachedRules(t *testing.T) {
	version := widgets(t).Spec.Versions[0]
	kind := gvk("example.com", "v1", "Widget")
	rules := func(namespaced bool) *customRules {
		r, err := cachedRules(kind, namespaced, version)
		if err != nil || r == nil {
			t.Fatalf("rules %v, %v", r, err)
		}
		return r
	}
	one := rules(true)
	if two := rules(true); one != two {
		t.Error("the same schema is compiled twice")
	}
	if other := rules(false); one == other || other.strategy.NamespaceScoped() || !one.strategy.NamespaceScoped() {
		t.Error("a cluster-scoped kind has the rules of a namespaced one")
	}
	found := customKinds(ptr.To(widgets(t)))
	if kinds := slices.Collect(maps.Keys(found)); len(kinds) != 1 || !found[kind].namespaced {
		t.Errorf("the definition has %v, want a namespaced Widget", kinds)
	}
	cluster := widgets(t)
	cluster.Spec.Scope = apiextensionsv1.ClusterScoped
	if customKinds(&cluster)[kind].namespaced {
		t.Error("a cluster-scoped Widget counts as namespaced")
	}
}

func convert(t *testing.T, from render.Rendered, into any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(from.Object.Object, into); err != nil {
		t.Fatal(err)
	}
}
