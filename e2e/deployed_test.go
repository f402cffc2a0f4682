package e2e

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/testkit"
)

// The user that deploy/server.yaml runs the program as, and where its image has a repository for this test.
const (
	serverUser       = 65532
	repositoryFolder = "/repository"
)

// deployed is the program in a pod of the cluster, as deploy/ has it, reached by `kubectl port-forward`.
type deployed struct {
	*testing.T
	cluster   *testkit.LocalCluster
	kubectl   string
	namespace string
	// home is that of who works with it, for the file of log-ins.
	home    string
	address string
	token   string
}

// Who has put the program into a cluster with `kubectl apply -k deploy` reaches it as a well-known article does: they
// forward a port of Service argocd-server, log in with the first password, and work with curl, `argocd` and the calls
// of other programs' plugins, down to the log of a pod that runs.
func TestTheServerInACluster(t *testing.T) {
	d := newDeployed(t)
	d.forwardPort()
	var password string
	eventually(t, 20*time.Second, "the first password is made", func() (bool, string) {
		out, err := d.try("argocd", "admin", "initial-password", "-n", "argocd")
		password = strings.TrimSpace(out)
		return err == nil, fmt.Sprint(err)
	})
	d.logIn(password)

	// curl https://localhost:8080/api/v1/applications …
	if version := d.get("/api/version"); version["Version"] == "" {
		t.Errorf("the version is %v", version)
	}
	d.argocd("login", d.address, "--insecure", "--username", "admin", "--password", password)
	app := "greeter-" + d.namespace
	t.Cleanup(func() {
		// By then no port is forwarded any more.
		if out, err := d.try("argocd", "app", "delete", app, "--yes", "--wait", "--core"); err != nil {
			t.Errorf("the Application is not deleted: %v\n%s", err, out)
		}
	})
	d.argocd("app", "create", app, "--repo", "file://"+repositoryFolder, "--path", "k8s", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", d.namespace, "--sync-policy", "automated")
	d.argocd("app", "wait", app, "--sync", "--health", "--timeout", "40")

	seen := d.get("/api/v1/applications/" + app)
	status, _ := seen["status"].(map[string]any)
	if sync, _ := status["sync"].(map[string]any); sync["status"] != "Synced" {
		t.Errorf("the Application is %v", status)
	}
	pod := ""
	for _, node := range d.get("/api/v1/applications/" + app + "/resource-tree")["nodes"].([]any) {
		if n := node.(map[string]any); n["kind"] == "Pod" {
			pod, _ = n["name"].(string)
		}
	}
	if !strings.HasPrefix(pod, "greeter-") {
		t.Fatalf("no pod is in the tree of %s", app)
	}
	d.follow("/api/v1/applications/" + app + "/logs?" + url.Values{"namespace": {d.namespace}, "podName": {pod}, "container": {"greeter"}, "follow": {"true"}}.Encode())
	if out := d.argocd("app", "get", app); !strings.Contains(out, "Synced") || !strings.Contains(out, "Healthy") {
		t.Error(out)
	}
	// What the session may is what it is asked for, and it ends.
	if may := d.get("/api/v1/account/can-i/applications/sync/" + url.PathEscape("default/"+app)); may["value"] != "yes" {
		t.Errorf("admin may sync: %v", may)
	}
	d.call(http.MethodDelete, "/api/v1/session", "")
	if r := d.send(http.MethodGet, "/api/v1/applications", ""); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the log-out: %s", r.Status)
	}
}

