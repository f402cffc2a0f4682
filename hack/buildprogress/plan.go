package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// plan is what a build has to compile.
type plan struct {
	// sizes are those of the Go files of each package of the program, in bytes.
	sizes map[string]int64
	// pending are the packages that are not in Go's cache yet.
	pending []string
}

// compiles finds the package in a command that compiles it.
var compiles = regexp.MustCompile(`/compile(?:\.exe)? -o .* -p (\S+) `)

// makePlan finds out what is not in Go's cache yet.
func makePlan(dir string, command []string) (plan, error) {
	dry := exec.Command(command[0], slices.Insert(slices.Clone(command[1:]), 1, "-n")...)
	dry.Dir = dir
	commands, err := dry.CombinedOutput()
	if err != nil {
		return plan{}, fmt.Errorf("asking what there is to build: %w", err)
	}
	all, err := sizes(dir, command)
	return plan{sizes: all, pending: planned(commands)}, err
}

// planned returns the packages that the commands of `go build -n` compile.
func planned(commands []byte) []string {
	var paths []string
	for line := range bytes.Lines(commands) {
		if found := compiles.FindSubmatch(line); found != nil && string(found[1]) != "main" {
			paths = append(paths, string(found[1]))
		}
	}
	return paths
}

// sizes returns the size of every package that is built.
func sizes(dir string, command []string) (map[string]int64, error) {
	list := exec.Command(command[0], append([]string{"list", "-deps", "-f", "{{.ImportPath}}\t{{.Dir}}\t{{join .GoFiles \"\\t\"}}"}, packages(command)...)...)
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w", err)
	}
	found := map[string]int64{}
	for in := bufio.NewScanner(bytes.NewReader(out)); in.Scan(); {
		fields := strings.Split(in.Text(), "\t")
		for _, file := range fields[2:] {
			if info, err := os.Stat(filepath.Join(fields[1], file)); err == nil {
				found[fields[0]] += info.Size()
			}
		}
	}
	return found, nil
}

// packages are the arguments of a build that name packages: those at its end.
func packages(command []string) []string {
	from := len(command)
	for from > 2 && strings.HasPrefix(command[from-1], ".") {
		from--
	}
	return command[from:]
}
