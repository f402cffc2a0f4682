package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cyan-cd/cyan/internal/deliver"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// Ten commits are delivered at once by ten runs that share nothing but the folder of mirrors, the newest first.
func TestTenAtOnce(t *testing.T) {
	const runs = 10
	repo, host, dir := testkit.GitRepo(t), registryHost(t), t.TempDir()
	repo.Commit(files())
	var commits []string
	for i := range runs {
		commits = append(commits, repo.Commit(map[string]string{"main.go": fmt.Sprintf("package main\n\nfunc main() { println(%d) }\n", i+1)}))
	}
	var all sync.WaitGroup
	results := make([]deliver.Result, runs)
	// None builds before all have come: a run that comes after a newer one has landed is stale, which is another
	// test.
	var come sync.WaitGroup
	come.Add(runs)
	wait := come.Wait
	for i := range slices.Backward(commits) {
		o := options(t, repo, host)
		o.Revision, o.Mirrors = commits[i], mirrors(t, dir)
		all.Go(func() {
			var err error
			come := sync.OnceFunc(come.Done)
			defer come()
			results[i], err = deliver.Run(t.Context(), o, func(e deliver.Event) {
				if e.Step == delivery.Build && e.Took == 0 {
					come()
					wait()
				}
			})
			if err != nil {
				t.Errorf("commit %d: %v", i, err)
			}
		})
	}
	all.Wait()
	for i, r := range results {
		if r.Verdict != delivery.Commit {
			t.Errorf("commit %d: %s %s", i, r.Verdict, r.Reason)
		}
	}
	landed := strings.Fields(repo.Served("log", "--reverse", "--format=%(trailers:key=Source-Commit,valueonly)", "main"))
	if !slices.Equal(landed, commits) {
		t.Errorf("landed\n%s\nof\n%s", strings.Join(landed, "\n"), strings.Join(commits, "\n"))
	}
	if got := repo.Served("show", "main:"+overlay+"/kustomization.yaml"); !strings.Contains(got, strings.TrimPrefix(results[runs-1].Image, host+"/team/app@")) {
		t.Error(got)
	}
}

// Runs on ten machines see nothing of one another but the branch. Each lands in its order or stops as stale, and the
// newest is deployed in the end.
func TestTenMachinesAtOnce(t *testing.T) {
	const runs = 10
	repo, host := testkit.GitRepo(t), registryHost(t)
	repo.Commit(files())
	var commits []string
	for i := range runs {
		commits = append(commits, repo.Commit(map[string]string{"main.go": fmt.Sprintf("package main\n\nfunc main() { println(%d) }\n", i+1)}))
	}
	var all sync.WaitGroup
	results := make([]deliver.Result, runs)
	for i := range commits {
		o := options(t, repo, host)
		o.Revision = commits[i]
		all.Go(func() {
			var err error
			if results[i], err = deliver.Run(t.Context(), o, nil); err != nil {
				t.Errorf("commit %d: %v", i, err)
			}
		})
	}
	all.Wait()
	var want []string
	for i, r := range results {
		switch {
		case r.Verdict == delivery.Commit:
			want = append(want, commits[i])
		case r.Verdict != delivery.Stale || i == runs-1:
			t.Errorf("commit %d: %s %s", i, r.Verdict, r.Reason)
		}
	}
	landed := strings.Fields(repo.Served("log", "--reverse", "--format=%(trailers:key=Source-Commit,valueonly)", "main"))
	if !slices.Equal(landed, want) {
		t.Errorf("landed\n%s\nof\n%s", strings.Join(landed, "\n"), strings.Join(want, "\n"))
	}
}

func TestStaleRunStops(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	old := repo.Commit(files())
	repo.Commit(map[string]string{"main.go": "package main\n\nfunc main() { println(1) }\n"})
	newer, err := deliver.Run(t.Context(), options(t, repo, host), nil)
	if err != nil || newer.Landed == "" {
		t.Fatal(newer, err)
	}
	o := options(t, repo, host)
	o.Revision = old
	stale, err := deliver.Run(t.Context(), o, nil)
	if err != nil || stale.Verdict != delivery.Stale || stale.Image != "" || tip(repo) != newer.Landed {
		t.Errorf("%+v, %v", stale, err)
	}
}

func TestInterruptedRunLeavesNothing(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	sha := repo.Commit(files())
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := deliver.Run(ctx, options(t, repo, host), func(e deliver.Event) {
		if e.Step == delivery.Build {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "cyan-build-*")); len(left) > 0 || tip(repo) != sha {
		t.Error(left, tip(repo))
	}
}
