package auth

import (
	"hash/maphash"
	"sync"
	"time"
)

const (
	sketchRows  = 4
	sketchCells = 4096
)

// sketch keeps a number for each of any number of keys in fixed memory: a key has a cell in each row, and its number is
// the least of them. Keys that share a cell may be counted too high in one row, and hardly ever in all.
type sketch[T any] struct {
	seeds [sketchRows]maphash.Seed
	cells [sketchRows][sketchCells]T
}

func newSketch[T any]() *sketch[T] {
	s := &sketch[T]{}
	for i := range s.seeds {
		s.seeds[i] = maphash.MakeSeed()
	}
	return s
}

// of returns the cells of a key.
func (s *sketch[T]) of(key string) [sketchRows]*T {
	var cells [sketchRows]*T
	for i := range cells {
		cells[i] = &s.cells[i][maphash.String(s.seeds[i], key)%sketchCells]
	}
	return cells
}

// rate is how many attempts a key has: as many as burst at once, and another after each interval.
type rate struct {
	burst    int
	interval time.Duration
}

// atStart is how many attempts each key has after a start.
const atStart = 3

// buckets hold a rate for any number of keys in fixed memory. Nothing is given back by a restart: each key begins with
// few attempts, and earns the others by time.
type buckets struct {
	rate
	mu    sync.Mutex
	began time.Time
	// full is, for each cell, when its bucket is full again, as time since began; it is in the past for a full one.
	full *sketch[time.Duration]
}

func newBuckets(r rate, now time.Time) *buckets {
	b := &buckets{rate: r, began: now, full: newSketch[time.Duration]()}
	for i := range b.full.cells {
		for j := range b.full.cells[i] {
			b.full.cells[i][j] = time.Duration(r.burst-atStart) * r.interval
		}
	}
	return b
}

// take takes an attempt of a key, or returns how long it has to wait for one.
func (b *buckets) take(key string, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	cells, since := b.full.of(key), now.Sub(b.began)
	least := *cells[0]
	for _, cell := range cells[1:] {
		least = min(least, *cell)
	}
	next := max(least, since) + b.interval
	if wait = next - since - time.Duration(b.burst)*b.interval; wait > 0 {
		return wait
	}
	for _, cell := range cells {
		*cell = max(*cell, next)
	}
	return 0
}

// giveBack returns an attempt to a key. Cells that are fuller are so for other keys.
func (b *buckets) giveBack(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	cells := b.full.of(key)
	least := *cells[0]
	for _, cell := range cells[1:] {
		least = min(least, *cell)
	}
	for _, cell := range cells {
		if *cell == least {
			*cell -= b.interval
		}
	}
}

// failure is how often a key has failed in a row, and when it did last.
type failure struct {
	count int32
	last  time.Duration
}

// failures count failed attempts of any number of keys in fixed memory.
type failures struct {
	mu    sync.Mutex
	began time.Time
	by    *sketch[failure]
}

func newFailures(now time.Time) *failures { return &failures{began: now, by: newSketch[failure]()} }

const (
	// freeFailures are as many as people have who mistype.
	freeFailures = 5
	longestDelay = time.Minute
	// forgotten is after how long a failure counts no more.
	forgotten = 15 * time.Minute
)

// least returns the cell with the fewest failures that still count.
func (f *failures) least(key string, since time.Duration) failure {
	var least failure
	for i, cell := range f.by.of(key) {
		is := *cell
		if since-is.last > forgotten {
			is = failure{}
		}
		if i == 0 || is.count < least.count {
			least = is
		}
	}
	return least
}

// count returns how often a key has failed lately.
func (f *failures) count(key string, now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int(f.least(key, now.Sub(f.began)).count)
}

// wait returns how long a key has to wait after its failures: a second, doubled with each further one.
func (f *failures) wait(key string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	since := now.Sub(f.began)
	is := f.least(key, since)
	if is.count < freeFailures {
		return 0
	}
	delay := longestDelay
	if over := is.count - freeFailures; over < 6 {
		delay = min(delay, time.Second<<over)
	}
	return max(0, is.last+delay-since)
}

// failed counts a failure.
func (f *failures) failed(key string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	since := now.Sub(f.began)
	next := failure{f.least(key, since).count + 1, since}
	for _, cell := range f.by.of(key) {
		if cell.count < next.count || since-cell.last > forgotten {
			*cell = next
		}
	}
}

// takeBack leaves the last failure of a key out.
func (f *failures) takeBack(key string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	least := f.least(key, now.Sub(f.began))
	f.set(key, least, failure{max(0, least.count-1), least.last})
}

// forget leaves all failures of a key out: it has succeeded.
func (f *failures) forget(key string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set(key, f.least(key, now.Sub(f.began)), failure{})
}

// set writes the cells that no other key has made higher.
func (f *failures) set(key string, least, value failure) {
	for _, cell := range f.by.of(key) {
		if cell.count <= least.count {
			*cell = value
		}
	}
}
