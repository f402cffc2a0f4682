package devloop

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/skaffold"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// A loop builds an image by its command, shows what that says, and has it built again by the files that it reads alone.
func TestLoopBuildsByACommand(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host, root := strings.TrimPrefix(server.URL, "http://"), t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	var said []string
	b := newBuilds(newReporter(func(e Event) {
		if e.Kind == Output {
			said = append(said, e.Artifact+": "+e.Text)
		}
	}), &Options{Root: root, Repository: func(name string) string { return host + "/" + name }, Tag: func(skaffold.Artifact) string { return "dev" }})
	b.take([]skaffold.Artifact{{
		Image: "web", Context: "web", DependsOn: []skaffold.Dependency{{Image: "base", Alias: "BASE"}},
		Custom: &skaffold.Custom{Command: "echo ${IMAGE%-*} $BASE; CYAN_TEST_PUSHES=$IMAGE '" + os.Args[0] + "'", Paths: []string{"src"}, Ignore: []string{"src/*.md"}},
	}})
	a := b.artifacts["web"]
	a.call(b.options)
	built, err := b.make(t.Context(), a, false, map[string]string{"base": "base@sha256:1"})
	want := []string{"web: " + host + "/web:dev base@sha256:1"}
	if err != nil || built.Tag != "dev" || !strings.HasPrefix(built.Digest, "sha256:") || !slices.Equal(said, want) {
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

func init() { testkit.PushWhereAsked() }

// Each image of a command has a tag that nothing had before, and then the one that was chosen: a command that pushes
// nothing fails, though an older image has that tag, and is told from one that makes the same image again.
func TestACommandThatPushesNothing(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	pushes := "CYAN_TEST_PUSHES=$IMAGE '" + os.Args[0] + "'"
	fixed := "CYAN_TEST_PUSHES=" + host + "/web:%s '" + os.Args[0] + "'"
	long := strings.Repeat("v", 128)
	for _, c := range []struct {
		rule, tag string
		steps     []string
		want      string
	}{
		{"pushed, and again the same", "v1", []string{pushes, pushes}, "built, built"},
		{"never pushed", "v2", []string{"true"}, "build failed"},
		{"pushed before, and not now", "v3", []string{pushes, "true"}, "built, build failed"},
		{"by the tag that was chosen, once", "v4", []string{fmt.Sprintf(fixed, "v4")}, "built"},
		{"by the tag of somebody else", "v5", []string{fmt.Sprintf(fixed, "other")}, "build failed"},
		{"a tag as long as may be", long, []string{pushes}, "built"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var events []Event
			b := newBuilds(newReporter(func(e Event) { events = append(events, e) }), &Options{
				Root: t.TempDir(), Repository: func(name string) string { return host + "/" + name }, Tag: func(skaffold.Artifact) string { return c.tag },
			})
			b.take([]skaffold.Artifact{{Image: "web", Context: ".", Custom: &skaffold.Custom{}}})
			var got []string
			for _, command := range c.steps {
				b.artifacts["web"].Custom.Command = command
				b.build(t.Context(), 1, time.Now(), decide.Work{Build: []string{"web"}})
				last := events[len(events)-1]
				if got = append(got, string(last.Kind)); string(last.Kind) == "build failed" && !strings.Contains(last.Text, "not in the registry") {
					t.Errorf("%s: %q", command, last.Text)
				}
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
			ref, err := name.ParseReference(host+"/web:"+c.tag, name.Insecure)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := remote.Head(ref); (err == nil) != strings.HasPrefix(c.want, "built") {
				t.Errorf("the tag that was chosen: %v", err)
			}
		})
	}
}

// What hooks are told is the tag that the image has.
func TestTheTagOfAnImageWithHooks(t *testing.T) {
	tags := []string{"v1", "v2"}
	o := &Options{Tag: func(skaffold.Artifact) string { tag := tags[0]; tags = tags[1:]; return tag }}
	a := &artifact{Artifact: skaffold.Artifact{Image: "web", Hooks: skaffold.Hooks{After: []skaffold.Hook{{Command: []string{"true"}}}}}}
	for _, want := range []string{"v1", "v2"} {
		a.call(o)
		if r, err := a.request(o, nil); err != nil || r.Tag != want {
			t.Errorf("got tag %q, %v, want %q", r.Tag, err, want)
		}
	}
}

// A command that writes into what it is built of is run twice more, and not without end; so is one behind a build, and
// one that judges an image.
func TestCommandsThatWriteWhatIsBuilt(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	const writes = "cat /proc/sys/kernel/random/uuid > out.txt; "
	pushes := "CYAN_TEST_PUSHES=$IMAGE '" + os.Args[0] + "'"
	for name, a := range map[string]skaffold.Artifact{
		"a command":            {Custom: &skaffold.Custom{Command: writes + pushes}},
		"a command that fails": {Custom: &skaffold.Custom{Command: writes + "false"}},
		"a command of a test":  {Custom: &skaffold.Custom{Command: pushes}, Tests: []skaffold.Test{{Command: writes + "false"}}},
		"a command of a build": {Custom: &skaffold.Custom{Command: pushes}, Hooks: skaffold.Hooks{After: []skaffold.Hook{command(writes)}}},
		// What is built takes longer than a step of the files' clock: what it writes is not of the time of the command
		// before.
		"a command before both": {Custom: &skaffold.Custom{Command: "sleep 0.02; " + writes + pushes}, Hooks: skaffold.Hooks{Before: []skaffold.Hook{command(strings.ReplaceAll(writes, "out", "other"))}}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			a.Image, a.Context = "web", "."
			var events []Event
			l := &loop{reporter: newReporter(func(e Event) { events = append(events, e) }), Options: Options{Root: root, Repository: func(name string) string { return host + "/" + name }}, manifests: &manifests{}, commands: &commands{}}
			l.builds = newBuilds(l.reporter, &l.Options)
			l.builds.commands, l.hooks = l.commands, &hooks{reporter: l.reporter, root: root, commands: l.commands}
			l.builds.make = l.builds.tested(l.hooks.around(l.builds.make))
			l.builds.take([]skaffold.Artifact{a})
			files := newTree(root, leaveOut)
			run := func(changes []decide.Change) (builds int) {
				for work := judged(l, changes); len(work.Build) > 0 && builds < 10; work = judged(l, files.scan(nil)) {
					l.builds.build(t.Context(), builds, time.Now(), work)
					builds++
				}
				return builds
			}
			if builds := run(nil); builds != 3 {
				t.Errorf("%d builds at the start, want 3", builds)
			}
			notes := 0
			for _, e := range events {
				if e.Kind == Note && strings.HasPrefix(e.Text, "image web is not built again for out.txt") {
					notes++
				}
			}
			if notes != 1 {
				t.Errorf("%d notes of it in %v", notes, events)
			}
			afterwards(t)
			if err := os.WriteFile(filepath.Join(root, "main.c"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if builds := run(files.scan(nil)); builds != 1 {
				t.Errorf("%d builds of a save, want 1", builds)
			}
		})
	}
}
