package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/image/dockerfile"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Request is an image to build.
type Request struct {
	// Dir is the folder that is built: the Go module, or the context of the Dockerfile.
	Dir string
	// Root is the repository that Dir is in, which nothing is read outside of; "" is Dir.
	Root string
	// Package is the Go main package in Dir, such as ./cmd/app; "" finds it. When it is given, a Dockerfile counts
	// only if it is given too.
	Package string
	// Dockerfile is a path from Dir, to a file in Root; "" is Dockerfile, when there is one.
	Dockerfile string
	// Target is the stage of the Dockerfile that is built, by name or number; "" is the last one.
	Target string
	// BuildArgs are for the Dockerfile.
	BuildArgs map[string]string
	// Repository and Tag are what it is called.
	Repository string
	Tag        string
	// Platform is os/arch; "" is linux on this machine's processor.
	Platform string
	// Builder chooses: "go", "buildkit", "docker", "podman", "buildah" or "nerdctl"; "" takes the first that can do
	// it.
	Builder string
	// Keep leaves the image where it was built, for a rehearsal: nothing is pushed.
	Keep bool
	// Again has what is copied to be compiled kept until the plan is closed, for one that is built again and again.
	Again bool
	// Quick spares what takes longer than it is worth where another image follows soon: what debuggers read of a Go
	// program, and compression where the registry is on this machine.
	Quick bool
	// Created is the image's date, so that the same commit gives the same digest; usually the commit's.
	Created time.Time
	// Go is how a Go main package without a Dockerfile is compiled.
	Go GoOptions
	// With is what other builders are given for the Dockerfile.
	With BuilderOptions
	// Labels are added to the image.
	Labels     map[string]string
	Registries Registries
	// Output gets what compilers and builders print; nil drops it.
	Output io.Writer
	// Progress is told how far the Go toolchain is where it compiles in this process, from another goroutine; nil for
	// none.
	Progress func(Progress)
	// Debug is for a debugger; nil for none.
	Debug *Debug
}

// Built is an image.
type Built struct {
	Repository string
	Tag        string
	// Digest is sha256:…; "" when a builder has kept the image and does not print it.
	Digest string
	// Size is what was compressed, in bytes; 0 when another program built it.
	Size int64
	// Built and Pushed are how long it took; Pushed is 0 where the builder pushes in one go. Compiled is the part of Built
	// that went into the compiler and the linker, 0 where another program runs them.
	Built    time.Duration
	Compiled time.Duration
	Pushed   time.Duration
	// Program is what it runs; nil when another program built it.
	Program *Program
}

// Ref is repository@digest, by which it is deployed.
func (b Built) Ref() string { return b.Repository + "@" + b.Digest }

// Plan is who builds a request, and why.
type Plan struct {
	// Builder is one of the names in Request.Builder.
	Builder string
	// Reason is for a reader.
	Reason string
	// Bases are the images that it stands on: as they are named → where they are.
	Bases map[string]string
	// passed is why the builders before it cannot do it.
	passed []string

	// Copies is what the Dockerfile takes from the context as it is.
	Copies []dockerfile.Copy

	request Request
	build   func(ctx context.Context, p *Plan) (Built, error)
	gomain  *goMain
}

// Prepare chooses the builder, finds every base image and asks whether the result may be pushed, before anything is
// started. What is missing is listed.
func Prepare(ctx context.Context, r Request) (*Plan, error) {
	if err := r.complete(); err != nil {
		return nil, err
	}
	file, err := r.readDockerfile(ctx)
	if err != nil {
		return nil, err
	}
	p, err := choose(ctx, r, file)
	if err != nil {
		return nil, err
	}
	if file != nil {
		p.Copies = file.Copies()
	}
	if err := p.findBases(ctx, file); err != nil {
		return p, errors.Join(err, p.Close())
	}
	if err := checkPush(ctx, p); err != nil {
		return p, errors.Join(err, p.Close())
	}
	return p, nil
}

// Tag has the next image of a plan called by another tag.
func Tag(p *Plan, tag string) { p.request.Tag = tag }

// Close removes what a plan keeps that is built again and again.
func (p *Plan) Close() error {
	if p.gomain == nil {
		return nil
	}
	return p.gomain.stage.close()
}

// checkPush asks the registry whether it would take the image, where it is asked with the same login as when it is
// pushed: other builders have their own.
func checkPush(ctx context.Context, p *Plan) error {
	if p.Builder != inProcess || p.request.Keep {
		return nil
	}
	return p.request.Registries.checkPush(ctx, p.request.Repository+":"+p.request.Tag)
}

