package devloop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// The manifests of a project with one image and a Secret.
const (
	deployedManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 1
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers: [{name: app, image: app}]
`
	secretValue    = "hunter2-hunter2-hunter2"
	secretManifest = `apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: ` + secretValue + `}
`
)

// trial is a loop on a cluster whose pods are simulated, and whose image is what stands in the file src/source.
type trial struct {
	*testing.T
	l       *loop
	dir     string
	cluster *testkit.LocalCluster
	end     func()

	mu     sync.Mutex
	events []Event
	// built are the contents that were built.
	built []string
	// during is called while the image is built, with what was read; nil does nothing.
	during func(source string) error
}

// newTrial opens a loop, which begin starts.
func newTrial(t *testing.T, change ...func(*rest.Config)) *trial {
	t.Helper()
	return openTrial(t, func(o *Options) {
		for _, c := range change {
			c(o.Config)
		}
	})
}

func openTrial(t *testing.T, change func(*Options)) *trial {
	t.Helper()
	f, o := prepareTrial(t)
	change(&o)
	l, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if l.watcher, err = watch(f.dir, leaveOut, l.note); err != nil {
		t.Fatal(err)
	}
	f.l = l
	l.after = time.Millisecond
	l.builds.make = f.make
	return f
}

// prepareTrial writes the files of a trial, and returns the options for a loop on them.
func prepareTrial(t *testing.T) (*trial, Options) {
	t.Helper()
	f := &trial{T: t, dir: t.TempDir(), cluster: testkit.Cluster(t)}
	f.write("src/source", "first")
	f.write("k8s/app.yaml", deployedManifest)
	f.write("k8s/secret.yaml", secretManifest)
	return f, Options{
		Root: f.dir, Config: rest.CopyConfig(f.cluster.Config), Context: "test", User: "ann", Registry: "registry.example", Notes: t.TempDir(), Forward: ForwardOff, Logs: LogOptions{Off: true},
		Read:   func(fs.FS) (skaffold.Project, error) { return f.project(), nil },
		Report: f.see, ShowBuild: true,
	}
}

// newTrialBehind opens a loop with a passage to the cluster that can be closed.
func newTrialBehind(t *testing.T) (f *trial, way *passage) {
	t.Helper()
	f = newTrial(t, func(c *rest.Config) {
		way = newPassage(t, c.Host)
		c.Host = way.address()
	})
	return f, way
}

func (f *trial) project() skaffold.Project {
	name := strings.ToLower(strings.ReplaceAll(f.Name(), "/", "-"))
	return skaffold.Project{
		Name: name, Artifacts: []skaffold.Artifact{{Image: "app", Context: "src"}}, Manifests: skaffold.Manifests{Raw: []skaffold.Raw{{Pattern: "k8s/*.yaml"}}},
	}
}

// begin runs the loop until the test ends.
func (f *trial) begin() {
	f.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		f.l.run(ctx)
		ended <- f.l.close(ctx)
	}()
	f.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			f.Error(err)
		}
	})
	f.Cleanup(f.end)
}

func (f *trial) see(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
}

// make builds what stands in the source, which it reads at its beginning.
func (f *trial) make(_ context.Context, a *artifact, _ bool, _ map[string]string) (image.Built, error) {
	text, err := os.ReadFile(filepath.Join(f.dir, "src", "source"))
	if err != nil {
		return image.Built{}, err
	}
	f.mu.Lock()
	f.built = append(f.built, string(text))
	f.mu.Unlock()
	if f.during != nil {
		if err := f.during(string(text)); err != nil {
			return image.Built{}, err
		}
	}
	return image.Built{Repository: a.repository, Digest: digestOf(string(text))}, nil
}

func digestOf(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (f *trial) write(name, text string) {
	f.Helper()
	file := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
}

// eventually waits until something is so.
func (f *trial) eventually(what string, so func() error) {
	f.Helper()
	testkit.Eventually(f.T, 2*time.Minute, what, so)
}

// awaitRunning waits until what stood in the source runs.
func (f *trial) awaitRunning(source string) {
	f.Helper()
	f.eventually(source+" runs", func() error {
		d := &appsv1.Deployment{}
		if err := f.cluster.Client.Get(context.Background(), client.ObjectKey{Namespace: f.l.claim.namespace, Name: "app"}, d); err != nil {
			return err
		}
		if got := d.Spec.Template.Spec.Containers[0].Image; !strings.HasSuffix(got, digestOf(source)) {
			return fmt.Errorf("image %s", got)
		}
		return nil
	})
}

// count returns how many events there were of a kind.
func (f *trial) count(kind Kind) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// texts returns those of the events of some kinds.
func (f *trial) texts(kinds ...Kind) (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if slices.Contains(kinds, e.Kind) {
			all = append(all, e.Text)
		}
	}
	return all
}

func (f *trial) await(kind Kind, n int) {
	f.Helper()
	f.eventually(fmt.Sprintf("%d × %s", n, kind), func() error {
		if got := f.count(kind); got < n {
			return fmt.Errorf("%d", got)
		}
		return nil
	})
}

// builds returns what was built.
func (f *trial) builds() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.built...)
}

// A file that changes while it is built is built again: what runs at last is no mixture.
func TestChangeDuringABuild(t *testing.T) {
	f := newTrial(t)
	f.during = func(source string) error {
		if source != "first" {
			return nil
		}
		f.write("src/source", "second")
		f.eventually("the save is noticed", func() error {
			f.l.watcher.mu.Lock()
			defer f.l.watcher.mu.Unlock()
			if len(f.l.watcher.pending) == 0 {
				return fmt.Errorf("nothing is pending")
			}
			return nil
		})
		return nil
	}
	f.begin()
	f.awaitRunning("second")
	if got := f.builds(); len(got) != 2 {
		t.Errorf("built %q, want each once", got)
	}
}

// Saves come faster than builds: the last one runs, none waits in a queue, and nothing is kept of those before.
func TestSavesWithoutEnd(t *testing.T) {
	const saves, builds = 600, 6
	f := newTrial(t)
	begun, goOn, last := make(chan string), make(chan struct{}), make(chan struct{})
	f.during = func(source string) error {
		select {
		case begun <- source:
			<-goOn
		case <-last:
		}
		return nil
	}
	f.begin()
	var memory [builds]uint64
	for k := range saves {
		if k%(saves/builds) == 0 {
			<-begun
			memory[k*builds/saves] = inUse()
		}
		source := fmt.Sprintf("save %d", k)
		f.write("src/source", source)
		f.l.watcher.keep([]decide.Change{{Path: "src/source"}}, time.Now())
		f.l.watcher.mu.Lock()
		if n := len(f.l.watcher.pending); n > 1 {
			t.Fatalf("%d changes wait of one file", n)
		}
		f.l.watcher.mu.Unlock()
		if (k+1)%(saves/builds) == 0 {
			goOn <- struct{}{}
		}
	}
	close(last)
	close(goOn)
	f.awaitRunning(fmt.Sprintf("save %d", saves-1))
	if got := len(f.builds()); got > 2*builds+1 {
		t.Errorf("%d builds of %d saves, want one while another one runs", got, saves)
	}
	if grown := int64(memory[builds-1]) - int64(memory[1]); grown > 4<<20 {
		t.Errorf("%d bytes more are in use after %d saves", grown, saves)
	}
}

// inUse is the memory that is in use.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// The registry goes away in the middle of a push: that is said once, tried again by itself, and what was saved runs.
func TestRegistryAway(t *testing.T) {
	f := newTrial(t)
	tries := 0
	f.during = func(string) error {
		if tries++; tries <= 5 {
			return &problem.Error{Kind: problem.Unreachable, Err: image.ErrUnreachable, Object: "image app", Cause: "pushing: connection reset"}
		}
		return nil
	}
	f.begin()
	f.awaitRunning("first")
	if got := f.count(BuildFailed); got != 1 || tries != 6 {
		t.Errorf("said %d times in %d tries, want once in 6", got, tries)
	}
}

// The cluster goes away and comes back: what was saved meanwhile runs, the last of it, without anybody's help.
func TestClusterAway(t *testing.T) {
	f, way := newTrialBehind(t)
	f.begin()
	f.awaitRunning("first")
	f.await(Ready, 1)
	way.close()
	f.write("src/source", "second")
	f.await(DeployFailed, 1)
	f.write("src/source", "third")
	f.eventually("the save is taken", func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		taken := 0
		for _, e := range f.events {
			if e.Kind == Changed && e.Text == "src/source" {
				taken++
			}
		}
		if taken < 2 {
			return fmt.Errorf("%d saves", taken)
		}
		return nil
	})
	way.open()
	f.awaitRunning("third")
	f.await(Ready, 2)
	if failed := f.count(DeployFailed) + f.count(Refused); failed > 3 {
		t.Errorf("said %d times that the cluster is away: %q", failed, f.texts(DeployFailed, Refused))
	}
}

// What was saved while manifests were refused runs once they are mended.
func TestSaveWhileRefused(t *testing.T) {
	f := newTrial(t)
	f.begin()
	f.awaitRunning("first")
	f.write("k8s/app.yaml", strings.Replace(deployedManifest, "replicas: 1", "replicas: one", 1))
	f.await(Refused, 1)
	f.write("src/source", "second")
	f.await(Refused, 2)
	f.write("k8s/app.yaml", deployedManifest)
	f.awaitRunning("second")
}

// A builder prints a Secret of the app, beside its errors and in them: it is shown nowhere.
func TestSecretsInBuilds(t *testing.T) {
	f := newTrial(t)
	failed := false
	f.during = func(string) error {
		_, _ = io.WriteString(f.l.builds.artifacts["app"].output, "login with "+secretValue+"\n")
		if failed {
			return nil
		}
		failed = true
		return &problem.Error{Err: image.ErrBuildFailed, Object: "image app", Cause: "compiling failed:\ngo build: main.go:3: undefined: " + secretValue}
	}
	f.begin()
	f.await(BuildFailed, 1)
	f.write("src/source", "second")
	f.awaitRunning("second")
	f.mu.Lock()
	defer f.mu.Unlock()
	shown := 0
	for _, e := range f.events {
		if strings.Contains(e.Text, "hunter2") {
			t.Errorf("%s: %q", e.Kind, e.Text)
		}
		if strings.Contains(e.Text, "login with") || strings.Contains(e.Text, "undefined: ") {
			shown++
		}
	}
	if shown != 3 {
		t.Errorf("%d lines of the builder are shown, want all three", shown)
	}
}

// passage is a way to the API server that can be closed.
type passage struct {
	*testing.T
	to, at string

	mu       sync.Mutex
	listener net.Listener
	under    map[net.Conn]bool
}

func newPassage(t *testing.T, host string) *passage {
	t.Helper()
	to, err := url.Parse(host)
	if err != nil {
		t.Fatal(err)
	}
	p := &passage{T: t, to: to.Host, at: "127.0.0.1:0", under: map[net.Conn]bool{}}
	p.open()
	t.Cleanup(p.close)
	return p
}

func (p *passage) address() string { return "https://" + p.at }

// open has connections go through, on the same port as before.
func (p *passage) open() {
	p.Helper()
	listener, err := net.Listen("tcp", p.at)
	if err != nil {
		p.Fatal(err)
	}
	p.at = listener.Addr().String()
	p.mu.Lock()
	p.listener = listener
	p.mu.Unlock()
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go p.through(in)
		}
	}()
}

func (p *passage) through(in net.Conn) {
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = in.Close()
		return
	}
	p.mu.Lock()
	p.under[in], p.under[out] = true, true
	p.mu.Unlock()
	go func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	}()
	_, _ = io.Copy(in, out)
	_ = in.Close()
}

// close cuts what is under way, and lets nothing through.
func (p *passage) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
	for c := range p.under {
		_ = c.Close()
	}
	clear(p.under)
}
