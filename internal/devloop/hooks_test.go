package devloop

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

func command(script string) skaffold.Hook {
	return skaffold.Hook{Command: []string{"sh", "-c", script}, Position: skaffold.Position{File: "skaffold.yaml", Line: 3}}
}

// steps is a folder in which commands note that they were run.
type steps struct {
	t    *testing.T
	root string
	*hooks
}

func newSteps(t *testing.T) *steps {
	t.Helper()
	root := t.TempDir()
	return &steps{t, root, &hooks{reporter: newReporter(func(Event) {}), root: root, context: "kind"}}
}

func (s *steps) noted() string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.root, "noted"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(data)), " ")
}

func (s *steps) note(what string) {
	s.t.Helper()
	if err := RunHook(s.t.Context(), s.root, command("echo "+what+" >> noted"), nil, func(string) {}); err != nil {
		s.t.Fatal(err)
	}
}

// around are commands before and after a step.
func around(name string) skaffold.Hooks {
	return skaffold.Hooks{Before: []skaffold.Hook{command("echo before-" + name + " >> noted")}, After: []skaffold.Hook{command("echo after-" + name + " >> noted")}}
}

var failing = skaffold.Hooks{Before: []skaffold.Hook{command("exit 4")}, After: around("x").After}

func TestHooksRunAroundTheirSteps(t *testing.T) {
	build := func(s *steps, a skaffold.Artifact) error {
		made := s.around(func(context.Context, *artifact, bool, map[string]string) (image.Built, error) {
			s.note("build")
			return image.Built{Digest: "sha256:1"}, nil
		})
		_, err := made(t.Context(), &artifact{Artifact: a, repository: "registry/web"}, false, nil)
		return err
	}
	for _, row := range []struct {
		rule string
		do   func(s *steps) error
		want string
		err  string
	}{
		{"an image", func(s *steps) error { return build(s, skaffold.Artifact{Image: "web", Hooks: around("web")}) }, "before-web build after-web", ""},
		{"an image without commands", func(s *steps) error { return build(s, skaffold.Artifact{Image: "web"}) }, "build", ""},
		{"an image whose command fails", func(s *steps) error { return build(s, skaffold.Artifact{Image: "web", Hooks: failing}) }, "", "skaffold.yaml:3: hook sh -c exit 4: exit status 4"},
		{"all images", func(s *steps) error {
			_, err := s.between(t.Context(), around("all"), []string{"web"}, func() bool { s.note("builds"); return true })
			return err
		}, "before-all builds after-all", ""},
		{"no image at all", func(s *steps) error {
			_, err := s.between(t.Context(), around("all"), nil, func() bool { s.note("builds"); return true })
			return err
		}, "", ""},
		{"copies of the images that they are of", func(s *steps) error {
			all := []skaffold.Artifact{{Image: "web", Sync: skaffold.Sync{Hooks: around("web")}}, {Image: "db", Sync: skaffold.Sync{Hooks: around("db")}}}
			_, err := s.copied(t.Context(), all, []decide.Copy{{Image: "web", Change: decide.Change{Path: "a"}}}, func() []refusal { s.note("copy"); return nil })
			return err
		}, "before-web copy after-web", ""},
		{"copies whose command fails", func(s *steps) error {
			_, err := s.copied(t.Context(), []skaffold.Artifact{{Image: "web", Sync: skaffold.Sync{Hooks: failing}}}, []decide.Copy{{Image: "web"}}, func() []refusal { s.note("copy"); return nil })
			return err
		}, "", "exit status 4"},
		{"a command for another system", func(s *steps) error {
			other := command("echo x >> noted")
			other.OS = []string{"plan9"}
			return s.run(t.Context(), []skaffold.Hook{other}, "", nil)
		}, "", ""},
		{"a command in containers where no cluster is known", func(s *steps) error {
			return s.run(t.Context(), []skaffold.Hook{{Container: true, Command: []string{"x"}}}, "", nil)
		}, "", ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			s := newSteps(t)
			err := row.do(s)
			if row.err == "" && err != nil || row.err != "" && (err == nil || !strings.Contains(err.Error(), row.err)) {
				t.Errorf("got %v, want %q", err, row.err)
			}
			if got := s.noted(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// What a command gets and prints.
func TestHooksEnvironment(t *testing.T) {
	s := newSteps(t)
	if err := os.Mkdir(filepath.Join(s.root, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	var said []string
	s.reporter = newReporter(func(e Event) {
		if e.Kind == Output {
			said = append(said, e.Text)
		}
	})
	hook := command("pwd; echo $SKAFFOLD_IMAGE $SKAFFOLD_IMAGE_TAG $SKAFFOLD_KUBE_CONTEXT $SKAFFOLD_FILES_ADDED_OR_MODIFIED $SKAFFOLD_FILES_DELETED")
	hook.Dir = "web"
	env := BuildEnvironment(s.root, skaffold.Artifact{Context: "web"}, "registry/web", "v1")
	for key, value := range filesOf("web", []decide.Copy{{Image: "web", Change: decide.Change{Path: "a"}}, {Image: "web", Change: decide.Change{Path: "b"}}, {Image: "web", Change: decide.Change{Path: "c", Gone: true}}, {Image: "db", Change: decide.Change{Path: "d"}}}) {
		env[key] = value
	}
	if err := s.run(t.Context(), []skaffold.Hook{hook}, "web", env); err != nil {
		t.Fatal(err)
	}
	if len(said) != 2 || filepath.Base(said[0]) != "web" || said[1] != "registry/web:v1 v1 kind a;b c" {
		t.Errorf("got %q", said)
	}
	// One that is ended does not hold up what ends it.
	ctx, end := context.WithCancelCause(t.Context())
	end(errors.New("ended"))
	if err := s.run(ctx, []skaffold.Hook{command("sleep 60")}, "", nil); err == nil {
		t.Error("ended: got no error")
	}
	for pattern, want := range map[string]bool{"": true, "web-*": true, "db-*": false, "[": false} {
		if got := matches(pattern, "web-1"); got != want {
			t.Errorf("%q: got %t, want %t", pattern, got, want)
		}
	}
}

// Files that commands before a build write are in it: they have nothing built again. What is written behind it has.
func TestCommandsThatPrepareABuild(t *testing.T) {
	f := watchFolder(t, map[string]string{"web/main.c": "1", "other/x": "1"})
	b := newBuilds(newReporter(func(Event) {}), &Options{Root: f.dir})
	h := &hooks{reporter: b.reporter, root: f.dir}
	b.make = h.around(func(context.Context, *artifact, bool, map[string]string) (image.Built, error) {
		return image.Built{Digest: "sha256:1"}, nil
	})
	for _, c := range []struct {
		rule           string
		project, image string
		want           bool
	}{
		{"of the image", "", "date +%N > web/made.c", false},
		{"of all images", "date +%N > web/made.c", "", false},
		{"none", "", "", true},
	} {
		a := skaffold.Artifact{Image: "web", Context: "web"}
		var all skaffold.Hooks
		if c.image != "" {
			a.Hooks.Before = []skaffold.Hook{command(c.image)}
		}
		if c.project != "" {
			all.Before = []skaffold.Hook{command(c.project)}
		}
		b.take([]skaffold.Artifact{a})
		build := func() bool { return b.build(t.Context(), 1, time.Now(), decide.Work{Build: []string{"web"}}) }
		if _, err := h.between(t.Context(), all, []string{"web"}, build); err != nil {
			t.Fatal(err)
		}
		if c.image == c.project {
			f.write("web/made.c", c.rule)
		}
		at, err := os.Stat(filepath.Join(f.dir, "web/made.c"))
		if err != nil {
			t.Fatal(err)
		}
		artifacts, states := b.decided()
		work := decide.Next(decide.Project{Artifacts: artifacts}, decide.Running{Images: states, Deployed: true}, []decide.Change{{Path: "web/made.c", At: image.ChangedAt(at)}})
		if got := len(work.Build) > 0; got != c.want {
			t.Errorf("commands %s: builds again: %t, want %t", c.rule, got, c.want)
		}
	}
}
