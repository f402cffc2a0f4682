// Package processes finds the processes that a cluster has started, and ends those that outlive it.
package processes

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// markEnv is set for every process of a cluster to the cluster's directory. A process hands it on to those that it
// starts, so that one whose parents are gone is still found.
const markEnv = "CYAN_LOCAL_CLUSTER"

// Mark returns the entry of the environment that makes a process one of the cluster's.
func Mark(dir state.Dir) string { return markEnv + "=" + dir.Path }

// Of returns the processes of the cluster in dir, without this one. Where there is no /proc it finds none.
func Of(dir state.Dir) []int {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil
	}
	var found []int
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && pid != os.Getpid() && marked(pid, dir) {
			found = append(found, pid)
		}
	}
	return found
}

// marked reports whether a process is one of the cluster's. Another user's process, or one that has ended, is not.
func marked(pid int, dir state.Dir) bool {
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false
	}
	return bytes.Contains(append([]byte{0}, environment...), []byte("\x00"+Mark(dir)+"\x00"))
}

// End kills the processes of the cluster in dir and returns when they are gone, or an error when they are not within
// limit.
func End(dir state.Dir, limit time.Duration) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left := Of(dir)
		if len(left) == 0 {
			return nil
		}
		for _, pid := range left {
			kill(pid, dir)
		}
		select {
		case <-deadline.C:
			return fmt.Errorf("processes %v of the cluster in %s: still running %s after they were killed; end them and run the command again",
				left, dir.Path, limit)
		case <-tick.C:
		}
	}
}

// kill ends a process if it is still the cluster's: its number may have gone to another one since it was found.
func kill(pid int, dir state.Dir) {
	process, err := os.FindProcess(pid) // holds the process, not its number
	if err != nil {
		return
	}
	defer func() { _ = process.Release() }()
	if marked(pid, dir) {
		_ = process.Kill() // one that has ended meanwhile is not found the next time
	}
}
