package source_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// TestChangedFiles: what came, went, changed its content or became another kind of file, by its whole path, whatever is
// in its name.
func TestChangedFiles(t *testing.T) {
	repo := testkit.GitRepo(t)
	first := repo.Commit(map[string]string{"stays": "1", "changes/a": "1", "goes/b": "1", "odd \n\"é": "1"})
	repo.Git("rm", "-q", "goes/b")
	second := repo.Commit(map[string]string{"changes/a": "2", "comes/c": "1", "odd \n\"é": "2"})
	m := open(t, source.Options{})
	if _, err := m.Resolve(t.Context(), source.Repository{URL: repo.URL}, "main"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, from, to string
		want           []source.ChangedFile
	}{
		{"forth", first, second, []source.ChangedFile{{Path: "changes/a", Content: true}, {Path: "comes/c"}, {Path: "goes/b"}, {Path: "odd \n\"é", Content: true}}},
		{"back", second, first, []source.ChangedFile{{Path: "changes/a", Content: true}, {Path: "comes/c"}, {Path: "goes/b"}, {Path: "odd \n\"é", Content: true}}},
		{"nothing", first, first, nil},
	} {
		got, err := m.ChangedFiles(t.Context(), source.Repository{URL: repo.URL}, c.from, c.to)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	if _, err := m.ChangedFiles(t.Context(), source.Repository{URL: repo.URL}, "--output=x", second); !errors.Is(err, source.ErrRefused) {
		t.Errorf("an option in the place of a commit: got %v, want it refused", err)
	}
	if _, err := m.ChangedFiles(t.Context(), source.Repository{URL: repo.URL}, first, "1111111111111111111111111111111111111111"); err == nil {
		t.Error("a commit that is not there: got no error")
	}
}
