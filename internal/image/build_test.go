package image_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
)

// newRegistry serves images on 127.0.0.1 and gives host:port.
func newRegistry(t testing.TB) string {
	t.Helper()
	web := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(web.Close)
	return strings.TrimPrefix(web.URL, "http://")
}

func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var program = map[string]string{
	"go.mod":  "module example.com/app\n\ngo 1.24\n",
	"main.go": "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello from the image\") }\n",
}

func with(files map[string]string, more ...string) map[string]string {
	all := map[string]string{}
	for k, v := range files {
		all[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

func build(t testing.TB, r image.Request) (*image.Plan, image.Built) {
	t.Helper()
	p, err := image.Prepare(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p, b
}

func pull(t *testing.T, ref string) (v1.Image, *v1.ConfigFile) {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(parsed)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return img, config
}

// unpack writes what an image holds at a path.
func unpack(t *testing.T, img v1.Image, path string) []byte {
	t.Helper()
	all := mutate.Extract(img)
	defer func() { _ = all.Close() }()
	for r := tar.NewReader(all); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if "/"+strings.TrimPrefix(h.Name, "/") == path {
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
}

func TestGoProgramIsBuiltInProcess(t *testing.T) {
	host := newRegistry(t)
	dir := folder(t, program)
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	request := image.Request{Dir: dir, Repository: host + "/team/app", Tag: "abc", Created: created, Labels: map[string]string{"org.opencontainers.image.revision": "abc"}}
	p, b := build(t, request)
	if p.Builder != "go" || !strings.Contains(p.Reason, "without a Dockerfile") {
		t.Errorf("%s: %s", p.Builder, p.Reason)
	}
	img, config := pull(t, host+"/team/app@"+b.Digest)
	if _, byTag := pull(t, host+"/team/app:abc"); byTag.Created != config.Created {
		t.Error("the tag is another image")
	}
	if config.OS != "linux" || config.Architecture != runtime.GOARCH || config.Config.User != "65532:65532" || config.Config.Labels["org.opencontainers.image.revision"] != "abc" || !config.Created.Equal(created) {
		t.Errorf("%+v", config)
	}
	binary := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(binary, unpack(t, img, config.Config.Entrypoint[0]), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(binary).CombinedOutput(); string(out) != "hello from the image\n" {
		t.Errorf("%s, %v", out, err)
	}
	// Elsewhere, the same files come to the same image.
	request.Dir = folder(t, program)
	if _, again := build(t, request); again.Digest != b.Digest {
		t.Errorf("%s, then %s", b.Digest, again.Digest)
	}
	// A package that is named is built, whatever the Dockerfile beside it describes.
	named := request
	named.Dir, named.Package = folder(t, with(program, "Dockerfile", "FROM scratch\nRUN make\n")), "."
	if p, again := build(t, named); again.Digest != b.Digest || p.Reason != "a Go main package, which the request names" {
		t.Errorf("%s because %q, want %s because the request names the package", again.Digest, p.Reason, b.Digest)
	}
	request.Keep, request.Repository = true, "127.0.0.1:1/app"
	if _, kept := build(t, request); kept.Digest != b.Digest {
		t.Errorf("a rehearsal gives %s, not %s", kept.Digest, b.Digest)
	}
}

const goDockerfile = `# syntax=docker/dockerfile:1
ARG GO=1.26
FROM golang:${GO} AS build
WORKDIR /src
COPY go.mod ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath \
    -ldflags="-s -w -X main.x=1" -o /out/server ./cmd/server
FROM scratch
COPY --from=build /out/server /usr/bin/server
ENV MODE=fast COLOR="a b"
EXPOSE 8080
USER 1000:1000
WORKDIR /data
LABEL team=x
ENTRYPOINT ["/usr/bin/server"]
CMD ["--flag"]
`

func TestDockerfileOfAGoProgramIsFollowed(t *testing.T) {
	host := newRegistry(t)
	files := map[string]string{"go.mod": program["go.mod"], "cmd/server/main.go": program["main.go"], "cmd/other/main.go": program["main.go"], "Dockerfile": goDockerfile}
	p, b := build(t, image.Request{Dir: folder(t, files), Repository: host + "/app", Tag: "v1"})
	if p.Builder != "go" || !strings.Contains(p.Reason, "nothing but go build") {
		t.Errorf("%s: %s", p.Builder, p.Reason)
	}
	img, config := pull(t, host+"/app@"+b.Digest)
	c := config.Config
	if strings.Join(c.Entrypoint, " ") != "/usr/bin/server" || strings.Join(c.Cmd, " ") != "--flag" || c.User != "1000:1000" || c.WorkingDir != "/data" || c.Labels["team"] != "x" ||
		strings.Join(c.Env, ";") != "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin;MODE=fast;COLOR=a b" {
		t.Errorf("%+v", c)
	}
	if _, ok := c.ExposedPorts["8080/tcp"]; !ok {
		t.Errorf("%+v", c.ExposedPorts)
	}
	unpack(t, img, "/usr/bin/server")
}

func TestGoProgramOnABase(t *testing.T) {
	host := newRegistry(t)
	base, err := random.Image(100, 2)
	if err != nil {
		t.Fatal(err)
	}
	base, err = mutate.ConfigFile(base, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, Config: v1.Config{Env: []string{"BASE=1"}, WorkingDir: "/w"}, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffs(t, base)}})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/library/alpine:3")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, base); err != nil {
		t.Fatal(err)
	}
	files := with(program, "Dockerfile", "FROM golang AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\nFROM alpine:3\nCOPY --from=build /app /bin/\nENTRYPOINT [\"/bin/app\"]\n")
	p, b := build(t, image.Request{Dir: folder(t, files), Repository: host + "/app", Tag: "v1", Registries: image.Registries{Mirrors: []string{host}}})
	if p.Bases["alpine:3"] != host+"/library/alpine:3" {
		t.Errorf("%+v", p.Bases)
	}
	img, config := pull(t, host+"/app@"+b.Digest)
	if layers, _ := img.Layers(); len(layers) != 3 || strings.Join(config.Config.Env, ";") != "BASE=1" || config.Config.WorkingDir != "/w" {
		t.Errorf("%d layers, %+v", len(layers), config.Config)
	}
}

func diffs(t *testing.T, img v1.Image) []v1.Hash {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config.RootFS.DiffIDs
}

// noBuilders hides every builder but the Go toolchain.
func noBuilders(t *testing.T) {
	t.Helper()
	goBinary, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(goBinary, filepath.Join(dir, "go")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOROOT", runtime.GOROOT()) //nolint:staticcheck // the symlink hides it
	t.Setenv("PATH", dir)
	t.Setenv("BUILDKIT_HOST", "")
	t.Setenv("XDG_RUNTIME_DIR", dir)
}

// fakeBuilder puts a program in the place of a builder.
func fakeBuilder(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestErrors(t *testing.T) {
	noBuilders(t)
	host := newRegistry(t)
	denied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/v2/" {
			return
		}
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"errors":[{"code":"DENIED","message":"team app may not push"}]}`)
	}))
	defer denied.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	needsEngine := with(program, "Dockerfile", "FROM debian:12\nRUN apt-get update\n")
	for _, c := range []struct {
		name    string
		files   map[string]string
		request image.Request
		kind    error
		says    []string
	}{
		{"does not compile", with(program, "main.go", "package main\n\nfunc main() { undefinedThing() }\n"), image.Request{}, image.ErrBuildFailed, []string{"main.go:3:15: undefined: undefinedThing", "commit again"}},
		{"registry refuses", program, image.Request{Repository: strings.TrimPrefix(denied.URL, "http://") + "/app"}, image.ErrPushRefused, []string{"DENIED", "team app may not push", "docker login"}},
		{"registry gone", program, image.Request{Repository: strings.TrimPrefix(gone.URL, "http://") + "/app"}, image.ErrUnreachable, []string{"check that the registry runs"}},
		{"no builder", needsEngine, image.Request{}, image.ErrNoBuilder, []string{"go: Dockerfile: no stage that runs go build", "buildkit: BUILDKIT_HOST is not set", "docker: not on the PATH", "podman: ", "buildah: ", "nerdctl: "}},
		{"nothing to build", map[string]string{"README": "x"}, image.Request{}, image.ErrNoBuilder, []string{"neither a Dockerfile nor one Go main package"}},
		{"several programs", map[string]string{"go.mod": program["go.mod"], "a/main.go": program["main.go"], "b/main.go": program["main.go"]}, image.Request{}, image.ErrNoBuilder, []string{"2 Go main packages: ./a, ./b"}},
		{"unknown builder", program, image.Request{Builder: "kaniko"}, image.ErrNoBuilder, []string{`"kaniko"`, "go, buildkit, docker"}},
		{"asked-for builder is not there", needsEngine, image.Request{Builder: "podman"}, image.ErrNoBuilder, []string{"podman: not on the PATH"}},
		{"base gone", with(program, "Dockerfile", "FROM golang AS b\nWORKDIR /src\nCOPY . .\nRUN go build -o /x .\nFROM 127.0.0.1:1/no/base:1\nCOPY --from=b /x /x\n"), image.Request{}, image.ErrBaseMissing,
			[]string{"127.0.0.1:1/no/base:1", host + " does not have it", "127.0.0.1:1 cannot be reached", "cyan local load"}},
		{"bad name", program, image.Request{Repository: "UPPER/app"}, nil, []string{"small letters"}},
		{"an option for a name", program, image.Request{Repository: "--privileged"}, nil, []string{"invalid name of a repository"}},
		{"out of the folder", program, image.Request{Dockerfile: "../Dockerfile"}, image.ErrBuildFailed, []string{"not below"}},
		{"no such Dockerfile", program, image.Request{Dockerfile: "build/Dockerfile"}, image.ErrBuildFailed, []string{"build/Dockerfile", "cannot be read"}},
		{"no such folder", nil, image.Request{Dir: "/nowhere/at/all"}, image.ErrBuildFailed, []string{"/nowhere/at/all"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.request
			if r.Dir == "" {
				r.Dir = folder(t, c.files)
			}
			if r.Repository == "" {
				r.Repository = host + "/app"
			}
			r.Tag, r.Registries = "v1", image.Registries{Mirrors: []string{host}}
			p, err := image.Prepare(t.Context(), r)
			if err == nil {
				_, err = p.Build(t.Context())
			}
			if err == nil || (c.kind != nil && !errors.Is(err, c.kind)) {
				t.Fatalf("%v, want %v", err, c.kind)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v\ndoes not say %q", err, part)
				}
			}
		})
	}
}

// Where there is no Go toolchain, that is what helps, unless another builder was asked for.
func TestWithoutTheGoToolchain(t *testing.T) {
	program := map[string]string{"go.mod": "module example.com/app\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n"}
	described := with(program, "Dockerfile", "FROM golang:1.26 AS b\nWORKDIR /src\nCOPY . .\nRUN go build -o /x .\nFROM scratch\nCOPY --from=b /x /x\n")
	for _, c := range []struct {
		rule    string
		files   map[string]string
		builder string
		there   bool
		remedy  string
	}{
		{"a program without a Dockerfile", program, "", false, "install the Go toolchain, if it is a Go program, or add a Dockerfile"},
		{"a program with a Dockerfile", described, "", false, "install the Go toolchain, if it is a Go program, or start another one of them"},
		{"a program that the toolchain is asked for", program, "go", false, "install the Go toolchain, if it is a Go program, or start another one of them"},
		{"another builder is asked for", described, "podman", false, "start one of them, or build a Go main package, which needs none"},
		{"the toolchain is there, and no program", map[string]string{"README": "x"}, "", true, "add a Dockerfile, or name the Go package to build"},
		{"the toolchain is there, and cannot build it", map[string]string{"Dockerfile": "FROM debian:12\nRUN apt-get update\n"}, "", true, "start one of them, or build a Go main package, which needs none"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			noBuilders(t)
			if !c.there {
				t.Setenv("PATH", t.TempDir())
			}
			_, err := image.Prepare(t.Context(), image.Request{Dir: folder(t, c.files), Repository: "registry.example/app", Tag: "v1", Builder: c.builder})
			if p := (*problem.Error)(nil); !errors.As(err, &p) || !errors.Is(err, image.ErrNoBuilder) || p.Remedy != c.remedy {
				t.Errorf("got %v, want the remedy %q", err, c.remedy)
			}
		})
	}
}

func TestAllMissingBasesAreListed(t *testing.T) {
	noBuilders(t)
	fakeBuilder(t, "podman", "echo started >> "+filepath.Join(t.TempDir(), "log")+"; exit 1\n")
	host := newRegistry(t)
	docker := "FROM 127.0.0.1:1/a AS one\nRUN x\nFROM 127.0.0.1:1/unused\nRUN y\nFROM one\nCOPY --from=127.0.0.1:1/b /x /x\nRUN --mount=type=bind,from=127.0.0.1:1/c,target=/c y\n"
	_, err := image.Prepare(t.Context(), image.Request{Dir: folder(t, map[string]string{"Dockerfile": docker}), Repository: host + "/x", Tag: "1"})
	if !errors.Is(err, image.ErrBaseMissing) {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(err.Error(), "Dockerfile: ")
	want := `base images not found: 127.0.0.1:1/a, 127.0.0.1:1/b, 127.0.0.1:1/c (127.0.0.1:1 cannot be reached)
  not built by go: Dockerfile: no stage that runs go build, and that the last stage copies from, was found
  not built by buildkit: BUILDKIT_HOST is not set, and no buildkitd listens
  not built by docker: not on the PATH
  built by podman, which needs the base images; ` + "correct their names, or load them with `cyan local load IMAGE.tar`"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCancelledBuild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := image.Prepare(ctx, image.Request{Dir: folder(t, program), Repository: newRegistry(t) + "/app", Tag: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := p.Build(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Warm: one file has changed since the last build.
func BenchmarkEditToPushed(b *testing.B) {
	host := newRegistry(b)
	dir := folder(b, program)
	request := image.Request{Dir: dir, Repository: host + "/app", Tag: "v1"}
	build(b, request)
	for i := 0; b.Loop(); i++ {
		text := strings.Replace(program["main.go"], "hello", "hello "+time.Unix(int64(i), 0).String(), 1)
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
		build(b, request)
	}
}

// An image that another one follows soon is pushed as it is to a registry of this machine, holds the same files, and a
// program without what debuggers read.
func TestQuick(t *testing.T) {
	host := newRegistry(t)
	dir := folder(t, program)
	_, whole := build(t, image.Request{Dir: dir, Repository: host + "/app", Tag: "whole"})
	_, quick := build(t, image.Request{Dir: dir, Repository: host + "/app", Tag: "quick", Quick: true})
	for tag, want := range map[string]types.MediaType{"whole": types.OCILayer, "quick": types.OCIUncompressedLayer} {
		ref, err := name.ParseReference(host + "/app:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		img, err := remote.Image(ref)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range layers {
			if kind, err := l.MediaType(); err != nil || kind != want {
				t.Errorf("%s: layer of %s, %v; want %s", tag, kind, err, want)
			}
		}
		if _, err := io.Copy(io.Discard, mutate.Extract(img)); err != nil {
			t.Errorf("%s: %v", tag, err)
		}
	}
	if quick.Digest == whole.Digest || quick.Compiled <= 0 || quick.Compiled > quick.Built {
		t.Errorf("got %+v and %+v: want two images, and what the compiler took", quick, whole)
	}
}

// A Dockerfile may stand outside of the folder that is built, with a file of its own of what is left out, but not
// outside of the repository.
func TestDockerfileOutsideOfItsFolder(t *testing.T) {
	host := newRegistry(t)
	root := folder(t, map[string]string{
		"app/go.mod": program["go.mod"], "app/main.go": program["main.go"], "app/broken.go": "package broken",
		"docker/app.Dockerfile": "FROM golang AS b\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /x .\nFROM scratch\nCOPY --from=b /x /x\n", "docker/app.Dockerfile.dockerignore": "broken.go\n",
	})
	p, _ := build(t, image.Request{Root: root, Dir: filepath.Join(root, "app"), Dockerfile: "../docker/app.Dockerfile", Repository: host + "/app", Tag: "v1"})
	if p.Builder != "go" {
		t.Errorf("got builder %s, want go", p.Builder)
	}
	for _, file := range []string{"../../Dockerfile", "/etc/passwd"} {
		if _, err := image.Prepare(t.Context(), image.Request{Root: root, Dir: filepath.Join(root, "app"), Dockerfile: file, Repository: host + "/app"}); err == nil || !strings.Contains(err.Error(), "not below "+root) {
			t.Errorf("%s: got %v, want an error", file, err)
		}
	}
}

// A registry goes away in the middle of a push, and comes back: that is an error that passes, and the plan holds.
func TestRegistryGoesAwayInAPush(t *testing.T) {
	var away atomic.Bool
	var cut atomic.Int32
	serve := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() && (r.Method == http.MethodPatch || r.Method == http.MethodPut) {
			_, _ = io.CopyN(io.Discard, r.Body, 1000)
			cut.Add(1)
			panic(http.ErrAbortHandler)
		}
		serve.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	host := strings.TrimPrefix(web.URL, "http://")
	p, err := image.Prepare(t.Context(), image.Request{Dir: folder(t, program), Repository: host + "/app", Tag: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	away.Store(true)
	if _, err := p.Build(t.Context()); !problem.IsTemporary(err) || !errors.Is(err, image.ErrUnreachable) || cut.Load() == 0 {
		t.Errorf("got %v after %d connections were cut, want an error that passes", err, cut.Load())
	}
	away.Store(false)
	built, err := p.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(built.Ref())
	if err != nil {
		t.Fatal(err)
	}
	if img, err := remote.Image(ref); err != nil {
		t.Errorf("the registry has no %s: %v", built.Ref(), err)
	} else if _, err := io.Copy(io.Discard, mutate.Extract(img)); err != nil {
		t.Errorf("%s is not whole: %v", built.Ref(), err)
	}
}
