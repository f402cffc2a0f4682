package devloop

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream" //nolint:staticcheck // the one that client-go's dialers are of
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

const (
	// removedAtOnce bounds the arguments of a command.
	removedAtOnce = 200
	// mostSaid bounds what is shown of what a command in a container prints.
	mostSaid = 2 << 10
)

// copier copies files into one container. It is safe for concurrent use.
type copier struct {
	scene  *scene
	config *rest.Config
	root   string
	// run runs a command in a container.
	run func(ctx context.Context, to target, input io.Reader, command ...string) error
}

func newCopier(s *scene, config *rest.Config, root string) *copier {
	c := &copier{scene: s, config: config, root: root}
	c.run = c.exec
	return c
}

// target is a container.
type target struct{ pod, container string }

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

// commandFailed is why a command has ended with an error in a container.
type commandFailed string

// Error is what the command has printed.
func (f commandFailed) Error() string { return string(f) }

// copy takes out of a container what is gone, and brings files into it.
func (c *copier) copy(ctx context.Context, to target, files map[string]decide.Change) error {
	gone, there := decide.Arrange(files)
	for some := range slices.Chunk(gone, removedAtOnce) {
		if err := c.run(ctx, to, nil, append([]string{string(deleteProgram), "-rf", "--"}, some...)...); err != nil {
			return err
		}
	}
	// What is relative goes to where the container works.
	for _, place := range [][]string{{string(tarProgram), "xmf", "-", "-C", "/", "--no-same-owner"}, {string(tarProgram), "xmf", "-", "--no-same-owner"}} {
		absolute := slices.Contains(place, "/")
		archive, some, err := c.pack(files, slices.DeleteFunc(slices.Clone(there), func(dest string) bool { return path.IsAbs(dest) != absolute }))
		if err != nil {
			return err
		}
		if !some {
			continue
		}
		if err := c.run(ctx, to, archive, place...); err != nil {
			return err
		}
	}
	return nil
}

// pack puts files into an archive. One that has gone meanwhile is left out: that is a change of its own.
func (c *copier) pack(files map[string]decide.Change, places []string) (archive *bytes.Buffer, some bool, err error) {
	archive = &bytes.Buffer{}
	w := tar.NewWriter(archive)
	for _, dest := range places {
		header, data, err := c.entry(files[dest].Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			header.Name = strings.TrimPrefix(dest, "/")
			err = w.WriteHeader(header)
		}
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			return nil, false, fmt.Errorf("copying %s: %w", files[dest].Path, err)
		}
		some = true
	}
	return archive, some, w.Close()
}

// entry is a file, or a link as such, as an archive has it.
func (c *copier) entry(file string) (header *tar.Header, data []byte, err error) {
	from := filepath.Join(c.root, filepath.FromSlash(file))
	info, err := os.Lstat(from)
	if err != nil {
		return nil, nil, err
	}
	header = &tar.Header{Typeflag: tar.TypeReg, Mode: int64(info.Mode().Perm()), ModTime: info.ModTime()}
	if info.Mode()&fs.ModeSymlink != 0 {
		header.Typeflag = tar.TypeSymlink
		header.Linkname, err = os.Readlink(from)
		return header, nil, err
	}
	data, err = os.ReadFile(from)
	header.Size = int64(len(data))
	return header, data, err
}

// exec runs a command of a copy in a container.
func (c *copier) exec(ctx context.Context, to target, input io.Reader, command ...string) error {
	said, err := c.runIn(ctx, to, input, command)
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(said + " " + err.Error())
	if strings.Contains(text, "executable file not found") || strings.Contains(text, "no such file or directory") && strings.Contains(text, "exec") {
		return fmt.Errorf("%w: pod %s, container %s", missingProgram(command[0]), to.pod, to.container)
	}
	if _, ended := errors.AsType[exec.CodeExitError](err); ended {
		return commandFailed(fmt.Sprintf("copying into pod %s, container %s: %s", to.pod, to.container, text))
	}
	return fmt.Errorf("copying into pod %s, container %s: %s", to.pod, to.container, text)
}

// runIn runs a command in a container, and returns what it prints.
func (c *copier) runIn(ctx context.Context, to target, input io.Reader, command []string) (string, error) {
	request := c.scene.clients.CoreV1().RESTClient().Post().Resource("pods").Namespace(c.scene.namespace).Name(to.pod).SubResource("exec").VersionedParams(&corev1.PodExecOptions{
		Container: to.container, Command: command, Stdin: input != nil, Stdout: true, Stderr: true,
	}, scheme.ParameterCodec)
	old, err := remotecommand.NewSPDYExecutor(c.config, "POST", request.URL())
	if err != nil {
		return "", fmt.Errorf("running %s in pod %s: %w", command[0], to.pod, err)
	}
	websocket, err := remotecommand.NewWebSocketExecutor(c.config, "GET", request.URL().String())
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
