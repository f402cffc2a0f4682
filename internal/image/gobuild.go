package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// buildGo compiles the program and puts it on its base, without a container engine. The same commit and toolchain give the same digest.
func buildGo(ctx context.Context, p *Plan) (Built, error) {
	start := time.Now()
	dir, err := os.MkdirTemp("", "cyan-build-")
	if err != nil {
		return Built{}, fmt.Errorf("building %s: %w", p.request.Dir, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "program")
	if err := compile(ctx, p, binary); err != nil {
		return Built{}, err
	}
	img, size, err := p.assemble(ctx, binary)
	if err != nil {
		return Built{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return Built{}, fmt.Errorf("building %s: %w", p.request.Dir, err)
	}
	built := Built{Digest: digest.String(), Size: size, Built: time.Since(start)}
	if p.request.Keep {
		return built, nil
	}
	start = time.Now()
	err = p.request.Registries.push(ctx, p.request.Repository+":"+p.request.Tag, img)
	built.Pushed = time.Since(start)
	return built, err
}

func compile(ctx context.Context, p *Plan, binary string) error {
	goos, arch, _ := strings.Cut(p.request.Platform, "/")
	arch, variant, _ := strings.Cut(arch, "/")
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", binary}
	if !strings.Contains(strings.Join(p.gomain.flags, " "), "-ldflags") {
		args = append(args, "-ldflags=-s -w")
	}
	args = append(append(args, p.gomain.flags...), p.gomain.pkg)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = p.request.Dir
	// A go.work above the folder is not part of the commit.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+goos, "GOARCH="+arch)
	if arch == "arm" && variant != "" {
		cmd.Env = append(cmd.Env, "GOARM="+strings.TrimPrefix(variant, "v"))
	}
	cmd.Env = append(cmd.Env, p.gomain.env...)
	var said bytes.Buffer
	cmd.Stdout = io.MultiWriter(p.request.Output, &said)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &Error{Kind: ErrBuildFailed, Object: "Go package " + p.gomain.pkg + " in " + p.request.Dir, Problem: "it does not compile:\n" + lastLines(said.String(), 20), Remedy: "correct it and commit again"}
	}
	return nil
}

// assemble makes the image: the base, what a program without a base needs, and the program.
func (p *Plan) assemble(ctx context.Context, binary string) (v1.Image, int64, error) {
	g := p.gomain
	img, layers := empty.Image, []*layer{}
	if g.base == "" {
		img = mutate.MediaType(img, types.OCIManifestSchema1)
		img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
		below, err := supportLayer()
		if err != nil {
			return nil, 0, err
		}
		layers = append(layers, below)
	} else {
		var err error
		if img, err = p.pullBase(ctx); err != nil {
			return nil, 0, err
		}
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the program: %w", err)
	}
	program, err := newLayer([]file{{name: g.target, mode: 0o755, data: data}})
	if err != nil {
		return nil, 0, err
	}
	layers = append(layers, program)
	var size int64
	for _, l := range layers {
		size += int64(len(l.compressed))
		img, err = mutate.Append(img, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: "cyan", Created: v1.Time{Time: p.request.Created.UTC()}}})
		if err != nil {
			return nil, 0, fmt.Errorf("putting the image together: %w", err)
		}
	}
	img, err = p.configure(img)
	return img, size, err
}

func (p *Plan) pullBase(ctx context.Context) (v1.Image, error) {
	ref, err := name.ParseReference(p.Bases[p.gomain.base], append(p.request.Registries.nameOptions(), name.WeakValidation)...)
	if err != nil {
		return nil, fmt.Errorf("reading the base image %s: %w", p.gomain.base, err)
	}
	platform, err := v1.ParsePlatform(p.request.Platform)
	if err != nil {
		return nil, fmt.Errorf("reading the platform %s: %w", p.request.Platform, err)
	}
	img, err := remote.Image(ref, append(p.request.Registries.options(ctx), remote.WithPlatform(*platform))...)
	if err != nil {
		return nil, &Error{Kind: ErrBaseMissing, Object: "image " + p.gomain.base, Problem: err.Error(), Remedy: "check that it is there for " + p.request.Platform}
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
	c.Entrypoint, c.Cmd = g.entrypoint, g.cmd
	c.Env = append(c.Env, g.vars...)
	if g.base == "" && len(g.vars) == 0 {
		c.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	}
	if g.user != "" {
		c.User = g.user
	} else if g.base == "" {
		// Nothing in it needs root; a port below 1024 is open to it as well, by default.
		c.User = "65532:65532"
	}
	if g.workdir != "" {
		c.WorkingDir = g.workdir
	} else if c.WorkingDir == "" {
		c.WorkingDir = "/"
	}
	if g.stopSignal != "" {
		c.StopSignal = g.stopSignal
	}
	for _, port := range g.ports {
		if c.ExposedPorts == nil {
			c.ExposedPorts = map[string]struct{}{}
		}
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		c.ExposedPorts[port] = struct{}{}
	}
	for _, labels := range []map[string]string{g.labels, p.request.Labels} {
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

// file is one entry of a layer.
type file struct {
	name string
	mode int64
	data []byte
}

// supportLayer is what a program on nothing needs: a user, a place for temporary files, and the authorities that this machine trusts.
func supportLayer() (*layer, error) {
	files := []file{
		{"/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
		{"/etc/group", 0o644, []byte("root:x:0:\nnonroot:x:65532:\n")},
		{"/tmp/", 0o1777, nil},
	}
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if data, err := os.ReadFile(path); err == nil {
			files = append(files, file{"/etc/ssl/certs/ca-certificates.crt", 0o644, data})
			break
		}
	}
	return newLayer(files)
}

// layer is a compressed layer in memory, made in one pass.
type layer struct {
	compressed []byte
	digest     v1.Hash
	diffID     v1.Hash
}

// newLayer writes files with their folders. Times are zero, so that the same files give the same digest.
func newLayer(files []file) (*layer, error) {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compressing a layer: %w", err)
	}
	plain := sha256.New()
	w := tar.NewWriter(io.MultiWriter(zip, plain))
	made := map[string]bool{}
	for _, f := range files {
		if err := writeFile(w, f, made); err != nil {
			return nil, fmt.Errorf("writing a layer: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing a layer: %w", err)
	}
	if err := zip.Close(); err != nil {
		return nil, fmt.Errorf("compressing a layer: %w", err)
	}
	sum := sha256.Sum256(out.Bytes())
	return &layer{compressed: out.Bytes(), digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}, diffID: hashOf(plain)}, nil
}

func hashOf(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

func writeFile(w *tar.Writer, f file, made map[string]bool) error {
	clean := strings.TrimPrefix(path.Clean(f.name), "/")
	folders := strings.Split(clean, "/")
	if strings.HasSuffix(f.name, "/") {
		return writeFolder(w, clean, f.mode, made)
	}
	for i := 1; i < len(folders); i++ {
		if err := writeFolder(w, strings.Join(folders[:i], "/"), 0o755, made); err != nil {
			return err
		}
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: clean, Mode: f.mode, Size: int64(len(f.data))}); err != nil {
		return err
	}
	_, err := w.Write(f.data)
	return err
}

func writeFolder(w *tar.Writer, name string, mode int64, made map[string]bool) error {
	if made[name] {
		return nil
	}
	made[name] = true
	return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func (l *layer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *layer) Size() (int64, error)                { return int64(len(l.compressed)), nil }
func (l *layer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }
func (l *layer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.compressed)), nil
}
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	return gzip.NewReader(bytes.NewReader(l.compressed))
}
