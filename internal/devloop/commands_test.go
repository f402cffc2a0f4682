package devloop

import (
	"fmt"
	"testing"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

// What is removed at the end is told as it is.
func TestWhatIsRemoved(t *testing.T) {
	for _, c := range []struct {
		own  bool
		made int
		want string
	}{
		{true, 0, "namespace shop is being removed, with all that is in it"}, {true, 3, "namespace shop is being removed, with all that is in it"},
		{false, 0, "the loop made nothing in namespace shop"}, {false, 1, "what the loop made in namespace shop is removed"},
	} {
		if got := removed("shop", c.own, c.made); got != c.want {
			t.Errorf("own %t, %d made: %q, want %q", c.own, c.made, got, c.want)
		}
	}
}

// Files that somebody saves are remembered within a bound, whatever names they have.
func TestEditedFilesAreBounded(t *testing.T) {
	c := &commands{}
	const each = 1000
	for n := 0; n <= mostEdited+each; n += each {
		changes := make([]decide.Change, each)
		for i := range changes {
			changes[i] = decide.Change{Path: fmt.Sprint("file-", n+i)}
		}
		c.changed(decide.Commands{}, changes)
		if len(c.edited) > mostEdited || !c.edited[changes[0].Path] {
			t.Fatalf("after %d files %d are remembered", n+each, len(c.edited))
		}
	}
	if len(c.edited) > 2*each {
		t.Errorf("%d are remembered beyond the bound of %d", len(c.edited), mostEdited)
	}
}
