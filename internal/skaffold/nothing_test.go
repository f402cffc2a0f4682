package skaffold_test

import (
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// TestFoldersWithoutManifests: what is said depends on what there is.
func TestFoldersWithoutManifests(t *testing.T) {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"
	for _, c := range []struct {
		files  map[string]string
		remedy string
	}{
		{map[string]string{"README.md": ""}, "give a file with -f, or write a cyan.yaml with manifests: FOLDER"},
		{map[string]string{"deploy.yaml": "a: b", "ci/pipeline.yaml": "steps: []"}, "give a file with -f, or write a cyan.yaml with manifests: FOLDER"},
		{map[string]string{"Dockerfile": "", "skaffold-dev.yaml": ""}, "give -f skaffold-dev.yaml"},
		{map[string]string{"web/skaffold.yaml": "", "go.mod": ""}, "give -f web/skaffold.yaml, or go to folder web"},
		{map[string]string{"charts/shop/Chart.yaml": "name: shop", "charts/shop/templates/a.yaml": deployment}, "charts are not rendered yet: save what `helm template shop charts/shop` prints in a file of k8s"},
		{map[string]string{"infra/dev/kustomization.yaml": "resources: []"}, "write a cyan.yaml with manifests: infra/dev"},
		{map[string]string{"Dockerfile": "", "app.yaml": deployment}, "write a cyan.yaml with manifests: app.yaml"},
		{map[string]string{"Dockerfile": "", "docker-compose.yml": "services: {}"}, "services of docker-compose.yml are not read: have `kompose convert -f docker-compose.yml -o k8s` make manifests of them"},
		{map[string]string{"Dockerfile": ""}, "write them to a file of k8s, such as what `kubectl create deployment shop --image=shop --dry-run=client -o yaml` prints"},
		{map[string]string{"go.mod": "module shop", "main.go": "package main"}, "write them to a file of k8s, such as what `kubectl create deployment shop --image=shop --dry-run=client -o yaml` prints"},
	} {
		for dir, below := range map[string]string{".": "", "apps/shop": "apps/shop/"} {
			tree := fstest.MapFS{}
			for name, text := range c.files {
				tree[below+name] = &fstest.MapFile{Data: []byte(text)}
			}
			_, _, err := skaffold.Read(tree, "", skaffold.Options{Dir: dir, Folder: "shop", Command: "dev"})
			if e := problem.Of(err); e == nil || e.Remedy != c.remedy {
				t.Errorf("%v in %s: got %v, want %s", c.files, dir, err, c.remedy)
			}
		}
	}
}
