package image

import (
	"slices"
	"testing"
)

// The linker's other flags stay, each list of them.
func TestWithoutDWARF(t *testing.T) {
	for _, row := range []struct {
		rule     string
		want, of []string
	}{
		{"no flags", []string{"-ldflags=-w"}, nil},
		{"others", []string{"-tags=prod", "-ldflags=-w"}, []string{"-tags=prod"}},
		{"the linker's", []string{"-ldflags=-X main.version=1 -w"}, []string{"-ldflags=-X main.version=1"}},
		{"of a pattern", []string{"-ldflags=all=-s -w"}, []string{"-ldflags=all=-s"}},
		{"an empty list", []string{"-ldflags=-w", "-tags=a"}, []string{"-ldflags=", "-tags=a"}},
	} {
		of := slices.Clone(row.of)
		if got := withoutDWARF(of); !slices.Equal(got, row.want) || !slices.Equal(of, row.of) {
			t.Errorf("%s: got %q, want %q, and the list as it was", row.rule, got, row.want)
		}
	}
}