// newDeployed deploys the program, and waits until it works.
func newDeployed(t *testing.T) *deployed {
	t.Helper()
	cluster := realCluster(t)
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("the port is forwarded by kubectl, which is not there")
	}
	d := &deployed{T: t, cluster: cluster, kubectl: kubectl, namespace: cluster.Namespace(t), home: t.TempDir()}
	d.load()
	here := t.TempDir()
	base, err := filepath.Rel(here, filepath.Join(testkit.Root(), "deploy"))
	if err != nil {
		t.Fatal(err)
	}
	d.write(filepath.Join(here, "kustomization.yaml"), `resources: [`+base+`]
patches:
- target: {kind: Deployment, name: argocd-server}
  patch: |-
    - op: add
      path: /spec/template/spec/containers/0/args/-
      value: --allow-repository-directory=`+repositoryFolder+`
    - op: add
      path: /spec/template/spec/containers/0/args/-
      value: --beside-others
`)
	ctx := context.Background()
	control := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "argocd"}}
	if err := client.IgnoreAlreadyExists(cluster.Client.Create(ctx, control)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if out, err := d.try(kubectl, "delete", "-k", here, "--ignore-not-found"); err != nil {
			t.Errorf("what was deployed is not deleted: %v\n%s", err, out)
		}
	})
	d.run(kubectl, "apply", "-k", here)
	eventually(t, 40*time.Second, "the server is ready in its pod", func() (bool, string) {
		server := &appsv1.Deployment{}
		err := cluster.Client.Get(ctx, client.ObjectKey{Namespace: "argocd", Name: "argocd-server"}, server)
		return err == nil && server.Status.ReadyReplicas == 1, fmt.Sprint(server.Status, err)
	})
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := d.try(kubectl, "logs", "-n", "argocd", "deploy/argocd-server", "--tail=60")
			t.Logf("the server says:\n%s", out)
		}
	})
	return d
}

