package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/install"
	"github.com/cyan-cd/cyan/internal/demo"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/testkit"
)

const (
	overlay       = "k8s/kustomize/overlays/local"
	kustomization = overlay + "/kustomization.yml"
	rolloutFile   = "k8s/kustomize/base/app/rollout.yml"
	appName       = "request-counter"
)

var real struct {
	once    sync.Once
	cluster *testkit.LocalCluster
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if real.cluster != nil {
		if err := real.cluster.Delete(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// realCluster is a cluster with real pods, shared by all tests.
func realCluster(t *testing.T) *testkit.LocalCluster {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("real pods need root on Linux")
	}
	real.once.Do(func() {
		if real.cluster, real.err = testkit.StartCluster("--nodes", "real"); real.err == nil {
			real.err = install.CRDs(context.Background(), real.cluster.Config)
		}
	})
	if real.err != nil {
		t.Fatal(real.err)
	}
	return real.cluster
}

// program is one of those that `make build` makes.
func program(name string) string { return filepath.Join(testkit.Root(), "bin", name) }

// run runs a program against the cluster, and returns what it printed.
func run(t *testing.T, kubeconfig, dir, name string, args ...string) string {
	t.Helper()
	out, err := try(t.Context(), kubeconfig, dir, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func try(ctx context.Context, kubeconfig, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program(name), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "NO_COLOR=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// server is `cyan server` in a process of its own.
type server struct {
	cmd     *exec.Cmd
	log     *os.File
	address string
}

// startServer returns when the controllers work. The process ends with the test.
func startServer(t *testing.T, kubeconfig, mirrors string) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	log, err := os.OpenFile(filepath.Join(mirrors, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{cmd: exec.Command(program("cyan"), "server", "--kubeconfig", kubeconfig, "--data-dir", mirrors, "--listen", address, "--poll", "1s"), log: log, address: address}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.kill() })
	return s
}

// kill ends the process as a crash would: nothing is tidied up.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = s.log.Close()
}

// killAfter kills the process when it has run for a while more, and returns when it has ended.
func (s *server) killAfter(d time.Duration) {
	timer := time.AfterFunc(d, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	_ = s.cmd.Wait()
	s.kill()
}

func (s *server) awaitReady(t *testing.T) {
	t.Helper()
	eventually(t, 30*time.Second, "the server is ready", func() (bool, string) {
		response, err := http.Get("http://" + s.address + "/readyz")
		if err != nil {
			return false, err.Error()
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK, response.Status
	})
}

// eventually waits until something is so, and fails the test with what it last was.
func eventually(t *testing.T, within time.Duration, what string, so func() (bool, string)) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, state := so()
		if ok {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%[2]s: not within %[1]s: %[3]s", within, what, state)
		case <-tick.C:
		}
	}
}

// built are the example's images, in the cluster's registry.
type built struct {
	redis, v1, v2 string
	err           error
}

var images = sync.OnceValue(func() built {
	var b built
	registry := real.cluster.Registry + "/" + appName
	b.redis, b.err = build("redis", registry+"/redis", "v1")
	if b.err == nil {
		b.v1, b.err = build("app", registry+"/app", "v1")
	}
	if b.err == nil {
		b.v2, b.err = build("app", registry+"/app", "v2")
	}
	return b
})

func example() string { return filepath.Join(testkit.Root(), "examples", "request-counter") }

// build makes the image of one version of a program of the example, and returns its digest.
func build(name, repository, version string) (string, error) {
	dir, err := os.MkdirTemp("", "cyan-e2e-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(example())); err != nil {
		return "", err
	}
	code := fmt.Sprintf("package main\n\nconst version = %q\n", version)
	if err := os.WriteFile(filepath.Join(dir, "cmd/app/version.go"), []byte(code), 0o600); err != nil {
		return "", err
	}
	plan, err := image.Prepare(context.Background(), image.Request{Dir: dir, Package: "./cmd/" + name, Repository: repository, Tag: version})
	if err != nil {
		return "", err
	}
	image, err := plan.Build(context.Background())
	return image.Digest, err
}

// world is the example in a repository and a namespace of its own.
type world struct {
	t         *testing.T
	cluster   *testkit.LocalCluster
	repo      *testkit.Repo
	namespace string
	mirrors   string
	images    built
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cluster := realCluster(t)
	w := &world{t: t, cluster: cluster, repo: testkit.GitRepo(t), mirrors: t.TempDir(), images: images(), namespace: cluster.Namespace(t)}
	if w.images.err != nil {
		t.Fatal(w.images.err)
	}
	return w
}

// files are the example's, with the first version of its images.
func (w *world) files() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for _, dir := range []string{"k8s/kustomize/base/app", "k8s/kustomize/base/redis", overlay} {
		entries, err := os.ReadDir(filepath.Join(example(), dir))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(example(), dir, e.Name()))
			if err != nil {
				w.t.Fatal(err)
			}
			all[dir+"/"+e.Name()] = string(data)
		}
	}
	all[rolloutFile] = strings.NewReplacer("autoPromotionSeconds: 3", "autoPromotionSeconds: 0", "scaleDownDelaySeconds: 10", "scaleDownDelaySeconds: 1").Replace(all[rolloutFile])
	all[kustomization] = w.set(all[kustomization], "redis", w.images.redis)
	all[kustomization] = w.set(all[kustomization], "app", w.images.v1)
	return all
}

