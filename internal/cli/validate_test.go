package cli_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// manifestsToCheck are files that commands check.
const manifestsToCheck = `
-- base/kustomization.yaml --
resources: [all.yaml]
-- base/all.yaml --
# A Service and its pods.
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - port: 80
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web
-- good/kustomization.yaml --
resources: [../base]
-- bad/kustomization.yaml --
resources: [../base]
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      template:
        spec:
          containers:
          - name: web
            imagePullPolicy: Sometimes
-- warned/kustomization.yaml --
resources: [../base, endpoints.yaml]
-- warned/endpoints.yaml --
apiVersion: v1
kind: Endpoints
metadata: {name: web}
-- old/kustomization.yaml --
resources: [ingress.yaml, cron.yaml]
-- old/ingress.yaml --
# Who comes in.
apiVersion: networking.k8s.io/v1beta1 # old
kind: Ingress
metadata:
  name: web
spec:
  backend: {serviceName: web, servicePort: http}
  rules:
  - http:
      paths:
      - path: / # all
        backend:
          serviceName: web # the Service
          servicePort: 80
-- old/cron.yaml --
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: c}
spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: c}]}}}}}
-- plain/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {a: 1}
data: {a: b}
-- broken/kustomization.yaml --
resources: [nothing.yaml]
-- yaml/a.yaml --
a: b
 c: d
-- empty.yaml --
# nothing
-- twice/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
-- twice/b.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: x, namespace: default}
-- own/custom.yaml --
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec: {size: big}
-- crds/widget.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}
`

// inFolder makes files, and the folder with them the working directory.
func inFolder(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(strings.TrimPrefix(text, "\n"))).Files {
		file := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("KUBECONFIG", os.DevNull)
}

// runLine runs a line with an input, where no cluster is.
func runLine(t *testing.T, input, line string) (code int, stdout, stderr string) {
	t.Helper()
	return runWith(t, input, strings.Fields(line))
}

// runWords runs words that may have blanks, without an input.
func runWords(t *testing.T, words ...string) (code int, stdout, stderr string) {
	t.Helper()
	return runWith(t, "", words)
}

func runWith(t *testing.T, input string, words []string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	root := cli.New(words[0], "test", kit.Streams{In: strings.NewReader(input), Out: &out, Err: &errs})
	root.SetArgs(words[1:])
	err := root.ExecuteContext(t.Context())
	if message := kit.Message(err); message != "" {
		errs.WriteString(message + "\n")
	}
	return kit.ExitCode(err), out.String(), errs.String()
}

const goodConfigMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

