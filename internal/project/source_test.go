package project_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/project"
)

const (
	ours   = "https://git.example/team-a/shop"
	theirs = "https://git.example/team-b/shop"
)

func from(url string) v1alpha1.ApplicationSource { return v1alpha1.ApplicationSource{RepoURL: url} }

func brings(one *v1alpha1.ApplicationSource, several ...v1alpha1.ApplicationSource) *v1alpha1.Operation {
	return &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Source: one, Sources: several}}
}

// Every way in which an Application can name a source is judged by its project.
func TestPermitSync(t *testing.T) {
	our, their := from(ours), from(theirs)
	list := func(s ...v1alpha1.ApplicationSource) []v1alpha1.ApplicationSource { return s }
	rollback := func(entry v1alpha1.RevisionHistory) *v1alpha1.Operation {
		return action.RollBack(&v1alpha1.Application{}, entry, v1alpha1.OperationInitiator{})
	}
	for name, c := range map[string]struct {
		source    *v1alpha1.ApplicationSource
		sources   []v1alpha1.ApplicationSource
		operation *v1alpha1.Operation
		// permits is the URL that may be rendered; refuses is the field that a violation names.
		permits, refuses string
	}{
		"the spec's":                             {source: &our, permits: ours},
		"another team's":                         {source: &their, refuses: "spec.source"},
		"a list of one":                          {sources: list(our), permits: ours},
		"a list of another team's":               {sources: list(their), refuses: "spec.source"},
		"one of several":                         {sources: list(our, their), refuses: "spec.source"},
		"several, of which none is the one":      {sources: list(our, our)},
		"none":                                   {},
		"an operation without a source":          {source: &our, operation: brings(nil), permits: ours},
		"an operation that is not a sync":        {source: &our, operation: &v1alpha1.Operation{}, permits: ours},
		"an operation's own":                     {source: &our, operation: brings(&our), permits: ours},
		"an operation's, of another team":        {source: &our, operation: brings(&their), refuses: "operation.sync.source"},
		"an operation's list":                    {source: &our, operation: brings(nil, our), permits: ours},
		"an operation's list of another team's":  {source: &our, operation: brings(nil, their), refuses: "operation.sync.source"},
		"an operation's list behind its source":  {source: &our, operation: brings(&our, their), refuses: "operation.sync.source"},
		"one of an operation's several":          {source: &our, operation: brings(nil, our, their), refuses: "operation.sync.source"},
		"another team's behind a permitted one":  {source: &their, operation: brings(&our), refuses: "spec.source"},
		"a rollback":                             {source: &our, operation: rollback(v1alpha1.RevisionHistory{Source: &our}), permits: ours},
		"a rollback to another team's":           {source: &our, operation: rollback(v1alpha1.RevisionHistory{Source: &their}), refuses: "operation.sync.source"},
		"a rollback to a list of another team's": {source: &our, operation: rollback(v1alpha1.RevisionHistory{Sources: list(their)}), refuses: "operation.sync.source"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: v1alpha1.AppProjectSpec{SourceRepos: []string{"https://git.example/team-a/*"}}}
			app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: v1alpha1.ApplicationSpec{Source: c.source, Sources: c.sources}, Operation: c.operation}
			got, violations := project.PermitSync(p, app)
			if url := got.Source().RepoURL; url != c.permits {
				t.Errorf("permitted is %q, want %q", url, c.permits)
			}
			if (got.Project() == "a") != (c.permits != "") {
				t.Errorf("permitted by project %q", got.Project())
			}
			if c.refuses == "" && len(violations) > 0 || c.refuses != "" && len(violations) != 1 {
				t.Fatalf("violations are %v, want one of %q", violations, c.refuses)
			}
			if c.refuses != "" {
				want := "Application shop: " + c.refuses + ": repository " + theirs + " is not permitted in project a, no pattern permits it; add it to the project's sourceRepos"
				if violations[0].String() != want {
					t.Errorf("got %q, want %q", violations[0], want)
				}
			}
		})
	}
}

func TestPermitSource(t *testing.T) {
	const url = "https://git.example/team/shop.git"
	for _, raw := range []string{"https://git.example/team/../other/shop", "https://git.example/team/%2e%2e/other/shop", "https://2130706433/team/shop", "-x", "/srv/team/shop"} {
		p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{SourceRepos: []string{"https://git.example/team/*"}}}
		if got, no := project.PermitSource(p, from(raw)); no == nil || got.Source().RepoURL != "" {
			t.Errorf("%s: permitted, want it refused", raw)
		}
	}
	for _, c := range []struct {
		name    string
		repos   []string
		permits bool
	}{
		{"everything", []string{"*"}, true},
		{"a pattern", []string{"https://git.example/team/*"}, true},
		{"the same repository without .git", []string{"https://git.example/team/shop"}, true},
		{"a star is one part of a path", []string{"https://git.example/*"}, false},
		{"another spelling", []string{"HTTPS://Git.Example:443/team/shop/"}, true},
		{"another repository", []string{"https://other.example/*"}, false},
		{"one that is denied", []string{"*", "!https://GIT.example:443/team/*"}, false},
		{"none", nil, false},
		{"a pattern that can't be read", []string{"["}, false},
	} {
		got, no := project.PermitSource(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{SourceRepos: c.repos}}, from(url))
		if (no == nil) != c.permits || (got.Source().RepoURL == url) != c.permits {
			t.Errorf("%s: %v, %v; want it permitted: %v", c.name, got, no, c.permits)
		}
		if no != nil && !strings.Contains(no.Remedy, "sourceRepos") {
			t.Errorf("%s: the remedy is %q, want it to name sourceRepos", c.name, no.Remedy)
		}
	}
}
