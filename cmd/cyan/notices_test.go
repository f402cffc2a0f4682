package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Old fields of kustomizations are named once, by Cyan: what kustomize prints of them by itself is left out.
func TestOldFieldsAreNamedOnce(t *testing.T) {
	withoutCluster(t)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"kustomization.yaml": "resources: [base]\npatchesJson6902: [{target: {version: v1, kind: ConfigMap, name: a}, patch: '[{\"op\": \"add\", \"path\": \"/data\", \"value\": {\"a\": \"b\"}}]'}]\n",
		"base/kustomization.yaml": "resources: [a.yaml]\ncommonLabels: {a: b}\npatchesStrategicMerge: [a.yaml]\n" +
			"vars: [{name: A, objref: {apiVersion: v1, kind: ConfigMap, name: a}}]\n",
		"base/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var others bytes.Buffer
	stop := hideNotices(&others)
	code, _, stderr := line(t, "cyan", "render", dir)
	fmt.Fprint(os.Stderr, "another library\n"+strings.Repeat("x", 10_000)+"\nwithout an end")
	stop()
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, field := range []string{"patchesJson6902", "patchesStrategicMerge", "commonLabels", "vars"} {
		if n := strings.Count(stderr, ": "+field+" is deprecated"); n != 1 {
			t.Errorf("%s is named %d times, want once, in\n%s", field, n, stderr)
		}
	}
	if want := "another library\n" + strings.Repeat("x", 10_000) + "\nwithout an end"; others.String() != want {
		t.Errorf("got %.200q, want what others print, and no more", others.String())
	}
}
