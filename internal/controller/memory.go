package controller

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// garbage is how much of what is in use may be garbage before it is collected, in percent. The usual 100 is for
	// programs whose memory costs nothing: here it would be half of what the server holds.
	garbage = 50
	// memoryCheck is the time between two looks at what the program allocates.
	memoryCheck = 10 * time.Second
	// quietAllocation is less than a program allocates in that time that does something.
	quietAllocation = 4 << 20
	// worthReturning is how much must have been allocated, or be free and kept, for a collection to be worth its time.
	worthReturning = 32 << 20
)

// ReturnMemory returns to the system what the program needed while it had much to do, once it has nothing to do, or
// keeps much that is free, until ctx ends: the runtime itself would keep as much again as is in use, until it has a
// reason to collect.
func ReturnMemory(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	ticker := time.NewTicker(memoryCheck)
	defer ticker.Stop()
	q := quiet{last: measured(allocatedBytes)}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if q.isDue(measured(allocatedBytes)) || measured(freeBytes) > worthReturning {
				debug.FreeOSMemory()
			}
			// Where that can't be done, the program works as well and is larger. What runs on is mapped again at once, in
			// pieces, at less than a millisecond.
			_ = releaseProgram()
		}
	}
}

// quiet finds the times at which memory is to be returned.
type quiet struct {
	// last is what was allocated, in bytes since the start, at the last look, and returned at the last return.
	last, returned uint64
}

// isDue reports whether memory is to be returned now, given what was allocated since the start.
func (q *quiet) isDue(allocated uint64) bool {
	grown := allocated - q.last
	q.last = allocated
	if grown > quietAllocation || allocated-q.returned < worthReturning {
		return false
	}
	q.returned = allocated
	return true
}

const (
	// allocatedBytes are those of the heap that were allocated since the start, and freeBytes those that are free and were
	// not returned to the system.
	allocatedBytes = "/gc/heap/allocs:bytes"
	freeBytes      = "/memory/classes/heap/free:bytes"
)

// measured returns a figure of the runtime.
func measured(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
