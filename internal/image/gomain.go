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
	"slices"
	"strings"
)

// inProcess is the builder that needs nothing but the Go toolchain.
const inProcess = "go"

// goMain is a Go program and the image round it.
type goMain struct {
	// pkg is the package, for go build; flags and env are added to it.
	pkg   string
	flags []string
	env   []string
	// target is where the program is in the image.
	target string
	// base is the image below, "" for none.
	base       string
	entrypoint []string
	cmd        []string
	vars       []string
	labels     map[string]string
	user       string
	workdir    string
	ports      []string
	stopSignal string
}

// findGoMain says whether the request is a Go main package and its Dockerfile, if there is one, does nothing that needs a container: then it is built in this process.
func findGoMain(ctx context.Context, r Request, text string) (*goMain, string) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, "the go program is not on the PATH"
	}
	g := &goMain{}
	if text != "" {
		var why string
		if g, why = fromDockerfile(text, r); g == nil {
			return nil, why
		}
	}
	if r.Package != "" {
		g.pkg = "./" + path.Clean(filepath.ToSlash(r.Package))
	}
	pkg, err := soleMain(ctx, r.Dir, g.pkg)
	if err != nil {
		return nil, err.Error()
	}
	g.pkg = pkg
	if g.target == "" {
		g.target = "/" + programName(r, pkg)
	}
	if len(g.entrypoint)+len(g.cmd) == 0 {
		g.entrypoint = []string{g.target}
	}
	if text == "" {
		return g, "it is a Go main package, and there is no Dockerfile"
	}
	return g, "it is a Go main package, and its Dockerfile runs nothing but go build"
}

func programName(r Request, pkg string) string {
	if base := path.Base(pkg); base != "." && base != "/" {
		return base
	}
	return path.Base(r.Repository)
}

// soleMain finds the main package.
func soleMain(ctx context.Context, dir, pkg string) (string, error) {
	if pkg == "" {
		pkg = "."
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			return "", errors.New("there is no go.mod")
		}
		if list, _ := filepath.Glob(filepath.Join(dir, "*.go")); len(list) == 0 {
			pkg = "./..."
		}
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-e", "-find", "-json=Name,Dir,Error", pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go list: %s", lastLines(stderr.String(), 3))
	}
	var mains []string
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Name, Dir string
			Error     *struct{ Err string }
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", fmt.Errorf("reading what go list printed: %w", err)
		}
		if p.Error != nil && p.Name == "" {
			return "", fmt.Errorf("go list: %s", p.Error.Err)
		}
		if rel, err := filepath.Rel(dir, p.Dir); p.Name == "main" && err == nil {
			mains = append(mains, "./"+filepath.ToSlash(rel))
		}
	}
	switch len(mains) {
	case 0:
		return "", errors.New(pkg + " is no Go main package")
	case 1:
		if mains[0] == "./." {
			return ".", nil
		}
		return mains[0], nil
	}
	return "", fmt.Errorf("there are several Go main packages: %s", strings.Join(mains, ", "))
}

// fromDockerfile takes over what a Dockerfile says about a Go program, or tells why it cannot.
func fromDockerfile(text string, r Request) (*goMain, string) {
	d, err := parseDockerfile(text, r.BuildArgs)
	if err != nil {
		return nil, "its Dockerfile: " + err.Error()
	}
	g := &goMain{labels: map[string]string{}}
	last := len(d.stages) - 1
	outputs := map[string]bool{}
	for i, s := range d.stages[:last] {
		for _, in := range s.steps {
			if why := g.buildStep(in, outputs); why != "" {
				return nil, fmt.Sprintf("line %d of its Dockerfile (stage %d) %s", in.line, i, why)
			}
		}
	}
	if len(outputs) == 0 {
		return nil, "its Dockerfile has no stage that runs go build"
	}
	for _, in := range d.stages[last].steps {
		if why := g.finalStep(d, in, outputs); why != "" {
			return nil, fmt.Sprintf("line %d of its Dockerfile %s", in.line, why)
		}
	}
	if g.target == "" {
		return nil, "its Dockerfile does not copy the program into the last stage"
	}
	base := d.stages[last].base
	if _, isStage := d.stage(base, last); isStage {
		return nil, "its last stage stands on another stage"
	}
	if base != "scratch" && !strings.HasPrefix(base, "gcr.io/distroless/static") {
		g.base = base
	}
	return g, ""
}

// buildStep reads a line of a stage that only compiles.
func (g *goMain) buildStep(in instruction, outputs map[string]bool) string {
	switch in.name {
	case "COPY", "WORKDIR", "ARG", "ADD", "LABEL", "USER":
		if _, from := in.flags["from"]; from {
			return "copies from another image"
		}
		return ""
	case "ENV":
		for word := range strings.FieldsSeq(in.rest) {
			if key, _, ok := strings.Cut(word, "="); !ok || !slices.Contains([]string{"CGO_ENABLED", "GOOS", "GOFLAGS", "GOARCH", "GO111MODULE", "GOTOOLCHAIN"}, key) {
				return "sets " + word
			}
		}
		return ""
	case "RUN":
		for command := range strings.SplitSeq(in.rest, "&&") {
			if why := g.runStep(strings.TrimSpace(command), outputs); why != "" {
				return why
			}
		}
		return ""
	}
	return "has " + in.name
}

