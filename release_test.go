package cyan_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	Archives []struct {
		IDs   []string
		Files []any // a pattern, or an object with src
	}
	Dockers []struct {
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

// packed returns the files of an archive beside the programs, and the links to these.
func (r release) packed(t *testing.T) (files map[string]bool, links []string) {
	t.Helper()
	tracked, err := exec.Command("git", "ls-files").Output()
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]bool{}
	for _, a := range r.Archives {
		for _, entry := range a.Files {
			pattern, ok := entry.(string)
			if !ok {
				links = append(links, filepath.Base(entry.(map[string]any)["src"].(string)))
				continue
			}
			found := 0
			folder, below := strings.CutSuffix(pattern, "/**/*")
			for file := range strings.FieldsSeq(string(tracked)) {
				match, err := filepath.Match(pattern, file)
				if err != nil {
					t.Fatalf("%s: %v", pattern, err)
				}
				if match || below && strings.HasPrefix(file, folder+"/") {
					files[file] = true
					found++
				}
			}
			if found == 0 {
				t.Errorf("%s goes into an archive, and there is none", pattern)
			}
		}
	}
	return files, links
}

// TestAnArchiveIsWhole: who unpacks one has the names of other programs that `make build` makes, and whatever its pages
// lead to: pictures, the example, other pages.
func TestAnArchiveIsWhole(t *testing.T) {
	files, links := readRelease(t).packed(t)
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(makefile), "\nNAMES")
	names, _, _ := strings.Cut(rest, "\n")
	want := strings.Fields(strings.TrimLeft(names, " :="))
	slices.Sort(want)
	slices.Sort(links)
	if !slices.Equal(links, want) {
		t.Errorf("links of an archive: got %v, want %v", links, want)
	}
	for file := range files {
		if !strings.HasSuffix(file, ".md") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range pageLinks.FindAllStringSubmatch(string(text), -1) {
			target, _, _ := strings.Cut(found[1]+found[2], "#")
			if target == "" || strings.Contains(target, ":") {
				continue
			}
			target = filepath.Join(filepath.Dir(file), target)
			if info, err := os.Stat(target); err == nil && info.IsDir() {
				continue // a place in the sources
			}
			if !files[target] {
				t.Errorf("%s leads to %s, which an archive has not", file, target)
			}
		}
	}
}

// pageLinks matches what a page leads to and shows.
var pageLinks = regexp.MustCompile(`\]\(([^)\s]+)\)|src(?:set)?="([^"]+)"`)

// TestAReleaseCanBeBuilt: the program of each platform finds its packages there.
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
