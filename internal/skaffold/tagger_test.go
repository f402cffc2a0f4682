package skaffold_test

import (
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/skaffold"
)

func TestIsTag(t *testing.T) {
	for tag, want := range map[string]bool{
		"v1": true, "_": true, "1.2-rc.1_x": true, strings.Repeat("a", 128): true,
		"": false, ".v1": false, "-v1": false, "a b": false, "a/b": false, "a+b": false, "a:b": false, "a@sha256:" + strings.Repeat("0", 64): false, "v1\n": false, strings.Repeat("a", 129): false,
	} {
		if got := skaffold.IsTag(tag); got != want {
			t.Errorf("%q: got %t, want %t", tag, got, want)
		}
	}
}
