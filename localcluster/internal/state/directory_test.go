package state

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMakePrivateTakesNoDirectoryOfAnother holds what keeps other users from the sockets: whatever stands at the path
// already may be another user's, and is refused.
func TestMakePrivateTakesNoDirectoryOfAnother(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(path string) error
		refused bool
	}{
		{"nothing", func(string) error { return nil }, false},
		{"open directory", func(path string) error { return os.Mkdir(path, 0o777) }, true},
		{"private directory", func(path string) error { return os.Mkdir(path, 0o700) }, true},
		{"link to a directory", func(path string) error { return os.Symlink(t.TempDir(), path) }, true},
		{"link to nothing", func(path string) error { return os.Symlink(path+"-elsewhere", path) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "parent", "run")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := test.prepare(path); err != nil {
				t.Fatal(err)
			}
			err := makePrivate(path)
			if (err != nil) != test.refused {
				t.Fatalf("error: got %v, want one: %v", err, test.refused)
			}
			if info, err := os.Stat(path); !test.refused && (err != nil || info.Mode().Perm() != 0o700) {
				t.Errorf("mode: got %v, %v, want 0700", info, err)
			}
		})
	}
}
