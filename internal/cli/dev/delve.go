package dev

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// delveModule is the debugger, and delveVersion the one that is built when this machine has none that runs in images.
const (
	delveModule  = "github.com/go-delve/delve"
	delveVersion = "v1.27.2"
)

// Delve returns a dlv program that runs in any image for Linux on this machine's processor.
func Delve(ctx context.Context, e *kit.Env) (string, error) { return (&command{Env: e}).delve(ctx) }

// delve returns a dlv program that runs in any image for Linux on this machine's processor: the one that was built
// before, the one of this machine, or one that is built now, by the Go toolchain from the module proxy.
func (c *command) delve(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", &problem.Error{Kind: problem.Refused, Object: "--debug", Cause: err.Error(), Remedy: "set XDG_CACHE_HOME or HOME", Err: err}
	}
	kept := filepath.Join(cache, "cyan", "delve", delveVersion, "linux_"+runtime.GOARCH, "dlv")
	if runsAnywhere(kept) {
		return kept, nil
	}
	if here, err := exec.LookPath("dlv"); err == nil && runsAnywhere(here) {
		return here, nil
	}
	c.Note("Delve %s is built once for linux/%s, from the Go module proxy, into %s", delveVersion, runtime.GOARCH, kept)
	return kept, buildDelve(ctx, kept)
}

// runsAnywhere reports whether a file is a program for Linux on this processor that needs no libraries.
func runsAnywhere(file string) bool {
	program, err := elf.Open(file)
	if err != nil {
		return false
	}
	defer func() { _ = program.Close() }()
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
	return program.Machine == machine && !slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

// buildDelve builds the debugger, and puts it where it is kept in one step.
func buildDelve(ctx context.Context, kept string) error {
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return fmt.Errorf("building Delve: %w", err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(kept), "build-")
	if err != nil {
		return fmt.Errorf("building Delve: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	modules, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE").Output()
	if err != nil {
		return &problem.Error{Kind: problem.Refused, Object: "--debug", Cause: "the go program is not there or does not work: " + err.Error(), Remedy: "install Go, and have it on the PATH", Err: err}
	}
	cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags=-s -w", delveModule+"/cmd/dlv@"+delveVersion)
	cmd.Dir = dir
	// A program for another system is not installed into GOBIN, only below GOPATH.
	cmd.Env = append(os.Environ(), "GOPATH="+dir, "GOMODCACHE="+strings.TrimSpace(string(modules)), "GOBIN=", "GOFLAGS=", "GOWORK=off", "GOOS=linux", "GOARCH="+runtime.GOARCH, "CGO_ENABLED=0")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &problem.Error{
			Kind: problem.Refused, Object: "--debug", Cause: "building Delve " + delveVersion + " failed: " + strings.TrimSpace(said.String()),
			Remedy: "install it with `CGO_ENABLED=0 go install " + delveModule + "/cmd/dlv@" + delveVersion + "` where the module proxy answers, and have it on the PATH", Err: err,
		}
	}
	for _, built := range []string{filepath.Join(dir, "bin", "dlv"), filepath.Join(dir, "bin", "linux_"+runtime.GOARCH, "dlv")} {
		if err := os.Rename(built, kept); err == nil {
			return nil
		}
	}
	return &problem.Error{Kind: problem.Refused, Object: "--debug", Cause: "the Go toolchain has built no dlv", Remedy: "have a dlv that needs no libraries on the PATH"}
}
