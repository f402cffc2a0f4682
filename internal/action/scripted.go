package action

import (
	"encoding/json"
	"fmt"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/script"
)

// scripted returns the request of a script: what it changed of the object, and what it wants created.
func scripted(name string, o *unstructured.Unstructured, scripts *script.Actions, wanted string, now time.Time) (Request, error) {
	refused := func(err error) (Request, error) {
		return Request{}, &problem.Error{Kind: problem.Refused, Object: name, Cause: err.Error(), Remedy: "correct the script", Err: err}
	}
	out, err := scripts.Run(wanted, o, now)
	if err != nil {
		return refused(err)
	}
	request := Request{Outcome: wanted + " done", Scripted: true}
	for i, created := range out.Created {
		object := &unstructured.Unstructured{Object: created}
		if object.GetAPIVersion() == "" || object.GetKind() == "" || object.GetName() == "" && object.GetGenerateName() == "" {
			return refused(fmt.Errorf("action.lua of %q: object %d that it wants created lacks apiVersion, kind or name", wanted, i+1))
		}
		request.Created = append(request.Created, object)
	}
	if out.After == nil {
		return request, nil
	}
	before, after := &unstructured.Unstructured{Object: out.Before}, &unstructured.Unstructured{Object: out.After}
	if identityOf(before) != identityOf(after) {
		return refused(fmt.Errorf("action.lua of %q: returned another object than the one it was given, and none but that is patched", wanted))
	}
	request.Patches, err = difference(before, after)
	if err != nil {
		return refused(err)
	}
	if len(request.Patches) == 0 && len(request.Created) == 0 {
		request.Outcome = "left as it is by " + wanted
	}
	return request, nil
}

// identityOf is what of an object no action changes.
func identityOf(o *unstructured.Unstructured) [5]string {
	return [5]string{o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName(), string(o.GetUID())}
}

// kept are the fields of metadata that are the API server's.
var kept = []string{"managedFields", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "selfLink"}

// difference returns the patches that make one object of another, on the condition that it is as it was read. A status
// is patched twice: with the object, which has it where the kind has no such subresource, and by itself.
func difference(before, after *unstructured.Unstructured) ([]Patch, error) {
	version := before.GetResourceVersion()
	var texts [2][]byte
	for i, o := range []*unstructured.Unstructured{before, after} {
		for _, field := range kept {
			unstructured.RemoveNestedField(o.Object, "metadata", field)
		}
		texts[i] = encode(o.Object)
	}
	merged, err := jsonpatch.CreateMergePatch(texts[0], texts[1])
	if err != nil {
		return nil, fmt.Errorf("comparing what the script returned: %w", err)
	}
	var body map[string]any
	if err := json.Unmarshal(merged, &body); err != nil || len(body) == 0 {
		return nil, err
	}
	status, changed := body["status"]
	patches := []Patch{merge("", unchanged(version, body))}
	if changed {
		own := merge("status", map[string]any{"status": status})
		own.IfServed = true
		patches = append(patches, own)
	}
	return patches, nil
}
