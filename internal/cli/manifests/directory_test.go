package manifests

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

func directoryWith(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What a source is refused for is one line: file, cause, remedy, each once.
func TestRefusalIsOneLine(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		path  string
		want  string
	}{
		"a chart": {
			map[string]string{"chart/Chart.yaml": "name: x\n"}, "chart",
			"chart/Chart.yaml: Helm charts are not served; render it to plain manifests or a kustomization, commit that, and point source.path at it",
		},
		"invalid YAML": {
			map[string]string{"k8s/a.yaml": "a: b\n c: d\n"}, "k8s",
			"k8s/a.yaml:2: invalid YAML: mapping values are not allowed in this context; correct it",
		},
		"a base that is missing": {
			map[string]string{"k8s/kustomization.yaml": "resources: [../base]\n"}, "k8s",
			`k8s/kustomization.yaml: resources[0] "../base" does not exist in this revision; add it, or remove the entry`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := directoryWith(t, c.files)
			_, err := Directory(dir, filepath.Join(dir, c.path), v1alpha1.ApplicationSource{}, render.Options{})
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if code := problem.ExitCode(err); code != 1 {
				t.Errorf("exit code: got %d, want 1", code)
			}
		})
	}
}
