package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// localProgram carries Kubernetes itself; it stands beside this program, or on the PATH.
const localProgram = "cyan-local"

func newLocalCommand(*kit.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "local up|down|status|kubeconfig|logs|load|image|login",
		Short: "Run real Kubernetes on this machine",
		Long: `Run real Kubernetes on this machine: etcd, the control plane, containerd, kubelet, DNS and an image registry.

As root on Linux its pods are real containers; elsewhere they are simulated, and it says so.`,
		Example: `  cyan local up                      # start it, or go on where it stopped
  cyan local status                  # its parts, ports and kubeconfig
  eval "export KUBECONFIG=$(cyan local kubeconfig --path)"
  cyan local load image.tar          # put an image into its registry
  cyan local login                   # let docker and podman push to its registry
  cyan local down --delete           # remove all of it`,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := findLocalProgram()
			if err != nil {
				return err
			}
			// The program takes this process over, so that signals, the terminal and the exit code are its own.
			err = syscall.Exec(path, append([]string{path}, args...), os.Environ())
			return fmt.Errorf("running %s: %w", path, err)
		},
	}
}

func findLocalProgram() (string, error) {
	if self, err := os.Executable(); err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			beside := filepath.Join(filepath.Dir(self), localProgram)
			if _, err := os.Stat(beside); err == nil {
				return beside, nil
			}
		}
	}
	path, err := exec.LookPath(localProgram)
	if err != nil {
		return "", noLocalProgram(runtime.GOOS, err)
	}
	return path, nil
}

// noLocalProgram is the error where the program that carries Kubernetes is not there: archives of releases have it for
// Linux alone.
func noLocalProgram(system string, err error) error {
	remedy := "put the cyan-local of the same archive beside cyan, or run `make build` in Cyan's checkout, which puts both into bin/"
	if system != "linux" {
		remedy = "use another cluster (--context), such as one of kind, k3d or Docker Desktop, or run this on Linux, where pods run; " +
			"`make build` in Cyan's checkout makes one whose pods are simulated"
	}
	return &problem.Error{
		Kind: problem.Absent, Object: "program " + localProgram, Cause: "found neither beside cyan nor on the PATH", Remedy: remedy, Err: err,
	}
}
