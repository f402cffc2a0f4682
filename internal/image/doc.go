// Package image builds container images, pushes them, finds the ones that they stand on, and sets them in a kustomization.
//
// A Go main package is built in this process, without a container engine; anything else by the first of BuildKit, Docker, podman, buildah and nerdctl that answers.
package image

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong, for errors.Is.
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

// Error is what went wrong with an image, for a reader: object, cause, remedy.
type Error struct {
	// Kind is one of the errors above, or nil.
	Kind error
	// Object is the image or the file.
	Object string
	// Problem is the cause, and Remedy what to do.
	Problem string
	Remedy  string
}

// Error begins with the object.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s", e.Object, e.Problem)
	if e.Remedy != "" {
		s = strings.TrimRight(s, "\n") + "; " + e.Remedy
	}
	return s
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }
