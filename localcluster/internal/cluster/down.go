package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/processes"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

const (
	// stopLimit is how long a supervisor may take to stop its parts.
	stopLimit = 45 * time.Second
	// killLimit is how long a process may take to end that was killed.
	killLimit = 10 * time.Second
)

// Inspect returns the status of the cluster in dir; the error is state.ErrNone when there is none.
func Inspect(ctx context.Context, dir state.Dir) (Status, error) {
	if dir.SupervisorPID() != 0 {
		var status Status
		err := control(ctx, dir, http.MethodGet, "/status", &status)
		if err == nil || dir.SupervisorPID() != 0 {
			if record, err := dir.Load(); err == nil {
				// The command that started it has written this since.
				status.Context = record.Context
			}
			return status, err
		}
	}
	record, err := dir.Load()
	if err != nil {
		return Status{}, err
	}
	return describe(dir, record), nil
}

// After is what becomes of a stopped cluster.
type After int

// A stopped cluster can be kept, to be resumed, or deleted.
const (
	Keep After = iota
	Delete
)

// Down stops the cluster in dir. It reports whether one was running. removing is called before a cluster is removed,
// when no other command works on it any more.
func Down(ctx context.Context, dir state.Dir, after After, removing func(), progress func(string)) (was bool, err error) {
	if _, err := os.Stat(dir.Path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err := dir.CheckOwn(); err != nil {
		return false, err
	}
	lock, err := dir.LockOperation(ctx, func() { progress("another command works on this cluster, waiting for it") })
	if err != nil {
		return false, err
	}
	defer lock.Release()
	if after == Delete {
		removing()
	}
	was, err = stopSupervisor(ctx, dir)
	if err == nil {
		err = removeLeftovers(dir)
	}
	if err == nil {
		err = dir.RemoveRun()
	}
	if err == nil && after == Delete {
		err = dir.Remove()
	}
	return was, err
}

// removeLeftovers ends what a supervisor that was killed has left running, and removes what it has left outside the
// directory.
func removeLeftovers(dir state.Dir) error {
	if err := processes.End(dir, killLimit); err != nil {
		return err
	}
	return removeNode(dir)
}

func stopSupervisor(ctx context.Context, dir state.Dir) (was bool, err error) {
	pid := dir.SupervisorPID()
	if pid == 0 {
		return false, nil
	}
	if err := control(ctx, dir, http.MethodPost, "/stop", nil); err != nil {
		_ = syscall.Kill(pid, syscall.SIGTERM) // its socket is gone, or it is about to be
	}
	if err := waitStopped(ctx, dir, stopLimit); err == nil {
		return true, nil
	} else if ctx.Err() != nil {
		return true, fmt.Errorf("waiting for the supervisor to stop: %w", ctx.Err())
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // its parts end with it
	if err := waitStopped(ctx, dir, killLimit); err != nil {
		return true, fmt.Errorf("the supervisor (process %d) cannot be stopped: end it with `kill -9 %d` and run the command again", pid, pid)
	}
	return true, nil
}

// waitStopped waits until no supervisor holds the directory.
func waitStopped(ctx context.Context, dir state.Dir, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for dir.SupervisorPID() != 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(25 * time.Millisecond):
		}
	}
	return nil
}
