// Package cyan_test holds the house to its plan: which room may know which.
package cyan_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cyan-cd/cyan/"

// room is what a folder's packages may import. Patterns are import paths; a trailing "/..." covers everything below.
type room struct {
	folder string
	// may lists the packages of this module that the room may import besides its own. Nil means any.
	may []string
	// never lists imports that the room must not have, from anywhere; except those in but, which only look like what is
	// meant.
	never, but []string
}

// effects are what a pure room does without: it takes values and returns values.
var effects = []string{
	"context", "os", "os/...", "net", "net/http", "math/rand", "math/rand/v2", "log", "log/slog", "io/ioutil", "syscall",
	"k8s.io/client-go/...", "sigs.k8s.io/controller-runtime/...", "github.com/go-logr/...", "k8s.io/klog/...", "k8s.io/kubernetes/...",
}

var clients = []string{"k8s.io/client-go/...", "sigs.k8s.io/controller-runtime/...", "net/http"}

// everywhere lists the packages of this module that every room may import.
var everywhere = []string{"internal/problem", "internal/secret", "internal/glob"}

// rooms is the table in ARCHITECTURE.md.
var rooms = []room{
	{folder: "api", may: []string{"api/..."}, never: append([]string{"k8s.io/apiserver/...", "k8s.io/apiextensions-apiserver/..."}, effects...)},
	{folder: "internal/rollout", may: []string{"api/..."}, never: effects},
	{folder: "internal/rollout/gate", may: []string{"api/...", "internal/rollout"}},
	{folder: "internal/rollout/bluegreen", may: []string{"api/...", "internal/rollout", "internal/rollout/gate"}},
	{folder: "internal/health", may: []string{"api/..."}, never: effects},
	{folder: "internal/script", may: []string{"api/..."}, never: effects},
	{folder: "internal/plan", may: []string{"api/...", "internal/health", "internal/jq", "internal/spelling"}, never: effects},
	{folder: "internal/repository", may: []string{}, never: effects},
	{folder: "internal/project", may: []string{"api/...", "internal/repository", "internal/plan"}, never: effects},
	{folder: "internal/operation", may: []string{"api/...", "internal/handover", "internal/plan", "internal/project"}, never: effects},
	{folder: "internal/handover", may: []string{}, never: effects},
	// The context is a time limit, not a way to the world.
	{folder: "internal/jq", may: []string{}, never: effects, but: []string{"context"}},
	{folder: "internal/glob", may: []string{}, never: effects},
	{folder: "internal/intern", may: []string{}, never: effects},
	{folder: "internal/spelling", may: []string{}, never: effects},
	{folder: "internal/problem", may: []string{}, never: effects},
	{folder: "internal/secret", may: []string{}, never: effects},
	{folder: "internal/access", may: []string{"api/...", "internal/spelling"}, never: effects},
	{folder: "internal/action", may: []string{"api/...", "internal/jsonpatch", "internal/script", "internal/repository"}, never: effects},
	{folder: "internal/jsonpatch", may: []string{}, never: effects},
	{folder: "internal/settings", may: []string{"api/...", "internal/health", "internal/script", "internal/spelling"}, never: effects},
	{folder: "internal/doctor", may: []string{"api/...", "internal/auth", "internal/project", "internal/settings"}},
	{folder: "internal/doctor/decide", may: []string{"api/...", "internal/project", "internal/settings"}, never: effects},
	{folder: "internal/delivery", may: []string{"api/...", "internal/spelling"}, never: effects},
	// os.Expand reads nothing; the standard logger is kept from ending the program when kustomize asks it to.
	{folder: "internal/render", may: []string{"api/...", "internal/intern", "internal/spelling", "internal/problem"}, never: effects, but: []string{"os", "log"}},
	{folder: "internal/render/kustomize", may: []string{"api/...", "internal/render", "internal/spelling"}},
	{folder: "internal/render/sops", may: []string{}, never: effects},
	{folder: "internal/render/directory", may: []string{"api/...", "internal/render", "internal/problem", "internal/spelling"}},
	{folder: "internal/validate", may: []string{"api/...", "internal/render", "internal/spelling", "internal/problem"}, never: clients, but: []string{"k8s.io/client-go/kubernetes/scheme"}},
	{folder: "internal/source", may: []string{"api/...", "internal/delivery", "internal/repository", "internal/settings", "internal/source/..."}, never: []string{"k8s.io/client-go/...", "sigs.k8s.io/controller-runtime/..."}},
	{folder: "internal/image", may: []string{"internal/problem"}},
	{folder: "internal/image/dockerfile", may: []string{}, never: effects},
	{folder: "internal/deliver", may: []string{"api/...", "internal/delivery", "internal/image", "internal/problem", "internal/source", "internal/render/...", "internal/validate", "internal/apply", "internal/live", "internal/compare", "internal/project"}},
	{folder: "internal/skaffold", may: []string{"internal/spelling"}, never: effects},
	{folder: "internal/devloop", may: []string{"api/...", "internal/apply", "internal/handover", "internal/health", "internal/project", "internal/image", "internal/live", "internal/plan", "internal/problem", "internal/render/...", "internal/skaffold", "internal/spelling", "internal/validate"}},
	{folder: "internal/devloop/decide", may: []string{}, never: effects},
	{folder: "internal/devloop/desired", may: []string{"api/...", "internal/render", "internal/skaffold", "internal/spelling"}, never: effects},
	{folder: "internal/apply", may: []string{"api/...", "internal/intern", "internal/plan", "internal/health", "internal/jsonpatch"}},
	{folder: "internal/compare", may: []string{"api/...", "internal/settings", "internal/health", "internal/problem", "internal/plan", "internal/project", "internal/render/...", "internal/validate", "internal/source", "internal/live", "internal/apply"}},
	{folder: "internal/live", may: []string{"api/...", "internal/plan", "internal/apply", "internal/cluster"}},
	{folder: "internal/patch", may: []string{"api/...", "internal/jsonpatch"}},
	{folder: "internal/cluster", may: []string{"api/..."}},
	{folder: "internal/traffic", may: []string{"api/...", "internal/rollout", "internal/testkit"}},
	{folder: "internal/traffic/service", may: []string{"api/...", "internal/rollout", "internal/traffic"}},
	{folder: "internal/controller/rollout", may: []string{"api/...", "internal/controller/recorder", "internal/rollout", "internal/rollout/strategy", "internal/traffic/...", "internal/patch", "internal/problem", "internal/settings"}},
	{folder: "internal/page", may: []string{}},
	{folder: "ui", may: []string{}, never: effects},
	{folder: "internal/auth", may: []string{"api/...", "internal/access"}},
	{folder: "internal/informer", may: []string{"api/...", "internal/cluster", "internal/health", "internal/view"}},
	{folder: "internal/api", may: []string{"api/...", "internal/access", "internal/action", "internal/auth", "internal/doctor/...", "internal/page", "internal/problem", "internal/view", "internal/cluster", "internal/delivery", "internal/compare", "internal/handover", "internal/health", "internal/informer", "internal/live", "internal/patch", "internal/plan", "internal/project", "internal/render/...", "internal/repository", "internal/rollout", "internal/script", "internal/settings", "internal/source"}},
	{folder: "internal/view", may: []string{"api/...", "internal/delivery", "internal/handover", "internal/health", "internal/operation", "internal/plan", "internal/project", "internal/rollout", "internal/rollout/strategy", "internal/action", "internal/access", "internal/repository"}, never: effects},
	{folder: "internal/server", may: []string{"internal/action", "api/...", "internal/rollout/...", "internal/plan", "internal/health", "internal/delivery", "internal/render"}},
	{folder: "internal/cli", may: []string{"internal/handover", "internal/operation", "internal/view", "internal/repository", "internal/action", "internal/project", "api/...", "internal/rollout/...", "internal/plan", "internal/health", "internal/script", "internal/delivery", "internal/render/...", "internal/validate", "internal/image", "internal/source", "internal/cluster", "internal/spelling", "internal/patch", "internal/problem", "internal/project", "internal/deliver", "internal/compare", "internal/live", "internal/cli/...", "internal/jsonpatch", "internal/settings", "internal/secret", "internal/access", "internal/auth", "internal/skaffold", "internal/devloop", "internal/devloop/desired", "internal/doctor/..."}},
	{folder: "internal/cli/term", may: []string{}, never: clients},
	{folder: "internal/cli/screens", may: []string{"api/...", "internal/rollout", "internal/view", "internal/cli/term"}, never: clients},
	{folder: "internal/cli/kit", may: []string{"api/...", "internal/repository", "internal/action", "internal/spelling", "internal/cli/screens", "internal/cli/term", "internal/cli/remote"}},
	{folder: "internal/cli/dev", may: []string{"internal/cli/kit", "internal/cli/manifests", "internal/cli/skaffold", "internal/cli/term", "internal/devloop", "internal/image", "internal/skaffold"}},
	{folder: "internal/cli/remote", may: []string{"api/..."}},
	{folder: "internal/cli/dev/dashboard", may: []string{"internal/cli/term", "internal/devloop"}, never: effects},
	{folder: "internal/cli/login", may: []string{"internal/cli/kit", "internal/cli/remote", "internal/cli/term"}},
	{folder: "internal/cli/skaffold", may: []string{"internal/skaffold", "internal/devloop", "internal/devloop/desired", "internal/image", "internal/render", "internal/validate", "internal/cli/kit", "internal/cli/manifests"}},
	{folder: "internal/cli/kustomize", may: []string{"internal/delivery", "internal/image", "internal/problem", "internal/render/...", "internal/cli/kit", "internal/cli/manifests"}},
	{folder: "internal/cli/spec", may: []string{"api/...", "internal/cli/kit"}, never: clients},
	{folder: "internal/cli/cluster", may: []string{"api/...", "internal/cluster", "internal/patch", "internal/cli/kit"}},
	{folder: "internal/cli/repo", may: []string{"internal/repository", "api/...", "internal/source", "internal/patch", "internal/settings", "internal/cli/kit"}},
	{folder: "internal/cli/trust", may: []string{"internal/glob", "internal/settings", "internal/source", "internal/cli/kit"}},
	{folder: "internal/cli/project", may: []string{"api/...", "internal/patch", "internal/project", "internal/cli/kit", "internal/cli/account"}},
	{folder: "internal/cli/account", may: []string{"api/...", "internal/access", "internal/auth", "internal/cli/kit", "internal/cli/remote"}},
	{folder: "internal/controller/application", may: []string{"internal/repository", "api/...", "internal/controller/recorder", "internal/handover", "internal/operation", "internal/project", "internal/plan", "internal/health", "internal/compare", "internal/live", "internal/apply", "internal/cluster", "internal/source", "internal/patch", "internal/settings", "internal/render/sops"}},
	{folder: "internal/controller/recorder", may: []string{}},
	{folder: "internal/controller/install", may: []string{"api/...", "internal/settings"}},
	// Below are those that put the program together, and what only tests use.
	{folder: "internal/controller"},
	{folder: "internal/demo"},
	{folder: "internal/testkit", may: []string{"api/...", "internal/controller/install", "internal/source/gitserver"}},
	{folder: "cmd"},
}

