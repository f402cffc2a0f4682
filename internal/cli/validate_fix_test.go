package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is corrected is shown as a diff, with nothing else changed, and checked to be right.
func TestValidateFix(t *testing.T) {
	inFolder(t, manifestsToCheck)
	if code, _, stderr := runLine(t, "", "cyan validate old --fix"); code != 2 || !strings.Contains(stderr, "add -y") {
		t.Errorf("without a terminal: got %d, %s", code, stderr)
	}
	code, stdout, _ := runLine(t, "", "cyan validate old --fix -y")
	for _, want := range []string{
		"-apiVersion: batch/v1beta1\n+apiVersion: batch/v1\n", "-apiVersion: networking.k8s.io/v1beta1 # old\n+apiVersion: networking.k8s.io/v1 # old\n",
		"-  backend: {serviceName: web, servicePort: http}\n+  defaultBackend: {service: {name: web, port: {name: http}}}\n",
		"+        pathType: ImplementationSpecific\n", "+            name: web # the Service\n", "+              number: 80\n",
	} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("got %d,\n%swant %q", code, stdout, want)
		}
	}
	if data, err := os.ReadFile("old/ingress.yaml"); err != nil || !strings.HasPrefix(string(data), "# Who comes in.\n") || !strings.Contains(string(data), "path: / # all\n") {
		t.Errorf("got %v, %s", err, data)
	}
	if code, stdout, _ := runLine(t, "", "cyan validate old -o json"); strings.Contains(stdout, "removed-api") {
		t.Errorf("afterwards: got %d, %s", code, stdout)
	}
}

// A diff applies as it stands, by patch -p1 and by git, from where the files are named; that of an absolute path, from
// the root.
func TestValidateFixDiff(t *testing.T) {
	const cronJob = "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: c}\nspec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: c}]}}}}}"
	for _, program := range []string{"git apply", "patch -p1"} {
		words := strings.Fields(program)
		if _, err := exec.LookPath(words[0]); err != nil {
			t.Logf("%s is not here", words[0])
			continue
		}
		for _, c := range []struct {
			name, file, end string
			absolute        bool
		}{{"a line at the end", "k8s/cron.yaml", "\n", false}, {"no end of the last line", "k8s/cron.yaml", "", false}, {"carriage returns", "cron.yaml", "\r\n", false}, {"an absolute path", "k8s/cron.yaml", "\n", true}} {
			inFolder(t, "-- "+c.file+" --\n")
			here, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			before := cronJob + c.end
			if c.end == "\r\n" {
				before = strings.ReplaceAll(cronJob, "\n", "\r\n") + c.end
			}
			if err := os.WriteFile(c.file, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			from, line := here, "cyan validate "+c.file+" --fix -y"
			if c.absolute {
				// What is named from elsewhere is named from the root.
				t.Chdir(t.TempDir())
				from, line = "/", "cyan validate "+filepath.Join(here, c.file)+" --fix -y"
			}
			code, diff, stderr := runLine(t, "", line)
			file := filepath.Join(here, c.file)
			fixed, err := os.ReadFile(file)
			if code != 0 || err != nil || string(fixed) == before || strings.Contains(diff, "//") {
				t.Fatalf("%s: got %d, %v, %s%s", c.name, code, err, diff, stderr)
			}
			if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			apply := exec.Command(words[0], append(words[1:], map[string][]string{"git": {"-"}, "patch": {"--binary"}}[words[0]]...)...)
			apply.Dir, apply.Stdin = from, strings.NewReader(diff)
			if output, err := apply.CombinedOutput(); err != nil {
				t.Errorf("%s, by %s: %v, %s of\n%s", c.name, program, err, output, diff)
			}
			if again, err := os.ReadFile(file); err != nil || string(again) != string(fixed) {
				t.Errorf("%s, by %s: got %v, %q, want %q", c.name, program, err, again, fixed)
			}
		}
	}
}

// Deprecated fields of all kustomizations that one is built on are written as those that replace them, in components
// too, where all that is named is built to the same.
func TestValidateFixKustomizations(t *testing.T) {
	inFolder(t, `
-- base/kustomization.yaml --
resources: [cm.yaml]
patchesJson6902:
- target: {version: v1, kind: ConfigMap, name: c}
  patch: '[{"op": "replace", "path": "/metadata/namespace", "value": "late"}]'
-- base/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: early}
-- part/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
commonLabels: {team: a} # who
-- app/kustomization.yaml --
# the app
bases:
- ../base
components: [../part]
-- other/kustomization.yaml --
bases: [../base]
-- spaced/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: early}
-- spaced/kustomization.yaml --
namespace: shop
resources: [cm.yaml]
patchesJson6902:
- target: {version: v1, kind: ConfigMap, name: c}
  patch: '[{"op": "replace", "path": "/metadata/namespace", "value": "late"}]'
`)
	read := func(file string) string {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	part, spaced := read("part/kustomization.yaml"), read("spaced/kustomization.yaml")
	code, stdout, stderr := runLine(t, "", "cyan validate app")
	for _, want := range []string{
		"app/kustomization.yaml:2:1: warning: bases is deprecated, and replaced by resources; `cyan validate --fix` writes it as resources [deprecated-kustomization-field]\n",
		"part/kustomization.yaml:3:1: warning: commonLabels is deprecated, and replaced by labels; `cyan validate --fix` writes it as labels [",
		"base/kustomization.yaml:2:1: warning: patchesJson6902 is deprecated, and replaced by patches; `cyan validate --fix` writes it as patches [",
	} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("before: got %d, %s%s, want %s", code, stdout, stderr, want)
		}
	}
	if code, stdout, stderr = runLine(t, "", "cyan validate --fix -y app other"); code != 0 || stderr != "4 files written\n" {
		t.Errorf("got %d, %s%s", code, stdout, stderr)
	}
	for file, want := range map[string]string{
		"app/kustomization.yaml":   "# the app\nresources:\n- ../base\ncomponents: [../part]\n",
		"other/kustomization.yaml": "resources: [../base]\n",
		"part/kustomization.yaml":  strings.Replace(part, "commonLabels: {team: a} # who\n", "labels:\n- includeSelectors: true\n  pairs: {team: a} # who\n", 1),
	} {
		if got := read(file); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
		}
	}
	if base := read("base/kustomization.yaml"); !strings.Contains(base, "\npatches:\n- target: ") {
		t.Errorf("base: got\n%s", base)
	}
	if code, stdout, stderr = runLine(t, "", "cyan validate app other"); strings.Contains(stdout, "deprecated") {
		t.Errorf("afterwards: got %d, %s%s", code, stdout, stderr)
	}
	code, _, stderr = runLine(t, "", "cyan validate --fix -y spaced")
	if code != 0 || stderr != "spaced/kustomization.yaml: patchesJson6902 is left as it is: as patches it would be built to other objects; write it there as it is meant\nnothing that can be corrected without guessing\n" || read("spaced/kustomization.yaml") != spaced {
		t.Errorf("what would be built otherwise: got %d, %s", code, stderr)
	}
}
