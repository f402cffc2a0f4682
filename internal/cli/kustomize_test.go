package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const kustomizations = `
-- base/all.yaml --
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: other}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: app-image}]}
-- base/kustomization.yaml --
resources: [all.yaml]
-- overlay/kustomization.yaml --
# what runs here
resources:
- ../base # all of it
images:
- name: app-image
  newName: example/web # where CI pushes
  newTag: v1
-- outside/kustomization.yaml --
configMapGenerator:
- {name: c, files: [../base/all.yaml], options: {disableNameSuffixHash: true}}
-- chart/kustomization.yaml --
helmCharts: [{name: x, repo: "https://charts.example", version: "1"}]
-- missing/kustomization.yaml --
resources: [b.yaml]
-- sorted/kustomization.yaml --
resources: [../base/all.yaml]
-- merged/.argocd-source.yaml --
kustomize: {namePrefix: other-}
-- merged/kustomization.yaml --
namePrefix: my-
resources: [cm.yaml]
-- merged/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
-- out/keep.txt --
`

const builtService = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports:\n  - port: 80\n  selector:\n    app: web\n"

// The lines of kustomize as scripts have them. An expectation that ends with … is the beginning.
func TestKustomize(t *testing.T) {
	inFolder(t, kustomizations)
	if err := os.Mkdir("split", 0o755); err != nil {
		t.Fatal(err)
	}
	const namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
	for _, c := range []struct {
		line           string
		code           int
		stdout, stderr string
	}{
		{"kustomize build overlay", 0, namespace + "---\n" + builtService + "---\napiVersion: apps/v1\n…", ""},
		{"kustomize build --reorder legacy overlay", 0, namespace + "…", ""},
		{"kustomize build --reorder none overlay", 0, builtService + "---\n" + namespace + "…", ""},
		{"kustomize build --reorder upwards overlay", 2, "", "Error: --reorder: unknown value \"upwards\"; give legacy or none\n"},
		{"kustomize build -o out/all.yaml overlay", 0, "", ""},
		{"kustomize build overlay --output split", 0, "", ""},
		{"kustomize build overlay -o nowhere/all.yaml", 20, "", "Error: --output nowhere/all.yaml: open …"},
		{"kustomize build outside", 1, "", "Error: outside/kustomization.yaml: configMapGenerator[0].files \"../base/all.yaml\" is not in or below outside, …"},
		{"kustomize build --load-restrictor LoadRestrictionsNone outside", 0, "apiVersion: v1\ndata:\n  all.yaml: |\n…", ""},
		{"kustomize build outside --load_restrictor=none", 0, "apiVersion: v1\ndata:\n  all.yaml: |\n…", ""},
		{"kustomize build --load-restrictor LoadRestrictionsRootOnly merged", 0, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: my-a\n", ""},
		{"kustomize build --load-restrictor all outside", 2, "", "Error: --load-restrictor: unknown value \"all\"; give LoadRestrictionsNone or LoadRestrictionsRootOnly\n"},
		{"kustomize build --enable-helm --helm-command helm3 merged", 0, "…", "note: --enable-helm has no effect: charts are not rendered yet: commit what `helm template` makes\nnote: --helm-command has no effect: charts are not rendered yet: commit what `helm template` makes\n"},
		{"kustomize build --enable-helm chart", 1, "", "note: --enable-helm has no effect: charts are not rendered yet: commit what `helm template` makes\nError: chart/kustomization.yaml: helmCharts asks for Helm, and charts are not served; …"},
		{"kustomize build --enable_alpha_plugins --network -e A=b merged", 0, "…", "note: --enable-alpha-plugins has no effect: plugins and functions are not run: commit what they make\nnote: --network …"},
		{"kustomize build --enable-managedby-label merged", 2, "", "Error: kustomize build: --enable-managedby-label is not served by Cyan; write managedByLabel into buildMetadata of the kustomization.yaml\n"},
		{"kustomize build missing", 1, "", "Error: missing/kustomization.yaml: resources[0] missing/b.yaml: no such file or directory; add it, or remove the entry\n"},
		{"kustomize build out", 1, "", "Error: out: no kustomization.yaml, kustomization.yml or Kustomization; name a folder that has one\n"},
		{"kustomize build nowhere", 2, "", "Error: kustomization nowhere: not found; name a folder that has a kustomization.yaml\n"},
		{"kustomize build overlay/kustomization.yaml", 2, "", "Error: kustomization overlay/kustomization.yaml: a file; name the folder that it is in\n"},
		{"kustomize build overlay base", 2, "", "Error: …"},
		{"kustomize build https://git.example/shop//k8s?ref=v1", 2, "", "Error: kustomization https://git.example/shop//k8s?ref=v1: in another repository, and nothing is fetched; clone the repository, and build its folder; …"},
		{"kustomize build github.com/example/shop/k8s", 2, "", "Error: kustomization github.com/example/shop/k8s: in another repository, …"},
		{"kustomize build git@git.example:shop.git", 2, "", "Error: kustomization git@git.example:shop.git: in another repository, …"},
		{"kustomize edit set namespace shop", 2, "", "Error: kustomize edit set namespace: not served by Cyan; write it into the kustomization.yaml\n"},
		{"kustomize edit add resource a.yaml", 2, "", "Error: kustomize edit add: not served by Cyan; write it into the kustomization.yaml\n"},
		{"kustomize edit fix", 2, "", "Error: kustomization: no kustomization.yaml, kustomization.yml or Kustomization in this folder; call it in the folder that has one\n"},
		{"kustomize edit set image a=b", 2, "", "Error: kustomization: no kustomization.yaml, kustomization.yml or Kustomization in this folder; call it in the folder that has one\n"},
		{"kustomize create --autodetect", 2, "", "Error: kustomize create: not served by Cyan; …"},
		{"kustomize version --short", 0, "test\n", ""},
	} {
		code, stdout, stderr := runLine(t, "", c.line)
		if code != c.code || !isOrBegins(stdout, c.stdout) || !isOrBegins(stderr, c.stderr) {
			t.Errorf("%s:\ngot  %d %q %q\nwant %d %q %q", c.line, code, stdout, stderr, c.code, c.stdout, c.stderr)
		}
	}
	all, err := os.ReadFile("out/all.yaml")
	if err != nil || !strings.HasPrefix(string(all), namespace+"---\n"+builtService) {
		t.Errorf("out/all.yaml: %v, %s", err, all)
	}
	files, _ := filepath.Glob("split/*")
	if got, want := strings.Join(files, " "), "split/default_v1_service_web.yaml split/other_apps_v1_deployment_web.yaml split/v1_namespace_shop.yaml"; got != want {
		t.Errorf("files are %s, want %s", got, want)
	}
	if data, err := os.ReadFile("split/default_v1_service_web.yaml"); err != nil || string(data) != builtService {
		t.Errorf("the file of the Service: %v, %s", err, data)
	}
}

func isOrBegins(got, want string) bool {
	beginning, open := strings.CutSuffix(want, "…")
	return got == want || open && strings.HasPrefix(got, beginning)
}

// A kustomization that is built in its own folder names its bases outside of that, wherever there is no repository, and
// files are named from where somebody is.
func TestKustomizeInItsFolder(t *testing.T) {
	inFolder(t, kustomizations+"-- broken/kustomization.yaml --\nresources: [../missing]\n")
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("overlay")
	if code, stdout, stderr := runLine(t, "", "kustomize build"); code != 0 || !strings.Contains(stdout, "image: example/web:v1\n") {
		t.Errorf("got %d, %s%s", code, stdout, stderr)
	}
	t.Chdir("../broken")
	if code, _, stderr := runLine(t, "", "kustomize build ."); code != 1 || stderr != "Error: ../missing/kustomization.yaml: resources[0] "+filepath.ToSlash(top)+"/missing/b.yaml: no such file or directory; add it, or remove the entry\n" {
		t.Errorf("got %d, %s", code, stderr)
	}
	t.Chdir("/")
	if code, _, stderr := runLine(t, "", "kustomize build "+top+"/missing"); code != 1 || !strings.HasPrefix(stderr, "Error: "+strings.TrimPrefix(top, "/")+"/missing/kustomization.yaml: ") {
		t.Errorf("got %d, %s", code, stderr)
	}
}

// kustomize edit set image changes the lines concerned, in the folder where it is called, all at once or not at all.
func TestKustomizeEditSetImage(t *testing.T) {
	inFolder(t, kustomizations)
	t.Chdir("overlay")
	const before = "# what runs here\nresources:\n- ../base # all of it\nimages:\n- name: app-image\n"
	for _, c := range []struct {
		words      string
		code       int
		file, says string
	}{
		{"app-image=example/web:v2", 0, before + "  newName: example/web # where CI pushes\n  newTag: v2\n", ""},
		{"app-image=other/web:v3 unreadable", 2, before + "  newName: example/web # where CI pushes\n  newTag: v2\n", "Error: kustomization.yaml: image unreadable: invalid; write [name=]newName[:tag][@digest], such as app=registry.example.com/app:v2\n"},
		{"app-image=*:v3", 0, before + "  newName: example/web # where CI pushes\n  newTag: v3\n", ""},
		{"app-image=registry.example:5000/web:1.20 redis:7", 0, before + "  newName: registry.example:5000/web # where CI pushes\n  newTag: \"1.20\"\n- name: redis\n  newTag: \"7\"\n", ""},
	} {
		code, stdout, stderr := runLine(t, "", "kustomize edit set image "+c.words)
		data, err := os.ReadFile("kustomization.yaml")
		if err != nil || code != c.code || stdout != "" || stderr != c.says || string(data) != c.file {
			t.Errorf("%s: %v %d %q %q, got\n%s\nwant %d %q\n%s", c.words, err, code, stdout, stderr, data, c.code, c.says, c.file)
		}
	}
	if code, _, stderr := runLine(t, "", "kustomize edit set image"); code != 2 || stderr == "" {
		t.Errorf("without an image: %d %q", code, stderr)
	}
}

// kustomize edit fix writes deprecated fields as those that replace them, in the folder where it is called, and names
// what it leaves.
func TestKustomizeEditFix(t *testing.T) {
	inFolder(t, kustomizations)
	t.Chdir("overlay")
	const vars = "kustomization.yaml: vars is left as it is: replacements copy a value into the fields that they name, and not to wherever a name in $() stands; write them\n"
	for _, c := range []struct{ line, before, after, says string }{
		{"kustomize edit fix", "# all\nbases: [../base] # b\ncommonLabels: {team: a}\n", "# all\nresources: [../base] # b\nlabels:\n- includeSelectors: true\n  pairs: {team: a}\n", "kustomization.yaml: bases is written as resources\nkustomization.yaml: commonLabels is written as labels\n"},
		{"kustomize edit fix", "resources: [../base]\n", "resources: [../base]\n", ""},
		{"kustomize edit fix --vars", "bases: [../base]\nvars:\n- {name: IMAGE, objref: {apiVersion: v1, kind: Service, name: web}}\n", "resources: [../base]\nvars:\n- {name: IMAGE, objref: {apiVersion: v1, kind: Service, name: web}}\n", "note: --vars has no effect: what a var is copied to is not known: write replacements\nkustomization.yaml: bases is written as resources\n" + vars},
		{"kustomize edit fix", "bases: [../nowhere]\n", "bases: [../nowhere]\n", "kustomization.yaml: bases is left as it is: …"},
		{"kustomize edit fix", "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\ncommonLabels: {team: a}\n", "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\ncommonLabels: {team: a}\n", "kustomization.yaml: commonLabels is left as it is: a Component changes what others build; `cyan validate --fix DIR` of a kustomization that has it writes it\n"},
	} {
		if err := os.WriteFile("kustomization.yaml", []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := runLine(t, "", c.line)
		data, err := os.ReadFile("kustomization.yaml")
		if err != nil || code != 0 || stdout != "" || !isOrBegins(stderr, c.says) || string(data) != c.after {
			t.Errorf("%s: %v %d %q %q, got\n%s\nwant %q\n%s", c.line, err, code, stdout, stderr, data, c.says, c.after)
		}
	}
}
