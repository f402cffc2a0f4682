package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// Copy is what an image takes from the build context as it is.
type Copy struct {
	// Sources are paths or patterns in the build context; "" is all of it.
	Sources []string
	// Dest is where it goes; one that ends in a slash is a folder, and a relative one is in the working directory of the
	// image that the Dockerfile stands on.
	Dest string
}

// Copies returns what the last stage, with the stages that it stands on, takes from the build context. Files that are
// unpacked, fetched or copied with options are left out, and so is what cannot be told.
func (f *File) Copies() []Copy {
	if len(f.stages) == 0 {
		return nil
	}
	c := copies{variables: newVariables(f)}
	c.stage(len(f.stages) - 1)
	return c.all
}

// copies are those of a stage while it is read.
type copies struct {
	variables
	workdir string
	all     []Copy
}

func (c *copies) stage(i int) {
	if before, ok := c.file.find(c.file.stages[i].base, i); ok {
		c.stage(before)
		// Arguments count for one stage.
		clear(c.args)
	}
	for _, command := range c.file.stages[i].Commands {
		c.read(command)
	}
}

func (c *copies) read(command instructions.Command) {
	switch command := command.(type) {
	case *instructions.ArgCommand:
		_ = c.declare(command)
	case *instructions.EnvCommand:
		_ = c.set(command)
	case *instructions.WorkdirCommand:
		if folder, err := c.expand(command.Path); err == nil {
			c.workdir = resolve(c.workdir, folder)
		}
	case *instructions.CopyCommand:
		if command.From == "" && len(command.ExcludePatterns) == 0 && !command.Parents {
			c.take(command.SourcesAndDest)
		}
	case *instructions.AddCommand:
		if len(command.ExcludePatterns) == 0 && !slices.ContainsFunc(command.SourcePaths, isFetchedOrUnpacked) {
			c.take(command.SourcesAndDest)
		}
	}
}

// take notes a copy, unless something in it is not known.
func (c *copies) take(s instructions.SourcesAndDest) {
	if len(s.SourceContents) > 0 {
		return
	}
	written, err := c.expand(s.DestPath)
	if err != nil {
		return
	}
	found := Copy{Dest: resolve(c.workdir, written)}
	if isFolder(written) {
		found.Dest = strings.TrimSuffix(found.Dest, "/") + "/"
	}
	for _, source := range s.SourcePaths {
		source, err := c.expand(source)
		if err != nil {
			return
		}
		found.Sources = append(found.Sources, strings.TrimPrefix(path.Join("/", source), "/"))
	}
	c.all = append(c.all, found)
}

func isFetchedOrUnpacked(source string) bool {
	for _, end := range []string{".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"} {
		if strings.HasSuffix(source, end) {
			return true
		}
	}
	return strings.Contains(source, "://") || strings.HasPrefix(source, "git@") || strings.Contains(source, ".git#")
}
