package devloop

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// TestProjectIsReadAnew: a project that cannot be read is read anew once what keeps it from that has changed, also
// where that is in a file that the project before did not have.
func TestProjectIsReadAnew(t *testing.T) {
	projects := map[string]skaffold.Project{"": {Name: "shop", Files: []string{"skaffold.yaml"}}, "broken": {Files: []string{"skaffold.yaml", "sub/skaffold.yaml"}}}
	say := ""
	l := reading(t, t.TempDir(), func(fs.FS) (skaffold.Project, error) {
		if say != "" {
			return projects[say], errors.New(say)
		}
		return projects[say], nil
	})
	reloads := func(file string) bool { return judged(l, []decide.Change{{Path: file}}).Reload }
	if reloads("sub/skaffold.yaml") || !reloads("skaffold.yaml") {
		t.Error("want the project read anew for its file, and for no other")
	}
	say = "broken"
	if err := l.read(nil); err == nil || l.project.Name != "shop" {
		t.Errorf("got %v, project %q; want an error, and the project before", err, l.project.Name)
	}
	if !reloads("sub/skaffold.yaml") || !reloads("skaffold.yaml") {
		t.Error("want it read anew for each file that keeps it from being read")
	}
	_, _ = l.read(nil), l.read(nil)
	if project, _ := l.observe(); len(project.Definition) != 3 {
		t.Errorf("failing again and again, the files that it is read for have become %v", project.Definition)
	}
	say = ""
	if err := l.read(nil); err != nil || reloads("sub/skaffold.yaml") {
		t.Errorf("got %v; want it read, and what has nothing to do with it any more left alone", err)
	}
}

// TestCommandsThatWriteTheProject: a command that writes the file of its project has that read twice more, and not
// without end; what somebody saves there is read.
func TestCommandsThatWriteTheProject(t *testing.T) {
	root := t.TempDir()
	writes := command("cat /proc/sys/kernel/random/uuid > skaffold.yaml")
	l := reading(t, root, func(fs.FS) (skaffold.Project, error) {
		return skaffold.Project{Files: []string{"skaffold.yaml"}}, nil
	})
	var notes []string
	l.reporter = newReporter(func(e Event) { notes = append(notes, e.Text) })
	l.hooks = &hooks{reporter: l.reporter, root: root, commands: l.commands}
	files := newTree(root, leaveOut)
	run := func(changes []decide.Change) (reads int) {
		for work := judged(l, changes); work.Reload && reads < 10; work = judged(l, files.scan(nil)) {
			reads++
			if err := errors.Join(l.read(nil), l.hooks.run(t.Context(), []skaffold.Hook{writes}, "", nil)); err != nil {
				t.Fatal(err)
			}
		}
		return reads
	}
	save := func() []decide.Change {
		afterwards(t)
		if err := os.WriteFile(filepath.Join(root, "skaffold.yaml"), []byte(time.Now().String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return files.scan(nil)
	}
	if reads := run(save()); reads < 3 || reads > 6 {
		t.Errorf("read %d times, want a few", reads)
	}
	if said := strings.Join(notes, "\n"); !strings.Contains(said, "the project is not read again for skaffold.yaml") {
		t.Errorf("no word of it in %s", said)
	}
	if reads := run(save()); reads == 0 {
		t.Error("what somebody saves is not read")
	}
}

// afterwards waits until what is written has a later time than now: the times of files move in steps, so that what is
// saved right after a command ended may have the time of when it ran.
func afterwards(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	for began := time.Now(); ; {
		if err := os.WriteFile(file, []byte("of now"), 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if image.ChangedAt(info).After(began) {
			return
		}
	}
}

// reading is a loop that reads its project, and does no more.
func reading(t *testing.T, root string, read func(fs.FS) (skaffold.Project, error)) *loop {
	t.Helper()
	l := &loop{reporter: newReporter(func(Event) {}), Options: Options{Root: root, Read: read}, manifests: &manifests{}, commands: &commands{}}
	l.builds = newBuilds(l.reporter, &l.Options)
	if err := l.read(nil); err != nil {
		t.Fatal(err)
	}
	return l
}

// How lines of logs begin is as the project has it, and another way once that is saved.
func TestLogPrefixIsReadAnew(t *testing.T) {
	prefix := "none"
	l := reading(t, t.TempDir(), func(fs.FS) (skaffold.Project, error) {
		return skaffold.Project{Name: "shop", Deploy: skaffold.Deploy{LogPrefix: prefix}}, nil
	})
	l.logs = newLogs(l.reporter, nil, LogOptions{})
	for _, prefix = range []string{"container", "none"} {
		if err := l.read(nil); err != nil || l.logs.prefixed() != prefix {
			t.Errorf("got %q, %v, want %s", l.logs.prefixed(), err, prefix)
		}
	}
}
