package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cyan-cd/cyan/internal/image/dockerfile"
	"github.com/cyan-cd/cyan/internal/problem"
)

// inProcess is the builder that needs nothing but the Go toolchain.
const inProcess = "go"

// goMain is a Go program and the image round it.
type goMain struct {
	dockerfile.Image
	// described reports that a Dockerfile describes the image; it then holds nothing else.
	described bool
	// host are the settings of the toolchain when the plan was made.
	host map[string]string
	base base
	// stage is what the Dockerfile compiles in.
	stage stage
}

// command runs the toolchain for the program.
func (g *goMain) command() goCommand { return goCommand{host: g.host, env: g.Program.Env, work: "off"} }

// findGoMain returns the Go main package that the request is, if its Dockerfile, where there is one, comes to the
// same program without a container; otherwise why it does not.
func findGoMain(ctx context.Context, r Request, file *dockerfile.File) (*goMain, string) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, "the go program is not on the PATH"
	}
	if file == nil {
		g, err := bareProgram(ctx, r)
		if err != nil {
			return nil, err.Error()
		}
		if r.Package != "" {
			return g, "a Go main package, which the request names"
		}
		return g, "a Go main package without a Dockerfile"
	}
	img, err := file.GoImage()
	if err != nil {
		return nil, r.Dockerfile + ": " + err.Error()
	}
	g := &goMain{Image: *img, described: true}
	err = g.inStage(r, func(s *stageFolder) error { return g.check(ctx, s) })
	if err != nil {
		return nil, r.Dockerfile + ": " + errors.Join(err, g.stage.close()).Error()
	}
	return g, "a Go main package, and its Dockerfile runs nothing but go build"
}

// inStage has the file system that the Dockerfile compiles in be what it copies by now, for as long as do runs.
func (g *goMain) inStage(r Request, do func(s *stageFolder) error) (err error) {
	folder, err := g.stage.filled(&r, g.Program.Steps)
	if err != nil {
		return err
	}
	if !r.Again {
		defer func() { _ = g.stage.close() }()
	}
	return do(folder)
}

// path is where a path of the stage is on this machine.
func (s *stageFolder) path(inStage string) string { return filepath.Join(s.root.Name(), inStage) }

// check looks at what the compiler will find.
func (g *goMain) check(ctx context.Context, s *stageFolder) error {
	p := g.Program
	if info, err := s.root.Stat(strings.TrimPrefix(p.Output, "/")); err == nil && info.IsDir() {
		return fmt.Errorf("go build writes to %s, which is a folder", p.Output)
	}
	module, ok := s.above(p.Dir, "go.mod")
	if !ok {
		return fmt.Errorf("%s is in no Go module", p.Dir)
	}
	if path.Dir(module) == "/go" {
		return errors.New("the module is in GOPATH itself, where the toolchain passes it over; set a WORKDIR")
	}
	if _, ok := s.above(p.Dir, ".git"); ok && p.VCSStamp {
		return errors.New("the program is to carry the revision of the .git that is copied; build with -buildvcs=false, or leave .git out")
	}
	var err error
	if g.host, err = hostSettings(ctx); err != nil {
		return err
	}
	c := g.command()
	c.root, c.dir, c.work = s.root.Name(), s.path(p.Dir), s.work(p)
	if err := c.staysIn(ctx, s.path(path.Dir(module))); err != nil {
		return err
	}
	if _, err := c.mains(ctx, p.Flags, p.Packages); err != nil {
		return err
	}
	if p.CgoByDefault {
		return c.sameWithoutCgo(ctx, p, func(listed) bool { return true })
	}
	return nil
}

// above finds a name in a folder of the stage, or in one above it.
func (s *stageFolder) above(dir, name string) (string, bool) {
	for ; ; dir = path.Dir(dir) {
		found := path.Join(dir, name)
		if _, err := s.root.Lstat(strings.TrimPrefix(found, "/")); err == nil {
			return found, true
		}
		if dir == "/" {
			return "", false
		}
	}
}

// work is what GOWORK has to be: the file that the stage holds, or off, so that none above the stage counts.
func (s *stageFolder) work(p dockerfile.Program) string {
	if found, ok := s.above(p.Dir, "go.work"); ok && !slices.Contains(p.Env, "GOWORK=off") {
		return s.path(found)
	}
	return "off"
}

