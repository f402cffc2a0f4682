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
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/demo"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// output collects what a program prints while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// devWorld is `cyan dev` at work on a copy of the example.
type devWorld struct {
	t         *testing.T
	cluster   *testkit.LocalCluster
	dir, data string
	namespace string
	out       *output
	cmd       *exec.Cmd
}

// newDevWorld copies the example, under a name of its own.
func newDevWorld(t *testing.T) *devWorld {
	t.Helper()
	w := &devWorld{t: t, cluster: realCluster(t), dir: t.TempDir(), data: t.TempDir(), out: &output{}}
	if err := os.CopyFS(w.dir, os.DirFS(example())); err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	definition := w.read("skaffold.yaml")
	w.write("skaffold.yaml", strings.Replace(definition, "name: request-counter\n", "name: "+name+"\n", 1))
	w.namespace = "dev-root-" + name
	t.Cleanup(func() {
		if w.cmd != nil && w.cmd.ProcessState == nil {
			_ = w.cmd.Process.Kill()
			_ = w.cmd.Wait()
		}
		namespace := &corev1.Namespace{}
		namespace.Name = w.namespace
		if err := w.cluster.Client.Delete(context.Background(), namespace); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(w.out.String())
		}
	})
	return w
}

func (w *devWorld) read(file string) string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, file))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

func (w *devWorld) write(file, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, file), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *devWorld) setVersion(version string) {
	w.write("cmd/app/version.go", fmt.Sprintf("package main\n\nconst version = %q\n", version))
}

// command is the program with the world's own data.
func (w *devWorld) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program("cyan"), args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.cluster.Kubeconfig, "XDG_DATA_HOME="+w.data, "NO_COLOR=1")
	cmd.Stdout, cmd.Stderr = w.out, w.out
	return cmd
}

func (w *devWorld) start(args ...string) {
	w.t.Helper()
	w.cmd = w.command(append([]string{"dev"}, args...)...)
	if err := w.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
}

// end has the loop end, as Ctrl-C does.
func (w *devWorld) end() {
	w.t.Helper()
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
		w.t.Fatal(err)
	}
	if err := w.cmd.Wait(); err != nil {
		w.t.Fatalf("after Ctrl-C: %v", err)
	}
}

// awaitPrinted waits until the loop has printed something.
func (w *devWorld) awaitPrinted(text string) {
	w.t.Helper()
	eventually(w.t, 2*time.Minute, "the loop prints "+text, func() (bool, string) {
		out := w.out.String()
		return strings.Contains(out, text), out
	})
}

// answer is what the app's Service answers.
func (w *devWorld) answer() string {
	out, err := w.cluster.Local("status", "--dir", w.cluster.Dir, "-o", "json")
	if err != nil {
		return err.Error()
	}
	var status struct {
		Ports []struct{ Namespace, Service, Address string }
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return err.Error()
	}
	for _, p := range status.Ports {
		if p.Namespace == w.namespace && p.Service == "active-service" {
			return get("http://" + p.Address + "/")
		}
	}
	return "not offered yet"
}

var forwarded = regexp.MustCompile(`→ (http://127\.0\.0\.1:\d+)`)

// load sends requests to the port that is forwarded.
func (w *devWorld) load() *demo.Load {
	w.t.Helper()
	w.awaitPrinted("→ http://")
	target := forwarded.FindStringSubmatch(w.out.String())[1] + "/"
	keeping, fresh := demo.Clients(&http.Transport{})
	l := demo.StartLoad(context.Background(), 20*time.Millisecond, demo.To(keeping, target), demo.To(fresh, target))
	w.t.Cleanup(func() { l.Stop() })
	return l
}

