package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/cyan-cd/cyan/internal/image/dockerfile"
)

// contextFiles is the folder that a Dockerfile copies from, without what .dockerignore leaves out. Nothing outside of
// the folder is read, whatever the links in it say.
type contextFiles struct {
	tree   fs.FS
	ignore *patternmatcher.PatternMatcher
}

// openContext reads the file that belongs to the Dockerfile if there is one, otherwise .dockerignore.
func openContext(root *os.Root, r *Request) (*contextFiles, error) {
	c := &contextFiles{tree: root.FS()}
	for _, name := range []string{r.Dockerfile + ".dockerignore", ".dockerignore"} {
		data, err := r.read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		patterns, err := ignorefile.ReadAll(strings.NewReader(string(data)))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		if c.ignore, err = patternmatcher.New(patterns); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		return c, nil
	}
	c.ignore, _ = patternmatcher.New(nil)
	return c, nil
}

func (c *contextFiles) ignored(name string) (bool, error) {
	if name == "." {
		return false, nil
	}
	return c.ignore.MatchesOrParentMatches(name)
}

// fill carries the steps of a stage out. An error is a reason why a container is needed.
func (c *contextFiles) fill(into *stageFolder, steps []dockerfile.Step) error {
	into.begin()
	for _, step := range steps {
		if err := c.step(into, step); err != nil {
			return fmt.Errorf("line %d: %w", step.Line, err)
		}
	}
	return into.end()
}

func (c *contextFiles) step(into *stageFolder, step dockerfile.Step) error {
	if into.links > 0 {
		return errors.New("links were copied before")
	}
	dest := strings.TrimPrefix(path.Clean(step.Dest), "/")
	if dest == "" {
		dest = "."
	}
	if len(step.Sources) == 0 {
		return into.makeFolder(dest)
	}
	for _, source := range step.Sources {
		matches, err := c.match(source)
		if err != nil {
			return err
		}
		for _, match := range matches {
			if err := c.copy(into, match, dest, step); err != nil {
				return err
			}
		}
	}
	return nil
}

// match returns what a source names, in the context.
func (c *contextFiles) match(source string) ([]string, error) {
	if source == "" {
		return []string{"."}, nil
	}
	found := []string{source}
	if strings.ContainsAny(source, `*?[\`) {
		var err error
		if found, err = fs.Glob(c.tree, source); err != nil {
			return nil, fmt.Errorf("copies %s: %w", source, err)
		}
	}
	var kept []string
	for _, name := range found {
		ignored, err := c.ignored(name)
		if err != nil {
			return nil, err
		}
		if _, err := fs.Lstat(c.tree, name); err == nil && (!ignored || c.ignore.Exclusions()) {
			kept = append(kept, name)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("copies %s, which the build context does not hold", source)
	}
	return kept, nil
}

// copy copies a file, or what is in a folder.
func (c *contextFiles) copy(into *stageFolder, name, dest string, step dockerfile.Step) error {
	info, err := fs.Lstat(c.tree, name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return c.copyFolder(into, name, dest)
	}
	if step.Folders {
		return fmt.Errorf("adds the file %s, which is unpacked if it is an archive", name)
	}
	if ignored, err := c.ignored(name); err != nil || ignored {
		return errors.Join(err, fmt.Errorf("copies %s, which the build context does not hold", name))
	}
	if there, err := into.root.Stat(dest); strings.HasSuffix(step.Dest, "/") || err == nil && there.IsDir() {
		dest = path.Join(dest, path.Base(name))
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("copies the link %s", name)
	}
	return c.copyFile(into, name, dest, info)
}

func (c *contextFiles) copyFolder(into *stageFolder, from, dest string) error {
	if err := into.makeFolder(dest); err != nil {
		return err
	}
	return fs.WalkDir(c.tree, from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ignored, err := c.ignored(name)
		if err != nil {
			return err
		}
		if ignored && entry.IsDir() && !c.ignore.Exclusions() {
			return fs.SkipDir
		}
		if ignored {
			return nil
		}
		to := path.Join(dest, relative(from, name))
		if entry.IsDir() {
			return into.makeFolder(to)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return c.copyLink(into, name, relative(from, name), to)
		}
		return c.copyFile(into, name, to, info)
	})
}

// relative is a path below another.
func relative(from, name string) string {
	if from == "." {
		return name
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, from), "/")
}

func (c *contextFiles) copyFile(into *stageFolder, name, dest string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("copies %s, which is neither a file nor a folder", name)
	}
	return into.put(c.tree, name, dest, info)
}

// copyLink copies a link that stays inside the folder that is copied. below is its path in that folder.
func (c *contextFiles) copyLink(into *stageFolder, name, below, dest string) error {
	target, err := fs.ReadLink(c.tree, name)
	if err != nil {
		return err
	}
	if !staysInside(below, target) {
		return fmt.Errorf("copies the link %s, which leads out of the folder", name)
	}
	return into.link(target, dest)
}

// staysInside reports whether a link at a path below a folder leads to something in that folder.
func staysInside(below, target string) bool {
	if path.IsAbs(target) || path.Clean(target) != strings.TrimSuffix(target, "/") {
		return false
	}
	to := path.Join(path.Dir(below), target)
	return to != ".." && !strings.HasPrefix(to, "../")
}

// linkOut returns a link below a folder that leads out of it; "" when there is none.
func linkOut(root *os.Root) (string, error) {
	found := ""
	err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			return err
		}
		target, err := root.Readlink(name)
		if err != nil {
			return err
		}
		if _, err := root.Stat(name); err != nil && !errors.Is(err, fs.ErrNotExist) || path.IsAbs(target) {
			found = name
			return fs.SkipAll
		}
		return nil
	})
	return found, err
}
