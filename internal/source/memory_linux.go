package source

import "golang.org/x/sys/unix"

// limitMemory bounds the address space of a process and of those that it starts from now on. A process that has ended
// meanwhile needs no bound.
func limitMemory(pid int, bytes int64) {
	if bytes > 0 {
		limit := unix.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)}
		_ = unix.Prlimit(pid, unix.RLIMIT_AS, &limit, nil)
	}
}
