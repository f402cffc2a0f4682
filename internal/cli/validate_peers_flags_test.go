package cli_test

import (
	"strings"
	"testing"
)

// What helm prints: two objects of two templates, one of them invalid.
const chart = "---\n# Source: shop/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n# Source: shop/templates/b.yaml\n# of the shop\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: 1}\n"

// Each flag of the programs is honoured, or named as one that has no effect.
func TestPeersNothingInSilence(t *testing.T) {
	inFolder(t, manifestsToCheck)
	const invalid = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}\n"
	const widget = "WARN - own/custom.yaml contains an invalid Widget (w) - line 4: spec.size: must be of type integer, and is of type string; write it without quotes\n"
	const firstOfKubeval = "WARN - stdin contains an invalid ConfigMap (a) - line 4: data[a]: must be text, and is the number 1; put it in quotes\n"
	const firstOfKubeconform = "stdin - ConfigMap a is invalid: problem validating schema: line 4: data[a]: must be text, and is the number 1; put it in quotes\n"
	const pass = "PASS - stdin contains a valid ConfigMap (a)\n"
	for _, c := range []struct {
		line, input    string
		code           int
		stdout, stderr string
	}{
		{"kubeval --force-color", goodConfigMap, 0, pass, "note: --force-color has no effect: the output has no colors\n"},
		{"kubeval --openshift", goodConfigMap, 0, pass, "note: --openshift has no effect: the kinds of OpenShift are not built in; a folder with their schemas is given by --schema-location\n"},
		{"kubeval --insecure-skip-tls-verify", goodConfigMap, 0, pass, "note: --insecure-skip-tls-verify has no effect: nothing is fetched\n"},
		{"kubeval --insecure-skip-tls-verify=false", goodConfigMap, 0, pass, ""},
		{"kubeval -s https://schemas.example", goodConfigMap, 0, pass, "note: https://schemas.example is not fetched: the rules of Kubernetes are built in, and a folder has those of other kinds\n"},
		{"kubeval --quiet -s https://schemas.example --force-color", goodConfigMap, 0, pass, ""},
		{"kubeval --additional-schema-locations crds own/custom.yaml", "", 1, widget, ""},
		{"kubeval --exit-on-error", invalid + "---\n" + strings.Replace(invalid, "name: a", "name: b", 1), 1, firstOfKubeval, ""},
		{"kubeval --exit-on-error yaml/a.yaml base/all.yaml", "", 1, "ERR  - yaml/a.yaml: line 2: invalid YAML: mapping values are not allowed in this context; correct it\n", ""},
		{"kubeval --exit-on-error base/all.yaml", "", 0, "PASS - base/all.yaml contains a valid Service (web)\nPASS - base/all.yaml contains a valid Deployment (web)\n", ""},
		{"kubeval -d base -i nothing --ignored-filename-patterns kustomization", "", 0, "PASS - base/all.yaml contains a valid Service (web)\nPASS - base/all.yaml contains a valid Deployment (web)\n", ""},
		{"kubeval -d base --ignored-filename-patterns kustomization --ignored-path-patterns nothing", "", 0, "PASS - base/all.yaml contains a valid Service (web)\nPASS - base/all.yaml contains a valid Deployment (web)\n", ""},
		{"kubeval -o text", goodConfigMap, 0, pass, ""},
		{"kubeval -o yaml", goodConfigMap, 2, "", "Error: --output: unknown format \"yaml\"; give one of stdout, json, tap or junit\n"},
		{"kubeval", chart, 1, "PASS - shop/templates/a.yaml contains a valid ConfigMap (a)\nWARN - shop/templates/b.yaml contains an invalid ConfigMap (b) - line 12: data[a]: must be text, and is the number 1; put it in quotes\n", ""},

		{"kubeconform -debug", goodConfigMap, 0, "", "note: --debug has no effect: nothing more is known than what is printed\n"},
		{"kubeconform -insecure-skip-tls-verify", goodConfigMap, 0, "", "note: --insecure-skip-tls-verify has no effect: nothing is fetched\n"},
		{"kubeconform -cache /tmp", goodConfigMap, 0, "", "note: --cache has no effect: nothing is fetched\n"},
		{"kubeconform -n 8", goodConfigMap, 0, "", "note: -n has no effect: objects are checked one after the other\n"},
		{"kubeconform -exit-on-error", invalid + "---\n" + strings.Replace(invalid, "name: a", "name: b", 1), 1, firstOfKubeconform, ""},
		{"kubeconform -output pretty -verbose", goodConfigMap, 0, "✔ stdin: ConfigMap a is valid\n", ""},
		{"kubeconform -output pretty", invalid, 1, "✖ stdin: ConfigMap a is invalid: problem validating schema: line 4: data[a]: must be text, and is the number 1; put it in quotes\n", ""},
		{"kubeconform -output pretty -verbose -skip ConfigMap", goodConfigMap, 0, "- stdin: ConfigMap a skipped\n", ""},
		{"kubeconform -output pretty", "", 1, "✖ stdin: failed validation: no objects to validate; what writes into a file by > leaves nothing to read: write `| tee FILE |` for it\n", ""},
		{"kubeconform -output yaml", goodConfigMap, 2, "", "Error: --output: unknown format \"yaml\"; give one of text, pretty, json, tap or junit\n"},
		{"kubeconform -ignore-filename-pattern ^base/k[a-z]{1,40}[.] base", "", 0, "", ""},
	} {
		code, stdout, stderr := runLine(t, c.input, c.line)
		if code != c.code || stdout != c.stdout || stderr != c.stderr {
			t.Errorf("%s < %q:\ngot  %d %q %q\nwant %d %q %q", c.line, c.input, code, stdout, stderr, c.code, c.stdout, c.stderr)
		}
	}
}

// kubeval reads two of its flags from the environment as well.
func TestKubevalEnvironment(t *testing.T) {
	inFolder(t, manifestsToCheck)
	t.Setenv("KUBEVAL_SCHEMA_LOCATION", "crds")
	t.Setenv("KUBEVAL_FILENAME", "app.yaml")
	for _, c := range []struct{ line, want string }{
		{"kubeval", "PASS - app.yaml contains a valid ConfigMap (a)\n"},
		{"kubeval -f other.yaml", "PASS - other.yaml contains a valid ConfigMap (a)\n"},
		{"kubeval own/custom.yaml", "WARN - own/custom.yaml contains an invalid Widget (w) - line 4: spec.size: must be of type integer, and is of type string; write it without quotes\n"},
		{"kubeval --quiet -s https://schemas.example --ignore-missing-schemas own/custom.yaml", "WARN - own/custom.yaml containing a Widget (w) was not validated against a schema\n"},
	} {
		if _, stdout, stderr := runLine(t, goodConfigMap, c.line); stdout != c.want || stderr != "" {
			t.Errorf("%s: got %q %q, want %q", c.line, stdout, stderr, c.want)
		}
	}
}
