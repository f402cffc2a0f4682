package dev

import (
	"os/exec"
	"runtime"
)

// openInBrowser shows an address in the browser, where this machine has one.
func openInBrowser(address string) {
	program := map[string]string{"darwin": "open", "windows": "explorer"}[runtime.GOOS]
	if program == "" {
		program = "xdg-open"
	}
	if path, err := exec.LookPath(program); err == nil {
		_ = exec.Command(path, address).Run() //nolint:gosec // the address is of a port that this program forwards
	}
}
