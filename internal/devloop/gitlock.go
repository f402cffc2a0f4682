package devloop

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// gitLock returns the file that git keeps while it changes the files below a folder, as a checkout of another branch
// does; "" where they are in no repository.
func gitLock(root string) string {
	for dir := root; ; dir = filepath.Dir(dir) {
		repository := filepath.Join(dir, ".git")
		info, err := os.Stat(repository)
		switch {
		case err == nil && info.IsDir():
			return filepath.Join(repository, "index.lock")
		case err == nil:
			// Another working tree, whose part of the repository is elsewhere.
			text, err := os.ReadFile(repository)
			at, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
			if err != nil || !ok {
				return ""
			}
			if !filepath.IsAbs(at) {
				at = filepath.Join(dir, at)
			}
			return filepath.Join(at, "index.lock")
		case dir == filepath.Dir(dir):
			return ""
		}
	}
}

// holds reports whether git is at work by the file that it keeps meanwhile. latest is when a file was changed last: as
// long as that goes on, git is not done, however long it takes.
func holds(lock string, latest time.Time) bool {
	if lock == "" {
		return false
	}
	info, err := os.Lstat(lock)
	if err != nil {
		return false
	}
	if latest.Before(info.ModTime()) {
		latest = info.ModTime()
	}
	return time.Since(latest) < longestLock
}
