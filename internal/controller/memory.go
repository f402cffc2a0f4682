package controller

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// memoryCheck is the time between two looks at what the program allocates.
	memoryCheck = 10 * time.Second
	// startedAfter is the number of looks after which a program that is never quiet has started, too.
	startedAfter = 6
	// quietAllocation is less than a program allocates in that time that does something.
	quietAllocation = 4 << 20
	// worthReturning is how much must have been allocated for a collection to be worth its time.
	worthReturning = 32 << 20
)

// returnMemory returns to the system what the program needed while it had much to do, once it has nothing to do: the
// runtime itself would keep as much again as is in use, until it has a reason to collect.
func returnMemory(ctx context.Context) error {
	ticker := time.NewTicker(memoryCheck)
	defer ticker.Stop()
	q := quiet{last: allocated()}
	for looks := 1; ; looks++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			due := q.isDue(allocated())
			if due {
				debug.FreeOSMemory()
			}
			if due || looks == startedAfter {
				// Where that can't be done, the program works as well and is larger.
				_ = releaseProgram()
			}
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

// allocated returns the bytes of the heap that were allocated since the start.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
