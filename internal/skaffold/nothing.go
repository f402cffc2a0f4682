package skaffold

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/cyan-cd/cyan/internal/problem"
)

// instead is what there may be in a folder without manifests, and what its owner can do with that.
type instead struct {
	patterns []string
	// objects has only files count in which there are objects.
	objects bool
	remedy  func(file, project string) string
}

var insteadOfManifests = []instead{
	{patterns: []string{"skaffold*.y*ml", "*/skaffold*.y*ml", "*/cyan.y*ml"}, remedy: func(file, _ string) string {
		if dir := path.Dir(file); dir != "." {
			return fmt.Sprintf("give -f %s, or go to folder %s", file, dir)
		}
		return "give -f " + file
	}},
	{patterns: []string{"Chart.yaml", "*/Chart.yaml", "*/*/Chart.yaml"}, remedy: func(file, project string) string {
		return fmt.Sprintf("charts are not rendered yet: save what `helm template %s %s` prints in a file of k8s", project, path.Dir(file))
	}},
	{patterns: []string{"*/kustomization.y*ml", "*/*/kustomization.y*ml", "*/*/*/kustomization.y*ml"}, remedy: func(file, _ string) string { return "write a cyan.yaml with manifests: " + path.Dir(file) }},
	{patterns: []string{"*.y*ml", "*/*.y*ml"}, objects: true, remedy: func(file, _ string) string { return "write a cyan.yaml with manifests: " + file }},
	{patterns: []string{"compose.y*ml", "docker-compose.y*ml"}, remedy: func(file, _ string) string {
		return fmt.Sprintf("services of %s are not read: have `kompose convert -f %s -o k8s` make manifests of them", file, file)
	}},
	{patterns: []string{"Dockerfile", "*.Dockerfile", "Dockerfile.*", "*/Dockerfile", "go.mod"}, remedy: func(_, project string) string {
		return fmt.Sprintf("write them to a file of k8s, such as what `kubectl create deployment %s --image=%s --dry-run=client -o yaml` prints", project, project)
	}},
}

// nothingFound is the error of a folder without manifests. Its remedy depends on what else there is.
func nothingFound(s scene, o Options, project string) error {
	e := &problem.Error{
		Kind: problem.Usage, Object: "folder " + orElse(o.Folder, o.Dir), Cause: "neither skaffold.yaml nor cyan.yaml, nor manifests in k8s, kustomize, deploy or manifests",
		Remedy: "give a file with -f, or write a cyan.yaml with manifests: FOLDER",
	}
	for _, other := range insteadOfManifests {
		if file, found := other.in(s); found {
			e.Remedy = other.remedy(file, project)
			break
		}
	}
	return e
}

// in returns the first such file of a folder, by its path from there.
func (i instead) in(s scene) (string, bool) {
	below, err := fs.Sub(s.fsys, s.base)
	if err != nil {
		return "", false
	}
	for _, pattern := range i.patterns {
		found, _ := fs.Glob(below, pattern)
		for _, file := range found {
			if isFile(below, file) && (!i.objects || hasObjects(below, file)) {
				return file, true
			}
		}
	}
	return "", false
}
