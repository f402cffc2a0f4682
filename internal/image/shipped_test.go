package image_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/cyan-cd/cyan/internal/image"
)

// files is a tree as text: a line of "-- NAME --" before each file, "-- NAME -> TARGET --" for a link.
func files(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for part := range strings.SplitSeq("\n"+text, "\n-- ") {
		title, content, _ := strings.Cut(part, " --\n")
		title, target, link := strings.Cut(strings.TrimSuffix(title, " --"), " -> ")
		if strings.TrimSpace(title) == "" {
			continue
		}
		at := filepath.Join(dir, title)
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if link {
			err = errors.Join(err, os.Symlink(target, at))
		} else {
			err = errors.Join(err, os.WriteFile(at, []byte(content+"\n"), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// modes prints which of its files it was compiled from.
const modes = `-- go.mod --
module example.com/app
go 1.24
-- main.go --
package main
import "os"
var mode = "main"
func main() { os.Stdout.WriteString(mode) }
-- prod.go --
//go:build prod
package main
func init() { mode += " prod" }
-- extra.go --
package main
func init() { mode += " extra" }
-- cmd/app/app.go --
package main
import "os"
func main() { os.Stdout.WriteString("app") }
-- cmd/api/go.mod --
module example.com/api
go 1.24
-- cmd/api/api.go --
package main
import "os"
func main() { os.Stdout.WriteString("api") }
`

// lib uses a module that is committed in three places.
const lib = `-- go.mod --
module example.com/app
go 1.24
require example.com/lib v1.0.0
replace example.com/lib => ./lib
-- main.go --
package main
import ("os"; "example.com/lib")
func main() { os.Stdout.WriteString(lib.Name) }
-- lib/go.mod --
module example.com/lib
go 1.24
-- lib/lib.go --
package lib
const Name = "lib"
-- fork/go.mod --
module example.com/lib
go 1.24
-- fork/lib.go --
package lib
const Name = "fork"
`

const stub = `-- go.mod --
module example.com/app
go 1.24
-- main.go --
package main
import "os"
func main() { os.Stdout.WriteString(kind) }
-- with.go --
package main
import "C"
const kind = "cgo"
-- without.go --
//go:build !cgo
package main
const kind = "stub"
`

const embeds = `-- go.mod --
module example.com/app
go 1.24
-- main.go --
package main
import ("embed"; "os")
//go:embed data/*
var data embed.FS
func main() { all, _ := data.ReadDir("data"); for _, f := range all { os.Stdout.WriteString(f.Name()+" ") } }
-- data/a --
-- data/secret --
`

// described is a Dockerfile round the lines that a row is about.
func described(lines string) string {
	return "-- Dockerfile --\nFROM golang AS b\nENV CGO_ENABLED=0\nWORKDIR /src\n" + lines + "\nFROM scratch\nCOPY --from=b /app /app\nENTRYPOINT [\"/app\"]\n"
}

const usual = "COPY . .\nRUN go build -o /app ."

// Each row: a tree with a Dockerfile → what the shipped program prints, or why it takes a container or cannot be
// built.
func TestTheProgramIsTheDockerfiles(t *testing.T) {
	noBuilders(t)
	t.Setenv("GOFLAGS", "-tags=prod") // The machine's own settings do not count.
	host := newRegistry(t)
	for _, c := range []struct{ name, tree, prints, because string }{
		{"no tags", modes + described(usual), "main extra", ""},
		{"tags by GOFLAGS", modes + described("ENV GOFLAGS=-tags=prod\n"+usual), "main extra prod", ""},
		{"tags by a flag", modes + described("COPY . .\nRUN go build -tags=prod -o /app ."), "main extra prod", ""},
		{"a working directory", modes + described("COPY . .\nWORKDIR /src/cmd/app\nRUN go build -o /app ."), "app", ""},
		{"a folder of the context", modes + described("COPY cmd/api/ ./\nRUN go build -o /app ."), "api", ""},
		{"named files", modes + described("COPY go.mod main.go ./\nRUN go build -o /app ."), "main", ""},
		{"named files to the compiler", modes + described("COPY . .\nRUN go build -o /app main.go"), "main", ""},
		{"a pattern", modes + described("COPY go.mod ma*.go ./\nRUN go build -o /app ."), "main", ""},
		{"a file under another name", modes + described("COPY go.mod main.go ./\nCOPY cmd/app/app.go main.go\nRUN go build -o /app ."), "app", ""},
		{"left out by .dockerignore", modes + described(usual) + "-- .dockerignore --\nextra.go\n", "main", ""},
		{"all but what .dockerignore lets in", modes + described(usual) + "-- .dockerignore --\n*\n!go.mod\n!main.go\n", "main", ""},
		{"the Dockerfile's own .dockerignore", modes + described(usual) + "-- .dockerignore --\nextra.go\n-- Dockerfile.dockerignore --\ncmd\n", "main extra", ""},
		{"named, and left out by .dockerignore", modes + described("COPY go.mod main.go extra.go ./\nRUN go build -o /app .") + "-- .dockerignore --\nextra.go\n", "", "copies extra.go, which the build context does not hold"},
		{"named, and not there", modes + described("COPY go.mod main.go absent.go ./\nRUN go build -o /app ."), "", "copies absent.go, which the build context does not hold"},
		{"an added folder", modes + described("ADD . .\nRUN go build -o /app ."), "main extra", ""},
		{"an added file", modes + described("ADD go.mod main.go ./\nRUN go build -o /app ."), "", "adds the file go.mod, which is unpacked if it is an archive"},
		{"the toolchain's own folder", modes + strings.Replace(described(usual), "WORKDIR /src\n", "", 1), "", "is in GOPATH itself"},
		{"no module", "-- main.go --\npackage main\nfunc main() {}\n" + described(usual), "", "/src is in no Go module"},
		{"no main package", "-- go.mod --\nmodule x\n-- a.go --\npackage a\n" + described(usual), "", "not a main package"},
		{"a folder where the program goes", modes + described("COPY . .\nRUN mkdir /app && go build -o /app ."), "", "writes to /app, which is a folder"},

		{"a replaced module", lib + described(usual), "lib", ""},
		{"a workspace", lib + "-- go.work --\ngo 1.24\nuse .\nreplace example.com/lib => ./fork\n" + described(usual), "fork", ""},
		{"a workspace above the module", strings.ReplaceAll(lib, "-- ", "-- app/") + "-- go.work --\ngo 1.24\nuse ./app\nreplace example.com/lib => ./app/fork\n" + described("COPY . .\nWORKDIR app\nRUN go build -o /app ."), "fork", ""},
		{"a workspace that is switched off", lib + "-- go.work --\ngo 1.24\nuse .\nreplace example.com/lib => ./fork\n" + described("ENV GOWORK=off\n"+usual), "lib", ""},
		{"a workspace that is not copied", lib + "-- go.work --\ngo 1.24\nuse .\nreplace example.com/lib => ./fork\n" + described(usual) + "-- .dockerignore --\ngo.work\n", "lib", ""},
		{"a vendored module", lib + "-- vendor/modules.txt --\n# example.com/lib v1.0.0 => ./lib\n## explicit; go 1.24\nexample.com/lib\n# example.com/lib => ./lib\n-- vendor/example.com/lib/lib.go --\npackage lib\nconst Name = \"vendored\"\n" + described(usual), "vendored", ""},
		{"a vendored module that is not wanted", lib + "-- vendor/modules.txt --\n# example.com/lib v1.0.0 => ./lib\n## explicit; go 1.24\nexample.com/lib\n# example.com/lib => ./lib\n-- vendor/example.com/lib/lib.go --\npackage lib\nconst Name = \"vendored\"\n" + described("ENV GOFLAGS=-mod=mod\n"+usual), "lib", ""},
		{"replaced by a folder above all", strings.Replace(lib, "=> ./lib", "=> ../../lib", 1) + described(usual), "", "go.mod takes ../../lib, which is outside of what is copied"},
		{"replaced by a folder of the machine", strings.Replace(lib, "=> ./lib", "=> /opt/lib", 1) + described(usual), "", "go.mod takes /opt/lib, which is outside"},
		{"a workspace with a folder of the machine", lib + "-- go.work --\ngo 1.24\nuse .\nuse /opt/lib\n" + described(usual), "", "go.work takes /opt/lib, which is outside"},

		{"cgo is switched off", stub + described(usual), "stub", ""},
		{"cgo by default", stub + strings.Replace(described(usual), "ENV CGO_ENABLED=0\n", "", 1), "", "package example.com/app is another one with cgo"},
		{"cgo by default, and none is used", modes + strings.Replace(described(usual), "ENV CGO_ENABLED=0\n", "", 1), "main extra", ""},
		{"cgo by default in the standard library", strings.Replace(modes, "import \"os\"\nvar", "import \"os\"\nimport _ \"os/user\"\nvar", 1) + strings.Replace(described(usual), "ENV CGO_ENABLED=0\n", "", 1), "", "is another one with cgo"},
		{"no C compiler", stub + strings.Replace(strings.Replace(described(usual), "ENV CGO_ENABLED=0\n", "", 1), "golang", "golang:alpine", 1), "stub", ""},

		{"embedded files", embeds + described(usual), "a secret ", ""},
		{"embedded files but for one", embeds + described(usual) + "-- .dockerignore --\n**/secret\n", "a ", ""},
		{"embedded files that are not copied", embeds + described("COPY go.mod main.go ./\nRUN go build -o /app ."), "", "pattern data/*: no matching files found"},

		{"a revision", modes + "-- .git/HEAD --\nref: refs/heads/main\n" + described(usual), "", "the revision of the .git that is copied"},
		{"no revision", modes + "-- .git/HEAD --\nref: refs/heads/main\n" + described("COPY . .\nRUN go build -buildvcs=false -o /app ."), "main extra", ""},
		{"no revision by GOFLAGS", modes + "-- .git/HEAD --\nref: refs/heads/main\n" + described("ENV GOFLAGS=-buildvcs=false\n"+usual), "main extra", ""},
		{"a revision that is left out", modes + "-- .git/HEAD --\nref: refs/heads/main\n" + described(usual) + "-- .dockerignore --\n.git\n", "main extra", ""},

		{"a link inside", modes + "-- docs/more.go -> ../extra.go --\n" + described(usual), "main extra", ""},
		{"a link out", modes + "-- more.go -> /etc/passwd --\n" + described(usual), "", "copies the link more.go, which leads out"},
		{"a link out by steps", modes + "-- docs/more.go -> ../../more.go --\n" + described(usual), "", "copies the link docs/more.go, which leads out"},
		{"a link by its name", modes + "-- more.go -> extra.go --\n" + described("COPY go.mod main.go more.go ./\nRUN go build -o /app ."), "", "copies the link more.go"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := image.Request{Dir: files(t, c.tree), Repository: host + "/app", Tag: "v1"}
			checkProgram(t, r, c.prints, c.because)
		})
	}
}

// checkProgram builds, and runs what was pushed.
func checkProgram(t *testing.T, r image.Request, prints, because string) {
	t.Helper()
	p, err := image.Prepare(t.Context(), r)
	var b image.Built
	if err == nil {
		b, err = p.Build(t.Context())
	}
	if because != "" {
		if err == nil || !strings.Contains(err.Error(), because) {
			t.Errorf("error\n%v\nwant one because %s", err, because)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	img, config := pull(t, r.Repository+"@"+b.Digest)
	binary := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(binary, unpack(t, img, config.Config.Entrypoint[0]), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(binary).CombinedOutput(); string(out) != prints {
		t.Errorf("the program prints %q (%v), want %q", out, err, prints)
	}
}

// Each row: a tree without a Dockerfile → what the shipped program prints, or why none is built.
func TestTheProgramOfAFolder(t *testing.T) {
	noBuilders(t)
	t.Setenv("GOFLAGS", "-tags=prod") // The machine's own settings do not count.
	host := newRegistry(t)
	for _, c := range []struct{ name, tree, dir, cgo, prints, because string }{
		{"no tags", modes, "", "", "main extra", ""},
		{"a workspace", lib + "-- go.work --\ngo 1.24\nuse .\nreplace example.com/lib => ./fork\n", "", "", "fork", ""},
		{"a workspace above the folder", strings.ReplaceAll(lib, "-- ", "-- app/") + "-- go.work --\ngo 1.24\nuse ./app\nreplace example.com/lib => ./app/fork\n", "app", "", "fork", ""},
		{"a module beside the folder", strings.ReplaceAll(strings.Replace(lib, "=> ./lib", "=> ../lib", 1), "-- ", "-- app/") + "-- lib/go.mod --\nmodule example.com/lib\ngo 1.24\n-- lib/lib.go --\npackage lib\nconst Name = \"beside\"\n", "app", "", "beside", ""},
		{"cgo", stub, "", "", "", "package example.com/app is another one with cgo"},
		{"cgo is switched off by the environment", stub, "", "0", "stub", ""},
		{"cgo of the standard library alone", strings.Replace(modes, "import \"os\"\nvar", "import \"os\"\nimport _ \"net\"\nvar", 1), "", "", "main extra", ""},
		{"a link out", modes + "-- more.go -> /etc/passwd --\n", "", "", "", "more.go is a link out of the repository"},
		{"a link to elsewhere in the repository", strings.ReplaceAll(modes, "-- ", "-- app/") + "-- app/docs -> ../docs --\n-- docs/x --\n", "app", "", "main extra", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CGO_ENABLED", c.cgo)
			root := files(t, c.tree)
			checkProgram(t, image.Request{Root: root, Dir: filepath.Join(root, c.dir), Repository: host + "/app", Tag: "v1"}, c.prints, c.because)
		})
	}
}

// A Dockerfile or .dockerignore that is a link out of the folder is not read, whoever would build.
func TestLinksOutOfTheFolderAreNotRead(t *testing.T) {
	const secret = "FRUM password-of-the-host"
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, tree string }{
		{"Dockerfile", modes + "-- Dockerfile -> " + outside + " --\n"},
		{"Dockerfile by a folder", modes + "-- Dockerfile -> x/secret --\n-- x -> " + filepath.Dir(outside) + " --\n"},
		{".dockerignore", modes + described(usual) + "-- .dockerignore -> " + outside + " --\n"},
		{"Dockerfile.dockerignore", modes + described(usual) + "-- Dockerfile.dockerignore -> " + outside + " --\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			noBuilders(t)
			_, err := image.Prepare(t.Context(), image.Request{Dir: files(t, c.tree), Repository: "127.0.0.1:1/app", Tag: "v1"})
			if err == nil || strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "FRUM") || !strings.Contains(err.Error(), "escapes") {
				t.Errorf("error %v; want one that says that the path escapes, without a word of the file", err)
			}
		})
	}
}

// baseImage has the folder layout of a Debian: /bin is a link.
func baseImage(t *testing.T, host string, onBuild ...string) {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "usr/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "usr/bin/", Mode: 0o755},
		{Typeflag: tar.TypeSymlink, Name: "bin", Linkname: "usr/bin"},
		{Typeflag: tar.TypeDir, Name: "srv/", Mode: 0o700},
		{Typeflag: tar.TypeReg, Name: "file", Mode: 0o644},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "layer.tar")
	if err := os.WriteFile(path, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	below, err := tarball.LayerFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, below)
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffs(t, img)},
		Config: v1.Config{Env: []string{"BASE=1", "MODE=slow"}, Entrypoint: []string{"/entry"}, Cmd: []string{"base"}, User: "7", OnBuild: onBuild}})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/base:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
}

