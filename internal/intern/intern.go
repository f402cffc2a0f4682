// Package intern has Kubernetes objects hold once what they have in common: objects of one template differ in a few
// names, and an object as maps takes ten times the memory of its text.
package intern

import (
	"hash/maphash"
	"math"
	"math/bits"
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// mostKept bounds the maps and lists, and the texts, that are kept for objects to come; each begins anew when it is
	// full, which costs nothing but that some are held once more.
	mostKept = 1 << 14
	// lately is the number of places for what was met: a power of two.
	lately = 1 << 14
	// longestText is the length of the longest text that is kept, in bytes.
	longestText = 128
)

// Values are the parts that objects have in common. The zero value knows none yet. It is safe for concurrent use.
type Values struct {
	mu sync.Mutex
	// met has the hashes of what was met lately, each in a place that the hash names: what comes a second time is kept.
	met []uint64
	// texts are boxed as the values that they are, and parts have the maps and lists by their hashes.
	texts map[string]any
	parts map[uint64]any
}

// seed makes the hashes ones that cannot be foreseen.
var seed = maphash.MakeSeed()

// Object has an object hold those of its parts that are equal to parts of objects before it in place of its own. Nobody
// else may have the object yet, and none of these objects may be changed from then on.
func (v *Values) Object(o *unstructured.Unstructured) {
	if o == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.met == nil {
		v.met, v.texts, v.parts = make([]uint64, lately), map[string]any{}, map[uint64]any{}
	}
	v.fields(o.Object)
}

// of returns a value, or one that is equal and was there before, and the hash of either.
func (v *Values) of(value any) (any, uint64) {
	switch value := value.(type) {
	case string:
		return v.text(value)
	case map[string]any:
		return v.part(value, v.fields(value))
	case []any:
		sum := uint64(listMark)
		for i := range value {
			element, hash := v.of(value[i])
			value[i], sum = element, mixed(sum, hash)
		}
		return v.part(value, sum)
	}
	return value, hashOf(value)
}

// fields has a map hold its values as [Values.of] returns them, and returns the hash of the map.
func (v *Values) fields(of map[string]any) uint64 {
	sum := uint64(mapMark)
	for name, field := range of {
		value, hash := v.of(field)
		key, keyHash := v.text(name)
		// An equal key that is written takes the place of the one before.
		of[key.(string)] = value //nolint:forcetypeassert // texts are nothing else
		sum += mixed(keyHash, hash)
	}
	return sum
}

// text returns a text, or the equal one that is kept, and its hash.
func (v *Values) text(value string) (any, uint64) {
	hash := maphash.String(seed, value)
	if len(value) > longestText {
		return value, hash
	}
	if kept, ok := v.texts[value]; ok {
		return kept, hash
	}
	boxed := any(value)
	if v.again(hash) {
		if len(v.texts) >= mostKept {
			clear(v.texts)
		}
		v.texts[value] = boxed
	}
	return boxed, hash
}

// part returns a map or a list, or the equal one that is kept, and its hash.
func (v *Values) part(value any, hash uint64) (any, uint64) {
	kept, ok := v.parts[hash]
	switch {
	case ok && equal(kept, value):
		return kept, hash
	case !ok && v.again(hash):
		if len(v.parts) >= mostKept {
			clear(v.parts)
		}
		v.parts[hash] = value
	}
	return value, hash
}

// again reports whether a hash was met lately, and notes that it was.
func (v *Values) again(hash uint64) bool {
	place := &v.met[hash%lately]
	if *place == hash {
		return true
	}
	*place = hash
	return false
}

// Marks make the hashes of values of different kinds different ones.
const (
	mapMark = iota + 1
	listMark
	integerMark
	numberMark
	trueMark
	falseMark
)

// hashOf returns the hash of a value that is neither a text, a map nor a list; 0 for null, and for what no JSON has.
func hashOf(value any) uint64 {
	switch value := value.(type) {
	case int64:
		return mixed(integerMark, uint64(value)) //nolint:gosec // any bits will do
	case float64:
		return mixed(numberMark, math.Float64bits(value))
	case bool:
		if value {
			return trueMark
		}
		return falseMark
	}
	return 0
}

func mixed(a, b uint64) uint64 {
	h := (a ^ bits.RotateLeft64(b, 31)) * 0x9E3779B97F4A7C15
	return h ^ h>>29
}

// equal reports whether two values are the same, of the kinds that JSON has; values of other kinds never are.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && len(a) == len(b) && (reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() || sameFields(a, b))
	case []any:
		b, ok := b.([]any)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || sameElements(a, b))
	case nil, string, int64, float64, bool:
		return a == b
	}
	return false
}

func sameFields(a, b map[string]any) bool {
	for name, value := range a {
		if other, ok := b[name]; !ok || !equal(value, other) {
			return false
		}
	}
	return true
}

func sameElements(a, b []any) bool {
	for i, value := range a {
		if !equal(value, b[i]) {
			return false
		}
	}
	return true
}
