package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

const cgroupRoot = "/sys/fs/cgroup"

// hierarchies are the roots of the machine's cgroup trees: one with cgroup v2, one for each controller with v1.
func hierarchies() []string {
	if unified() {
		return []string{cgroupRoot}
	}
	entries, err := os.ReadDir(cgroupRoot)
	if err != nil {
		return nil
	}
	var roots []string
	for _, e := range entries {
		path := filepath.Join(cgroupRoot, e.Name())
		if _, err := os.Stat(filepath.Join(path, "cgroup.procs")); err == nil && e.Type()&fs.ModeSymlink == 0 {
			roots = append(roots, path)
		}
	}
	return roots
}

func unified() bool {
	var st unix.Statfs_t
	return unix.Statfs(cgroupRoot, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC
}

// PrepareCgroups makes the cgroup that holds the cluster's pods, and returns its name.
func PrepareCgroups(dir state.Dir) (string, error) {
	roots := hierarchies()
	if len(roots) == 0 {
		return "", fmt.Errorf("%s: no cgroups found, and containers need them; mount them (in a container: --privileged), or take --nodes simulated", cgroupRoot)
	}
	if unified() {
		if err := delegate(); err != nil {
			return "", err
		}
	}
	for _, root := range roots {
		path := filepath.Join(root, dir.CgroupName())
		if err := os.MkdirAll(path, 0o755); err != nil {
			return "", fmt.Errorf("making a cgroup for pods: %w: real nodes need to write to %s (in a container: --privileged), or take --nodes simulated", err, root)
		}
		copyCpuset(root, path)
	}
	return "/" + dir.CgroupName(), nil
}

// copyCpuset fills in what a v1 cpuset starts without, and no process can be in it before.
func copyCpuset(root, path string) {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err == nil && !unified() {
			_ = os.WriteFile(filepath.Join(path, name), data, 0o644)
		}
	}
}

// delegate lets the root of a v2 tree hand its controllers on. The root of a container's tree cannot while processes
// are in it, so they move to a cgroup beside the pods'.
func delegate() error {
	control := filepath.Join(cgroupRoot, "cgroup.subtree_control")
	available, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("reading the cgroup controllers: %w", err)
	}
	var wanted []string
	for _, c := range strings.Fields(string(available)) {
		switch c {
		case "cpu", "cpuset", "memory", "pids", "io", "hugetlb":
			wanted = append(wanted, "+"+c)
		}
	}
	enable := func() error {
		for _, c := range wanted {
			if err := os.WriteFile(control, []byte(c), 0o644); err != nil {
				return err
			}
		}
		return nil
	}
	if err = enable(); err == nil {
		return nil
	}
	if errors.Is(err, unix.EBUSY) {
		if err = moveAll(filepath.Join(cgroupRoot, "cyan-machine")); err == nil {
			err = enable()
		}
	}
	if err != nil {
		return fmt.Errorf("handing cgroup controllers on to pods: %w: real nodes need to write to %s (in a container: --privileged), or take --nodes simulated", err, cgroupRoot)
	}
	return nil
}

func moveAll(to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for range 5 { // processes are born meanwhile
		data, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.procs"))
		if err != nil {
			return err
		}
		pids := strings.Fields(string(data))
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			_ = os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte(pid), 0o644) // it may have ended, or be the kernel's
		}
	}
	return nil
}

// RemoveCgroups ends what still runs in the cluster's cgroups and removes them.
func RemoveCgroups(dir state.Dir) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		left := false
		for _, root := range hierarchies() {
			top := filepath.Join(root, dir.CgroupName())
			for _, path := range deepestFirst(top) {
				for _, pid := range processesIn(path) {
					_ = unix.Kill(pid, unix.SIGKILL)
				}
				if err := unix.Rmdir(path); err != nil && !errors.Is(err, unix.ENOENT) {
					left = true
				}
			}
		}
		if !left {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("removing the cgroups %s: processes in them do not end", dir.CgroupName())
		}
		<-time.After(20 * time.Millisecond) // the kernel frees an ended process's place with a delay
	}
}

func deepestFirst(top string) []string {
	var paths []string
	_ = filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			paths = append([]string{path}, paths...)
		}
		return nil // what is gone is gone
	})
	return paths
}

// EndPods asks every process of every pod to end, and returns when they have, or when grace is over.
func EndPods(dir state.Dir, grace time.Duration) {
	asked := map[int]bool{}
	for deadline := time.Now().Add(grace); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		pids := podProcesses(dir)
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			if !asked[pid] {
				_ = unix.Kill(pid, unix.SIGTERM)
				asked[pid] = true
			}
		}
	}
}

func podProcesses(dir state.Dir) []int {
	var pids []int
	for _, root := range hierarchies() {
		for _, path := range deepestFirst(filepath.Join(root, dir.CgroupName())) {
			pids = append(pids, processesIn(path)...)
		}
	}
	return pids
}

func processesIn(cgroup string) []int {
	data, err := os.ReadFile(filepath.Join(cgroup, "cgroup.procs"))
	if err != nil {
		return nil // it is gone
	}
	var pids []int
	for _, field := range strings.Fields(string(data)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
			pids = append(pids, pid)
		}
	}
	return pids
}
