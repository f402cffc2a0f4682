package devloop

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// A loop builds an image by its command, shows what that says, and has it built again by the files that it reads alone.
func TestLoopBuildsByACommand(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host, root := strings.TrimPrefix(server.URL, "http://"), t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host+"/web:dev", name.Insecure)
	if err == nil {
		err = remote.Write(ref, empty.Image)
	}
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	b := newBuilds(newReporter(func(e Event) {
		if e.Kind == Output {
			said = append(said, e.Artifact+": "+e.Text)
		}
	}), &Options{Root: root, Repository: func(name string) string { return host + "/" + name }})
	b.take([]skaffold.Artifact{{
		Image: "web", Context: "web", DependsOn: []skaffold.Dependency{{Image: "base", Alias: "BASE"}},
		Custom: &skaffold.Custom{Command: "echo $IMAGE $BASE", Paths: []string{"src"}, Ignore: []string{"src/*.md"}},
	}})
	a := b.artifacts["web"]
	built, err := b.make(t.Context(), a, false, map[string]string{"base": "base@sha256:1"})
	if want := "web: " + host + "/web:dev base@sha256:1"; err != nil || !strings.HasPrefix(built.Digest, "sha256:") || len(said) != 1 || said[0] != want {
		t.Errorf("built %v, %v; said %q, want %q", built, err, said, want)
	}
	if a.builder() != "its own command" {
		t.Errorf("built with %s", a.builder())
	}
	for file, want := range map[string]bool{"web/src/main.c": true, "web/src/deep/main.c": true, "web/src/README.md": false, "web/other": false, "other": false} {
		work := decide.Next(decide.Project{Artifacts: []decide.Artifact{a.decided(root)}}, decide.Running{Images: map[string]decide.State{"web": {Built: true}}, Deployed: true}, []decide.Change{{Path: file}})
		if got := len(work.Build) > 0; got != want {
			t.Errorf("a change of %s builds: %v, want %v", file, got, want)
		}
	}
	a.Custom.Command = "exit 3"
	if _, err := b.make(t.Context(), a, false, nil); err == nil || !strings.Contains(err.Error(), "its build command failed: exit status 3") {
		t.Errorf("got %v, want the command's end", err)
	}
}
