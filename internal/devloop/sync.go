package devloop

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/httpstream" //nolint:staticcheck // the one that client-go's dialers are of
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
)

const (
	// removedAtOnce bounds the arguments of a command.
	removedAtOnce = 200
	// syncsAtOnce bounds the containers that files are copied into at the same time.
	syncsAtOnce = 8
	// mostSaid bounds what is shown of what a command in a container prints.
	mostSaid = 2 << 10
)

// syncer copies files into running containers, and into those that are started later. It is safe for concurrent use.
type syncer struct {
	*reporter
	scene  *scene
	config *rest.Config
	root   string
	// run runs a command in a container.
	run func(ctx context.Context, to target, input io.Reader, command ...string) error

	mu sync.Mutex
	// ledger are the files that differ from those of an image, by the image's name and by where they are in it.
	ledger map[string]map[string]decide.Change
	// refs are the images that run, by name.
	refs map[string]string
	// has are the last runs of containers that have the files.
	has containerRuns
}

func newSyncer(r *reporter, s *scene, config *rest.Config, root string) *syncer {
	all := &syncer{reporter: r, scene: s, config: config, root: root, ledger: map[string]map[string]decide.Change{}, refs: map[string]string{}, has: containerRuns{}}
	all.run = all.exec
	return all
}

// begin has containers that are started get the files that were copied before, until ctx ends.
func (s *syncer) begin(ctx context.Context, tasks *tasks) {
	s.scene.onPod(func(pod *corev1.Pod) {
		if ctx.Err() != nil {
			return
		}
		for _, c := range pod.Status.ContainerStatuses {
			image := s.missing(pod, c)
			if image == "" {
				continue
			}
			tasks.Go(func() {
				if err := s.copy(ctx, target{pod.Name, c.Name}, s.all(image)); err != nil && ctx.Err() == nil {
					s.lacks(pod.UID, c)
					s.failed(Event{Kind: SyncFailed, Artifact: image, Text: err.Error(), Err: err})
				}
			})
		}
	}, func(pod types.UID) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.has.forget(pod)
	})
}

// missing returns the image of a container that was started and has not got the files yet; "" for any other.
func (s *syncer) missing(pod *corev1.Pod, c corev1.ContainerStatus) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	image := s.imageOf(pod, c.Name)
	if c.State.Running == nil || image == "" || len(s.ledger[image]) == 0 || !s.has.note(pod.UID, c) {
		return ""
	}
	return image
}

// lacks notes that a container has not got the files after all, so that it gets them at its next change.
func (s *syncer) lacks(pod types.UID, c corev1.ContainerStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.has.drop(pod, c)
}

// imageOf returns the name of the image that a container runs, if it is one that runs now.
func (s *syncer) imageOf(pod *corev1.Pod, container string) string {
	for _, c := range pod.Spec.Containers {
		if c.Name != container {
			continue
		}
		for name, ref := range s.refs {
			if ref == c.Image {
				return name
			}
		}
	}
	return ""
}

// runs reports whether a container runs the image of an artifact.
func (s *syncer) runs(pod *corev1.Pod, container, image string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.imageOf(pod, container) == desired.Name(image)
}

// deployed notes the images that run from now on. Those that are others than before have all files.
func (s *syncer) deployed(refs map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, ref := range refs {
		if s.refs[name] != ref {
			delete(s.ledger, name)
		}
	}
	s.refs = maps.Clone(refs)
}

// all are the files that a container of an image has to get.
func (s *syncer) all(image string) map[string]decide.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.ledger[image])
}

// refusal is an image whose containers cannot take files.
type refusal struct {
	image string
	// always is set where they can take none at all.
	always bool
}

// sync copies files into all containers that run their image. It returns the images that have to be built instead.
func (s *syncer) sync(ctx context.Context, round int, copies []decide.Copy, since time.Time) (refused []refusal) {
	byImage := s.enter(copies)
	for _, image := range slices.Sorted(maps.Keys(byImage)) {
		start := time.Now()
		number, err := s.syncImage(ctx, image, byImage[image])
		var missing missingProgram
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &missing):
			refused = append(refused, refusal{image, missing == tarProgram})
			s.note(fmt.Sprintf("image %s has no %s, so that files cannot be %s its containers: it is built instead", image, string(missing), missing.does()))
		case err != nil:
			// Some of the files may be in some of the containers: only another image makes them all alike.
			refused = append(refused, refusal{image, false})
			s.failed(Event{Kind: SyncFailed, Round: round, Artifact: image, Text: err.Error(), Took: time.Since(start), Err: err})
		default:
			s.report(Event{Kind: Synced, Round: round, Artifact: image, Text: fmt.Sprintf("%s into %s of %s", countOf(len(byImage[image]), "file"), countOf(number, "container"), image), Took: time.Since(start), Total: time.Since(since)})
		}
	}
	return refused
}

