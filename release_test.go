package cyan_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// release is what this reads of .goreleaser.yaml.
type release struct {
	Builds []struct {
		ID, Dir, Main, Binary             string
		Env, Flags, Ldflags, Goos, Goarch []string
	}
	Archives []struct{ IDs, Files []string }
	Dockers  []struct {
		IDs                                []string
		Dockerfile, Goarch                 string
		ImageTemplates, BuildFlagTemplates []string
	}
}

func readRelease(t *testing.T) release {
	t.Helper()
	data, err := os.ReadFile(".goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var r release
	text := strings.NewReplacer("image_templates", "imageTemplates", "build_flag_templates", "buildFlagTemplates").Replace(string(data))
	if err := yaml.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAReleaseIsBuiltAsHere: the programs of a release have the flags of `make build`, which name versions among
// others.
func TestAReleaseIsBuiltAsHere(t *testing.T) {
	here := map[string]string{} // program → its command
	out, err := exec.Command("make", "-n", "build").CombinedOutput()
	if err != nil {
		t.Fatalf("make -n build: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); strings.Contains(line, "go build ") && len(fields) > 0 {
			here[filepath.Base(fields[len(fields)-1])] = line
		}
	}
	for _, b := range readRelease(t).Builds {
		line := here[b.Binary]
		_, rest, _ := strings.Cut(line, "-ldflags '")
		flags, _, _ := strings.Cut(rest, "'")
		want := strings.Fields(flags)
		got := strings.Fields(strings.Join(b.Ldflags, " "))
		for _, list := range [][]string{got, want} {
			for i, flag := range list {
				if name, _, ok := strings.Cut(flag, "main.version="); ok {
					list[i] = name + "main.version=VERSION"
				}
			}
		}
		// A template has spaces of its own.
		got = slices.DeleteFunc(got, func(s string) bool { return s == ".Version" || s == "}}" })
		if line == "" || !slices.Equal(got, want) {
			t.Errorf("%s: -ldflags %v in .goreleaser.yaml, %v by make build", b.ID, got, want)
		}
		if fmt.Sprint(b.Flags, b.Env) != "[-trimpath -buildvcs=false] [CGO_ENABLED=0]" {
			t.Errorf("%s: built with %v, %v", b.ID, b.Flags, b.Env)
		}
	}
}

// TestAReleaseCanBeBuilt: the program of each platform finds its packages there, and what goes into archives exists.
func TestAReleaseCanBeBuilt(t *testing.T) {
	r := readRelease(t)
	platforms := map[string][]string{}
	for _, b := range r.Builds {
		for _, system := range b.Goos {
			for _, architecture := range b.Goarch {
				platforms[b.Binary] = append(platforms[b.Binary], system+"/"+architecture)
				list := exec.Command("go", "list", "-deps", "-f", "{{with .Error}}{{.}}{{end}}", b.Main)
				list.Dir = b.Dir
				list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+architecture, "CGO_ENABLED=0")
				if out, err := list.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "" {
					t.Errorf("%s for %s/%s: %v\n%s", b.ID, system, architecture, err, out)
				}
			}
		}
	}
	if got := fmt.Sprint(platforms["cyan"], platforms["cyan-local"]); got != "[linux/amd64 linux/arm64 darwin/amd64 darwin/arm64] [linux/amd64 linux/arm64]" {
		t.Errorf("platforms: %s", got)
	}
	for _, a := range r.Archives {
		for _, pattern := range a.Files {
			if found, err := filepath.Glob(pattern); err != nil || len(found) == 0 {
				t.Errorf("%s goes into an archive, and there is none: %v", pattern, err)
			}
		}
	}
	for _, d := range r.Dockers {
		if _, err := os.Stat(d.Dockerfile); err != nil || !slices.Contains(d.BuildFlagTemplates, "--platform=linux/"+d.Goarch) {
			t.Errorf("image for %s: %v, %v", d.Goarch, err, d.BuildFlagTemplates)
		}
		for _, name := range d.ImageTemplates {
			if !strings.HasPrefix(name, "{{ .Env.IMAGE }}:") {
				t.Errorf("image %s names a registry", name)
			}
		}
	}
}
