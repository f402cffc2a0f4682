package deliver_test

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/cyan-cd/cyan/internal/deliver"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/source"
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

// What the cluster would take of the overlay and cannot work is delivered, and said.
func TestWhatCannotWork(t *testing.T) {
	repo, host := testkit.GitRepo(t), registryHost(t)
	all := files()
	all["k8s/base/kustomization.yaml"] = "resources: [deployment.yaml, service.yaml]\n"
	all["k8s/base/service.yaml"] = "apiVersion: v1\nkind: Service\nmetadata: {name: app}\nspec: {selector: {app: ap}, ports: [{port: 80}]}\n"
	repo.Commit(all)
	result, err := deliver.Run(t.Context(), options(t, repo, host), nil)
	const want = "k8s/base/service.yaml:4: Service app: spec.selector: no pod among the objects has the labels app=ap; correct the selector: those of Deployment app have app=app"
	if err != nil || result.Verdict != delivery.Commit || len(result.Warnings) != 1 || result.Warnings[0] != want {
		t.Errorf("got %s with %q, %v; want it committed, with the warning %s", result.Verdict, result.Warnings, err, want)
	}
}

// A CI job without a checkout names the repository, and commits to the branch that it builds.
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
