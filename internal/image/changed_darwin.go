package image

import (
	"io/fs"
	"syscall"
	"time"
)

// ChangedAt returns when a file's contents, name or mode were changed last, which no program can set.
func ChangedAt(info fs.FileInfo) time.Time {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.ModTime()
	}
	return time.Unix(stat.Ctimespec.Unix())
}
