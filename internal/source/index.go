package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tempIndex is a temporary index of the mirror.
type tempIndex struct {
	r    *bareMirror
	file string
}

func newIndex(ctx context.Context, r *bareMirror, commit string) (*tempIndex, error) {
	dir, err := os.MkdirTemp(r.store.secretsDir(), "index-")
	if err != nil {
		return nil, fmt.Errorf("making an index: %w", err)
	}
	i := &tempIndex{r: r, file: filepath.Join(dir, "index")}
	if _, err := i.run(ctx, nil, "read-tree", commit); err != nil {
		i.removeFiles()
		return nil, r.checkCorrupt(commit, err)
	}
	return i, nil
}

func (i *tempIndex) removeFiles() { _ = os.RemoveAll(filepath.Dir(i.file)) }

func (i *tempIndex) run(ctx context.Context, stdin []byte, args ...string) (string, error) {
	out, err := i.r.store.git.run(ctx, gitCall{dir: i.r.dir, args: args, env: []string{"GIT_INDEX_FILE=" + i.file}, stdin: bytes.NewReader(stdin)})
	if err != nil {
		return "", fmt.Errorf("repository %s: git %s: %w", i.r.name, args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// write puts files into the index, on top of what the intents before left there, and gives the tree. Modes stay; a link
// is never written through.
func (i *tempIndex) write(ctx context.Context, tree *Tree, files map[string][]byte) (string, error) {
	var lines bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode := "100644"
		switch info, err := tree.Lstat(name); {
		case errors.Is(err, fs.ErrInvalid) || strings.ContainsRune(name, 0) || slices.Contains(strings.Split(strings.ToLower(name), "/"), ".git"):
			return "", newError(ErrRefused, i.r.name, fmt.Sprintf("%q is not a path in a repository", name), "give a path below the repository's root")
		case err == nil && !info.Mode().IsRegular():
			return "", newError(ErrRefused, i.r.name, name+" is not a regular file", "give the file itself, not a link or a folder")
		case err == nil && info.Mode()&0o100 != 0:
			mode = "100755"
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		hash, err := i.run(ctx, files[name], "hash-object", "-w", "-t", "blob", "--stdin")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&lines, "%s %s\t%s\x00", mode, hash, name)
	}
	if lines.Len() > 0 {
		if _, err := i.run(ctx, lines.Bytes(), "update-index", "-z", "--add", "--replace", "--index-info"); err != nil {
			return "", err
		}
	}
	return i.run(ctx, nil, "write-tree")
}

func commitTree(ctx context.Context, r *bareMirror, tree, parent string, by Person, signing Signing, message string) (Commit, error) {
	if by.Time.IsZero() {
		by.Time = time.Now()
	}
	when := strconv.FormatInt(by.Time.Unix(), 10) + by.Time.Format(" -0700")
	clean := strings.NewReplacer("\n", " ", "<", "", ">", "", "\x00", "")
	name, email := clean.Replace(by.Name), clean.Replace(by.Email)
	env := []string{"GIT_AUTHOR_NAME=" + name, "GIT_AUTHOR_EMAIL=" + email, "GIT_AUTHOR_DATE=" + when, "GIT_COMMITTER_NAME=" + name, "GIT_COMMITTER_EMAIL=" + email, "GIT_COMMITTER_DATE=" + when}
	out, err := r.store.git.run(ctx, signing.call(gitCall{dir: r.dir, env: env, args: []string{"commit-tree", signing.flag(), "-p", parent, "-F", "-", tree}, stdin: strings.NewReader(message)}))
	if err != nil && signing.Signs() {
		return Commit{}, newError(ErrRefused, r.name, "not committed, as commit.gpgsign is set: "+err.Error(), "correct gpg.format, user.signingkey and the key; `git commit -S` shows the same")
	}
	if err != nil {
		return Commit{}, fmt.Errorf("repository %s: committing: %w", r.name, err)
	}
	return r.commit(ctx, strings.TrimSpace(string(out)))
}
