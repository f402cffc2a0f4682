package plan

import (
	"encoding/base64"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// yielding returns an object from git without what is not git's to say, by the contract of its kind: what the API
// server or a controller fills in, and what is only another way to write a field. Who writes these fields in spite of
// that would undo the work of others for ever, or never see a key go. Its metadata may be changed; everything else is
// the given object's own where the kind has no such contract.
func yielding(object *unstructured.Unstructured) *unstructured.Unstructured {
	if contract := contracts[object.GroupVersionKind().GroupKind()]; contract != nil {
		object = object.DeepCopy()
		contract(object)
		return object
	}
	fields := maps.Clone(object.Object)
	if metadata, ok := fields["metadata"].(map[string]any); ok {
		fields["metadata"] = maps.Clone(metadata)
	}
	return &unstructured.Unstructured{Object: fields}
}

// contracts take out of objects of a kind what is not git's to say.
var contracts = map[schema.GroupKind]func(*unstructured.Unstructured){
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}:                       yieldRules,
	{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}:   yieldBundles,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}: yieldBundles,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: func(o *unstructured.Unstructured) {
		yieldBundle(o.Object, "spec", "conversion", "webhook", "clientConfig")
	},
	{Group: "apiregistration.k8s.io", Kind: "APIService"}: func(o *unstructured.Unstructured) { yieldBundle(o.Object, "spec") },
	{Kind: "Namespace"}:                       func(o *unstructured.Unstructured) { unstructured.RemoveNestedField(o.Object, "spec", "finalizers") },
	{Group: corev1.GroupName, Kind: "Secret"}: encodeStringData,
}

// yieldRules leaves the rules of an aggregated role out: they are the sum of those that it selects.
func yieldRules(role *unstructured.Unstructured) {
	if rule, found, _ := unstructured.NestedFieldNoCopy(role.Object, "aggregationRule"); found && rule != nil {
		delete(role.Object, "rules")
	}
}

func yieldBundles(configuration *unstructured.Unstructured) {
	webhooks, _ := configuration.Object["webhooks"].([]any)
	for _, webhook := range webhooks {
		if fields, ok := webhook.(map[string]any); ok {
			yieldBundle(fields, "clientConfig")
		}
	}
}

// yieldBundle leaves an empty certificate bundle to whoever injects it.
func yieldBundle(object map[string]any, path ...string) {
	fields, found, err := unstructured.NestedFieldNoCopy(object, path...)
	config, ok := fields.(map[string]any)
	if !found || err != nil || !ok {
		return
	}
	switch config["caBundle"] {
	case nil, "", base64.StdEncoding.EncodeToString([]byte("\n")):
		delete(config, "caBundle")
	}
}

// encodeStringData writes what a Secret gives as stringData as data, as the API server does: it keeps nothing of who
// set which key of stringData, so that a key that git drops would stay. What is no text is left to the API server to
// refuse.
func encodeStringData(object *unstructured.Unstructured) {
	plain, found, err := unstructured.NestedStringMap(object.Object, "stringData")
	if !found || err != nil {
		return
	}
	data, found, err := unstructured.NestedMap(object.Object, "data")
	if err != nil && object.Object["data"] != nil {
		return
	}
	if !found || data == nil {
		data = map[string]any{}
	}
	for key, value := range plain {
		data[key] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	delete(object.Object, "stringData")
	if len(data) > 0 {
		object.Object["data"] = data
	}
}