func (w *world) set(text, name, digest string) string {
	w.t.Helper()
	edited, err := image.SetInKustomization([]byte(text), image.Setting{Name: name + "-image", Repository: w.cluster.Registry + "/" + appName + "/" + name, Digest: digest})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(edited)
}

// deployAnew commits a version of the app, with a pod template that no version before had, so that no old pods can be
// used again. It returns the commit.
func (w *world) deployAnew(digest string, turn int) string {
	w.t.Helper()
	text := w.repo.Git("show", "HEAD:"+kustomization) + "\n"
	text, _, _ = strings.Cut(text, "patches:")
	text = w.set(text, "app", digest) + fmt.Sprintf(`patches:
  - target:
      kind: Rollout
    patch: |-
      - op: add
        path: /spec/template/metadata/annotations
        value:
          example.com/turn: "%d"
`, turn)
	return w.repo.Commit(map[string]string{kustomization: text})
}

// create makes the Application, as the article does.
func (w *world) create() {
	w.t.Helper()
	w.run("argocd", "app", "create", w.app(), "--repo", w.repo.URL, "--path", overlay, "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", w.namespace,
		"--sync-policy", "automated", "--auto-prune", "--self-heal")
}

// app is the Application's name: they all live in one namespace.
func (w *world) app() string { return appName + "-" + w.namespace }

func (w *world) run(name string, args ...string) string {
	w.t.Helper()
	return run(w.t, w.cluster.Kubeconfig, w.repo.Dir, name, args...)
}

func (w *world) application() *v1alpha1.Application {
	app := &v1alpha1.Application{}
	if err := w.cluster.Client.Get(context.Background(), client.ObjectKey{Namespace: "argocd", Name: w.app()}, app); err != nil {
		return &v1alpha1.Application{}
	}
	return app
}

func (w *world) rollout() *v1alpha1.Rollout {
	ro := &v1alpha1.Rollout{}
	if err := w.cluster.Client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: "app"}, ro); err != nil {
		return &v1alpha1.Rollout{}
	}
	return ro
}

