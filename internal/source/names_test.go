package source_test

import (
	"context"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// The names of a repository are its branches and tags, an annotated tag once.
func TestNames(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"a": "1"})
	repo.Git("branch", "feature/x")
	repo.Git("tag", "v1")
	repo.Git("tag", "-a", "v2", "-m", "second")
	repo.Push("--all")
	repo.Push("--tags")
	mirrors, err := source.Open(t.TempDir(), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mirrors.Close() }()
	got, err := mirrors.Names(context.Background(), source.Repository{URL: repo.URL})
	want := source.Names{Branches: []string{"feature/x", "main"}, Tags: []string{"v1", "v2"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

// Whether a repository is reached leaves nothing behind, and is asked anew each time.
func TestReach(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"a": "1"})
	repo.Push("--all")
	dir, asked := t.TempDir(), 0
	mirrors, err := source.Open(dir, source.Options{Asked: func(source.Asked) { asked++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mirrors.Close() }()
	for range 2 {
		if err := mirrors.Reach(t.Context(), source.Repository{URL: repo.URL}); err != nil {
			t.Errorf("got %v, want it reached", err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	if err := mirrors.Reach(t.Context(), source.Repository{URL: repo.URL + "-missing"}); err == nil {
		t.Error("one that there is not is reached")
	}
	left, err := os.ReadDir(dir)
	for _, entry := range left {
		if strings.HasSuffix(entry.Name(), ".git") {
			t.Errorf("%s is left behind", entry.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}
