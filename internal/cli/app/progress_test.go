package app

import (
	"context"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// What follows a sync and panics has failed in words: the screen that shows it is given back.
func TestProgressOfWhatPanics(t *testing.T) {
	p := &progress{printed: map[string]bool{}, mute: true}
	_, err := p.run(t.Context(), func(context.Context, func(*v1alpha1.Application)) (*v1alpha1.Application, error) { panic("boom") })
	if err == nil || !strings.Contains(err.Error(), "the program has failed: boom") {
		t.Errorf("got %v, want what it has panicked with", err)
	}
}
