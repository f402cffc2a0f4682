package skaffold

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/skaffold"
)

// facts are what the tag of an image is made of; those that are not known are left out.
func facts(ctx context.Context, root string, tree fs.FS, a skaffold.Artifact, now time.Time) skaffold.Facts {
	f := skaffold.Facts{Image: a.Image, Now: now, Zone: time.LoadLocation, Env: environment()}
	git := func(args ...string) string {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = filepath.Join(root, filepath.FromSlash(a.Context))
		out, err := cmd.Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	f.Tags, f.Commit, f.AbbrevCommit = git("describe", "--tags", "--always"), git("rev-parse", "HEAD"), git("rev-parse", "--short", "HEAD")
	f.Tree, f.AbbrevTree = git("rev-parse", "HEAD:./"), git("rev-parse", "--short", "HEAD:./")
	f.Dirty = git("status", "--porcelain", ".") != ""
	if needsDigest(a.Tagger) {
		f.Digest = inputDigest(tree, a)
	}
	return f
}

func needsDigest(t skaffold.Tagger) bool {
	for _, c := range t.Components {
		if needsDigest(c) {
			return true
		}
	}
	return t.Policy == skaffold.InputDigest
}

// inputDigest is a hash of the paths and contents of a context; "" when it cannot be read.
func inputDigest(tree fs.FS, a skaffold.Artifact) string {
	var files []string
	err := fs.WalkDir(tree, a.Context, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path.Base(name) == ".git" {
			return fs.SkipDir
		}
		if err == nil && entry.Type().IsRegular() {
			files = append(files, name)
		}
		return err
	})
	slices.Sort(files)
	sum := sha256.New()
	for _, name := range files {
		if err == nil {
			err = hash(sum, tree, name)
		}
	}
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

func hash(sum io.Writer, tree fs.FS, name string) error {
	file, err := tree.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	content := sha256.New()
	if _, err := io.Copy(content, file); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sum, "%s\x00%x\n", name, content.Sum(nil))
	return err
}
