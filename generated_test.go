package cyan_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGeneratedFilesAreCurrent generates the deepcopy functions and CRDs again and compares them with what is checked
// in.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("go", "tool", "-modfile=go.tools.mod", "controller-gen",
		"object", "crd:maxDescLen=0,generateEmbeddedObjectMeta=true", "paths=./api/...",
		"output:crd:dir="+filepath.Join(dir, "crds"), "output:object:dir="+filepath.Join(dir, "deepcopy"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("generating: %v\n%s", err, out)
	}
	definitions, err := filepath.Glob(filepath.Join(dir, "crds", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", append([]string{"run", "./hack/preserve"}, definitions...)...).CombinedOutput(); err != nil {
		t.Fatalf("having unknown fields kept: %v\n%s", err, out)
	}
	fresh, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(fresh) == 0 {
		t.Fatalf("nothing was generated: %v", err)
	}
	homes := map[string]string{"crds": "api/crds", "deepcopy": "api/v1alpha1"}
	for _, path := range fresh {
		committed := filepath.Join(homes[filepath.Base(filepath.Dir(path))], filepath.Base(path))
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(committed); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the Go types say (%v): run `make generate`", committed, err)
		}
	}
}