// load puts the image into the cluster that deploy/ names: the program, git, and a repository whose pods say something.
func (d *deployed) load() {
	d.Helper()
	repo := testkit.GitRepo(d.T)
	repo.Commit(map[string]string{"k8s/greeter.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: greeter
spec:
  selector:
    matchLabels: {app: greeter}
  template:
    metadata:
      labels: {app: greeter}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: greeter
        image: cyan:latest
        command: [/bin/sh, -c, "i=0; while :; do i=$((i+1)); echo greeting $i; /bin/sleep 0.2; done"]
`})
	bare := filepath.Join(d.TempDir(), "repository")
	repo.Git("clone", "--quiet", "--bare", ".", bare)
	files := layered{files: map[string]string{"/usr/local/bin/cyan": program("cyan")}, links: map[string]string{}}
	for _, needed := range []string{"git", "sh", "sleep"} {
		files.program(d.T, needed)
	}
	for _, command := range []string{"git-upload-pack", "git-index-pack", "git-rev-list"} {
		files.links["/usr/bin/"+command] = "git"
	}
	files.links["/bin"], files.links["/lib"], files.links["/lib64"] = "usr/bin", "usr/lib", "usr/lib64"
	if err := fs.WalkDir(os.DirFS(bare), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files.files[repositoryFolder+"/"+path] = filepath.Join(bare, path)
		}
		return err
	}); err != nil {
		d.Fatal(err)
	}
	archive := filepath.Join(d.TempDir(), "cyan.tar")
	if err := files.image(archive); err != nil {
		d.Fatal(err)
	}
	if out, err := d.cluster.Local("load", archive, "--dir", d.cluster.Dir); err != nil {
		d.Fatalf("loading the image: %v\n%s", err, out)
	}
}

// layered are the files of an image, by where they are there.
type layered struct{ files, links map[string]string }

// library matches where a program has one of those that it is linked with.
var library = regexp.MustCompile(`(/\S+) \(0x`)

// program adds a program of this machine, and what it is linked with, below /usr.
func (l layered) program(t *testing.T, name string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ldd", path).Output()
	if err != nil {
		t.Fatalf("ldd %s: %v", path, err)
	}
	l.files["/usr/bin/"+name] = path
	for _, match := range library.FindAllStringSubmatch(string(out), -1) {
		l.files["/usr/"+strings.TrimPrefix(strings.TrimPrefix(match[1], "/"), "usr/")] = match[1]
	}
}

// image writes the archive of an image with the files.
func (l layered) image(archive string) error {
	var text bytes.Buffer
	if err := l.pack(&text); err != nil {
		return err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil }, tarball.WithCompressionLevel(gzip.BestSpeed))
	if err != nil {
		return err
	}
	built, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	built, err = mutate.ConfigFile(built, &v1.ConfigFile{
		OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers", DiffIDs: diffsOf(layer)},
		Config: v1.Config{Entrypoint: []string{"cyan"}, Env: []string{"PATH=/usr/local/bin:/usr/bin"}, User: fmt.Sprint(serverUser, ":", serverUser)},
	})
	if err != nil {
		return err
	}
	tag, err := name.NewTag("cyan:latest")
	if err != nil {
		return err
	}
	return tarball.WriteToFile(archive, tag, built)
}

func diffsOf(layer v1.Layer) []v1.Hash {
	diff, err := layer.DiffID()
	if err != nil {
		return nil
	}
	return []v1.Hash{diff}
}

func (l layered) pack(to io.Writer) error {
	w := tar.NewWriter(to)
	for at, target := range l.links {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: at[1:], Linkname: target, Mode: 0o777}); err != nil {
			return err
		}
	}
	for at, path := range l.files {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: at[1:], Size: int64(len(content)), Mode: 0o755}
		if strings.HasPrefix(at, repositoryFolder) {
			header.Uid, header.Gid = serverUser, serverUser
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	// git reads no repository of somebody else.
	for _, folder := range []string{repositoryFolder, repositoryFolder + "/refs", repositoryFolder + "/objects"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder[1:] + "/", Mode: 0o755, Uid: serverUser, Gid: serverUser}); err != nil {
			return err
		}
	}
	return w.Close()
}

// forwardPort has kubectl lead a port of this machine to the Service until the test ends.
func (d *deployed) forwardPort() {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), d.kubectl, "port-forward", "svc/argocd-server", "-n", "argocd", ":443")
	cmd.Env = d.environment()
	cmd.Stderr = d.Output()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	_, port, found := strings.Cut(strings.Fields(line + " -")[2], "127.0.0.1:")
	if !found {
		d.Fatalf("kubectl says %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	d.address = "localhost:" + port
}

// logIn keeps a token, as scripts do.
func (d *deployed) logIn(password string) {
	d.Helper()
	body, err := json.Marshal(map[string]string{"username": "admin", "password": password})
	if err != nil {
		d.Fatal(err)
	}
	d.token, _ = d.call(http.MethodPost, "/api/v1/session", string(body))["token"].(string)
}

// insecure asks a server whose certificate nobody knows, as `curl -k` does.
var insecure = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // the server is on loopback and makes its certificate itself

func (d *deployed) send(method, path, body string) *http.Response {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, "https://"+d.address+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if d.token != "" {
		r.Header.Set("Authorization", "Bearer "+d.token)
	}
	answer, err := insecure.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func (d *deployed) call(method, path, body string) map[string]any {
	d.Helper()
	answer := d.send(method, path, body)
	fields := map[string]any{}
	if err := json.NewDecoder(answer.Body).Decode(&fields); err != nil || answer.StatusCode != http.StatusOK {
		d.Fatalf("%s %s: %s %v %v", method, path, answer.Status, fields, err)
	}
	return fields
}

func (d *deployed) get(path string) map[string]any {
	d.Helper()
	return d.call(http.MethodGet, path, "")
}

// follow reads a log until the pod has said what it had not said when the reading began.
func (d *deployed) follow(path string) {
	d.Helper()
	answer := d.send(http.MethodGet, path, "")
	if answer.StatusCode != http.StatusOK {
		d.Fatalf("the log: %s", answer.Status)
	}
	began := time.Now()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		var frame struct {
			Result struct {
				Content   string    `json:"content"`
				TimeStamp time.Time `json:"timeStamp"`
				PodName   string    `json:"podName"`
			} `json:"result"`
		}
		if err := json.Unmarshal(lines.Bytes(), &frame); err != nil || !strings.HasPrefix(frame.Result.Content, "greeting ") || frame.Result.PodName == "" {
			d.Fatalf("the log has %s: %v", lines.Text(), err)
		}
		if frame.Result.TimeStamp.After(began) {
			return
		}
	}
	d.Fatalf("the log has ended: %v", lines.Err())
}

func (d *deployed) environment() []string {
	return append(os.Environ(), "KUBECONFIG="+d.cluster.Kubeconfig, "HOME="+d.home, "XDG_CONFIG_HOME="+d.home, "NO_COLOR=1")
}

func (d *deployed) try(name string, args ...string) (string, error) {
	if name == "argocd" {
		name = program(name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = d.environment()
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return string(out), err
}

func (d *deployed) run(name string, args ...string) string {
	d.Helper()
	out, err := d.try(name, args...)
	if err != nil {
		d.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return out
}

func (d *deployed) argocd(args ...string) string {
	d.Helper()
	return d.run("argocd", args...)
}

func (d *deployed) write(file, text string) {
	d.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		d.Fatal(err)
	}
}
