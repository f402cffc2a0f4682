package ingress

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDefinitions: the definitions are those of the version of the Gateway API that go.mod names, as they stand there.
func TestDefinitions(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("crds/*.yaml")
	if err != nil || len(files) != 8 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		own, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "config", "crd", "standard", filepath.Base(file)))
		if err != nil || string(theirs) != string(own) {
			t.Errorf("%s is not that of the module: %v; copy it anew", file, err)
		}
	}
}
