package render_test

import (
	"testing"

	"github.com/cyan-cd/cyan/internal/render"
)

// What to do about a deprecated field is a command where that writes it, and words where nothing can.
func TestRemediesOfDeprecatedFields(t *testing.T) {
	for replacement, want := range map[string]string{
		"resources":    "`cyan validate --fix` writes it as resources",
		"replacements": "write into replacements which fields get the value",
		"":             "write what replaces it",
	} {
		if got := (render.Warning{Type: render.DeprecatedField, Replacement: replacement}).Remedy(); got != want {
			t.Errorf("of one that %q replaces: got %q, want %q", replacement, got, want)
		}
	}
}
