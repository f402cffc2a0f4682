package cli_test

import (
	"fmt"
	"strings"
	"testing"
)

// With -R, all kustomizations below a folder are checked that no other is built on, and all files that belong to none;
// what is for other programs is noted.
func TestValidateBelow(t *testing.T) {
	inFolder(t, `
-- app/base/kustomization.yaml --
resources: [a.yaml]
-- app/base/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
dta: {}
-- app/base/unused.yaml --
apiVersion: v1
kind: Nothing
-- app/parts/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches: [{patch: "[{op: remove, path: /data}]", target: {kind: ConfigMap}}]
-- app/one/kustomization.yml --
resources: [../base]
-- app/two/Kustomization --
resources: [../base]
namePrefix: two-
-- plain/b.yaml --
apiVersion: v1
kind: Secret
metadata: {name: b}
strnigData: {}
-- plain/deep/values.yaml --
a: b
-- plain/.hidden/c.yaml --
apiVersion: v1
kind: Nothing
-- node_modules/d.yaml --
apiVersion: v1
kind: Nothing
-- skaffold.yaml --
apiVersion: skaffold/v4beta11
kind: Config
metadata: {name: shop}
-- both/skaffold.yaml --
apiVersion: skaffold/v4beta11
kind: Config
metadata: {name: both}
---
apiVersion: v1
kind: Nothing
metadata: {name: both}
-- only/skaffold.yaml --
apiVersion: skaffold/v4beta11
kind: Config
`)
	const (
		a     = "app/base/a.yaml:4:1: error: ConfigMap %sa: dta: ConfigMap has no field \"dta\"; did you mean data? [unknown-field]\n"
		b     = "plain/b.yaml:4:1: error: Secret b: strnigData: Secret has no field \"strnigData\"; did you mean stringData? [unknown-field]\n"
		other = "skaffold.yaml:1:1: note: skaffold/v4beta11 is for another program than the API server; `cyan skaffold check` checks it [skipped-file]\n"
	)
	both := fmt.Sprintf(a, "") + fmt.Sprintf(a, "two-")
	for _, c := range []struct {
		line   string
		code   int
		stdout string
	}{
		{"cyan validate -R app only plain", 1, both + "only/" + other + b},
		{"cyan validate --recursive app plain", 1, both + b},
		{"cyan validate -R app/one", 1, fmt.Sprintf(a, "")},
		{"cyan validate app", 2, "app: error: no objects to validate; -R checks the kustomizations below it, such as app/one [no-objects]\n"},
		{"cyan validate -R only", 2, "only/" + other},
		{"cyan validate -R plain/deep", 2, "plain/deep: error: no objects to validate; name a kustomization, or a folder that has manifests [no-objects]\n"},
		{"cyan validate -R nowhere", 2, ""},
		{"cyan validate -R plain/b.yaml", 1, b},
		{"cyan validate skaffold.yaml", 1, "skaffold.yaml:2:1: error: Config shop: kind: skaffold/v4beta11 Config is for another program than the API server; `cyan skaffold check` checks it [unknown-kind]\n"},
	} {
		if code, stdout, stderr := runLine(t, "", c.line); code != c.code || stdout != c.stdout {
			t.Errorf("%s: got %d and\n%s%swant %d and\n%s", c.line, code, stdout, stderr, c.code, c.stdout)
		}
	}
	// Beside what is for another program, an object is checked.
	if code, stdout, _ := runLine(t, "", "cyan validate -R ."); code != 1 || !strings.Contains(stdout, both) || !strings.Contains(stdout, b+other) || !strings.Contains(stdout, "both/skaffold.yaml:6:1: error: Nothing both: kind: ") {
		t.Errorf("got %d and\n%swant all of it, and the object in both/skaffold.yaml", code, stdout)
	}
}

// Templates of a chart are no manifests: the chart is named once, and what it has beside them is checked.
func TestValidateBelowCharts(t *testing.T) {
	inFolder(t, `
-- charts/shop/Chart.yaml --
apiVersion: v2
name: shop
annotations: {kind: chart}
-- charts/shop/templates/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {a: 1}
-- charts/shop/templates/deep/cm.yaml --
{{- if .Values.x }}
apiVersion: v1
kind: ConfigMap
{{- end }}
-- charts/shop/templates/plain.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
-- charts/shop/crds/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: 1}
-- charts/old/Chart.yaml --
name: old
-- charts/old/templates/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
-- templates/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
`)
	note := func(chart string) string {
		return chart + "/Chart.yaml:1:1: note: templates of the chart are for Helm, and not checked; check what they make by `helm template " + chart + " | cyan validate -` [skipped-file]\n"
	}
	for _, c := range []struct {
		line string
		code int
		want []string
	}{
		{"cyan validate -R .", 1, []string{note("charts/old"), note("charts/shop"), "charts/shop/crds/cm.yaml:4:8: error: ConfigMap c: data[a]: ", "templates/cm.yaml:1:1: error: invalid YAML: "}},
		{"cyan validate -R charts/old", 2, []string{note("charts/old")}},
		{"cyan validate charts/old/templates/cm.yaml", 1, []string{"charts/old/templates/cm.yaml:3:12: error: ConfigMap {{ .Release.Name }}: metadata.name: "}},
	} {
		code, stdout, stderr := runLine(t, "", c.line)
		found := strings.SplitAfter(strings.TrimSuffix(stdout, "\n"), "\n")
		fits := len(found) == len(c.want)
		for i := 0; fits && i < len(found); i++ {
			fits = strings.HasPrefix(found[i], strings.TrimSuffix(c.want[i], "\n"))
		}
		if code != c.code || !fits {
			t.Errorf("%s: got %d, %s%s, want %d, %q", c.line, code, stdout, stderr, c.code, c.want)
		}
	}
}
