package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// process is a process of a cluster.
type process struct {
	pid int
	// name is what the process was started as: a part, "cyan-local" for the supervisor, "cyan-node" for a node's first
	// process.
	name string
	// pod is set for a process of a pod.
	pod bool
}

func (p process) String() string { return fmt.Sprintf("%s (process %d)", p.name, p.pid) }

// processesOf returns the processes that belong to a cluster by any sign of it: its directory or the directory of its
// sockets in the command line, the environment or the working directory, or the cgroup of its pods. Those of the tests
// are left out.
func processesOf(t testing.TB, dir state.Dir) []process {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	sign := regexp.MustCompile(`(^|[\x00=:/ ])(` + regexp.QuoteMeta(dir.Path) + `|` + regexp.QuoteMeta(dir.Run) + `)($|[\x00:/\n ])`)
	var found []process
	for _, proc := range files {
		pid, err := strconv.Atoi(filepath.Base(proc))
		if err != nil || pid == os.Getpid() {
			continue
		}
		// What cannot be read has ended, or is another user's.
		command, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		environment, _ := os.ReadFile(filepath.Join(proc, "environ"))
		directory, _ := os.Readlink(filepath.Join(proc, "cwd"))
		cgroups, _ := os.ReadFile(filepath.Join(proc, "cgroup"))
		p := process{pid: pid, name: nameOf(string(command), string(environment)), pod: strings.Contains(string(cgroups), "/"+dir.CgroupName())}
		if p.pod || sign.Match(command) || sign.Match(environment) || sign.MatchString(directory) {
			found = append(found, p)
		}
	}
	return found
}

// nameOf returns the part that a process is: what it was started as, or what its environment says where that is lost.
func nameOf(command, environment string) string {
	for _, entry := range strings.Split(environment, "\x00") {
		if part, ok := strings.CutPrefix(entry, "CYAN_LOCAL_PART="); ok {
			return part
		}
	}
	first, _, _ := strings.Cut(command, "\x00")
	return filepath.Base(first)
}

// own returns the cluster's directory.
func (c *testCluster) own() state.Dir {
	c.t.Helper()
	dir, err := state.At(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	return dir
}

// noProcesses checks that nothing of the cluster runs any more. The supervisor gives its lock back just before it ends.
func (c *testCluster) noProcesses() {
	c.t.Helper()
	eventually(c.t, 10*time.Second, "all processes of "+c.dir+" are gone", func(context.Context) error {
		if left := processesOf(c.t, c.own()); len(left) > 0 {
			return fmt.Errorf("still running: %v", left)
		}
		return nil
	})
}

// TestDownEndsWhatTheSupervisorCouldNot kills a supervisor while a process runs that a part has started in a session of
// its own, as containerd starts those that watch over pods: nothing tells such a process that its cluster is gone.
func TestDownEndsWhatTheSupervisorCouldNot(t *testing.T) {
	c := newCluster(t, "--nodes", "simulated")
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", c.part("etcd").PID))
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("/bin/cat")
	child.Env = strings.Split(strings.TrimSuffix(string(environment), "\x00"), "\x00")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(context.Background())
	go func() {
		// It is killed: how it ended is known.
		_ = child.Wait()
		end()
	}()
	defer func() { _ = input.Close() }() // ends it, too
	if err := syscall.Kill(c.Supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "down", "--delete", "--dir", c.dir); r.code != 0 {
		t.Fatalf("down --delete: exit code %d\n%s", r.code, r.stderr)
	}
	deadline, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	select {
	case <-ended.Done():
	case <-deadline.Done():
		t.Error("process of a part, in a session of its own: still running after down --delete")
	}
}
