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

// median measures several times and returns the median.
func median(times int, measure func() (time.Duration, error)) (time.Duration, error) {
	var all []time.Duration
	for range times {
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

// rounded writes a time with three digits.
func rounded(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.2f", float64(a)/float64(b)) }

func megabytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
