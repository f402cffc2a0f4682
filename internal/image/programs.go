package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/cyan-cd/cyan/internal/problem"
)

// program is a builder that is another program.
type program struct {
	name string
	// ready returns why it is taken, or what it lacks. It must end soon.
	ready func(ctx context.Context) (string, error)
	build func(ctx context.Context, p *Plan) (Built, error)
}

// programs in the order in which they are tried.
var programs = []program{
	{"buildkit", buildkitReady, buildBuildkit},
	{"docker", dockerReady, buildDocker},
	{"podman", onPath("podman"), podman.build},
	{"buildah", onPath("buildah"), buildah.build},
	{"nerdctl", nerdctlReady, nerdctl.build},
}

func onPath(name string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		if _, err := exec.LookPath(name); err != nil {
			return "", errors.New("not on the PATH")
		}
		return name + " is on the PATH, and none before it is ready", nil
	}
}

// answers runs a harmless command of a builder: that it is installed does not show that it works.
func answers(ctx context.Context, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("does not answer: %s", strings.ReplaceAll(lastLines(said.String()+err.Error(), 2), "\n", " "))
	}
	return nil
}

// buildkitAddress is BUILDKIT_HOST, or the socket of a buildkitd that listens.
func buildkitAddress() (address, why string) {
	if host := os.Getenv("BUILDKIT_HOST"); host != "" {
		return host, "BUILDKIT_HOST is set"
	}
	for _, socket := range []string{"/run/buildkit/buildkitd.sock", filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "buildkit", "buildkitd.sock")} {
		conn, err := net.DialTimeout("unix", socket, time.Second)
		if err == nil {
			_ = conn.Close()
			return "unix://" + socket, "a buildkitd listens on " + socket
		}
	}
	return "", ""
}

func buildkitReady(ctx context.Context) (string, error) {
	address, why := buildkitAddress()
	if address == "" {
		return "", errors.New("BUILDKIT_HOST is not set, and no buildkitd listens")
	}
	if _, err := exec.LookPath("buildctl"); err != nil {
		return "", errors.New(why + ", but buildctl is not on the PATH")
	}
	return why + " and answers", answers(ctx, "buildctl", "--addr", address, "debug", "workers")
}

func dockerReady(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("docker"); err != nil {
		return "", errors.New("not on the PATH")
	}
	if err := answers(ctx, "docker", "version", "--format", "{{.Server.Version}}"); err != nil {
		return "", err
	}
	if hasBuildx(ctx) {
		return "the Docker daemon answers", nil
	}
	return "the Docker daemon answers; it builds without buildx", nil
}

func hasBuildx(ctx context.Context) bool { return answers(ctx, "docker", "buildx", "version") == nil }

func nerdctlReady(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("nerdctl"); err != nil {
		return "", errors.New("not on the PATH")
	}
	return "nerdctl's containerd answers", answers(ctx, "nerdctl", "info")
}

// run returns a builder's failure with the end of what it printed.
func (p *Plan) run(ctx context.Context, doing string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = p.request.Dir
	if name == "docker" && args[0] == "build" {
		// Without buildx, docker only builds when this is set.
		cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	}
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stdout = io.MultiWriter(p.request.Output, &said)
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	out := lastLines(said.String(), 20)
	if doing == "push" || pushFailed(out) {
		return &problem.Error{Kind: problem.Refused, Err: ErrPushRefused, Object: "image " + p.request.Repository + ":" + p.request.Tag, Cause: "not pushed by " + p.Builder + ":\n" + out,
			Remedy: "check that the registry runs; " + logInRemedy(p.request.Repository)}
	}
	return &problem.Error{Err: ErrBuildFailed, Object: filepath.Join(p.request.Dir, p.request.Dockerfile), Cause: "not built by " + p.Builder + ":\n" + out, Remedy: "correct the Dockerfile and commit again"}
}

func pushFailed(out string) bool {
	for _, mark := range []string{"failed to push", "failed to authorize", "push access denied", "error writing manifest", "writing blob"} {
		if strings.Contains(out, mark) {
			return true
		}
	}
	return false
}

