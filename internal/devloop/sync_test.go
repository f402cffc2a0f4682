package devloop

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

// containers are those of a namespace, with the files that commands have put into them.
type containers struct {
	*testing.T
	syncer *syncer
	pods   cache.Indexer
	events []Event

	mu    sync.Mutex
	files map[target]map[string]string
	// without are programs that no container has, and fails are the errors of each command in a pod; nil runs it.
	without []string
	fails   map[string]error
	runs    int
}

const webRef = "registry.example/web@sha256:1"

func newContainers(t *testing.T, files map[string]string) *containers {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700), os.WriteFile(filepath.Join(root, name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	c := &containers{T: t, pods: cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}), files: map[target]map[string]string{}}
	s := &scene{guard: func(do func()) { do() }, isAtRest: asOwn{}.isAtRest, namespace: "dev", pods: corelisters.NewPodLister(c.pods).Pods("dev"), changed: map[chan struct{}]bool{}}
	c.syncer = newSyncer(newReporter(func(e Event) { c.events = append(c.events, e) }), s, nil, root)
	c.syncer.run = c.run
	c.syncer.deployed(map[string]string{"web": webRef})
	return c
}

// pod is a pod with a container of an image, in its n-th run.
func (c *containers) pod(name, ref string, run int) *corev1.Pod {
	c.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "dev", Name: name, UID: types.UID(name)}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: ref}}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "main", ContainerID: fmt.Sprint(name, run), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}},
	}
	if err := c.pods.Add(pod); err != nil {
		c.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// What was in the container goes with its run.
	delete(c.files, target{name, "main"})
	return pod
}

// run unpacks archives and deletes files, as the programs do.
func (c *containers) run(_ context.Context, to target, input io.Reader, command ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs++
	if slices.Contains(c.without, command[0]) {
		return fmt.Errorf("%w: pod %s", missingProgram(command[0]), to.pod)
	}
	if err := c.fails[to.pod]; err != nil {
		return err
	}
	if c.files[to] == nil {
		c.files[to] = map[string]string{}
	}
	if command[0] == "rm" {
		if len(command) > 3+removedAtOnce {
			c.Errorf("%d arguments at once", len(command))
		}
		for _, file := range command[3:] {
			maps.DeleteFunc(c.files[to], func(name, _ string) bool { return name == file || strings.HasPrefix(name, file+"/") })
		}
		return nil
	}
	for r := tar.NewReader(input); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeSymlink {
			text = []byte("link to " + h.Linkname)
		}
		c.files[to]["/"+h.Name] = string(text)
	}
}

func (c *containers) sync(changes ...decide.Change) []refusal {
	var copies []decide.Copy
	for _, change := range changes {
		copies = append(copies, decide.Copy{Image: "web", Change: change, Dest: "/srv/" + change.Path})
	}
	return c.syncer.sync(context.Background(), 1, copies, time.Now())
}

// want checks what is in the container of a pod.
func (c *containers) want(pod string, files map[string]string) {
	c.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := c.files[target{pod, "main"}]; !maps.Equal(got, files) {
		c.Errorf("pod %s: got %v, want %v", pod, got, files)
	}
}

func gone(path string) decide.Change { return decide.Change{Path: path, Gone: true} }

