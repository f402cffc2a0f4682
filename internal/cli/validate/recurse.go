package validate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	engine "github.com/cyan-cd/cyan/internal/validate"
)

// mostFolders bounds what is looked through below a folder.
const mostFolders = 20_000

// tree is what there is to check below a folder: kustomizations that nothing else is built on, and files of folders
// that belong to no kustomization.
type tree struct {
	kustomizations []string
	files          []string
	// findings are about what was passed over.
	findings []engine.Finding
}

// recursive checks all kustomizations below a folder, and all files that belong to none.
func (l *loader) recursive(top string, files *input) error {
	found, err := lookThrough(top)
	if err != nil {
		return err
	}
	l.findings = append(l.findings, found.findings...)
	if len(found.kustomizations)+len(found.files)+len(found.findings) == 0 {
		return l.add(top, "", input{result: &render.Result{}}, nil, nil)
	}
	for _, dir := range found.kustomizations {
		if err := l.argument(dir, files); err != nil {
			return err
		}
	}
	l.unnamed = true
	defer func() { l.unnamed = false }()
	charts := map[string]bool{}
	for _, file := range found.files {
		note := forOthers(file)
		if chart := chartOf(file); chart != "" && !charts[chart] {
			charts[chart], note = true, noteOfChart(chart)
		} else if chart != "" {
			continue
		}
		if note != nil {
			l.findings = append(l.findings, *note)
			continue
		}
		if err := l.argument(file, files); err != nil {
			return err
		}
	}
	return nil
}

// lookThrough finds what there is to check below a folder. Folders with a dot before their names, and those that
// package managers fill, are passed over.
func lookThrough(top string) (tree, error) {
	var found tree
	builds := map[string]kustomization{}
	folders := 0
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if folders++; folders > mostFolders {
				return kit.Usage(top, "more than 20,000 folders below it", "name the folders that have manifests")
			}
			if path != top && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "vendor") {
				return fs.SkipDir
			}
			if k, there := readKustomization(path); there {
				builds[path] = k
			}
			return nil
		}
		switch inKustomization := within(builds, filepath.Dir(path)); {
		case inKustomization:
		case entry.Type()&fs.ModeSymlink != 0:
			found.link(top, path)
		case entry.Type().IsRegular() && render.IsManifest(name):
			found.files = append(found.files, path)
		}
		return nil
	})
	if err != nil {
		if p := problem.Of(err); p != nil {
			return found, err
		}
		return found, &problem.Error{Kind: problem.Usage, Object: top, Cause: err.Error(), Err: err}
	}
	found.kustomizations = tops(builds)
	// A folder that is checked for itself is often one of manifests among files of something else.
	found.files = slices.DeleteFunc(found.files, func(file string) bool { return !looksLikeObjects(file) })
	return found, nil
}

// link looks where a symbolic link leads. What lies below the folder is found without it.
func (t *tree) link(top, path string) {
	finding := func(severity engine.Severity, rule, cause, remedy string) {
		t.findings = append(t.findings, engine.Finding{Severity: severity, Error: &problem.Error{Kind: problem.Usage, Rule: rule, File: nameOf(path), Cause: cause, Remedy: remedy}})
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		if !render.IsManifest(path) {
			return
		}
		cause, remedy := "symbolic link in a loop", "replace it by the file that is meant"
		if to, _ := os.Readlink(path); errors.Is(err, fs.ErrNotExist) {
			cause, remedy = fmt.Sprintf("symbolic link to %q, which is not there", to), "remove it, or correct where it leads"
		}
		finding(engine.SeverityError, engine.RuleNotRendered, cause, remedy)
		return
	}
	if isBelow(top, target) {
		return
	}
	info, err := os.Stat(target)
	switch {
	case err == nil && info.IsDir():
		finding(engine.SeverityNote, engine.RuleSkipped, "symbolic link to a folder, which is not looked through", "name it to have it checked")
	case err == nil && info.Mode().IsRegular() && render.IsManifest(path):
		t.files = append(t.files, path)
	}
}

// isBelow reports whether a path without symbolic links lies below a folder.
func isBelow(folder, path string) bool {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return false
	}
	if path, err = filepath.Abs(path); err != nil {
		return false
	}
	inside, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(inside)
}

// kustomization is what a folder is built of.
type kustomization struct {
	Kind       string   `yaml:"kind"`
	Resources  []string `yaml:"resources"`
	Bases      []string `yaml:"bases"`
	Components []string `yaml:"components"`
}

