package manifests

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

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
			"chart/Chart.yaml: Helm charts are not served; render it, such as by `helm template`, and give what comes out as standard input (-)",
		},
		"invalid YAML": {
			map[string]string{"k8s/a.yaml": "a: b\n c: d\n"}, "k8s",
			"k8s/a.yaml:2: invalid YAML: mapping values are not allowed in this context; correct it",
		},
		"a base that is missing": {
			map[string]string{"k8s/kustomization.yaml": "resources: [../base]\n"}, "k8s",
			`k8s/kustomization.yaml: resources[0] base: no such file or directory; add it, or remove the entry`,
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

func TestStream(t *testing.T) {
	result, err := Stream(strings.NewReader("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n"), render.Options{})
	if err != nil || len(result.Objects) != 2 || result.Objects[1].Origin != (render.Origin{File: "stdin.yaml", Line: 5}) {
		t.Fatalf("got %v and %v, want two objects, the second from line 5 of stdin.yaml", result, err)
	}
	_, err = Stream(strings.NewReader("a: b\n c: d\n"), render.Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "stdin.yaml:2: invalid YAML: ") {
		t.Errorf("got %v", err)
	}
}

// What is not below the directory, and what is no manifest in it, is not read.
func TestOnlyWhatIsNeededIsRead(t *testing.T) {
	dir := directoryWith(t, map[string]string{"k8s/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "other/x": "x"})
	for _, socket := range []string{"s", "k8s/s", "k8s/below/s", "other/s"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, socket)), 0o755); err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("unix", filepath.Join(dir, socket))
		if err != nil {
			t.Skip(err) // a path that is too long for a socket
		}
		defer func() { _ = listener.Close() }()
	}
	result, err := Directory(dir, filepath.Join(dir, "k8s"), v1alpha1.ApplicationSource{}, render.Options{})
	if err != nil || len(result.Objects) != 1 {
		t.Errorf("got %v and %v, want one object", result, err)
	}
}

func TestSchemasByFlags(t *testing.T) {
	dir := directoryWith(t, map[string]string{"none/README": "x", "file": "x"})
	for location, want := range map[string]string{
		filepath.Join(dir, "missing"): "not found; name a folder with schemas",
		filepath.Join(dir, "file"):    "not a directory; name a folder with schemas",
		filepath.Join(dir, "none"):    "no schema in it; ",
	} {
		var s Schemas
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		s.AddTo(flags)
		if err := flags.Parse([]string{"--schema-location", location}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Known(""); problem.ExitCode(err) != 2 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", location, err, want)
		}
	}
}