func TestValidate(t *testing.T) {
	inFolder(t, manifestsToCheck)
	const patched = `bad/kustomization.yaml:13:13: error: Deployment web: spec.template.spec.containers[0].imagePullPolicy: unsupported value "Sometimes"; use one of "Always", "IfNotPresent", "Never" [unsupported-value]` + "\n"
	for _, c := range []struct {
		line, input    string
		code           int
		stdout, stderr string
	}{
		{"cyan validate good", "", 0, "", "2 objects, nothing found\n"},
		{"cyan validate good/kustomization.yaml", "", 0, "", "2 objects, nothing found\n"},
		{"cyan validate base/all.yaml", "", 0, "", "2 objects, nothing found\n"},
		{"cyan validate -", goodConfigMap, 0, "", "1 object, nothing found\n"},
		{"cyan validate bad", "", 1, patched, "2 objects, 1 error\n"},
		{"cyan validate good bad", "", 1, patched, "4 objects, 1 error\n"},
		{"cyan validate warned", "", 0, "warned/endpoints.yaml:1:1: warning: Endpoints web: apiVersion: v1 Endpoints is deprecated since v1.33; use discovery.k8s.io/v1 EndpointSlice; then endpoints of a Service are in objects labelled kubernetes.io/service-name, with addresses in endpoints[] and ports in ports[] [deprecated-api]\n", "3 objects, 1 warning\n"},
		{"cyan validate warned --fail-on warning", "", 1, "…", "3 objects, 1 warning\n"},
		{"cyan validate warned --kube-version 1.32", "", 0, "", "note: which kinds v1.32 serves is checked; their fields are checked by the rules of v1.37\n3 objects, nothing found\n"},
		{"cyan validate plain", "", 1, "plain/a.yaml:5:1: error: ConfigMap a: data: duplicate key: the first is in line 4; remove one of them [duplicate-key]\n", "1 object, 1 error\n"},
		{"cyan validate broken", "", 1, "broken/kustomization.yaml: error: resources[0] broken/nothing.yaml: no such file or directory; add it, or remove the entry [not-rendered]\n", "0 objects, 1 error\n"},
		{"cyan validate yaml", "", 1, "yaml/a.yaml:2:1: error: invalid YAML: mapping values are not allowed in this context; correct it [not-rendered]\n", "0 objects, 1 error\n"},
		{"cyan validate empty.yaml", "", 2, "empty.yaml: error: no objects to validate; see whether what has written it has failed [no-objects]\n", "0 objects, 1 error\n"},
		{"cyan validate -", "", 2, "stdin.yaml: error: no objects to validate; see whether what has written it has failed [no-objects]\n", "0 objects, 1 error\n"},
		{"cyan validate -", "a: b\n", 1, "…", "0 objects, 2 errors\n"},
		{"cyan validate good empty.yaml", "", 1, "empty.yaml: error: no objects to validate; see whether what has written it has failed [no-objects]\n", "2 objects, 1 error\n"},
		{"cyan validate own/custom.yaml", "", 1, "own/custom.yaml:4:8: error: Widget w: spec.size: must be of type integer, and is of type string; write it without quotes [wrong-type]\n", "1 object, 1 error\n"},
		{"cyan validate own/custom.yaml --root own", "", 1, "own/custom.yaml:2:1: error: Widget w: kind: unknown kind example.com/v1 Widget: Kubernetes does not have it, and no CustomResourceDefinition among the objects defines it; add its CustomResourceDefinition, or correct apiVersion and kind [unknown-kind]\n", "1 object, 1 error\n"},
		{"cyan validate own/custom.yaml --ignore-kinds Widget", "", 0, "", "1 object, nothing found\n"},
		{"cyan validate own/custom.yaml --crds crds", "", 1, "own/custom.yaml:4:8: error: Widget w: spec.size: must be of type integer, and is of type string; write it without quotes [wrong-type]\n", "1 object, 1 error\n"},
		{"cyan validate own/custom.yaml crds/widget.yaml", "", 1, "…", "2 objects, 1 error\n"},
		{"cyan validate nowhere", "", 2, "", "Error: nowhere: not found; name a file, a folder, or - for standard input\n"},
		{"cyan validate own/custom.yaml --crds nowhere", "", 2, "", "Error: --crds nowhere: not found; name a folder with schemas\n"},
		{"cyan validate good --fail-on all", "", 2, "", "Error: --fail-on: unknown severity \"all\"; give error, warning or note\n"},
		{"cyan validate good --ignore-kinds *", "", 2, "", "Error: --ignore-kinds: \"*\" is not a kind; name each kind, as Kind, GROUP/Kind or GROUP/VERSION/Kind\n"},
		{"cyan validate good --kube-version 1.24", "", 2, "", "Error: --kube-version: no rules for version \"1.24\"; give one from 1.25 to 1.37\n"},
		{"cyan validate good --repo https://git.example/x", "", 2, "", "Error: --repo: given together with paths of this machine; leave one out, and name the folder in the repository by --path\n"},
		{"cyan validate --revision main", "", 2, "", "Error: --revision, --path: given without a repository; name it by --repo\n"},
		{"cyan validate good --live", "", 2, "", "…"},
		{"cyan validate twice/a.yaml twice/b.yaml", "", 0, "twice/b.yaml:1:1: warning: ConfigMap default/x is given by twice/a.yaml:1 as well; the last one is used; keep one of them [repeated-object]\n", "2 objects, 1 warning\n"},
		{"cyan validate -n other twice/a.yaml twice/b.yaml", "", 0, "", "2 objects, nothing found\n"},
		{"cyan validate - --fix -y", goodConfigMap, 2, "", "Error: --fix: given for standard input; name the files that are to be written\n"},
		{"cyan validate good --fix", "", 0, "", "nothing that can be corrected without guessing\n"},
	} {
		code, stdout, stderr := runLine(t, c.input, c.line)
		if code != c.code || stdout != c.stdout && (c.stdout != "…" || stdout == "") || stderr != c.stderr && (c.stderr != "…" || stderr == "") {
			t.Errorf("%s < %q:\ngot  %d %q %q\nwant %d %q %q", c.line, c.input, code, stdout, stderr, c.code, c.stdout, c.stderr)
		}
	}
}

