package devloop

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

// What is done to files is a change where it is one of the image that they are copied into: other contents, another
// mode, a link to something else, a folder in the place of a file.
func TestTree(t *testing.T) {
	link := func(path string) decide.Change { return decide.Change{Path: path, Link: true} }
	for _, row := range []struct {
		rule string
		// named is what the system says has changed, in the folder that before and do make and change.
		before, do func(folder) error
		named      []string
		want       []decide.Change
	}{
		{
			"other contents", func(f folder) error { return f.write("a", "1") }, func(f folder) error { return f.write("a", "22") }, []string{"a"},
			[]decide.Change{changed("a")},
		},
		{
			"the same contents, at another time", func(f folder) error { return f.write("a", "1") }, func(f folder) error { return f.write("a", "1") }, []string{"a"}, nil,
		},
		{
			"another mode", func(f folder) error { return f.write("a", "1") }, func(f folder) error { return os.Chmod(f.path("a"), 0o755) }, []string{"a"}, []decide.Change{changed("a")},
		},
		{
			"a new link to a file", func(f folder) error { return f.write("a", "1") }, func(f folder) error { return os.Symlink("a", f.path("l")) }, []string{"l"}, []decide.Change{link("l")},
		},
		{
			"a new link to nothing", nil, func(f folder) error { return os.Symlink("nowhere", f.path("l")) }, []string{"l"}, []decide.Change{link("l")},
		},
		{
			"a new link to a folder", func(f folder) error { return f.write("d/a", "1") }, func(f folder) error { return os.Symlink("d", f.path("l")) }, []string{"l"},
			[]decide.Change{link("l")},
		},
		{
			"a link that is as it was", func(f folder) error { return os.Symlink("nowhere", f.path("l")) }, func(folder) error { return nil }, []string{"l"}, nil,
		},
		{
			"a link to another file with the same contents", func(f folder) error {
				return errors.Join(f.write("a", "1"), os.Link(f.path("a"), f.path("b")), os.Symlink("a", f.path("l")))
			}, func(f folder) error { return errors.Join(os.Remove(f.path("l")), os.Symlink("b", f.path("l"))) }, []string{"l"}, []decide.Change{link("l")},
		},
		{
			"a link whose file has other contents, which is no file of the tree", func(f folder) error {
				return errors.Join(os.WriteFile(f.outside("a"), []byte("1"), 0o600), os.Symlink(f.outside("a"), f.path("l")))
			}, func(f folder) error { return os.WriteFile(f.outside("a"), []byte("22"), 0o600) }, []string{"l"}, []decide.Change{link("l")},
		},
		{
			"a link in the place of a file with the same contents", func(f folder) error { return errors.Join(f.write("a", "1"), os.Link(f.path("a"), f.path("l"))) }, func(f folder) error {
				return errors.Join(os.Remove(f.path("l")), os.Symlink("a", f.path("l")))
			}, []string{"l"}, []decide.Change{link("l")},
		},
		{
			"a link that is gone", func(f folder) error { return os.Symlink("nowhere", f.path("l")) }, func(f folder) error { return os.Remove(f.path("l")) }, []string{"l"},
			[]decide.Change{gone("l")},
		},
		{
			"a folder in the place of a file", func(f folder) error { return f.write("x", "1") }, func(f folder) error { return errors.Join(os.Remove(f.path("x")), f.write("x/y", "1")) }, []string{"x"},
			[]decide.Change{gone("x"), changed("x/y")},
		},
		{
			"a file in the place of a folder", func(f folder) error { return f.write("x/y", "1") }, func(f folder) error {
				return errors.Join(os.RemoveAll(f.path("x")), f.write("x", "1"))
			}, []string{"x"}, []decide.Change{changed("x"), gone("x/y")},
		},
	} {
		f := folder{t.TempDir()}
		if err := os.Mkdir(f.path("."), 0o700); err != nil {
			t.Fatal(err)
		}
		if row.before != nil {
			if err := row.before(f); err != nil {
				t.Fatal(err)
			}
		}
		named, all := newTree(f.path("."), leaveOut), newTree(f.path("."), leaveOut)
		named.scan(nil)
		all.scan(nil)
		if err := row.do(f); err != nil {
			t.Fatal(err)
		}
		if got := timeless(named.update(row.named, nil)); !slices.Equal(got, row.want) {
			t.Errorf("%s: got %v, want %v", row.rule, got, row.want)
		}
		if got := timeless(all.scan(nil)); !slices.Equal(got, row.want) {
			t.Errorf("%s, where everything is looked at: got %v, want %v", row.rule, got, row.want)
		}
	}
}

// folder is a folder with another one beside it.
type folder struct{ dir string }

func (f folder) path(name string) string    { return filepath.Join(f.dir, "tree", name) }
func (f folder) outside(name string) string { return filepath.Join(f.dir, name) }

func (f folder) write(name, text string) error {
	return errors.Join(os.MkdirAll(filepath.Dir(f.path(name)), 0o700), os.WriteFile(f.path(name), []byte(text), 0o600))
}

// timeless are changes in the order of their paths, whenever they were made.
func timeless(all []decide.Change) []decide.Change {
	for i := range all {
		all[i].At = changed("").At
	}
	slices.SortFunc(all, func(a, b decide.Change) int {
		if a.Path < b.Path {
			return -1
		}
		return 1
	})
	return all
}