// Files go into every container of the image and out of it, into no other, and into those that are started later.
func TestSync(t *testing.T) {
	c := newContainers(t, map[string]string{"a.css": "1", "b.css": "2"})
	c.pod("one", webRef, 1)
	c.pod("two", webRef, 1)
	c.pod("other", "registry.example/web@sha256:0", 1)
	if refused := c.sync(changed("a.css"), changed("b.css"), changed("never.css")); refused != nil {
		t.Errorf("refused: %v", refused)
	}
	both := map[string]string{"/srv/a.css": "1", "/srv/b.css": "2"}
	c.want("one", both)
	c.want("two", both)
	c.want("other", nil)
	if refused := c.sync(gone("a.css")); refused != nil {
		t.Errorf("refused: %v", refused)
	}
	c.want("one", map[string]string{"/srv/b.css": "2"})

	var tasks tasks
	c.syncer.begin(t.Context(), &tasks)
	tasks.Wait()
	began := c.runs
	for _, heard := range c.syncer.scene.podHeard {
		heard(c.pod("one", webRef, 2))
		heard(c.pod("three", webRef, 1))
		heard(c.pod("other", "registry.example/web@sha256:0", 2))
	}
	tasks.Wait()
	c.want("one", map[string]string{"/srv/b.css": "2"})
	c.want("three", map[string]string{"/srv/b.css": "2"})
	c.want("other", nil)
	if c.runs == began {
		t.Error("nothing was run for containers that were started")
	}

	// Another image has all files.
	c.syncer.deployed(map[string]string{"web": "registry.example/web@sha256:2"})
	for _, heard := range c.syncer.scene.podHeard {
		heard(c.pod("four", "registry.example/web@sha256:2", 1))
	}
	tasks.Wait()
	c.want("four", nil)
}

// A container that could not take the files when it was started gets them at its next change.
func TestSyncAgain(t *testing.T) {
	c := newContainers(t, map[string]string{"a.css": "1"})
	c.pod("one", webRef, 1)
	c.sync(changed("a.css"))
	var tasks tasks
	c.syncer.begin(t.Context(), &tasks)
	c.fails = map[string]error{"one": errors.New("connection reset")}
	started := c.pod("one", webRef, 2)
	for range 2 {
		for _, heard := range c.syncer.scene.podHeard {
			heard(started)
		}
		tasks.Wait()
		c.fails = nil
	}
	c.want("one", map[string]string{"/srv/a.css": "1"})
}

// What a container cannot take when it is started has its image built once, and is said once; what was about another
// run of it, or about a pod on its way out, comes again with the next one.
func TestSyncAgainInVain(t *testing.T) {
	failed := commandFailed("tar: read-only file system")
	for _, row := range []struct {
		rule string
		err  error
		// late is what becomes of the container meanwhile.
		late func(c *containers, pod *corev1.Pod)
		want []refusal
	}{
		{"the container cannot take them", failed, nil, []refusal{{"web", false}}},
		{"the container has no tar", fmt.Errorf("%w: pod two", tarProgram), nil, []refusal{{"web", true}}},
		{"the container has no rm", fmt.Errorf("%w: pod two", deleteProgram), nil, []refusal{{"web", false}}},
		{"the cluster is away", errors.New("connection reset"), nil, nil},
		{"the container has ended", failed, func(c *containers, pod *corev1.Pod) {
			pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
		}, nil},
		{"the container runs anew", failed, func(c *containers, pod *corev1.Pod) { pod.Status.ContainerStatuses[0].ContainerID = "another" }, nil},
		{"the pod is deleted", failed, func(c *containers, pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{} }, nil},
		{"the pod is gone", failed, func(c *containers, pod *corev1.Pod) {
			if err := c.pods.Delete(pod); err != nil {
				c.Fatal(err)
			}
		}, nil},
	} {
		c := newContainers(t, map[string]string{"a.css": "1"})
		c.pod("one", webRef, 1)
		c.sync(changed("a.css"))
		var tasks tasks
		c.syncer.begin(t.Context(), &tasks)
		tasks.Wait()
		c.fails = map[string]error{"two": row.err}
		now := c.pod("two", webRef, 1)
		seen := now.DeepCopy()
		if row.late != nil {
			row.late(c, now)
		}
		for range 2 {
			for _, heard := range c.syncer.scene.podHeard {
				heard(seen)
			}
			tasks.Wait()
			// Pods of one name are of one program: another container fails likewise.
			if len(row.want) > 0 {
				seen.Status.ContainerStatuses[0].ContainerID += "x"
				now.Status.ContainerStatuses[0].ContainerID += "x"
			}
		}
		if got := c.syncer.refused(); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got %v, want %v", row.rule, got, row.want)
		}
		failures := 0
		for _, e := range c.events {
			if e.Kind == SyncFailed {
				failures++
			}
		}
		if len(row.want) > 0 && failures != 1 || failures == 0 {
			t.Errorf("%s: said %d times", row.rule, failures)
		}
		select {
		case <-c.syncer.some:
			if row.want == nil {
				t.Errorf("%s: the loop is woken", row.rule)
			}
		default:
			if row.want != nil {
				t.Errorf("%s: the loop is not woken", row.rule)
			}
		}
		c.syncer.deployed(map[string]string{"web": webRef})
		if got := c.syncer.refused(); len(got) > 0 {
			t.Errorf("%s: got %v once it is built, want none", row.rule, got)
		}
	}
}

