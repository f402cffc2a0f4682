//go:build unix

package image

import (
	"errors"
	"os"
	"syscall"
)

// TryLock locks a file or folder for this process until it is closed, and reports whether nobody else has it locked.
func TryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
