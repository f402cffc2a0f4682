package source

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

// local returns the directory of a repository on this machine, without symbolic links, if it is in one that is allowed.
// The mirrors themselves are never one: they hold what others have been let in to.
func (s *mirrorStore) local(u repository.URL) (string, error) {
	name := "file://" + u.Path()
	no := func(cause, remedy string) error {
		err := newError(ErrRefused, name, cause, remedy)
		err.Kind = problem.Refused
		return err
	}
	if len(s.opts.LocalDirectories) == 0 {
		return "", no("directories of the server's machine are not served as repositories", "set the URL of a git host, or allow the directory with --allow-repository-directory")
	}
	dir, err := filepath.EvalSymlinks(u.Path())
	if errors.Is(err, fs.ErrNotExist) {
		// Git looks for both.
		dir, err = filepath.EvalSymlinks(u.Path() + ".git")
	}
	// What is not there is told of only where it might be.
	judged := dir
	if err != nil {
		judged = u.Path()
	}
	switch {
	case !within(judged, s.opts.LocalDirectories) || within(judged, []string{s.dir}):
		return "", no("directory is in none that is allowed", "move the repository, or allow the directory with --allow-repository-directory")
	case err != nil:
		return "", newError(ErrNoRepository, name, "directory not found", "check the path")
	}
	return dir, nil
}

// within reports whether a path without symbolic links is one of some directories or below one.
func within(dir string, parents []string) bool {
	for _, parent := range parents {
		real, err := filepath.EvalSymlinks(parent)
		if err != nil {
			continue
		}
		if rest, err := filepath.Rel(real, dir); err == nil && rest != ".." && !strings.HasPrefix(rest, "../") {
			return true
		}
	}
	return false
}

// CheckLocalDirectories returns what is wrong with directories in which repositories may be.
func CheckLocalDirectories(dirs []string) error {
	for _, dir := range dirs {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("%q is not an absolute path", dir)
		}
		if _, err := filepath.EvalSymlinks(dir); err != nil {
			return fmt.Errorf("%q: directory not found", dir)
		}
	}
	return nil
}