// A folder takes the place of a file and a file that of a folder, also in a container that has what the image has.
func TestSyncReplaces(t *testing.T) {
	c := newContainers(t, map[string]string{"x/y": "1", "z": "2"})
	c.pod("one", webRef, 1)
	c.files[target{"one", "main"}] = map[string]string{"/srv/x": "0", "/srv/z/a": "0", "/srv/z/b": "0"}
	c.sync(gone("x"), changed("x/y"), changed("z"), gone("z/a"), gone("z/b"))
	c.want("one", map[string]string{"/srv/x/y": "1", "/srv/z": "2"})
}

// A link goes as one, whatever it leads to.
func TestSyncLinks(t *testing.T) {
	c := newContainers(t, map[string]string{"a.css": "1", "d/b.css": "2"})
	for name, to := range map[string]string{"file": "a.css", "folder": "d", "nothing": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(c.syncer.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	c.pod("one", webRef, 1)
	c.sync(changed("a.css"), changed("file"), changed("folder"), changed("nothing"))
	c.want("one", map[string]string{"/srv/a.css": "1", "/srv/file": "link to a.css", "/srv/folder": "link to d", "/srv/nothing": "link to nowhere"})
}

// One container that cannot take files keeps no other from having them.
func TestSyncOneFails(t *testing.T) {
	c := newContainers(t, map[string]string{"a.css": "1"})
	c.pod("one", webRef, 1)
	c.pod("two", webRef, 1)
	c.fails = map[string]error{"one": errors.New("tar: no space left on device")}
	run := c.syncer.run
	c.syncer.run = func(ctx context.Context, to target, input io.Reader, command ...string) error {
		if ctx != context.Background() {
			t.Errorf("pod %s: the copy ends with something else than the round", to.pod)
		}
		return run(ctx, to, input, command...)
	}
	if got := c.sync(changed("a.css")); !reflect.DeepEqual(got, []refusal{{"web", false}}) {
		t.Errorf("got %v", got)
	}
	c.want("two", map[string]string{"/srv/a.css": "1"})
}

// Files wait for containers that are yet to start; where none runs and none will, the image is built.
func TestSyncIntoNothing(t *testing.T) {
	waiting := func(s *corev1.ContainerStatus) {
		s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}
	}
	for _, row := range []struct {
		rule   string
		change func(*corev1.Pod)
		want   []refusal
		said   string
	}{
		{"no pod", nil, []refusal{{"web", false}}, "no container of web runs that files could be copied into: it is built instead"},
		{"a pod that no node has taken", func(p *corev1.Pod) { p.Status.ContainerStatuses = nil }, nil, "1 file for web, as soon as a container runs"},
		{"a container that is created", func(p *corev1.Pod) { waiting(&p.Status.ContainerStatuses[0]) }, nil, "1 file for web, as soon as a container runs"},
		{"a container that has ended", func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
		}, []refusal{{"web", false}}, "no container of web runs"},
		{"a container that ends each time", func(p *corev1.Pod) {
			waiting(&p.Status.ContainerStatuses[0])
			p.Status.ContainerStatuses[0].LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
		}, []refusal{{"web", false}}, "no container of web runs"},
		{"a container that was restarted", func(p *corev1.Pod) {
			waiting(&p.Status.ContainerStatuses[0])
			p.Status.ContainerStatuses[0].RestartCount = 1
		}, []refusal{{"web", false}}, "no container of web runs"},
		{"a container that cannot be started", func(p *corev1.Pod) {
			waiting(&p.Status.ContainerStatuses[0])
			p.Status.ContainerStatuses[0].State.Waiting.Reason = "RunContainerError"
		}, []refusal{{"web", false}}, "no container of web runs"},
		{"a pod of another image", func(p *corev1.Pod) { p.Spec.Containers[0].Image = "registry.example/web@sha256:0" }, []refusal{{"web", false}}, "no container of web runs"},
		{"a pod on its way out", func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }, []refusal{{"web", false}}, "no container of web runs"},
		{"a container that runs", func(*corev1.Pod) {}, nil, "1 file into 1 container of web"},
	} {
		c := newContainers(t, map[string]string{"a.css": "1"})
		if row.change != nil {
			row.change(c.pod("one", webRef, 1))
		}
		if got := c.sync(changed("a.css")); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got %v, want %v", row.rule, got, row.want)
		}
		if len(c.events) != 1 || !strings.HasPrefix(c.events[0].Text, row.said) {
			t.Errorf("%s: got %v, want %q", row.rule, c.events, row.said)
		}
	}
}

