package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/cyan-cd/cyan/internal/deliver"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const overlay = "k8s/overlays/local"

// files are a Go program and the manifests that deploy it.
func files() map[string]string {
	return map[string]string{
		"go.mod":                        "module example.com/app\n\ngo 1.26\n",
		"main.go":                       "package main\n\nconst version = 0\n\nfunc main() { println(version) }\n",
		"k8s/base/kustomization.yaml":   "resources: [deployment.yaml]\n",
		"k8s/base/deployment.yaml":      deployment,
		overlay + "/kustomization.yaml": "# The local overlay.\nresources: [../../base]\nimages:\n  - name: app # ours\n    newName: old/app\n    newTag: v0\n",
	}
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
spec:
  selector:
    matchLabels: {app: app}
  template:
    metadata:
      labels: {app: app}
    spec:
      containers:
        - name: app
          image: app
`

func registryHost(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func mirrors(t *testing.T, dir string) *source.Mirrors {
	t.Helper()
	m, err := source.Open(dir, source.Options{LocalDirectories: []string{os.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// options deliver what a repository's clone has checked out.
func options(t *testing.T, repo *testkit.Repo, host string) deliver.Options {
	t.Helper()
	return deliver.Options{
		Repo: repo.Dir, Image: "app=" + host + "/team/app", Overlay: overlay, ConfigRepo: source.Repository{URL: repo.URL}, Branch: "main", Push: true, Mirrors: mirrors(t, t.TempDir()),
	}
}

func tip(repo *testkit.Repo) string { return repo.Served("rev-parse", "main") }

func TestDelivers(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	sha := repo.Commit(files())
	var seen []delivery.Step
	result, err := deliver.Run(t.Context(), options(t, repo, host), func(e deliver.Event) {
		if e.Took > 0 {
			seen = append(seen, e.Step)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Verdict != delivery.Commit || result.Landed != tip(repo) || result.Source != sha || result.Builder != "go" {
		t.Errorf("%+v", result)
	}
	if !slices.Equal(seen, []delivery.Step{delivery.Resolve, delivery.Check, delivery.Build, delivery.Land}) {
		t.Error(seen)
	}
	digest, err := crane.Digest(host + "/team/app:" + sha)
	if err != nil || result.Image != host+"/team/app@"+digest {
		t.Error(result.Image, digest, err)
	}
	want := "-    newName: old/app\n-    newTag: v0\n+    newName: " + host + "/team/app\n+    digest: " + digest
	if diff := repo.Served("show", "--format=", "main"); !strings.Contains(diff, want) || strings.Count(diff, "\n-") != 3 || strings.Count(diff, "\n+") != 3 {
		t.Error(diff)
	}
	if got := repo.Served("log", "-1", "--format=%an|%(trailers:key=Source-Commit,valueonly)%(trailers:key=Image,valueonly)%(trailers:key=Cyan-Delivery,valueonly)", "main"); got != "Cyan|"+sha+"\n"+result.Image+"\n"+overlay+" app" {
		t.Error(got)
	}
	if result.Timeline.Total() == 0 || !slices.ContainsFunc(result.Timeline, func(s delivery.Stage) bool { return s.Step == delivery.Build && s.Took > 0 }) {
		t.Error(result.Timeline)
	}

	// The same once more has nothing to do; what Cyan committed starts nothing.
	again, err := deliver.Run(t.Context(), options(t, repo, host), nil)
	if err != nil || again.Verdict != delivery.Nothing || again.Landed != "" {
		t.Errorf("%+v, %v", again, err)
	}
	repo.Git("pull", "--quiet", "origin", "main")
	own, err := deliver.Run(t.Context(), options(t, repo, host), nil)
	if err != nil || own.Verdict != delivery.Own || own.Image != "" {
		t.Errorf("%+v, %v", own, err)
	}
	if tip(repo) != result.Landed {
		t.Error("something was committed")
	}
}

func TestOneLineChanges(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	repo.Commit(files())
	if _, err := deliver.Run(t.Context(), options(t, repo, host), nil); err != nil {
		t.Fatal(err)
	}
	repo.Git("pull", "--quiet", "origin", "main")
	repo.Commit(map[string]string{"main.go": "package main\n\nfunc main() { println(1) }\n"})
	if _, err := deliver.Run(t.Context(), options(t, repo, host), nil); err != nil {
		t.Fatal(err)
	}
	if stat := repo.Served("show", "--format=", "--numstat", "main"); stat != "1\t1\t"+overlay+"/kustomization.yaml" {
		t.Error(stat)
	}
}

func TestRehearsal(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	sha := repo.Commit(files())
	o := options(t, repo, host)
	o.Push = false
	result, err := deliver.Run(t.Context(), o, nil)
	if err != nil || result.Landed != "" || result.Verdict != delivery.Nothing || !strings.Contains(result.Reason, "with push") {
		t.Errorf("%+v, %v", result, err)
	}
	if tip(repo) != sha {
		t.Error("something was committed")
	}
	if tags, err := crane.ListTags(host + "/team/app"); err == nil {
		t.Error("pushed", tags)
	}
	// It is as strict as the real thing.
	sha = repo.Commit(map[string]string{"k8s/base/deployment.yaml": strings.Replace(deployment, "image: app", "image: app\n          imagePullPolicy: Sometimes", 1)})
	result, err = deliver.Run(t.Context(), o, nil)
	if err == nil || !strings.Contains(err.Error(), "Sometimes") || result.Verdict != delivery.Invalid || tip(repo) != sha {
		t.Errorf("%+v, %v", result, err)
	}
}

// A CI job without a checkout names the repository, and commits to the branch that it builds.
// TestWhatOthersWouldNotSee: a working copy that holds more than the commit is told of, or refused where that is asked.
func TestWhatOthersWouldNotSee(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	repo.Commit(files())
	if err := os.WriteFile(filepath.Join(repo.Dir, "main.go"), []byte("package main // changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(t, repo, host)
	o.RequireClean = true
	if _, err := deliver.Run(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "main.go is not committed") {
		t.Errorf("got %v, want a refusal that names the file", err)
	}
	o.RequireClean = false
	result, err := deliver.Run(t.Context(), o, nil)
	if err != nil || result.Verdict != delivery.Commit || len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "main.go is not committed") {
		t.Errorf("got %+v, %v; want the commit delivered, with a warning", result, err)
	}
}

func TestRepositoryByURL(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	repo.Commit(files())
	repo.Push("HEAD:refs/heads/release")
	o := options(t, repo, host)
	o.Repo, o.ConfigRepo, o.Branch = repo.URL, source.Repository{}, ""
	for _, branch := range []string{"main", "release"} {
		if o.Revision = branch; branch == "main" {
			o.Revision = ""
		}
		result, err := deliver.Run(t.Context(), o, nil)
		if err != nil || result.Verdict != delivery.Commit || result.Landed != repo.Served("rev-parse", branch) {
			t.Errorf("%s: %+v, %v", branch, result, err)
		}
		own, err := deliver.Run(t.Context(), o, nil)
		if err != nil || own.Verdict != delivery.Own {
			t.Errorf("%s: %+v, %v", branch, own, err)
		}
	}
}

// A host that takes the connection and not the commit, as for a protected branch.
func TestProtectedBranch(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	sha := repo.Commit(files())
	hooks := t.TempDir()
	if err := os.WriteFile(filepath.Join(hooks, "pre-receive"), []byte("#!/bin/sh\necho 'main is protected: open a merge request' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	repo.Served("config", "core.hooksPath", hooks)
	o := options(t, repo, host)
	o.ConfigRepo.URL = "file://" + repo.Bare
	_, err := deliver.Run(t.Context(), o, nil)
	if !errors.Is(err, source.ErrPushRefused) || !strings.Contains(err.Error(), "open a merge request") || tip(repo) != sha {
		t.Errorf("%v", err)
	}
}

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

func TestConfigRepositoryOfItsOwn(t *testing.T) {
	code, config, host := testkit.GitRepo(t), testkit.GitRepo(t), registryHost(t)
	sha := code.Commit(files())
	config.Commit(files())
	o := options(t, code, host)
	o.ConfigRepo = source.Repository{URL: config.URL}
	result, err := deliver.Run(t.Context(), o, nil)
	if err != nil || result.Landed != tip(config) || tip(code) != sha {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestNothingIsCommitted(t *testing.T) {
	host := registryHost(t)
	for _, c := range []struct {
		name  string
		files map[string]string
		o     func(*deliver.Options)
		says  []string
	}{
		{"an image that the overlay never uses", nil, func(o *deliver.Options) { o.Image = "apq=" + host + "/team/app" }, []string{overlay, `"apq"`, "used nowhere", "old/app:v0"}},
		{"an overlay that is not there", nil, func(o *deliver.Options) { o.Overlay = "k8s/overlays/locl" }, []string{"k8s/overlays/locl", "kustomization.yaml"}},
		{"an overlay outside", nil, func(o *deliver.Options) { o.Overlay = "../x" }, []string{"outside of the repository"}},
		{"a base image that is nowhere", map[string]string{"Dockerfile": "FROM golang AS b\nCOPY . .\nRUN go build -o /app .\nFROM " + host + "/nowhere:1\nCOPY --from=b /app /app\nENTRYPOINT [\"/app\"]\n"}, nil,
			[]string{":Dockerfile", host + "/nowhere:1", "base images not found"}},
		{"a Dockerfile that fails", map[string]string{"Dockerfile": "FROM scratch\nRUN make\n"}, func(o *deliver.Options) { o.Builder = "buildah" }, []string{":Dockerfile", "make: no rule"}},
		{"nobody to build a Dockerfile", map[string]string{"Dockerfile": "FROM scratch\nRUN make\n"}, func(o *deliver.Options) { o.Builder = "nerdctl" }, []string{"commit ", "nerdctl"}},
		{"code that does not compile", map[string]string{"main.go": "package main\n\nfunc main() { undefined() }\n"}, nil, []string{"undefined"}},
		{"a manifest that is not valid, known before anything is compiled", map[string]string{"main.go": "package main\n\nfunc main() { undefined() }\n", "k8s/base/deployment.yaml": strings.Replace(deployment, "image: app", "image: app\n          imagePullPolicy: Sometimes", 1)}, nil,
			[]string{"k8s/base/deployment.yaml:15", "imagePullPolicy", "Sometimes"}},
		{"a registry that refuses", nil, func(o *deliver.Options) { o.Image = "app=" + refusing(t) + "/team/app" }, []string{"team/app"}},
		{"an image name in capitals", nil, func(o *deliver.Options) { o.Image = "app=" + host + "/Team/App" }, []string{"small letters"}},
		{"a branch that is not there", nil, func(o *deliver.Options) { o.Branch = "release" }, []string{"release"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			repo := testkit.GitRepo(t)
			all := files()
			for name, content := range c.files {
				all[name] = content
			}
			sha := repo.Commit(all)
			o := options(t, repo, host)
			if c.o != nil {
				c.o(&o)
			}
			onlyFailingBuilder(t)
			_, err := deliver.Run(t.Context(), o, nil)
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "cyan-build-") {
				t.Errorf("%q names a folder that is gone", err)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if tip(repo) != sha {
				t.Error("something was committed")
			}
		})
	}
}

// onlyFailingBuilder leaves git and Go on the PATH, and a buildah whose every build fails.
func onlyFailingBuilder(t *testing.T) {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "buildah"), []byte("#!/bin/sh\necho 'make: no rule' >&2\nexit 2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"git", "go"} {
		found, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(found, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
}

// refusing is a registry that lets nobody push.
func refusing(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		http.Error(w, `{"errors":[{"code":"DENIED","message":"you may not push here"}]}`, http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestRefusedCommitSaysSoWithoutSecrets(t *testing.T) {
	repo := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": "s3cret-of-ada"}, PublicRead: true})
	host := registryHost(t)
	sha := repo.Commit(files())
	o := options(t, repo, host)
	o.ConfigRepo.Credentials = source.Credentials{Username: "ada", Password: "wrong-s3cret"}
	_, err := deliver.Run(t.Context(), o, nil)
	if !errors.Is(err, source.ErrDenied) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, o.ConfigRepo), "s3cret") {
		t.Errorf("%v", err)
	}
	if tip(repo) != sha {
		t.Error("something was committed")
	}
}

func TestTheClusterIsAsked(t *testing.T) {
	cluster := testkit.Cluster(t)
	repo, host := testkit.GitRepo(t), registryHost(t)
	all := files()
	sha := repo.Commit(all)
	o := options(t, repo, host)
	o.Cluster, o.ClusterNeeded = cluster.Config, true
	if result, err := deliver.Run(t.Context(), o, nil); err != nil || result.Verdict != delivery.Commit || !strings.Contains(result.Checked, "tried 1 of 1") {
		t.Fatalf("%+v, %v", result, err)
	}
	// Only the API server knows which addresses it gives out. It is asked before the program is compiled, which fails.
	repo.Git("reset", "--quiet", "--hard", sha)
	sha = repo.CommitLocally(map[string]string{
		"main.go":                     "package main\n\nfunc main() { undefined() }\n",
		"k8s/base/kustomization.yaml": "resources: [deployment.yaml, service.yaml]\n",
		"k8s/base/service.yaml":       "apiVersion: v1\nkind: Service\nmetadata:\n  name: app\nspec:\n  clusterIP: 192.0.2.1\n  ports:\n    - port: 80\n",
	})
	repo.Push("--force", "HEAD")
	_, err := deliver.Run(t.Context(), o, nil)
	if err == nil || !strings.Contains(err.Error(), "k8s/base/service.yaml:1") || !strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("%v", err)
	}
	if tip(repo) != sha {
		t.Error("something was committed")
	}
}

func TestAClusterThatIsAway(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	repo.Commit(files())
	o := options(t, repo, host)
	config := *testkit.Cluster(t).Config
	config.Host = "https://127.0.0.1:1"
	o.Cluster, o.ClusterNeeded = &config, true
	if _, err := deliver.Run(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("%v", err)
	}
	o.ClusterNeeded = false
	if result, err := deliver.Run(t.Context(), o, nil); err != nil || result.Verdict != delivery.Commit || !strings.Contains(result.Checked, "could not be asked") {
		t.Errorf("%+v, %v", result, err)
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
