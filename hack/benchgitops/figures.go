package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// timed returns how long do takes.
func timed(do func() error) (time.Duration, error) {
	started := time.Now()
	err := do()
	return time.Since(started), err
}

// medianOf is how often a limit is measured.
const medianOf = 3

// median measures some times and returns the median.
func median(measure func() (time.Duration, error)) (time.Duration, error) {
	var all []time.Duration
	for range medianOf {
		took, err := measure()
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	return quantile(all, 0.5), nil
}

// quantile returns the smallest value that a share q of all does not exceed.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// spread returns the median and the 99th percentile.
func spread(all []time.Duration) []amount {
	return []amount{lasting(quantile(all, 0.5)), lasting(quantile(all, 0.99))}
}

// place returns the k-th of some places that are spread over a list of n, from its first to its last. Where the list is
// shorter it goes round, so that two that follow each other differ.
func place(k, places, n int) int {
	switch {
	case places > n:
		return k % n
	case places < 2:
		return 0
	}
	return k * (n - 1) / (places - 1)
}

// rounded writes a time with three digits.
func rounded(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}

// ofBare is the time of a bare client as a limit, with how often what was measured takes that.
func ofBare(bare, measured time.Duration) string {
	return fmt.Sprintf("%s, a bare client: %.2f ×", rounded(bare), float64(measured)/float64(max(bare, 1)))
}

func megabytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
