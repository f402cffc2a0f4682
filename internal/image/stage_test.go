package image

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/image/dockerfile"
)

// abandonVariable has the test's own program make a work folder, say where it is, and wait to be killed.
const abandonVariable = "CYAN_TEST_ABANDON"

func TestMain(m *testing.M) {
	if os.Getenv(abandonVariable) != "" {
		f, err := NewWorkFolder()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(f.Path)
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// contents returns what is in a folder, by path: what files hold, where links lead, and of folders that they are.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir():
			all[name] = "folder"
		case entry.Type()&fs.ModeSymlink != 0:
			all[name], err = os.Readlink(path)
		default:
			var data []byte
			data, err = os.ReadFile(path)
			info, _ := entry.Info()
			all[name] = info.Mode().String() + " " + string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A stage that is kept holds what one from nothing does, whatever has become of the files.
func TestStageKept(t *testing.T) {
	write := func(name, text string) func(string) error {
		return func(dir string) error {
			path := filepath.Join(dir, name)
			return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600))
		}
	}
	remove := func(name string) func(string) error {
		return func(dir string) error { return os.RemoveAll(filepath.Join(dir, name)) }
	}
	link := func(name, to string) func(string) error {
		return func(dir string) error { return os.Symlink(to, filepath.Join(dir, name)) }
	}
	sameTimes := func(name, text string) func(string) error {
		return func(dir string) error {
			path := filepath.Join(dir, name)
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, info.ModTime(), info.ModTime()))
		}
	}
	all := []dockerfile.Step{{Dest: "/app"}, {Sources: []string{"."}, Dest: "/app"}}
	for _, row := range []struct {
		name  string
		steps []dockerfile.Step
		do    []func(string) error
	}{
		{"nothing", all, nil},
		{"another text of the same length and times", all, []func(string) error{sameTimes("a/one.go", "ONE")}},
		{"a new file in a new folder", all, []func(string) error{write("b/c/two.go", "two")}},
		{"a file is gone", all, []func(string) error{remove("a/one.go")}},
		{"a folder is gone", all, []func(string) error{remove("a")}},
		{"a mode", all, []func(string) error{func(dir string) error { return os.Chmod(filepath.Join(dir, "go.mod"), 0o755) }}},
		{"a folder where a file was", all, []func(string) error{remove("go.sum"), write("go.sum/x", "1")}},
		{"a file where a folder was", all, []func(string) error{remove("a"), write("a", "1")}},
		{"a link where a file was", all, []func(string) error{remove("go.sum"), link("go.sum", "go.mod")}},
		{"a link where a folder was", all, []func(string) error{remove("a"), link("a", "d")}},
		{"a file where a link was", all, []func(string) error{remove("l"), write("l", "1")}},
		{"a folder where a link was", all, []func(string) error{remove("l"), write("l/x", "1")}},
		{"a link to something else", all, []func(string) error{remove("l"), link("l", "a")}},
		{".dockerignore leaves out more", all, []func(string) error{write(".dockerignore", "a\n")}},
		{"two steps copy to one place", []dockerfile.Step{{Sources: []string{"go.mod"}, Dest: "/x"}, {Sources: []string{"go.sum"}, Dest: "/x"}}, []func(string) error{write("go.mod", "other")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			dir := t.TempDir()
			for _, do := range []func(string) error{write("go.mod", "module x"), write("go.sum", "sum"), write("a/one.go", "one"), write("d/e.go", "e"), link("l", "d")} {
				if err := do(dir); err != nil {
					t.Fatal(err)
				}
			}
			var kept, fresh stage
			for _, s := range []*stage{&kept, &fresh} {
				t.Cleanup(func() { _ = s.close() })
			}
			r := &Request{Dir: dir, Root: dir, Dockerfile: "Dockerfile"}
			if _, err := kept.filled(r, row.steps); err != nil {
				t.Fatal(err)
			}
			for _, do := range row.do {
				if err := do(dir); err != nil {
					t.Fatal(err)
				}
			}
			again, err := kept.filled(r, row.steps)
			if err != nil {
				t.Fatal(err)
			}
			new, err := fresh.filled(r, row.steps)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := contents(t, again.root.Name()), contents(t, new.root.Name()); !maps.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// What has not changed is not copied again.
func TestStageCopiesWhatHasChanged(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"a", "b"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(name), 0o600), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	steps := []dockerfile.Step{{Sources: []string{"."}, Dest: "/app"}}
	var s stage
	t.Cleanup(func() { _ = s.close() })
	r := &Request{Dir: dir, Root: dir}
	folder, err := s.filled(r, steps)
	if err != nil {
		t.Fatal(err)
	}
	// As if they had been copied long after they were changed.
	for name, c := range folder.files {
		c.settled = true
		folder.files[name] = c
	}
	before, err := folder.root.Stat("app/a")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.filled(r, steps); err != nil {
		t.Fatal(err)
	}
	after, err := folder.root.Stat("app/a")
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := folder.root.ReadFile("app/b"); !os.SameFile(before, after) || string(b) != "other" {
		t.Errorf("a is copied again: %t; b is %q", !os.SameFile(before, after), b)
	}
}

// What a process that was killed has left is removed by the next start; what one that runs works in is not.
func TestAbandonedWorkFolders(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), abandonVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var path string
	if _, err := fmt.Fscanln(out, &path); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(temp, "cyan-else")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	removeAbandoned(temp)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the folder of a process that runs: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	removeAbandoned(temp)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a process that was killed: %v, want none", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}