func (g *goMain) runStep(command string, outputs map[string]bool) string {
	if strings.ContainsAny(command, ";|<>`$(){}*?\\") {
		return "runs a shell: " + command
	}
	words, err := splitWords(command)
	if err != nil {
		return err.Error()
	}
	for len(words) > 0 && strings.Contains(words[0], "=") {
		key, value, _ := strings.Cut(words[0], "=")
		if key != "CGO_ENABLED" && key != "GOOS" && key != "GOARCH" || (key == "CGO_ENABLED" && value != "0") {
			return "sets " + words[0]
		}
		words = words[1:]
	}
	switch {
	case len(words) > 2 && words[0] == "go" && words[1] == "mod" && (words[2] == "download" || words[2] == "verify"):
		return ""
	case len(words) < 2 || words[0] != "go" || words[1] != "build":
		return "runs " + command
	case len(outputs) > 0:
		return "builds a second program"
	}
	return g.goBuild(words[2:], outputs)
}

// goBuild reads the arguments of go build.
func (g *goMain) goBuild(words []string, outputs map[string]bool) string {
	output := ""
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if !strings.HasPrefix(word, "-") {
			if g.pkg != "" {
				return "builds several packages"
			}
			g.pkg = word
			continue
		}
		flag, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
		switch flag {
		case "trimpath", "v", "a", "buildvcs":
			continue
		case "o", "ldflags", "tags", "mod":
		default:
			return "gives go build the flag " + word
		}
		if !given {
			if len(words) == 0 {
				return "ends in " + word
			}
			value, words = words[0], words[1:]
		}
		if flag == "o" {
			output = value
		} else {
			g.flags = append(g.flags, "-"+flag+"="+value)
		}
	}
	if output == "" {
		return "runs go build without -o"
	}
	if g.pkg == "" {
		g.pkg = "."
	}
	if !strings.HasPrefix(g.pkg, ".") {
		return "builds the package " + g.pkg
	}
	outputs[path.Base(output)] = true
	return ""
}

// finalStep reads a line of the stage that is shipped.
func (g *goMain) finalStep(d *dockerfile, in instruction, outputs map[string]bool) string {
	switch in.name {
	case "COPY":
		if why := g.copyProgram(d, in, outputs); why != "" {
			return why
		}
	case "ENTRYPOINT", "CMD":
		var list []string
		if json.Unmarshal([]byte(in.rest), &list) != nil {
			return "needs a shell: " + in.name + " " + in.rest
		}
		if in.name == "CMD" {
			g.cmd = list
		} else {
			g.entrypoint, g.cmd = list, nil
		}
	case "ENV", "LABEL":
		return g.assign(in)
	case "EXPOSE":
		g.ports = append(g.ports, strings.Fields(in.rest)...)
	case "USER":
		g.user = in.rest
	case "WORKDIR":
		g.workdir = path.Join("/", g.workdir, in.rest)
		if path.IsAbs(in.rest) {
			g.workdir = path.Clean(in.rest)
		}
	case "STOPSIGNAL":
		g.stopSignal = in.rest
	case "ARG":
	default:
		return "has " + in.name
	}
	if strings.Contains(in.rest, "$") && in.name != "ARG" {
		return "uses a variable"
	}
	return ""
}

// copyProgram reads the line that takes the program from the stage that built it.
func (g *goMain) copyProgram(d *dockerfile, in instruction, outputs map[string]bool) string {
	words := strings.Fields(in.rest)
	from, staged := in.flags["from"]
	if _, ok := d.stage(from, len(d.stages)-1); !staged || !ok || len(words) != 2 {
		return "copies files"
	}
	if g.target != "" || !outputs[path.Base(words[0])] {
		return "copies " + words[0]
	}
	g.target = path.Join("/", g.workdir, words[1])
	if path.IsAbs(words[1]) {
		g.target = path.Clean(words[1])
	}
	if strings.HasSuffix(words[1], "/") || words[1] == "." {
		g.target = path.Join(g.target, path.Base(words[0]))
	}
	return ""
}

func (g *goMain) assign(in instruction) string {
	words, err := splitWords(in.rest)
	if err != nil {
		return err.Error()
	}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || strings.Contains(word, "$") {
			return "has an " + in.name + " that is not written KEY=value"
		}
		if in.name == "ENV" {
			g.vars = append(g.vars, key+"="+value)
		} else {
			g.labels[key] = value
		}
	}
	return ""
}

// splitWords splits at spaces, outside of quotes.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, inWord := rune(0), false
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("has a quote without an end")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// lastLines is what a reader of an error needs of a long output.
func lastLines(text string, n int) string {
	rows := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(rows[max(0, len(rows)-n):], "\n")
}
