package render

import (
	"crypto/sha1" //nolint:gosec // the name that git gives to content, not a protection
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ReadSet is what a rendering looked at: path → what was there. A file has its blob hash; a directory that was listed
// has its tree hash and a digest of its names; what was looked for and missing has "". The values are only meant for
// Unchanged.
type ReadSet map[string]string

// HashFS names content: the hash of a file's bytes, or of a directory with all that is below it. The error is
// fs.ErrNotExist when nothing is there.
type HashFS interface {
	Hash(name string) (string, error)
}

// Unchanged reports whether rendering the same source from tree has the same result. A directory whose names are the
// same counts as unchanged when tree can list it; what is read from it is in the set as well.
func (s ReadSet) Unchanged(tree HashFS) bool {
	for name, want := range s {
		got, err := tree.Hash(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if want != "" {
				return false
			}
		case err != nil || want == "":
			return false
		case got == want:
		default:
			hash, names, listed := strings.Cut(want, listingSeparator)
			if !listed || (got != hash && !sameNames(tree, name, names)) {
				return false
			}
		}
	}
	return true
}

// listingSeparator stands between a listed directory's tree hash and the digest of its names.
const listingSeparator = " names:"

func sameNames(tree HashFS, dir, want string) bool {
	fsys, ok := tree.(fs.FS)
	if !ok {
		return false
	}
	entries, err := fs.ReadDir(fsys, dir)
	return err == nil && namesDigest(entries) == want
}

func namesDigest(entries []fs.DirEntry) string {
	h := sha256.New()
	for _, e := range entries {
		fmt.Fprintf(h, "%s\x00%s\n", e.Name(), e.Type())
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// record is the ReadSet of a rendering while it runs.
type record struct {
	hashes HashFS
	reads  ReadSet
}

// note records the hash of what is at a path that is no link.
func (r record) note(name string) error {
	if _, ok := r.reads[name]; ok {
		return nil
	}
	hash, err := r.hashes.Hash(name)
	if err != nil {
		return fmt.Errorf("hashing %s: %w", name, err)
	}
	r.reads[name] = hash
	return nil
}

// noteListing records a directory with the names that were listed of it.
func (r record) noteListing(dir string, entries []fs.DirEntry) error {
	if hash, ok := r.reads[dir]; ok && strings.Contains(hash, listingSeparator) {
		return nil
	}
	hash, err := r.hashes.Hash(dir)
	if err != nil {
		return fmt.Errorf("hashing %s: %w", DisplayPath(dir), err)
	}
	r.reads[dir] = hash + listingSeparator + namesDigest(entries)
	return nil
}

// Hashed returns tree with hashes: its own where it is a HashFS; otherwise files get git's SHA-1 blob hash, and
// directories a digest of their names: nothing below them is read.
func Hashed(tree fs.FS) interface {
	fs.FS
	HashFS
} {
	if h, ok := tree.(interface {
		fs.FS
		HashFS
	}); ok {
		return h
	}
	return contentHashes{tree}
}

type contentHashes struct{ fs.FS }

func (c contentHashes) Hash(name string) (string, error) {
	info, err := fs.Lstat(c.FS, name)
	if err != nil {
		return "", fmt.Errorf("hashing %s: %w", name, err)
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := fs.ReadLink(c.FS, name)
		if err != nil {
			return "", fmt.Errorf("hashing %s: %w", name, err)
		}
		return blobHash([]byte(target)), nil
	case info.IsDir():
		return c.hashDirectory(name)
	}
	data, err := fs.ReadFile(c.FS, name)
	if err != nil {
		return "", fmt.Errorf("hashing %s: %w", name, err)
	}
	return blobHash(data), nil
}

func (c contentHashes) hashDirectory(name string) (string, error) {
	entries, err := fs.ReadDir(c.FS, name)
	if err != nil {
		return "", fmt.Errorf("hashing %s: %w", name, err)
	}
	return namesDigest(entries), nil
}

func blobHash(data []byte) string {
	h := sha1.New() //nolint:gosec // see the import
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}
