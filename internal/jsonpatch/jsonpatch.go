// Package jsonpatch writes JSON patches (RFC 6902) for objects that have to be as they were read. Keys are escaped.
package jsonpatch

import (
	"encoding/json"
	"strings"
)

// Patch is a list of operations. Each method returns the patch with one more.
type Patch []operation

type operation struct {
	op, path string
	value    any
}

// AsRead is a patch that fails unless the object has this resourceVersion.
func AsRead(resourceVersion string) Patch {
	return Patch{}.Test(resourceVersion, "metadata", "resourceVersion")
}

// Test fails unless the value at the path is this one.
func (p Patch) Test(value any, path ...string) Patch { return p.with("test", value, path) }

// Add sets a key of a mapping, there or not, or inserts into a list. What the path leads through has to be there.
func (p Patch) Add(value any, path ...string) Patch { return p.with("add", value, path) }

// Replace sets what is at the path, which has to be there.
func (p Patch) Replace(value any, path ...string) Patch { return p.with("replace", value, path) }

// Remove removes what is at the path, which has to be there.
func (p Patch) Remove(path ...string) Patch { return p.with("remove", nil, path) }

func (p Patch) with(op string, value any, path []string) Patch {
	return append(p[:len(p):len(p)], operation{op, Pointer(path...), value})
}

// Data is the patch as the API server takes it.
func (p Patch) Data() ([]byte, error) { return json.Marshal(p) }

// MarshalJSON writes a value, null included, with every operation but remove.
func (o operation) MarshalJSON() ([]byte, error) {
	written := map[string]any{"op": o.op, "path": o.path}
	if o.op != "remove" {
		written["value"] = o.value
	}
	return json.Marshal(written)
}

var escapes = strings.NewReplacer("~", "~0", "/", "~1")

// Pointer is the JSON pointer (RFC 6901) of keys.
func Pointer(keys ...string) string {
	var pointer strings.Builder
	for _, key := range keys {
		pointer.WriteString("/" + escapes.Replace(key))
	}
	return pointer.String()
}
