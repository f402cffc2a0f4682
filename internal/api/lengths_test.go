package api

import (
	"encoding/json"
	"os"
	"testing"
)

// TestNamesOfProjectsMayBeAsLongAsTheyAre holds each call that takes the name of a project to the length that
// Kubernetes permits for it.
func TestNamesOfProjectsMayBeAsLongAsTheyAre(t *testing.T) {
	file, err := os.ReadFile("../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(file, &document); err != nil {
		t.Fatal(err)
	}
	seen := 0
	lengthsOf(document, "", func(name string, length any) {
		if name != "project" && name != "appProject" {
			return
		}
		seen++
		if length != 253.0 {
			t.Errorf("%s: takes %v letters, and a project may have 253", name, length)
		}
	})
	if seen < 10 {
		t.Errorf("%d calls take a project", seen)
	}
}

// lengthsOf calls found with the name and the greatest length of each parameter and property that has one.
func lengthsOf(node any, name string, found func(name string, length any)) {
	switch node := node.(type) {
	case []any:
		for _, one := range node {
			lengthsOf(one, "", found)
		}
	case map[string]any:
		if of, ok := node["name"].(string); ok && node["schema"] != nil {
			name = of
		}
		if length, ok := node["maxLength"]; ok {
			found(name, length)
		}
		for key, one := range node {
			if key == "schema" {
				key = name
			}
			lengthsOf(one, key, found)
		}
	}
}
