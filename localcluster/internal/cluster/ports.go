package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyan-cd/cyan/localcluster/internal/processes"
)

const loopback = "127.0.0.1"

// reservedPort is a port of 127.0.0.1 that is kept from other programs.
type reservedPort struct {
	port int
	file *os.File
}

// reservePort binds a port without listening, so that a part of ours can listen on it and no other program can. A given
// port has to be free; without one, the port from before is taken, or any.
func reservePort(given, before int, flag string) (*reservedPort, error) {
	// The parts of a supervisor that was killed may be about to end.
	for tries := 0; given == 0 && before != 0 && tries < 20; tries++ {
		if h, err := bindLoopback(before); err == nil {
			return h, nil
		}
		<-time.After(50 * time.Millisecond)
	}
	h, err := bindLoopback(given)
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		who, remedy := holder(given)
		return nil, fmt.Errorf("port %d of %s is taken by %s: %s, or choose another port with %s", given, loopback, who, remedy, flag)
	case errors.Is(err, unix.EACCES):
		return nil, fmt.Errorf("port %d may be used by root alone: choose one above 1023 with %s", given, flag)
	case err != nil:
		return nil, fmt.Errorf("taking port %d of %s: %w", given, loopback, err)
	}
	return h, nil
}

// holder returns who keeps a port, and how to get it.
func holder(port int) (who, remedy string) {
	if l, known := processes.ListenerOf(port); known {
		return l.String(), l.Remedy()
	}
	return "another program", fmt.Sprintf("end that program (`sudo ss -ltnp 'sport = :%d'` shows it)", port)
}

func bindLoopback(port int) (*reservedPort, error) {
	// Sharing must not hide another program that listens there already.
	if port != 0 {
		probe, err := net.Listen("tcp4", net.JoinHostPort(loopback, strconv.Itoa(port)))
		if err != nil {
			return nil, err
		}
		_ = probe.Close()
	}
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "port")
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &reservedPort{port: bound.(*unix.SockaddrInet4).Port, file: file}, nil
}

// listen listens on the port that is held.
func (h *reservedPort) listen() (*net.TCPListener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var setting error
		err := raw.Control(func(fd uintptr) {
			setting = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		return errors.Join(err, setting)
	}}
	l, err := config.Listen(context.Background(), "tcp4", h.address())
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", h.address(), err)
	}
	return l.(*net.TCPListener), nil
}

func (h *reservedPort) address() string { return net.JoinHostPort(loopback, strconv.Itoa(h.port)) }

func (h *reservedPort) close() {
	if h != nil {
		_ = h.file.Close()
	}
}
