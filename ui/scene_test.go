package ui_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// The repositories of the scene, by names that only its own git host answers to.
const (
	shopRepository    = "http://git.example/shop/shop.git"
	counterRepository = "http://git.example/shop/request-counter.git"
	counterOverlay    = "k8s/kustomize/overlays/local"
	authored          = "@shop.example"
)

// scene is a shop on a cluster of its own with real pods, its repositories on a git host, and the program that was
// built, which has all of it.
type scene struct {
	testing.TB
	cluster *testkit.LocalCluster
	// proxy is the git host, by which the names of its repositories are reached.
	proxy string
	// clones are where the repositories are worked on.
	clones            map[string]string
	address, password string
	// digest is the first image of every part.
	digest string
}

// canHaveRealPods reports whether pods can be real here.
func canHaveRealPods() bool { return runtime.GOOS == "linux" && os.Geteuid() == 0 }

// startRealCluster starts a cluster with real pods, which ends with the test.
func startRealCluster(t testing.TB) *testkit.LocalCluster {
	t.Helper()
	cluster, err := testkit.StartCluster("--nodes", "real")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Delete(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// copyShop makes a folder the module of what pods run.
func copyShop(t testing.TB, dir string) {
	t.Helper()
	err := os.CopyFS(dir, os.DirFS("testdata/shop"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module shop.example\n\ngo 1.26\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// buildService makes the image of what pods run.
func buildService(t testing.TB, dir, repository string) image.Built {
	t.Helper()
	plan, err := image.Prepare(t.Context(), image.Request{Dir: dir, Package: "./cmd/service", Repository: repository, Tag: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	built, err := plan.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// newScene starts a cluster, the git host and the program. All of it ends with the test.
func newScene(t *testing.T) *scene {
	t.Helper()
	if !canHaveRealPods() {
		t.Fatal("real pods need root on Linux")
	}
	s := &scene{TB: t, clones: map[string]string{}, cluster: startRealCluster(t)}
	git, err := gitserver.New(t.TempDir(), gitserver.Options{OnPush: s.heard})
	if err != nil {
		t.Fatal(err)
	}
	host := httptest.NewServer(git)
	t.Cleanup(host.Close)
	s.proxy = host.URL
	for _, url := range []string{shopRepository, counterRepository} {
		name := strings.TrimPrefix(url, "http://git.example/")
		if _, err := git.Create(name); err != nil {
			t.Fatal(err)
		}
		s.clones[url] = filepath.Join(t.TempDir(), filepath.Base(name))
		s.git(".", "init", "--quiet", "--initial-branch=main", "--template=", "--", s.clones[url])
		s.git(s.clones[url], "remote", "add", "origin", url)
	}
	s.serve()
	return s
}

// env is what the scene's programs run with: the git host is the proxy of all that is not on this machine.
func (s *scene) env(more ...string) []string {
	return append(append(os.Environ(), "KUBECONFIG="+s.cluster.Kubeconfig, "http_proxy="+s.proxy, "no_proxy=127.0.0.1,localhost", "NO_COLOR=1",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C.UTF-8"), more...)
}

func (s *scene) run(dir, name string, args ...string) string {
	s.Helper()
	return s.runAs(dir, nil, name, args...)
}

func (s *scene) runAs(dir string, env []string, name string, args ...string) string {
	s.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, s.env(env...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		s.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out.String(), said.String())
	}
	return strings.TrimSpace(out.String())
}

func (s *scene) git(dir string, args ...string) string {
	s.Helper()
	return s.run(dir, "git", args...)
}

// cyan runs the program that was built.
func (s *scene) cyan(args ...string) string {
	s.Helper()
	return s.run(".", program(), args...)
}

func program() string { return filepath.Join(testkit.Root(), "bin", "cyan") }

var servedAt = regexp.MustCompile(`Page and API: (http://\S+)/ `)

// serve runs `cyan server` until the test ends.
func (s *scene) serve() {
	s.Helper()
	log, err := os.Create(filepath.Join(s.TempDir(), "server.log"))
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command(program(), "server", "--data-dir", s.TempDir(), "--listen", "", "--api-listen", "127.0.0.1:0", "--poll", "1h")
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env(), log, log
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && s.Failed() {
			s.Logf("what the program wrote:\n%s", text[max(0, len(text)-8000):])
		}
	})
	s.until("the page is served", func() error {
		text, err := os.ReadFile(log.Name())
		found := servedAt.FindSubmatch(text)
		if err != nil || found == nil {
			return fmt.Errorf("%w: %s", err, text)
		}
		s.address = string(found[1])
		return nil
	})
	s.password = s.cyan("admin", "initial-password")
	s.password, _, _ = strings.Cut(s.password, "\n")
}

func (s *scene) until(what string, so func() error) {
	s.Helper()
	testkit.Eventually(s, 4*time.Minute, what, so)
}

// heard sends the webhook of a push, as a host does.
func (s *scene) heard(push gitserver.Push) {
	body := fmt.Sprintf(`{"repository":{"clone_url":"http://git.example/%s.git"}}`, push.Repository)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.address+"/api/webhook", strings.NewReader(body))
	if err != nil {
		s.Error(err)
		return
	}
	request.Header.Set("X-Gitea-Event", "push")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Error(err)
		return
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode >= http.StatusBadRequest {
		s.Errorf("webhook: %s: %s", answer.Status, text)
	}
}

// write changes files of a clone; an empty text deletes one.
func (s *scene) write(url string, files map[string]string) {
	s.Helper()
	for name, text := range files {
		path := filepath.Join(s.clones[url], filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if text == "" {
			err = os.Remove(path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			s.Fatal(err)
		}
	}
}

// edit replaces a part of a file of a clone.
func (s *scene) edit(url, name, from, to string) {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.clones[url], filepath.FromSlash(name)))
	if err != nil {
		s.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		s.Fatalf("%s has no %q:\n%s", name, from, text)
	}
	s.write(url, map[string]string{name: strings.Replace(string(text), from, to, 1)})
}

// commit has somebody commit and push what was changed.
func (s *scene) commit(url, author, message string) {
	s.Helper()
	mail := strings.ToLower(strings.Fields(author)[0]) + authored
	who := []string{"GIT_AUTHOR_NAME=" + author, "GIT_AUTHOR_EMAIL=" + mail, "GIT_COMMITTER_NAME=" + author, "GIT_COMMITTER_EMAIL=" + mail}
	s.git(s.clones[url], "add", "--all")
	s.runAs(s.clones[url], who, "git", "commit", "--quiet", "--message", message)
	s.git(s.clones[url], "push", "--quiet", "origin", "HEAD:main")
}

// pull brings a clone to what was delivered.
func (s *scene) pull(url string) {
	s.Helper()
	s.git(s.clones[url], "fetch", "--quiet", "origin")
	s.git(s.clones[url], "reset", "--quiet", "--hard", "origin/main")
}

// build makes the first image of all parts of the shop.
func (s *scene) build() {
	s.Helper()
	for _, p := range append(parts[:len(parts):len(parts)], toCome) {
		digest := buildService(s, s.clones[shopRepository], s.cluster.Registry+"/shop/"+p.name).Digest
		if s.digest != "" && s.digest != digest {
			s.Fatalf("one program has two digests: %s and %s", s.digest, digest)
		}
		s.digest = digest
	}
}

// delivers does what a CI job calls: an image is built of what is checked out, and set in an overlay.
func (s *scene) delivers(url, pkg, name, overlay string) {
	s.Helper()
	s.run(s.clones[url], program(), "delivery", "run", "--repo", ".", "--package", pkg, "--image", name, "--overlay", overlay, "--push", "--branch", "main", "--mirror-dir", filepath.Join(filepath.Dir(s.clones[url]), "mirrors"))
}

// rollout returns a Rollout as it is now.
func (s *scene) rollout(namespace, name string) *v1alpha1.Rollout {
	ro := &v1alpha1.Rollout{}
	if err := s.cluster.Client.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: name}, ro); err != nil {
		return &v1alpha1.Rollout{}
	}
	return ro
}

// imageOf returns the image that the containers of a Rollout have.
func imageOf(ro *v1alpha1.Rollout) string {
	for _, c := range ro.Spec.Template.Spec.Containers {
		return c.Image
	}
	return ""
}

// untilRollout waits until a Rollout runs another image than before, in a phase.
func (s *scene) untilRollout(namespace, name, before string, phase v1alpha1.RolloutPhase) {
	s.Helper()
	s.until(fmt.Sprintf("Rollout %s is %s", name, phase), func() error {
		ro := s.rollout(namespace, name)
		if imageOf(ro) == before || ro.Status.Phase != phase || ro.Status.ObservedGeneration != fmt.Sprint(ro.Generation) {
			return fmt.Errorf("%s %s: %s", imageOf(ro), ro.Status.Phase, ro.Status.Message)
		}
		return nil
	})
}

// untilApplication waits until an Application is as it has to be.
func (s *scene) untilApplication(name string, so func(*v1alpha1.Application) bool) {
	s.Helper()
	s.until("Application "+name, func() error {
		app := &v1alpha1.Application{}
		if err := s.cluster.Client.Get(context.Background(), client.ObjectKey{Namespace: "argocd", Name: name}, app); err != nil {
			return err
		}
		if !so(app) {
			return fmt.Errorf("%s %s %v", app.Status.Sync.Status, app.Status.Health.Status, app.Status.Conditions)
		}
		return nil
	})
}

// activePod returns a pod of the version of a Rollout that has the traffic.
func (s *scene) activePod(ctx context.Context, namespace, name string) string {
	s.Helper()
	var pods corev1.PodList
	labels := client.MatchingLabels{v1alpha1.PodHashLabel: s.rollout(namespace, name).Status.BlueGreen.ActiveSelector}
	if err := s.cluster.Client.List(ctx, &pods, client.InNamespace(namespace), labels); err != nil || len(pods.Items) == 0 {
		s.Fatalf("Rollout %s: %d pods of %v: %v", name, len(pods.Items), labels, err)
	}
	return pods.Items[0].Name
}
