//go:build !unix

package image

import (
	"errors"
	"os"
)

// TryLock locks a file or folder for this process until it is closed, and reports whether nobody else has it locked.
func TryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
