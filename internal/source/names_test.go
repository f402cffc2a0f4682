package source_test

import (
	"context"
	"reflect"
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
