package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
)

// TestNoLocalProgram: where the program that carries Kubernetes is missing, the remedy is one of the system.
func TestNoLocalProgram(t *testing.T) {
	for system, want := range map[string]string{"linux": "of the same archive", "darwin": "use another cluster (--context)", "freebsd": "run this on Linux"} {
		err := noLocalProgram(system, exec.ErrNotFound)
		if got := problem.Message(err); !strings.Contains(got, "program cyan-local: found neither") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", system, got, want)
		}
	}
}