// awaitDeployed waits until a commit is synced and what it deploys has the traffic.
func (w *world) awaitDeployed(sha, digest string, within time.Duration) {
	w.t.Helper()
	eventually(w.t, within, sha[:7]+" is deployed", func() (bool, string) {
		app, ro := w.application(), w.rollout()
		state := fmt.Sprintf("Application %s %s %.7s %v; Rollout %s %s", app.Status.Sync.Status, app.Status.Health.Status, app.Status.Sync.Revision, app.Status.Conditions, ro.Status.Phase, ro.Status.Message)
		if app.Status.OperationState != nil {
			state += "; " + app.Status.OperationState.Message
		}
		wanted := len(ro.Spec.Template.Spec.Containers) > 0 && strings.HasSuffix(ro.Spec.Template.Spec.Containers[0].Image, digest)
		return wanted && app.Status.Sync.Status == v1alpha1.Synced && app.Status.Sync.Revision == sha && app.Status.Health.Status == v1alpha1.HealthHealthy &&
			ro.Status.Phase == v1alpha1.RolloutHealthy && ro.Status.BlueGreen.ActiveSelector == ro.Status.CurrentPodHash && ro.Status.StableRS == ro.Status.CurrentPodHash, state
	})
}

// load sends requests to the active Service until the test ends; none may fail.
func (w *world) load() *demo.Load {
	w.t.Helper()
	var address string
	eventually(w.t, 20*time.Second, "the Service is offered on this machine", func() (bool, string) {
		status, said := w.status()
		for _, p := range status.Ports {
			if p.Namespace == w.namespace && p.Service == "active-service" {
				address = p.Address
			}
		}
		return address != "", said
	})
	return w.loadAt("http://"+address+"/", &http.Transport{})
}

// clusterStatus is what a cluster tells of itself.
type clusterStatus struct {
	Ports   []struct{ Namespace, Service, Address string }
	Ingress struct{ Port int }
}

func (w *world) status() (clusterStatus, string) {
	var status clusterStatus
	out, err := w.cluster.Local("status", "--dir", w.cluster.Dir, "-o", "json")
	if err == nil {
		err = json.Unmarshal(out, &status)
	}
	if err != nil {
		return status, err.Error()
	}
	return status, string(out)
}

// loadAt sends requests to a URL until the test ends, on connections that are kept and on others.
func (w *world) loadAt(target string, transport *http.Transport) *demo.Load {
	keeping, fresh := demo.Clients(transport)
	l := demo.StartLoad(context.Background(), 10*time.Millisecond, demo.To(keeping, target), demo.To(keeping, target), demo.To(fresh, target), demo.To(fresh, target))
	w.t.Cleanup(func() { l.Stop() })
	return l
}

// noneFailed ends a load.
func noneFailed(t *testing.T, l *demo.Load) demo.Tally {
	t.Helper()
	tally := l.Stop()
	if tally.Failed > 0 || tally.Sent == 0 {
		t.Errorf("%d of %d requests failed:\n%s", tally.Failed, tally.Sent, strings.Join(tally.Errors, "\n"))
	}
	t.Logf("%d requests, %d failed, slowest %s", tally.Sent, tally.Failed, tally.Slowest)
	return tally
}

// logOnFailure shows what the server wrote last.
func (w *world) logOnFailure() {
	w.t.Cleanup(func() {
		if !w.t.Failed() {
			return
		}
		data, err := os.ReadFile(filepath.Join(w.mirrors, "server.log"))
		if err != nil {
			return
		}
		// The whole of it is long; what was done is what matters.
		var lines []string
		for line := range strings.Lines(string(data)) {
			if at, action, ok := strings.Cut(line, " level=INFO msg=done"); ok {
				_, action, _ = strings.Cut(action, "action=")
				line = at + " " + action
			}
			if !strings.Contains(line, "Starting EventSource") {
				lines = append(lines, strings.TrimRight(line, "\n"))
			}
		}
		if proxy, err := w.cluster.Local("logs", "kube-proxy", "--dir", w.cluster.Dir); err == nil {
			w.t.Logf("kube-proxy:\n%s", proxy[max(0, len(proxy)-8000):])
		}
		w.t.Log("what the server did:\n" + strings.Join(lines[max(0, len(lines)-400):], "\n"))
	})
}
