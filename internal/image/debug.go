package image

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Debug has a Go program compiled for a debugger, which is put into the image beside it. What another builder than that
// in process builds has none.
type Debug struct {
	// Delve is the dlv program on this machine, for the platform of the image.
	Delve string
}

// DelvePath is where the debugger is in an image.
const DelvePath = "/.cyan/dlv"

// Program is what an image runs when nobody says otherwise.
type Program struct {
	// Path is that of the Go program in the image.
	Path string
	// Entrypoint, Cmd and WorkingDir are the image's.
	Entrypoint, Cmd []string
	WorkingDir      string
}

// goFlags are those of go build: with a debugger, the program is not optimized, has its symbols, and names its sources
// by where they are on this machine.
func goFlags(p *Plan, moved map[string]string) []string {
	flags := p.gomain.Program.Flags
	if p.request.Debug == nil {
		// The folder is another one each time, so its name must not be in the program.
		return append([]string{"-trimpath", "-buildvcs=false"}, p.request.flags(flags)...)
	}
	kept := []string{"-buildvcs=false"}
	for _, f := range flags {
		switch value, isLinker := strings.CutPrefix(f, "-ldflags="); {
		case f == "-trimpath":
		case isLinker:
			kept = append(kept, "-ldflags="+withSymbols(value))
		default:
			kept = append(kept, f)
		}
	}
	kept = append(kept, "-gcflags=all=-N -l")
	for _, module := range sortedKeys(moved) {
		kept = append(kept, "-gcflags="+module+"/...=-N -l '-trimpath="+moved[module]+"'")
	}
	return kept
}

// withSymbols leaves out the flags of the linker that drop what a debugger reads.
func withSymbols(flags string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(flags), func(f string) bool { return f == "-s" || f == "-w" }), " ")
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// moved returns, by module, where its sources are in the stage and where they are on this machine, as the compiler
// takes it: the stage is gone when somebody debugs.
func (s *stageFolder) moved(p *Plan) map[string]string {
	if p.request.Debug == nil {
		return nil
	}
	file, ok := s.above(p.gomain.Program.Dir, "go.mod")
	if !ok || !s.holdsSame(file, filepath.Join(p.request.Dir, "go.mod")) {
		return nil
	}
	data, err := s.root.ReadFile(strings.TrimPrefix(file, "/"))
	if err != nil {
		return nil
	}
	return map[string]string{moduleName(string(data)): s.path(path.Dir(file)) + "=>" + p.request.Dir}
}

// moduleName is what a go.mod calls its module.
func moduleName(text string) string {
	for l := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(l), "module "); ok {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return "command-line-arguments"
}

// delves are the layers of debuggers, which are large and always the same.
var delves sync.Map

type delveKey struct {
	path, at string
	modified time.Time
}

// delveLayer holds the debugger; nil without one.
func delveLayer(p *Plan, below tree) (*layer, error) {
	if p.request.Debug == nil {
		return nil, nil
	}
	dlv := p.request.Debug.Delve
	info, err := os.Stat(dlv)
	if err != nil {
		return nil, fmt.Errorf("reading the debugger: %w", err)
	}
	at, err := below.folder(path.Dir(DelvePath))
	if err != nil {
		return nil, err
	}
	key := delveKey{dlv, at, info.ModTime()}
	if made, ok := delves.Load(key); ok {
		return made.(*layer), nil //nolint:forcetypeassert // nothing else is in it
	}
	data, err := os.ReadFile(dlv)
	if err != nil {
		return nil, fmt.Errorf("reading the debugger: %w", err)
	}
	made, err := newLayer([]file{{at + "/", 0o755, nil}, {path.Join(at, path.Base(DelvePath)), 0o755, data}}, below, p.request.packing())
	if err == nil {
		delves.Store(key, made)
	}
	return made, err
}

// programOf returns what an image runs.
func programOf(img v1.Image, target string) (*Program, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("putting the image together: %w", err)
	}
	c := config.Config
	return &Program{Path: target, Entrypoint: c.Entrypoint, Cmd: c.Cmd, WorkingDir: c.WorkingDir}, nil
}
