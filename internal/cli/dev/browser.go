package dev

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// openInBrowser shows an address in the browser of this machine. The error is why it does not.
func openInBrowser(address string) error {
	program := map[string]string{"darwin": "open", "windows": "explorer"}[runtime.GOOS]
	if program == "" {
		program = "xdg-open"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		if path = os.Getenv("BROWSER"); path == "" {
			return fmt.Errorf("%s: no browser found, since %s is not on the PATH and BROWSER is not set; open the address yourself", address, program)
		}
	}
	//nolint:gosec // the address is of a port that this program forwards
	if err := exec.Command(path, address).Run(); err != nil && runtime.GOOS != "windows" {
		return fmt.Errorf("%s: %s: %w; open the address yourself", address, path, err)
	}
	return nil
}