// Each format has the finding with its place.
func TestValidateFormats(t *testing.T) {
	inFolder(t, manifestsToCheck)
	code, stdout, _ := runLine(t, "", "cyan validate bad -o json")
	var report struct {
		Objects  int
		Findings []struct {
			Rule, Severity, File, Object, Field, Cause, Remedy string
			Line, Column                                       int
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 1 || report.Objects != 2 || len(report.Findings) != 1 {
		t.Fatalf("json: got %d, %v, %s", code, err, stdout)
	}
	if f := report.Findings[0]; f.Rule != "unsupported-value" || f.Severity != "error" || f.File != "bad/kustomization.yaml" || f.Line != 13 || f.Column != 13 || f.Remedy == "" || f.Object != "Deployment web" {
		t.Errorf("json: got %+v", f)
	}
	if code, stdout, _ = runLine(t, "", "cyan validate good -o json"); code != 0 || !strings.Contains(stdout, `"findings": []`) {
		t.Errorf("json of nothing: got %d, %s", code, stdout)
	}

	code, stdout, _ = runLine(t, "", "cyan validate bad -o sarif")
	var sarif struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID, Level       string
				PartialFingerprints map[string]string
				Locations           []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI, URIBaseID string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &sarif); err != nil || code != 1 || sarif.Version != "2.1.0" || len(sarif.Runs) != 1 || len(sarif.Runs[0].Results) != 1 {
		t.Fatalf("sarif: got %d, %v, %s", code, err, stdout)
	}
	result := sarif.Runs[0].Results[0]
	at := result.Locations[0].PhysicalLocation
	if result.RuleID != "unsupported-value" || result.Level != "error" || at.ArtifactLocation.URI != "bad/kustomization.yaml" || at.Region.StartLine != 13 || result.PartialFingerprints["primaryLocationLineHash"] == "" {
		t.Errorf("sarif: got %+v", result)
	}
	known := false
	for _, rule := range sarif.Runs[0].Tool.Driver.Rules {
		known = known || rule.ID == result.RuleID
	}
	if !known {
		t.Errorf("sarif: %s is no rule of the driver", result.RuleID)
	}

	code, stdout, _ = runLine(t, "", "cyan validate bad -o github")
	if want := "::error file=bad/kustomization.yaml,line=13,endLine=13,col=13,title=unsupported-value::Deployment web: spec.template"; code != 1 || !strings.HasPrefix(stdout, want) {
		t.Errorf("github: got %d, %s, want %s", code, stdout, want)
	}

	code, stdout, _ = runLine(t, "", "cyan validate bad -o junit")
	var suites struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Failure []struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(stdout), &suites); err != nil || code != 1 || len(suites.Suites) != 1 || suites.Suites[0].Tests != 2 || suites.Suites[0].Failures != 1 {
		t.Errorf("junit: got %d, %v, %s", code, err, stdout)
	}
}

// More findings than are shown beside the code are in the summary of the step.
func TestValidateSummaryOfAStep(t *testing.T) {
	inFolder(t, "-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"+strings.Repeat("a|b%: x\n", 1))
	var manifest strings.Builder
	manifest.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	for _, c := range "abcdefghijkl" {
		manifest.WriteString("un" + string(c) + ": x\n")
	}
	summary := filepath.Join(t.TempDir(), "summary.md")
	t.Setenv("GITHUB_STEP_SUMMARY", summary)
	if code, stdout, _ := runLine(t, manifest.String(), "cyan validate - -o github"); code != 1 || strings.Count(stdout, "::error ") != 12 {
		t.Errorf("got %d, %s", code, stdout)
	}
	if data, err := os.ReadFile(summary); err != nil || strings.Count(string(data), "| error |") != 12 {
		t.Errorf("got %v, %s", err, data)
	}
}

// A repository is read at a revision, without a checkout.
func TestValidateRepository(t *testing.T) {
	inFolder(t, manifestsToCheck)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"init -q -b main", "add -A", "-c user.name=a -c user.email=a@example -c commit.gpgsign=false commit -qm first"} {
		git(t, dir, strings.Fields(args)...)
	}
	if err := os.RemoveAll("bad"); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := runLine(t, "", "cyan validate --repo file://"+dir+" --revision main --path bad")
	if code != 1 || !strings.HasPrefix(stdout, "bad/kustomization.yaml:13:13: error: Deployment web: ") || stderr != "2 objects, 1 error\n" {
		t.Errorf("got %d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := runLine(t, "", "cyan validate --repo file://"+dir+" --revision nowhere --path bad"); code != 2 || stderr == "" {
		t.Errorf("a revision that is not there: got %d, %q", code, stderr)
	}
	if code, stdout, _ := runLine(t, "", "cyan validate --repo file://"+dir); code != 2 || stdout != ".: error: no objects to validate; name a folder of the repository that has manifests by --path [no-objects]\n" {
		t.Errorf("without a folder: got %d, %q", code, stdout)
	}
	if code, _, stderr := runLine(t, "", "cyan validate -R --repo file://"+dir); code != 2 || stderr != "Error: --recursive: given for a repository elsewhere; name each folder by --path, or check it out\n" {
		t.Errorf("all that is below: got %d, %q", code, stderr)
	}
}

// git runs git in a directory.
func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// What the cluster would take and cannot work is printed all the same, with a warning beside.
func TestRenderWarns(t *testing.T) {
	inFolder(t, manifestsToCheck+"-- typo/kustomization.yaml --\nresources: [../base]\nimages: [{name: wbe, newTag: v2}]\n")
	for _, c := range []struct{ line, want string }{
		{"cyan render good", ""},
		{"cyan render typo", "warning: base/all.yaml:22: Deployment web: spec.template.spec.containers[0].image: no entry of images in the kustomization is for \"web\"; an entry of images is for wbe: write the same name in both\n" +
			"warning: typo/kustomization.yaml:2: images: no image has the name \"wbe\"; did you mean web?\n"},
	} {
		code, stdout, stderr := runLine(t, "", c.line)
		if code != 0 || !strings.Contains(stdout, "kind: Deployment") || stderr != c.want {
			t.Errorf("%s: exit code %d, %q, and\n%swant\n%s", c.line, code, stdout, stderr, c.want)
		}
	}
}
