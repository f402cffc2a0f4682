package supervise

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// supervisorPipeEnv names the file descriptor that a part watches.
const supervisorPipeEnv = "CYAN_LOCAL_LIFELINE"

// NodeInit is the name of the first process in the namespaces of a node.
const NodeInit = "cyan-node"

// ExitWithSupervisor ends this process as soon as the supervisor that started it is gone, however it went. It does
// nothing in a process that no supervisor started.
func ExitWithSupervisor() {
	value := os.Getenv(supervisorPipeEnv)
	if value == "" {
		return
	}
	_ = os.Unsetenv(supervisorPipeEnv)
	fd, err := strconv.Atoi(value)
	if err != nil {
		return
	}
	syscall.CloseOnExec(fd)
	pipe := os.NewFile(uintptr(fd), "supervisor")
	go func() {
		_, _ = pipe.Read(make([]byte, 1)) // nothing is ever written: it returns when the other end is closed
		fmt.Fprintln(os.Stderr, "the supervisor is gone, so this part ends too")
		endNode()
		os.Exit(1)
	}()
}

// endNode ends the namespaces that this process is in, if they are a node's, and with them every process there. The
// kernel should have done it when the supervisor died, and does not always.
func endNode() {
	first, err := os.ReadFile("/proc/1/cmdline")
	if err == nil && bytes.HasPrefix(first, []byte(NodeInit+"\x00")) {
		_ = syscall.Kill(1, syscall.SIGTERM)
	}
}
