package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Lock is held on a file for as long as its holder lives: the kernel lets go of it when the process ends, however it
// ends.
type Lock struct{ file *os.File }

// Release lets go of the lock.
func (l *Lock) Release() { _ = l.file.Close() }

// LockOperation keeps other commands from changing the cluster; it waits for one that is at work, and calls waiting
// once if it has to.
func (d Dir) LockOperation(ctx context.Context, waiting func()) (*Lock, error) {
	for first := true; ; first = false {
		lock, err := tryLock(d.operationLock())
		if err == nil || !errors.Is(err, errHeld) {
			return lock, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for another command on %s: %w", d.Path, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// LockSupervisor marks this process as the cluster's supervisor until the lock is released or the process ends.
func (d Dir) LockSupervisor() (*Lock, error) {
	lock, err := tryLock(d.SupervisorLock())
	// Who only looks (SupervisorPID) holds the lock for an instant.
	for tries := 0; errors.Is(err, errHeld) && tries < 20; tries++ {
		<-time.After(20 * time.Millisecond)
		lock, err = tryLock(d.SupervisorLock())
	}
	if errors.Is(err, errHeld) {
		return nil, fmt.Errorf("another supervisor works on %s", d.Path)
	}
	if err != nil {
		return nil, err
	}
	if err = lock.file.Truncate(0); err == nil {
		_, err = lock.file.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	}
	if err != nil {
		_ = lock.file.Close()
		return nil, fmt.Errorf("writing %s: %w", d.SupervisorLock(), err)
	}
	return lock, nil
}

// SupervisorPID is the process that supervises the cluster, or 0 when none does.
func (d Dir) SupervisorPID() int {
	f, err := os.Open(d.SupervisorLock())
	if err != nil {
		return 0
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil {
		return 0 // nobody holds it; closing lets go of ours
	}
	data, err := os.ReadFile(d.SupervisorLock())
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	return pid
}

var errHeld = errors.New("held by another process")

func tryLock(name string) (*Lock, error) {
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("locking %s: %w", name, err)
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != nil {
			_ = f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, errHeld
			}
			return nil, fmt.Errorf("locking %s: %w", name, err)
		}
		// The file may have been removed, with its directory, between opening and locking.
		mine, err := f.Stat()
		if err == nil {
			var there fs.FileInfo
			if there, err = os.Stat(name); err == nil && os.SameFile(mine, there) {
				return &Lock{file: f}, nil
			}
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("locking %s: %w", name, err)
		}
		if err != nil {
			return nil, fmt.Errorf("locking %s: the cluster was removed meanwhile, run the command again: %w", name, err)
		}
	}
}
