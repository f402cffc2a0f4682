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
	// without are programs that no container has, and fails is the error of each command; nil runs it.
	without []string
	fails   error
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
	if c.fails != nil {
		return c.fails
	}
	if c.files[to] == nil {
		c.files[to] = map[string]string{}
	}
	if command[0] == "rm" {
		if len(command) > 3+removedAtOnce {
			c.Errorf("%d arguments at once", len(command))
		}
		for _, file := range command[3:] {
			delete(c.files[to], file)
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
	c.fails = errors.New("connection reset")
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
		{"copying fails", nil, errors.New("tar: permission denied"), changed("a.css"), []refusal{{"web", false}}, "tar: permission denied"},
	} {
		c := newContainers(t, map[string]string{"a.css": "1"})
		c.without, c.fails = row.without, row.fails
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
