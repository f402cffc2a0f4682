package image

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/cyan-cd/cyan/internal/problem"
)

// buildGo compiles the program and puts it on its base, without a container engine. The same commit and toolchain
// give the same digest.
func buildGo(ctx context.Context, p *Plan) (Built, error) {
	start := time.Now()
	folder, err := NewWorkFolder()
	if err != nil {
		return Built{}, fmt.Errorf("building %s: %w", p.request.Dir, err)
	}
	defer func() { _ = folder.Remove() }()
	binary := filepath.Join(folder.Path, "program")
	compiled, err := compile(ctx, p, binary)
	if err != nil {
		return Built{}, err
	}
	img, program, size, err := p.assemble(ctx, binary)
	if err != nil {
		return Built{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return Built{}, fmt.Errorf("building %s: %w", p.request.Dir, err)
	}
	built := Built{Digest: digest.String(), Size: size, Built: time.Since(start), Compiled: compiled, Program: program}
	if p.request.Keep {
		return built, nil
	}
	start = time.Now()
	err = p.request.Registries.push(ctx, p.request.Repository+":"+p.request.Tag, img)
	built.Pushed = time.Since(start)
	return built, err
}

// compile builds the program as its Dockerfile does, or as one without a Dockerfile is built. It returns how long the
// toolchain took.
func compile(ctx context.Context, p *Plan, binary string) (took time.Duration, err error) {
	g := p.gomain
	c := g.command()
	c.output = p.request.Output
	if !g.described {
		c.dir, c.work = p.request.Dir, workBetween(p.request.Root, p.request.Dir)
		return p.goBuild(ctx, c, binary, nil)
	}
	err = g.inStage(p.request, func(s *stageFolder) error {
		output := s.path(g.Program.Output)
		c.root, c.dir, c.work = s.root.Name(), s.path(g.Program.Dir), s.work(g.Program)
		if took, err = p.goBuild(ctx, c, output, s.moved(p)); err != nil {
			return err
		}
		return os.Rename(output, binary)
	})
	return took, err
}

// goBuild runs the compiler and the linker, and returns how long they took.
func (p *Plan) goBuild(ctx context.Context, c goCommand, binary string, moved map[string]string) (time.Duration, error) {
	start := time.Now()
	args := append([]string{"build", "-o", binary}, goFlags(p, moved)...)
	args = append(args, p.gomain.Program.Packages...)
	var err error
	if tell := p.request.Progress; tell != nil {
		err = c.counting(ctx, tell, p.request.Output, args...)
	} else {
		err = c.run(ctx, p.request.Output, args...)
	}
	if err == nil || ctx.Err() != nil {
		return time.Since(start), err
	}
	packages := strings.Join(p.gomain.Program.Packages, " ")
	return 0, &problem.Error{Err: ErrBuildFailed, Object: "Go package " + packages + " in " + p.request.Dir, Cause: "compiling failed:\n" + err.Error(), Remedy: "correct it and commit again"}
}

// flags returns those of go build.
func (r Request) flags(of []string) []string {
	if !r.Quick {
		return of
	}
	return withoutDWARF(of)
}

// withoutDWARF has the linker leave out what debuggers read, which takes it a third of its time. What a program prints
// when it crashes is the same.
func withoutDWARF(flags []string) []string {
	const linker = "-ldflags="
	flags = slices.Clone(flags)
	linked := false
	for i, f := range flags {
		if rest, ok := strings.CutPrefix(f, linker); ok {
			flags[i], linked = linker+strings.TrimSpace(rest+" -w"), true
		}
	}
	if !linked {
		flags = append(flags, linker+"-w")
	}
	return flags
}

// packing returns how layers are packed.
func (r Request) packing() packing {
	if r.Quick && onThisMachine(r.Repository) {
		return plain
	}
	return compressed
}

// assemble makes the image: the base, what a program without a base needs, and the program.
func (p *Plan) assemble(ctx context.Context, binary string) (v1.Image, *Program, int64, error) {
	g := p.gomain
	img, layers := empty.Image, []*layer{}
	below := tree{}
	if g.Base == "" {
		img = mutate.MediaType(img, types.OCIManifestSchema1)
		img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	} else {
		found, err := g.base.of(ctx, p)
		if err != nil {
			return nil, nil, 0, err
		}
		img, below = found.image, found.tree
	}
	if !g.described {
		support, err := supportLayer(p.request.packing())
		if err != nil {
			return nil, nil, 0, err
		}
		layers = append(layers, support)
	}
	debugger, err := delveLayer(p, below)
	if err != nil {
		return nil, nil, 0, err
	}
	if debugger != nil {
		layers = append(layers, debugger)
	}
	program, target, err := p.programLayer(binary, below)
	if err != nil {
		return nil, nil, 0, err
	}
	layers = append(layers, program)
	var size int64
	for _, l := range layers {
		size += int64(len(l.packed))
		img, err = mutate.Append(img, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: "cyan", Created: v1.Time{Time: p.request.Created.UTC()}}})
		if err != nil {
			return nil, nil, 0, fmt.Errorf("putting the image together: %w", err)
		}
	}
	if img, err = p.configure(img); err != nil {
		return nil, nil, 0, err
	}
	runs, err := programOf(img, target)
	return img, runs, size, err
}