// plainHTTP reports whether the registry is one of this machine, which is spoken to over plain HTTP.
func (p *Plan) plainHTTP() bool {
	return p.request.Registries.insecure(p.request.Repository) || onThisMachine(p.request.Repository)
}

// contexts are the bases that are elsewhere than in the registry of their name, as the flags of a builder.
func (p *Plan) contexts(write func(name, place string) []string) []string {
	var args []string
	names := make([]string, 0, len(p.Bases))
	for name := range p.Bases {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		args = append(args, write(name, p.Bases[name])...)
	}
	return args
}

func buildContext(name, place string) []string {
	return []string{"--build-context", name + "=docker-image://" + place}
}

// buildArgs are the arguments that a Dockerfile takes, and labels those that the image gets.
func (p *Plan) buildArgs(flag, join string) []string { return pairs(p.request.BuildArgs, flag, join) }
func (p *Plan) labels(flag, join string) []string    { return pairs(p.request.Labels, flag, join) }

// targetOf is the stage that is built, as a flag of a builder.
func targetOf(r Request, flag, join string) []string {
	if r.Target == "" {
		return nil
	}
	return []string{flag, join + r.Target}
}

// pairs are the entries of a mapping as values of a flag, in order.
func pairs(all map[string]string, flag, join string) []string {
	var args []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		args = append(args, flag, join+key+"="+all[key])
	}
	return args
}

func buildBuildkit(ctx context.Context, p *Plan) (Built, error) {
	address, _ := buildkitAddress()
	output := "type=image,name=" + p.request.Repository + ":" + p.request.Tag
	if !p.request.Keep {
		output += ",push=true"
		if p.plainHTTP() {
			output += ",registry.insecure=true"
		}
	}
	args := []string{"--addr", address, "build", "--progress=plain", "--frontend=dockerfile.v0", "--local", "context=" + p.request.Dir,
		"--local", "dockerfile=" + filepath.Dir(filepath.Join(p.request.Dir, p.request.Dockerfile)), "--opt", "filename=" + filepath.Base(p.request.Dockerfile),
		"--opt", "platform=" + p.request.Platform, "--output", output}
	with, err := p.request.With.ofBuildctl()
	if err != nil {
		return Built{}, &problem.Error{Err: ErrNoBuilder, Object: filepath.Join(p.request.Dir, p.request.Dockerfile), Cause: err.Error(), Remedy: "choose another builder, or leave the flags out"}
	}
	args = append(args, with...)
	args = append(args, p.buildArgs("--opt", "build-arg:")...)
	args = append(args, targetOf(p.request, "--opt", "target=")...)
	args = append(args, p.labels("--opt", "label:")...)
	args = append(args, p.contexts(func(name, place string) []string {
		return []string{"--opt", "context:" + name + "=docker-image://" + place}
	})...)
	return p.withMetadata(func(file string) error {
		return p.run(ctx, "build", "buildctl", append(args, "--metadata-file", file)...)
	})
}

func buildDocker(ctx context.Context, p *Plan) (Built, error) {
	if !hasBuildx(ctx) {
		return buildClassicDocker(ctx, p)
	}
	args := []string{"buildx", "build", "--progress=plain", "--provenance=false", "--platform", p.request.Platform, "--tag", p.request.Repository + ":" + p.request.Tag,
		"--file", filepath.Join(p.request.Dir, p.request.Dockerfile)}
	if !p.request.Keep {
		args = append(args, "--push")
	}
	args = append(args, p.request.With.ofDocker()...)
	args = append(args, p.buildArgs("--build-arg", "")...)
	args = append(args, targetOf(p.request, "--target", "")...)
	args = append(args, p.labels("--label", "")...)
	args = append(args, p.contexts(buildContext)...)
	return p.withMetadata(func(file string) error {
		return p.run(ctx, "build", "docker", append(args, "--metadata-file", file, p.request.Dir)...)
	})
}

