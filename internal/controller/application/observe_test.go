package application

import (
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
)

// TestSourcesThatAreNotServed are told before git is asked, whichever of the fields of spec and operation they stand
// in.
func TestSourcesThatAreNotServed(t *testing.T) {
	git, other := v1alpha1.ApplicationSource{RepoURL: "https://git.example/shop"}, v1alpha1.ApplicationSource{RepoURL: "https://git.example/other"}
	spec := func(one *v1alpha1.ApplicationSource, several ...v1alpha1.ApplicationSource) v1alpha1.ApplicationSpec {
		return v1alpha1.ApplicationSpec{Source: one, Sources: several}
	}
	bring := func(one *v1alpha1.ApplicationSource, several ...v1alpha1.ApplicationSource) *v1alpha1.Operation {
		return &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Source: one, Sources: several}}
	}
	for name, c := range map[string]struct {
		spec      v1alpha1.ApplicationSpec
		operation *v1alpha1.Operation
		source    string
		refused   string
	}{
		"source":                         {spec: spec(&git), source: git.RepoURL},
		"one of sources":                 {spec: spec(nil, git), source: git.RepoURL},
		"the operation's source":         {spec: spec(&git), operation: bring(&other), source: other.RepoURL},
		"the operation's one of sources": {spec: spec(&git), operation: bring(nil, other), source: other.RepoURL},
		"an operation without a sync":    {spec: spec(&git), operation: &v1alpha1.Operation{}, source: git.RepoURL},
		"none":                           {spec: spec(nil), refused: "spec.source is missing; set repoURL, path and targetRevision"},
		"several":                        {spec: spec(nil, git, other), refused: "spec.sources has several sources, and one is served; keep one, or make an Application of each"},
		"several beside a source":        {spec: spec(&git, git, other), refused: "spec.sources has several sources, and one is served; keep one, or make an Application of each"},
		"several of the operation's":     {spec: spec(&git), operation: bring(nil, git, other), refused: "operation.sync.sources has several sources, and one is served; keep one"},
		"several revisions": {
			spec: spec(&git), operation: &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revisions: []string{"a", "b"}}},
			refused: "operation.sync.revisions has several revisions, and one source is served; keep one",
		},
		"no URL": {spec: spec(&v1alpha1.ApplicationSource{Path: "k8s"}), refused: "spec.source.repoURL is empty; set the URL of a git repository"},
		"a registry, which the sync brings": {
			spec: spec(&git), operation: bring(&v1alpha1.ApplicationSource{RepoURL: "oci://registry.example/shop"}),
			refused: "spec.source.repoURL is an OCI registry, and git is served; set the URL of a git repository",
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := &v1alpha1.Application{Spec: c.spec, Operation: c.operation}
			_, err := operation.CheckSource(app)
			if c.refused != "" {
				if err == nil || err.Error() != c.refused {
					t.Errorf("got %v, want %s", err, c.refused)
				}
				return
			}
			if got := wantedSource(app).RepoURL; err != nil || got != c.source {
				t.Errorf("got %s, %v, want %s", got, err, c.source)
			}
		})
	}
}
