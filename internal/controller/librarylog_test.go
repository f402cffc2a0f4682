package controller

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr"
)

// TestLibraryLog: what libraries say of themselves is for who asks for it; their warnings and errors are for everybody.
func TestLibraryLog(t *testing.T) {
	for level, want := range map[slog.Level]string{slog.LevelInfo: "of an error", slog.LevelDebug: "of a worker, of one in a group, of an error"} {
		var out strings.Builder
		log := logr.FromSlogHandler(libraryLog{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})})
		log.WithValues("controller", "a").Info("of a worker")
		log.WithName("group").Info("of one in a group")
		log.Error(errors.New("no"), "of an error")
		var got []string
		for _, line := range strings.Split(out.String(), "\n") {
			if _, rest, ok := strings.Cut(line, `msg="`); ok {
				message, _, _ := strings.Cut(rest, `"`)
				got = append(got, message)
			}
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("at %s: got %q, want %q", level, text, want)
		}
	}
}
