// Package datagrams receives datagrams without holding room for them while none is there: thousands of flows wait most
// of the time.
package datagrams

import (
	"errors"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// Max is how long a datagram can be, in bytes.
const Max = 64 << 10

// buffers have room for one datagram each.
var buffers = sync.Pool{New: func() any { return new([Max]byte) }}

// Receive waits for a datagram until the socket's deadline, and passes it on. It is pass's only while that runs.
func Receive(from *net.UDPConn, pass func([]byte) error) error {
	socket, err := from.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = socket.Read(func(descriptor uintptr) (done bool) {
		buffer := buffers.Get().(*[Max]byte)
		defer buffers.Put(buffer)
		n, err := unix.Read(int(descriptor), buffer[:])
		for errors.Is(err, unix.EINTR) {
			n, err = unix.Read(int(descriptor), buffer[:])
		}
		if errors.Is(err, unix.EAGAIN) {
			return false
		}
		if failed = err; err == nil {
			failed = pass(buffer[:n])
		}
		return true
	})
	return errors.Join(err, failed)
}
