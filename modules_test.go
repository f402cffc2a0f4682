package cyan_test

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// TestModulesAgreeOnVersions: what both modules are built of has one version. Where one package differs, everything
// that imports it is compiled twice, which for the packages below Kubernetes takes minutes.
func TestModulesAgreeOnVersions(t *testing.T) {
	root, local := required(t, "."), required(t, "localcluster")
	shared := 0
	for path, version := range root {
		other, ok := local[path]
		if !ok {
			continue
		}
		shared++
		if other != version {
			t.Errorf("%s: %s here, %s in localcluster; run `go get %s@VERSION` with the newer one in the other folder", path, version, other, path)
		}
	}
	if shared == 0 {
		t.Error("no module is required by both")
	}
}

func required(t *testing.T, folder string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("reading go.mod in %s: %v", folder, err)
	}
	var file struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &file); err != nil {
		t.Fatalf("reading go.mod in %s: %v", folder, err)
	}
	versions := map[string]string{}
	for _, r := range file.Require {
		versions[r.Path] = r.Version
	}
	return versions
}
