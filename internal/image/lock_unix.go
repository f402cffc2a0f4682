//go:build unix

package image

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file or folder for this process until it is closed, and reports whether nobody else has it locked.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
