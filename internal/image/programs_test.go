package image_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/cyan-cd/cyan/internal/image"
)

// registryWith serves one small image under each of the names.
func registryWith(t *testing.T, paths ...string) (host string, digest v1.Hash) {
	t.Helper()
	host = newRegistry(t)
	image, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		ref, err := name.ParseReference(host + path)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image); err != nil {
			t.Fatal(err)
		}
	}
	if digest, err = image.Digest(); err != nil {
		t.Fatal(err)
	}
	return host, digest
}

// The builders that are not installed everywhere are stood in for by programs that check what they are told.
func TestBuildersAreCalledInOrder(t *testing.T) {
	host, pushed := registryWith(t, "/library/debian:12", "/app:v1")
	const fail = "echo 'step 2/2: exit code 7' >&2; exit 1\n"
	metadata := `while [ $# -gt 0 ]; do [ "$1" = --metadata-file ] && echo '{"containerimage.digest":"sha256:feed"}' > "$2"; shift; done` + "\n"
	for _, c := range []struct{ name, script, want, digest string }{
		{"buildctl", metadata, "buildkit", "sha256:feed"},
		{"docker", metadata, "docker", "sha256:feed"},
		{"podman", "exit 0\n", "podman", pushed.String()},
		{"buildah", "exit 0\n", "buildah", pushed.String()},
		{"nerdctl", "exit 0\n", "nerdctl", pushed.String()},
		{"podman", fail, "podman", ""},
		{"docker", `[ "$1" = version ] && exit 0; [ "$2" = version ] && exit 0; ` + fail, "docker", ""},
	} {
		t.Run(c.want+c.digest, func(t *testing.T) {
			noBuilders(t)
			calls := filepath.Join(t.TempDir(), "calls")
			fakeBuilder(t, c.name, "echo \"$@\" >> "+calls+"\n"+c.script)
			if c.name == "buildctl" {
				t.Setenv("BUILDKIT_HOST", "tcp://127.0.0.1:1")
			}
			dir := folder(t, map[string]string{"Dockerfile": "FROM debian:12 AS dev\nRUN make\nFROM not-needed\n"})
			p, err := image.Prepare(t.Context(), image.Request{Dir: dir, Target: "dev", Repository: host + "/app", Tag: "v1", BuildArgs: map[string]string{"A": "b c"}, Labels: map[string]string{"org.opencontainers.image.revision": "abc"}, Registries: image.Registries{Mirrors: []string{host}}})
			if err != nil {
				t.Fatal(err)
			}
			if p.Builder != c.want || p.Reason == "" {
				t.Errorf("%s: %s", p.Builder, p.Reason)
			}
			b, err := p.Build(t.Context())
			said, _ := os.ReadFile(calls)
			if c.digest == "" {
				if !errors.Is(err, image.ErrBuildFailed) || !strings.Contains(err.Error(), "exit code 7") || !strings.Contains(err.Error(), filepath.Join(dir, "Dockerfile")) {
					t.Errorf("%v\n%s", err, said)
				}
				return
			}
			if err != nil || b.Digest != c.digest {
				t.Errorf("%+v, %v\n%s", b, err, said)
			}
			if !bytes.Contains(said, []byte(host+"/library/debian:12")) || !bytes.Contains(said, []byte("A=b c")) || !bytes.Contains(said, []byte("org.opencontainers.image.revision=abc")) {
				t.Errorf("the base, the argument or the label is missing:\n%s", said)
			}
			if !bytes.Contains(said, []byte("--target dev")) && !bytes.Contains(said, []byte("--opt target=dev")) {
				t.Errorf("the stage is missing:\n%s", said)
			}
		})
	}
}

// A Docker without its plugin buildx builds what stands on nothing, or on what is where its name says.
func TestDockerWithoutBuildx(t *testing.T) {
	host, pushed := registryWith(t, "/library/debian:12", "/base:1", "/app:v1")
	noBuilders(t)
	calls := filepath.Join(t.TempDir(), "calls")
	fakeBuilder(t, "docker", `[ "$1" = buildx ] && exit 1; echo "$DOCKER_BUILDKIT $@" >> `+calls+"\n")
	build := func(dockerfile string, mirrors ...string) (image.Built, error) {
		p, err := image.Prepare(t.Context(), image.Request{Dir: folder(t, map[string]string{"Dockerfile": dockerfile}), Repository: host + "/app", Tag: "v1", Registries: image.Registries{Mirrors: mirrors}})
		if err != nil {
			t.Fatal(err)
		}
		return p.Build(t.Context())
	}
	for _, dockerfile := range []string{"FROM scratch\nCOPY . /\n", "FROM " + host + "/base:1\nRUN make\n"} {
		if b, err := build(dockerfile); err != nil || b.Digest != pushed.String() {
			t.Errorf("%s: %+v, %v", dockerfile, b, err)
		}
	}
	said, _ := os.ReadFile(calls)
	if !bytes.Contains(said, []byte("0 build --tag "+host+"/app:v1")) || !bytes.Contains(said, []byte("push "+host+"/app:v1")) {
		t.Errorf("%s", said)
	}
	if _, err := build("FROM debian:12\nRUN make\n", host); !errors.Is(err, image.ErrNoBuilder) || !strings.Contains(err.Error(), "buildx") || !strings.Contains(err.Error(), host+"/library/debian:12") {
		t.Error(err)
	}
}

// The real one, where it is installed: Debian's buildah needs no engine.
func TestBuildah(t *testing.T) {
	if _, err := exec.LookPath("buildah"); err != nil || os.Geteuid() != 0 {
		t.Skip("buildah is not installed, or this is not root")
	}
	// What it builds goes with the test, and lies on any file system.
	storage := t.TempDir()
	settings := fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(storage, "graph"), filepath.Join(storage, "run"))
	if err := os.WriteFile(filepath.Join(storage, "storage.conf"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONTAINERS_STORAGE_CONF", filepath.Join(storage, "storage.conf"))
	host := newRegistry(t)
	dir := folder(t, with(program, "Dockerfile", "FROM scratch\nCOPY main.go /main.go\nENV X=y\n"))
	request := image.Request{Dir: dir, Repository: host + "/app", Tag: "v1", Builder: "buildah"}
	_, b := build(t, request)
	img, config := pull(t, host+"/app@"+b.Digest)
	if string(unpack(t, img, "/main.go")) != program["main.go"] || !strings.Contains(strings.Join(config.Config.Env, " "), "X=y") {
		t.Errorf("%+v", config.Config)
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY absent /x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := image.Prepare(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Build(t.Context()); !errors.Is(err, image.ErrBuildFailed) || !strings.Contains(err.Error(), "absent") {
		t.Error(err)
	}
}
