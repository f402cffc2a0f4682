//go:build !linux && !darwin

package image

import (
	"io/fs"
	"time"
)

// ChangedAt returns when a file's contents were changed last.
func ChangedAt(info fs.FileInfo) time.Time { return info.ModTime() }