// withMetadata reads the digest from the file that a builder writes.
func (p *Plan) withMetadata(build func(file string) error) (Built, error) {
	folder, err := NewWorkFolder()
	if err != nil {
		return Built{}, fmt.Errorf("building %s: %w", p.request.Dir, err)
	}
	defer func() { _ = folder.Remove() }()
	file := filepath.Join(folder.Path, "metadata.json")
	if err := build(file); err != nil {
		return Built{}, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return Built{}, fmt.Errorf("reading what %s built: %w", p.Builder, err)
	}
	var metadata struct {
		Digest string `json:"containerimage.digest"`
	}
	if err := json.Unmarshal(data, &metadata); err != nil {
		return Built{}, fmt.Errorf("reading what %s built: %w", p.Builder, err)
	}
	if metadata.Digest == "" && !p.request.Keep {
		return Built{}, fmt.Errorf("building %s: the digest is missing in what %s wrote", p.request.Dir, p.Builder)
	}
	return Built{Digest: metadata.Digest}, nil
}

// buildClassicDocker is for a Docker without buildx, which takes every base from the registry of its name.
func buildClassicDocker(ctx context.Context, p *Plan) (Built, error) {
	for base, place := range p.Bases {
		if ref, err := name.ParseReference(base, name.WeakValidation); err == nil && ref.Name() == place {
			continue
		}
		return Built{}, &problem.Error{
			Err: ErrNoBuilder, Object: filepath.Join(p.request.Dir, p.request.Dockerfile),
			Cause:  fmt.Sprintf("base %s is to be taken from %s, which Docker only does with its plugin buildx, and that is not installed", base, place),
			Remedy: "install buildx, or choose another builder with --builder",
		}
	}
	return twoSteps{name: "docker"}.build(ctx, p)
}

// twoSteps is a builder that is told to build and then to push, each with flags of its own.
type twoSteps struct {
	name              string
	building, pushing func(p *Plan) []string
}

var (
	podman = twoSteps{"podman", func(p *Plan) []string {
		return append([]string{"--format", "oci"}, p.noTLS(len(p.request.Registries.Mirrors) > 0)...)
	}, withoutTLS}
	buildah = twoSteps{"buildah", func(p *Plan) []string {
		args := podman.building(p)
		if os.Geteuid() == 0 {
			// Needs no engine and works in a container.
			args = append(args, "--isolation", "chroot")
		}
		return args
	}, withoutTLS}
	nerdctl = twoSteps{"nerdctl", nil, func(p *Plan) []string {
		if p.plainHTTP() {
			return []string{"--insecure-registry"}
		}
		return nil
	}}
)

func withoutTLS(p *Plan) []string { return p.noTLS(false) }

// noTLS is for registries that are spoken to over plain HTTP.
func (p *Plan) noTLS(also bool) []string {
	if also || p.plainHTTP() {
		return []string{"--tls-verify=false"}
	}
	return nil
}

func (b twoSteps) build(ctx context.Context, p *Plan) (Built, error) {
	ref := p.request.Repository + ":" + p.request.Tag
	args := []string{"build"}
	if b.building != nil {
		args = append(args, b.building(p)...)
	}
	if b.name != "docker" || p.request.Platform != runtime.GOOS+"/"+runtime.GOARCH {
		args = append(args, "--platform", p.request.Platform)
	}
	args = append(args, "--tag", ref, "--file", filepath.Join(p.request.Dir, p.request.Dockerfile))
	args = append(args, p.request.With.ofDocker()...)
	args = append(args, p.buildArgs("--build-arg", "")...)
	args = append(args, targetOf(p.request, "--target", "")...)
	args = append(args, p.labels("--label", "")...)
	if b.name != "docker" {
		args = append(args, p.contexts(buildContext)...)
	}
	start := time.Now()
	if err := p.run(ctx, "build", b.name, append(args, p.request.Dir)...); err != nil {
		return Built{}, err
	}
	built := Built{Built: time.Since(start)}
	if p.request.Keep {
		return built, nil
	}
	start = time.Now()
	push := []string{"push"}
	if b.pushing != nil {
		push = append(push, b.pushing(p)...)
	}
	if err := p.run(ctx, "push", b.name, append(push, ref)...); err != nil {
		return Built{}, err
	}
	digest, err := p.request.Registries.Digest(ctx, ref)
	built.Digest, built.Pushed = digest, time.Since(start)
	return built, err
}
