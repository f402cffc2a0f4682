package source_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// Every question to a host is told, with how it went, and without a credential.
func TestQuestionsToHostsAreTold(t *testing.T) {
	const secret = "s3cret-of-ada"
	repo := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": secret}})
	sha := repo.Commit(map[string]string{"a": "1"})
	var mu sync.Mutex
	var told []string
	m := open(t, source.Options{Asked: func(a source.Asked) {
		mu.Lock()
		defer mu.Unlock()
		line := a.Operation
		if a.Failed {
			line += " failed"
		}
		if strings.Contains(a.Repository, secret) || !strings.HasSuffix(repo.URL, strings.TrimPrefix(a.Repository, "http://")) || a.Took <= 0 {
			t.Errorf("got %+v of %s", a, repo.URL)
		}
		told = append(told, line)
	}})
	if _, err := m.Resolve(t.Context(), source.Repository{URL: repo.URL}, "main"); err == nil {
		t.Error("resolved without a password")
	}
	with := source.Repository{URL: strings.Replace(repo.URL, "http://", "http://ada:"+secret+"@", 1)}
	must(t, readA(t.Context(), m, with, sha, "1"))
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"ls-remote failed", "ls-remote", "fetch"} {
		if !slices.Contains(told, want) {
			t.Errorf("got %q, want %q among them", told, want)
		}
	}
}
