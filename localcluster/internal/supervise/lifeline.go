package supervise

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// lifelineEnv names the file descriptor that a part watches.
const lifelineEnv = "CYAN_LOCAL_LIFELINE"

// HoldLifeline ends this process as soon as the supervisor that started it is gone, however it went. It does nothing in
// a process that no supervisor started.
func HoldLifeline() {
	value := os.Getenv(lifelineEnv)
	if value == "" {
		return
	}
	_ = os.Unsetenv(lifelineEnv)
	fd, err := strconv.Atoi(value)
	if err != nil {
		return
	}
	syscall.CloseOnExec(fd)
	pipe := os.NewFile(uintptr(fd), "lifeline")
	go func() {
		_, _ = pipe.Read(make([]byte, 1)) // nothing is ever written: it returns when the other end is closed
		fmt.Fprintln(os.Stderr, "the supervisor is gone, so this part ends too")
		os.Exit(1)
	}()
}
