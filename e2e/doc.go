// Package e2e holds the whole chain to its promises: the programs as they are shipped, on real Kubernetes with real
// pods, under constant load.
package e2e