// Many files are deleted in several commands, since arguments are bounded.
func TestSyncDeletesMany(t *testing.T) {
	c := newContainers(t, nil)
	c.pod("one", webRef, 1)
	var changes []decide.Change
	for i := range 2*removedAtOnce + 1 {
		changes = append(changes, gone(fmt.Sprintf("%d.css", i)))
	}
	if refused := c.sync(changes...); refused != nil || c.runs != 3 {
		t.Errorf("refused %v, in %d commands; want 3", refused, c.runs)
	}
}

// What cannot be copied is built, and why is said: always where there is no tar, once where there is no rm or copying
// has failed.
func TestSyncRefused(t *testing.T) {
	for _, row := range []struct {
		rule    string
		without []string
		fails   error
		change  decide.Change
		want    []refusal
		said    string
	}{
		{"no tar", []string{"tar", "rm"}, nil, changed("a.css"), []refusal{{"web", true}}, "image web has no tar, so that files cannot be copied into its containers: it is built instead"},
		{"no rm, and nothing to delete", []string{"rm"}, nil, changed("a.css"), nil, ""},
		{"no rm", []string{"rm"}, nil, gone("a.css"), []refusal{{"web", false}}, "image web has no rm, so that files cannot be deleted from its containers: it is built instead"},
		{"copying fails", nil, errors.New("tar: permission denied"), changed("a.css"), []refusal{{"web", false}}, "tar: permission denied; the image is built instead"},
	} {
		c := newContainers(t, map[string]string{"a.css": "1"})
		c.without, c.fails = row.without, map[string]error{"one": row.fails}
		c.pod("one", webRef, 1)
		if got := c.sync(row.change); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got %v, want %v", row.rule, got, row.want)
		}
		said := ""
		for _, e := range c.events {
			if e.Kind != Synced {
				said += e.Text
			}
		}
		if !strings.Contains(said, row.said) || row.said == "" && said != "" {
			t.Errorf("%s: got %q, want %q", row.rule, said, row.said)
		}
	}
}

// An image that can take no files is built at every change from then on; one that could not this once is not.
func TestRefused(t *testing.T) {
	b := newBuilds(newReporter(func(Event) {}), &Options{})
	b.order, b.artifacts = []string{"web:dev", "app"}, map[string]*artifact{"web:dev": {}, "app": {}}
	if got := b.refused(refusal{"web", false}); !slices.Equal(got, []string{"web:dev"}) || b.artifacts["web:dev"].builtOnly {
		t.Errorf("once: got %v, builtOnly %v", got, b.artifacts["web:dev"].builtOnly)
	}
	if got := b.refused(refusal{"web", true}); !slices.Equal(got, []string{"web:dev"}) || !b.artifacts["web:dev"].builtOnly || b.artifacts["app"].builtOnly {
		t.Errorf("always: got %v, builtOnly %v", got, b.artifacts["web:dev"].builtOnly)
	}
}
