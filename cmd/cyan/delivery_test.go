package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/cyan-cd/cyan/internal/deliver"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// asProgram makes the test binary be cyan itself.
const asProgram = "CYAN_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	testkit.Main(m)
}

// program prepares a call of cyan, as a process of its own that knows of no cluster.
func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asProgram+"=1", "KUBECONFIG="+os.DevNull, "XDG_DATA_HOME="+t.TempDir(), "TERM=dumb")
	return cmd
}

const overlay = "k8s/overlays/local"

func shop(version int) map[string]string {
	return map[string]string{
		"go.mod":                        "module example.com/shop\n\ngo 1.26\n",
		"main.go":                       fmt.Sprintf("package main\n\nfunc main() { println(%d) }\n", version),
		"k8s/base/kustomization.yaml":   "resources: [pod.yaml]\n",
		"k8s/base/pod.yaml":             "apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n    - name: shop\n      image: shop\n",
		overlay + "/kustomization.yaml": "resources: [../../base]\nimages:\n  - name: shop\n    newName: old/shop\n    newTag: v0\n",
	}
}

// gatheringRegistry keeps every tag waiting until so many have come, but no longer than a minute.
func gatheringRegistry(t *testing.T, tags int) string {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	var mu sync.Mutex
	come := map[string]bool{}
	all := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tag := path.Base(r.URL.Path); r.Method == http.MethodPut && len(tag) == 40 {
			mu.Lock()
			come[tag] = true
			if len(come) == tags {
				select {
				case <-all:
				default:
					close(all)
				}
			}
			mu.Unlock()
			select {
			case <-all:
			case <-time.After(time.Minute):
			}
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// Ten CI jobs on one machine deliver ten commits at once: all land, in the order of the commits, by nothing but what
// the processes share on disk.
func TestTenProcessesAtOnce(t *testing.T) {
	const jobs = 10
	repo := testkit.GitRepo(t)
	host, mirrors := gatheringRegistry(t, jobs), t.TempDir()
	repo.Commit(shop(0))
	var commits []string
	for i := range jobs {
		commits = append(commits, repo.Commit(map[string]string{"main.go": shop(i + 1)["main.go"]}))
	}
	var all sync.WaitGroup
	results := make([]deliver.Result, jobs)
	for i, commit := range slices.Backward(commits) {
		cmd := program(t, repo.Dir, "delivery", "run", "--revision", commit, "--image", "shop="+host+"/shop", "--overlay", overlay, "--mirror-dir", mirrors, "--push", "-o", "json")
		all.Go(func() {
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err == nil {
				err = json.Unmarshal(out, &results[i])
			}
			if err != nil {
				t.Errorf("commit %d: %v\n%s%s", i, err, out, stderr.String())
			}
		})
	}
	all.Wait()
	for i, r := range results {
		if r.Verdict != delivery.Commit || r.Source != commits[i] {
			t.Errorf("commit %d: %+v", i, r)
		}
	}
	if landed := strings.Fields(repo.Served("log", "--reverse", "--format=%(trailers:key=Source-Commit,valueonly)", "main")); !slices.Equal(landed, commits) {
		t.Errorf("landed\n%s\nof\n%s", strings.Join(landed, "\n"), strings.Join(commits, "\n"))
	}
	_, digest, _ := strings.Cut(results[jobs-1].Image, "@")
	if got := repo.Served("show", "main:"+overlay+"/kustomization.yaml"); digest == "" || !strings.Contains(got, digest) {
		t.Errorf("%q in\n%s", digest, got)
	}
}

func TestDeliveryAsACommand(t *testing.T) {
	const secret = "s3cret-of-ada"
	repo := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": secret}})
	sha := repo.Commit(shop(0))
	host, mirrors := gatheringRegistry(t, 1), t.TempDir()
	url := strings.Replace(repo.URL, "://", "://ada:"+secret+"@", 1)
	wrong := strings.Replace(repo.URL, "://", "://ada:wr0ng-"+secret+"@", 1)
	run := func(more ...string) []string {
		return append([]string{"delivery", "run", "--image", "shop=" + host + "/shop", "--overlay", overlay, "--mirror-dir", mirrors, "--push"}, more...)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		// stdout and stderr are parts of what is printed.
		stdout, stderr []string
	}{
		{"no image", []string{"delivery", "run", "--overlay", overlay}, 2, nil, []string{"image"}},
		{"a format that is not there", run("-o", "yaml"), 2, nil, []string{"yaml", "json"}},
		{"an author without an address", run("--author", "Ada"), 2, nil, []string{"--author", "NAME <MAIL>"}},
		{"a wrong password", run("--config-repo", wrong), 20, nil, []string{"Error: ", "credentials", "Nothing was committed"}},
		{"a slip of the hand, for a job", run("--config-repo", url, "--image", "shpo="+host+"/shop", "-o", "json"), 20, []string{`"verdict": "Unused"`, `"error": `, "used nowhere"}, []string{"Nothing was committed"}},
		{"a registry that is away", run("--config-repo", url, "--image", "shop=127.0.0.1:1/shop"), 11, nil, []string{"image 127.0.0.1:1/shop:" + sha + ": pushing: ", "check that the registry runs", "Nothing was committed"}},
		{"delivered", run("--config-repo", url, "--author", "Ada <ada@example.com>"), 0, []string{"Delivered " + sha[:12], "no cluster was named"}, []string{"✓ build", "✓ commit"}},
		{"the same again, by URL", run("--repo", url, "--revision", sha), 0, []string{"Nothing to commit for " + sha[:12]}, nil},
		{"its own commit", run("--repo", url, "-o", "json"), 0, []string{`"verdict": "Own"`}, nil},
	} {
		var stdout, stderr bytes.Buffer
		cmd := program(t, repo.Dir, c.args...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != c.code {
			t.Errorf("%s: ended with %d\n%s%s", c.name, code, &stdout, &stderr)
		}
		for out, parts := range map[*bytes.Buffer][]string{&stdout: c.stdout, &stderr: c.stderr} {
			for _, part := range parts {
				if !strings.Contains(out.String(), part) {
					t.Errorf("%s: %q is not in\n%s", c.name, part, out)
				}
			}
		}
		if strings.Contains(stdout.String()+stderr.String(), secret) || bytes.ContainsRune(stderr.Bytes(), '\x1b') {
			t.Errorf("%s: a secret or a colour shows in\n%s%s", c.name, &stdout, &stderr)
		}
	}
	if author := repo.Served("log", "-1", "--format=%an <%ae>", "main"); author != "Ada <ada@example.com>" {
		t.Error(author)
	}
}
