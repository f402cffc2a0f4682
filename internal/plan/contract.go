package plan

import (
	"encoding/base64"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// yield leaves out of an object from git what is not git's to say, by the contract of its kind: what the API server or
// a controller fills in, and what is only another way to write a field. Who writes these fields in spite of that would
// undo the work of others for ever, or never see a key go.
func yield(object *unstructured.Unstructured) {
	switch object.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}:
		// The rules of an aggregated role are the sum of those that it selects.
		if rule, found, _ := unstructured.NestedFieldNoCopy(object.Object, "aggregationRule"); found && rule != nil {
			delete(object.Object, "rules")
		}
	case schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}, schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}:
		webhooks, _ := object.Object["webhooks"].([]any)
		for _, webhook := range webhooks {
			if fields, ok := webhook.(map[string]any); ok {
				yieldBundle(fields, "clientConfig")
			}
		}
	case schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		yieldBundle(object.Object, "spec", "conversion", "webhook", "clientConfig")
	case schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}:
		yieldBundle(object.Object, "spec")
	case schema.GroupKind{Kind: "Namespace"}:
		unstructured.RemoveNestedField(object.Object, "spec", "finalizers")
	case schema.GroupKind{Group: corev1.GroupName, Kind: "Secret"}:
		encodeStringData(object)
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
