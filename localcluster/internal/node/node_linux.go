// Package node makes the namespaces of a real node: for its network, its mounts and its processes.
//
// The first process in them holds them. It dies with the supervisor, and the kernel then ends every other process,
// frees every mount and removes every interface, so that nothing can be left behind but cgroups, which have names.
package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cyan-cd/cyan/localcluster/internal/pause"
	"github.com/cyan-cd/cyan/localcluster/internal/processes"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// Address is the node's address in its own network; Bits is the length of the network's prefix.
const (
	Address = "172.30.0.1"
	bits    = 24
	// PodRange is where pods get their addresses.
	PodRange = "10.244.0.0/16"
)

// Node is a set of namespaces that programs can be started in.
type Node struct {
	tasks  chan task
	init   *exec.Cmd
	exited chan struct{}
	once   sync.Once
	dir    state.Dir
	thread int
	net    *netThread
}

type task struct {
	do   func() error
	done chan error
}

// New makes the namespaces, and in them a network, the mounts that parts expect, and the first process.
// initCommand is what to run as the first process; it has to call Settle.
func New(dir state.Dir, initCommand []string) (*Node, error) {
	program, err := pause.Program(runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(pauseFile(dir), program, 0o700); err != nil {
		return nil, fmt.Errorf("writing the node's first process: %w", err)
	}
	n := &Node{tasks: make(chan task), exited: make(chan struct{}), dir: dir}
	entered := make(chan error)
	go n.enterNamespaces(entered)
	if err := <-entered; err != nil {
		return nil, err
	}
	if err := n.Do(func() error { return n.startInit(initCommand) }); err != nil {
		n.Stop()
		return nil, err
	}
	if n.net, err = newNetThread(n.thread); err != nil {
		n.Stop()
		return nil, err
	}
	return n, nil
}

func pauseFile(dir state.Dir) string { return dir.Run + "/pause" }

// enterNamespaces takes a thread of this process into new namespaces and keeps it there. Programs that it starts are
// born there, and the kernel tells them when the thread ends, which is when this process does.
func (n *Node) enterNamespaces(entered chan<- error) {
	runtime.LockOSThread() // for ever: this thread can serve nothing else
	n.thread = unix.Gettid()
	// The first time that Go handles a process it tries out what the kernel can do with one that ends at once. That one
	// must not be the first of the new namespace, which ends with it.
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Release()
	}
	err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID)
	if err != nil {
		entered <- fmt.Errorf("making namespaces: %w: real nodes need all of root's rights (in a container: --privileged), or take --nodes simulated", err)
		return
	}
	entered <- nil
	for t := range n.tasks {
		t.done <- t.do()
	}
}

// Do runs f on the thread that is in the namespaces.
func (n *Node) Do(f func() error) error {
	t := task{do: f, done: make(chan error, 1)}
	n.tasks <- t
	return <-t.done
}

// Start starts a program in the namespaces.
func (n *Node) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	return n.Do(cmd.Start)
}

func (n *Node) startInit(command []string) error {
	ready, readyWrite, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer ready.Close()
	n.init = exec.Command(command[0])
	n.init.Args = command[1:]
	n.init.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", processes.Mark(n.dir)}
	n.init.ExtraFiles = []*os.File{readyWrite}
	n.init.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	err = n.init.Start()
	_ = readyWrite.Close()
	if err != nil {
		return fmt.Errorf("starting the node's first process: %w", err)
	}
	// The pipe is closed when the process has become what it is to be; until then it says what goes wrong.
	said, err := io.ReadAll(ready)
	if err != nil {
		return fmt.Errorf("waiting for the node's first process: %w", err)
	}
	go func() {
		_ = n.init.Wait()
		close(n.exited)
	}()
	if text := strings.TrimSpace(string(said)); text != "" {
		return errors.New(text)
	}
	return nil
}

// Exited is closed when the namespaces have lost their first process, and with it every other.
func (n *Node) Exited() <-chan struct{} { return n.exited }

// Stop ends every process in the namespaces and returns when they, and the cgroups of pods, are gone.
func (n *Node) Stop() {
	n.once.Do(func() {
		if n.init != nil && n.init.Process != nil {
			_ = n.init.Process.Kill()
			<-n.exited
		}
		if n.net != nil {
			n.net.close()
		}
		close(n.tasks)
		_ = RemoveCgroups(n.dir)
	})
}