func get(url string) string {
	response, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func (w *devWorld) awaitAnswer(part string) {
	w.t.Helper()
	eventually(w.t, 2*time.Minute, "the app answers "+part, func() (bool, string) {
		answer := w.answer()
		return strings.Contains(answer, part), answer
	})
}

func (w *devWorld) awaitGone() {
	w.t.Helper()
	eventually(w.t, 2*time.Minute, "namespace "+w.namespace+" goes", func() (bool, string) {
		namespace := &corev1.Namespace{}
		err := w.cluster.Client.Get(context.Background(), client.ObjectKey{Name: w.namespace}, namespace)
		return apierrors.IsNotFound(err) || err == nil && namespace.DeletionTimestamp != nil, fmt.Sprint(err)
	})
}

// Every save runs; one that does not compile changes nothing and ends nothing; a manifest is deployed, and one that is
// invalid is not; Ctrl-C removes what the loop made.
func TestDevLoop(t *testing.T) {
	w := newDevWorld(t)
	w.setVersion("first")
	w.start()
	w.awaitAnswer("first")
	w.awaitPrinted("serving")
	load := w.load()

	w.setVersion("second")
	w.awaitAnswer("second")

	w.write("cmd/app/version.go", "package main\n\nconst version = missing\n")
	w.awaitPrinted("cmd/app/version.go:3:17: undefined: missing")
	if answer := w.answer(); !strings.Contains(answer, "second") {
		t.Errorf("after a save that does not compile: got %q, want what ran before", answer)
	}
	w.setVersion("third")
	w.awaitAnswer("third")
	noneFailed(t, load)

	rollout := w.read(rolloutFile)
	w.write(rolloutFile, strings.Replace(rollout, "replicas: 2", "replicas: two", 1))
	w.awaitPrinted("rollout.yml")
	w.write(rolloutFile, strings.Replace(rollout, "replicas: 2", "replicas: 1", 1))
	eventually(t, 2*time.Minute, "the Rollout has one replica", func() (bool, string) {
		pods := &corev1.PodList{}
		if err := w.cluster.Client.List(context.Background(), pods, client.InNamespace(w.namespace), client.MatchingLabels{"app": "app"}); err != nil {
			return false, err.Error()
		}
		return len(pods.Items) == 1, fmt.Sprint(len(pods.Items))
	})

	w.end()
	w.awaitGone()
	if err := w.command("dev", "--cleanup").Run(); err != nil {
		t.Fatal(err)
	}
	w.awaitPrinted("Nothing is left of loops that do not run any more.")
}

// What a crash leaves is taken over by the next start, and removed when asked for.
func TestDevLoopAfterCrash(t *testing.T) {
	w := newDevWorld(t)
	w.setVersion("first")
	w.start()
	w.awaitAnswer("first")
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()

	w.setVersion("second")
	w.start()
	w.awaitAnswer("second")
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()

	cmd := w.command("dev", "--cleanup")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	w.awaitPrinted("removed namespace " + w.namespace)
	w.awaitGone()
}

// An image that is built and used nowhere is named with the one that was meant, before anything is built.
func TestDevLoopNamesUnusedImages(t *testing.T) {
	w := newDevWorld(t)
	w.write("skaffold.yaml", strings.Replace(w.read("skaffold.yaml"), "request-counter/app", "request-conuter/app", 1))
	w.start()
	w.awaitPrinted("request-conuter/app")
	_ = w.cmd.Process.Signal(os.Interrupt)
	_ = w.cmd.Wait()
	if out := w.out.String(); !strings.Contains(out, "request-counter/app") || strings.Contains(out, "✓ built") {
		t.Errorf("got %s\nwant both names, and nothing built", out)
	}
}

// Two loops on one app: whoever begins second is told who works there, leaves nothing by which that one's namespace
// would be removed, and changes nothing of what runs; a namespace whose loop has crashed is his.
func TestTwoDevLoops(t *testing.T) {
	w := newDevWorld(t)
	w.setVersion("first")
	w.start()
	w.awaitAnswer("first")
	elsewhere := t.TempDir()
	other := func(data string, args ...string) (*exec.Cmd, *output) {
		cmd, out := w.command(args...), &output{}
		cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+data)
		cmd.Stdout, cmd.Stderr = out, out
		return cmd, out
	}
	for data, want := range map[string]string{w.data: "another loop of " + w.dir + " has it since ", elsewhere: " works in it since "} {
		second, out := other(data, "dev")
		if err := second.Run(); err == nil || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "built ") {
			t.Errorf("a second loop: got %v\n%s\nwant%s…, and nothing built", err, out, want)
		}
	}
	if cleanup, out := other(elsewhere, "dev", "--cleanup"); cleanup.Run() != nil || strings.Contains(out.String(), "removed namespace") {
		t.Errorf("dev --cleanup of the second: got %s\nwant nothing removed", out)
	}
	w.setVersion("second")
	w.awaitAnswer("second")

	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
	w.cmd, w.out = other(elsewhere, "dev")
	w.setVersion("third")
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.awaitAnswer("third")
	w.end()
	w.awaitGone()
}

// A pod that crashes at its start is named with the end of its log; the version before goes on, and so does the loop.
func TestDevLoopWhereThePodCrashes(t *testing.T) {
	w := newDevWorld(t)
	w.setVersion("first")
	w.start()
	w.awaitAnswer("first")
	w.awaitPrinted("✓ ready")

	w.write("cmd/app/crash.go", "package main\n\nfunc init() { panic(\"no settings for the queue\") }\n")
	w.awaitPrinted("✗ not ready")
	w.awaitPrinted("ended with exit code 2")
	_, said, _ := strings.Cut(w.out.String(), "✗ not ready")
	if !strings.Contains(said, "panic: no settings for the queue") {
		t.Errorf("got %s\nwant the end of the pod's log", said)
	}
	if answer := w.answer(); !strings.Contains(answer, "first") {
		t.Errorf("while the new pod crashes: got %q, want what ran before", answer)
	}

	if err := os.Remove(filepath.Join(w.dir, "cmd/app/crash.go")); err != nil {
		t.Fatal(err)
	}
	w.setVersion("second")
	w.awaitAnswer("second")
	w.end()
	w.awaitGone()
}

// Files have a rule, and the image has no tar: that is said, and the image is built instead.
func TestDevLoopWithoutTar(t *testing.T) {
	w := newDevWorld(t)
	w.write("skaffold.yaml", strings.Replace(w.read("skaffold.yaml"), "        dockerfile: Dockerfile\n", "        dockerfile: Dockerfile\n      sync:\n        manual:\n          - src: cmd/app/*.go\n            dest: /srv\n", 1))
	w.setVersion("first")
	w.start()
	w.awaitAnswer("first")
	w.awaitPrinted("✓ ready")
	w.setVersion("second")
	w.awaitPrinted("has no tar, so that files cannot be copied into its containers: it is built instead")
	w.awaitAnswer("second")
	w.setVersion("third")
	w.awaitAnswer("third")
	if copied := strings.Count(w.out.String(), "synced"); copied > 0 {
		t.Errorf("got %d files copied, want none", copied)
	}
	w.end()
	w.awaitGone()
}
