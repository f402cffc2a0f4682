package source_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// mirrorDir finds the only mirror in a folder of mirrors.
func mirrorDir(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.git"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	return found[0]
}

func TestDamagedMirrorsAreMadeAnew(t *testing.T) {
	damages := map[string]func(t *testing.T, dir string){
		"objects gone": func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "objects"))) },
		"packs gone": func(t *testing.T, dir string) {
			must(t, os.RemoveAll(filepath.Join(dir, "objects")))
			must(t, os.MkdirAll(filepath.Join(dir, "objects", "pack"), 0o755))
		},
		"objects overwritten": func(t *testing.T, dir string) {
			must(t, filepath.WalkDir(filepath.Join(dir, "objects"), func(path string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				must(t, os.Chmod(path, 0o644))
				return os.WriteFile(path, []byte("garbage"), 0o644)
			}))
		},
		"HEAD gone": func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "HEAD"))) },
		"config broken": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "config"), []byte("[broken"), 0o644))
		},
		"unfinished": func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "cyan-mirror"))) },
		"all gone":   func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) },
		"refs broken": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "packed-refs"), []byte("junk junk\n"), 0o644))
			must(t, os.RemoveAll(filepath.Join(dir, "refs", "heads")))
			must(t, os.MkdirAll(filepath.Join(dir, "refs", "heads"), 0o755))
			must(t, os.WriteFile(filepath.Join(dir, "refs", "heads", "main"), []byte("junk\n"), 0o644))
		},
		"locks left behind": func(t *testing.T, dir string) {
			for _, name := range []string{"packed-refs.lock", "refs/heads/main.lock", "shallow.lock", "config.lock", "objects/pack/tmp_pack_x"} {
				must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
			}
		},
	}
	for name, damage := range damages {
		for _, restarted := range []string{"running", "restarted"} {
			t.Run(name+" "+restarted, func(t *testing.T) {
				t.Parallel()
				repo := testkit.GitRepo(t)
				repo.Commit(map[string]string{"a": "1"})
				dir := t.TempDir()
				at := source.Repository{URL: repo.URL}
				opts := source.Options{TrustRefs: time.Nanosecond}
				m, err := source.Open(dir, opts)
				must(t, err)
				defer func() { _ = m.Close() }()
				_, err = m.Resolve(t.Context(), at, "main")
				must(t, err)
				damage(t, mirrorDir(t, dir))
				if restarted == "restarted" {
					must(t, m.Close())
					m, err = source.Open(dir, opts)
					must(t, err)
				}
				sha := repo.Commit(map[string]string{"a": "2"})
				// A controller tries again after an error that says so.
				for attempt := 1; ; attempt++ {
					err := readA(t.Context(), m, at, sha, "2")
					if err == nil {
						break
					}
					if attempt == 3 || !errors.Is(err, source.ErrCorrupt) {
						t.Fatalf("attempt %d: %v", attempt, err)
					}
				}
			})
		}
	}
}

func readA(ctx context.Context, m *source.Mirrors, at source.Repository, sha, want string) error {
	got, err := m.Resolve(ctx, at, "main")
	if err != nil {
		return err
	}
	tree, err := m.Tree(ctx, at, got)
	if err != nil {
		return err
	}
	data, err := tree.ReadFile("a")
	if err != nil {
		return err
	}
	if got != sha || string(data) != want {
		return errors.New("read " + got + " " + string(data))
	}
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamagedObjectsAreFoundByReading(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "content"})
	dir := t.TempDir()
	m, err := source.Open(dir, source.Options{TrustRefs: time.Minute, CacheSize: 1})
	must(t, err)
	defer func() { _ = m.Close() }()
	at := source.Repository{URL: repo.URL}
	tree, err := m.Tree(t.Context(), at, sha)
	must(t, err)
	if _, err := tree.ReadFile("absent"); !errors.Is(err, fs.ErrNotExist) || tree.Err() != nil {
		t.Fatalf("a file that the commit does not have: %v, Err %v", err, tree.Err())
	}
	packs, err := filepath.Glob(filepath.Join(mirrorDir(t, dir), "objects", "pack", "*.pack"))
	must(t, err)
	for _, pack := range packs {
		must(t, os.Chmod(pack, 0o644))
		must(t, os.WriteFile(pack, []byte("garbage"), 0o644))
	}
	if _, err := tree.ReadFile("a"); !errors.Is(err, source.ErrCorrupt) || !source.IsTemporary(tree.Err()) {
		t.Fatalf("%v, Err %v", err, tree.Err())
	}
	tree, err = m.Tree(t.Context(), at, sha)
	must(t, err)
	if data, err := tree.ReadFile("a"); string(data) != "content" {
		t.Fatal(string(data), err)
	}
}

func TestProcessesShareMirrors(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			m, err := source.Open(dir, source.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = m.Close() }()
			if err := readA(t.Context(), m, source.Repository{URL: repo.URL}, sha, "1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// What a fetch brings appears as a whole: who sees the commit sees its files.
func TestFetchesAreSeenWhole(t *testing.T) {
	repo := testkit.GitRepo(t)
	dir := t.TempDir()
	m, err := source.Open(dir, source.Options{TrustRefs: time.Nanosecond})
	must(t, err)
	defer func() { _ = m.Close() }()
	const fetches = 60
	for i := range fetches {
		sha := repo.Commit(map[string]string{"a": fmt.Sprint(i)})
		must(t, readA(t.Context(), m, source.Repository{URL: repo.URL}, sha, fmt.Sprint(i)))
	}
	if loose, err := filepath.Glob(filepath.Join(mirrorDir(t, dir), "objects", "[0-9a-f][0-9a-f]", "*")); err != nil || len(loose) > 0 {
		t.Errorf("%d objects came one by one, %v", len(loose), err)
	}
	if packs, err := filepath.Glob(filepath.Join(mirrorDir(t, dir), "objects", "pack", "*.pack")); err != nil || len(packs) > fetches*3/4 {
		t.Errorf("%d fetches left %d packs, %v", fetches, len(packs), err)
	}
}
