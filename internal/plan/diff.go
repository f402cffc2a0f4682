package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/pmezard/go-difflib/difflib"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// maskDigits of a hash tell two values of a Secret apart without showing them.
const maskDigits = 8

// Masked is an object whose Secret values are replaced: two values that differ still do.
func Masked(object *unstructured.Unstructured) *unstructured.Unstructured {
	if object == nil || object.GetKind() != "Secret" || object.GroupVersionKind().Group != "" {
		return object
	}
	masked := object.DeepCopy()
	for _, field := range []string{"data", "stringData"} {
		values, ok := masked.Object[field].(map[string]any)
		if !ok {
			continue
		}
		for key, value := range values {
			sum := sha256.Sum256(fmt.Append(nil, key, "\x00", value))
			values[key] = "(hidden, " + hex.EncodeToString(sum[:])[:maskDigits] + ")"
		}
	}
	return masked
}

// Diff is how a sync would change an object, as a unified diff of YAML; empty when it would not. Either may be nil. Values of Secrets are masked.
func Diff(desired *unstructured.Unstructured, live Live) string {
	want := desired
	if live.Predicted != nil {
		want = live.Predicted
	}
	name := ""
	for _, o := range []*unstructured.Unstructured{desired, live.Object} {
		if o != nil {
			name = KeyOf(o).String()
		}
	}
	diff := difflib.UnifiedDiff{
		A: lines(live.Object), B: lines(want), FromFile: "live " + name, ToFile: "git " + name, Context: 3,
	}
	text, err := difflib.GetUnifiedDiffString(diff)
	if err != nil {
		return err.Error()
	}
	return text
}

func lines(object *unstructured.Unstructured) []string {
	if object == nil {
		return nil
	}
	data, err := yaml.Marshal(comparable(Masked(object)))
	if err != nil {
		return []string{err.Error()}
	}
	return difflib.SplitLines(string(data))
}