// Build carries the plan out.
func (p *Plan) Build(ctx context.Context) (Built, error) {
	start := time.Now()
	built, err := p.build(ctx, p)
	if err != nil {
		return Built{}, err
	}
	built.Repository, built.Tag = p.request.Repository, p.request.Tag
	if built.Built == 0 {
		built.Built = time.Since(start)
	}
	return built, nil
}

func (r *Request) complete() error {
	if err := ParseRepository(r.Repository); err != nil {
		return err
	}
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return fmt.Errorf("building %s: %w", r.Dir, err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return &problem.Error{Err: ErrBuildFailed, Object: dir, Cause: "folder not found", Remedy: "give the folder that holds the Dockerfile or the Go module"}
	}
	r.Dir = dir
	if r.Root, err = filepath.Abs(cmp.Or(r.Root, dir)); err != nil {
		return fmt.Errorf("building %s: %w", r.Dir, err)
	}
	if r.Platform == "" {
		r.Platform = "linux/" + runtime.GOARCH
	}
	if r.Output == nil {
		r.Output = io.Discard
	}
	if err := r.checkPaths(); err != nil {
		return err
	}
	if r.Builder != "" && r.Builder != inProcess && !slices.ContainsFunc(programs, func(b program) bool { return b.name == r.Builder }) {
		return &problem.Error{Kind: problem.Usage, Err: ErrNoBuilder, Object: fmt.Sprintf("builder %q", r.Builder), Cause: "unknown", Remedy: "choose one of " + strings.Join(builderNames(), ", ")}
	}
	return nil
}

// checkPaths refuses what is outside of the folder, or of the repository.
func (r *Request) checkPaths() error {
	if r.Package != "" && !filepath.IsLocal(r.Package) {
		return &problem.Error{Kind: problem.Usage, Err: ErrBuildFailed, Object: r.Package, Cause: "not below " + r.Dir, Remedy: "give a path in the folder that is built"}
	}
	if file, err := r.fromRoot(r.Dockerfile); err != nil || filepath.IsAbs(r.Dockerfile) || !filepath.IsLocal(file) {
		return &problem.Error{Kind: problem.Usage, Err: ErrBuildFailed, Object: r.Dockerfile, Cause: "not below " + r.Root, Remedy: "give a path in the folder that is built, or in its repository"}
	}
	return nil
}

// fromRoot returns the path of a file in Root that is named from Dir.
func (r *Request) fromRoot(file string) (string, error) {
	return filepath.Rel(r.Root, filepath.Join(r.Dir, file))
}

// read reads a file in Root that is named from Dir. A link out of Root is not followed.
func (r *Request) read(file string) ([]byte, error) {
	root, err := os.OpenRoot(r.Root)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.Root, err)
	}
	defer func() { _ = root.Close() }()
	name, err := r.fromRoot(file)
	if err != nil {
		return nil, err
	}
	return root.ReadFile(name)
}

// readDockerfile returns nil when there is none and none was asked for. A link out of the folder is not followed.
func (r *Request) readDockerfile(ctx context.Context) (*dockerfile.File, error) {
	asked := r.Dockerfile != ""
	if !asked && r.Package != "" {
		// A package was named, so that is what is built.
		return nil, nil
	}
	if !asked {
		r.Dockerfile = "Dockerfile"
	}
	path := filepath.Join(r.Dir, r.Dockerfile)
	data, err := r.read(r.Dockerfile)
	switch {
	case errors.Is(err, os.ErrNotExist) && !asked:
		r.Dockerfile = ""
		return nil, nil
	case err != nil:
		return nil, &problem.Error{Err: ErrBuildFailed, Object: path, Cause: "cannot be read: " + err.Error(), Remedy: "give a Dockerfile in the folder that is built"}
	}
	options := dockerfile.Options{Args: r.BuildArgs, Target: r.Target, Platform: r.Platform, Builder: builderPlatform()}
	if _, err := exec.LookPath(inProcess); err == nil {
		host, err := hostSettings(ctx)
		if err != nil {
			return nil, err
		}
		options.Toolchain = host["GOVERSION"]
	}
	file, err := dockerfile.Parse(data, options)
	if err != nil {
		return nil, &problem.Error{Err: ErrBuildFailed, Object: path, Cause: err.Error(), Remedy: "correct the Dockerfile"}
	}
	return file, nil
}

