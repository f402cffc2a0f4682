package source_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// A host that lists more refs than anyone has is refused, before what it lists fills the memory.
func TestTooManyRefs(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	var refs []string
	for i := range 200 {
		refs = append(refs, fmt.Sprintf("HEAD:refs/heads/some-long-name-of-a-branch/%03d", i))
	}
	repo.Push(refs...)
	for _, url := range []string{repo.URL, repo.Bare} {
		for _, revision := range []string{"main", sha} {
			_, err := open(t, source.Options{MaxRefs: 4000}).Resolve(t.Context(), source.Repository{URL: url}, revision)
			if !errors.Is(err, source.ErrRefused) || problem.KindOf(err) != problem.Refused || !strings.Contains(err.Error(), "list of branches and tags is larger than 4000 bytes") {
				t.Errorf("%s at %.7s: got %v, want it refused", url, revision, err)
			}
		}
	}
	must(t, readA(t.Context(), open(t, source.Options{}), source.Repository{URL: repo.URL}, sha, "1"))
}

// A repository that is larger than a mirror may be is refused, leaves nothing on the disk, and is not fetched again at
// once.
func TestTooLargeRepositories(t *testing.T) {
	repo := testkit.GitRepo(t)
	noise := make([]byte, 3<<20)
	_, _ = rand.Read(noise)
	sha := repo.Commit(map[string]string{"a": "1", "noise": string(noise)})
	url, fetches := counted(t, repo, "/git-upload-pack")
	dir := t.TempDir()
	m, err := source.Open(dir, source.Options{MaxRepositorySize: 1 << 20})
	must(t, err)
	defer func() { _ = m.Close() }()
	asked := int64(0)
	for attempt := range 3 {
		for _, revision := range []string{"main", sha} {
			_, err := m.Resolve(t.Context(), source.Repository{URL: url}, revision)
			if !errors.Is(err, source.ErrRefused) || problem.KindOf(err) != problem.Refused || !strings.Contains(err.Error(), "repository is larger than 1 MiB") {
				t.Errorf("attempt %d at %.7s: got %v, want it refused", attempt, revision, err)
			}
		}
		if now := fetches.Load(); attempt > 0 && now-asked > 2 {
			t.Errorf("attempt %d: %d requests, want it not fetched again", attempt, now-asked)
		}
		asked = fetches.Load()
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.git")); len(left) > 0 {
		t.Errorf("left on the disk: %v", left)
	}
}

func TestCleaningUpMirrors(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	dir := t.TempDir()
	m, err := source.Open(dir, source.Options{MaxDisk: 1 << 30})
	must(t, err)
	defer func() { _ = m.Close() }()
	at := func(user string) source.Repository {
		return source.Repository{URL: repo.URL, Credentials: source.Credentials{Username: user, Password: "any"}}
	}
	mirrors := func() int {
		found, err := filepath.Glob(filepath.Join(dir, "*.git"))
		must(t, err)
		return len(found)
	}
	clean := func(rule string, in time.Duration, want, left int) {
		t.Helper()
		got, err := m.Clean(t.Context(), time.Now().Add(in))
		if err != nil || got != want || mirrors() != left {
			t.Errorf("%s: removed %d, left %d, %v; want %d and %d", rule, got, mirrors(), err, want, left)
		}
	}
	for _, user := range []string{"ada", "bob", "cleo"} {
		must(t, readA(t.Context(), m, at(user), sha, "1"))
	}
	clean("all were used today", 23*time.Hour, 0, 3)
	clean("nobody used them for a day", 25*time.Hour, 3, 0)
	// A program that was killed leaves halves of mirrors behind.
	for _, half := range []string{"0123.git.old", "4567.git.new"} {
		must(t, os.MkdirAll(filepath.Join(dir, half, "objects"), 0o700))
	}
	clean("halves of mirrors", time.Hour, 0, 0)
	if halves, err := filepath.Glob(filepath.Join(dir, "*.git.???")); err != nil || len(halves) > 0 {
		t.Errorf("halves of mirrors are left: %v, %v", halves, err)
	}
	must(t, readA(t.Context(), m, at("ada"), sha, "1"))
	clean("what was removed is made anew when it is used", time.Hour, 0, 1)
	must(t, m.Close())

	// One byte is less than any mirror has: all go that are not in use right now, those first that were not used for the
	// longest.
	m, err = source.Open(dir, source.Options{MaxDisk: 1})
	must(t, err)
	must(t, readA(t.Context(), m, at("bob"), sha, "1"))
	clean("all are in use right now", time.Minute, 0, 2)
	old, err := filepath.Glob(filepath.Join(dir, "*.git", "cyan-mirror"))
	must(t, err)
	hour := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(old[0], hour, hour))
	clean("the disk is full", time.Minute, 1, 1)
	if _, err := os.Stat(old[0]); !os.IsNotExist(err) {
		t.Errorf("the one that was used last was removed, not %s", old[0])
	}
}
