// Package dockerfile reads Dockerfiles: which images they stand on, and whether what they build can be built
// without running a container.
package dockerfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Options are what a Dockerfile is read with.
type Options struct {
	// Args are the build arguments that were given; they win over the defaults of ARG.
	Args map[string]string
	// Target is the stage that is built, by name or number; "" is the last one. What stands behind it counts for nothing.
	Target string
	// Platform is the os/arch that is built for, and Builder the one that builds. Both may end in a variant.
	Platform, Builder string
	// Toolchain is the version of the Go toolchain that is installed, as go env GOVERSION prints it.
	Toolchain string
}

// File is a Dockerfile that was parsed.
type File struct {
	options Options
	// syntax is the image of the frontend, "" for the builder's own, and check the options of the build checks.
	syntax, check string
	escape        rune
	// global are the arguments that stand before the first FROM.
	global map[string]string
	stages []stage
}

// stage is one FROM with what follows it.
type stage struct {
	instructions.Stage
	// base is BaseName with its variables put in, and platform likewise.
	base, platform string
}

// Parse parses a Dockerfile.
func Parse(data []byte, o Options) (*File, error) {
	syntax, _, _, _ := parser.DetectSyntax(data)
	if isForeign(syntax) {
		// Only its own frontend can read it.
		return &File{options: o, syntax: syntax}, nil
	}
	parsed, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	stages, global, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, err
	}
	if len(stages) == 0 {
		return nil, errors.New("FROM is missing")
	}
	f := &File{options: o, syntax: syntax, escape: parsed.EscapeToken, global: platformArgs(o)}
	_, f.check, _, _ = parser.ParseDirective("check", data)
	if err := f.readGlobal(global); err != nil {
		return nil, err
	}
	for _, s := range stages {
		read, err := f.readStage(s)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line(s.Location), err)
		}
		f.stages = append(f.stages, read)
	}
	if o.Target != "" {
		last, ok := f.find(o.Target, len(f.stages))
		if !ok {
			return nil, fmt.Errorf("stage %s, which is to be built, not found", o.Target)
		}
		f.stages = f.stages[:last+1]
	}
	return f, nil
}

// isForeign reports whether a syntax is another than Docker's own.
func isForeign(syntax string) bool {
	if syntax == "" {
		return false
	}
	ref, err := name.ParseReference(syntax, name.WeakValidation)
	return err != nil || ref.Context().Name() != "index.docker.io/docker/dockerfile"
}

// platformArgs are the arguments that a FROM may use without declaring them.
func platformArgs(o Options) map[string]string {
	args := map[string]string{}
	for prefix, platform := range map[string]string{"TARGET": o.Platform, "BUILD": o.Builder} {
		if platform == "" {
			continue
		}
		os, rest, _ := strings.Cut(platform, "/")
		arch, variant, _ := strings.Cut(rest, "/")
		maps.Copy(args, map[string]string{prefix + "PLATFORM": platform, prefix + "OS": os, prefix + "ARCH": arch, prefix + "VARIANT": variant})
	}
	return args
}

func (f *File) readGlobal(commands []instructions.ArgCommand) error {
	for _, c := range commands {
		for _, arg := range c.Args {
			value, given := f.options.Args[arg.Key]
			if !given && arg.Value != nil {
				var err error
				if value, _, err = shell.NewLex(f.escape).ProcessWord(*arg.Value, getter(f.global)); err != nil {
					return fmt.Errorf("line %d: %w", line(c.Location()), err)
				}
			}
			if given || arg.Value != nil {
				f.global[arg.Key] = value
			}
		}
	}
	return nil
}

func (f *File) readStage(s instructions.Stage) (stage, error) {
	lex := shell.NewLex(f.escape)
	base, _, err := lex.ProcessWord(s.BaseName, getter(f.global))
	if err != nil {
		return stage{}, err
	}
	if base == "" {
		return stage{}, fmt.Errorf("FROM %s: the name is empty; give the argument a default, or a value with --build-arg", s.BaseName)
	}
	platform, _, err := lex.ProcessWord(s.Platform, getter(f.global))
	return stage{Stage: s, base: base, platform: platform}, err
}

func line(ranges []parser.Range) int {
	if len(ranges) == 0 {
		return 0
	}
	return ranges[0].Start.Line
}

// getter is a set of variables for the lexer.
func getter(vars map[string]string) shell.EnvGetter {
	list := make([]string, 0, len(vars))
	for _, key := range slices.Sorted(maps.Keys(vars)) {
		list = append(list, key+"="+vars[key])
	}
	return shell.EnvsFromSlice(list)
}

// find returns the index of an earlier stage, by name or number.
func (f *File) find(ref string, before int) (int, bool) {
	for i := before - 1; i >= 0; i-- {
		if f.stages[i].Name != "" && strings.EqualFold(f.stages[i].Name, ref) {
			return i, true
		}
	}
	if n, err := strconv.Atoi(ref); err == nil && n >= 0 && n < before {
		return n, true
	}
	return 0, false
}

// Images returns the images that building the last stage takes from elsewhere, each once, in the order of the file.
func (f *File) Images() []string {
	images := &imageList{file: f, seen: map[int]bool{}}
	if f.syntax != "" {
		images.all = append(images.all, f.syntax)
	}
	if len(f.stages) > 0 {
		images.visit(len(f.stages) - 1)
	}
	return images.all
}

type imageList struct {
	file *File
	seen map[int]bool
	all  []string
}

func (l *imageList) visit(i int) {
	if l.seen[i] {
		return
	}
	l.seen[i] = true
	l.use(l.file.stages[i].base, i)
	for _, command := range l.file.stages[i].Commands {
		for _, from := range sources(command) {
			l.use(from, i)
		}
	}
}

// sources are the stages and images that an instruction takes files from.
func sources(command instructions.Command) []string {
	switch c := command.(type) {
	case *instructions.CopyCommand:
		return []string{c.From}
	case *instructions.RunCommand:
		var all []string
		for _, mount := range instructions.GetMounts(c) {
			all = append(all, mount.From)
		}
		return all
	}
	return nil
}

func (l *imageList) use(ref string, before int) {
	if i, ok := l.file.find(ref, before); ok {
		l.visit(i)
	} else if ref = strings.TrimSpace(ref); cmp.Or(ref, "scratch") != "scratch" && !strings.Contains(ref, "$") && !slices.Contains(l.all, ref) {
		l.all = append(l.all, ref)
	}
}