// withoutRow are the folders of what is not part of the program.
var withoutRow = []string{"e2e", "examples/...", "hack/..."}

// onlyIn lists imports that belong to one room.
var onlyIn = map[string][]string{
	"k8s.io/kubernetes/...":     {"internal/validate"},
	"sigs.k8s.io/kustomize/...": {"internal/render/kustomize"},
	"os/signal":                 {"cmd", "hack"},
}

type goPackage struct {
	ImportPath   string
	Doc          string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func matches(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return path == pattern
}

func TestRoomsKeepToTheirNeighbours(t *testing.T) {
	for _, p := range packages(t) {
		inside := strings.TrimPrefix(p.ImportPath, module)
		for _, r := range rooms {
			if !matches(r.folder+"/...", inside) {
				continue
			}
			for _, imported := range p.Imports {
				checkImport(t, r, inside, imported)
			}
		}
		for pattern, homes := range onlyIn {
			for _, imported := range p.Imports {
				if matches(pattern, imported) && !slices.ContainsFunc(homes, func(home string) bool { return matches(home+"/...", inside) }) {
					t.Errorf("%s imports %s, which belongs to %s alone", inside, imported, strings.Join(homes, " and "))
				}
			}
		}
	}
}

func TestEveryRoomHasARow(t *testing.T) {
	for _, p := range packages(t) {
		inside, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours || slices.ContainsFunc(withoutRow, func(pattern string) bool { return matches(pattern, inside) }) {
			continue
		}
		if !slices.ContainsFunc(rooms, func(r room) bool { return matches(r.folder+"/...", inside) }) {
			t.Errorf("%s has no row in the table of rooms: add one that names what it may import", inside)
		}
	}
	for _, r := range rooms {
		if _, err := os.Stat(r.folder); err != nil {
			t.Errorf("the table of rooms has a row for %s: %v", r.folder, err)
		}
	}
}

func checkImport(t *testing.T, r room, inside, imported string) {
	t.Helper()
	for _, pattern := range r.never {
		if matches(pattern, imported) && !slices.Contains(r.but, imported) {
			t.Errorf("%s must not import %s", inside, imported)
		}
	}
	ours, ok := strings.CutPrefix(imported, module)
	if !ok || r.may == nil || matches(r.folder+"/...", ours) {
		return
	}
	for _, pattern := range slices.Concat(r.may, everywhere) {
		if matches(pattern, ours) {
			return
		}
	}
	t.Errorf("%s must not import %s: the room %s may know %s", inside, ours, r.folder, strings.Join(r.may, ", "))
}

func TestNobodyImportsArgo(t *testing.T) {
	for _, p := range packages(t) {
		for _, list := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for _, imported := range list {
				if strings.HasPrefix(imported, "github.com/argoproj/") {
					t.Errorf("%s imports %s", p.ImportPath, imported)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	banned := []string{"util", "utils", "common", "helpers", "types", "pkg", "misc"}
	for _, p := range packages(t) {
		if p.Doc == "" && !strings.HasSuffix(p.ImportPath, "/cyan") {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		name := p.ImportPath[strings.LastIndex(p.ImportPath, "/")+1:]
		for _, b := range banned {
			if name == b {
				t.Errorf("%s: %q says nothing about what is inside", p.ImportPath, name)
			}
		}
	}
}
