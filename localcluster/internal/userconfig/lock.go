package userconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lockPause = 50 * time.Millisecond
	lockTries = 100
)

// alone changes a kubeconfig while no other command of this program does, so that what one adds is not lost to
// another that has read the file before. Other programs hold a lock of their own for the moment in which they write.
func alone(files files, change func() error) error {
	file := files.GetDefaultFilename()
	directory := filepath.Dir(file)
	if err := os.MkdirAll(directory, 0o750); err != nil {
		return fmt.Errorf("making the directory of your kubeconfig: %w", err)
	}
	held, err := os.Open(directory)
	if err != nil {
		return fmt.Errorf("opening the directory of your kubeconfig: %w", err)
	}
	defer held.Close() // lets go of the lock
	for tries := 0; ; tries++ {
		err := unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) || tries == lockTries {
			return fmt.Errorf("locking %s: %w", directory, err)
		}
		<-time.After(lockPause)
	}
	for tries := 0; ; tries++ {
		err := change()
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if tries == lockTries {
			return fmt.Errorf("%w: held by another program, or left by one that was killed; remove %s.lock if none is at work", err, file)
		}
		<-time.After(lockPause)
	}
}
