package auth

import (
	"runtime"
	"syscall"
)

// compareNice is the niceness of threads that compare passwords: a tenth of what others get, where these want it.
const compareNice = 10

// yieldProcessor has the thread of a goroutine run behind all others of the program for as long as they have something
// to do. Such a thread ends with its goroutine.
func yieldProcessor() {
	runtime.LockOSThread()
	// What fails makes nothing wrong, only slower.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), compareNice)
}
