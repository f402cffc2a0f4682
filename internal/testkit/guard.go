package testkit

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

// guard is a process that removes a cluster when the test's process ends without having done so: after a panic, a
// timeout or a kill.
type guard struct {
	process *exec.Cmd
	// alive closes with this process, however that ends.
	alive io.WriteCloser
}

// onlyIfOrphaned reads a line, which comes when there is nothing left to do, or else the end of this process.
const onlyIfOrphaned = `trap "" INT TERM HUP; read -r finished || { "$0" down --delete --dir "$1"; rm -rf "$1"; }`

func startGuard(program, dir string) (*guard, error) {
	process := exec.Command("sh", "-c", onlyIfOrphaned, program, dir)
	alive, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	// What this process prints belongs to the test; nobody waits for the guard.
	process.Stdout, process.Stderr = nil, nil
	process.Dir = os.TempDir()
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("guarding the cluster in %s: %w", dir, err)
	}
	return &guard{process, alive}, nil
}

// dismiss ends the guard, which has nothing left to remove.
func (g *guard) dismiss() error {
	if _, err := io.WriteString(g.alive, "finished\n"); err != nil {
		return fmt.Errorf("ending a cluster's guard: %w", err)
	}
	return g.process.Wait()
}
