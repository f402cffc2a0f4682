//go:build !linux

package source

// limitMemory is for systems on which a process cannot be given a bound from outside.
func limitMemory(int, int64) {}
