package source

import (
	"bytes"
	"context"
	"fmt"
)

// ChangedFile is a path in which two commits differ.
type ChangedFile struct {
	Path string
	// Content is set when both have it, as the same kind of file, with different content.
	Content bool
}

// ChangedFiles lists the files in which two commits of a repository differ, both given by their SHA. Both have to be in
// the mirror, as commits are that were resolved; otherwise the error is git's.
func (m *Mirrors) ChangedFiles(ctx context.Context, repo Repository, from, to string) ([]ChangedFile, error) {
	r, err := m.remote(repo)
	if err != nil {
		return nil, err
	}
	for _, sha := range []string{from, to} {
		if !objectName.MatchString(sha) {
			return nil, newError(ErrRefused, r.name, fmt.Sprintf("%.100q is not a full commit SHA", sha), "resolve the revision first")
		}
	}
	out, err := r.store.git.run(ctx, gitCall{dir: r.dir, args: []string{"diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", from, to}})
	if err != nil {
		return nil, fmt.Errorf("repository %s: comparing commits %s and %s: %w", r.name, from, to, err)
	}
	return parseChanged(out)
}

// parseChanged reads pairs of `:mode mode object object status` and a path, each ended by a NUL.
func parseChanged(out []byte) ([]ChangedFile, error) {
	var all []ChangedFile
	fields := bytes.Split(bytes.TrimSuffix(out, []byte{0}), []byte{0})
	if len(out) == 0 {
		return nil, nil
	}
	if len(fields)%2 != 0 {
		return nil, fmt.Errorf("reading the answer of diff-tree: %d fields", len(fields))
	}
	for i := 0; i < len(fields); i += 2 {
		info, path := fields[i], fields[i+1]
		status := info[bytes.LastIndexByte(info, ' ')+1:]
		if len(info) == 0 || info[0] != ':' || len(status) == 0 {
			return nil, fmt.Errorf("reading the answer of diff-tree: %.100q is not a change", info)
		}
		all = append(all, ChangedFile{Path: string(path), Content: status[0] == 'M'})
	}
	return all, nil
}
