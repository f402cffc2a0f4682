//go:build !unix

package image

import (
	"errors"
	"os"
)

// tryLock locks a file or folder for this process until it is closed, and reports whether nobody else has it locked.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