// bareProgram is a Go main package without a Dockerfile: the image holds it, and what a program needs to run.
func bareProgram(ctx context.Context, r Request) (*goMain, error) {
	root, err := os.OpenRoot(r.Root)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.Root, err)
	}
	defer func() { _ = root.Close() }()
	if link, err := linkOut(root); err != nil || link != "" {
		return nil, errors.Join(err, fmt.Errorf("%s is a link out of the repository; remove it, or add a Dockerfile", link))
	}
	goos, arch, _ := strings.Cut(r.Platform, "/")
	arch, variant, _ := strings.Cut(arch, "/")
	p, err := r.Go.program([]string{"CGO_ENABLED=0", "GOOS=" + goos, "GOARCH=" + arch})
	if err != nil {
		return nil, err
	}
	if arch == "arm" && variant != "" {
		p.Env = append(p.Env, "GOARM="+strings.TrimPrefix(variant, "v"))
	}
	host, err := hostSettings(ctx)
	if err != nil {
		return nil, err
	}
	c := goCommand{host: host, env: p.Env, dir: r.Dir, work: workBetween(r.Root, r.Dir)}
	pkg, err := c.soleMain(ctx, r.Package)
	if err != nil {
		return nil, err
	}
	p.Packages = []string{pkg}
	// An explicit choice for the whole process counts for the program.
	if os.Getenv("CGO_ENABLED") != "0" {
		if err := c.sameWithoutCgo(ctx, p, func(l listed) bool { return !l.Standard }); err != nil {
			return nil, fmt.Errorf("%w; add a Dockerfile, or set CGO_ENABLED=0 if its files for builds without cgo are meant", err)
		}
	}
	target := "/" + programName(r, pkg)
	return &goMain{Image: dockerfile.Image{Program: p, Base: r.Go.Base, Target: target, Entrypoint: []string{target}, ResetCmd: true}, host: host}, nil
}

// workBetween is the go.work that is committed with a folder, or off, so that none above the repository counts.
func workBetween(root, dir string) string {
	for {
		file := filepath.Join(dir, "go.work")
		if _, err := os.Stat(file); err == nil {
			return file
		}
		if dir == root || dir == filepath.Dir(dir) {
			return "off"
		}
		dir = filepath.Dir(dir)
	}
}

func programName(r Request, pkg string) string {
	if base := path.Base(pkg); base != "." && base != "/" {
		return base
	}
	return path.Base(r.Repository)
}

// goCommand runs the Go toolchain with nothing but what decides about the program, wherever that is run.
type goCommand struct {
	// root is what replacements may not lead out of; "" for no bound.
	root, dir string
	env       []string
	work      string
	// host are the machine's settings.
	host map[string]string
	// output gets what the toolchain prints beside its result; nil drops it.
	output io.Writer
	// counts is told which packages are compiled; nil for none.
	counts *packageCount
}

// fromHost are variables that say how modules are fetched and where they are kept.
var fromHost = []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH", "GOTOOLCHAIN"}

// decisive are variables of the environment that would change the program.
func decisive(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return strings.HasPrefix(name, "GO") && name != "GOROOT" || strings.HasPrefix(name, "CGO_")
}

// run runs the go program.
func (c goCommand) run(ctx context.Context, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = c.dir
	cmd.Env = slices.DeleteFunc(os.Environ(), decisive)
	for _, name := range fromHost {
		cmd.Env = append(cmd.Env, name+"="+c.host[name])
	}
	cmd.Env = append(cmd.Env, "GOENV=off", "GOFLAGS=", "GOWORK="+c.work)
	if c.root != "" {
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN=local")
	}
	for _, variable := range c.env {
		if variable != "GOWORK=off" {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &stderr
	if c.output != nil {
		cmd.Stderr = io.MultiWriter(&stderr, c.output)
	}
	if c.counts != nil {
		c.counts.rest, cmd.Stderr = cmd.Stderr, c.counts
	}
	err := cmd.Run()
	if c.counts != nil {
		_ = c.counts.flush()
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		said := strings.TrimSpace(stderr.String())
		if c.root != "" {
			said = strings.ReplaceAll(said, c.root, "")
		}
		return fmt.Errorf("go %s: %s", strings.Join(args[:min(2, len(args))], " "), lastLines(said, 20))
	}
	return nil
}

// hostSettings are those of the toolchain on this machine, from the environment and from its own file.
func hostSettings(ctx context.Context) (map[string]string, error) {
	var settings map[string]string
	out, err := exec.CommandContext(ctx, "go", append([]string{"env", "-json", "GOVERSION"}, fromHost...)...).Output()
	if err == nil {
		err = json.Unmarshal(out, &settings)
	}
	if err != nil {
		return nil, fmt.Errorf("asking the Go toolchain for its settings: %w", err)
	}
	return settings, nil
}

// listed is what go list prints of a package.
type listed struct {
	ImportPath, Name, Dir string
	Standard              bool
	GoFiles, CgoFiles     []string
	SFiles, EmbedFiles    []string
	Error                 *struct{ Err string }
}

func (c goCommand) list(ctx context.Context, args ...string) ([]listed, error) {
	var out bytes.Buffer
	args = append([]string{"list", "-e", "-json=ImportPath,Name,Dir,Standard,GoFiles,CgoFiles,SFiles,EmbedFiles,Error"}, args...)
	if err := c.run(ctx, &out, args...); err != nil {
		return nil, err
	}
	var all []listed
	for decoder := json.NewDecoder(&out); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading what go list printed: %w", err)
		}
		all = append(all, p)
	}
}

