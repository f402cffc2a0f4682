package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Sources are the files of the folder that is built that a Go program is made of, as slash-separated paths in it.
type Sources struct {
	// Folders are those of its packages.
	Folders []string
	// Embedded are files that are part of it, and folders of which all files below are.
	Embedded []string
}

// SourcesOf lists what the program of a plan is made of; nil when that is not known, as of what another program builds.
func SourcesOf(ctx context.Context, p *Plan) (*Sources, error) {
	if p.gomain == nil {
		return nil, nil
	}
	g := p.gomain
	c := g.command()
	if !g.described {
		c.dir, c.work = p.request.Dir, workBetween(p.request.Root, p.request.Dir)
		return c.sources(ctx, g.Program.Flags, g.Program.Packages, p.request.Dir)
	}
	var found *Sources
	list := func(s *stageFolder) (err error) {
		module, ok := s.above(g.Program.Dir, "go.mod")
		if !ok || !s.holdsSame(module, filepath.Join(p.request.Dir, "go.mod")) {
			return nil
		}
		c.root, c.dir, c.work = s.root.Name(), s.path(g.Program.Dir), s.work(g.Program)
		found, err = c.sources(ctx, g.Program.Flags, g.Program.Packages, s.path(path.Dir(module)))
		return err
	}
	// What was compiled is listed.
	last, err := g.stage.last(), error(nil)
	if last != nil {
		err = list(last)
	} else {
		err = g.inStage(p.request, list)
	}
	return found, err
}

// sources lists what packages are made of, below a folder.
func (c goCommand) sources(ctx context.Context, flags, packages []string, below string) (*Sources, error) {
	var out bytes.Buffer
	args := append(append([]string{"list", "-deps", "-json=Dir,Standard,EmbedFiles"}, listFlags(flags)...), packages...)
	if err := c.run(ctx, &out, args...); err != nil {
		return nil, err
	}
	found := &Sources{}
	for decoder := json.NewDecoder(&out); ; {
		var l listed
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading what go list printed: %w", err)
		}
		inside, err := filepath.Rel(below, l.Dir)
		if l.Standard || err != nil || !filepath.IsLocal(inside) {
			continue
		}
		folder := filepath.ToSlash(inside)
		found.Folders = append(found.Folders, folder)
		for _, file := range l.EmbedFiles {
			// A folder that is embedded takes what is added to it.
			first, _, nested := strings.Cut(filepath.ToSlash(file), "/")
			if nested {
				file = first
			}
			found.Embedded = append(found.Embedded, path.Join(folder, file))
		}
	}
	slices.Sort(found.Embedded)
	found.Embedded = slices.Compact(found.Embedded)
	return found, nil
}

// holdsSame reports whether a file of the stage is the same as one on this machine.
func (s *stageFolder) holdsSame(inStage, file string) bool {
	copied, err := s.root.ReadFile(strings.TrimPrefix(inStage, "/"))
	if err != nil {
		return false
	}
	own, err := os.ReadFile(file)
	return err == nil && bytes.Equal(copied, own)
}
