// Package seed gives tests random numbers that can be had again: `-seed N` repeats what a run with that seed did.
package seed

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var given = flag.Uint64("seed", 0, "repeat what a test did with this seed; 0 takes a new one")

// Random returns random numbers from the seed of the flag -seed, or from one that is new in every run. The seed is
// printed with the line that repeats the test.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := *given
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d; to repeat it: go test -run '^%s$' -seed %d", seed, t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 0))
}
