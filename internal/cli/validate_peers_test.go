package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const nothingRead = "no objects to validate; what writes into a file by > leaves nothing to read: write `| tee FILE |` for it"

// The lines of kubeval and kubeconform as scripts have them.
func TestValidatePeers(t *testing.T) {
	inFolder(t, manifestsToCheck+"-- none/notes.txt --\nno manifest\n")
	const invalid = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}\n"
	const custom = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n"
	for _, c := range []struct {
		line, input string
		code        int
		stdout      string
	}{
		{"kubeval", goodConfigMap, 0, "PASS - stdin contains a valid ConfigMap (a)\n"},
		{"kubeval -", goodConfigMap, 0, "PASS - stdin contains a valid ConfigMap (a)\n"},
		{"kubeval --strict --filename app.yaml", goodConfigMap, 0, "PASS - app.yaml contains a valid ConfigMap (a)\n"},
		{"kubeval", invalid, 1, "WARN - stdin contains an invalid ConfigMap (a) - line 4: data[a]: must be text, and is the number 1; put it in quotes\n"},
		{"kubeval", "", 1, "ERR  - stdin: " + nothingRead + "\n"},
		{"kubeval --ignore-missing-schemas", "", 1, "ERR  - stdin: " + nothingRead + "\n"},
		{"kubeval", custom, 1, "…"},
		{"kubeval --ignore-missing-schemas", custom, 0, "WARN - stdin containing a Widget (w) was not validated against a schema\n"},
		{"kubeval --ignore-missing-schemas", invalid + "---\n" + custom, 1, "…"},
		{"kubeval --skip-kinds Widget", custom, 0, "WARN - stdin containing a Widget (w) was not validated against a schema\n"},
		{"kubeval -s crds own/custom.yaml", "", 1, "WARN - own/custom.yaml contains an invalid Widget (w) - line 4: spec.size: must be of type integer, and is of type string; write it without quotes\n"},
		{"kubeval --output json", invalid, 1, "…"},
		{"kubeval -v 1.18.0 base/all.yaml", "", 0, "PASS - base/all.yaml contains a valid Service (web)\nPASS - base/all.yaml contains a valid Deployment (web)\n"},
		{"kubeval -d crds", "", 0, "PASS - crds/widget.yaml contains a valid CustomResourceDefinition (widgets.example.com)\n"},
		{"kubeval --version", "", 0, "cyan test\n"},
		{"kubeval --nothing", "", 2, ""},
		{"kubeval nowhere.yaml", "", 2, ""},
		{"kubeval yaml/a.yaml", "", 1, "ERR  - yaml/a.yaml: line 2: invalid YAML: mapping values are not allowed in this context; correct it\n"},
		{"kubeval", goodConfigMap + "---\n" + goodConfigMap, 1, "ERR  - stdin: Duplicate resource: ConfigMap default/a is given by stdin.yaml:1 and again by stdin.yaml:5; the last one is used\nPASS - stdin contains a valid ConfigMap (a)\n"},
		{"kubeval twice/a.yaml twice/b.yaml", "", 1, "PASS - twice/a.yaml contains a valid ConfigMap (x)\nERR  - twice/b.yaml: Duplicate 'ConfigMap' resource 'x' in namespace 'default'\nPASS - twice/b.yaml contains a valid ConfigMap (default.x)\n"},
		{"kubeval -n other twice/a.yaml twice/b.yaml", "", 0, "PASS - twice/a.yaml contains a valid ConfigMap (x)\nPASS - twice/b.yaml contains a valid ConfigMap (default.x)\n"},
		{"kubeconform twice/a.yaml twice/b.yaml", "", 0, ""},
		{"kubeval -d base", "", 1, "PASS - base/all.yaml contains a valid Service (web)\nPASS - base/all.yaml contains a valid Deployment (web)\nERR  - base/kustomization.yaml: a kustomization and not an object: check what its folder is built to, as in `kustomize build FOLDER | kubeval`, or leave it out by --ignored-path-patterns kustomization\n"},
		{"kubeval -d base -i kustomization", "", 0, "PASS - base/all.yaml contains a valid Service (web)\nPASS - base/all.yaml contains a valid Deployment (web)\n"},
		{"kubeconform base", "", 1, "base/kustomization.yaml - failed validation: a kustomization and not an object: check what its folder is built to, as in `kustomize build FOLDER | kubeconform`, or leave it out by --ignore-filename-pattern kustomization\n"},
		{"kubeconform empty.yaml", "", 1, "empty.yaml - failed validation: no objects to validate\n"},
		{"kubeval", "- a\n", 1, "ERR  - stdin: line 1: left out: not an object\n"},
		{"kubeconform -summary", goodConfigMap, 0, "Summary: 1 resource parsing stdin - Valid: 1, Invalid: 0, Errors: 0, Skipped: 0\n"},
		{"kubeconform -strict -summary -verbose -", goodConfigMap, 0, "stdin - ConfigMap a is valid\nSummary: 1 resource parsing stdin - Valid: 1, Invalid: 0, Errors: 0, Skipped: 0\n"},
		{"kubeconform --strict", goodConfigMap, 0, ""},
		{"kubeconform", invalid, 1, "stdin - ConfigMap a is invalid: problem validating schema: line 4: data[a]: must be text, and is the number 1; put it in quotes\n"},
		{"kubeconform -summary", "", 1, "stdin - failed validation: " + nothingRead + "\nSummary: 0 resources parsing stdin - Valid: 0, Invalid: 0, Errors: 1, Skipped: 0\n"},
		{"kubeconform -ignore-missing-schemas -summary", custom, 0, "Summary: 1 resource parsing stdin - Valid: 0, Invalid: 0, Errors: 0, Skipped: 1\n"},
		{"kubeconform -summary -schema-location default -schema-location crds own/custom.yaml", "", 1, "own/custom.yaml - Widget w is invalid: problem validating schema: line 4: spec.size: must be of type integer, and is of type string; write it without quotes\nSummary: 1 resource found in 1 file - Valid: 0, Invalid: 1, Errors: 0, Skipped: 0\n"},
		{"kubeconform -reject ConfigMap", goodConfigMap, 1, "stdin - ConfigMap a failed validation: prohibited resource kind ConfigMap\n"},
		{"kubeconform -output tap", invalid, 1, "TAP version 13\n1..1\nnot ok 1 - stdin (ConfigMap): line 4: data[a]: must be text, and is the number 1; put it in quotes\n"},
		{"kubeconform -output junit", invalid, 1, "…"},
		{"kubeconform -output yaml", invalid, 2, ""},
		{"kubeconform -n 8 -kubernetes-version 1.31.0 -summary base", "", 1, "…"},
		{"kubeconform -ignore-filename-pattern kustomization -summary base", "", 0, "Summary: 2 resources found in 1 file - Valid: 2, Invalid: 0, Errors: 0, Skipped: 0\n"},
		{"kubeconform -summary none", "", 1, "none - failed validation: no objects to validate\nSummary: 0 resources found in 1 file - Valid: 0, Invalid: 0, Errors: 1, Skipped: 0\n"},
		{"kubeconform base/all.yaml none", "", 1, "none - failed validation: no objects to validate\n"},
		{"kubeval -d none", "", 1, "ERR  - none: no objects to validate\n"},
		{"kubeconform -summary -ignore-filename-pattern . base", "", 2, ""},
		{"kubeval -d base -i .", "", 2, ""},
		{"kubeconform -v", "", 0, "cyan test\n"},
	} {
		code, stdout, stderr := runLine(t, c.input, c.line)
		if code != c.code || stdout != c.stdout && (c.stdout != "…" || stdout == "") {
			t.Errorf("%s < %q:\ngot  %d %q %q\nwant %d %q", c.line, c.input, code, stdout, stderr, c.code, c.stdout)
		}
		if strings.HasSuffix(c.line, " json") && !json.Valid([]byte(stdout)) {
			t.Errorf("%s: %s is not JSON", c.line, stdout)
		}
	}
}