// choose takes the explicit choice, or the first builder in order that can do it.
func choose(ctx context.Context, r Request, file *dockerfile.File) (*Plan, error) {
	var tried []string
	if len(r.With.Flags) > 0 && r.Builder == "" {
		tried = append(tried, inProcess+": flags are given for another builder: "+strings.Join(r.With.Flags, " "))
	} else if r.Builder == "" || r.Builder == inProcess {
		gomain, why := findGoMain(ctx, r, file)
		if gomain != nil {
			return &Plan{Builder: inProcess, Reason: why, request: r, build: buildGo, gomain: gomain}, nil
		}
		tried = append(tried, inProcess+": "+why)
	}
	if file == nil && r.Builder != inProcess {
		return nil, &problem.Error{Err: ErrNoBuilder, Object: r.Dir, Cause: "neither a Dockerfile nor one Go main package found (" + strings.Join(tried, ". ") + ")", Remedy: unlessGoIsMissing("add a Dockerfile, or name the Go package to build", "install the Go toolchain, if it is a Go program, or add a Dockerfile")}
	}
	for _, b := range programs {
		if r.Builder != "" && r.Builder != b.name {
			continue
		}
		why, err := b.ready(ctx)
		if err == nil {
			if r.Builder != "" {
				why = "chosen by the request"
			}
			return &Plan{Builder: b.name, Reason: why, passed: tried, request: r, build: b.build}, nil
		}
		tried = append(tried, b.name+": "+err.Error())
	}
	remedy := "start one of them, or build a Go main package, which needs none"
	if r.Builder == "" || r.Builder == inProcess {
		remedy = unlessGoIsMissing(remedy, "install the Go toolchain, if it is a Go program, or start another one of them")
	}
	return nil, &problem.Error{Err: ErrNoBuilder, Object: r.Dir, Cause: "no builder on this machine can build it:" + inLines("", tried) + "\n  none of these", Remedy: remedy}
}

// unlessGoIsMissing returns the first remedy where there is a Go toolchain, and otherwise the second.
func unlessGoIsMissing(remedy, without string) string {
	if _, err := exec.LookPath(inProcess); err != nil {
		return without
	}
	return remedy
}

func builderNames() []string {
	names := []string{inProcess}
	for _, b := range programs {
		names = append(names, b.name)
	}
	return names
}

// findBases looks for all base images before anything is built.
func (p *Plan) findBases(ctx context.Context, file *dockerfile.File) error {
	var refs []string
	switch {
	case p.gomain != nil && p.gomain.Base != "":
		refs = []string{p.gomain.Base}
	case p.gomain == nil:
		refs = file.Images()
	}
	p.Bases = map[string]string{}
	var missing missingBases
	for _, ref := range refs {
		found, _, err := p.request.Registries.Find(ctx, ref)
		var e *problem.Error
		switch {
		case errors.As(err, &e):
			missing.add(ref, e.Cause)
		case err != nil:
			return err
		default:
			p.Bases[ref] = found
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &problem.Error{
		Err: ErrBaseMissing, Object: filepath.Join(p.request.Dir, p.request.Dockerfile), Cause: missing.cause(p.Builder, p.passed),
		Remedy: "correct their names, or load them with `cyan local load IMAGE.tar`",
	}
}

// missingBases are base images that are nowhere, together where that has the same reason.
type missingBases []struct {
	refs []string
	why  string
}

func (m *missingBases) add(ref, why string) {
	for i := range *m {
		if (*m)[i].why == why {
			(*m)[i].refs = append((*m)[i].refs, ref)
			return
		}
	}
	*m = append(*m, struct {
		refs []string
		why  string
	}{[]string{ref}, why})
}

// cause is what is missing, and below that why each builder before the one that needs it cannot do without.
func (m missingBases) cause(builder string, passed []string) string {
	var parts []string
	for _, one := range m {
		parts = append(parts, fmt.Sprintf("%s (%s)", strings.Join(one.refs, ", "), one.why))
	}
	cause := "base images not found: " + strings.Join(parts, ", ")
	if len(passed) == 0 {
		return cause
	}
	return cause + inLines("not built by ", passed) + "\n  built by " + builder + ", which needs the base images"
}

// inLines has each of several reasons be a line.
func inLines(before string, reasons []string) string {
	var lines strings.Builder
	for _, why := range reasons {
		lines.WriteString("\n  " + before + strings.Join(strings.Fields(why), " "))
	}
	return lines.String()
}
