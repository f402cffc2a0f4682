package app

import (
	"strings"
	"testing"
)

// A file is taken with the status that any controller left in it, and with nothing misspelt or said twice in its spec.
func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, document, err string }{
		{"an Application", "{kind: Application, metadata: {name: shop}, spec: {project: p}}", ""},
		{"a status with fields of another controller", "{metadata: {name: shop}, spec: {project: p}, status: {sourceHydrator: {}, health: {status: Healthy}}}", ""},
		{"a misspelt field", "{metadata: {name: shop}, spec: {project: p}, stauts: {}}", `unknown field "stauts"`},
		{"a field twice", "{metadata: {name: shop}, spec: {project: p, project: q}}", "already set in map"},
		{"a status that is none", "{metadata: {name: shop}, spec: {project: p}, status: [1]}", "cannot unmarshal array"},
	} {
		app, err := decode([]byte(c.document))
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.err)
		}
		if err == nil && (app.Name != "shop" || app.Spec.Project != "p") {
			t.Errorf("%s: got %+v", c.name, app)
		}
	}
}
