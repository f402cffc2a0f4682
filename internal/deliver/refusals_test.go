package deliver_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/deliver"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

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
		{"an image of the same repository that a base sets", map[string]string{
			"k8s/base/kustomization.yaml":   "resources: [deployment.yaml, worker.yaml]\nimages: [{name: worker, newName: " + host + "/team/app, newTag: v1}]\n",
			"k8s/base/worker.yaml":          strings.NewReplacer("name: app", "name: worker", "image: app", "image: worker").Replace(deployment),
			overlay + "/kustomization.yaml": "resources: [../../base]\nimages: [{name: app, newName: " + host + "/team/app}]\n",
		}, func(o *deliver.Options) { o.Image = host + "/team/app" }, []string{overlay, `image "app" would be set`, host + "/team/app:v1 of the same repository would stay", "--image app="}},
		{"a registry that refuses, known before anything is compiled", map[string]string{"main.go": "package main\n\nfunc main() { undefined() }\n"},
			func(o *deliver.Options) { o.Image = "app=" + refusing(t) + "/team/app" }, []string{"team/app", "403", "you may not push here"}},
		{"a registry that is away, known before anything is compiled", map[string]string{"main.go": "package main\n\nfunc main() { undefined() }\n"},
			func(o *deliver.Options) { o.Image = "app=127.0.0.1:1/team/app" }, []string{"127.0.0.1:1/team/app", "connection refused"}},
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
