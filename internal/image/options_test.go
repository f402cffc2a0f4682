package image_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/image"
)

// What a Dockerfile is built with is given to each builder in its own words.
func TestBuilderOptions(t *testing.T) {
	host, _ := registryWith(t, "/library/debian:12", "/app:v1")
	metadata := `while [ $# -gt 0 ]; do [ "$1" = --metadata-file ] && echo '{"containerimage.digest":"sha256:feed"}' > "$2"; shift; done` + "\n"
	all := image.BuilderOptions{
		Network: "host", Hosts: []string{"db:10.0.0.1"}, SSH: "default", Fresh: true, Pull: true, Secrets: []image.BuilderSecret{{ID: "npm", Src: "/etc/npmrc"}, {ID: "token", Env: "TOKEN"}},
	}
	flagged := all
	flagged.Flags = []string{"--shm-size=1g"}
	ofDocker := []string{"--network host", "--add-host db:10.0.0.1", "--secret id=npm,src=/etc/npmrc", "--secret id=token,env=TOKEN", "--ssh default", "--no-cache", "--pull"}
	for _, c := range []struct {
		rule, name, script string
		options            image.BuilderOptions
		want               []string
		err                string
	}{
		{"docker", "docker", metadata, flagged, append(ofDocker, "--shm-size=1g"), ""},
		{"podman", "podman", "exit 0\n", flagged, append(ofDocker, "--shm-size=1g"), ""},
		{"buildkit", "buildctl", metadata, all, []string{"force-network-mode=host", "add-hosts=db=10.0.0.1", "--secret id=npm,src=/etc/npmrc", "--ssh default", "--no-cache", "image-resolve-mode=pull"}, ""},
		{"buildkit takes no flags of docker's", "buildctl", metadata, flagged, nil, "--shm-size=1g"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			noBuilders(t)
			calls := filepath.Join(t.TempDir(), "calls")
			fakeBuilder(t, c.name, "echo \"$@\" >> "+calls+"\n"+c.script)
			if c.name == "buildctl" {
				t.Setenv("BUILDKIT_HOST", "tcp://127.0.0.1:1")
			}
			dir := folder(t, map[string]string{"Dockerfile": "FROM debian:12\nRUN make\n"})
			p, err := image.Prepare(t.Context(), image.Request{Dir: dir, Repository: host + "/app", Tag: "v1", With: c.options, Registries: image.Registries{Mirrors: []string{host}}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Build(t.Context())
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("got %v, want %q", err, c.err)
			}
			said, _ := os.ReadFile(calls)
			for _, want := range c.want {
				if !strings.Contains(string(said), want) {
					t.Errorf("%q is missing in\n%s", want, said)
				}
			}
		})
	}
}

// How a program is compiled without a Dockerfile may be chosen, as long as nothing else is run.
func TestGoOptions(t *testing.T) {
	host := newRegistry(t)
	for _, c := range []struct {
		rule    string
		options image.GoOptions
		err     string
	}{
		{"flags of the linker", image.GoOptions{LinkerFlags: []string{"-s", "-X main.version=v1"}}, ""},
		{"tags, and a variable of the toolchain", image.GoOptions{Flags: []string{"-tags=netgo"}, Env: []string{"GOAMD64=v2", "CGO_ENABLED=0"}}, ""},
		{"another linker", image.GoOptions{LinkerFlags: []string{"-extld=touch"}}, "-extld=touch"},
		{"a program around the toolchain", image.GoOptions{Flags: []string{"-toolexec=touch"}}, "-toolexec=touch"},
		{"a file that is written", image.GoOptions{Flags: []string{"-o=/etc/passwd"}}, "-o"},
		{"another compiler", image.GoOptions{Env: []string{"CC=touch"}}, "CC=touch"},
		{"flags by another way", image.GoOptions{Env: []string{"GOFLAGS=-toolexec=touch"}}, "GOFLAGS"},
		{"no variable", image.GoOptions{Env: []string{"x"}}, "not KEY=VALUE"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p, err := image.Prepare(t.Context(), image.Request{Dir: folder(t, program), Package: ".", Repository: host + "/app", Tag: "v1", Go: c.options})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Build(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
