//go:build !linux && !darwin

package image

import (
	"io/fs"
	"time"
)

// changedAt returns when a file's contents were changed last.
func changedAt(info fs.FileInfo) time.Time { return info.ModTime() }
