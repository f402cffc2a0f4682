package source_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestTreeIsAFileSystem(t *testing.T) {
	repo := testkit.GitRepo(t)
	files := map[string]string{"top.txt": "top", "dir/a.yaml": "a", "dir/b/c.yaml": "c", "dir.x/z": "z", "dir0": "0", "exec": "#!", "odd name\twith \"quotes\"": "odd", "größe.yaml": "ö"}
	repo.CommitLocally(files)
	if err := os.Chmod(filepath.Join(repo.Dir, "exec"), 0o755); err != nil {
		t.Fatal(err)
	}
	repo.Commit(nil)
	m := open(t, source.Options{})
	at := source.Repository{URL: repo.URL}
	sha, err := m.Resolve(t.Context(), at, "")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := m.Tree(t.Context(), at, sha)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, content := range files {
		names = append(names, name)
		if data, err := fs.ReadFile(tree, name); string(data) != content {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if hash, err := tree.Hash(name); hash != repo.Git("rev-parse", "HEAD:"+name) {
			t.Errorf("hash of %s: %s, %v", name, hash, err)
		}
	}
	if err := fstest.TestFS(tree, names...); err != nil {
		t.Error(err)
	}
	if hash, err := tree.Hash("dir/b"); hash != repo.Git("rev-parse", "HEAD:dir/b") {
		t.Error(hash, err)
	}
	if hash, err := tree.Hash("."); hash != repo.Git("rev-parse", "HEAD^{tree}") {
		t.Error(hash, err)
	}
	if info, err := fs.Stat(tree, "exec"); err != nil || info.Mode() != 0o755 {
		t.Error(info, err)
	}
	for _, name := range []string{"absent", "top.txt/below", "dir/absent"} {
		if _, err := fs.ReadFile(tree, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := tree.Hash(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("hash of %s: %v", name, err)
		}
	}
	for _, name := range []string{"", "/top.txt", "../x", "dir/../top.txt", "dir/", "./top.txt", "dir//a.yaml"} {
		if _, err := fs.ReadFile(tree, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestLinksAreReportedAndNeverFollowed(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.CommitLocally(map[string]string{"real/file": "content"})
	for link, target := range map[string]string{"inside": "real/file", "folder": "real", "outside": "../../../etc/passwd", "absolute": "/etc/passwd", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(repo.Dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	repo.Git("add", "--all")
	repo.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("a", 40)+",module")
	repo.Git("commit", "--quiet", "--message", "links")
	repo.Push("HEAD")
	m := open(t, source.Options{})
	at := source.Repository{URL: repo.URL}
	tree, err := m.Tree(t.Context(), at, repo.Git("rev-parse", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"inside": "real/file", "folder": "real", "outside": "../../../etc/passwd", "absolute": "/etc/passwd", "loop": "loop"} {
		if got, err := tree.ReadLink(link); got != target {
			t.Errorf("ReadLink(%s) = %q, %v", link, got, err)
		}
		if info, err := tree.Stat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("Stat(%s) = %v, %v", link, info, err)
		}
		if data, err := tree.ReadFile(link); err == nil {
			t.Errorf("ReadFile(%s) followed the link: %q", link, data)
		}
		if f, err := tree.Open(link); err == nil {
			t.Errorf("Open(%s) followed the link: %v", link, f)
		}
	}
	if _, err := tree.ReadFile("folder/file"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := tree.ReadFile("module"); err == nil || !strings.Contains(err.Error(), "submodule") {
		t.Error(err)
	}
	if info, err := tree.Stat("module"); err != nil || info.Mode().IsRegular() || info.IsDir() {
		t.Error(info, err)
	}
}

func TestNamesThatAreNoText(t *testing.T) {
	repo := testkit.GitRepo(t)
	name := "caf\xe9\x01\n.yaml"
	repo.Commit(map[string]string{name: "latin"})
	m := open(t, source.Options{})
	tree, err := m.Tree(t.Context(), source.Repository{URL: repo.URL}, repo.Git("rev-parse", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := tree.ReadDir(".")
	if err != nil || len(list) != 1 || list[0].Name() != name {
		t.Fatal(list, err)
	}
	if data, err := tree.ReadFile(name); string(data) != "latin" {
		t.Error(string(data), err)
	}
}

func TestLargeFilesAreRefused(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"large": strings.Repeat("x", 2000), "small": "ok"})
	m := open(t, source.Options{MaxFileSize: 1000})
	tree, err := m.Tree(t.Context(), source.Repository{URL: repo.URL}, repo.Git("rev-parse", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.ReadFile("large"); err == nil || !strings.Contains(err.Error(), "2000 bytes") {
		t.Error(err)
	}
	if info, err := tree.Stat("large"); err != nil || info.Size() != 2000 {
		t.Error(info, err)
	}
	if data, err := tree.ReadFile("small"); string(data) != "ok" {
		t.Error("after a refused file:", string(data), err)
	}
}
