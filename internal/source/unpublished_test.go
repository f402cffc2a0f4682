package source_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// TestUnpublished: what lies in a working copy and not in a commit that others have.
func TestUnpublished(t *testing.T) {
	repo := testkit.GitRepo(t)
	write := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(repo.Dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sha := repo.Commit(map[string]string{"a": "1", "b": "1", ".gitignore": "ignored\n"})
	c, err := source.OpenCheckout(t.Context(), repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	look := func(name string, want source.Unpublished) {
		t.Helper()
		got, err := c.Unpublished(t.Context(), sha)
		slices.Sort(got.Files)
		if err != nil || !slices.Equal(got.Files, want.Files) || got.NotPushed != want.NotPushed {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
	look("pushed and clean", source.Unpublished{})
	write("ignored")
	look("an ignored file", source.Unpublished{})
	for _, name := range []string{"a", "new file", "ü"} {
		write(name)
	}
	repo.Git("rm", "-q", "b")
	look("changed, new and removed", source.Unpublished{Files: []string{"a", "b", "new file", "ü"}})
	sha = repo.CommitLocally(map[string]string{"c": "1"})
	look("committed and not pushed", source.Unpublished{NotPushed: true})
	sha = "HEAD"
	if _, err := c.Unpublished(t.Context(), sha); err == nil {
		t.Error("a name in the place of a commit: got no error")
	}
}
