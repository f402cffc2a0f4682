package validate

import (
	"bytes"
	"errors"
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
}

// recursive checks all kustomizations below a folder, and all files that belong to none.
func (l *loader) recursive(top string, files *input) error {
	found, err := lookThrough(top)
	if err != nil {
		return err
	}
	if len(found.kustomizations)+len(found.files) == 0 {
		return l.add(top, "", input{result: &render.Result{}}, nil, nil)
	}
	for _, dir := range found.kustomizations {
		if err := l.argument(dir, files); err != nil {
			return err
		}
	}
	l.unnamed = true
	defer func() { l.unnamed = false }()
	for _, file := range found.files {
		if note := forOthers(file); note != nil {
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
		if entry.Type().IsRegular() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) && !within(builds, filepath.Dir(path)) {
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

// kustomization is what a folder is built of.
type kustomization struct {
	Kind       string   `yaml:"kind"`
	Resources  []string `yaml:"resources"`
	Bases      []string `yaml:"bases"`
	Components []string `yaml:"components"`
}

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
		if !used[dir] && k.Kind != "Component" {
			found = append(found, dir)
		}
	}
	if len(found) == 0 {
		found = all
	}
	slices.Sort(found)
	return found
}

// looksLikeObjects reports whether a file has something of an object of Kubernetes in it, or cannot be read.
func looksLikeObjects(file string) bool {
	data, err := os.ReadFile(file)
	return err != nil || bytes.Contains(data, []byte("apiVersion")) && bytes.Contains(data, []byte("kind"))
}

// ofOthers are the groups of files that look like objects, and the command that checks them.
var ofOthers = map[string]string{
	"skaffold": "`cyan skaffold check` checks it", "kustomize.config.k8s.io": "name the folder that it is in",
	"kind.x-k8s.io": "", "k3d.io": "", "kubeadm.k8s.io": "", "kubelet.config.k8s.io": "",
}

// forOthers returns a note on a file of which all is for another program than an API server; nil for any other.
func forOthers(file string) *engine.Finding {
	data, err := os.ReadFile(file)
	if err != nil {
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