// component is the kind of a kustomization that is a part of others.
const component = "Component"

// readKustomization reads the kustomization of a folder. One that cannot be read is there as well: building it says
// what is wrong.
func readKustomization(dir string) (k kustomization, there bool) {
	for _, name := range delivery.KustomizationNames() {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		_ = yaml.Unmarshal(data, &k)
		return k, true
	}
	return k, false
}

// within reports whether a folder is one of a kustomization, or below one.
func within(builds map[string]kustomization, dir string) bool {
	for {
		if _, there := builds[dir]; there {
			return true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false
		}
		dir = parent
	}
}

// tops are the kustomizations that no other is built on, and that can be built for themselves. Where each is built on
// another, that is all.
func tops(builds map[string]kustomization) []string {
	used := map[string]bool{}
	for dir, k := range builds {
		for _, entry := range slices.Concat(k.Resources, k.Bases, k.Components) {
			if on := filepath.Join(dir, filepath.FromSlash(entry)); on != dir {
				used[on] = true
			}
		}
	}
	var all, found []string
	for dir, k := range builds {
		all = append(all, dir)
		if !used[dir] && k.Kind != component {
			found = append(found, dir)
		}
	}
	if len(found) == 0 {
		found = all
	}
	slices.Sort(found)
	return found
}

// looksLikeObjects reports whether a file has something of an object of Kubernetes in it, or is not read as text.
func looksLikeObjects(file string) bool {
	data, err := beginningOf(file)
	return err != nil || bytes.IndexByte(data, 0) >= 0 || bytes.Contains(data, []byte("apiVersion")) && bytes.Contains(data, []byte("kind"))
}

// mostRead is how much of a file is looked at; none that is larger is rendered.
const mostRead = 8<<20 + 1

// beginningOf reads a file, as far as it may be a manifest.
func beginningOf(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, mostRead))
}

// ofOthers are the groups of files that look like objects, and the command that checks them.
var ofOthers = map[string]string{
	"skaffold": "`cyan skaffold check` checks it", "kustomize.config.k8s.io": "name the folder that it is in",
	"kind.x-k8s.io": "", "k3d.io": "", "kubeadm.k8s.io": "", "kubelet.config.k8s.io": "",
}

// forOthers returns a note on a file of which all is for another program than an API server; nil for any other.
func forOthers(file string) *engine.Finding {
	data, err := beginningOf(file)
	if err != nil || len(data) == mostRead {
		return nil
	}
	docs, err := render.SplitDocuments(data)
	if err != nil || len(docs) == 0 {
		return nil
	}
	version, remedy := "", ""
	for _, doc := range docs {
		version = render.Scalar(doc, "apiVersion")
		group, _, _ := strings.Cut(version, "/")
		var other bool
		if remedy, other = ofOthers[group]; !other {
			return nil
		}
	}
	if remedy == "" {
		remedy = "name it to have it checked all the same"
	}
	return &engine.Finding{Severity: engine.SeverityNote, Error: &problem.Error{
		Kind: problem.Usage, Rule: engine.RuleSkipped, File: nameOf(file), Line: docs[0].Line, Cause: version + " is for another program than the API server", Remedy: remedy,
	}}
}

// chartOf is the folder of the Helm chart that a file describes or is a template of; "" for any other, and for what a
// chart has that is no template.
func chartOf(file string) string {
	const describes = "Chart.yaml"
	dir := filepath.Dir(file)
	if filepath.Base(file) == describes {
		return dir
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if filepath.Base(dir) != "templates" {
			continue
		}
		chart := filepath.Dir(dir)
		if _, err := os.Stat(filepath.Join(chart, describes)); err != nil {
			continue
		}
		if data, err := beginningOf(file); err == nil && bytes.Contains(data, []byte("{{")) {
			return chart
		}
	}
	return ""
}

// noteOfChart is a note on a chart whose templates are not checked.
func noteOfChart(chart string) *engine.Finding {
	return &engine.Finding{Severity: engine.SeverityNote, Error: &problem.Error{
		Kind: problem.Usage, Rule: engine.RuleSkipped, File: nameOf(filepath.Join(chart, "Chart.yaml")), Line: 1, Cause: "templates of the chart are for Helm, and not checked",
		Remedy: fmt.Sprintf("check what they make by `helm template %s | cyan validate -`", nameOf(chart)),
	}}
}