// enter notes files that differ from those of images from now on, and returns them by image and place.
func (s *syncer) enter(copies []decide.Copy) map[string]map[string]decide.Change {
	byImage := map[string]map[string]decide.Change{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range copies {
		name := desired.Name(c.Image)
		if byImage[name] == nil {
			byImage[name] = map[string]decide.Change{}
		}
		if s.ledger[name] == nil {
			s.ledger[name] = map[string]decide.Change{}
		}
		byImage[name][c.Dest], s.ledger[name][c.Dest] = c.Change, c.Change
	}
	return byImage
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// target is a container.
type target struct{ pod, container string }

// syncImage copies files into the containers of an image, and returns how many there are.
func (s *syncer) syncImage(ctx context.Context, image string, files map[string]decide.Change) (int, error) {
	targets := s.running(image)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(syncsAtOnce)
	for _, to := range targets {
		group.Go(guarded(func() error { return s.copy(ctx, to, files) }))
	}
	return len(targets), group.Wait()
}

// running are the containers that run an image and have what was copied before.
func (s *syncer) running(image string) []target {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []target
	for _, pod := range s.scene.newest() {
		for _, c := range pod.Status.ContainerStatuses {
			if c.State.Running != nil && s.imageOf(pod, c.Name) == image {
				s.has.note(pod.UID, c)
				all = append(all, target{pod.Name, c.Name})
			}
		}
	}
	return all
}

// missingProgram is a program that a container does not have.
type missingProgram string

// The programs that are run in containers: one unpacks files, the other deletes them.
const (
	tarProgram    missingProgram = "tar"
	deleteProgram missingProgram = "rm"
)

// does is what cannot be done without the program.
func (p missingProgram) does() string {
	if p == deleteProgram {
		return "deleted from"
	}
	return "copied into"
}

// Error names the program.
func (p missingProgram) Error() string { return "no " + string(p) + " in the container" }

// copy brings files into a container, and takes out those that are gone.
func (s *syncer) copy(ctx context.Context, to target, files map[string]decide.Change) error {
	// What is relative goes to where the container works.
	for _, place := range [][]string{{string(tarProgram), "xmf", "-", "-C", "/", "--no-same-owner"}, {string(tarProgram), "xmf", "-", "--no-same-owner"}} {
		absolute := slices.Contains(place, "/")
		archive, some, err := s.pack(files, absolute)
		if err != nil {
			return err
		}
		if !some {
			continue
		}
		if err := s.run(ctx, to, archive, place...); err != nil {
			return err
		}
	}
	var gone []string
	for dest, c := range files {
		if c.Gone {
			gone = append(gone, dest)
		}
	}
	slices.Sort(gone)
	for some := range slices.Chunk(gone, removedAtOnce) {
		if err := s.run(ctx, to, nil, append([]string{string(deleteProgram), "-rf", "--"}, some...)...); err != nil {
			return err
		}
	}
	return nil
}

// pack puts the files whose destination is absolute, or is not, into an archive. A file that has gone meanwhile is left
// out: that is a change of its own.
func (s *syncer) pack(files map[string]decide.Change, absolute bool) (archive *bytes.Buffer, some bool, err error) {
	archive = &bytes.Buffer{}
	w := tar.NewWriter(archive)
	for _, dest := range slices.Sorted(maps.Keys(files)) {
		if files[dest].Gone || path.IsAbs(dest) != absolute {
			continue
		}
		from := filepath.Join(s.root, filepath.FromSlash(files[dest].Path))
		info, err := os.Stat(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		data, read := os.ReadFile(from)
		if err := errors.Join(err, read); err != nil {
			return nil, false, fmt.Errorf("copying %s: %w", files[dest].Path, err)
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(dest, "/"), Mode: int64(info.Mode().Perm()), Size: int64(len(data)), ModTime: info.ModTime()}
		if err := w.WriteHeader(header); err != nil {
			return nil, false, fmt.Errorf("copying %s: %w", files[dest].Path, err)
		}
		if _, err := w.Write(data); err != nil {
			return nil, false, fmt.Errorf("copying %s: %w", files[dest].Path, err)
		}
		some = true
	}
	return archive, some, w.Close()
}

// exec runs a command of a copy in a container.
func (s *syncer) exec(ctx context.Context, to target, input io.Reader, command ...string) error {
	said, err := s.runIn(ctx, to, input, command)
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(said + " " + err.Error())
	if strings.Contains(text, "executable file not found") || strings.Contains(text, "no such file or directory") && strings.Contains(text, "exec") {
		return fmt.Errorf("%w: pod %s, container %s", missingProgram(command[0]), to.pod, to.container)
	}
	return fmt.Errorf("copying into pod %s, container %s: %s", to.pod, to.container, text)
}

// runIn runs a command in a container, and returns what it prints.
func (s *syncer) runIn(ctx context.Context, to target, input io.Reader, command []string) (string, error) {
	request := s.scene.clients.CoreV1().RESTClient().Post().Resource("pods").Namespace(s.scene.namespace).Name(to.pod).SubResource("exec").VersionedParams(&corev1.PodExecOptions{
		Container: to.container, Command: command, Stdin: input != nil, Stdout: true, Stderr: true,
	}, scheme.ParameterCodec)
	old, err := remotecommand.NewSPDYExecutor(s.config, "POST", request.URL())
	if err != nil {
		return "", fmt.Errorf("running %s in pod %s: %w", command[0], to.pod, err)
	}
	websocket, err := remotecommand.NewWebSocketExecutor(s.config, "GET", request.URL().String())
	if err != nil {
		return "", fmt.Errorf("running %s in pod %s: %w", command[0], to.pod, err)
	}
	executor, err := remotecommand.NewFallbackExecutor(websocket, old, func(err error) bool { return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) })
	if err != nil {
		return "", fmt.Errorf("running %s in pod %s: %w", command[0], to.pod, err)
	}
	said := &boundedBuffer{}
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: input, Stdout: said, Stderr: said})
	return said.String(), err
}

// boundedBuffer keeps the beginning of what is written.
type boundedBuffer struct {
	mu   sync.Mutex
	text []byte
}

// Write keeps what there is room for.
func (b *boundedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p[:min(len(p), mostSaid-len(b.text))]...)
	return len(p), nil
}

// String returns what was kept.
func (b *boundedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}
