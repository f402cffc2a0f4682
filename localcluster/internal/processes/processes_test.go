package processes

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// start runs a program that waits for its input to end, which is the end of the test.
func start(t *testing.T, change func(*exec.Cmd)) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/cat")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	change(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func directory(t *testing.T) state.Dir {
	t.Helper()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("this machine has no /proc")
	}
	dir, err := state.At(filepath.Join(t.TempDir(), "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEndsWhatIsTheClustersAndNothingElse holds the two sides of the mark: a process of the cluster ends however it has
// left its parents, and one that only works with the cluster's files goes on.
func TestEndsWhatIsTheClustersAndNothingElse(t *testing.T) {
	dir := directory(t)
	longer := dir
	longer.Path += "-2"
	for _, test := range []struct {
		name   string
		change func(*exec.Cmd)
		ends   bool
	}{
		{"part", func(c *exec.Cmd) { c.Env = []string{"A=1", Mark(dir), "Z=1"} }, true},
		{"part in a session of its own", func(c *exec.Cmd) {
			c.Env, c.SysProcAttr = []string{Mark(dir)}, &syscall.SysProcAttr{Setsid: true}
		}, true},
		{"part of a cluster in a directory with a longer name", func(c *exec.Cmd) { c.Env = []string{Mark(longer)} }, false},
		{"mark inside another variable", func(c *exec.Cmd) { c.Env = []string{"NOTE=" + Mark(dir)} }, false},
		{"program that names the directory", func(c *exec.Cmd) { c.Args = append(c.Args, "-", dir.Path) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := start(t, test.change)
			if got := slices.Contains(Of(dir), cmd.Process.Pid); got != test.ends {
				t.Errorf("process is found: got %v, want %v", got, test.ends)
			}
			if err := End(dir, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if ended := processState(t, cmd.Process.Pid) == "Z"; ended != test.ends {
				t.Errorf("process has ended: got %v, want %v", ended, test.ends)
			}
		})
	}
}

// TestEndsOrphans starts a process whose parent is gone before it is looked for.
func TestEndsOrphans(t *testing.T) {
	dir := directory(t)
	parent := exec.Command("/bin/sh", "-c", "setsid cat <&3 >/dev/null 2>&1 & echo $!; exit")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close() // ends the orphan if nothing else does
	parent.Env = append(os.Environ(), Mark(dir))
	parent.ExtraFiles = []*os.File{read}
	out, err := parent.Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(Of(dir)) == 0 {
		t.Fatalf("orphan %s: not found", strings.TrimSpace(string(out)))
	}
	if err := End(dir, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if left := Of(dir); len(left) > 0 {
		t.Errorf("processes left: got %v, want none", left)
	}
}

// processState returns the letter for the state of a process: Z is a process that has ended and was not waited for yet.
func processState(t *testing.T, pid int) string {
	t.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "State:"); ok {
			return strings.Fields(value)[0]
		}
	}
	t.Fatalf("process %d: no state", pid)
	return ""
}
