package project_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// TestOrphans: of which objects a project wants to be warned.
func TestOrphans(t *testing.T) {
	configMap := plan.Key{Kind: "ConfigMap", Namespace: "d", Name: "lost"}
	job := plan.Key{Group: "batch", Kind: "Job", Namespace: "d", Name: "lost"}
	for _, c := range []struct {
		name, spec string
		warns      bool
		// ignored are the kinds of the objects that are left out.
		ignored, err string
	}{
		{name: "does not ask"},
		{name: "asks", spec: "{}", warns: true},
		{name: "asks in words", spec: `{"warn": true}`, warns: true},
		{name: "asks not to be warned", spec: `{"warn": false}`},
		{name: "by group and kind", spec: `{"ignore": [{"group": "batch", "kind": "Job"}]}`, warns: true, ignored: "Job"},
		{name: "by group", spec: `{"ignore": [{"group": "batch"}]}`, warns: true, ignored: "Job"},
		{name: "of the core by its kind", spec: `{"ignore": [{"kind": "ConfigMap"}]}`, warns: true, ignored: "ConfigMap"},
		{name: "of another group by its kind", spec: `{"ignore": [{"kind": "Job"}]}`, warns: true},
		{name: "by name", spec: `{"ignore": [{"group": "*", "name": "lo*"}]}`, warns: true, ignored: "ConfigMap Job"},
		{name: "by another name", spec: `{"ignore": [{"group": "*", "name": "found"}]}`, warns: true},
		{name: "by the second of two", spec: `{"ignore": [{"group": "x"}, {"group": "b*"}]}`, warns: true, ignored: "Job"},
		{name: "a kind that can't be read", spec: `{"ignore": [{"kind": "[a"}]}`, err: "AppProject p: spec.orphanedResources.ignore[0].kind: "},
		{name: "not what it should be", spec: `{"ignore": "x"}`, err: "AppProject p: spec.orphanedResources: "},
	} {
		p := &v1alpha1.AppProject{}
		p.Name = "p"
		if c.spec != "" {
			p.Spec.OrphanedResources = &runtime.RawExtension{Raw: []byte(c.spec)}
		}
		orphans, warns, err := project.OrphansOf(p)
		if warns != c.warns || (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("%s: got %v, %v; want %v, %q", c.name, warns, err, c.warns, c.err)
		}
		var ignored []string
		for _, key := range []plan.Key{configMap, job} {
			if orphans.Ignores(key) {
				ignored = append(ignored, key.Kind)
			}
		}
		if got := strings.Join(ignored, " "); got != c.ignored {
			t.Errorf("%s: ignores %q, want %q", c.name, got, c.ignored)
		}
	}
}
