package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// netThread makes sockets in a network for a process that is not in it. A socket stays in the network it was made in,
// whoever uses it.
type netThread struct{ tasks chan task }

// newNetThread enters the network of a thread of this process.
func newNetThread(of int) (*netThread, error) {
	ns, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", of))
	if err != nil {
		return nil, fmt.Errorf("opening the node's network: %w", err)
	}
	defer ns.Close()
	return enterNetwork(ns)
}

func enterNetwork(ns *os.File) (*netThread, error) {
	t := &netThread{tasks: make(chan task)}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever
		err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
		entered <- err
		if err != nil {
			return
		}
		for task := range t.tasks {
			task.done <- task.do()
		}
	}()
	if err := <-entered; err != nil {
		return nil, fmt.Errorf("entering a network: %w", err)
	}
	return t, nil
}

func (t *netThread) close() { close(t.tasks) }

func (t *netThread) do(f func() error) error {
	job := task{do: f, done: make(chan error, 1)}
	t.tasks <- job
	return <-job.done
}

func (t *netThread) listen(address string) (*net.TCPListener, error) {
	var listener net.Listener
	err := t.do(func() (err error) {
		listener, err = net.Listen("tcp4", address)
		return err
	})
	if err != nil {
		return nil, err
	}
	return listener.(*net.TCPListener), nil
}

// Listen listens in the node's network.
func (n *Node) Listen(address string) (*net.TCPListener, error) {
	listener, err := n.net.listen(address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s in the node's network: %w", address, err)
	}
	return listener, nil
}

// OwnNetwork opens the network that this process is in, for a part in the node's to listen in.
func OwnNetwork() (*os.File, error) {
	file, err := os.Open("/proc/thread-self/ns/net") // threads that are in the node's run nothing else
	if err != nil {
		return nil, fmt.Errorf("opening this machine's network: %w", err)
	}
	return file, nil
}

// ListenIn returns what listens in the network that was opened.
func ListenIn(network *os.File) (func(address string) (*net.TCPListener, error), error) {
	t, err := enterNetwork(network)
	if err != nil {
		return nil, err
	}
	return t.listen, nil
}

// Dial connects to an IPv4 address and port in the node's network.
func (n *Node) Dial(ctx context.Context, address string) (*net.TCPConn, error) {
	to, err := net.ResolveTCPAddr("tcp4", address) // a literal: nothing is asked
	if err != nil {
		return nil, err
	}
	fd, err := n.socket(unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	return connect(ctx, fd, sockaddr(to.IP, to.Port))
}

// DialDatagrams makes a socket whose datagrams go to an IPv4 address and port in the node's network.
func (n *Node) DialDatagrams(address string) (*net.UDPConn, error) {
	to, err := net.ResolveUDPAddr("udp4", address) // a literal: nothing is asked
	if err != nil {
		return nil, err
	}
	fd, err := n.socket(unix.SOCK_DGRAM)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "datagrams") //nolint:gosec // a descriptor
	defer file.Close()                           // the connection has a descriptor of its own
	if err := unix.Connect(fd, sockaddr(to.IP, to.Port)); err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// socket makes one of a kind in the node's network.
func (n *Node) socket(kind int) (fd int, err error) {
	err = n.net.do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("making a socket in the node's network: %w", err)
	}
	return fd, nil
}

func sockaddr(ip net.IP, port int) *unix.SockaddrInet4 {
	target := &unix.SockaddrInet4{Port: port}
	copy(target.Addr[:], ip.To4())
	return target
}

// connect finishes on Go's own poller, so that a slow answer holds up nobody else.
func connect(ctx context.Context, fd int, target unix.Sockaddr) (*net.TCPConn, error) {
	err := unix.Connect(fd, target)
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close() // the connection has a descriptor of its own
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return nil, os.NewSyscallError("connect", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = file.SetWriteDeadline(deadline)
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		_, err := unix.Getpeername(int(fd))
		if err == nil {
			return true
		}
		code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		switch {
		case err != nil:
			failed = err
		case code != 0:
			failed = unix.Errno(code)
		default:
			return false // still under way
		}
		return true
	})
	if err = errors.Join(err, os.NewSyscallError("connect", failed)); err != nil {
		return nil, err
	}
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}