// Each row: the last stage → the entries of the layer with the program, or why there is none. A link of the base is
// followed, and no folder that the base has is written again.
func TestTheProgramIsPutWhereTheBaseLeads(t *testing.T) {
	noBuilders(t)
	host := newRegistry(t)
	baseImage(t, host)
	for _, c := range []struct{ name, lines, want, because string }{
		{"into a folder that is a link", "COPY --from=b /app /bin/", "usr/bin/app", ""},
		{"a folder that is a link, without a slash", "COPY --from=b /app /bin", "usr/bin/app", ""},
		{"below a folder that is a link", "COPY --from=b /app /bin/x", "usr/bin/x", ""},
		{"a new folder", "COPY --from=b /app /opt/x/app", "opt/ opt/x/ opt/x/app", ""},
		{"the top", "COPY --from=b /app /", "app", ""},
		{"in place of a file", "COPY --from=b /app /file", "file", ""},
		{"below a file", "COPY --from=b /app /file/app", "", "has a file at /file"},
		{"a working directory that is there", "WORKDIR /srv\nCOPY --from=b /app ./", "srv/app", ""},
		{"a new working directory", "WORKDIR /data\nCOPY --from=b /app /app", "data/ app", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dockerfile := "FROM golang AS b\nENV CGO_ENABLED=0\nWORKDIR /src\n" + usual + "\nFROM " + host + "/base:1\n" + c.lines + "\n"
			p, err := image.Prepare(t.Context(), image.Request{Dir: files(t, modes+"-- Dockerfile --\n"+dockerfile), Repository: host + "/app", Tag: "v1"})
			var b image.Built
			if err == nil {
				b, err = p.Build(t.Context())
			}
			if c.because != "" {
				if err == nil || !strings.Contains(err.Error(), c.because) {
					t.Errorf("error %v, want one because %s", err, c.because)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			img, config := pull(t, host+"/app@"+b.Digest)
			if got := lastLayer(t, img); got != c.want {
				t.Errorf("the layer holds %q, want %q", got, c.want)
			}
			if run := config.Config; !slices.Equal(run.Entrypoint, []string{"/entry"}) || !slices.Equal(run.Cmd, []string{"base"}) || run.User != "7" {
				t.Errorf("the base's own settings are lost: %+v", run)
			}
		})
	}
	// A variable of the base is replaced, and its command goes with its entrypoint.
	last := "\nFROM " + host + "/base:1\nCOPY --from=b /app /app\nENV MODE=fast\nENTRYPOINT [\"/app\"]\n"
	_, b := build(t, image.Request{Dir: files(t, modes+"-- Dockerfile --\nFROM golang AS b\nENV CGO_ENABLED=0\nWORKDIR /src\n"+usual+last), Repository: host + "/app", Tag: "v1"})
	_, config := pull(t, host+"/app@"+b.Digest)
	if run := config.Config; !slices.Equal(run.Env, []string{"BASE=1", "MODE=fast"}) || len(run.Cmd) > 0 {
		t.Errorf("environment %q and command %q, want [BASE=1 MODE=fast] and none", run.Env, run.Cmd)
	}
	// Triggers of the base take a container.
	baseImage(t, host, "RUN adduser app")
	p, err := image.Prepare(t.Context(), image.Request{Dir: files(t, modes+"-- Dockerfile --\nFROM golang AS b\nENV CGO_ENABLED=0\nWORKDIR /src\n"+usual+last), Repository: host + "/app", Tag: "v1"})
	if err == nil {
		_, err = p.Build(t.Context())
	}
	if !errors.Is(err, image.ErrNoBuilder) || !strings.Contains(err.Error(), "ONBUILD") {
		t.Errorf("error %v, want one about ONBUILD", err)
	}
}

// lastLayer lists the entries of the uppermost layer.
func lastLayer(t *testing.T, img v1.Image) string {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[len(layers)-1].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	var names []string
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if err != nil {
			return strings.Join(names, " ")
		}
		names = append(names, h.Name)
	}
}

// An image on nothing holds what the Dockerfile puts in, and that alone.
func TestAnImageOnNothingHoldsNothingElse(t *testing.T) {
	host := newRegistry(t)
	_, b := build(t, image.Request{Dir: files(t, modes+described(usual)), Repository: host + "/app", Tag: "v1"})
	img, config := pull(t, host+"/app@"+b.Digest)
	if layers, _ := img.Layers(); len(layers) != 1 || lastLayer(t, img) != "app" || config.Config.User != "" || config.Config.WorkingDir != "/" {
		t.Errorf("%d layers, the last with %q; %+v; want one with app, and no user", len(layers), lastLayer(t, img), config.Config)
	}
}