// programLayer holds the program, and the folders that the base does not have yet. It returns where the program is too.
func (p *Plan) programLayer(binary string, below tree) (*layer, string, error) {
	g := p.gomain
	data, err := os.ReadFile(binary)
	if err != nil {
		return nil, "", fmt.Errorf("reading the program: %w", err)
	}
	var files []file
	for _, folder := range g.Folders {
		at, err := below.folder(folder)
		if err != nil {
			return nil, "", err
		}
		files = append(files, file{name: at + "/", mode: 0o755})
	}
	target, err := below.target(g.Target, path.Base(g.Program.Output))
	if err != nil {
		return nil, "", err
	}
	made, err := newLayer(append(files, file{name: target, mode: 0o755, data: data}), below, p.request.packing())
	return made, target, err
}

// baseImage is the image that a program is put on, and what is in it.
type baseImage struct {
	image v1.Image
	tree  tree
}

// base keeps a base image for as long as a plan lasts, since reading one takes longer than compiling most programs.
type base struct {
	mu    sync.Mutex
	found *baseImage
}

// of returns the base image of a plan, which is read the first time that it is found.
func (b *base) of(ctx context.Context, p *Plan) (baseImage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.found != nil {
		return *b.found, nil
	}
	// What is kept outlives who asked for it first, who may end the reading all the same.
	kept, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	defer stop()
	img, err := p.pullBase(kept)
	if err != nil {
		return baseImage{}, err
	}
	found, err := readTree(img)
	if err != nil {
		return baseImage{}, fmt.Errorf("reading the base image %s: %w", p.gomain.Base, err)
	}
	b.found = &baseImage{img, found}
	return *b.found, nil
}

func (p *Plan) pullBase(ctx context.Context) (v1.Image, error) {
	ref, err := name.ParseReference(p.Bases[p.gomain.Base], p.request.Registries.nameOptions(p.Bases[p.gomain.Base])...)
	if err != nil {
		return nil, fmt.Errorf("reading the base image %s: %w", p.gomain.Base, err)
	}
	platform, err := v1.ParsePlatform(p.request.Platform)
	if err != nil {
		return nil, fmt.Errorf("reading the platform %s: %w", p.request.Platform, err)
	}
	img, err := remote.Image(ref, append(p.request.Registries.options(ctx), remote.WithPlatform(*platform))...)
	if err != nil {
		return nil, &problem.Error{Err: ErrBaseMissing, Object: "image " + p.gomain.Base, Cause: err.Error(), Remedy: "check that it is there for " + p.request.Platform}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the base image %s: %w", p.gomain.Base, err)
	}
	if len(config.Config.OnBuild) > 0 {
		return nil, &problem.Error{Err: ErrNoBuilder, Object: "image " + p.gomain.Base, Cause: "instructions for what is built on it (ONBUILD) take a container", Remedy: "choose another builder than go"}
	}
	return img, nil
}

func (p *Plan) configure(img v1.Image) (v1.Image, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("putting the image together: %w", err)
	}
	config = config.DeepCopy()
	g, c := p.gomain, &config.Config
	goos, arch, _ := strings.Cut(p.request.Platform, "/")
	config.OS = goos
	config.Architecture, config.Variant, _ = strings.Cut(arch, "/")
	config.Created = v1.Time{Time: p.request.Created.UTC()}
	g.configure(c)
	for _, labels := range []map[string]string{g.Labels, p.request.Labels} {
		for k, v := range labels {
			if c.Labels == nil {
				c.Labels = map[string]string{}
			}
			c.Labels[k] = v
		}
	}
	img, err = mutate.ConfigFile(img, config)
	if err != nil {
		return nil, fmt.Errorf("putting the image together: %w", err)
	}
	return img, nil
}

// defaultPath is the PATH of an image that stands on nothing.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// configure writes what the Dockerfile, or the lack of one, says of running the image.
func (g *goMain) configure(c *v1.Config) {
	if g.Entrypoint != nil {
		c.Entrypoint = g.Entrypoint
	}
	if g.Cmd != nil || g.ResetCmd {
		c.Cmd = g.Cmd
	}
	if g.Base == "" {
		c.Env = []string{defaultPath}
		c.WorkingDir = "/"
	}
	if !g.described {
		// Nothing in it needs root; a port below 1024 is open to it as well, by default.
		c.User = "65532:65532"
	}
	for _, variable := range g.Env {
		c.Env = setVariable(c.Env, variable)
	}
	c.User = cmp.Or(g.User, c.User)
	c.WorkingDir = cmp.Or(g.WorkingDir, c.WorkingDir, "/")
	c.StopSignal = cmp.Or(g.StopSignal, c.StopSignal)
	for _, port := range g.Ports {
		if c.ExposedPorts == nil {
			c.ExposedPorts = map[string]struct{}{}
		}
		c.ExposedPorts[port] = struct{}{}
	}
}

// setVariable replaces a variable, or adds it.
func setVariable(env []string, variable string) []string {
	key, _, _ := strings.Cut(variable, "=")
	for i, old := range env {
		if strings.HasPrefix(old, key+"=") {
			env[i] = variable
			return env
		}
	}
	return append(env, variable)
}