// mains returns the folders of the main packages among what is named.
func (c goCommand) mains(ctx context.Context, flags, packages []string) ([]string, error) {
	all, err := c.list(ctx, append(append([]string{"-find"}, listFlags(flags)...), packages...)...)
	if err != nil {
		return nil, err
	}
	var mains []string
	for _, p := range all {
		if p.Error != nil && p.Name == "" {
			return nil, fmt.Errorf("go list: %s", p.Error.Err)
		}
		if p.Name == "main" {
			mains = append(mains, p.Dir)
		}
	}
	if len(mains) == 0 {
		return nil, fmt.Errorf("package %s: not a main package", strings.Join(packages, " "))
	}
	return mains, nil
}

// listFlags are those of go build that decide which files a program has.
func listFlags(flags []string) []string {
	var kept []string
	for _, f := range flags {
		if strings.HasPrefix(f, "-tags=") || strings.HasPrefix(f, "-mod=") {
			kept = append(kept, f)
		}
	}
	return kept
}

// soleMain finds the main package of a module; pkg is the one that was asked for, or "".
func (c goCommand) soleMain(ctx context.Context, pkg string) (string, error) {
	if pkg != "" {
		pkg = "./" + path.Clean(filepath.ToSlash(pkg))
	} else {
		pkg = "."
		if _, err := os.Stat(filepath.Join(c.dir, "go.mod")); err != nil {
			return "", errors.New("go.mod is missing")
		}
		if list, _ := filepath.Glob(filepath.Join(c.dir, "*.go")); len(list) == 0 {
			pkg = "./..."
		}
	}
	found, err := c.mains(ctx, nil, []string{pkg})
	if err != nil {
		return "", err
	}
	var mains []string
	for _, dir := range found {
		if below, err := filepath.Rel(c.dir, dir); err == nil {
			mains = append(mains, "./"+filepath.ToSlash(below))
		}
	}
	if len(mains) != 1 {
		return "", fmt.Errorf("%d Go main packages: %s", len(mains), strings.Join(mains, ", "))
	}
	if mains[0] == "./." {
		return ".", nil
	}
	return mains[0], nil
}

// sameWithoutCgo compares the files of the program with and without cgo. Only packages that count are looked at.
func (c goCommand) sameWithoutCgo(ctx context.Context, p dockerfile.Program, counts func(listed) bool) error {
	args := append(append([]string{"-deps"}, listFlags(p.Flags)...), p.Packages...)
	with := make([][]listed, 2)
	group, ctx := errgroup.WithContext(ctx)
	for cgo := range with {
		other := c
		other.env = append(slices.Clone(c.env), "CGO_ENABLED="+strconv.Itoa(cgo))
		group.Go(problem.Guard(func() (err error) {
			with[cgo], err = other.list(ctx, args...)
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return err
	}
	without := map[string]listed{}
	for _, l := range with[0] {
		without[l.ImportPath] = l
	}
	// What depends on others comes behind them.
	for _, l := range slices.Backward(with[1]) {
		other := without[l.ImportPath]
		if !counts(l) {
			continue
		}
		if len(l.CgoFiles) > 0 || !slices.Equal(l.GoFiles, other.GoFiles) || !slices.Equal(l.SFiles, other.SFiles) {
			return fmt.Errorf("package %s is another one with cgo, which nothing switches off and which needs a C compiler", l.ImportPath)
		}
	}
	return nil
}

// staysIn checks that what a module or workspace replaces is in the stage, where the Dockerfile's toolchain sees it.
func (c goCommand) staysIn(ctx context.Context, module string) error {
	if err := c.replacements(ctx, module, "mod", filepath.Join(module, "go.mod")); err != nil || c.work == "off" {
		return err
	}
	return c.replacements(ctx, filepath.Dir(c.work), "work", c.work)
}

func (c goCommand) replacements(ctx context.Context, dir, kind, file string) error {
	var out bytes.Buffer
	if err := c.run(ctx, &out, kind, "edit", "-json", file); err != nil {
		return err
	}
	var read struct {
		Replace []struct {
			New struct{ Path, Version string }
		}
		Use []struct{ DiskPath string }
	}
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		return fmt.Errorf("reading %s: %w", path.Base(file), err)
	}
	var places []string
	for _, r := range read.Replace {
		if r.New.Version == "" {
			places = append(places, r.New.Path)
		}
	}
	for _, u := range read.Use {
		places = append(places, u.DiskPath)
	}
	for _, place := range places {
		if filepath.IsAbs(place) || !strings.HasPrefix(filepath.Join(dir, place)+"/", c.root+"/") {
			return fmt.Errorf("%s takes %s, which is outside of what is copied", path.Base(file), place)
		}
	}
	return nil
}

// builderPlatform is what the builder's own platform is.
func builderPlatform() string { return "linux/" + runtime.GOARCH }

// lastLines is what a reader of an error needs of a long output.
func lastLines(text string, n int) string {
	rows := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(rows[max(0, len(rows)-n):], "\n")
}
