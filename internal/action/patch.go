// Package action is what a person may ask for, whatever the program that asks: from an object as it was read, the
// patches that make the request. It decides and writes nothing; who sends the patches needs no more than the right to
// patch.
package action

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Patch is one write to an object.
type Patch struct {
	// Subresource is "status", or empty for the object itself.
	Subresource string
	Type        types.PatchType
	Body        []byte
	// IfServed is set where the kind may lack the subresource, and the patch before it has done the same then.
	IfServed bool
}

// Request is what is asked of an object.
type Request struct {
	// Patches in the order in which they are sent. A patch that carries a resourceVersion is a conflict when the object
	// has changed since it was read: read it and ask again.
	Patches []Patch
	// Scripted is set where a script that people keep has made it: it is sent where the project permits what it concerns.
	Scripted bool
	// Created are objects that are made before.
	Created []*unstructured.Unstructured
	// Outcome is what to tell a person once they are sent, such as "promoted".
	Outcome string
}

// merge returns a merge patch (RFC 7386).
func merge(subresource string, body map[string]any) Patch {
	return Patch{Subresource: subresource, Type: types.MergePatchType, Body: encode(body)}
}

// encode returns the JSON of what this package has built from maps, strings and API types, which always encodes.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("a patch of known types does not encode: " + err.Error())
	}
	return data
}

// unchanged is a merge patch's condition that an object is as it was read.
func unchanged(resourceVersion string, body map[string]any) map[string]any {
	metadata, ok := body["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		body["metadata"] = metadata
	}
	metadata["resourceVersion"] = resourceVersion
	return body
}
