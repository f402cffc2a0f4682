package auth

import (
	"runtime"
	"syscall"
)

// compareNice is the niceness of threads that compare passwords: a tenth of what others get, where these want it.
// mostNice is one more than what the system knows.
const compareNice, mostNice = 10, 20

// yieldProcessor has the thread of a goroutine run behind all others of the program for as long as they have something
// to do. Such a thread ends with its goroutine.
func yieldProcessor() {
	runtime.LockOSThread()
	thread := syscall.Gettid()
	// The system call counts down from 20. Who runs behind others already is not put before them.
	if raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, thread); err != nil || mostNice-raw >= compareNice {
		return
	}
	// What fails makes nothing wrong, only slower.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, thread, compareNice)
}
