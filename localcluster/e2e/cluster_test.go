// Package e2e checks the program as people use it: by its commands, and by what its clusters do.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/cyan-cd/cyan/localcluster/internal/registry"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// program is the built program; `make test` builds it first.
func program(t testing.TB) string {
	t.Helper()
	path := os.Getenv("CYAN_LOCAL")
	if path == "" {
		path = filepath.Join("..", "..", "bin", "cyan-local")
	}
	abs, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(abs)
	}
	if err != nil {
		t.Fatalf("the program is not built (%v): run `make -C localcluster build OUT=../bin`", err)
	}
	return abs
}

// needReal skips where no real node can be.
func needReal(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("real nodes need root on Linux")
	}
}

// status is what other programs rely on in `status -o json`.
type status struct {
	Ready      bool   `json:"ready"`
	State      string `json:"state"`
	Mode       string `json:"mode"`
	APIServer  string `json:"apiServer"`
	Registry   string `json:"registry"`
	Kubeconfig string `json:"kubeconfig"`
	Supervisor int    `json:"supervisorPid"`
	Parts      []part `json:"parts"`
	Ports      []port `json:"ports"`
	Ingress    struct {
		Port    int  `json:"port"`
		HTTP    bool `json:"http"`
		HTTPS   bool `json:"https"`
		Missing []struct {
			Port   int    `json:"port"`
			Cause  string `json:"cause"`
			Remedy string `json:"remedy"`
		} `json:"missing"`
	} `json:"ingress"`
	Notes []string `json:"notes"`
}

type part struct {
	Name     string    `json:"name"`
	State    string    `json:"state"`
	PID      int       `json:"pid"`
	Restarts int       `json:"restarts"`
	Since    time.Time `json:"since"`
}

type port struct {
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	Pod       string `json:"pod"`
	Type      string `json:"type"`
	Port      int    `json:"port"`
	Address   string `json:"address"`
}

// testCluster is a cluster under a directory of its own, removed at the end of the test.
type testCluster struct {
	t   testing.TB
	dir string
	status
	client kubernetes.Interface
	config *rest.Config
}

// result is how a command ended.
type result struct {
	stdout, stderr string
	code           int
}

func run(t testing.TB, args ...string) result {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	code := 0
	if err != nil {
		if cmd.ProcessState == nil {
			t.Fatalf("running %v: %v", args, err)
		}
		code = cmd.ProcessState.ExitCode()
	}
	return result{out.String(), errs.String(), code}
}

// up starts a cluster, or starts it again.
func (c *testCluster) up(args ...string) {
	c.t.Helper()
	r := run(c.t, append([]string{"up", "--dir", c.dir, "-o", "json"}, args...)...)
	if r.code != 0 {
		c.t.Fatalf("up %v: exit code %d\n%s", args, r.code, r.stderr)
	}
	c.read(r.stdout)
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		c.t.Fatal(err)
	}
	config.QPS = -1
	c.config = config
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		c.t.Fatal(err)
	}
}

func (c *testCluster) read(text string) {
	c.t.Helper()
	c.status = status{}
	if err := json.Unmarshal([]byte(text), &c.status); err != nil {
		c.t.Fatalf("reading the status: %v\n%s", err, text)
	}
}

func (c *testCluster) refresh() *testCluster {
	c.t.Helper()
	r := run(c.t, "status", "--dir", c.dir, "-o", "json")
	if r.code != 0 {
		c.t.Fatalf("status: exit code %d\n%s", r.code, r.stderr)
	}
	c.read(r.stdout)
	return c
}

func newCluster(t testing.TB, args ...string) *testCluster {
	t.Helper()
	c := &testCluster{t: t, dir: filepath.Join(t.TempDir(), "cluster")}
	t.Cleanup(func() {
		if t.Failed() {
			r := run(t, "logs", "--dir", c.dir, "--lines", "15")
			t.Logf("what the parts wrote last:\n%s", r.stdout)
		}
		if r := run(t, "down", "--delete", "--dir", c.dir); r.code != 0 {
			t.Errorf("down --delete: exit code %d\n%s", r.code, r.stderr)
		}
		c.noProcesses()
	})
	c.up(args...)
	return c
}

// eventually polls until check returns nil.
func eventually(t testing.TB, limit time.Duration, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		case <-tick.C:
		}
	}
}

// get fetches a page, on a connection of its own.
func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	return answer(request)
}

func answer(request *http.Request) (string, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(body)))
	}
	return string(body), err
}

var buildProbe = sync.OnceValues(func() (v1.Image, error) {
	dir, err := os.MkdirTemp("", "cyan-probe-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "probe")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "./probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the probe: %w\n%s", err, out)
	}
	layer, err := layerOf(file, "probe")
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config.Entrypoint = []string{"/probe"}
	return mutate.ConfigFile(image, config)
})

func probeImage(t testing.TB) v1.Image {
	t.Helper()
	image, err := buildProbe()
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// login is the way in to the cluster's registry.
func (c *testCluster) login() remote.Option { return remote.WithAuth(c.account().Auth()) }

// account is that of the cluster's registry, from its directory.
func (c *testCluster) account() registry.Account {
	c.t.Helper()
	dir, err := state.At(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	account, err := registry.OpenAccount(dir.RegistryPassword())
	if err != nil {
		c.t.Fatal(err)
	}
	return account
}

// push puts the probe's image into the cluster's registry and returns its name with its digest.
func (c *testCluster) push(path string) string {
	c.t.Helper()
	repository, _, _ := strings.Cut(path, ":")
	return c.Registry + "/" + repository + "@" + pushTo(c.t, c.Registry+"/"+path, c.login())
}

// pushTo puts the probe's image somewhere and returns its digest.
func pushTo(t testing.TB, tag string, options ...remote.Option) string {
	t.Helper()
	image := probeImage(t)
	target, err := name.NewTag(tag, name.Insecure)
	if err == nil {
		err = remote.Write(target, image, options...)
	}
	if err != nil {
		t.Fatalf("pushing %s: %v", tag, err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}
