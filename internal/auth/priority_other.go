//go:build !linux

package auth

// yieldProcessor does nothing: threads have no priority of their own.
func yieldProcessor() {}
