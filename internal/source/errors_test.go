package source

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Each kind of failure has its exit code, and whether it passes by itself.
func TestKindsOfErrors(t *testing.T) {
	for _, c := range []struct {
		is        error
		exit      int
		temporary bool
	}{
		{nil, 1, false},
		{ErrUnreachable, 11, true},
		{ErrBusy, 11, true},
		{ErrCorrupt, 11, true},
		{ErrDenied, 20, false},
		{ErrPushRefused, 20, false},
		{ErrNoRepository, 13, false},
		{ErrNoRevision, 13, false},
		{ErrRefused, 2, false},
	} {
		err := fmt.Errorf("reading: %w", newError(c.is, "https://h/x", "cause", "remedy"))
		if got := problem.ExitCode(err); got != c.exit {
			t.Errorf("%v: exit code: got %d, want %d", c.is, got, c.exit)
		}
		if got := IsTemporary(err); got != c.temporary {
			t.Errorf("%v: IsTemporary: got %v, want %v", c.is, got, c.temporary)
		}
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%v: errors.Is does not find it", c.is)
		}
		if want := "reading: repository https://h/x: cause; remedy"; err.Error() != want {
			t.Errorf("%v: got %q, want %q", c.is, err, want)
		}
	}
}
