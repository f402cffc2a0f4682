// Package image builds container images, pushes them, finds the ones that they stand on, and sets them in a
// kustomization.
//
// A Go main package is built in this process, without a container engine, where that comes to the same as its
// Dockerfile; anything else by the first of BuildKit, Docker, podman, buildah and nerdctl that answers.
package image

import "errors"

// What can be wrong, for errors.Is. Each is in a problem.Error.
var (
	// ErrBaseMissing: images that a Dockerfile stands on are nowhere to be found.
	ErrBaseMissing = errors.New("base image missing")
	// ErrBuildFailed: the compiler or the Dockerfile failed.
	ErrBuildFailed = errors.New("build failed")
	// ErrNoBuilder: nothing on this machine can build it.
	ErrNoBuilder = errors.New("no builder")
	// ErrPushRefused: the registry does not take the image from these credentials.
	ErrPushRefused = errors.New("push refused")
	// ErrUnreachable: the registry does not answer. It may later.
	ErrUnreachable = errors.New("registry unreachable")
)
